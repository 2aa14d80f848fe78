"""Compute the leaderboard: means, intervals, ranks, gaps to the limit and cost of all methods."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np

from sigbench.config.registry import lookup
from sigbench.core.escape import csv_text, from_csv_text
from sigbench.scoring.aggregate import average, compare_all, difference
from sigbench.scoring.inference import Floats, mean_of
from sigbench.scoring.metrics import METRICS, Metric
from sigbench.scoring.scores import Scores

COLUMNS = (
    "suite",
    "problem",
    "method",
    "params",
    "knowledge",
    "metric",
    "unit",
    "higher_is_better",
    "mean",
    "ci_low",
    "ci_high",
    "n",
    "rank_low",
    "rank_high",
    "gap_to_limit",
    "ms_per_item",
)
LIMITS = ("prior", "oracle")
NUMBERS = ("mean", "ci_low", "ci_high", "gap_to_limit", "ms_per_item")
FREE_TEXT = ("suite", "problem", "method", "params")

LeaderboardRow = dict[str, Any]


def leaderboard(
    scores: Iterable[Scores], timings: Sequence[Mapping[str, Any]], bounds: Sequence[str] = ()
) -> list[LeaderboardRow]:
    """Return one row per (problem, method, metric); within a problem and metric, best first.

    Parameters
    ----------
    scores : iterable of Scores
        One per problem and metric, in the order of the suite.
    timings : sequence of mapping
        Timings of the cells: rows of ``timings.parquet``.
    bounds : sequence of str
        Names of the oracle methods that are true bounds.

    Returns
    -------
    list of dict
        Rows with the keys `COLUMNS`. A missing rank is None; other missing numbers are NaN. A
        method with values that could not be computed has neither rank nor gap, because its mean
        leaves out items, perhaps the hard ones; it follows the other methods.
    """
    cost = ms_per_item(timings)
    rows = [row for group in scores for row in _rows(group, bounds)]
    for row in rows:
        row["ms_per_item"] = cost[row["problem"], row["method"]]
    return rows


def ms_per_item(timings: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], float]:
    """Return the median time per item, in ms, over the cells of each (problem, method).

    Contended timings are used only if there are no others.
    """
    timings_of: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for timing in timings:
        timings_of.setdefault((timing["problem"], timing["method"]), []).append(timing)
    cost = {}
    for key, cells in timings_of.items():
        used = uncontended(cells)
        cost[key] = median(1000 * timing["time_s"] / timing["items"] for timing in used)
    return cost


def uncontended(timings: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Return the timings that are not contended, or all if there are no others."""
    return [timing for timing in timings if not timing["contended"]] or timings


def _rows(scores: Scores, bounds: Sequence[str]) -> list[LeaderboardRow]:
    metric = lookup("metric", METRICS, scores.metric)
    sign = 1 if metric.higher_is_better else -1
    rows: list[LeaderboardRow] = []
    for method, params, knowledge in zip(
        scores.methods, scores.params, scores.knowledge, strict=True
    ):
        mean = average(metric, *scores.of(method))
        rows.append(
            {
                "suite": scores.suite,
                "problem": scores.problem,
                "method": method,
                "params": params,
                "knowledge": knowledge,
                "metric": scores.metric,
                "unit": metric.unit,
                "higher_is_better": metric.higher_is_better,
                "mean": mean.mean,
                "ci_low": mean.low,
                "ci_high": mean.high,
                "n": mean.n,
                "rank_low": None,
                "rank_high": None,
                "gap_to_limit": math.nan,
            }
        )
    complete = [i for i, row in enumerate(rows) if row["method"] not in scores.missing]
    limit = _limit({i: rows[i] for i in complete}, sign, bounds)
    if limit is not None:
        for i in complete:
            values = scores.values[i]
            common = ~np.isnan(scores.values[limit]) & ~np.isnan(values)
            if common.any():
                gap = difference(metric, scores.values[limit][common], values[common])
                rows[i]["gap_to_limit"] = sign * mean_of(gap) + 0.0
    ranked = ranked_methods(scores)
    tests = compare_all(metric, scores.values[ranked], scores.groups)
    for i, (low, high) in zip(ranked, tests.ranks(len(ranked)), strict=True):
        rows[i]["rank_low"], rows[i]["rank_high"] = low, high
    incomplete = sorted(set(range(len(rows))) - set(complete), key=lambda i: rows[i]["n"] == 0)
    places = {
        i: (-standing(metric, scores.of(rows[i]["method"])[0]), rows[i]["rank_low"] or 0)
        for i in complete
    }
    best_first = sorted(complete, key=places.__getitem__)
    return [rows[i] for i in best_first + incomplete]


def standing(metric: Metric, values: Floats) -> float:
    """Return the number by which methods are sorted: the mean, with the sign that more is better.

    An infinitely good mean says nothing about the other items, so the lower median replaces it.

    Examples
    --------
    >>> standing(METRICS["psnr"], np.array([20.0, 24.0, np.inf, 10.0]))
    20.0
    """
    sign = 1 if metric.higher_is_better else -1
    mean = sign * metric.mean(values)
    if math.isnan(mean):  # infinitely good and infinitely bad values
        return -math.inf
    return mean if mean < math.inf else float(np.sort(sign * values)[(len(values) - 1) // 2])


def ranked_methods(scores: Scores) -> list[int]:
    """Return the indices of the methods that have a rank.

    Limits and oracles have none, nor has a method with values that could not be computed.
    """
    return [
        i
        for i, (method, knowledge) in enumerate(zip(scores.methods, scores.knowledge, strict=True))
        if method not in scores.missing and knowledge not in LIMITS
    ]


def _limit(rows: Mapping[int, LeaderboardRow], sign: int, bounds: Sequence[str]) -> int | None:
    """Return the index of the best prior row, else of the tightest true bound, else None."""
    prior = [i for i, row in rows.items() if row["knowledge"] == "prior"]
    bound = [i for i, row in rows.items() if row["method"] in bounds]
    if prior:
        return max(prior, key=lambda i: sign * rows[i]["mean"])
    return min(bound, key=lambda i: sign * rows[i]["mean"], default=None)


def to_csv(board: Sequence[LeaderboardRow]) -> str:
    """Return the leaderboard as CSV; text that a spreadsheet would read as a formula is quoted."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows([_cell(column, row[column]) for column in COLUMNS] for row in board)
    return text.getvalue()


def from_csv(text: str) -> list[LeaderboardRow]:
    """Return the rows of a leaderboard that `to_csv` has written, with six significant digits."""
    return [
        {column: _value(column, cell) for column, cell in row.items()}
        for row in csv.DictReader(io.StringIO(text))
    ]


def _value(column: str, cell: str) -> Any:
    if column in ("n", "rank_low", "rank_high"):
        return int(cell) if cell else None
    if column in NUMBERS:
        return float(cell) if cell else math.nan
    if column == "higher_is_better":
        return cell == "true"
    return from_csv_text(cell) if column in FREE_TEXT else cell


def _cell(column: str, value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    return csv_text(str(value)) if column in FREE_TEXT else str(value)
