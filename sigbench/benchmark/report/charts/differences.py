"""The matrix of paired differences between all methods."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sigbench.benchmark.report.charts.scale import LARGEST, nice_step, number
from sigbench.benchmark.report.charts.style import N_STEPS
from sigbench.benchmark.report.charts.svg import (
    Chart,
    Markup,
    circle,
    fitted,
    group,
    joined,
    named,
    rect,
    text,
)

WIDTH = 680.0
NAME = 190.0
TOP = 30.0
MAX_NUMBERS = 12  # methods, for numbers in the cells
MAX_CELL, MIN_CELL = 46.0, 15.0


@dataclass(frozen=True)
class PairDifference:
    """The paired difference of two methods, row minus column.

    Attributes
    ----------
    mean, low, high : float
        The difference with its confidence interval.
    significant : bool
        Whether the difference is significant, corrected as the ranks are.
    p_value : float
        The p-value, corrected in the same way; NaN if it is not known.
    """

    mean: float
    low: float
    high: float
    significant: bool
    p_value: float = math.nan


def differences(
    names: Sequence[str],
    pair: Callable[[int, int], PairDifference],
    *,
    label: str,
    places: int | None = 2,
    title: str = "Paired differences, row minus column",
) -> Chart:
    """Draw the differences of all pairs of methods as colored cells.

    Blue cells are positive differences, orange ones negative; darker ones are larger. Significant
    differences fill their cell, the others are a small square. Numbers are in the cells of at most
    12 methods, and in the tooltip of every cell.

    Parameters
    ----------
    names : sequence of str
        The methods, best first.
    pair : callable
        ``pair(i, j)`` for i < j: the difference of method i minus method j.
    label : str
        Name and unit of the difference.
    places : int, optional
        Decimals of the numbers; four significant figures if it is None.
    title : str
        What the chart shows.

    Examples
    --------
    >>> one = PairDifference(0.5, 0.4, 0.6, True)
    >>> differences(["a", "b"], lambda i, j: one, label="psnr (dB)").description
    '1 of 1 pair of 2 methods differs significantly.'
    """
    k = len(names)
    pairs = {(i, j): pair(i, j) for i in range(k) for j in range(i + 1, k)}
    unit = _unit([abs(own.mean) for own in pairs.values()])
    cell = max(MIN_CELL, min(MAX_CELL, (WIDTH - NAME - 30) / max(1, k)))
    height = min(cell, 26.0) if k <= MAX_NUMBERS else cell
    left = NAME + 30
    parts = [_header(k, left, cell)]
    for i, name in enumerate(names):
        y = TOP + height * i
        base = y + height / 2 + 4.5
        parts.append(named(NAME, base, name, NAME, "", "end"))
        parts.append(text(left - 5, base, str(i + 1), "small muted", "end"))
        for j in range(k):
            if i != j:
                own = pairs[i, j] if i < j else _negative(pairs[j, i])
                words = f"{name} − {names[j]}: {_value(own, places)}"
                box = _Box(left + cell * j, y, cell, height)
                parts.append(_cell(own, box, unit, words, places if k <= MAX_NUMBERS else None))
    bottom = TOP + height * k
    parts.append(_legend(unit, left, bottom + 14, label))
    found = sum(own.significant for own in pairs.values())
    plural = f"pair{'s' * (len(pairs) != 1)} of {k} methods"
    about = f"{found} of {len(pairs)} {plural} differ{'s' * (found == 1)} significantly."
    width = max(WIDTH, left + cell * k + 6)
    return Chart("differences", title, about, width, bottom + 62, joined(parts))


@dataclass(frozen=True)
class _Box:
    x: float
    y: float
    width: float
    height: float


def _header(k: int, left: float, cell: float) -> Markup:
    """Return the numbers of the columns; every second one if they would touch."""
    every = 1 if cell >= 16 else 2
    return joined(
        text(left + cell * (j + 0.5), TOP - 8, str(j + 1), "small muted", "middle")
        for j in range(0, k, every)
    )


def _negative(own: PairDifference) -> PairDifference:
    return PairDifference(-own.mean, -own.high, -own.low, own.significant, own.p_value)


def _unit(sizes: Sequence[float]) -> float:
    """Return the step of the colors: a round number, so that most differences are below the last."""
    finite = [size for size in sizes if 1 / LARGEST < size < LARGEST]
    return nice_step(float(np.quantile(finite, 0.8)) / N_STEPS) if finite else 1.0


def color_class(mean: float, unit: float) -> str:
    """Return the class of a difference: its side of 0 and its step, counted from 1, or ``zero``.

    Examples
    --------
    >>> color_class(0.3, 0.5), color_class(-1.2, 0.5), color_class(math.inf, 0.5)
    ('above-1', 'below-3', 'above-4')
    """
    if mean == 0:
        return "zero"
    size = abs(mean) / unit
    step = N_STEPS if size >= N_STEPS else math.floor(size) + 1
    return f"{'above' if mean > 0 else 'below'}-{step}"


def _cell(own: PairDifference, box: _Box, unit: float, words: str, places: int | None) -> Markup:
    x, y, width, height = box.x + 0.5, box.y + 0.5, box.width - 1, box.height - 1
    numbers = width > 30
    if math.isnan(own.mean):
        return circle(x + width / 2, y + height / 2, 1.5, "mark other", words)
    cls = color_class(own.mean, unit)
    if own.significant:
        mark = rect(x, y, width, height, cls, "" if numbers else words)
    else:
        side = min(width, height) * 0.42
        at = (x + (width - side) / 2, y + (height - side) / 2)
        mark = rect(*at, side, side, f"{cls} outlined", "" if numbers else words)
    if not numbers:
        return mark
    shown = number(own.mean, places)
    style = "small bold" if own.significant else "small muted"
    if not own.significant:  # the number would hide the small square
        mark = rect(x + 3, y + height - 4, width - 6, 3, cls)
    value = text(x + width / 2, y + height / 2 + 4, shown, style, "middle")
    return group("", rect(x, y, width, height, "hit"), mark, value, title=words)


def _value(own: PairDifference, places: int | None) -> str:
    if math.isnan(own.mean):
        return "no common items"
    interval = ""
    if not (math.isnan(own.low) or math.isnan(own.high)):
        ends = (number(own.low, places), number(own.high, places))
        interval = f" ({ends[0]} to {ends[1]})"
    p = "" if math.isnan(own.p_value) else f", p = {own.p_value:.2g}"
    return f"{number(own.mean, places)}{interval}{p}{', not significant' * (not own.significant)}"


def _legend(unit: float, left: float, top: float, label: str) -> Markup:
    """Return the colors with the ends of their steps."""
    width = 46.0
    sides = [f"below-{i}" for i in range(N_STEPS, 0, -1)]
    sides += [f"above-{i}" for i in range(1, N_STEPS + 1)]
    parts = [text(left - 12, top + 11, fitted(label, NAME), "small muted", "end")]
    for i, cls in enumerate(sides):
        parts.append(rect(left + width * i, top, width - 1, 12, cls))
    for i in range(1, 2 * N_STEPS):
        at = number((i - N_STEPS) * unit)
        parts.append(text(left + width * i, top + 26, at, "small muted", "middle"))
    note = "full cell: significant; small mark: not"
    return joined([*parts, text(left, top + 44, note, "small muted")])
