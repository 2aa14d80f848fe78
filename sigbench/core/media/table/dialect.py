"""The delimiter of a table and the form of its numbers."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sigbench.core.errors import InputError, shown
from sigbench.core.media.table.lines import COMMENTS, Splitter
from sigbench.core.media.table.numbers import MISSING, PADDING, SPACES, NumberFormat
from sigbench.core.media.table.sample import Sample
from sigbench.core.media.table.stamps import is_stamp

DELIMITERS = (b"\t", b";", b",", b"|", b" ")  # of equal candidates, the first is used
WORDS = {"tab": b"\t", "space": b" ", "comma": b",", "semicolon": b";", "bar": b"|", "\\t": b"\t"}
ONE_COLUMN = b";"  # the delimiter of a table without delimiters
MIN_INDEX = 8  # rows 0, 1, 2 ... that are an index by evidence


@dataclass(frozen=True)
class Dialect:
    """How a table is written.

    Attributes
    ----------
    splitter : Splitter
        How a line is divided into cells.
    form : NumberFormat
        How numbers are written.
    width : int
        Number of columns.
    """

    splitter: Splitter
    form: NumberFormat
    width: int


@dataclass(frozen=True)
class _Candidate:
    """A possible dialect, the number of rows that have numbers, and how many cells are legal."""

    dialect: Dialect
    good: int
    legal: float


def kind(cell: bytes, form: NumberFormat) -> str:
    """Return what a cell is: ``N`` a number, ``M`` missing, ``S`` a time stamp or ``T`` text."""
    core = cell.strip(PADDING)
    if core.lower() in MISSING:
        return "M"
    if form.is_number(cell):
        return "N"
    return "S" if is_stamp(core) else "T"


def detect(sample: Sample, delimiter: str | None, name: str) -> Dialect:
    """Find the dialect of a table.

    Parameters
    ----------
    sample : Sample
        Its lines.
    delimiter : str, optional
        The delimiter, if it is given.
    name : str
        Name of the file, for errors.

    Raises
    ------
    InputError
        If no cell is a number, or a comma can be a delimiter or a decimal mark.
    """
    rows = sample.rows
    joined = b"\n".join(rows)
    given = None if delimiter is None else _given(delimiter)
    marks = [given] if given else [mark for mark in DELIMITERS if mark in joined]
    if ONE_COLUMN not in marks and given is None:
        marks.append(ONE_COLUMN)
    found = [one for mark in marks for one in _candidates(rows, mark, joined)]
    best = max(found, key=lambda one: (one.legal * one.good, one.good), default=None)
    if best is None or not best.good:
        return Dialect(Splitter(marks[-1] if given else b","), NumberFormat(), 1)
    dialect = best.dialect
    if given is None and b"," in joined:
        comma = next((c.dialect for c in found if _is(c, b",", b".") and c.legal == 1), None)
        point = next((c.dialect for c in found if _is(c, ONE_COLUMN, b",")), None)
        if comma and point and point.width == 1 and best.dialect in (comma, point):
            dialect = _comma_or_point(sample, comma, point, name)
    return _aligned(dialect, rows)


def _given(text: str) -> bytes:
    mark = WORDS.get(text.lower(), text.encode())
    if len(mark) != 1 or mark.isalnum() or mark in b'"\r\n.+-':
        raise InputError(
            f"delimiter={shown(text)} must be one character, such as ',' or ';', or tab or space"
        )
    return mark


def _is(candidate: _Candidate, delimiter: bytes, decimal: bytes) -> bool:
    form = candidate.dialect.form
    return candidate.dialect.splitter.delimiter == delimiter and form == NumberFormat(decimal)


def _candidates(rows: Sequence[bytes], delimiter: bytes, joined: bytes) -> Iterator[_Candidate]:
    splitter = Splitter(delimiter)
    table = [splitter.split(row) for row in rows]
    for form in _forms(delimiter, joined):
        kinds = [[kind(cell, form) for cell in cells] for cells in table]
        numeric = [one for one in kinds if "N" in one]
        if not numeric:
            continue
        width = Counter(map(len, numeric)).most_common(1)[0][0]  # of equal counts, the first
        good = [one for one in numeric if len(one) == width]
        cells = list(itertools.chain.from_iterable(good))
        legal = 1 - cells.count("T") / len(cells)
        yield _Candidate(Dialect(splitter, form, width), len(good), legal)


def _forms(delimiter: bytes, joined: bytes) -> Iterator[NumberFormat]:
    """Yield the forms of numbers that are possible, the more usual ones first."""
    quoted = b'"' in joined
    marks = [mark for mark in (b",", b".", b"'", *SPACES) if mark in joined]
    yield NumberFormat()
    if delimiter == b"," and quoted:  # as in "1,234.5"
        yield NumberFormat(b".", b",")
    if (delimiter != b"," or quoted) and b"," in marks:
        yield NumberFormat(b",")
    for decimal, mark in itertools.product((b".", b","), marks):
        unclear = mark == b"," and delimiter == b","
        if mark in (decimal, delimiter) or unclear or (mark == b" " and delimiter == b" "):
            continue
        if decimal == b"," and (b"," not in marks or (delimiter == b"," and not quoted)):
            continue
        yield NumberFormat(decimal, mark)


def _comma_or_point(sample: Sample, comma: Dialect, point: Dialect, name: str) -> Dialect:
    """Decide whether commas separate whole numbers, or are decimal marks of a single column."""
    header = _header(sample, point.form)
    if header is not None:
        return comma if b"," in header else point
    rows = [row.strip() for row in sample.rows if kind(row, point.form) == "N"]
    if len(rows) < len(sample.rows) or comma.width != 2:
        return comma
    pairs = [row.partition(b",") for row in rows]
    if any(mark and not (left.strip(b"+-") and right) for left, mark, right in pairs):
        return comma
    rights = [right for _, mark, right in pairs if mark]
    if len(rights) < len(rows) or any(re.match(rb"0\d|00", right) for right in rights):
        return point
    if any(re.match(rb"[+-]0$", left) for left, _, _ in pairs):
        return point
    lefts = [int(left) if re.fullmatch(rb"-?\d{1,18}", left) else None for left, _, _ in pairs]
    if len(rows) >= MIN_INDEX and lefts in (
        list(range(len(rows))),
        list(range(1, len(rows) + 1)),
    ):
        return comma
    raise InputError(
        f"{name}: {shown(rows[0].decode())} is one number with a decimal comma, or two whole numbers: "
        "use --delimiter ';' for one column, --delimiter ',' for two"
    )


def _header(sample: Sample, form: NumberFormat) -> bytes | None:
    """Return the text above the first row; a comment only if it has several names."""
    texts: list[bytes] = []
    for line in sample.first:
        if line.is_comment:
            if b"," in line.row and line.row.strip().startswith(COMMENTS):
                texts.append(line.row)
        elif kind(line.row, form) == "N":
            break
        else:
            texts.append(line.row)
    return texts[-1] if texts else None


def _aligned(dialect: Dialect, rows: Sequence[bytes]) -> Dialect:
    """Find on which side the columns are aligned, if white space separates them."""
    if not dialect.splitter.white:
        return dialect
    tables = [dialect.splitter.split(row) for row in rows]
    spans = []
    for row, cells in zip(rows, tables, strict=True):
        if len(cells) == dialect.width and any(dialect.form.is_number(cell) for cell in cells):
            ends = list(itertools.accumulate(map(len, cells)))
            starts = [end - len(cell.lstrip(b" \t")) for end, cell in zip(ends, cells, strict=True)]
            spans.append((starts, [len(row[:end].rstrip()) for end in ends]))
    same_start = len({tuple(starts) for starts, _ in spans}) == 1
    same_end = len({tuple(ends) for _, ends in spans}) == 1
    if same_start and not same_end:
        return Dialect(Splitter(b" ", left=True), dialect.form, dialect.width)
    return dialect
