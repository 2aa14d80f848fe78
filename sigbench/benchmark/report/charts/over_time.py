"""The chart of quality against time per item, with the methods that no other one dominates."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from sigbench.benchmark.report.charts.scale import (
    BEYOND,
    Scale,
    bottom_axis,
    core_span,
    left_axis,
    log_span,
    number,
)
from sigbench.benchmark.report.charts.svg import (
    SIZE,
    Chart,
    Markup,
    Point,
    circle,
    fitted,
    group,
    joined,
    line,
    path,
    text,
    text_width,
)
from sigbench.benchmark.report.tables import two_digits

WIDTH, HEIGHT = 680.0, 420.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 16.0, 34.0, 46.0
NAME = 150.0  # longest label
RADIUS = 4.0


@dataclass(frozen=True)
class TimedMethod:
    """The mean of a method and its time per item in ms; both may be NaN."""

    name: str
    mean: float
    ms: float


@dataclass(frozen=True)
class Level:
    """The mean of a limit or an oracle, drawn as a horizontal line."""

    name: str
    mean: float


def over_time(
    methods: Sequence[TimedMethod],
    *,
    label: str,
    higher_is_better: bool = True,
    limits: Sequence[Level] = (),
    title: str = "Quality against time",
) -> Chart:
    """Draw means against the time per item on a logarithmic axis.

    Methods of the Pareto front, which no other method equals in less time, are joined and have
    labels; the others have labels where there is room.

    Parameters
    ----------
    methods : sequence of TimedMethod
        The methods, best first; those without a time or mean are left out and counted.
    label : str
        Name and unit of the means.
    higher_is_better : bool
        Direction of the means.
    limits : sequence of Level
        Limits and oracles.
    title : str
        What the chart shows.

    Examples
    --------
    >>> chart = over_time([TimedMethod("a", 20.0, 1.0), TimedMethod("b", 19.0, 2.0)], label="psnr")
    >>> chart.description
    '2 methods. No faster method is as good as: a (20, 1 ms).'
    """
    shown = [m for m in methods if math.isfinite(m.mean) and 0 < m.ms < math.inf]
    limits = [limit for limit in limits if math.isfinite(limit.mean)]
    x = Scale(*log_span(m.ms for m in shown), LEFT, WIDTH - RIGHT, log=True)
    y = Scale(
        *core_span([m.mean for m in shown], [limit.mean for limit in limits]), HEIGHT - BOTTOM, TOP
    )
    front = pareto(shown, higher_is_better)
    parts = [
        bottom_axis(x, TOP, HEIGHT - BOTTOM, "time per item (ms)"),
        left_axis(y, LEFT, WIDTH - RIGHT, label),
        *(_limit(limit, y) for limit in limits),
    ]
    places = {m.name: (x(m.ms), y(m.mean)) for m in shown}
    if len(front) > 1:
        parts.append(group("s0", path(_steps([places[m.name] for m in front]), "thin dashed")))
    on_front = {m.name for m in front}
    parts += [_mark(m, places[m.name], m.name in on_front, y) for m in reversed(shown)]
    order = front + [m for m in shown if m.name not in on_front]
    parts.append(_labels(order, on_front, places, [y(limit.mean) for limit in limits]))
    missing = len(methods) - len(shown)
    note = (
        f" {missing} without a time, or a finite mean over all items, are left out."
        if missing
        else ""
    )
    marks = [BEYOND] if any(not y.low <= m.mean <= y.high for m in shown) else []
    marks += [f"left out: {missing}"] if missing else []
    parts.append(text(WIDTH - RIGHT, TOP - 12, "; ".join(marks), "small muted", "end"))
    names = ", ".join(f"{m.name} ({number(m.mean)}, {two_digits(m.ms)} ms)" for m in front)
    best = f" No faster method is as good as: {names}." if front else ""
    count = f"{len(methods)} method{'s' * (len(methods) != 1)}."
    return Chart("over_time", title, f"{count}{best}{note}", WIDTH, HEIGHT, joined(parts))


def pareto(methods: Sequence[TimedMethod], higher_is_better: bool = True) -> list[TimedMethod]:
    """Return the methods that are better than every method that is not slower, fastest first.

    Examples
    --------
    >>> a, b, c = (TimedMethod("abc"[i], m, t) for i, (m, t) in enumerate([(5, 1), (4, 2), (6, 9)]))
    >>> [method.name for method in pareto([c, b, a])]
    ['a', 'c']
    """
    sign = 1 if higher_is_better else -1
    front: list[TimedMethod] = []
    for method in sorted(methods, key=lambda m: (m.ms, -sign * m.mean)):
        if not front or sign * method.mean > sign * front[-1].mean:
            front.append(method)
    return front


def _steps(points: Sequence[Point]) -> list[Point]:
    """Return the corners of the front: what is reached within a time."""
    corners = [points[0]]
    for (_, before), (x, y) in itertools.pairwise(points):
        corners += [(x, before), (x, y)]
    return corners


def _limit(limit: Level, y: Scale) -> Markup:
    at = y(limit.mean)
    title = f"{limit.name}: {number(limit.mean)}"
    words = text(LEFT + 6, at - 5, fitted(limit.name, NAME), "small italic halo", title=title)
    return group("limit", line(LEFT, at, WIDTH - RIGHT, at, "thin dashed", title), words)


def _mark(method: TimedMethod, at: Point, front: bool, y: Scale) -> Markup:
    title = f"{method.name}: {number(method.mean)}, {two_digits(method.ms)} ms per item"
    cls = "mark s0" if front else "mark other"
    if y.low <= method.mean <= y.high:
        return circle(*at, RADIUS, cls, title)
    d = 8 if method.mean > y.high else -8
    (left, top), right = at, at[0] + 5
    return path([(left - 5, top + d), at, (right, top + d), (left - 5, top + d)], cls, title)


@dataclass(frozen=True)
class _Box:
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: _Box) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


def _labels(
    order: Sequence[TimedMethod],
    front: set[str],
    places: dict[str, Point],
    limits: Sequence[float],
) -> Markup:
    """Return the names next to their marks, where they overlap neither marks nor other names."""
    r = RADIUS + 1
    taken = [_Box(x - r, y - r, x + r, y + r) for x, y in places.values()]
    taken += [_Box(LEFT, y - 16, LEFT + NAME, y) for y in limits]
    parts = []
    for method in order:
        x, y = places[method.name]
        name = fitted(method.name, NAME)
        for anchor, dx, dy in _SIDES:
            box = _box(x + dx, y + dy, text_width(name) + 4, anchor)
            inside = box.left >= LEFT and box.right <= WIDTH and box.top >= TOP - 14
            if inside and box.bottom <= HEIGHT - BOTTOM and not any(map(box.overlaps, taken)):
                taken.append(box)
                cls = "halo bold" if method.name in front else "halo muted"
                parts.append(text(x + dx, y + dy + 4.5, name, cls, anchor))
                break
    return joined(parts)


_SIDES = (
    ("end", -9.0, -9.0),
    ("middle", 0.0, -13.0),
    ("start", 9.0, 0.0),
    ("end", -9.0, 0.0),
    ("middle", 0.0, 13.0),
    ("start", 9.0, 10.0),
    ("start", 9.0, -10.0),
    ("end", -9.0, 10.0),
)  # anchor of the text and its offset from the mark


def _box(x: float, y: float, width: float, anchor: str) -> _Box:
    left = {"start": x, "middle": x - width / 2, "end": x - width}[anchor]
    return _Box(left, y - SIZE / 2 - 1, left + width, y + SIZE / 2 + 1)
