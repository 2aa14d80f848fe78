"""The chart of means: one row per method, with its confidence interval and the gap to the limit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sigbench.benchmark.report.charts.scale import Scale, bottom_axis, core_span, number, with_ends
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
    rect,
    text,
)

Role = Literal["ranked", "unranked", "limit", "oracle"]

WIDTH = 680.0
ROW = 21.0
TOP = 26.0
NAME = 190.0  # width of the names
MEAN, RANK = 76.0, 52.0  # widths of the columns on the right


@dataclass(frozen=True)
class IntervalRow:
    """The mean of a method.

    Attributes
    ----------
    name : str
        Name of the method.
    mean, low, high : float
        The mean and its confidence interval; NaN or infinite if there is none.
    role : {"ranked", "unranked", "limit", "oracle"}
        Limits and oracles are no competitors. An unranked method has values that could not be
        computed.
    rank : str
        The rank or range of ranks, as text.
    best : bool
        Whether no method is significantly better.
    """

    name: str
    mean: float
    low: float = math.nan
    high: float = math.nan
    role: Role = "ranked"
    rank: str = ""
    best: bool = False


def intervals(
    rows: Sequence[IntervalRow],
    *,
    label: str,
    limit: float | None = None,
    places: int | None = 2,
    title: str = "Means with 95 % confidence intervals",
) -> Chart:
    """Draw means with their confidence intervals, one row per method.

    A method that is far from all others is an arrow at the end of the axis, as an infinite mean is.

    Parameters
    ----------
    rows : sequence of IntervalRow
        The methods, from top to bottom.
    label : str
        Name and unit of the values, below the axis.
    limit : float, optional
        The value of the limit: a vertical line, with a thin line from every mean.
    places : int, optional
        Decimals of the means; four significant figures if it is None.
    title : str
        What the chart shows.

    Examples
    --------
    >>> chart = intervals([IntervalRow("wiener", 21.0, 20.5, 21.5)], label="psnr (dB)")
    >>> chart.description
    '1 method, first wiener: 21.00 (20.50 to 21.50).'
    """
    if limit is not None and not math.isfinite(limit):
        limit = None
    means = [row.mean for row in rows]
    low, high = core_span(means, [] if limit is None else [limit])
    kept = [row for row in rows if low <= row.mean <= high]
    low, high = with_ends(low, high, [end for row in kept for end in (row.low, row.high)])
    bottom = TOP + ROW * len(rows) + 4
    scale = Scale(low, high, NAME + 22, WIDTH - MEAN - RANK - 12)
    parts = [bottom_axis(scale, TOP - 4, bottom, label), _header()]
    if limit is not None:
        x = scale(limit)
        parts.append(line(x, TOP - 4, x, bottom, "thin limit dashed", f"limit: {number(limit)}"))
        parts.append(text(x, TOP - 10, "limit", "small muted", "middle"))
    for i, row in enumerate(rows):
        parts.append(_row(row, TOP + ROW * (i + 0.5), scale, limit, places))
    return Chart("intervals", title, _description(rows, places), WIDTH, bottom + 44, joined(parts))


def _header() -> Markup:
    mean = text(WIDTH - RANK - 6, TOP - 10, "mean", "small muted", "end")
    return joined([mean, text(WIDTH - 4, TOP - 10, "rank", "small muted", "end")])


def _row(
    row: IntervalRow, y: float, scale: Scale, limit: float | None, places: int | None
) -> Markup:
    competes = row.role == "ranked"
    cls = "s0" if row.best else "other" if competes or row.role == "unranked" else "limit"
    style = "bold" if row.best else "italic" if not competes else ""
    base = y + 4.5
    parts = [
        rect(0, y - ROW / 2, WIDTH, ROW, "hit"),
        named(NAME, base, row.name, NAME, style, "end"),
        text(WIDTH - RANK - 6, base, number(row.mean, places), style, "end"),
        text(WIDTH - 4, base, row.rank, style, "end"),
    ]
    if not math.isnan(row.mean):
        parts.append(_marks(row, y, scale, limit))
    return group(cls, *parts, title=f"{row.name}: {_value(row, None)}{_kind(row)}")


def _marks(row: IntervalRow, y: float, scale: Scale, limit: float | None) -> Markup:
    parts = []
    x = scale(row.mean)
    if limit is not None and row.role in ("ranked", "unranked"):
        beyond = " dotted" * (not scale.low <= row.mean <= scale.high)
        parts.append(line(x, y, scale(limit), y, f"leader{beyond}"))
    if math.isfinite(row.mean):
        parts += _interval(row, y, scale)
    if not scale.low <= row.mean <= scale.high:
        parts.append(_arrow(scale, y, right=row.mean > scale.high))
    elif row.role in ("limit", "oracle"):
        parts.append(diamond(x, y, 5, "hollow"))
    else:
        parts.append(circle(x, y, 4, "hollow" if row.role == "unranked" else "mark"))
    return joined(parts)


def _interval(row: IntervalRow, y: float, scale: Scale) -> list[Markup]:
    """Return the bar of an interval; an end beyond the axis is an arrow."""
    if math.isnan(row.low) or math.isnan(row.high):
        return []
    if row.high < scale.low or row.low > scale.high:
        return []
    parts = [line(scale(row.low), y, scale(row.high), y, "bar")]
    if row.low < scale.low:
        parts.append(_arrow(scale, y, right=False))
    if row.high > scale.high:
        parts.append(_arrow(scale, y, right=True))
    return parts


def _arrow(scale: Scale, y: float, *, right: bool) -> Markup:
    """Return the head of an arrow at an end of the axis."""
    x, d = (scale.end + 8, -8) if right else (scale.start - 8, 8)
    return path([(x + d, y - 5), (x, y), (x + d, y + 5), (x + d, y - 5)], "mark")


def _value(row: IntervalRow, places: int | None) -> str:
    mean = number(row.mean, places)
    if math.isnan(row.low) or math.isnan(row.high):
        return f"{mean}, no interval" if math.isfinite(row.mean) else mean
    return f"{mean} ({number(row.low, places)} to {number(row.high, places)})"


def _kind(row: IntervalRow) -> str:
    if row.role == "ranked":
        return f", rank {row.rank}" if row.rank else ""
    return ", some values could not be computed" if row.role == "unranked" else f", {row.role}"


def _description(rows: Sequence[IntervalRow], places: int | None) -> str:
    count = f"{len(rows)} method{'s' * (len(rows) != 1)}"
    ranked = [row for row in rows if row.role == "ranked"]
    if not ranked:
        return f"{count}."
    best = [row.name for row in ranked if row.best]
    tied = f" {len(best)} methods are not significantly worse than any other." * (len(best) > 1)
    return f"{count}, first {ranked[0].name}: {_value(ranked[0], places)}.{tied}"
