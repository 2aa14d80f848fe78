"""The tables of a run besides its leaderboards: cost, failures, cautions, settings, environment."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

from sigbench.benchmark.report.experiments import training_rows
from sigbench.benchmark.report.page.collect import RunData
from sigbench.benchmark.report.page.table import Cell, Column, Row, table
from sigbench.benchmark.report.tables import two_digits
from sigbench.core.durations import duration
from sigbench.core.escape import cut
from sigbench.scoring.leaderboard import uncontended

if TYPE_CHECKING:
    from markupsafe import Markup

MAX_DEFINITION = 600  # characters of the definition of a method
MAX_FAILURES = 200


def detail_tables(run: RunData, anchor: str) -> list[tuple[str, Markup]]:
    """Return titles and tables about a run; those that would be empty are left out.

    Parameters
    ----------
    run : RunData
        The run.
    anchor : str
        The id of its section.
    """
    makers = {
        "Failed cells": _failures,
        "Values that could not be computed": _uncomputed,
        "Cautions": _cautions,
        "Items left out": _left_out,
        "Printed values": _printed,
        "Over training seeds": _trainings,
        "Cost": _cost,
        "Certificates": _certificates,
        "Methods as run": _methods,
        "Environment": _environment,
    }
    found = []
    for number, (title, make) in enumerate(makers.items()):
        caption, columns, rows = make(run)
        if rows:
            lines = [Row([Cell(*_parts(cell)) for cell in row]) for row in rows]
            found.append((title, table(caption, columns, lines, anchor=f"{anchor}-d{number}")))
    return found


Content = tuple[str, Sequence[Column], Sequence[Sequence[Any]]]


def _parts(cell: Any) -> tuple[Any, ...]:
    """Return the text of a cell and what it is sorted by."""
    return cell if isinstance(cell, tuple) else (cell,)


def _failures(run: RunData) -> Content:
    columns = [Column("method"), Column("problem"), Column("seeds"), Column("error")]
    seeds: dict[tuple[str, str, str], list[int]] = {}
    for failure in run.failures:
        key = (failure["method"], failure["problem"], failure["error"])
        seeds.setdefault(key, []).append(failure["seed"])
    rows = [[m, p, ", ".join(map(str, own)), error] for (m, p, error), own in seeds.items()]
    shown = rows[:MAX_FAILURES]
    caption = f"{len(run.failures)} cells raised an error or exceeded the time limit."
    if len(shown) < len(rows):
        caption += f" The first {len(shown)} of {len(rows)} errors are listed."
    return caption, columns, shown


def _uncomputed(run: RunData) -> Content:
    columns = [Column("method"), Column("metric"), Column("problem"), Column("reason")]
    rows = [
        [method, metric, problem, missing.text]
        for (problem, metric), summary in run.summaries.items()
        for method, missing in summary.missing.items()
    ]
    caption = (
        "A method with such values has no rank by this metric. Its mean is over the other items."
    )
    return caption, columns, rows


def _cautions(run: RunData) -> Content:
    columns = [Column("method"), Column("caution"), Column("problems")]
    rows = [[method, text, ", ".join(own)] for (method, text), own in run.cautions.items()]
    return "Warnings of methods when they were called.", columns, rows


def _left_out(run: RunData) -> Content:
    columns = [Column("problem"), Column("file"), Column("reason")]
    rows = [
        [problem, file, reason]
        for problem, files in run.suite.get("left_out", {}).items()
        for file, reason in files.items()
    ]
    return "Files that could not be used as items of a dataset.", columns, rows


def _printed(run: RunData) -> Content:
    experiments = run.suite.get("experiments") or {"metrics": [], "printed": {}, "source": ""}
    columns = [Column("method"), Column("problem")]
    for metric in experiments["metrics"]:
        columns += [Column(f"{metric}, printed", "number"), Column(f"{metric}, here", "number")]
    here = {(r["problem"], r["method"], r["metric"]): r["mean"] for r in run.board}
    rows = []
    for method, figures in experiments["printed"].items():
        for problem in run.problems:
            line: list[Any] = [method, problem]
            for metric, figure in zip(experiments["metrics"], figures, strict=True):
                mean = here.get((problem, method, metric), math.nan)
                line += [f"{figure:.2f}", "" if math.isnan(mean) else f"{mean:.2f}"]
            rows.append(line)
    return f"Source: {experiments['source']}", columns, rows


def _trainings(run: RunData) -> Content:
    metrics = list(run.suite["metrics"])
    columns = [Column("method"), Column("problem"), Column("trainings", "number")]
    columns += [Column(metric, "number") for metric in metrics]
    trainings = run.suite.get("trainings", {})
    rows = []
    for problem in run.problems if trainings else ():
        table = [row for row in run.board if row["problem"] == problem]
        own = {m: s for (p, m), s in run.summaries.items() if p == problem}
        incomplete = {(method, m) for m, summary in own.items() for method in summary.missing}
        rows += [
            [name, problem, *line]
            for name, *line in training_rows(table, incomplete, metrics, trainings)
        ]
    caption = (
        "A training is scored by its mean over all items. The table shows the mean over the "
        "trainings ± half of its 95 % confidence interval."
    )
    return caption, columns, rows


def _cost(run: RunData) -> Content:
    columns = [
        Column("method"),
        Column("ms/item", "number", "Median over problems and seeds, on one thread"),
        Column("parameters", "number"),
        Column("training", "number"),
        Column("memory (MiB)", "number", "Peak resident memory of the process"),
    ]
    sound = any(timing["audio_s"] > 0 for timing in run.timings)
    if sound:
        columns += [
            Column("latency", "number", "Algorithmic delay of a causal method"),
            Column("real-time factor", "number", "Time on one thread per duration of the audio"),
        ]
    rows = [list(_cost_row(m, own, sound)) for m, own in _by_method(run.timings).items()]
    contended = any(timing["contended"] for timing in run.timings)
    caption = "Times are medians on one thread, and include only the call of the method."
    if contended:
        caption += " Some were measured while other work was running."
    return caption, columns, rows


def _by_method(timings: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for timing in timings:
        found.setdefault(timing["method"], []).append(timing)
    return found


def _cost_row(method: str, own: Sequence[Mapping[str, Any]], sound: bool) -> Iterator[Any]:
    yield method
    time = median(1000 * t["time_s"] / t["items"] for t in uncontended(own))
    yield two_digits(time), time
    count = max(t["n_params"] for t in own)
    yield f"{count:,}", count
    took = [t["train_s"] for t in own if t["train_steps"]]
    yield (duration(median(took)), median(took)) if took else ("", "")
    memory = [t["peak_rss_mb"] for t in own if not math.isnan(t["peak_rss_mb"])]
    yield (f"{max(memory):,.0f}", max(memory)) if memory else ("", "")
    if sound:
        heard = [t for t in own if t["audio_s"] > 0]
        latencies = [t["latency_ms"] for t in heard]
        if not heard:
            yield from ("", "")
            return
        whole = any(map(math.isnan, latencies))
        yield ("whole item", math.inf) if whole else (f"{max(latencies):.4g} ms", max(latencies))
        factor = median(t["time_s"] / t["audio_s"] for t in uncontended(heard))
        yield two_digits(factor), factor


def _certificates(run: RunData) -> Content:
    columns = [
        Column("method"),
        Column("largest relative duality gap", "number"),
        Column("problem"),
    ]
    largest: dict[str, tuple[float, str]] = {}
    for timing in run.timings:
        if not math.isnan(timing["relative_gap"]):
            here = (max(timing["relative_gap"], 0.0), timing["problem"])
            largest[timing["method"]] = max(largest.get(timing["method"], here), here)
    rows = [[method, (f"{gap:.1e}", gap), where] for method, (gap, where) in largest.items()]
    caption = "An upper bound on how far the objective of a solution is above its minimum."
    return caption, columns, rows


def _methods(run: RunData) -> Content:
    columns = [
        Column("method"),
        Column("noise level", hint="Whether the method is given the noise level"),
        Column("definition", name="settings"),
        Column("source"),
    ]
    rows = []
    for method, about in run.suite["methods"].items():
        about = about if isinstance(about, dict) else {}
        definition = json.dumps(about.get("entry", ""), ensure_ascii=False)
        sigma, source = str(about.get("sigma", "")), str(about.get("source", ""))
        rows.append([method, sigma, cut(definition, MAX_DEFINITION), source])
    return "The manifest's record of every method.", columns, rows


def _environment(run: RunData) -> Content:
    manifest = run.manifest
    rows = []
    for name in ("machine", "versions"):
        about = manifest[name] if isinstance(manifest[name], dict) else {name: manifest[name]}
        rows += [[str(key).replace("_", " "), str(value)] for key, value in about.items()]
    rows += [
        ["git commit", str(manifest["git_commit"] or "not known")],
        ["seeds", ", ".join(map(str, manifest["seeds"]))],
        ["block", str(manifest["block"])],
        ["wall time", duration(manifest["wall_time_s"])],
    ]
    return "The machine and software of the run.", [Column("name"), Column("value")], rows
