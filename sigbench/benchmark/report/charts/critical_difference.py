"""The critical-difference diagram: positions of methods, and groups that do not differ."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from sigbench.benchmark.report.charts.cliques import MAX_GROUPS, maximal_groups
from sigbench.benchmark.report.charts.scale import Scale, core_span, number, tick_labels
from sigbench.benchmark.report.charts.svg import (
    Chart,
    Markup,
    circle,
    fitted,
    group,
    joined,
    line,
    named,
    path,
    text,
)

WIDTH = 720.0
NAME = 196.0  # width of the names on each side
VALUE = 46.0  # width of the values
AXIS = 52.0  # height of the axis
ROW = 19.0
LEVEL = 8.0  # distance of bars
MAX_BARS = 40


def critical_difference(
    names: Sequence[str],
    positions: Sequence[float],
    differ: Callable[[int, int], bool],
    *,
    label: str,
    lower_is_better: bool = False,
    places: int | None = 2,
    title: str = "Groups of methods that do not differ significantly",
) -> Chart:
    """Draw methods on an axis, with bars that join maximal groups without significant differences.

    The dots on a bar are the members of its group. A method between its ends without a dot differs
    from a member.

    Parameters
    ----------
    names : sequence of str
        The methods.
    positions : sequence of float
        The mean or average rank of each method; an infinite one is at the end of the axis.
    differ : callable
        ``differ(i, j)``: whether methods i and j differ significantly; the order does not matter.
    label : str
        Name and unit of the positions.
    lower_is_better : bool
        Direction of the positions; the axis says on which side the better methods are.
    places : int, optional
        Decimals of the positions; four significant figures if it is None.
    title : str
        What the chart shows.

    References
    ----------
    Demšar, J. Mach. Learn. Res. 7 (2006), section 3.2.2 (the diagram); here with any test of pairs.

    Examples
    --------
    >>> chart = critical_difference(
    ...     ["a", "b", "c"], [3.0, 2.9, 1.0], lambda i, j: 2 in (i, j), label="psnr (dB)"
    ... )
    >>> chart.description
    '3 methods in 1 group without significant differences: b, a.'
    """
    order = sorted(
        (i for i in range(len(names)) if not math.isnan(positions[i])), key=lambda i: positions[i]
    )
    k = len(order)
    groups = maximal_groups(k, lambda i, j: differ(order[i], order[j]))
    axis = Scale(*core_span([positions[i] for i in order]), NAME + 26, WIDTH - NAME - 26)
    places_of = [axis(positions[i]) for i in order]
    levels = _levels([(places_of[own[0]], places_of[own[-1]]) for own in groups[:MAX_BARS]])
    first = AXIS + 14 + LEVEL * (max(levels, default=-1) + 1) + 16  # height of the first names
    half = (k + 1) // 2
    parts = [_axis(axis, label, lower_is_better)]
    for rank, i in enumerate(order):
        left = rank < half
        row = rank if left else k - 1 - rank
        y = first + ROW * row
        value = number(positions[i], places)
        parts.append(_name(names[i], value, places_of[rank], y, left))
    for own, level in zip(groups[:MAX_BARS], levels, strict=True):
        members = [names[order[i]] for i in own]
        y = AXIS + 14 + LEVEL * level
        parts.append(_bar([places_of[i] for i in own], y, members))
    height = first + ROW * max(half - 1, 0) + 16
    hidden = len(groups) - MAX_BARS
    if hidden > 0:
        count = f"at least {hidden}" if len(groups) == MAX_GROUPS else f"{hidden}"
        note = f"{count} more groups are not drawn"
        parts.append(text(WIDTH / 2, height + 4, note, "small muted", "middle"))
        height += 18
    listed = "; ".join(", ".join(names[order[i]] for i in own) for own in groups[:5])
    about = f"{len(groups)} group{'s' * (len(groups) != 1)} without significant differences"
    count = f"{k} method{'s' * (k != 1)} in {about}"
    return Chart(
        "critical_difference",
        title,
        f"{count}: {listed}{', and others' * (len(groups) > 5)}." if groups else f"{count}.",
        WIDTH,
        height,
        joined(parts),
    )


def _axis(axis: Scale, label: str, lower_is_better: bool) -> Markup:
    ticks = axis.ticks(5)
    direction = "← better" if lower_is_better else "better →"
    anchor, at = ("start", axis.start) if lower_is_better else ("end", axis.end)
    parts = [
        line(axis.start, AXIS, axis.end, AXIS, "axis"),
        text(WIDTH / 2, 14, fitted(label, 160), "muted", "middle"),
        text(at, 14, direction, "muted", anchor),
    ]
    for tick, words in zip(ticks, tick_labels(ticks), strict=True):
        parts.append(line(axis(tick), AXIS - 6, axis(tick), AXIS, "axis"))
        parts.append(text(axis(tick), AXIS - 10, words, "small muted", "middle"))
    return joined(parts)


def _name(name: str, value: str, x: float, y: float, left: bool) -> Markup:
    """Return the name of a method and the line that leads from it to its position."""
    edge, anchor, side = (NAME + 8, "end", -1) if left else (WIDTH - NAME - 8, "start", 1)
    parts = [
        path([(x, AXIS), (x, y), (edge, y)], "leader"),
        circle(x, AXIS, 2.5, "mark s0"),
        named(edge + VALUE * side, y + 4.5, name, NAME + 8 - VALUE, "", anchor),
        text(edge + 4 * side, y + 4.5, value, "small muted", anchor),
    ]
    return group("", *parts, title=f"{name}: {value}")


def _bar(places: Sequence[float], y: float, members: Sequence[str]) -> Markup:
    """Return a bar with a dot for every member."""
    parts = [line(places[0] - 2, y, places[-1] + 2, y, "bar")]
    parts += [circle(x, y, 3, "mark") for x in places]
    return group("limit", *parts, title=f"no significant differences: {', '.join(members)}")


def _levels(bars: Sequence[tuple[float, float]]) -> list[int]:
    """Return the level of each bar: the first on which it touches no earlier one.

    Examples
    --------
    >>> _levels([(0, 10), (5, 20), (30, 40)])
    [0, 1, 0]
    """
    ends: list[float] = []  # of the last bar on each level
    levels = []
    for start, end in bars:
        level = next((i for i, last in enumerate(ends) if start > last + 8), len(ends))
        ends[level : level + 1] = [end]
        levels.append(level)
    return levels
