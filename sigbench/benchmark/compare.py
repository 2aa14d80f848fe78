"""Comparison of two methods of a run, paired by item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sigbench.benchmark.report.tables import MISSING, markdown_table
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.config.registry import lookup
from sigbench.core import escape
from sigbench.core.errors import InputError, unknown
from sigbench.core.rng import item_rng
from sigbench.scoring.aggregate import difference, paired
from sigbench.scoring.inference import Mean, bootstrap_interval, holm, paired_p_value
from sigbench.scoring.metrics import METRICS
from sigbench.scoring.scores import Scores


@dataclass(frozen=True)
class Comparison:
    """The comparison of methods A and B on one problem and metric.

    ``difference`` is the mean of A − B over their common items, with its 95 % bootstrap interval.
    ``p_value`` is adjusted for all comparisons made together. ``better`` is the better method, or
    "tie" unless the test is significant and the interval excludes 0. ``missing`` says, for each of
    the two methods with values that could not be computed, how many and why: such items are left
    out. Without common items, the numbers are NaN and ``better`` is empty.
    """

    problem: str
    metric: str
    unit: str
    mean_a: float
    mean_b: float
    difference: Mean
    groups: int
    p_value: float
    better: str
    missing: tuple[str, ...] = ()


def compare(
    path: Path, a: str, b: str, *, problems: Sequence[str] | None = None
) -> list[Comparison]:
    """Compare two methods of a run on all common problems and metrics.

    Parameters
    ----------
    path : Path
        The run folder.
    a, b : str
        Two of its methods.
    problems : sequence of str, optional
        The problems to compare on; by default all.

    Returns
    -------
    list of Comparison
        With the p-values of the tests that give the ranks, adjusted by Holm's method.

    Raises
    ------
    InputError
        If the folder contains no run, or the run does not have one of the methods.
    """
    folder = RunFolder(path)
    about = folder.manifest.require()["suite"]
    methods = sorted({method for _, _, method in folder.cells.all()})
    for name in (a, b):
        if name not in methods:
            for failure in folder.failures():
                if failure["method"] == name:
                    raise InputError(f"{path}: {name!r} failed: {failure['error']}")
            if not methods:
                raise InputError(f"{path} has no finished cells to compare")
            raise unknown("method of the run", name, methods)
    for name in problems or ():
        if name not in about["problems"]:
            raise unknown("problem of the run", name, about["problems"])
    pairs = []
    for problem in problems or about["problems"]:
        for metric in about["metrics"]:
            scores = folder.scores(problem, metric)
            if scores is not None and {a, b} <= set(scores.methods):
                pairs += _pair(scores, a, b)
    if not pairs:
        raise InputError(f"{path}: {a} and {b} have no items in common")
    tested = [p for _, p in pairs if not np.isnan(p)]
    adjusted = iter(holm(np.array(tested)).tolist())
    return [pair if np.isnan(p) else _decided(pair, next(adjusted), a, b) for pair, p in pairs]


def _pair(scores: Scores, a: str, b: str) -> list[tuple[Comparison, float]]:
    """Return the comparison and its p-value, or nothing if the methods were not run on common items.

    The p-value is NaN if no common item has both values.
    """
    values = [scores.values[scores.methods.index(name)] for name in (a, b)]
    both = ~np.isnan(values).any(axis=0)
    metric = lookup("metric", METRICS, scores.metric)
    missing = tuple(f"{m} {scores.missing[m].text}" for m in (a, b) if m in scores.missing)
    if not both.any():
        nothing = Mean(np.nan, np.nan, np.nan, 0)
        labels = (scores.problem, scores.metric, metric.unit)
        empty = Comparison(*labels, np.nan, np.nan, nothing, 0, np.nan, "", missing)
        return [(empty, np.nan)] if missing else []
    own, other = values[0][both], values[1][both]
    groups = scores.groups[both]
    interval = bootstrap_interval(
        difference(metric, own, other),
        groups,
        rng=item_rng(0, "bootstrap", scores.problem, scores.metric),
    )
    pair = Comparison(
        scores.problem,
        scores.metric,
        metric.unit,
        metric.mean(own),
        metric.mean(other),
        interval,
        len(np.unique(groups)),
        np.nan,
        "",
        missing,
    )
    return [(pair, paired_p_value(paired(metric, own, other), groups))]


def _decided(pair: Comparison, p_value: float, a: str, b: str) -> Comparison:
    higher_is_better = lookup("metric", METRICS, pair.metric).higher_is_better
    a_wins = (pair.difference.mean > 0) == higher_is_better
    certain = p_value < 0.05 and not pair.difference.low <= 0 <= pair.difference.high
    better = "tie" if not certain else a if a_wins else b
    return Comparison(**{**vars(pair), "p_value": p_value, "better": better})


def as_markdown(pairs: Sequence[Comparison], a: str, b: str) -> str:
    """Return comparisons as a Markdown table."""
    rows = []
    for pair in pairs:
        d = pair.difference
        figures = (pair.mean_a, pair.mean_b, d.mean, d.low, d.high)
        own, other, mean, low, high = (f"{figure:.4g}" if d.n else "-" for figure in figures)
        interval = f"{mean} [{low}, {high}]" if d.n else "-"
        metric = f"{pair.metric} (dB)" if pair.unit == "dB" else pair.metric
        size = f"{d.n:,}" if d.n == pair.groups else f"{d.n:,} in {pair.groups:,} groups"
        p = "< 0.0001" if pair.p_value < 1e-4 else f"{pair.p_value:.4f}" if d.n else "-"
        size += f" {MISSING}" if pair.missing else ""
        rows.append((pair.problem, metric, own, other, interval, p, pair.better or "-", size))
    header = ("problem", "metric", a, b, "difference [95 %]", "p", "better", "items")
    legend = (
        f"Means over the common items; the mean difference {a} − {b} with its bootstrap interval. "
        "p: paired two-sided tests of the mean and of signed ranks, with Holm's correction over "
        f"{sum(pair.difference.n > 0 for pair in pairs)} comparisons. better: p < 0.05 and the interval excludes 0."
    )
    metrics = dict.fromkeys(pair.metric for pair in pairs)
    errors = [m for m in metrics if lookup("metric", METRICS, m).averages == "errors"]
    if errors:
        legend += (
            f" {', '.join(errors)}: p compares the mean errors; the interval of the difference is "
            "linearized (delta method)."
        )
    notes = dict.fromkeys(
        f"- {pair.problem}, {pair.metric}: {escape.markdown(text)}"
        for pair in pairs
        for text in pair.missing
    )
    if notes:
        legend += f"\n\n{MISSING} Only items with both values are compared:\n\n" + "\n".join(notes)
    return f"{markdown_table(header, rows, right=header[2:6])}\n\n{legend}\n"
