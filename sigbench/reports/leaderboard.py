"""The leaderboard: means, intervals, tied ranks, gaps to the limit and cost, from the cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sigbench.metrics import METRICS
from sigbench.registry import lookup
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
    cells: pd.DataFrame,
    timings: pd.DataFrame,
    *,
    problems: Sequence[str],
    metrics: Sequence[str],
    bounds: Sequence[str] = (),
) -> pd.DataFrame:
    """Return one row per (problem, method, metric), best first.

    Parameters
    ----------
    cells : DataFrame
        Per-item values, as the run folder holds them.
    timings : DataFrame
        Cost per cell.
    problems, metrics : sequence of str
        Those of the suite, in its order.
    bounds : sequence of str
        Those oracle rows that no method can beat.
    """
    cells = cells.assign(group=pd.factorize(cells["group"])[0])
    tables = [
        _table(values, bounds)
        for problem in problems
        for metric in metrics
        if len(values := cells[(cells["problem"] == problem) & (cells["metric"] == metric)])
    ]
    if not tables:
        return pd.DataFrame(columns=list(COLUMNS))
    board = pd.concat(tables, ignore_index=True)
    spent = timings.groupby(["problem", "method"])[["time_s", "items"]].sum()
    per_item = (1000 * spent["time_s"] / spent["items"]).rename("ms_per_item")
    board = board.merge(per_item, left_on=["problem", "method"], right_index=True, how="left")
    return board[list(COLUMNS)]


def _table(values: pd.DataFrame, bounds: Sequence[str]) -> pd.DataFrame:
    metric = str(values["metric"].iloc[0])
    known = lookup("metric", METRICS, metric)
    rows = []
    for method, own in values.groupby("method", observed=True, sort=False):
        mean = mean_interval(own["value"].to_numpy(), own["group"].to_numpy())
        rows.append(
            {
                "suite": own["suite"].iloc[0],
                "problem": own["problem"].iloc[0],
                "method": method,
                "params": "; ".join(dict.fromkeys(own["params"])),
                "knowledge": own["knowledge"].iloc[0],
                "metric": metric,
                "unit": known.unit,
                "higher_is_better": known.higher_is_better,
                "mean": mean.mean,
                "ci_low": mean.low,
                "ci_high": mean.high,
                "n": mean.n,
            }
        )
    table = pd.DataFrame(rows)
    sign = 1 if known.higher_is_better else -1
    wide = values.pivot(index=["seed", "item"], columns="method", values="value")
    table["gap_to_limit"] = np.nan
    if limit := _limit(table, sign, bounds):
        for i, method in enumerate(table["method"]):
            both = wide[[limit, method]].to_numpy().T
            gap = paired_difference(*both[:, ~np.isnan(both).any(axis=0)])
            if gap.size:
                table.loc[i, "gap_to_limit"] = sign * gap.mean() + 0.0
    ranked = table.loc[~table["knowledge"].isin(LIMITS), "method"].tolist()
    groups = values.drop_duplicates(["seed", "item"]).set_index(["seed", "item"])["group"]
    lows_highs = ranks(
        wide[ranked].to_numpy().T,
        groups.loc[wide.index].to_numpy(),
        higher_is_better=known.higher_is_better,
    )
    frame = pd.DataFrame(lows_highs, columns=["rank_low", "rank_high"], dtype="Int64")
    table = table.merge(frame.assign(method=ranked), on="method", how="left")
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
