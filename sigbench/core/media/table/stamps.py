"""Dates and times of day as text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from sigbench.core.media.table.numbers import PADDING

_CLOCK = (
    rb"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,:](?P<part>\d{1,12}))?)?"
    rb"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?"
)
_ZONE = rb"(?: ?(?P<zone>[Zz]|UTC|GMT|[+-]\d{2}(?::?\d{2})?))?(?:\[[A-Za-z_/]{1,40}\])?"
_DATES = (
    rb"(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})",
    rb"(?P<one>\d{1,2})(?P<mark>[-/.])(?P<two>\d{1,2})(?P=mark)(?P<year>\d{4})",
)
PATTERNS = (
    *(re.compile(form + rb"(?:(?:[Tt]| {1,3})" + _CLOCK + _ZONE + rb")?") for form in _DATES),
    re.compile(_CLOCK + _ZONE),
)
SECOND = 10**9  # in nanoseconds
DAY = 86400 * SECOND


@dataclass(frozen=True)
class Stamps:
    """Times of a column.

    Attributes
    ----------
    ns : array of int64
        Nanoseconds since the first stamp.
    resolution : float
        The smallest step that the texts can express, in seconds.
    """

    ns: NDArray[np.int64]
    resolution: float


def is_stamp(cell: bytes) -> bool:
    """Return whether a cell is a date, a time of day or both.

    Examples
    --------
    >>> [is_stamp(c) for c in (b"2024-02-03T10:20:30Z", b"3.2.2024 1:02", b"10:20:30.5", b"1.5")]
    [True, True, True, False]
    """
    core = cell.strip(PADDING)
    return any(pattern.fullmatch(core) for pattern in PATTERNS)


def parse_stamps(cells: Sequence[bytes], clocks: Sequence[bytes] | None = None) -> Stamps | None:
    """Return the times of a column; None if a cell is no stamp.

    In dates such as 03/02/2024 the day is first, unless the second number of some date exceeds 12.

    Parameters
    ----------
    cells : sequence of bytes
        The texts.
    clocks : sequence of bytes, optional
        The times of day, if ``cells`` has dates only.
    """
    if clocks is not None:
        cells = [
            a.strip(PADDING) + b" " + b.strip(PADDING) for a, b in zip(cells, clocks, strict=True)
        ]
    pattern = next((p for p in PATTERNS if cells and p.fullmatch(cells[0].strip(PADDING))), None)
    if pattern is None:
        return None
    matches = [pattern.fullmatch(cell.strip(PADDING)) for cell in cells]
    groups = [match.groupdict() for match in matches if match]
    if len(groups) < len(cells):
        return None
    days = np.array(_days(groups), object) * DAY
    try:
        out = np.array(
            [int(day) + _clock(group) for day, group in zip(days, groups, strict=True)], object
        )
    except ValueError:
        return None
    out = out - out[0]
    if max(map(abs, out)) >= 2**63:
        return None
    return Stamps(out.astype(np.int64), _resolution(groups))


def _days(groups: Iterable[dict[str, bytes | None]]) -> list[int]:
    """Return the day of each date, as a number; 0 without dates."""
    groups = list(groups)
    if "year" not in groups[0]:
        return [0] * len(groups)
    if "one" not in groups[0]:
        triples = [(g["year"], g["month"], g["day"]) for g in groups]
    else:
        swapped = any(int(g["two"] or 0) > 12 for g in groups)
        names = ("one", "two") if swapped else ("two", "one")
        triples = [(g["year"], g[names[0]], g[names[1]]) for g in groups]
    known: dict[tuple[bytes | None, ...], int] = {}
    for triple in triples:
        if triple not in known:
            known[triple] = date(*(int(part or 0) for part in triple)).toordinal()
    return [known[triple] for triple in triples]


def _clock(group: dict[str, bytes | None]) -> int:
    """Return the time of day in nanoseconds, in UTC if there is a zone."""
    hour = group["hour"]
    if hour is None:
        return 0
    h, m, s = int(hour), int(group["minute"] or 0), int(group["second"] or 0)
    if (half := group["half"]) is not None:
        h = h % 12 + 12 * (half in b"Pp")
    out = (h * 3600 + m * 60 + s) * SECOND + int((group["part"] or b"").ljust(9, b"0")[:9])
    zone = group["zone"]
    if zone is not None and zone[:1] in b"+-":
        digits = zone[1:].replace(b":", b"").ljust(4, b"0")
        minutes = int(digits[:2]) * 60 + int(digits[2:])
        out -= (-1 if zone[:1] == b"-" else 1) * minutes * 60 * SECOND
    return out


def _resolution(groups: Sequence[dict[str, bytes | None]]) -> float:
    if all(group["hour"] is None for group in groups):
        return 86400.0
    if all(group["second"] is None for group in groups):
        return 60.0
    return 10.0 ** -max(len(group["part"] or b"") for group in groups)
