"""Dates and times of day as text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

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
    rb"(?P<one>\d{1,2})(?P<mark>[-/.])(?P<two>\d{1,2})(?P=mark)(?P<year>\d{4}|\d{2})",
)
_NAMED = rb"(?P<day>\d{1,2})(?P<mark>[- ])(?P<month>[A-Za-z]{3,9})\.?(?P=mark)(?P<year>\d{4})"
_MONTHS = b"jan feb mar apr may jun jul aug sep oct nov dec".split()
PATTERNS = (
    *(re.compile(form + rb"(?:(?:[Tt]| {1,3})" + _CLOCK + _ZONE + rb")?") for form in _DATES),
    re.compile(_CLOCK + _ZONE),
    re.compile(_NAMED + rb"(?:(?:[Tt]| {1,3})" + _CLOCK + _ZONE + rb")?"),
)
SECOND = 10**9  # in nanoseconds
DAY = 86400 * SECOND
MAX_DAYS = 100_000  # of int64 in nanoseconds
CHUNK = 2**14  # cells that are parsed at once


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

    In dates such as 03/02/2024 the order of day and month is the one for which the column spans less
    time; of equal spans, the day is first.

    Parameters
    ----------
    cells : sequence of bytes
        The texts.
    clocks : sequence of bytes, optional
        The times of day, if ``cells`` has dates only.
    """
    parts = [_Part([], [], [], 0, any_clock=False, any_second=False)]
    pattern = None
    for start in range(0, len(cells), CHUNK):
        some = [cell.strip(PADDING) for cell in cells[start : start + CHUNK]]
        if clocks is not None:
            times = clocks[start : start + CHUNK]
            some = [a + b" " + b.strip(PADDING) for a, b in zip(some, times, strict=True)]
        pattern = pattern or next((p for p in PATTERNS if p.fullmatch(some[0])), None)
        matches = [pattern.fullmatch(cell) if pattern else None for cell in some]
        groups = [match.groupdict() for match in matches if match]
        if len(groups) < len(some):
            return None
        parts.append(_part(groups))
    return _together(parts[1:])


class _Part(NamedTuple):
    """Times of some cells: the days in both orders of day and month, None if a date does not exist."""

    days: list[int] | None
    swapped: list[int] | None
    ns: list[int]
    digits: int
    any_clock: bool
    any_second: bool


def _part(groups: Sequence[dict[str, bytes | None]]) -> _Part:
    return _Part(
        _days(groups, swapped=False),
        _days(groups, swapped=True),
        [_clock(group) for group in groups],
        max(len(group["part"] or b"") for group in groups),
        any_clock=any(group["hour"] is not None for group in groups),
        any_second=any(group["second"] is not None for group in groups),
    )


def _together(parts: Sequence[_Part]) -> Stamps | None:
    clock = np.concatenate([np.array(part.ns, np.int64) for part in parts])
    best = None
    for order in ([part.days for part in parts], [part.swapped for part in parts]):
        known = [np.array(days) for days in order if days is not None]
        if len(known) == len(parts):
            days = np.concatenate(known)
            if best is None or np.ptp(days) < np.ptp(best):
                best = days
    if best is None or np.ptp(best) > MAX_DAYS:
        return None
    ns = (best - best[0]) * DAY + clock
    resolution = 10.0 ** -max(part.digits for part in parts)
    if not any(part.any_second for part in parts):
        resolution = 60.0 if any(part.any_clock for part in parts) else 86400.0
    return Stamps(ns - ns[0], resolution)


def _days(groups: Sequence[dict[str, bytes | None]], *, swapped: bool) -> list[int] | None:
    """Return the day of each date, as a number; 0 without dates."""
    if "year" not in groups[0]:
        return [0] * len(groups)
    if "one" not in groups[0]:
        triples = [(g["year"], g["month"], g["day"]) for g in groups]
    else:
        month, day = ("one", "two") if swapped else ("two", "one")
        triples = [(g["year"], g[month], g[day]) for g in groups]
    known: dict[tuple[bytes | None, ...], int] = {}
    for triple in triples:
        if triple not in known:
            try:
                known[triple] = _date(*triple).toordinal()
            except ValueError:  # no such date
                return None
    return [known[triple] for triple in triples]


def _date(year: bytes | None, month: bytes | None, day: bytes | None) -> date:
    """Return a date; years of two digits are from 2000 on."""
    assert year is not None
    assert month is not None
    assert day is not None
    number = int(month) if month.isdigit() else _MONTHS.index(month[:3].lower()) + 1
    return date(int(year) + 2000 * (len(year) == 2), number, int(day))


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


def compact_dates(numbers: NDArray[np.float64]) -> Stamps | None:
    """Return the times of numbers such as 20240301, 2024030118 or 20240301180000; None for others.

    Examples
    --------
    >>> dates = compact_dates(np.array([20240228.0, 20240229, 20240301]))
    >>> dates.ns // DAY
    array([0, 1, 2])
    >>> compact_dates(np.array([20240230.0])) is None  # no such day
    True
    """
    if not (np.isfinite(numbers).all() and len(numbers) and (numbers == numbers.round()).all()):
        return None
    for digits, resolution in ((8, 86400), (10, 3600), (12, 60), (14, 1)):
        if not ((numbers >= 19 * 10 ** (digits - 2)) & (numbers < 21 * 10 ** (digits - 2))).all():
            continue
        rest = numbers.astype(np.int64) * 10 ** (14 - digits)
        parts = []
        for base in (100, 100, 100, 100, 100):
            rest, part = np.divmod(rest, base)
            parts.append(part)
        second, minute, hour, day, month = parts
        if max(second.max(), minute.max()) > 59 or hour.max() > 23:
            return None
        if month.min() < 1 or month.max() > 12 or day.min() < 1:
            return None
        months = (rest - 1970) * 12 + month - 1
        first = months.astype("M8[M]")
        days = first.astype("M8[D]").astype(np.int64) + day - 1
        if (days >= (first + 1).astype("M8[D]").astype(np.int64)).any():
            return None
        seconds = ((days - days[0]) * 24 + hour) * 3600 + minute * 60 + second
        return Stamps((seconds - seconds[0]) * SECOND, float(resolution))
    return None
