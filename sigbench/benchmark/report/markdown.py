"""The leaderboard for people."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np

from sigbench.config.registry import lookup
from sigbench.core.durations import duration
from sigbench.scoring.aggregate import average
from sigbench.scoring.leaderboard import LIMITS, LeaderboardRow
from sigbench.scoring.metrics import METRICS
from sigbench.scoring.scores import Summary

LEGEND = """\
Means over all items of all seeds, ± half the 95 % interval over {units}. **Bold**: nothing that \
is ranked is significantly better (paired tests, Holm, 5 %); `2-4` is a tie over these ranks. \
Rows in *italics* know more than a method can (the true prior, or the clean item) and have no \
rank.{gap}{errors} *knows*: `prior` the true prior, \
`oracle` the clean item, `fitted` the training split, `sigma` the noise level, `blind` sets \
itself from the noisy item, `none` fixed settings."""


CERTIFICATES = """\
By how much, at most, the objective of a solution is above its minimum, relative to it: the largest \
duality gap over all items of all problems. Closed forms reach rounding; rows that stop as a paper \
prints it are where that stop left them."""


TRAININGS = """\
Each training seed is one training, scored by its mean over all items; ± half the 95 % interval of \
the mean over trainings (Student's t)."""


def markdown(
    board: Sequence[LeaderboardRow],
    summaries: Mapping[tuple[str, str], Summary],
    *,
    name: str,
    description: str,
    metrics: Sequence[str],
    failures: Sequence[Mapping[str, Any]] = (),
    experiments: Mapping[str, Any] | None = None,
    timings: Sequence[Mapping[str, Any]] = (),
    trainings: Mapping[str, str] | None = None,
    figures: Mapping[str, Mapping[str, str]] | None = None,
) -> str:
    """Return the leaderboard as Markdown: a table a problem, best first.

    Parameters
    ----------
    board : sequence of Row
        The leaderboard.
    summaries : mapping
        By (problem, metric), what the values of the leaderboard were.
    name, description : str
        Of the suite.
    metrics : sequence of str
        Columns; the first one orders the rows.
    failures : sequence of mapping
        Cells that failed.
    experiments : mapping, optional
        The block in the shape of a printed table.
    timings : sequence of mapping
        Per cell, its cost, and its certificate where it has one.
    trainings : mapping, optional
        For a row that is one of several trainings, their common name.
    figures : mapping, optional
        By problem, the files of its figures by what they show.
    """
    independent = all(summary.independent for summary in summaries.values())
    units = "items" if independent else "groups of items that belong together"
    known = any(not math.isnan(row["gap_to_limit"]) for row in board)
    gap = " *gap* is the distance to the limit in the first metric." if known else ""
    parts = [
        f"# {name}",
        description,
        LEGEND.format(units=units, gap=gap, errors=_of_errors(metrics)),
    ]
    for problem in dict.fromkeys(row["problem"] for row in board):
        table = [row for row in board if row["problem"] == problem]
        own = {m: s for (p, m), s in summaries.items() if p == problem}
        parts.append(f"## {_text(problem)}")
        parts.append(_summary(own[metrics[0]]))
        took = _trained([timing for timing in timings if timing["problem"] == problem])
        parts.append(_problem_table(table, metrics, took))
        if experiments is not None:
            parts.append(_experiments_table(table, own, experiments))
        parts.append(_trainings_table(table, metrics, trainings or {}))
        shown = (figures or {}).get(problem, {})
        parts += [f"![{_text(what)}]({file})" for what, file in shown.items()]
    certificates = _certificates_table(timings)
    if certificates:
        parts += ["## Certificates", CERTIFICATES, certificates]
    if failures:
        parts.append("## Failed")
        parts.append("The tracebacks are in `failures.log`.")
        rows = [(f["problem"], f["seed"], f["method"], f["error"]) for f in failures]
        parts.append(markdown_table(("problem", "seed", "method", "error"), rows, right=["seed"]))
    return "\n\n".join(part for part in parts if part) + "\n"


def _of_errors(metrics: Sequence[str]) -> str:
    """Return which figures are not means of the items' own; nothing where there are none."""
    names = [m for m in metrics if lookup("metric", METRICS, m).averages == "errors"]
    return f" {', '.join(f'`{m}`' for m in names)} averages errors, not decibels." if names else ""


def _certificates_table(timings: Sequence[Mapping[str, Any]]) -> str:
    """Return the largest gap of every method that certifies its solutions; else nothing."""
    largest: dict[str, tuple[float, str]] = {}
    for timing in timings:
        if not math.isnan(timing["relative_gap"]):
            here = (max(timing["relative_gap"], 0.0), timing["problem"])
            largest[timing["method"]] = max(largest.get(timing["method"], here), here)
    header = ("method", "largest gap / objective", "in")
    rows = [(_text(method), f"{gap:.1e}", _text(where)) for method, (gap, where) in largest.items()]
    return markdown_table(header, rows, right=[header[1]]) if rows else ""


def _summary(own: Summary) -> str:
    dependent = "" if own.independent else f", {own.groups:,} groups"
    same = len(set(own.items)) == 1
    count = f"{own.items[0]:,}" if same else "differently many"
    seeds = ", ".join(map(str, own.seeds))
    return f"{own.dataset}, {own.degradation}: seeds {seeds}, {count} items each{dependent}."


def _trained(timings: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    """Return, where any was trained, each method's parameters and what its training took."""
    if not any(timing["train_steps"] for timing in timings):
        return {}
    of_method: dict[str, list[Mapping[str, Any]]] = {}
    for timing in timings:
        if timing["train_steps"] or timing["n_params"]:
            of_method.setdefault(timing["method"], []).append(timing)
    trained = {}
    for method, own in of_method.items():
        known, epochs = own[0]["train_steps"] > 0, own[0]["train_epochs"]
        took = duration(median(timing["train_s"] for timing in own)) if known else ""
        if not math.isnan(epochs):
            count = f"{epochs:,.0f}" if epochs >= 10 else f"{epochs:.2g}"
            took += f", {count} epoch{'s' * (count != '1')}"
        trained[method] = (f"{own[0]['n_params']:,}", took)
    return trained


def _problem_table(
    table: Sequence[LeaderboardRow], metrics: Sequence[str], trained: Mapping[str, tuple[str, str]]
) -> str:
    first = [row for row in table if row["metric"] == metrics[0]]
    has_limit = any(not math.isnan(row["gap_to_limit"]) for row in first)
    most = max(row["n"] for row in first)
    of = {(row["method"], row["metric"]): row for row in table}
    digits = {m: _digits([row for row in table if row["metric"] == m]) for m in metrics}
    gap = ["gap"] if has_limit else []
    figures = [_heading(metric) for metric in metrics]
    learned = ["parameters", "training"] if trained else []
    header = ["rank", "method", *figures, *gap, "knows", "ms/item", *learned, "settings"]
    lines = []
    for row in first:
        known = row["knowledge"] in LIMITS
        name = f"*{_text(row['method'])}*" if known else _text(row["method"])
        name += f" ({row['n']:,} of {most:,} items)" if row["n"] < most else ""
        line = ["" if known else _rank(row["rank_low"], row["rank_high"]), name]
        line += [_figure(of.get((row["method"], m)), digits[m]) for m in metrics]
        if has_limit:
            missing = math.isnan(row["gap_to_limit"])
            line.append("" if missing else f"{row['gap_to_limit'] + 0.0:.2f}")
        settings = f"`{row['params']}`" if row["params"] else ""
        line += [row["knowledge"], _time(row["ms_per_item"])]
        if trained:
            line += trained.get(row["method"], ("", ""))
        lines.append([*line, settings])
    return markdown_table(header, lines, right=[*figures, "gap", "ms/item", "parameters"])


def _heading(metric: str) -> str:
    unit = lookup("metric", METRICS, metric).unit
    return f"{metric} (dB)" if unit == "dB" else metric


def _figure(row: LeaderboardRow | None, digits: int) -> str:
    if row is None:
        return ""
    half = (row["ci_high"] - row["ci_low"]) / 2
    text = f"{row['mean']:.{digits}f}"
    text += f" ± {half:.{digits}f}" if math.isfinite(half) else ""
    return f"**{text}**" if row["rank_low"] == 1 else text


def _digits(column: Sequence[LeaderboardRow]) -> int:
    """Decimals of a metric: 2 for dB, else what shows four figures of the smallest mean."""
    smallest = min((abs(row["mean"]) for row in column), default=0.0)
    if not column or column[0]["unit"] == "dB" or not math.isfinite(smallest) or smallest == 0:
        return 2
    return max(0, 3 - math.floor(math.log10(smallest)))


def _rank(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"


def _time(ms: float) -> str:
    return "" if math.isnan(ms) else f"{ms:.2g}" if ms < 10 else f"{ms:.0f}"


def _experiments_table(
    table: Sequence[LeaderboardRow], own: Mapping[str, Summary], experiments: Mapping[str, Any]
) -> str:
    """Return experiments (seeds), their average, and the printed figures beside them."""
    first = experiments["metrics"][0]
    order = [row["method"] for row in table if row["metric"] == first]
    header = ["method"]
    for metric in experiments["metrics"]:
        header += [f"{metric}, seed {seed}" for seed in own[metric].seeds] + [f"{metric}, average"]
        header += [f"{metric}, printed"] if experiments["printed"] else []
    rows = []
    for method in order:
        line = [_text(method)]
        for number, metric in enumerate(experiments["metrics"]):
            known = lookup("metric", METRICS, metric)
            values = [own[metric].means[method, seed] for seed in own[metric].seeds]
            line += [f"{v:.2f}" if math.isfinite(v) else "" for v in values]
            mean = known.mean(np.array(values))
            line.append(f"{mean:.2f}" if math.isfinite(mean) else "")
            if experiments["printed"]:
                printed = experiments["printed"].get(method)
                line.append(f"{printed[number]:.2f}" if printed else "")
        rows.append(line)
    source = f" Printed figures: {experiments['source']}." if experiments["source"] else ""
    title = f"### In the shape of the printed table\n\nOne experiment a seed.{source}"
    return f"{title}\n\n{markdown_table(header, rows, right=header[1:])}"


def _trainings_table(
    table: Sequence[LeaderboardRow], metrics: Sequence[str], trainings: Mapping[str, str]
) -> str:
    """Return means and intervals over training seeds, best first; nothing where there are none."""
    of_name: dict[str, dict[str, list[float]]] = {}
    for row in table:
        if row["method"] in trainings:
            own = of_name.setdefault(trainings[row["method"]], {m: [] for m in metrics})
            own[row["metric"]].append(row["mean"])
    first = metrics[0]
    known = {m: lookup("metric", METRICS, m) for m in metrics}
    sign = 1 if known[first].higher_is_better else -1

    def worst_last(one: tuple[str, dict[str, list[float]]]) -> float:
        return -sign * known[first].mean(np.array(one[1][first]))

    rows = []
    for name, own in sorted(of_name.items(), key=worst_last):
        line = [_text(name), len(own[first])]
        for metric in metrics:
            mean = average(known[metric], np.array(own[metric]), range(len(own[metric])))
            half = (mean.high - mean.low) / 2
            line.append(f"{mean.mean:.2f}" + (f" ± {half:.2f}" if math.isfinite(half) else ""))
        rows.append(line)
    header = ("method", "trainings", *map(_heading, metrics))
    title = f"### Over training seeds\n\n{TRAININGS}"
    return f"{title}\n\n{markdown_table(header, rows, right=header[1:])}" if rows else ""


def markdown_table(
    header: Sequence[str], rows: Iterable[Sequence[Any]], right: Sequence[str]
) -> str:
    """Return a Markdown table padded for reading as text; columns ``right`` align right."""
    lines = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    widths = [
        max(3, *(len(line[i]) for line in [list(header), *lines])) for i in range(len(header))
    ]
    numeric = [name in right for name in header]

    def join(cells: Sequence[str]) -> str:
        padded = (
            c.rjust(w) if n else c.ljust(w) for c, w, n in zip(cells, widths, numeric, strict=True)
        )
        return f"| {' | '.join(padded)} |"

    rule = [("-" * (w - 1) + ":") if n else "-" * w for w, n in zip(widths, numeric, strict=True)]
    return "\n".join([join(list(header)), join(rule), *map(join, lines)])


def _text(value: Any) -> str:
    """Escape what Markdown or HTML would read as more than text."""
    text = str(value).replace("\\", "\\\\").replace("*", "\\*").replace("`", "\\`")
    return text.replace("<", "&lt;").replace(">", "&gt;")
