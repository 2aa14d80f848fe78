"""The charts of a run, from its leaderboard and its values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sigbench.benchmark.report import charts
from sigbench.benchmark.report.charts import Chart, Distances, IntervalRow, PairDifference
from sigbench.benchmark.report.charts.intervals import Role
from sigbench.benchmark.report.tables import digits, heading, is_best, rank
from sigbench.config.registry import lookup
from sigbench.scoring.aggregate import compare_all
from sigbench.scoring.leaderboard import LIMITS, LeaderboardRow, ranked_methods
from sigbench.scoring.metrics import METRICS
from sigbench.scoring.ranks import PairTests
from sigbench.scoring.scores import Scores

KINDS = ("intervals", "over_time", "ecdf", "critical_difference", "differences", "items")


def problem_charts(
    rows: Sequence[LeaderboardRow],
    scores: Scores | None = None,
    *,
    items: tuple[str, str] | None = None,
) -> dict[str, Chart]:
    """Return the charts of one problem and metric, by kind.

    Parameters
    ----------
    rows : sequence of LeaderboardRow
        The rows of the leaderboard with this problem and metric, in its order.
    scores : Scores, optional
        The values of the items. Without them there are only ``intervals`` and ``over_time``.
    items : (str, str), optional
        The methods that ``items`` compares; by default the first two ranked ones.

    Returns
    -------
    dict of str to Chart
        Those of `KINDS` that can be drawn: comparisons need two ranked methods.
    """
    found = {"intervals": _intervals(rows)}
    if any(row["ms_per_item"] > 0 for row in rows):
        found["over_time"] = _over_time(rows)
    if scores is not None:
        known = _Values(rows, scores)
        if known.names:
            found["ecdf"] = _ecdf(known)
        if len(known.names) > 1:
            tests = _tests(known)
            found["critical_difference"] = _critical_difference(known, tests)
            found["differences"] = _differences(known, tests)
            found["items"] = _items(known, items or (known.names[0], known.names[1]))
    return found


def limit_row(rows: Sequence[LeaderboardRow]) -> LeaderboardRow | None:
    """Return the row to which the gaps of a problem and metric refer, or None if there is none.

    Parameters
    ----------
    rows : sequence of LeaderboardRow
        The rows of one problem and metric.
    """
    sign = 1 if rows and rows[0]["higher_is_better"] else -1
    prior = [row for row in rows if row["knowledge"] == "prior" and row["gap_to_limit"] == 0]
    bound = [row for row in rows if row["knowledge"] == "oracle" and row["gap_to_limit"] == 0]
    return max(prior or bound, key=lambda row: sign * row["mean"], default=None)


def _role(row: LeaderboardRow, limit: LeaderboardRow | None) -> Role:
    if row is limit:
        return "limit"
    if row["knowledge"] in LIMITS:
        return "oracle"
    return "ranked" if row["rank_low"] is not None else "unranked"


def _intervals(rows: Sequence[LeaderboardRow]) -> Chart:
    first, limit = rows[0], limit_row(rows)
    drawn = [
        IntervalRow(
            row["method"],
            row["mean"],
            row["ci_low"],
            row["ci_high"],
            _role(row, limit),
            rank(row).replace("-", "–"),
            is_best(row),
        )
        for row in rows
    ]
    return charts.intervals(
        drawn,
        label=heading(first["metric"]),
        limit=None if limit is None else limit["mean"],
        places=digits(rows),
        title=f"{first['problem']}: {first['metric']} with 95 % confidence intervals",
    )


def _over_time(rows: Sequence[LeaderboardRow]) -> Chart:
    first, limit = rows[0], limit_row(rows)
    timed = [row for row in rows if row["knowledge"] not in LIMITS]

    def mean(row: LeaderboardRow) -> float:
        # The mean of a method without a rank lacks items, perhaps the hard ones.
        return math.nan if row["rank_low"] is None else row["mean"]

    return charts.over_time(
        [charts.TimedMethod(row["method"], mean(row), row["ms_per_item"]) for row in timed],
        label=heading(first["metric"]),
        higher_is_better=first["higher_is_better"],
        limits=[] if limit is None else [charts.Level(limit["method"], limit["mean"])],
        title=f"{first['problem']}: {first['metric']} against time per item",
    )


@dataclass(frozen=True)
class _Values:
    """The values of the ranked methods, in the order of the leaderboard."""

    rows: Sequence[LeaderboardRow]
    scores: Scores

    @property
    def index(self) -> list[int]:
        """The indices of the ranked methods in the scores."""
        ranked = {self.scores.methods[i]: i for i in ranked_methods(self.scores)}
        return [ranked[row["method"]] for row in self.rows if row["method"] in ranked]

    @property
    def names(self) -> list[str]:
        """The ranked methods."""
        return [self.scores.methods[i] for i in self.index]

    @property
    def values(self) -> NDArray[np.float64]:
        """Their values, shape (K, n)."""
        return self.scores.values[self.index]

    @property
    def first(self) -> LeaderboardRow:
        """Any row of the problem and metric."""
        return self.rows[0]


def _ecdf(known: _Values) -> Chart:
    first, limit = known.first, limit_row(known.rows)
    sign = 1 if first["higher_is_better"] else -1
    values = sign * known.values
    if limit is None:
        # Items on which no ranked method was run have no reference.
        reference = np.fmax.reduce(values, axis=0)
        name = "the best ranked method on the item"
    else:
        reference = sign * known.scores.values[known.scores.methods.index(limit["method"])]
        name = "the limit"
    with np.errstate(invalid="ignore"):  # inf - inf is 0: both are perfect, or infinitely bad
        distances = np.where(values == reference, 0.0, reference - values)
    unit = " dB" if first["unit"] == "dB" else ""
    side = "below" if first["higher_is_better"] else "above"
    return charts.ecdf(
        [Distances(n, d) for n, d in zip(known.names, distances, strict=True)],
        label=f"{first['metric']} {side} {name}{' (dB)' * bool(unit)}",
        title=f"{first['problem']}: share of items within x{unit} of {name}, {first['metric']}",
    )


def _tests(known: _Values) -> PairTests:
    """Return the tests of all pairs: those of the ranks."""
    metric = lookup("metric", METRICS, known.scores.metric)
    return compare_all(metric, known.values, known.scores.groups)


def _differ(tests: PairTests, i: int, j: int) -> bool:
    return tests.better(i, j) or tests.better(j, i)


def _critical_difference(known: _Values, tests: PairTests) -> Chart:
    first = known.first
    means = {row["method"]: row["mean"] for row in known.rows}
    return charts.critical_difference(
        known.names,
        [means[name] for name in known.names],
        partial(_differ, tests),
        label=heading(first["metric"]),
        lower_is_better=not first["higher_is_better"],
        places=digits(known.rows),
        title=f"{first['problem']}: groups of methods whose {first['metric']} does not differ "
        "significantly",
    )


def _differences(known: _Values, tests: PairTests) -> Chart:
    first = known.first

    def pair(i: int, j: int) -> PairDifference:
        mean = tests.tests[i, j].difference
        adjusted = tests.adjusted[i, j]
        return PairDifference(mean.mean, mean.low, mean.high, _differ(tests, i, j), adjusted)

    return charts.differences(
        known.names,
        pair,
        label=heading(first["metric"]),
        places=digits(known.rows),
        title=f"{first['problem']}: paired differences of {first['metric']}, row minus column",
    )


def _items(known: _Values, names: tuple[str, str]) -> Chart:
    first = known.first
    a, b = (known.scores.values[known.scores.methods.index(name)] for name in names)
    return charts.items(
        names,
        a,
        b,
        label=heading(first["metric"]),
        higher_is_better=first["higher_is_better"],
        title=f"{first['problem']}: {first['metric']} of {names[0]} and {names[1]}, item by item",
    )
