"""The leaderboard: means, intervals, tied ranks, gaps to the limit and cost, from the cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from sigbench.metrics import METRICS
from sigbench.registry import lookup
from sigbench.scores import Scores
from sigbench.statistics import mean_interval, paired_difference, ranks

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


def leaderboard(
    scores: Iterable[Scores], timings: Sequence[Mapping[str, Any]], bounds: Sequence[str] = ()
) -> pd.DataFrame:
    """Return one row per (problem, method, metric), best first.

    Parameters
    ----------
    scores : iterable of Scores
        Per problem and metric, in the order of the suite.
    timings : sequence of mapping
        Cost per cell.
    bounds : sequence of str
        Those oracle rows that no method can beat.
    """
    tables = [_table(one, bounds) for one in scores]
    if not tables:
        return pd.DataFrame(columns=list(COLUMNS))
    board = pd.concat(tables, ignore_index=True)
    cost = ms_per_item(timings)
    board["ms_per_item"] = [
        cost[row] for row in zip(board["problem"], board["method"], strict=True)
    ]
    return board[list(COLUMNS)]


def ms_per_item(timings: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], float]:
    """Return the median time per item over the cells of each (problem, method).

    Cells that others ran beside count only where there are no others.
    """
    of_row: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for timing in timings:
        of_row.setdefault((timing["problem"], timing["method"]), []).append(timing)
    cost = {}
    for row, own in of_row.items():
        alone = [timing for timing in own if not timing["contended"]] or own
        cost[row] = median(1000 * timing["time_s"] / timing["items"] for timing in alone)
    return cost


def _table(scores: Scores, bounds: Sequence[str]) -> pd.DataFrame:
    known = lookup("metric", METRICS, scores.metric)
    sign = 1 if known.higher_is_better else -1
    rows = []
    for method, params, knowledge in zip(
        scores.methods, scores.params, scores.knowledge, strict=True
    ):
        mean = mean_interval(*scores.of(method))
        rows.append(
            {
                "suite": scores.suite,
                "problem": scores.problem,
                "method": method,
                "params": params,
                "knowledge": knowledge,
                "metric": scores.metric,
                "unit": known.unit,
                "higher_is_better": known.higher_is_better,
                "mean": mean.mean,
                "ci_low": mean.low,
                "ci_high": mean.high,
                "n": mean.n,
            }
        )
    table = pd.DataFrame(rows)
    table["gap_to_limit"] = np.nan
    limit = _limit(table, sign, bounds)
    if limit is not None:
        for i, values in enumerate(scores.values):
            gap = paired_difference(scores.values[scores.methods.index(limit)], values)
            gap = gap[~np.isnan(gap)]
            if gap.size:
                table.loc[i, "gap_to_limit"] = sign * gap.mean() + 0.0
    ranked = ~table["knowledge"].isin(LIMITS).to_numpy()
    lows_highs = ranks(
        scores.values[ranked], scores.groups, higher_is_better=known.higher_is_better
    )
    frame = pd.DataFrame(
        lows_highs, columns=["rank_low", "rank_high"], dtype="Int64", index=table.index[ranked]
    )
    table = table.join(frame)
    return table.sort_values("mean", ascending=not known.higher_is_better, kind="stable")


def _limit(table: pd.DataFrame, sign: int, bounds: Sequence[str]) -> str | None:
    """Return the best row that knows the prior, else the tightest true bound, else None."""
    by_mean = table.assign(score=sign * table["mean"]).set_index("method")["score"]
    prior = by_mean[(table["knowledge"] == "prior").to_numpy()]
    if len(prior):
        return str(prior.idxmax())
    bound = by_mean[by_mean.index.isin(bounds)]
    return str(bound.idxmin()) if len(bound) else None


def to_csv(board: pd.DataFrame) -> str:
    """Return the leaderboard as CSV; text that a spreadsheet would run as a formula is quoted."""
    safe = board.copy()
    for column in ("suite", "problem", "method", "params"):
        safe[column] = [f"'{v}" if str(v)[:1] in ("=", "+", "-", "@") else v for v in safe[column]]
    safe["higher_is_better"] = [str(v).lower() for v in safe["higher_is_better"]]
    return safe.to_csv(index=False, float_format="%.6g", lineterminator="\n")
