"""Comparison of two methods of a run, paired by item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sigbench.benchmark.report.markdown import markdown_table
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.config.registry import lookup
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
    "tie" unless the test is significant and the interval excludes 0.
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
    adjusted = holm(np.array([p for _, p in pairs]))
    return [_decided(pair, float(p), a, b) for (pair, _), p in zip(pairs, adjusted, strict=True)]


def _pair(scores: Scores, a: str, b: str) -> list[tuple[Comparison, float]]:
    """Return the comparison and its p-value, or nothing if there are no common items."""
    values = [scores.values[scores.methods.index(name)] for name in (a, b)]
    both = ~np.isnan(values).any(axis=0)
    if not both.any():
        return []
    own, other = values[0][both], values[1][both]
    groups = scores.groups[both]
    metric = lookup("metric", METRICS, scores.metric)
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
        own, other, mean, low, high = (f"{figure:.4g}" for figure in figures)
        interval = f"{mean} [{low}, {high}]"
        metric = f"{pair.metric} (dB)" if pair.unit == "dB" else pair.metric
        size = f"{d.n:,}" if d.n == pair.groups else f"{d.n:,} in {pair.groups:,} groups"
        p = "< 0.0001" if pair.p_value < 1e-4 else f"{pair.p_value:.4f}"
        rows.append((pair.problem, metric, own, other, interval, p, pair.better, size))
    header = ("problem", "metric", a, b, "difference [95 %]", "p", "better", "items")
    legend = (
        f"Means over the common items; the mean difference {a} − {b} with its bootstrap interval. "
        "p: paired two-sided tests of the mean and of signed ranks, with Holm's correction over "
        f"{len(pairs)} comparisons. better: p < 0.05 and the interval excludes 0."
    )
    metrics = dict.fromkeys(pair.metric for pair in pairs)
    errors = [m for m in metrics if lookup("metric", METRICS, m).averages == "errors"]
    if errors:
        legend += (
            f" {', '.join(errors)}: p compares the mean errors; the interval of the difference is "
            "linearized (delta method)."
        )
    return f"{markdown_table(header, rows, right=header[2:6])}\n\n{legend}\n"
