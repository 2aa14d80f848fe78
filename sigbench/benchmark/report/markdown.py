"""The leaderboard as Markdown."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from statistics import median
from typing import Any

from sigbench.benchmark.report.cost import COST, cost_table
from sigbench.benchmark.report.experiments import experiments_table, trainings_table
from sigbench.benchmark.report.gains import (
    GAINS,
    Gains,
    gain_columns,
    labels_text,
    preferences,
    preferences_text,
    summary_table,
)
from sigbench.benchmark.report.left_out import left_out_section
from sigbench.benchmark.report.tables import (
    MISSING,
    Columns,
    is_ranked,
    markdown_table,
    mean_columns,
    problems_text,
    rank,
    two_digits,
)
from sigbench.config.registry import lookup
from sigbench.core import escape
from sigbench.core.durations import duration
from sigbench.scoring.leaderboard import LIMITS, LeaderboardRow
from sigbench.scoring.metrics import METRICS
from sigbench.scoring.scores import Summary

LEGEND = """\
Means over all items of all seeds, ± half the 95 % confidence interval over {units}. **Bold**: no \
ranked method is significantly better (paired t tests, or sign tests where a mean cannot decide; \
Holm, 5 %); a rank such as \
`2-4` is a range, because some differences are not significant. Methods in *italics* use the clean item or the true prior and are not ranked.{gap}{errors}"""

INFORMATION = {
    "oracle": "the clean item",
    "prior": "the true prior",
    "fitted": "the training split",
    "sigma": "the given noise level",
    "blind": "only the noisy item, to which it adapts",
    "none": "fixed settings",
}

PRIVATE = "**Private data seeds**, derived from a secret with the digest `{}`."

CERTIFICATES = """\
The largest relative duality gap over all items of all problems: an upper bound on how far the \
objective of a solution is above the minimum, relative to the objective. For closed forms it is \
rounding error; methods that stop at a published tolerance have larger gaps."""

UNCOMPUTED = f"""\
A method has no rank by a metric that could not be computed for each of its items, because a mean \
without these items could favor it. Its mean or gain ({MISSING}) is over the other items."""


def markdown(
    board: Sequence[LeaderboardRow],
    summaries: Mapping[tuple[str, str], Summary],
    suite: Mapping[str, Any],
    *,
    timings: Sequence[Mapping[str, Any]] = (),
    failures: Sequence[Mapping[str, Any]] = (),
    grid_edges: Mapping[tuple[str, str], Sequence[str]] | None = None,
    cautions: Mapping[tuple[str, str], Sequence[str]] | None = None,
    figures: Mapping[str, Mapping[str, str]] | None = None,
    gains: Gains | None = None,
    citation: Sequence[str] = (),
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
    cautions : mapping, optional
        The problems in which a method gave a caution, by (method, caution).
    figures : mapping, optional
        The figures of each problem: what each shows, and its file.
    gains : mapping, optional
        The gains over the noisy input; the tables show these instead of the means.
    citation : sequence of str
        How to cite the run: a line, and a BibTeX entry.
    """
    metrics = suite["metrics"]
    independent = all(summary.independent for summary in summaries.values())
    units = "items" if independent else "groups of dependent items"
    known = any(not math.isnan(row["gap_to_limit"]) for row in board)
    gap = f" *gap to limit* is in units of `{metrics[0]}`." if known else ""
    seeds = {seed for summary in summaries.values() for seed in summary.seeds}
    partial = partial_run(suite, seeds, {problem for problem, _ in summaries})
    parts = [
        f"# {escape.markdown(suite['name'])}",
        escape.markdown(suite["description"]),
        f"**{partial}**" if partial else "",
        PRIVATE.format(suite["secret"]) if "secret" in suite else "",
        LEGEND.format(units=units, gap=gap, errors=_of_errors(metrics)),
    ]
    incomplete = {(p, method, m) for (p, m), s in summaries.items() for method in s.missing}
    controls = suite.get("controls", [])
    count = len({problem for problem, _ in summaries})
    if gains:
        parts.append(GAINS.format(first=metrics[0]))
        parts.append(labels_text(metrics))
        without = {(method, metric) for _, method, metric in incomplete}
        parts.append(summary_table(board, metrics, gains, without, controls))
        preferred = list(preferences(board, gains, controls, incomplete))
        parts.append(preferences_text(preferred, count))
    for problem in dict.fromkeys(row["problem"] for row in board):
        table = [row for row in board if row["problem"] == problem]
        own = {m: s for (p, m), s in summaries.items() if p == problem}
        first = [row for row in table if row["metric"] == metrics[0]]
        parts.append(f"## {escape.markdown(problem)}")
        parts.append(_summary(own[metrics[0]]))
        took = _trained([timing for timing in timings if timing["problem"] == problem])
        edges = {m: names for (p, m), names in (grid_edges or {}).items() if p == problem}
        of_metric = {m: found for (p, m), found in (gains or {}).items() if p == problem}
        if of_metric:
            columns = gain_columns(table, metrics, of_metric, own)
        else:
            columns = mean_columns(table, metrics, own)
        parts.append(_problem_table(first, columns, took, edges, own[metrics[0]]))
        parts.append(_notes(first, own, edges))
        if suite.get("experiments") is not None:
            parts.append(experiments_table(table, own, suite["experiments"]))
        parts.append(trainings_table(table, own, metrics, suite.get("trainings", {})))
        shown = (figures or {}).get(problem, {})
        parts += [f"![{escape.markdown(what)}]({file})" for what, file in shown.items()]
    cost = cost_table(timings)
    if cost:
        parts += ["## Cost", COST, cost]
    certificates = _certificates_table(timings)
    if certificates:
        parts += ["## Certificates", CERTIFICATES, certificates]
    missing = _missing_list(summaries, count)
    if missing:
        parts += ["## Values that could not be computed", UNCOMPUTED, missing]
    if cautions:
        parts += ["## Cautions", _cautions_list(cautions, count)]
    parts += left_out_section(suite.get("left_out", {}))
    if failures:
        parts.append("## Failed")
        parts.append("The tracebacks are in `failures.log`.")
        header = ("problem", "seed", "method", "error")
        rows = [[escape.markdown(failure[name]) for name in header] for failure in failures]
        parts.append(markdown_table(header, rows, right=["seed"]))
    if citation:
        line, entry = citation
        parts += ["## Citation", escape.markdown(line), f"```bibtex\n{entry}\n```"]
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
    rows: Sequence[LeaderboardRow],
    summaries: Mapping[str, Summary],
    edges: Mapping[str, Sequence[str]],
) -> str:
    """Return the notes below a table, one paragraph each."""
    summary = summaries[rows[0]["metric"]]
    used = [
        f"`{k}` ({text})"
        for k, text in INFORMATION.items()
        if any(r["knowledge"] == k for r in rows)
    ]
    notes = [f"*information* is what a method used: {', '.join(used)}."]
    if not is_ranked(rows):
        notes.append(unranked_note(rows, summary))
    if edges:
        names = "; ".join(
            f"{escape.markdown(method)} ({escape.markdown(', '.join(own))})"
            for method, own in edges.items()
        )
        notes.append(
            f"Tuned values at the edge of their grid: {names}. A better value may lie outside, unless "
            "the edge is a limit of the parameter."
        )
    if any(summary.missing for summary in summaries.values()):
        notes.append(f"{MISSING} Not computed for every item: see the end.")
    return "\n\n".join(notes)


def _missing_list(summaries: Mapping[tuple[str, str], Summary], problems: int) -> str:
    """Return a list of the values that could not be computed; empty if there are none."""
    where: dict[tuple[str, str, str], list[str]] = {}
    for (problem, metric), summary in summaries.items():
        for method, missing in summary.missing.items():
            where.setdefault((method, metric, missing.text), []).append(problem)
    return "\n".join(
        f"- {escape.markdown(method)}, {metric}, in {problems_text(own, problems)}: {escape.markdown(text)}"
        for (method, metric, text), own in where.items()
    )


def _cautions_list(cautions: Mapping[tuple[str, str], Sequence[str]], problems: int) -> str:
    return "\n".join(
        f"- {escape.markdown(method)}, in {problems_text(own, problems)}: {escape.markdown(text)}"
        for (method, text), own in cautions.items()
    )


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
    rows = [
        (escape.markdown(method), f"{gap:.1e}", escape.markdown(where))
        for method, (gap, where) in largest.items()
    ]
    return markdown_table(header, rows, right=[header[1]]) if rows else ""


def _summary(own: Summary) -> str:
    dependent = "" if own.independent else f", {own.groups:,} groups"
    same = len(set(own.items)) == 1
    count = f"{own.items[0]:,}" if same else f"{min(own.items):,} to {max(own.items):,}"
    seeds = ", ".join(map(str, own.seeds))
    labels = escape.markdown(f"{own.dataset}, {own.degradation}")
    return f"{labels}: seeds {seeds}, {count} items each{dependent}."


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
    first: Sequence[LeaderboardRow],
    columns: Columns,
    trained: Mapping[str, tuple[str, str]],
    edges: Mapping[str, Sequence[str]],
    summary: Summary,
) -> str:
    has_limit = any(not math.isnan(row["gap_to_limit"]) for row in first)
    run = {row["method"]: row["n"] for row in first}
    run |= {method: missing.items for method, missing in summary.missing.items()}
    most = max(run.values())
    gap = ["gap to limit"] if has_limit else []
    learned = ["parameters", "training"] if trained else []
    header = [
        "rank",
        "method",
        *columns.header,
        *gap,
        "information",
        "ms/item",
        *learned,
        "settings",
    ]
    lines = []
    if columns.second_header:
        rest = len(header) - 2 - len(columns.header)
        lines.append(["", "", *columns.second_header, *[""] * rest])
    for row in first:
        known = row["knowledge"] in LIMITS
        name = f"*{escape.markdown(row['method'])}*" if known else escape.markdown(row["method"])
        name += f" ({run[row['method']]:,} of {most:,} items)" if run[row["method"]] < most else ""
        line = [rank(row), name]
        line += [columns.cells.get((row["method"], metric), "") for metric in columns.metrics]
        if has_limit:
            missing = math.isnan(row["gap_to_limit"])
            line.append("" if missing else f"{round(row['gap_to_limit'], 2) + 0.0:.2f}")
        settings = escape.code(row["params"]) if row["params"] else ""
        settings += " (at the edge of its grid)" if row["method"] in edges else ""
        line += [row["knowledge"], two_digits(row["ms_per_item"])]
        if trained:
            line += trained.get(row["method"], ("", ""))
        lines.append([*line, settings])
    return markdown_table(header, lines, right=[*columns.header, *gap, "ms/item", "parameters"])
