"""Means, tests and tied ranks of methods, within datasets and over datasets."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sigbench.benchmark.rank.over_datasets import (
    average_ranks,
    friedman,
    smallest_p,
    units_needed,
    wilcoxon_p,
)
from sigbench.benchmark.rank.read import DatasetScores, ScoreTable
from sigbench.benchmark.rank.records import (
    DatasetRanks,
    DatasetsPair,
    ItemPair,
    MethodRanks,
    OverallMethod,
    OverallRanks,
    Ranking,
)
from sigbench.core.errors import shown
from sigbench.scoring.inference import (
    LEVEL,
    MIN_GROUPS,
    Floats,
    holm,
    mean_interval,
    mean_of,
    paired_difference,
)
from sigbench.scoring.ranks import pair_tests


def rank_scores(table: ScoreTable) -> Ranking:
    """Rank the methods of a table.

    Within a dataset, `sigbench.scoring.inference.paired_test` decides over groups of items. Over
    datasets, the Wilcoxon signed-rank test decides, with one score per dataset and method. Both are
    corrected for all pairs of methods by Holm's method at 5 %.

    Parameters
    ----------
    table : ScoreTable
        The scores.
    """
    overall = _overall(table) if len(table.datasets) > 1 else None
    within = tuple(
        _within(table, own)
        for own in table.datasets
        if len(own.items) > 1 and (~np.isnan(own.values)).any(axis=1).sum() > 1
    )
    return Ranking(table, overall, within)


def _within(table: ScoreTable, own: DatasetScores) -> DatasetRanks:
    present = [i for i, row in enumerate(own.values) if not np.isnan(row).all()]
    _, groups = np.unique(own.groups, return_inverse=True)
    means = {}
    for i in present:
        has = ~np.isnan(own.values[i])
        means[i] = mean_interval(own.values[i][has], groups[has])
    sign = -1 if table.higher_is_better else 1
    order = sorted(present, key=lambda i: sign * means[i].mean)
    values, names = own.values[order], [table.methods[i] for i in order]
    tests = pair_tests(values, groups, higher_is_better=table.higher_is_better)
    ranks = tests.ranks(len(order))
    pairs = tuple(
        ItemPair(
            names[a],
            names[b],
            test,
            tests.adjusted[a, b],
            names[a] if tests.better(a, b) else names[b] if tests.better(b, a) else "",
        )
        for (a, b), test in tests.tests.items()
    )
    methods = tuple(
        MethodRanks(name, means[i], *rank)
        for name, i, rank in zip(names, order, ranks, strict=True)
    )
    n = int(groups.max()) + 1
    return DatasetRanks(
        own.name, len(own.items), n, methods, pairs, _cautions(own, methods, pairs, n)
    )


def _cautions(
    own: DatasetScores,
    methods: Sequence[MethodRanks],
    pairs: Sequence[ItemPair],
    groups: int,
) -> tuple[str, ...]:
    found = []
    n, units = len(own.items), "items" if groups == len(own.items) else "groups of items"
    partial = [m for m in methods if m.mean.n < n]
    if partial:
        first = f"{shown(partial[0].method)} has {partial[0].mean.n:,} of {n:,}"
        found.append(
            f"{len(partial)} of {len(methods)} methods do not have all items ({first}): two methods "
            "are compared on their common items, and a mean is over a method's own items."
        )
    apart = [pair for pair in pairs if pair.test.groups < min(groups, MIN_GROUPS)]
    if apart:
        found.append(
            f"{len(apart):,} of {len(pairs):,} pairs of methods have fewer than "
            f"{min(groups, MIN_GROUPS)} common {units}, such as {shown(apart[0].a)} and "
            f"{shown(apart[0].b)}: their difference cannot be significant."
        )
    if groups < MIN_GROUPS:
        found.append(
            f"{groups} {units} are too few for a test: nothing is significant. A test needs at least "
            f"{MIN_GROUPS}; without assumptions about the distribution, "
            f"{units_needed(len(pairs))} are needed."
        )
    elif len(apart) < len(pairs) and smallest_p(groups, len(pairs)) >= LEVEL:
        found.append(
            f"{groups} {units} are few: {_impossible(groups, len(pairs), 'sign test', units)} A "
            "t test can be significant, but relies on normally distributed differences."
        )
    return tuple(found)


def _impossible(n: int, pairs: int, test: str, units: str) -> str:
    """Return how small the p-value of a test over n units can be, and how many are needed."""
    alone = smallest_p(n, 1)
    after = f", and {smallest_p(n, pairs):.2g} after Holm over {pairs:,} pairs" * (pairs > 1)
    return (
        f"the smallest possible p-value of a {test} is 2/2^{n} = {alone:.2g}{after}, which is not "
        f"below 5 %; {units_needed(pairs)} {units} are needed."
    )


def _overall(table: ScoreTable) -> OverallRanks:
    names: list[str] = []
    columns: list[list[float]] = []
    fewer = 0
    for own in table.datasets:
        common = ~np.isnan(own.values).any(axis=0)
        if common.any():
            names.append(own.name)
            columns.append([mean_of(row[common]) for row in own.values])
            fewer += int(not common.all())
    k, pairs = len(table.methods), math.comb(len(table.methods), 2)
    scores = np.array(columns).reshape(len(names), k)
    ranks = average_ranks(scores, higher_is_better=table.higher_is_better)
    average = ranks.mean(axis=0) if len(names) else np.full(k, np.nan)
    order = np.argsort(average, kind="stable")
    scores, ranks = scores[:, order], ranks[:, order]
    methods = [table.methods[i] for i in order]
    tests = _datasets_pairs(methods, scores, table.higher_is_better)
    won = Counter(pair.better for pair in tests if pair.better)
    lost = Counter(pair.b if pair.better == pair.a else pair.a for pair in tests if pair.better)
    best = (ranks == ranks.min(axis=1, initial=k, keepdims=True)).sum(axis=0)
    rows = [
        OverallMethod(method, float(average[i]), int(own), 1 + lost[method], k - won[method])
        for method, i, own in zip(methods, order, best, strict=True)
    ]
    found = _left_out(table, names, fewer)
    n = len(names)
    if smallest_p(n, pairs) >= LEVEL:
        impossible = _impossible(n, pairs, "Wilcoxon test", "datasets")
        found.append(f"{n} datasets are too few: no difference can be significant: {impossible}")
    test = friedman(ranks) if k > 2 and n > 1 else None
    return OverallRanks(tuple(names), scores, tuple(rows), tests, test, tuple(found))


def _left_out(table: ScoreTable, kept: Sequence[str], fewer: int) -> list[str]:
    """Return cautions for datasets and items that not all methods have."""
    found = []
    out = [own for own in table.datasets if own.name not in kept]
    if out:
        lacking = [
            method
            for i, method in enumerate(table.methods)
            if any(np.isnan(own.values[i]).all() for own in out)
        ]
        names = f"{', '.join(map(shown, lacking[:3]))}{', ...' * (len(lacking) > 3)}"
        who = f"; {len(lacking)} methods lack some: {names}" * bool(lacking)
        found.append(
            f"{len(out)} of {len(table.datasets)} datasets are left out, because not every method "
            f"has scores there on common items{who}."
        )
    if fewer:
        found.append(
            f"In {fewer} datasets, the score is the mean over the items that all methods have."
        )
    return found


def _datasets_pairs(
    methods: Sequence[str], scores: Floats, higher_is_better: bool
) -> tuple[DatasetsPair, ...]:
    indices = list(itertools.combinations(range(len(methods)), 2))
    sign = 1 if higher_is_better else -1
    tests: list[tuple[NDArray[np.float64], float, float]] = []
    for a, b in indices:
        d = sign * paired_difference(scores[:, a], scores[:, b])
        tests.append((d, *wilcoxon_p(d)))
    adjusted = holm(np.array([p for _, _, p in tests]))
    pairs = []
    for (a, b), (d, balance, p), after in zip(indices, tests, adjusted, strict=True):
        better = "" if not after < LEVEL else methods[a] if balance > 0 else methods[b]
        wins, losses, ties = (
            int(count) for count in ((d > 0).sum(), (d < 0).sum(), (d == 0).sum())
        )
        pairs.append(
            DatasetsPair(methods[a], methods[b], wins, losses, ties, p, float(after), better)
        )
    return tuple(pairs)
