"""The leaderboard as Markdown."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
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
Means over all items of all seeds, ± half the 95 % confidence interval over {units}. **Bold**: no \
ranked method is significantly better (paired tests, Holm, 5 %); a rank such as \
`2-4` is a range, because some differences are not significant. Methods in *italics* use the clean item or the true prior and are not ranked.{gap}{errors}"""

INFORMATION = {
    "oracle": "the clean item",
    "prior": "the true prior",
    "fitted": "the training split",
    "sigma": "the given noise level",
    "blind": "only the noisy item, to which it adapts",
    "none": "fixed settings",
}

CERTIFICATES = """\
The largest relative duality gap over all items of all problems: an upper bound on how far the \
objective of a solution is above the minimum, relative to the objective. For closed forms it is \
rounding error; methods that stop at a published tolerance have larger gaps."""

TRAININGS = """\
Each training seed gives one training, scored by its mean over all items; ± half the 95 % \
confidence interval of the mean over trainings (Student's t)."""


def markdown(
    board: Sequence[LeaderboardRow],
    summaries: Mapping[tuple[str, str], Summary],
    suite: Mapping[str, Any],
    *,
    timings: Sequence[Mapping[str, Any]] = (),
    failures: Sequence[Mapping[str, Any]] = (),
    grid_edges: Mapping[tuple[str, str], Sequence[str]] | None = None,
    figures: Mapping[str, Mapping[str, str]] | None = None,
) -> str:
    """Return the leaderboard as Markdown: a table per problem, best method first.

    Parameters
    ----------
    board : sequence of LeaderboardRow
        The leaderboard.
    summaries : mapping
        Summaries of the values, by (problem, metric).
    suite : mapping
        The suite, from the manifest. Its first metric orders the rows.
    timings : sequence of mapping
        The cost of each cell, and its certificate if there is one.
    failures : sequence of mapping
        The cells that failed.
    grid_edges : mapping, optional
        Tuned parameters whose value is at the edge of their grid, by (problem, method).
    figures : mapping, optional
        The figures of each problem: what each shows, and its file.
    """
    metrics = suite["metrics"]
    independent = all(summary.independent for summary in summaries.values())
    units = "items" if independent else "groups of dependent items"
    known = any(not math.isnan(row["gap_to_limit"]) for row in board)
    gap = f" *gap to limit* is in units of `{metrics[0]}`." if known else ""
    seeds = {seed for summary in summaries.values() for seed in summary.seeds}
    partial = partial_run(suite, seeds, {problem for problem, _ in summaries})
    parts = [
        f"# {suite['name']}",
        suite["description"],
        f"**{partial}**" if partial else "",
        LEGEND.format(units=units, gap=gap, errors=_of_errors(metrics)),
    ]
    for problem in dict.fromkeys(row["problem"] for row in board):
        table = [row for row in board if row["problem"] == problem]
        own = {m: s for (p, m), s in summaries.items() if p == problem}
        first = [row for row in table if row["metric"] == metrics[0]]
        parts.append(f"## {_text(problem)}")
        parts.append(_summary(own[metrics[0]]))
        took = _trained([timing for timing in timings if timing["problem"] == problem])
        edges = {m: names for (p, m), names in (grid_edges or {}).items() if p == problem}
        parts.append(_problem_table(table, metrics, took, edges))
        parts.append(_notes(first, own[metrics[0]], edges))
        if suite.get("experiments") is not None:
            parts.append(_experiments_table(table, own, suite["experiments"]))
        parts.append(_trainings_table(table, metrics, suite.get("trainings", {})))
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


def partial_run(suite: Mapping[str, Any], seeds: Collection[int], problems: Collection[str]) -> str:
    """Return a note on how much of the full suite a run contains; empty if it is complete.

    Parameters
    ----------
    suite : mapping
        The suite, from the manifest.
    seeds, problems : collection
        The seeds and problems of the finished cells.
    """
    full = suite.get("full")
    if full is None:  # a folder of an older version
        return ""
    missing = []
    for what, present, whole in (
        ("problems", problems, full["problems"]),
        ("methods", suite["methods"], full["methods"]),
        ("seeds", seeds, full["seeds"]),
    ):
        count = sum(name in present for name in whole)
        if count < len(whole):
            missing.append(f"{count} of {len(whole)} {what}")
    items = [
        (suite["problems"][name]["items"], most)
        for name, most in full["problems"].items()
        if name in suite["problems"] and suite["problems"][name]["items"] < most
    ]
    if items:
        fewest, most = min(items)
        missing.append(f"{fewest:,} of {most:,} items per seed")
    return f"Partial run: {', '.join(missing)}." if missing else ""


def is_ranked(rows: Sequence[LeaderboardRow]) -> bool:
    """Return whether any method is significantly better than another, by one metric."""
    return any(row["rank_low"] is not None and row["rank_low"] > 1 for row in rows)


def unranked_note(rows: Sequence[LeaderboardRow], summary: Summary) -> str:
    """Return why no method is marked as the best."""
    items = sum(summary.items)
    size = f"{items:,} item{'s' * (items != 1)}"
    if not summary.independent:
        size += f" in {summary.groups:,} group{'s' * (summary.groups != 1)}"
    if summary.groups < 2:
        return f"Too few for confidence intervals and tests: {size}."
    return (
        f"With {size}, no method is significantly better than another in {rows[0]['metric']}: "
        "none is marked as the best."
    )


def _notes(
    rows: Sequence[LeaderboardRow], summary: Summary, edges: Mapping[str, Sequence[str]]
) -> str:
    """Return the notes below a table, one paragraph each."""
    used = [
        f"`{k}` ({text})"
        for k, text in INFORMATION.items()
        if any(r["knowledge"] == k for r in rows)
    ]
    notes = [f"*information* is what a method used: {', '.join(used)}."]
    if not is_ranked(rows):
        notes.append(unranked_note(rows, summary))
    if edges:
        names = "; ".join(f"{_text(method)} ({', '.join(own)})" for method, own in edges.items())
        notes.append(
            f"Tuned values at the edge of their grid: {names}. A better value may lie outside, unless "
            "the edge is a limit of the parameter."
        )
    return "\n\n".join(notes)


def _of_errors(metrics: Sequence[str]) -> str:
    """Return a sentence on the metrics that average errors instead of values."""
    names = [m for m in metrics if lookup("metric", METRICS, m).averages == "errors"]
    return (
        f" {', '.join(f'`{m}`' for m in names)} averages squared errors, not decibels."
        if names
        else ""
    )


def _certificates_table(timings: Sequence[Mapping[str, Any]]) -> str:
    """Return a table of the largest duality gap of every method that certifies its solutions."""
    largest: dict[str, tuple[float, str]] = {}
    for timing in timings:
        if not math.isnan(timing["relative_gap"]):
            here = (max(timing["relative_gap"], 0.0), timing["problem"])
            largest[timing["method"]] = max(largest.get(timing["method"], here), here)
    header = ("method", "relative duality gap", "problem")
    rows = [(_text(method), f"{gap:.1e}", _text(where)) for method, (gap, where) in largest.items()]
    return markdown_table(header, rows, right=[header[1]]) if rows else ""


def _summary(own: Summary) -> str:
    dependent = "" if own.independent else f", {own.groups:,} groups"
    same = len(set(own.items)) == 1
    count = f"{own.items[0]:,}" if same else f"{min(own.items):,} to {max(own.items):,}"
    seeds = ", ".join(map(str, own.seeds))
    return f"{own.dataset}, {own.degradation}: seeds {seeds}, {count} items each{dependent}."


def _trained(timings: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    """Return the number of parameters and the training cost by method; empty if none was trained."""
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
    table: Sequence[LeaderboardRow],
    metrics: Sequence[str],
    trained: Mapping[str, tuple[str, str]],
    edges: Mapping[str, Sequence[str]],
) -> str:
    first = [row for row in table if row["metric"] == metrics[0]]
    has_limit = any(not math.isnan(row["gap_to_limit"]) for row in first)
    most = max(row["n"] for row in first)
    of = {(row["method"], row["metric"]): row for row in table}
    by_metric = {m: [row for row in table if row["metric"] == m] for m in metrics}
    places = {m: digits(rows) for m, rows in by_metric.items()}
    ranked = {m: is_ranked(rows) for m, rows in by_metric.items()}
    gap = ["gap to limit"] if has_limit else []
    figures = [heading(metric) for metric in metrics]
    learned = ["parameters", "training"] if trained else []
    header = ["rank", "method", *figures, *gap, "information", "ms/item", *learned, "settings"]
    lines = []
    for row in first:
        known = row["knowledge"] in LIMITS
        name = f"*{_text(row['method'])}*" if known else _text(row["method"])
        name += f" ({row['n']:,} of {most:,} items)" if row["n"] < most else ""
        line = ["" if known else rank(row), name]
        line += [_figure(of.get((row["method"], m)), places[m], ranked[m]) for m in metrics]
        if has_limit:
            missing = math.isnan(row["gap_to_limit"])
            line.append("" if missing else f"{round(row['gap_to_limit'], 2) + 0.0:.2f}")
        settings = f"`{row['params']}`" if row["params"] else ""
        settings += " (at the edge of its grid)" if row["method"] in edges else ""
        line += [row["knowledge"], milliseconds(row["ms_per_item"])]
        if trained:
            line += trained.get(row["method"], ("", ""))
        lines.append([*line, settings])
    return markdown_table(header, lines, right=[*figures, *gap, "ms/item", "parameters"])


def heading(metric: str) -> str:
    """Return the name of a metric with its unit."""
    unit = lookup("metric", METRICS, metric).unit
    return f"{metric} (dB)" if unit == "dB" else metric


def _figure(row: LeaderboardRow | None, places: int, ranked: bool) -> str:
    if row is None:
        return ""
    half = (row["ci_high"] - row["ci_low"]) / 2
    text = f"{row['mean']:.{places}f}"
    text += f" ± {half:.{places}f}" if math.isfinite(half) else ""
    return f"**{text}**" if ranked and row["rank_low"] == 1 else text


def digits(column: Sequence[LeaderboardRow]) -> int:
    """Return the decimals of a metric: 2 for dB, else four significant digits of the least mean."""
    smallest = min((abs(row["mean"]) for row in column), default=0.0)
    if not column or column[0]["unit"] == "dB" or not math.isfinite(smallest) or smallest == 0:
        return 2
    return max(0, 3 - math.floor(math.log10(smallest)))


def rank(row: LeaderboardRow) -> str:
    """Return the rank of a row, or its range of tied ranks."""
    low, high = row["rank_low"], row["rank_high"]
    return str(low) if low == high else f"{low}-{high}"


def milliseconds(ms: float) -> str:
    """Return a time with two significant digits; empty if it is unknown."""
    if math.isnan(ms):
        return ""
    return np.format_float_positional(float(f"{ms:.2g}"), trim="-") if ms < 10 else f"{ms:.0f}"


def _experiments_table(
    table: Sequence[LeaderboardRow], own: Mapping[str, Summary], experiments: Mapping[str, Any]
) -> str:
    """Return one column per experiment (seed), their average, and the printed values."""
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
    source = f" Printed values: {experiments['source']}." if experiments["source"] else ""
    title = f"### In the layout of the printed table\n\nOne experiment per seed.{source}"
    return f"{title}\n\n{markdown_table(header, rows, right=header[1:])}"


def _trainings_table(
    table: Sequence[LeaderboardRow], metrics: Sequence[str], trainings: Mapping[str, str]
) -> str:
    """Return a table of means over training seeds, best first; empty if there are none."""
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
    header = ("method", "trainings", *map(heading, metrics))
    title = f"### Over training seeds\n\n{TRAININGS}"
    return f"{title}\n\n{markdown_table(header, rows, right=header[1:])}" if rows else ""


def markdown_table(
    header: Sequence[str], rows: Iterable[Sequence[Any]], right: Sequence[str]
) -> str:
    """Return a Markdown table with padded columns; the columns ``right`` are right-aligned."""
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
    """Escape characters with a special meaning in Markdown or HTML."""
    text = str(value).replace("\\", "\\\\").replace("*", "\\*").replace("`", "\\`")
    return text.replace("<", "&lt;").replace(">", "&gt;")
