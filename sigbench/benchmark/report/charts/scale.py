"""Scales of axes: positions of values, ticks, and the axes themselves."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sigbench.benchmark.report.charts.svg import Markup, fitted, joined, line, text
from sigbench.core.plot_style import inside, spread

MARGIN = 0.04  # of the range of values, on each side
BEYOND = "arrows: beyond the axis"
LARGEST = 1e150  # larger values are drawn as infinite, and differences below its inverse as 0


@dataclass(frozen=True)
class Scale:
    """A linear or logarithmic map from values to positions.

    Attributes
    ----------
    low, high : float
        The values at both ends, low < high.
    start, end : float
        The positions of both ends.
    log : bool
        Whether the scale is logarithmic; then low > 0.

    Examples
    --------
    >>> Scale(0, 10, 100, 200)(2.5), Scale(1, 100, 0, 200, log=True)(10)
    (125.0, 100.0)
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the position of a value; values beyond the ends are at the ends."""
        value = min(max(value, self.low), self.high)
        part = (value - self.low) / (self.high - self.low)
        if self.log:
            part = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + part * (self.end - self.start)

    def ticks(self, count: int = 6) -> list[float]:
        """Return about ``count`` round values between the ends."""
        return log_ticks(self.low, self.high, count) if self.log else _round_ticks(self, count)


def _round_ticks(scale: Scale, count: int) -> list[float]:
    step = nice_step((scale.high - scale.low) / count)
    first, last = math.ceil(scale.low / step - 1e-9), math.floor(scale.high / step + 1e-9)
    return [i * step for i in range(first, last + 1)]


def nice_step(least: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is at least ``least``.

    Examples
    --------
    >>> nice_step(0.3), nice_step(2), nice_step(7)
    (0.5, 2.0, 10.0)
    """
    power = 10.0 ** math.floor(math.log10(least))
    factor = next(f for f in (1, 2, 5, 10) if f * power >= least * (1 - 1e-9))
    return factor * power if power >= 1 else factor / round(1 / power)


def log_ticks(low: float, high: float, count: int) -> list[float]:
    """Return powers of ten between two values, with 2 and 5 times these if they are few.

    Examples
    --------
    >>> log_ticks(0.5, 20, 6), log_ticks(0.01, 1e4, 6)
    ([0.5, 1.0, 2.0, 5.0, 10.0, 20.0], [0.01, 0.1, 1.0, 10.0, 100.0, 1000.0, 10000.0])
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    skip = max(1, len(powers) // (2 * count))
    factors = (1, 2, 5) if high < 100 * low else (1,)
    values = [float(f"{factor}e{power}") for power in powers[::skip] for factor in factors]
    return [value for value in values if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]


def span(values: Iterable[float], *, least: float = 1e-6) -> tuple[float, float]:
    """Return the range of the finite values, with a margin; (0, 1) if there are none.

    Parameters
    ----------
    values : iterable of float
        The values.
    least : float
        The smallest range, relative to the values: equal values are in its center.
    """
    finite = [value for value in values if abs(value) < LARGEST]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    size = max(abs(low), abs(high))
    if high - low <= max(least * size, 1 / LARGEST):
        pad = 0.05 * size if size > 1 / LARGEST else 0.5
        return low - pad, high + pad
    pad = MARGIN * (high - low)
    return low - pad, high + pad


def log_span(values: Iterable[float]) -> tuple[float, float]:
    """Return the range of the positive values, at least a factor of two, with a margin."""
    logs = [math.log10(value) for value in values if 1 / LARGEST < value < LARGEST]
    low, high = min(logs, default=0.0), max(logs, default=1.0)
    pad = max(0.06 * (high - low), (math.log10(2) - (high - low)) / 2)
    return 10 ** (low - pad), 10 ** (high + pad)


def core_span(values: Sequence[float], always: Sequence[float] = ()) -> tuple[float, float]:
    """Return the range of the values without the few that are far from the others.

    A value is far out if it is more than six interquartile ranges from the quartiles. Charts draw
    such values as arrows at the end of the axis.

    Parameters
    ----------
    values : sequence of float
        The values; those that are not finite are ignored.
    always : sequence of float
        Values that are always in the range.
    """
    finite = np.array([value for value in values if abs(value) < LARGEST])
    kept = finite
    if len(finite) >= 5:
        low, high = np.quantile(finite, [0.25, 0.75])
        reach = 6 * (high - low)
        if reach > 0:
            kept = finite[(finite >= low - reach) & (finite <= high + reach)]
    return span([*kept.tolist(), *always])


def with_ends(low: float, high: float, ends: Iterable[float]) -> tuple[float, float]:
    """Return a range that also covers the ends of intervals, unless these make it far longer.

    Examples
    --------
    >>> with_ends(0.0, 10.0, [-2.0, 12.0, 1000.0, math.inf])
    (-2.0, 12.0)
    """
    reach = high - low
    kept = [end for end in ends if low - reach <= end <= high + reach]
    return min([low, *kept]), max([high, *kept])


def number(value: float, places: int | None = None) -> str:
    """Return a number for readers: a true minus sign, ∞, and four figures if there is no ``places``.

    Examples
    --------
    >>> number(-1.25, 1), number(math.inf), number(12345.6), number(0.00012), number(math.nan)
    ('−1.2', '∞', '12346', '0.00012', 'none')
    """
    if math.isnan(value):
        return "none"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if places is not None:
        plain = f"{round(value, places) + 0.0:.{places}f}"
    else:
        plain = f"{value:.0f}" if 1e4 <= abs(value) < 1e7 else f"{value + 0.0:.4g}"
    return plain.replace("-", "−")


def tick_labels(ticks: Sequence[float], log: bool = False) -> list[str]:
    """Return the labels of ticks, all with the same number of decimals unless the axis is log.

    Examples
    --------
    >>> tick_labels([0, 0.5, 1.0]), tick_labels([0.1, 10], log=True)
    (['0.0', '0.5', '1.0'], ['0.1', '10'])
    """
    if log or len(ticks) < 2:
        return [number(tick) for tick in ticks]
    step = min(b - a for a, b in itertools.pairwise(ticks))
    if not 1e-6 <= step < 1e7:
        return [number(tick) for tick in ticks]
    return [number(tick, max(0, -math.floor(math.log10(step) + 1e-9))) for tick in ticks]


def bottom_axis(
    scale: Scale,
    top: float,
    bottom: float,
    label: str,
    ticks: Sequence[float] | None = None,
    words: Sequence[str] | None = None,
) -> Markup:
    """Return a horizontal axis with grid lines from ``top`` to ``bottom`` and a centered label.

    By default the ticks are round values, and ``words`` are the values of the ticks.
    """
    at = scale.ticks() if ticks is None else ticks
    words = tick_labels(at, scale.log) if words is None else words
    parts = [line(scale(tick), top, scale(tick), bottom, "grid") for tick in at]
    parts += [
        text(scale(tick), bottom + 16, word, "small muted", "middle")
        for tick, word in zip(at, words, strict=True)
    ]
    parts.append(line(scale.start, bottom, scale.end, bottom, "axis"))
    shown = fitted(label, 1.2 * (scale.end - scale.start))
    parts.append(text((scale.start + scale.end) / 2, bottom + 34, shown, "muted", "middle"))
    return joined(parts)


def left_axis(scale: Scale, left: float, right: float, label: str, percent: bool = False) -> Markup:
    """Return a vertical axis with grid lines from ``left`` to ``right`` and its label on top."""
    at = scale.ticks(5)
    words = [f"{100 * tick:.0f} %" for tick in at] if percent else tick_labels(at, scale.log)
    parts = [line(left, scale(tick), right, scale(tick), "grid") for tick in at]
    parts += [
        text(left - 6, scale(tick) + 4, word, "small muted", "end")
        for tick, word in zip(at, words, strict=True)
    ]
    parts.append(text(4, scale.end - 10, fitted(label, right - 150), "muted"))
    return joined(parts)


def label_positions(wanted: Sequence[float], gap: float, top: float, bottom: float) -> list[float]:
    """Return positions of labels, at least ``gap`` apart and between ``top`` and ``bottom``.

    They are close to the wanted positions and in the same order. If they do not fit, the distance
    is smaller.
    """
    if not wanted:
        return []
    room = bottom - top
    gap = min(gap, room / max(1, len(wanted) - 1))
    places = spread([(y - top) / room for y in wanted], gap / room)
    return [top + room * float(place) for place in inside(places, gap / room)]
