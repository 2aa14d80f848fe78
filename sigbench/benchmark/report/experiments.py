"""Tables of experiments, in the layout of a printed table, and of repeated trainings."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from sigbench.benchmark.report.tables import heading, markdown_table, mean_text
from sigbench.config.registry import lookup
from sigbench.core import escape
from sigbench.scoring.aggregate import average
from sigbench.scoring.leaderboard import LeaderboardRow
from sigbench.scoring.metrics import METRICS
from sigbench.scoring.scores import Summary

TRAININGS = """\
Each training seed gives one training, scored by its mean over all items; ± half the 95 % \
confidence interval of the mean over trainings (Student's t)."""


def experiments_table(
    table: Sequence[LeaderboardRow], own: Mapping[str, Summary], experiments: Mapping[str, Any]
) -> str:
    """Return one column per experiment (seed), their average, and the printed values.

    A single experiment is its own average.
    """
    first = experiments["metrics"][0]
    several = len(own[first].seeds) > 1
    order = [row["method"] for row in table if row["metric"] == first]
    header = ["method"]
    for metric in experiments["metrics"]:
        if several:
            header += [f"{metric}, seed {seed}" for seed in own[metric].seeds]
        header += [f"{metric}, average" if several else metric]
        header += [f"{metric}, printed"] if experiments["printed"] else []
    rows = []
    for method in order:
        line = [escape.markdown(method)]
        for number, metric in enumerate(experiments["metrics"]):
            known = lookup("metric", METRICS, metric)
            values = [own[metric].means[method, seed] for seed in own[metric].seeds]
            if several:
                line += [f"{v:.2f}" if math.isfinite(v) else "" for v in values]
            mean = known.mean(np.array(values))
            line.append(f"{mean:.2f}" if math.isfinite(mean) else "")
            if experiments["printed"]:
                printed = experiments["printed"].get(method)
                line.append(f"{printed[number]:.2f}" if printed else "")
        rows.append(line)
    words = ["One experiment per seed."] if several else []
    if experiments["source"]:
        words.append(f"Printed values: {escape.markdown(experiments['source'])}.")
    table_text = markdown_table(header, rows, right=header[1:])
    parts = ("### In the layout of the printed table", " ".join(words), table_text)
    return "\n\n".join(filter(None, parts))


def trainings_table(
    table: Sequence[LeaderboardRow],
    summaries: Mapping[str, Summary],
    metrics: Sequence[str],
    trainings: Mapping[str, str],
) -> str:
    """Return a table of means over training seeds, best first; empty if there are none."""
    incomplete = {(method, metric) for metric, own in summaries.items() for method in own.missing}
    rows = [
        (escape.markdown(name), *line)
        for name, *line in training_rows(table, incomplete, metrics, trainings)
    ]
    header = ("method", "trainings", *map(heading, metrics))
    title = f"### Over training seeds\n\n{TRAININGS}"
    return f"{title}\n\n{markdown_table(header, rows, right=header[1:])}" if rows else ""


def training_rows(
    table: Sequence[LeaderboardRow],
    incomplete: Collection[tuple[str, str]],
    metrics: Sequence[str],
    trainings: Mapping[str, str],
) -> list[list[Any]]:
    """Return the name, the number of trainings and the means over them, best first.

    Parameters
    ----------
    table : sequence of LeaderboardRow
        The rows of one problem.
    incomplete : collection of (str, str)
        The methods and metrics with values that could not be computed.
    metrics : sequence of str
        The metrics; the first one orders the rows.
    trainings : mapping of str to str
        The name that the trainings of a method share, by method.
    """
    of_name: dict[str, dict[str, list[float]]] = {}
    for row in table:
        if row["method"] in trainings:
            own = of_name.setdefault(trainings[row["method"]], {m: [] for m in metrics})
            partial = (row["method"], row["metric"]) in incomplete
            own[row["metric"]].append(math.nan if partial else row["mean"])
    first = metrics[0]
    known = {m: lookup("metric", METRICS, m) for m in metrics}
    sign = 1 if known[first].higher_is_better else -1

    def worst_last(one: tuple[str, dict[str, list[float]]]) -> float:
        return -sign * known[first].mean(np.array(one[1][first]))

    rows = []
    for name, own in sorted(of_name.items(), key=worst_last):
        line = [name, len(own[first])]
        for metric in metrics:
            mean = average(known[metric], np.array(own[metric]), range(len(own[metric])))
            line.append(mean_text(mean.mean, (mean.high - mean.low) / 2, 2))
        rows.append(line)
    return rows
