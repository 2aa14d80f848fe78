"""The sentences of a page."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sigbench.benchmark.report.markdown import INFORMATION, partial_run
from sigbench.benchmark.report.page.boards import MetricView
from sigbench.benchmark.report.page.collect import RunData
from sigbench.benchmark.report.run_charts import limit_row
from sigbench.benchmark.report.tables import MISSING, digits, is_best, is_ranked
from sigbench.core.durations import duration
from sigbench.scoring.leaderboard import LIMITS, LeaderboardRow
from sigbench.scoring.metrics import METRICS

MAX_NAMED = 3  # of the best methods


def meaning(run: RunData) -> list[str]:
    """Return a few sentences that explain the values of a run."""
    dependent = not all(summary.independent for summary in run.summaries.values())
    units = "groups of dependent items" if dependent else "items"
    if not run.summaries:
        units = "items or groups of them"
    texts = [
        "An item is one signal, sound or image, made noisy from a clean one. Every method was "
        "given the same noisy items. A seed starts the random numbers of items and noise. A number "
        f"is the mean over all items of all seeds, ± half the 95 % confidence interval over {units}.",
        "A rank such as 2-4 is a range: one method is significantly better, and two others may be "
        "as good. Tests compare two methods item by item (5 %, corrected for all pairs), so "
        "methods can differ although their intervals overlap. The best methods are in bold.",
    ]
    if any(row["knowledge"] in LIMITS for row in run.board):
        text = (
            "Methods in italics use what a real method does not know, the clean item or the true "
            "prior (the distribution of the clean items), and have no rank."
        )
        if any(not math.isnan(row["gap_to_limit"]) for row in run.board):
            text += (
                " No method can have a smaller mean squared error than the limit; the gap is how "
                "far a method is from it."
            )
        texts.append(text)
    return texts + _metrics(run)


def _metrics(run: RunData) -> list[str]:
    """Return what the metrics are; those of other packages are not loaded for it."""
    names = dict.fromkeys(row["metric"] for row in run.board)
    return [f"{name}: {METRICS[name].description}" for name in names if name in METRICS]


def warnings(run: RunData) -> list[str]:
    """Return what a reader must know before reading the values."""
    found = []
    problems = {row["problem"] for row in run.board}
    if run.has_cells:
        seeds = {seed for summary in run.summaries.values() for seed in summary.seeds}
        partial = partial_run(run.suite, seeds, problems)
        found += [partial] if partial else []
    else:
        found.append(
            "The run folder contains the leaderboard and the manifest, but not the values of the "
            "items. Therefore comparisons, their charts, examples, cost and cautions are missing. "
            "Running the suite again computes them."
        )
    if run.failures:
        count = len(run.failures)
        found.append(f"{count} cell{'s' * (count != 1)} failed and are listed below.")
    if "secret" in run.suite:
        found.append(
            f"Private data seeds, derived from a secret with the digest {run.suite['secret']}."
        )
    return found


def facts(run: RunData) -> list[tuple[str, str]]:
    """Return the size of a run."""
    manifest = run.manifest
    return [
        ("problems", str(len(run.problems))),
        ("methods", str(len({row["method"] for row in run.board}))),
        ("metrics", str(len({row["metric"] for row in run.board}))),
        ("seeds", ", ".join(map(str, manifest["seeds"]))),
        ("computing time", duration(manifest["wall_time_s"])),
    ]


def data_line(run: RunData, problem: str) -> str:
    """Return the data of a problem, and how much of it there is."""
    summary = run.summaries.get((problem, run.metrics(problem)[0]))
    if summary is None:
        most = max(row["n"] for row in run.board if row["problem"] == problem)
        return f"{most:,} items."
    few, most = min(summary.items), max(summary.items)
    count = f"{most:,}" if few == most else f"{few:,} to {most:,}"
    groups = "" if summary.independent else f" in {summary.groups:,} groups"
    seeds = f"{len(summary.seeds)} seed{'s' * (len(summary.seeds) != 1)}"
    return f"{summary.dataset}, {summary.degradation}: {seeds} × {count} items{groups}."


def summary_line(rows: Sequence[LeaderboardRow]) -> str:
    """Return the best methods of a problem and the limit, in a few words."""
    best = [row for row in rows if is_best(row)]
    first, places = rows[0], digits(rows)
    unit = f" {first['unit']}" if first["unit"] else ""
    if not best:
        return ""
    if is_ranked(rows):
        named = " · ".join(row["method"] for row in best[:MAX_NAMED])
        named += f" and {len(best) - MAX_NAMED} more" * (len(best) > MAX_NAMED)
        text = f"Best: {named}"
    elif sum(row["rank_low"] is not None for row in rows) == 1:
        text = f"The only method with a rank: {best[0]['method']}"
    else:
        text = f"No significant difference. Best mean: {best[0]['method']}"
    if math.isfinite(best[0]["mean"]):
        text += f" ({best[0]['mean']:.{places}f}{unit})"
    limit = limit_row(rows)
    if limit is not None and math.isfinite(limit["mean"]):
        text += f". Limit: {limit['mean']:.{places}f}{unit}"
    return text


def notes(run: RunData, problem: str, views: Sequence[MetricView]) -> list[str]:
    """Return the notes below the leaderboard of a problem."""
    rows = [row for row in run.board if row["problem"] == problem]
    used = [
        f"{k}: {text}" for k, text in INFORMATION.items() if any(r["knowledge"] == k for r in rows)
    ]
    found = [f"Information used, {'; '.join(used)}."]
    if any(MISSING in str(cell[2]) for view in views for cell in view.cells.values()):
        found.append(
            f"{MISSING} Could not be computed for every item; the reasons are listed below."
        )
    if any(place == problem for place, _ in run.grid_edges):
        found.append(
            "At the edge of its grid: the best value may be outside the grid, unless the edge is a "
            "limit of the parameter."
        )
    return found
