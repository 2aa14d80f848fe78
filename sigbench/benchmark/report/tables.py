"""Tables in Markdown, and the texts of their cells, for all reports."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sigbench.config.registry import lookup
from sigbench.core import escape
from sigbench.scoring.leaderboard import LeaderboardRow
from sigbench.scoring.metrics import METRICS
from sigbench.scoring.scores import Summary

MISSING = "†"  # marks the mean of a method with values that could not be computed


@dataclass(frozen=True)
class Columns:
    """The columns of a table that contain the figures of the methods.

    Attributes
    ----------
    metrics : sequence of str
        The metric of each column.
    header : sequence of str
        The header of each column.
    second_header : sequence of str
        A second line of headers; empty if there is none.
    cells : mapping of (str, str) to str
        The text by (method, metric).
    """

    metrics: Sequence[str]
    header: Sequence[str]
    second_header: Sequence[str]
    cells: Mapping[tuple[str, str], str]


def mean_columns(
    table: Sequence[LeaderboardRow], metrics: Sequence[str], summaries: Mapping[str, Summary]
) -> Columns:
    """Return one column for every metric: the means of the methods with their intervals.

    Parameters
    ----------
    table : sequence of LeaderboardRow
        The rows of one problem.
    metrics : sequence of str
        The metrics to show.
    summaries : mapping of str to Summary
        The summaries of the problem by metric.
    """
    cells = {}
    for metric in metrics:
        rows = [row for row in table if row["metric"] == metric]
        places, ranked = digits(rows), is_ranked(rows)
        for row in rows:
            half = (row["ci_high"] - row["ci_low"]) / 2
            text = mean_text(row["mean"], half, places)
            cells[row["method"], metric] = marked(text, row, ranked, summaries[metric])
    return Columns(metrics, [heading(metric) for metric in metrics], [], cells)


def mean_text(mean: float, half: float, places: int) -> str:
    """Return a mean ± half its interval; "-" if it is NaN."""
    if math.isnan(mean):
        return "-"
    return f"{mean:.{places}f}" + (f" ± {half:.{places}f}" if math.isfinite(half) else "")


def marked(text: str, row: LeaderboardRow, ranked: bool, summary: Summary) -> str:
    """Return the text of a cell in bold if no method is significantly better, or marked as partial.

    Parameters
    ----------
    text : str
        The text of the cell.
    row : LeaderboardRow
        The row of its method and metric.
    ranked : bool
        Whether any method is significantly better than another, by this metric.
    summary : Summary
        The summary of the problem and metric.
    """
    if row["method"] in summary.missing:
        return f"{text} {MISSING}"
    return f"**{text}**" if ranked and is_best(row) else text


def is_ranked(rows: Sequence[LeaderboardRow]) -> bool:
    """Return whether any method is significantly better than another, by one metric."""
    return any(row["rank_low"] is not None and row["rank_low"] > 1 for row in rows)


def is_best(row: LeaderboardRow) -> bool:
    """Return whether no method is significantly better and no value is infinitely bad."""
    worst = -math.inf if row["higher_is_better"] else math.inf
    return row["rank_low"] == 1 and row["mean"] != worst and not math.isnan(row["mean"])


def heading(metric: str) -> str:
    """Return the name of a metric with its unit."""
    unit = lookup("metric", METRICS, metric).unit
    return f"{metric} (dB)" if unit == "dB" else metric


def digits(column: Sequence[LeaderboardRow]) -> int:
    """Return the decimals of a metric: 2 for dB, else four significant digits of the least mean."""
    finite = [abs(row["mean"]) for row in column if math.isfinite(row["mean"])]
    smallest = min(finite, default=0.0)
    if not column or column[0]["unit"] == "dB" or smallest == 0:
        return 2
    return max(0, 3 - math.floor(math.log10(smallest)))


def rank(row: LeaderboardRow) -> str:
    """Return the rank of a row, or its range of tied ranks; empty if it has none."""
    low, high = row["rank_low"], row["rank_high"]
    if low is None:
        return ""
    return str(low) if low == high else f"{low}-{high}"


def two_digits(number: float) -> str:
    """Return a number with at least two significant digits; empty if it is NaN."""
    if math.isnan(number):
        return ""
    if number >= 10:
        return f"{number:.0f}"
    return np.format_float_positional(float(f"{number:.2g}"), trim="-")


def markdown_table(
    header: Sequence[str], rows: Iterable[Sequence[Any]], right: Sequence[str]
) -> str:
    """Return a Markdown table with padded columns; the columns ``right`` are right-aligned."""
    lines = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    widths = [
        max(3, *(len(line[i]) for line in [list(header), *lines])) for i in range(len(header))
    ]
    numeric = [name in right for name in header]

    def join(cells: Sequence[str]) -> str:
        padded = (
            c.rjust(w) if n else c.ljust(w) for c, w, n in zip(cells, widths, numeric, strict=True)
        )
        return f"| {' | '.join(padded)} |"

    rule = [("-" * (w - 1) + ":") if n else "-" * w for w, n in zip(widths, numeric, strict=True)]
    return "\n".join([join(list(header)), join(rule), *map(join, lines)])


def problems_text(problems: Sequence[str], count: int) -> str:
    """Return the names of some problems, or that these are all.

    Examples
    --------
    >>> problems_text(["a", "b"], 2)
    'all 2 problems'
    >>> problems_text(["a", "b"], 3)
    'a, b'
    """
    whole = 1 < count == len(problems)
    return f"all {count} problems" if whole else ", ".join(map(escape.markdown, problems))
