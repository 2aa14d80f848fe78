"""The chart of shares: on how many items each method is within a distance of the limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sigbench.benchmark.report.charts.scale import (
    Scale,
    bottom_axis,
    label_positions,
    left_axis,
    number,
    span,
)
from sigbench.benchmark.report.charts.style import N_SERIES
from sigbench.benchmark.report.charts.svg import (
    Chart,
    Markup,
    element,
    group,
    joined,
    line,
    named,
    path,
    short,
    text,
    tooltip,
)

WIDTH, HEIGHT = 680.0, 400.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 200.0, 34.0, 46.0
LABEL = 17.0
COLUMNS = 120  # steps of a curve


@dataclass(frozen=True)
class Distances:
    """The distances of a method to the reference on each item; larger is worse.

    Attributes
    ----------
    name : str
        Name of the method.
    values : array, shape (n,)
        One distance per item; a negative one is better than the reference. NaN marks items that
        the method was not run on.
    """

    name: str
    values: NDArray[np.float64]


def ecdf(
    methods: Sequence[Distances],
    *,
    label: str,
    title: str = "Share of items within a distance",
) -> Chart:
    """Draw the empirical distribution of distances, one curve per method.

    The height of a curve at x is the share of items on which the method is at most x worse than
    the reference. The first eight methods have colors and labels, the others are gray.

    Parameters
    ----------
    methods : sequence of Distances
        The methods, the most important first.
    label : str
        What the distance is, with its unit: the reference is named here.
    title : str
        What the chart shows.

    References
    ----------
    Hansen et al., COCO: a platform for comparing continuous optimizers, Optim. Methods Softw. 36
    (2021): empirical distributions over problems.

    Examples
    --------
    >>> own = Distances("wiener", np.array([0.5, 1.0, 2.0, np.inf]))
    >>> ecdf([own], label="below the limit (dB)").description
    '1 method on up to 4 items. Median distance: wiener 1.'
    """
    known = [Distances(m.name, m.values[~np.isnan(m.values)]) for m in methods]
    known = [m for m in known if len(m.values)]
    x = Scale(*_range(known), LEFT, WIDTH - RIGHT)
    y = Scale(0.0, 1.0, HEIGHT - BOTTOM, TOP)
    parts = [
        bottom_axis(x, TOP, HEIGHT - BOTTOM, label),
        left_axis(y, LEFT, WIDTH - RIGHT, "share of items", percent=True),
    ]
    if x.low < 0 < x.high:
        parts.append(line(x(0), TOP, x(0), HEIGHT - BOTTOM, "axis"))
    shown, gray = known[:N_SERIES], known[N_SERIES:]
    parts += [_curve(m, "other", x, y) for m in gray]
    parts += [_curve(m, f"s{i}", x, y) for i, m in reversed(list(enumerate(shown)))]
    parts.append(_labels(shown, x, y))
    if gray:
        note = f"gray: {len(gray)} other method{'s' * (len(gray) != 1)}"
        parts.append(text(WIDTH - RIGHT + 24, HEIGHT - 12, note, "small muted"))
    return Chart("ecdf", title, _description(known), WIDTH, HEIGHT, joined(parts))


def _description(known: Sequence[Distances]) -> str:
    count = f"{len(known)} method{'s' * (len(known) != 1)}"
    items = max((len(m.values) for m in known), default=0)
    medians = ", ".join(f"{m.name} {number(share_point(m.values, 0.5))}" for m in known[:3])
    median = f" Median distance: {medians}." if medians else ""
    return f"{count} on up to {items:,} items.{median}"


def share(values: NDArray[np.float64], at: float) -> float:
    """Return the share of values that are at most ``at``.

    Examples
    --------
    >>> share(np.array([1.0, 2.0, 3.0, np.inf]), 2.0)
    0.5
    """
    return float(np.mean(values <= at))


def share_point(values: NDArray[np.float64], part: float) -> float:
    """Return the smallest value that a share of the values does not exceed."""
    return float(np.sort(values)[max(0, int(np.ceil(part * len(values))) - 1)])


def _range(methods: Sequence[Distances]) -> tuple[float, float]:
    """Return the distances to draw: to the 90 % point of the eighth method or of the middle one.

    Curves of worse methods are cut at the right, and labels are where they end.
    """
    finite = [m.values[np.isfinite(m.values)] for m in methods]
    finite = [values for values in finite if len(values)]
    if not finite:
        return span([])
    ends = sorted(float(np.quantile(values, 0.9)) for values in finite[:N_SERIES])
    starts = [float(np.quantile(values, 0.02)) for values in finite[:N_SERIES]]
    return span([min(0.0, *starts), ends[(len(ends) - 1) // 2], 0.0])


def _curve(method: Distances, cls: str, x: Scale, y: Scale) -> Markup:
    """Return the steps of a curve, evaluated at `COLUMNS` distances, where it is exact."""
    at = np.linspace(x.low, x.high, COLUMNS + 1)
    counts = np.searchsorted(np.sort(method.values), at, side="right") / len(method.values)
    d = f"M{short(x.start)} {short(y(float(counts[0])))}"
    for before, place, height in zip(counts, at[1:], counts[1:], strict=False):
        if height != before:  # a step; straight stretches are one command
            d += f"H{short(x(float(place)))}V{short(y(float(height)))}"
    d += f"H{short(x.end)}"
    end = f"{100 * share(method.values, x.high):.0f} % within {number(x.high)}"
    title = f"{method.name}: median {number(share_point(method.values, 0.5))}, {end}"
    return element("path", {"class": f"line {cls}", "d": d}, tooltip(title))


def _labels(shown: Sequence[Distances], x: Scale, y: Scale) -> Markup:
    """Return the names at the right ends of the curves, moved apart."""
    ends = [y(share(m.values, x.high)) for m in shown]
    heights = label_positions(ends, LABEL, TOP, HEIGHT - BOTTOM)
    left = WIDTH - RIGHT + 26
    parts = []
    for i, (method, end, height) in enumerate(zip(shown, ends, heights, strict=True)):
        parts.append(path([(x.end + 2, end), (x.end + 10, end), (left - 3, height)], "leader"))
        label = named(left, height + 4.5, method.name, RIGHT - 30, "colored")
        parts.append(group(f"s{i}", label))
    return joined(parts)
