"""Reading of tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError, shown
from sigbench.core.media.content import Content
from sigbench.core.media.options import TableOptions
from sigbench.core.media.table.axis import MIN_COUNTER, Axis, is_calendar, is_counter
from sigbench.core.media.table.columns import Body, Column, not_a_number, scan
from sigbench.core.media.table.dialect import Dialect, detect
from sigbench.core.media.table.encoding import Text, text_of
from sigbench.core.media.table.header import Names, kinds_and_start, names_of
from sigbench.core.media.table.measure import axis_of
from sigbench.core.media.table.sample import Sample, sample_of
from sigbench.core.media.table.writing import encoder

MAX_COLUMNS = 10_000


def read_table(path: Path, options: TableOptions | None = None) -> Content:
    """Read a table of numbers; its form is guessed from its lines.

    Raises
    ------
    InputError
        If a cell is not a number or a line has another number of cells; the message contains the
        number of the line.
    """
    return table_from_bytes(path.read_bytes(), str(path), options)


def table_from_bytes(data: bytes, name: str, options: TableOptions | None = None) -> Content:
    r"""Read a table from the bytes of a file, such as standard input.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Its name, for errors.
    options : TableOptions, optional
        What is not to be guessed.

    Raises
    ------
    InputError
        If the data are no table, or a column that the options name does not exist.

    Examples
    --------
    >>> content = table_from_bytes(b"t [s];v\n0,0;1,5\n0,1;2,5\n0,2;2,0\n", "a.csv")
    >>> content.notes
    ('axis: t [s], 10 Hz; 1 column denoised; decimal comma',)
    >>> content.encode(content.batch + 0.25, ".csv")
    b't [s];v\n0,0;1,8\n0,1;2,8\n0,2;2,2\n'
    """
    options = options or TableOptions()
    text = text_of(data, name)
    sample = sample_of(text.raw)
    dialect = detect(sample, options.delimiter, name)
    if dialect.width > MAX_COLUMNS:
        raise InputError(f"{name} has {dialect.width} columns: it can have at most {MAX_COLUMNS}")
    kinds, first = kinds_and_start(sample, dialect, name)
    if first is None:
        raise _without_rows(sample, name, options)
    head = text.raw[: first.start]
    body = Body(text.raw, first.start, first.number - 1, dialect, name, text.decode)
    names = names_of(head, dialect, text, last_is_empty=kinds[-1] == "M")
    _check_header(names, dialect, options, body, name)
    chosen = None if options.columns is None else _chosen(options.columns, names, "columns", name)
    columns = _columns(body, names, kinds, chosen)
    axis = axis_of(columns, body, _axis_option(options, names, name), chosen)
    denoised, counters = _denoised(columns, axis, chosen, body)
    return _content(
        text,
        body,
        columns,
        denoised,
        axis,
        _notes(text, dialect, columns, denoised, counters, axis, chosen, options),
        options,
    )


def _without_rows(sample: Sample, name: str, options: TableOptions) -> InputError:
    rows = sample.rows
    if len(rows) < 2:
        return InputError(f"{name} is empty: it contains no samples")
    given = f" with the delimiter {shown(options.delimiter)}" if options.delimiter else ""
    return InputError(f"{name} contains no column of numbers{given}")


def _check_header(
    names: Names, dialect: Dialect, options: TableOptions, body: Body, name: str
) -> None:
    """Refuse a table whose decimal commas would be read as delimiters: the header has fewer names."""
    if (
        options.delimiter
        or dialect.splitter.delimiter != b","
        or not 0 < names.count < dialect.width
    ):
        return
    cells = next(body.blocks()).cells[: 50 * dialect.width]
    if names.count * 2 == dialect.width and not any(b"." in cell for cell in cells):
        row = b",".join(cells[: dialect.width]).decode(errors="replace")
        raise InputError(
            f"{name} has {names.count} names, but {dialect.width} cells in a line: in {shown(row)} the "
            "comma may be a decimal mark; use --delimiter ',' if it separates cells"
        )


def _chosen(texts: Sequence[str], names: Names, option: str, name: str) -> tuple[int, ...]:
    """Return the columns that are named, by header, name or number.

    Raises
    ------
    InputError
        For an unknown or ambiguous name; the message lists the legal ones.
    """
    found = []
    for text in texts:
        matches = [k for k, header in enumerate(names.headers) if text and header == text]
        matches = matches or [k for k, one in enumerate(names.names) if text and one == text]
        matches = matches or [k for k, one in enumerate(names.labels) if one == text]
        if not matches and text.isdecimal() and text.isascii() and len(text) < 6:
            matches = [k for k in (int(text) - 1,) if 0 <= k < len(names.names)]
        if len(matches) > 1:
            numbers = ", ".join(str(k + 1) for k in matches)
            raise InputError(f"{option}={shown(text)}: {name} has several such columns: {numbers}")
        if not matches:
            legal = ", ".join(names.labels[:50])
            raise InputError(
                f"{option}={shown(text)} is not a column of {name}: one of {legal}, "
                f"or a number from 1 to {len(names.names)}"
            )
        found += matches
    return tuple(dict.fromkeys(found))


def _axis_option(options: TableOptions, names: Names, name: str) -> int | str | None:
    """Return the column of the axis, ``"none"``, or None if it is to be guessed."""
    if options.axis is None or (options.axis == "none" and "none" not in names.names):
        return options.axis
    return _chosen((options.axis,), names, "axis", name)[0]


def _columns(
    body: Body, names: Names, kinds: Sequence[str], chosen: Sequence[int] | None
) -> list[Column]:
    candidates = [k for k, kind in enumerate(kinds) if kind in "NM" or k in (chosen or ())]
    required = candidates if chosen is None else chosen
    scanned = scan(body, candidates, frozenset(required))
    columns = []
    for k, (name, label, unit) in enumerate(
        zip(names.names, names.labels, names.units, strict=True)
    ):
        kind, values, style, width = kinds[k], np.zeros(0), None, None
        if k in scanned:
            values, style, width = scanned[k].values, scanned[k].style, scanned[k].width
            kind = "M" if np.isnan(values).all() else "N"
        elif kind in "NM":
            kind = "T"
        columns.append(Column(name, label, unit, kind, values, style, width))
    return columns


def _denoised(
    columns: Sequence[Column], axis: Axis | None, chosen: Sequence[int] | None, body: Body
) -> tuple[list[int], list[int]]:
    """Return the columns that are denoised, and those that are copied because they are counters."""
    at = None if axis is None else axis.columns[0]
    if chosen is not None:
        for k in chosen:
            if k == at:
                raise InputError(f"columns={columns[k].label} is the axis, which is not denoised")
            if columns[k].kind == "M":
                raise InputError(f"columns={columns[k].label} has no numbers in {body.name}")
        return list(chosen), []
    numbers = [k for k, column in enumerate(columns) if column.kind == "N" and k != at]
    counters = [
        k for k in numbers if is_calendar(columns[k]) or (at is not None and is_counter(columns[k]))
    ]
    if len(counters) == len(numbers):
        counters = []
    denoised = [k for k in numbers if k not in counters]
    if not denoised:
        if at is not None:
            raise InputError(
                f"{body.name} has no column to denoise beside the axis {columns[at].label}; "
                "--axis none if it is a measurement"
            )
        first = next(body.blocks(), None)
        if first is None or not first.cells or all(column.kind == "M" for column in columns):
            raise InputError(f"{body.name} is empty: it contains no samples")
        raise not_a_number(body, first.lines[0], first.cells[0])
    return denoised, counters


def _content(
    text: Text,
    body: Body,
    columns: Sequence[Column],
    denoised: Sequence[int],
    axis: Axis | None,
    notes: tuple[str, ...],
    options: TableOptions,
) -> Content:
    batch = np.stack([columns[k].values for k in denoised])[:, None]
    missing = np.isnan(batch)
    uneven = (
        axis is not None
        and axis.spacing.ordered
        and not (axis.spacing.even and axis.spacing.gaps == 0)
    )
    positions = axis.positions if axis is not None and uneven else None
    for values, holes in zip(batch[:, 0], missing[:, 0], strict=True):
        values[holes] = _interpolated(values, holes, positions)
    encode = encoder(text, body, columns, denoised, batch[:, 0], missing[:, 0], fill=options.fill)
    return Content(
        batch,
        "signal",
        None,
        None if axis is None else axis.fs,
        encode,
        notes,
        missing if missing.any() else None,
        positions,
        tuple(columns[k].label for k in denoised),
    )


def _interpolated(
    values: NDArray[np.float64], holes: NDArray[np.bool_], positions: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Return the values of missing samples by linear interpolation; at the ends, the nearest."""
    at = np.arange(len(values), dtype=float) if positions is None else positions
    if at[0] > at[-1]:
        at = -at
    return np.interp(at[holes], at[~holes], values[~holes])


def _notes(
    text: Text,
    dialect: Dialect,
    columns: Sequence[Column],
    denoised: Sequence[int],
    counters: Sequence[int],
    axis: Axis | None,
    chosen: Sequence[int] | None,
    options: TableOptions,
) -> tuple[str, ...]:
    """Return one line about what was guessed, and one about what limits the result."""
    parts = ["no axis" if axis is None else axis.text]
    parts.append(f"{len(denoised)} column{'s' * (len(denoised) != 1)} denoised")
    copied = [
        column.label
        for k, column in enumerate(columns)
        if k not in denoised and column.kind != "M" and (axis is None or k not in axis.columns)
    ]
    if copied:
        parts[-1] += f", {_listed(copied)} copied"
    growing = [
        columns[k].label
        for k in denoised
        if chosen is None
        and options.axis is None
        and len(columns[k].present) >= MIN_COUNTER
        and bool((np.diff(columns[k].present) > 0).all())
    ]
    if growing and len(columns) > 1:
        parts.append(f"{_listed(growing)} only increases, but is no axis (--axis)")
    holes = sum(int(np.isnan(columns[k].values).sum()) for k in denoised)
    if holes:
        filled = "filled" if options.fill else "stays missing" if holes == 1 else "stay missing"
        parts.append(f"{holes} missing sample{'s' * (holes != 1)} {filled}")
    form = dialect.form
    if form.decimal == b",":
        parts.append("decimal comma")
    if form.thousands:
        mark = text.decode(form.thousands)
        parts.append(f"thousands separated by {'spaces' if mark.isspace() else repr(mark)}")
    if text.guessed:
        parts.append(f"read as {text.title}")
    lines = ["; ".join(parts)]
    whole = [columns[k].label for k in denoised if _is_whole(columns[k])]
    if whole:
        verb = "has" if len(whole) == 1 else "have"
        lines.append(f"{_listed(whole)} {verb} whole numbers: the result is rounded to them")
    return tuple(lines)


def _is_whole(column: Column) -> bool:
    return column.style is not None and column.style.whole


def _listed(labels: Sequence[str]) -> str:
    return ", ".join(labels[:5]) + (f" and {len(labels) - 5} more" if len(labels) > 5 else "")
