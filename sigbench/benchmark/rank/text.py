"""A ranking as Markdown."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from statistics import median

from sigbench.benchmark.rank.over_datasets import Friedman
from sigbench.benchmark.rank.records import DatasetRanks, OverallRanks, Ranking, told_apart
from sigbench.benchmark.report.plots import shortened
from sigbench.benchmark.report.tables import markdown_table
from sigbench.core import escape
from sigbench.scoring.inference import LEVEL, MIN_GROUPS, Mean

WIDTH = 80
MIN_NAME = 12  # characters of a name that are shown in any case
MAX_TABLES = 10  # datasets; of more, only the best methods are listed
NAMES = ("method", "dataset", "best mean")  # columns of names
LEGEND = (
    "rank: 2-4 means that one method is significantly better, and that two others may be as good. "
    "Overlapping ranks do not prove that methods are equal: there may be too few data to see the "
    "difference."
)


def as_markdown(ranking: Ranking, *, width: int | None = WIDTH) -> str:
    """Return a ranking as Markdown, which is also readable as text.

    Parameters
    ----------
    ranking : Ranking
        The ranking.
    width : int, optional
        The width of the text: long names are shortened in their middle. None keeps names as they
        are.
    """
    table = ranking.table
    parts = [f"# Ranks: {escape.markdown(table.path.name)}"]
    k, n = len(table.methods), len(table.datasets)
    size = f"{k} methods, " + (
        f"{n} datasets." if n > 1 else f"{len(table.datasets[0].items):,} items."
    )
    parts.append(escape.markdown(f"{table.read_as} {size}"))
    parts += [caution(text) for text in table.cautions]
    if ranking.overall is not None:
        parts += _overall_parts(ranking.overall, width)
    if len(ranking.datasets) > MAX_TABLES:
        parts += _short_parts(ranking.datasets, width)
    else:
        for one in ranking.datasets:
            parts += _dataset_parts(one, width, heading=n > 1)
    parts.append(LEGEND)
    return "\n\n".join(_wrapped(part) for part in parts)


def caution(text: str) -> str:
    """Return a caution as a paragraph of Markdown."""
    return f"**Caution:** {escape.markdown(text)}"


def _wrapped(part: str) -> str:
    if part.startswith(("|", "#")):
        return part
    return "\n".join(textwrap.wrap(part, WIDTH, break_long_words=False, break_on_hyphens=False))


def _overall_parts(overall: OverallRanks, width: int | None) -> Iterator[str]:
    n = len(overall.datasets)
    yield f"## Over {n} datasets"
    header = ["rank", "method", "average rank", "best on"]
    rows = [
        [
            rank_text(row.rank_low, row.rank_high),
            row.method,
            f"{row.average_rank:.2f}",
            str(row.best_on),
        ]
        for row in overall.methods
    ]
    if n:
        yield _table(header, rows, width)
    yield from map(caution, overall.cautions)
    if overall.friedman is not None:
        yield friedman_text(overall.friedman)
    yield neighbors_text(overall)
    yield tests_text(overall)


def tests_text(ranks: OverallRanks | DatasetRanks) -> str:
    """Return which tests were made, in a sentence; empty if there was none."""
    pairs = f"{len(ranks.pairs):,} {'pairs' if len(ranks.pairs) != 1 else 'pair'}"
    if isinstance(ranks, OverallRanks):
        return (
            "Wilcoxon signed-rank tests of one score per dataset, corrected by Holm's method for "
            f"{pairs} at 5 %. best on: datasets on which no method is better."
        )
    kinds = sorted({pair.test.test for pair in ranks.pairs if pair.test.groups >= MIN_GROUPS})
    names = " and ".join({"t": "t tests", "sign": "sign tests"}[kind] for kind in kinds)
    if not names:
        return ""
    return (
        f"Paired {names} over {size_text(ranks)}, corrected by Holm's method for {pairs} at 5 %. "
        "Methods are compared item by item: they can differ although their intervals overlap."
    )


def friedman_text(test: Friedman) -> str:
    """Return Friedman's test in a sentence."""
    dof = f"{test.methods - 1}, {(test.methods - 1) * (test.datasets - 1)}"
    verdict = "some methods differ" if test.p_value < LEVEL else "no difference is proven"
    return (
        f"Friedman's test: chi2({test.methods - 1}) = {test.chi2:.4g}, p = {test.p_chi2:.2g}; Iman "
        f"and Davenport: F({dof}) = {test.f:.4g}, p = {test.p_value:.2g}: {verdict}."
    )


def neighbors_text(ranks: OverallRanks | DatasetRanks) -> str:
    """Return how many neighbors on the list, and pairs, differ significantly, in a sentence."""
    found, of = told_apart([row.method for row in ranks.methods], ranks.pairs)
    if of == 1:
        return f"The two methods {'differ' if found else 'do not differ'} significantly."
    pairs = sum(bool(pair.better) for pair in ranks.pairs)
    return (
        f"Significant differences: {pairs:,} of {len(ranks.pairs):,} pairs, and {found} of {of} pairs "
        "of neighbors on this list."
    )


def rank_text(low: int, high: int) -> str:
    """Return tied ranks: ``2-5``, or ``3`` if there is no tie."""
    return str(low) if low == high else f"{low}-{high}"


def places_of(means: Sequence[Mean]) -> int:
    """Return the decimals of a column of means: two digits of the shortest half interval.

    They are at most two more than for the median interval.
    """
    halves = [(mean.high - mean.low) / 2 for mean in means]
    usable = [half for half in halves if math.isfinite(half) and half > 0]
    if not usable:
        return 4
    least, usual = (1 - math.floor(math.log10(h)) for h in (min(usable), median(usable)))
    return max(0, min(least, usual + 2, 10))


def number_text(value: float, places: int) -> str:
    """Return a number with so many decimals, or in short form if it is huge; "-" for NaN."""
    if math.isnan(value):
        return "-"
    return f"{value:.{places}f}" if abs(value) < 1e7 else f"{value:.4g}"


def interval_text(mean: Mean, places: int) -> str:
    """Return an interval in brackets; "-" if there is none."""
    if math.isnan(mean.low):
        return "-"
    return f"[{number_text(mean.low, places)}, {number_text(mean.high, places)}]"


def size_text(one: DatasetRanks) -> str:
    """Return the number of items and groups."""
    items = f"{one.items:,} items"
    return items if one.groups == one.items else f"{items} in {one.groups:,} groups"


def _dataset_parts(one: DatasetRanks, width: int | None, *, heading: bool) -> Iterator[str]:
    if heading:
        yield f"## {escape.markdown(one.name)}"
    places = places_of([row.mean for row in one.methods])
    rows = [
        [
            rank_text(row.rank_low, row.rank_high),
            row.method,
            number_text(row.mean.mean, places),
            interval_text(row.mean, places),
            f"{row.mean.n:,}",
        ]
        for row in one.methods
    ]
    yield _table(["rank", "method", "mean", "95 % interval", "items"], rows, width)
    yield from map(caution, one.cautions)
    if one.groups >= MIN_GROUPS and one.pairs:
        yield neighbors_text(one)
    if tests_text(one):
        yield tests_text(one)


def _short_parts(datasets: Sequence[DatasetRanks], width: int | None) -> Iterator[str]:
    """Yield a table with one row per dataset."""
    yield f"## Within {len(datasets)} datasets"
    rows = []
    for one in datasets:
        best = sum(row.rank_low == 1 for row in one.methods)
        found, of = told_apart([row.method for row in one.methods], one.pairs)
        rows.append(
            [str(best), one.name, one.methods[0].method, f"{found} of {of}", f"{one.items:,}"]
        )
    yield _table(["may be best", "dataset", "best mean", "differ", "items"], rows, width)
    yield (
        "may be best: number of methods that are not significantly worse than any other (paired "
        "tests over items, Holm at 5 %). differ: pairs of neighbors that differ significantly. "
        "For all means, intervals and ranks, use --json or --html FILE."
    )
    few = sum(bool(one.cautions) for one in datasets)
    if few:
        yield caution(f"{few} datasets have cautions, such as too few items: see --json.")


def _table(header: Sequence[str], rows: Sequence[list[str]], width: int | None) -> str:
    names = [i for i, name in enumerate(header) if name in NAMES]
    if width is not None:
        others = [max(3, *(len(row[i]) for row in [header, *rows])) for i in range(len(header))]
        spare = width - sum(others) + others[1] - 3 * len(header) - 1
        if "best mean" in header:  # two columns of names
            spare = (spare + others[2]) // 2
        for row in rows:
            for i in names:
                row[i] = shortened(row[i], max(MIN_NAME, spare))
    for row in rows:
        for i in names:
            row[i] = escape.markdown(row[i])
    return markdown_table(header, rows, right=[name for name in header if name not in NAMES])
