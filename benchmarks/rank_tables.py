"""Compare the ranks of `sigbench rank` with those of SciPy and statsmodels, on tables of scores.

    python benchmarks/rank_tables.py TABLE.csv [TABLE.csv ...] [options of `sigbench rank`]

The table is read by sigbench; the statistics are computed a second time with `scipy.stats` and
`statsmodels`. For each table and dataset, it prints the ranks of both, the largest difference of
the p-values that are corrected by Holm's method, and the number of pairs with another decision.
Needs statsmodels.
"""

from __future__ import annotations

import argparse
import itertools
import time
from pathlib import Path

import numpy as np
import scipy.stats
from statsmodels.stats.multitest import multipletests

from sigbench.benchmark.rank.layout import Columns
from sigbench.benchmark.rank.rank import rank_scores
from sigbench.benchmark.rank.read import read_scores
from sigbench.benchmark.rank.records import ItemPair
from sigbench.benchmark.rank.text import rank_text

LEVEL = 0.05


def ranks_of(pairs: dict[tuple[str, str], tuple[float, str]], methods: list[str]) -> dict[str, str]:
    """Return the ranks from adjusted p-values and the better method of each pair."""
    better = [
        (winner, next(m for m in pair if m != winner))
        for pair, (p, winner) in pairs.items()
        if p < LEVEL
    ]
    return {
        m: rank_text(
            1 + sum(loser == m for _, loser in better),
            len(methods) - sum(winner == m for winner, _ in better),
        )
        for m in methods
    }


def holm(
    tests: dict[tuple[str, str], tuple[float, str]],
) -> dict[tuple[str, str], tuple[float, str]]:
    """Return the tests with their p-values adjusted by statsmodels."""
    adjusted = multipletests([p for p, _ in tests.values()], method="holm")[1]
    return {
        pair: (float(p), winner)
        for (pair, (_, winner)), p in zip(tests.items(), adjusted, strict=True)
    }


def show(title: str, methods, pairs, alone) -> None:
    """Print the ranks of both side by side, and how far the p-values are apart."""
    theirs = holm(alone)
    ours = {(pair.a, pair.b): pair.adjusted for pair in pairs}
    their_ranks = ranks_of(theirs, [row.method for row in methods])
    print(f"\n{title}")
    for row in methods[:12]:
        own = rank_text(row.rank_low, row.rank_high)
        mark = "" if own == their_ranks[row.method] else "  differs"
        print(f"  {row.method[:40]:40} {own:>8} {their_ranks[row.method]:>8}{mark}")
    if len(methods) > 12:
        print(f"  ... {len(methods) - 12} more")
    after = max(abs(ours[pair] - theirs[pair][0]) for pair in theirs)
    before = max(abs(own_p(pair) - alone[pair.a, pair.b][0]) for pair in pairs)
    other = sum((ours[pair] < LEVEL) != (theirs[pair][0] < LEVEL) for pair in theirs)
    same = sum(rank_text(r.rank_low, r.rank_high) == their_ranks[r.method] for r in methods)
    print(
        f"  same ranks: {same} of {len(methods)}; {len(theirs)} pairs: largest difference of p "
        f"{before:.2g} alone, {after:.2g} after Holm; other decisions {other}"
    )


def own_p(pair) -> float:
    """Return the p-value of sigbench for a pair alone."""
    return pair.test.p_value if isinstance(pair, ItemPair) else pair.p_value


def within(table, one, scores) -> tuple[int, int]:
    """Compare the paired t tests within a dataset; return the pairs, and those by a sign test."""
    values = dict(zip(table.methods, scores.values, strict=True))
    sign = 1 if table.higher_is_better else -1
    tests = {}
    for pair in one.pairs:
        both = ~np.isnan(values[pair.a]) & ~np.isnan(values[pair.b])
        a, b = values[pair.a][both], values[pair.b][both]
        d = sign * (a - b)
        if pair.test.test == "sign":
            more, fewer = int((d > 0).sum()), int((d < 0).sum())
            p = scipy.stats.binomtest(more, more + fewer).pvalue if more + fewer else 1.0
            if (more - fewer) * d.mean() <= 0:  # sigbench: no decision against the mean
                p = 1.0
        else:
            p = scipy.stats.ttest_rel(a, b).pvalue if d.any() else 1.0
        tests[pair.a, pair.b] = (float(p), pair.a if d.mean() > 0 else pair.b)
    name = one.name or "one dataset"
    show(f"{name}: paired tests over {one.items} items", one.methods, one.pairs, tests)
    return len(one.pairs), sum(pair.test.test == "sign" for pair in one.pairs)


def over(table, overall) -> None:
    """Compare the Wilcoxon and Friedman tests over datasets."""
    sign = 1 if table.higher_is_better else -1
    names = [row.method for row in overall.methods]
    tests = {}
    for i, j in itertools.combinations(range(len(names)), 2):
        d = np.round(sign * (overall.scores[:, i] - overall.scores[:, j]), 12)
        nonzero = d[d != 0]
        p = scipy.stats.wilcoxon(nonzero).pvalue if len(nonzero) else 1.0
        ranks = scipy.stats.rankdata(abs(nonzero))
        up = ranks[nonzero > 0].sum() > ranks[nonzero < 0].sum()
        tests[names[i], names[j]] = (float(p), names[i] if up else names[j])
    n = len(overall.datasets)
    show(f"Wilcoxon tests over {n} datasets", overall.methods, overall.pairs, tests)
    if overall.friedman is not None:
        theirs = scipy.stats.friedmanchisquare(*overall.scores.T)
        print(f"  Friedman: {overall.friedman.chi2:.6g}, SciPy {theirs.statistic:.6g}")


def main() -> None:
    """Compare the tables of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tables", nargs="+", type=Path)
    for role in ("method", "item", "dataset", "group", "value"):
        parser.add_argument(f"--{role}")
    parser.add_argument("--lower-is-better", action="store_true")
    args = parser.parse_args()
    columns = Columns(args.method, args.item, args.dataset, args.group, args.value)
    for path in args.tables:
        table = read_scores(path, columns, higher_is_better=not args.lower_is_better)
        start = time.perf_counter()
        ranking = rank_scores(table)
        took = time.perf_counter() - start
        print(f"\n== {path.name}: {table.read_as} Ranked in {took:.2f} s.")
        print(f"  {'method':40} {'sigbench':>8} {'SciPy':>8}")
        if ranking.overall is not None:
            over(table, ranking.overall)
        own = {one.name: one for one in table.datasets}
        counts = [
            within(table, one, own[one.name]) for one in ranking.datasets if one.groups == one.items
        ]
        if counts:
            print(f"  {sum(n for n, _ in counts)} pairs, {sum(s for _, s in counts)} by sign test")


if __name__ == "__main__":
    main()
