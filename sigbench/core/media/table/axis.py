"""Which column of a table is its axis, and what the axis is."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sigbench.core.media.table.columns import Column
from sigbench.core.media.table.spacing import MAX_SPREAD, Spacing

TIMES = frozenset(
    [
        "t",
        "time",
        "times",
        "date",
        "datetime",
        "timestamp",
        "stamp",
        "ts",
        "zeit",
        "datum",
        "uhrzeit",
        "zeitstempel",
        "temps",
        "heure",
        "tiempo",
        "fecha",
        "tempo",
        "elapsed",
        "second",
        "seconds",
        "sec",
        "secs",
        "ms",
        "millis",
        "us",
        "micros",
        "ns",
        "nanos",
        "epoch",
        "unix",
        "unixtime",
        "clock",
        "time_s",
        "time_ms",
        "time_us",
        "time_ns",
        "utc",
    ]
)
AXES = frozenset(
    [
        "index",
        "idx",
        "i",
        "n",
        "no",
        "nr",
        "num",
        "number",
        "id",
        "row",
        "sample",
        "samples",
        "frame",
        "step",
        "counter",
        "seq",
        "f",
        "freq",
        "frequency",
        "frequenz",
        "x",
        "wavelength",
        "lambda",
        "wellenlänge",
        "wavenumber",
        "angle",
        "theta",
        "position",
        "pos",
        "distance",
        "depth",
        "raman_shift",
        "shift",
        "bin",
        "channel",
        "hz",
        "nm",
    ]
)
FILLERS = frozenset(["in", "utc", "local", "of", "day", "stamp", "since", "start", "code"])
# Names of an axis also if it is not in order.
CERTAIN = frozenset(["time", "date", "datetime", "timestamp", "zeit", "datum"])
SECONDS = {
    "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "msec": 1e-3,
    "millis": 1e-3, "milliseconds": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "usec": 1e-6,
    "micros": 1e-6, "microseconds": 1e-6, "ns": 1e-9, "nanos": 1e-9, "nanoseconds": 1e-9,
    "min": 60.0, "minutes": 60.0, "h": 3600.0, "hours": 3600.0, "d": 86400.0, "days": 86400.0,
}  # fmt: skip
CALENDAR = {
    "year": (1, 9999), "month": (1, 12), "day": (1, 366), "doy": (1, 366), "weekday": (0, 7),
    "hour": (0, 24), "minute": (0, 59), "second": (0, 60),
}  # fmt: skip
MOST = 0.75  # of the steps of a counter are equal: it may start again, and numbers may be lost
MIN_COUNTER = 8  # rows of a column that may be an index beside the axis
MAX_ROUNDING = 1e-5  # relative error of a rate, also if the stamps have more digits
EPOCHS = (("s", 1e9), ("ms", 1e12), ("us", 1e15), ("ns", 1e18))  # units by size, from 2001 on


@dataclass(frozen=True)
class Axis:
    """The axis of a table.

    Attributes
    ----------
    columns : tuple of int
        Its column, or those of dates and times of day.
    label, unit : str
        How it is called; the unit can be empty.
    is_time : bool
        Whether it is time.
    seconds : float or None
        A unit of the axis in seconds, if that is known.
    positions : array, shape (L,)
        Where the samples are, in seconds or in units of the axis.
    spacing : Spacing
        How they are spaced.
    """

    columns: tuple[int, ...]
    label: str
    unit: str
    is_time: bool
    seconds: float | None
    positions: NDArray[np.float64]
    spacing: Spacing

    @property
    def fs(self) -> float | None:
        """Sampling rate in Hz, if the axis is time with a known unit and nearly even."""
        step = self.spacing.step
        if self.seconds is None or step <= 0 or self.spacing.spread > MAX_SPREAD:
            return None
        return _rounded(1 / step, max(MAX_ROUNDING, self.spacing.error))

    @property
    def text(self) -> str:
        """One line about the axis."""
        space = self.spacing
        title = f"{self.label} [{self.unit}]" if self.unit else self.label
        if not space.ordered:
            missing = not np.isfinite(self.positions).all()
            return f"axis: {title}, {'partly missing' if missing else 'not in order'}"
        parts = [f"axis: {title}"]
        if self.fs is not None:
            parts.append(rate_text(self.fs))
        elif space.even:
            parts.append(f"step {space.step:.4g}")
        if not space.even:
            unit = "s" if self.seconds else self.unit
            parts.append(f"uneven spacing, {space.low:.3g} to {space.high:.3g} {unit}".rstrip())
        if space.gaps:
            parts.append(f"{space.gaps} gap{'s' * (space.gaps != 1)}")
        return ", ".join(parts)


def _rounded(rate: float, error: float) -> float:
    """Return the rate within a relative error that is the shortest number, or whose period is."""
    for digits in range(1, 7):
        for short in (float(f"{rate:.{digits}g}"), 1 / float(f"{1 / rate:.{digits}g}")):
            if abs(short - rate) <= error * rate:
                return short
    return rate


def rate_text(fs: float) -> str:
    """Return a sampling rate for reading.

    Examples
    --------
    >>> rate_text(1000.0), rate_text(0.2), rate_text(1 / 900)
    ('1 kHz', 'every 5 s', 'every 15 min')
    """
    for size, unit in ((1e6, "MHz"), (1e3, "kHz"), (1.0, "Hz")):
        if fs >= size:
            return f"{fs / size:.6g} {unit}"
    step = 1 / fs
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if step >= size and abs(step / size - round(step / size, 2)) < 1e-6:
            return f"every {step / size:.4g} {unit}"
    return f"every {step:.4g} s"


def plain(name: str) -> str:
    """Return a name in the form in which it is compared."""
    return re.sub(r"[\s_\-.:,;]+", "_", name.strip().lower()).strip("_")


def is_time_name(name: str) -> bool:
    """Return whether a name means time.

    Examples
    --------
    >>> [is_time_name(name) for name in ("Time", "t_ms", "Zeit in s", "start time", "T_1", "x")]
    [True, True, True, True, False, False]
    """
    words = plain(name).split("_")
    if words[-1] in ("time", "timestamp", "date", "datetime", "zeit", "datum"):
        return True
    return words[0] in TIMES and all(word in SECONDS or word in FILLERS for word in words[1:])


def is_axis_name(name: str) -> bool:
    """Return whether a name is usual for an axis."""
    return is_time_name(name) or plain(name) in AXES or plain(name).startswith("unnamed")


def unit_of(name: str, unit: str) -> str:
    """Return the unit of a time axis: the given one, or a last word of the name, as in ``time_ms``.

    Examples
    --------
    >>> unit_of("time_ms", ""), unit_of("Zeit in s", ""), unit_of("ms", ""), unit_of("t", "µs")
    ('ms', 's', 'ms', 'µs')
    """
    last = plain(name).split("_")[-1]
    return unit or (last if last in SECONDS and last != "d" and last != "h" else "")


def epoch_unit(first: int | float, last: int | float) -> str:
    """Return the unit of numbers that look like time since 1970, by their size; empty if not."""
    for unit, size in EPOCHS:
        if size <= first < 10 * size and size <= last < 10 * size:
            return unit
    return ""


def is_monotonic(values: NDArray[np.float64]) -> bool:
    """Return whether values only increase or only decrease."""
    steps = np.diff(values)
    return bool((steps > 0).all() or (steps < 0).all())


def is_sorted(values: NDArray[np.float64]) -> bool:
    """Return whether values never decrease or never increase, and are not all equal."""
    steps = np.diff(values)
    return bool(steps.any() and ((steps >= 0).all() or (steps <= 0).all()))


def find_axis(
    columns: Sequence[Column], excluded: Sequence[int], spacing: Callable[[int], Spacing]
) -> int | None:
    """Return the column that is the axis, or None.

    The axis is, in this order: the first column of dates; a sorted column whose name means time; the
    first column, if it is sorted and its name is usual for an axis; the first column, if it is
    strictly monotonic, and has no name or even spacing.

    Parameters
    ----------
    columns : sequence of Column
        The columns.
    excluded : sequence of int
        Columns that are to be denoised.
    spacing : callable
        Returns the spacing of a column.
    """
    stamps = [k for k, column in enumerate(columns) if column.kind == "S" and k not in excluded]
    if stamps:
        return stamps[0]
    numbers = [k for k, column in enumerate(columns) if column.kind == "N"]
    if sum(column.kind != "M" or bool(column.name) for column in columns) < 2:
        return None
    for k in numbers:
        name, values = columns[k].name, columns[k].present
        if k in excluded or not is_time_name(name):
            continue
        if is_sorted(values) or plain(name) in CERTAIN:
            return k
    if len(numbers) < 2:
        return None
    k = numbers[0]
    name, values = columns[k].name, columns[k].present
    is_first = all(column.kind == "T" for column in columns[:k])
    if k in excluded or not is_first or len(values) < max(3, len(columns[k].values)):
        return None
    if is_axis_name(name) and is_sorted(values):
        return k
    if is_monotonic(values) and (not name or (spacing(k).even and not spacing(k).gaps)):
        return k
    return None


def is_counter(column: Column) -> bool:
    """Return whether a column beside the axis is another index, which contains no noise.

    It is sorted, complete and has an axis name, or consists of integers most steps of which are equal.
    """
    values = column.values
    if len(values) < MIN_COUNTER or not np.isfinite(values).all():
        return False
    if is_axis_name(column.name) and is_sorted(values):
        return True
    if column.style is None or not column.style.whole:
        return False
    steps, counts = np.unique(np.diff(values), return_counts=True)
    return bool(steps[counts.argmax()] != 0 and counts.max() >= MOST * counts.sum())


def is_calendar(column: Column) -> bool:
    """Return whether a column is a part of a date, such as the year or the hour."""
    low, high = CALENDAR.get(plain(column.name), (1, 0))
    values = column.values
    whole = column.style is not None and column.style.whole
    return whole and bool(((values >= low) & (values <= high)).all())
