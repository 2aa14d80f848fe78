"""The chart of a metric over the noise level, one line per method."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sigbench.benchmark.report.charts.scale import (
    BEYOND,
    Scale,
    bottom_axis,
    core_span,
    label_positions,
    left_axis,
    log_span,
    number,
    span,
    with_ends,
)
from sigbench.benchmark.report.charts.style import N_SERIES
from sigbench.benchmark.report.charts.svg import (
    Chart,
    Markup,
    circle,
    diamond,
    group,
    joined,
    line,
    named,
    path,
    text,
)

WIDTH, HEIGHT = 680.0, 400.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 190.0, 34.0, 46.0
LABEL = 17.0  # distance of labels
MAX_TICKS = 9


@dataclass(frozen=True)
class LevelPoint:
    """The mean of a method at one level, with its confidence interval."""

    level: float
    mean: float
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class LevelLine:
    """The means of a method over levels; limits and oracles (``reference``) are dashed."""

    name: str
    points: Sequence[LevelPoint]
    reference: bool = False


def over_level(
    lines: Sequence[LevelLine],
    *,
    level: str,
    label: str,
    axis: Literal["linear", "log"] = "linear",
    title: str = "Metric over noise level",
) -> Chart:
    """Draw the means of methods over noise levels, with their confidence intervals as bars.

    The first eight methods that are no references have colors and labels. The others are gray, with
    their intervals only in the tooltips.

    Parameters
    ----------
    lines : sequence of LevelLine
        The methods, the most important first.
    level : str
        Name and unit of the level, below the axis.
    label : str
        Name and unit of the means.
    axis : {"linear", "log"}
        Scale of the levels.
    title : str
        What the chart shows.

    Examples
    --------
    >>> points = [LevelPoint(5, 20.0), LevelPoint(10, 24.0)]
    >>> over_level([LevelLine("wiener", points)], level="SNR (dB)", label="psnr (dB)").description
    '1 method at 2 levels from 5 to 10.'
    """
    levels = sorted({point.level for own in lines for point in own.points})
    log = axis == "log" and min(levels, default=0) > 0
    x = Scale(*(log_span(levels) if log else span(levels)), LEFT, WIDTH - RIGHT, log=log)
    means = [point.mean for own in lines for point in own.points]
    low, high = core_span(means)
    kept = [point for own in lines for point in own.points if low <= point.mean <= high]
    ends = [end for point in kept for end in (point.low, point.high)]
    y = Scale(*with_ends(low, high, ends), HEIGHT - BOTTOM, TOP)
    ticks = levels if len(levels) <= MAX_TICKS else x.ticks()
    labels = [number(float(f"{tick:.3g}")) for tick in ticks]
    parts = [
        bottom_axis(x, TOP, HEIGHT - BOTTOM, level, ticks, labels),
        left_axis(y, LEFT, WIDTH - RIGHT, label),
    ]
    methods = [own for own in lines if not own.reference]
    looks = [(own, f"s{i}") for i, own in enumerate(methods[:N_SERIES])]
    looks += [(own, "limit") for own in lines if own.reference]
    gray = methods[N_SERIES:]
    parts += [_line(own, "other", x, y) for own in gray]
    parts += [_line(own, cls, x, y) for own, cls in reversed(looks)]
    parts.append(_labels(looks, x, y))
    if any(not low <= mean <= high for mean in means if not math.isnan(mean)):
        parts.append(text(WIDTH - RIGHT, TOP - 12, BEYOND, "small muted", "end"))
    if gray:
        note = f"gray: {len(gray)} other method{'s' * (len(gray) != 1)}"
        parts.append(text(WIDTH - RIGHT + 24, HEIGHT - 12, note, "small muted"))
    count = f"{len(methods)} method{'s' * (len(methods) != 1)}"
    reach = f" from {number(levels[0])} to {number(levels[-1])}" if levels else ""
    about = f"{count} at {len(levels)} level{'s' * (len(levels) != 1)}{reach}."
    return Chart("over_level", title, about, WIDTH, HEIGHT, joined(parts))


def _line(own: LevelLine, cls: str, x: Scale, y: Scale) -> Markup:
    """Return a line with its points; it is interrupted where there is no finite mean."""
    parts = []
    dash = " dashed" * own.reference
    known: list[tuple[float, float]] = []
    points = sorted(own.points, key=lambda point: point.level)
    for point in [*points, None]:
        if point is not None and not math.isnan(point.mean):
            parts.append(_point(own, point, x, y, bar=cls != "other"))
        if point is not None and math.isfinite(point.mean):
            known.append((x(point.level), y(point.mean)))
            continue
        if len(known) > 1:
            parts.insert(0, path(known, f"line{dash}"))
        known = []
    return group(cls, *parts, title=own.name)


def _point(own: LevelLine, point: LevelPoint, x: Scale, y: Scale, *, bar: bool) -> Markup:
    at, height = x(point.level), y(point.mean)
    interval = ""
    parts = []
    if not (math.isnan(point.low) or math.isnan(point.high)):
        interval = f" ({number(point.low)} to {number(point.high)})"
        if bar:
            parts.append(line(at, y(point.low), at, y(point.high), "thin"))
    title = f"{own.name} at {number(point.level)}: {number(point.mean)}{interval}"
    if not y.low <= point.mean <= y.high:  # beyond the axis: an arrow
        d = 7 if point.mean > y.high else -7
        head = [(at - 4, height + d), (at, height), (at + 4, height + d), (at - 4, height + d)]
        parts.append(path(head, "mark", title))
    elif own.reference:
        parts.append(diamond(at, height, 4.5, "hollow", title))
    else:
        parts.append(circle(at, height, 3.5, "mark", title))
    return joined(parts)


def _labels(looks: Sequence[tuple[LevelLine, str]], x: Scale, y: Scale) -> Markup:
    """Return the names at the right ends of the lines, moved apart."""
    ends = []
    for own, cls in looks:
        known = [point for point in own.points if not math.isnan(point.mean)]
        if known:
            last = max(known, key=lambda point: point.level)
            ends.append((own, cls, x(last.level), y(last.mean)))
    heights = label_positions([end[3] for end in ends], LABEL, TOP, HEIGHT - BOTTOM)
    left = WIDTH - RIGHT + 24
    parts = []
    for (own, cls, at, wanted), height in zip(ends, heights, strict=True):
        parts.append(
            path([(at + 5, wanted), (WIDTH - RIGHT + 8, wanted), (left - 3, height)], "leader")
        )
        style = "colored italic" if own.reference else "colored"
        parts.append(group(cls, named(left, height + 4.5, own.name, RIGHT - 28, style)))
    return joined(parts)
