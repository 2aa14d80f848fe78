"""What is above the rows of a table: where they begin, and the names and units of the columns."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError, shown
from sigbench.core.media.table.dialect import Dialect, kind
from sigbench.core.media.table.encoding import Text
from sigbench.core.media.table.lines import COMMENTS
from sigbench.core.media.table.numbers import PADDING
from sigbench.core.media.table.sample import Line, Sample

UNITS = frozenset(
    [
        "s",
        "S",
        "sec",
        "Sec",
        "ms",
        "us",
        "µs",
        "μs",
        "ns",
        "min",
        "h",
        "d",
        "V",
        "mV",
        "uV",
        "µV",
        "μV",
        "kV",
        "A",
        "mA",
        "uA",
        "µA",
        "μA",
        "g",
        "m/s",
        "m/s2",
        "m/s^2",
        "m/s²",
        "m/s**2",
        "°C",
        "degC",
        "C",
        "°F",
        "F",
        "K",
        "Pa",
        "hPa",
        "kPa",
        "MPa",
        "bar",
        "mbar",
        "psi",
        "Hz",
        "kHz",
        "MHz",
        "GHz",
        "%",
        "rpm",
        "RPM",
        "1/min",
        "deg",
        "°",
        "°/s",
        "deg/s",
        "rad",
        "rad/s",
        "m",
        "mm",
        "cm",
        "km",
        "µm",
        "μm",
        "um",
        "nm",
        "in",
        "ft",
        "kg",
        "mg",
        "N",
        "kN",
        "W",
        "kW",
        "MW",
        "kWh",
        "Wh",
        "Nm",
        "J",
        "dB",
        "dBm",
        "dBA",
        "ppm",
        "ppb",
        "lux",
        "lx",
        "Ohm",
        "ohm",
        "Ω",
        "T",
        "mT",
        "counts",
        "count",
        "a.u.",
        "au",
        "-",
        "V/V",
        "l",
        "L",
        "ml",
        "mL",
        "l/min",
        "L/min",
        "l/h",
        "bpm",
        "UTC",
        "°/h",
        "eV",
        "keV",
        "1/cm",
        "cm-1",
        "cm^-1",
    ]
)
MAX_LABEL = 60  # characters
BRACKETED = re.compile(r"[\[(].{0,20}[\])]")
_WITH_UNIT = re.compile(r"\S+(?:\s+[\[(][^\])]{1,20}[\])])?")
_NAME_UNIT = re.compile(
    r"(?P<name>.*?)\s*(?:[\[(<{](?P<unit>[^\])>}]{1,20})[\])>}]|/\s*(?P<ratio>\S{1,8}))\s*"
)


@dataclass(frozen=True)
class Names:
    """The names and units of columns; empty where there are none.

    Attributes
    ----------
    headers, names, units : tuple of str
        One per column: the whole header, such as ``time [s]``, and its parts.
    count : int
        How many cells the line with names has; 0 without such a line.
    """

    headers: tuple[str, ...]
    names: tuple[str, ...]
    units: tuple[str, ...]
    count: int

    @property
    def labels(self) -> list[str]:
        """How each column is called: by its name, or its number if that is long or not unique.

        Examples
        --------
        >>> names = ("t", "", "x", "x")
        >>> Names(names, names, ("",) * 4, 4).labels
        ['t', 'column 2', 'column 3', 'column 4']
        """
        out = []
        for i, (name, header) in enumerate(zip(self.names, self.headers, strict=True)):
            pairs = ((name, self.names), (header, self.headers))
            unique = [
                text
                for text, texts in pairs
                if text and len(text) <= MAX_LABEL and texts.count(text) == 1
            ]
            out.append(unique[0] if unique else f"column {i + 1}")
        return out


def kinds_and_start(sample: Sample, dialect: Dialect, name: str) -> tuple[list[str], Line | None]:
    """Return the kind of each column, and the first line that is a row.

    A column is ``N`` numbers, ``S`` time stamps, ``T`` text or ``M`` missing, whatever most of its
    cells are. The first row has a number in each column of numbers whose cell is not missing; that
    the column has numbers is judged from the rows below, so that a header of several lines is not
    mistaken for rows.

    Raises
    ------
    InputError
        If a line that looks like a row, since it begins with a number or a date, has a text where
        the rows below have numbers.
    """
    lines = [line for line in sample.first if not line.is_comment]
    rows = [line.row for line in lines] + list(sample.last)
    cells = [dialect.splitter.split(row) for row in rows]
    kinds = np.full((len(rows), dialect.width), "T")
    fits = np.array([len(one) == dialect.width for one in cells], bool)
    for i in np.flatnonzero(fits).tolist():
        kinds[i] = [kind(cell, dialect.form) for cell in cells[i]]
    below = {one: _counts_below((kinds == one) & fits[:, None]) for one in "NST"}
    n, s, t = (below[one] for one in "NST")
    for i, line in enumerate(lines):
        if not fits[i] or not np.isin(kinds[i], ["N", "S"]).any() or _numbered(cells[i]):
            continue
        numbers = (n[i + 1] > 0) & (n[i + 1] >= s[i + 1] + t[i + 1])
        wrong = numbers & ~np.isin(kinds[i], ["N", "M"])
        if wrong.any():
            begins = not wrong[0] and kinds[i, 0] in ("NS" if numbers[0] else "S")
            if begins and (numbers[0] or s[i + 1, 0] > 0) and dialect.width > 1:
                cell = cells[i][int(np.argmax(wrong))].strip(PADDING).decode(errors="replace")
                raise InputError(f"{name}, line {line.number}: {shown(cell)} is not a number")
            continue
        found = []
        for k in range(dialect.width):
            counts = {"N": n[i, k], "S": s[i, k], "T": t[i, k]}
            best = max(counts, key=lambda one: counts[one])  # of equal counts, N
            found.append(best if counts[best] else "M")
        if "N" in found:
            return found, line
    return [], None


def _numbered(cells: Sequence[bytes]) -> bool:
    """Return whether a line is a header ``,0,1,2``, which pandas writes for columns without names."""
    numbers = [cell.strip(PADDING) for cell in cells[1:]]
    return not cells[0].strip(PADDING) and numbers == [b"%d" % i for i in range(len(numbers))]


def _counts_below(marked: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return how often a kind is in each row and those below; the last row of the result is 0."""
    counts = np.zeros((len(marked) + 1, marked.shape[1]), np.intp)
    counts[:-1] = np.cumsum(marked[::-1], axis=0)[::-1]
    return counts


def names_of(head: bytes, dialect: Dialect, text: Text, *, last_is_empty: bool) -> Names:
    """Return the names and units of columns from the lines above the rows.

    A comment has the names if nothing else is above the rows.
    """
    width = dialect.width
    rows, comments = _split(text.decode(head), dialect)
    rows = [row for row in rows if any(row) and not row[0].lower().startswith("sep=")]
    if not rows:
        rows = [row for row in comments[-2:] if len(row) == width and (width > 1 or row[0])]
    if not rows:
        none = ("",) * width
        return Names(none, none, none, 0)
    units: list[str] = []
    usable = [row for row in rows if len(row) > 1 or width == 1] or rows
    if usable[0][0] == "TOA5" and len(usable) == 4:  # loggers of Campbell: how is below the units
        units, usable = usable[2], usable[:2]
    elif len(usable) > 1 and _are_units(usable[-1], usable[-2]):
        units = [cell.strip("[](){} ") for cell in usable.pop()]
    names = usable[-1]
    count = len(names)
    if len(names) > width and not any(names[width:]):
        names = names[:width]
    if len(names) == width - 1 and not last_is_empty and width > 2 and not units:
        names = ["", *names]  # as in files of R, the first column has no name
    headers = _filled(names, width)
    split = [_name_and_unit(name) for name in headers]
    both = zip(split, _filled(units, width), strict=True)
    return Names(
        tuple(headers),
        tuple(name for name, _ in split),
        tuple(below or own for (_, own), below in both),
        count,
    )


def _filled(cells: Sequence[str], width: int) -> list[str]:
    return (list(cells) + [""] * width)[:width]


def _split(head: str, dialect: Dialect) -> tuple[list[list[str]], list[list[str]]]:
    """Return the cells of header lines, and those of comments."""
    marks = tuple(mark.decode() for mark in COMMENTS)
    texts: list[str] = []
    comments: list[str] = []
    for line in io.StringIO(head, newline=None):
        core = line.strip()
        if core.startswith(marks):
            comments.append(core.lstrip("#%/ "))
        else:
            texts.append(line)
    return _cells(texts, dialect), _cells(comments, dialect)


def _cells(lines: Sequence[str], dialect: Dialect) -> list[list[str]]:
    if dialect.splitter.white:
        return [_words(line, dialect.width) for line in lines]
    mark = dialect.splitter.delimiter.decode()
    try:  # names in quotes may contain line ends
        rows = list(csv.reader(lines, delimiter=mark))
    except csv.Error:
        rows = [line.split(mark) for line in lines]
    return [[" ".join(cell.split()) for cell in row] for row in rows]


def _words(line: str, width: int) -> list[str]:
    """Return the cells of a line with white space between them; as many as columns, if possible.

    Examples
    --------
    >>> _words("Time (s)  Force (N)", 2), _words("Time (s) Force (N)", 2), _words("t x", 2)
    (['Time (s)', 'Force (N)'], ['Time (s)', 'Force (N)'], ['t', 'x'])
    """
    cells = [cell.strip('"') for cell in re.findall(r'"[^"]*"|\S+', line)]
    if len(cells) > width:  # names with spaces, or with units behind them
        for found in (re.split(r"\s{2,}|\t", line.strip()), _WITH_UNIT.findall(line)):
            if len(found) == width:
                return [cell.strip('"') for cell in found]
    return cells


def _are_units(row: Sequence[str], above: Sequence[str]) -> bool:
    found = [cell for cell in row if cell]
    if len(found) > sum(map(bool, above)):
        return False
    known = sum(cell in UNITS or bool(BRACKETED.fullmatch(cell)) for cell in found)
    return bool(found) and 2 * known >= len(found)


def _name_and_unit(name: str) -> tuple[str, str]:
    """Divide a header into the name and the unit, as in ``t [s]``, ``t (s)`` and ``t/s``."""
    match = _NAME_UNIT.fullmatch(name)
    if match is None or not match["name"]:
        return name, ""
    if match["ratio"] and match["ratio"] not in UNITS:
        return name, ""
    return match["name"], match["unit"] or match["ratio"]
