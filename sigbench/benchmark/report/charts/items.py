"""The chart of two methods, item by item."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sigbench.benchmark.report.charts.scale import Scale, bottom_axis, left_axis, number, span
from sigbench.benchmark.report.charts.svg import (
    Chart,
    circle,
    dots,
    fitted,
    group,
    joined,
    line,
    text,
)

WIDTH, HEIGHT = 480.0, 496.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 16.0, 34.0, 54.0
MAX_POINTS = 2000
MAX_TOOLTIPS = 300


def items(
    names: tuple[str, str],
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    *,
    label: str,
    higher_is_better: bool = True,
    title: str = "",
) -> Chart:
    """Draw the values of two methods on the same items: A to the right, B upwards.

    Items with an infinite value are counted, not drawn. Of more than 2,000 items, 2,000 are drawn,
    evenly spaced in the order of the items.

    Parameters
    ----------
    names : (str, str)
        Methods A and B.
    a, b : array, shape (n,)
        Their values; NaN marks items that a method was not run on.
    label : str
        Name and unit of the values.
    higher_is_better : bool
        Direction of the values.
    title : str
        What the chart shows.

    Examples
    --------
    >>> a, b = np.array([3.0, 4.0, 5.0]), np.array([2.0, 4.5, 4.0])
    >>> items(("a", "b"), a, b, label="psnr (dB)").description
    'a is better on 2 of 3 items, b on 1.'
    """
    both = ~(np.isnan(a) | np.isnan(b))
    index = np.flatnonzero(both)
    a, b = a[both], b[both]
    sign = 1 if higher_is_better else -1
    better = [int(np.sum(sign * first > sign * second)) for first, second in ((a, b), (b, a))]
    about = (
        f"{names[0]} is better on {better[0]:,} of {len(a):,} items, {names[1]} on {better[1]:,}."
    )
    finite = np.isfinite(a) & np.isfinite(b)
    index, a, b = index[finite], a[finite], b[finite]
    low, high = span([*a.tolist(), *b.tolist()])
    x, y = Scale(low, high, LEFT, WIDTH - RIGHT), Scale(low, high, HEIGHT - BOTTOM, TOP)
    chosen = np.arange(len(a))
    if len(a) > MAX_POINTS:
        chosen = np.linspace(0, len(a) - 1, MAX_POINTS).round().astype(int)
    own, other = fitted(names[0], 220), fitted(names[1], 220)
    parts = [
        bottom_axis(x, TOP, HEIGHT - BOTTOM, f"{own}, {label}", y.ticks(5)),
        left_axis(y, LEFT, WIDTH - RIGHT, f"{other}, {label}"),
        group("limit", line(x(low), y(low), x(high), y(high), "thin dashed", "equal values")),
    ]
    places = [(x(float(a[i])), y(float(b[i]))) for i in chosen]
    if len(places) > MAX_TOOLTIPS:
        parts.append(group("s0", dots(places)))
    else:
        parts += [
            circle(
                *at,
                2.5,
                "mark s0",
                f"item {index[i]}: {names[0]} {number(a[i])}, {names[1]} {number(b[i])}",
            )
            for i, at in zip(chosen, places, strict=True)
        ]
    above = names[1] if higher_is_better else names[0]
    below = names[0] if higher_is_better else names[1]
    parts.append(text(LEFT + 8, TOP + 16, f"{fitted(above, 150)} better", "small muted"))
    corner = (WIDTH - RIGHT - 8, HEIGHT - BOTTOM - 10)
    parts.append(text(*corner, f"{fitted(below, 150)} better", "small muted", "end"))
    notes = []
    if len(chosen) < len(a):
        notes.append(f"{len(chosen):,} of {len(a):,} items are drawn")
    if not finite.all():
        notes.append(f"{np.sum(~finite):,} with an infinite value are not drawn")
    parts.append(text(WIDTH - RIGHT, HEIGHT - 6, "; ".join(notes), "small muted", "end"))
    heading = title or f"{names[0]} and {names[1]}, item by item"
    return Chart("items", heading, about, WIDTH, HEIGHT, joined(parts))
