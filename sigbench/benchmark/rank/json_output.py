"""A ranking as JSON."""

from __future__ import annotations

import math
from typing import Any

from sigbench.benchmark.rank.records import DatasetRanks, OverallRanks, Ranking, told_apart
from sigbench.scoring.inference import LEVEL


def as_json(ranking: Ranking) -> dict[str, Any]:
    """Return a ranking for JSON; the keys are documented in docs/rank.md.

    NaN is None.
    """
    table = ranking.table
    return {
        "file": table.path.name,
        "read_as": table.read_as,
        "higher_is_better": table.higher_is_better,
        "level": LEVEL,
        "methods": list(table.methods),
        "cautions": list(table.cautions),
        "overall": None if ranking.overall is None else _overall_json(ranking.overall),
        "datasets": [_dataset_json(one) for one in ranking.datasets],
    }


def _overall_json(overall: OverallRanks) -> dict[str, Any]:
    test = overall.friedman
    return {
        "datasets": list(overall.datasets),
        "methods": [
            {
                "method": row.method,
                "average_rank": _number(row.average_rank),
                "best_on": row.best_on,
                "rank_low": row.rank_low,
                "rank_high": row.rank_high,
            }
            for row in overall.methods
        ],
        "pairs": [
            {
                "a": pair.a,
                "b": pair.b,
                "wins": pair.wins,
                "losses": pair.losses,
                "ties": pair.ties,
                "p": pair.p_value,
                "p_holm": pair.adjusted,
                "better": pair.better or None,
            }
            for pair in overall.pairs
        ],
        "friedman": None
        if test is None
        else {
            "chi2": test.chi2,
            "p_chi2": test.p_chi2,
            "f": _number(test.f),
            "p": test.p_value,
        },
        "neighbors": _neighbors_json(overall),
        "cautions": list(overall.cautions),
    }


def _neighbors_json(ranks: OverallRanks | DatasetRanks) -> dict[str, int]:
    found, of = told_apart([row.method for row in ranks.methods], ranks.pairs)
    return {"told_apart": found, "of": of}


def _dataset_json(one: DatasetRanks) -> dict[str, Any]:
    return {
        "dataset": one.name or None,
        "items": one.items,
        "groups": one.groups,
        "methods": [
            {
                "method": row.method,
                "mean": _number(row.mean.mean),
                "ci_low": _number(row.mean.low),
                "ci_high": _number(row.mean.high),
                "n": row.mean.n,
                "rank_low": row.rank_low,
                "rank_high": row.rank_high,
            }
            for row in one.methods
        ],
        "pairs": [
            {
                "a": pair.a,
                "b": pair.b,
                "difference": _number(pair.test.difference.mean),
                "ci_low": _number(pair.test.difference.low),
                "ci_high": _number(pair.test.difference.high),
                "n": pair.test.difference.n,
                "test": pair.test.test,
                "p": pair.test.p_value,
                "p_holm": pair.adjusted,
                "better": pair.better or None,
            }
            for pair in one.pairs
        ],
        "neighbors": _neighbors_json(one),
        "cautions": list(one.cautions),
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
