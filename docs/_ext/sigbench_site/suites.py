"""Pages about the suites: problems, methods, metrics, and the leaderboard of the committed run."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from pathlib import Path
from typing import Any

from sigbench.benchmark.methods.describe import describe
from sigbench.benchmark.methods.resolve import METHODS, Method
from sigbench.benchmark.methods.tuning import SureTuned, Tuned
from sigbench.benchmark.report.markdown import INFORMATION
from sigbench.benchmark.report.tables import (
    digits,
    heading,
    is_best,
    is_ranked,
    markdown_table,
    mean_text,
    rank,
    two_digits,
)
from sigbench.benchmark.suites.suite import Suite, load, suite_names
from sigbench.config.spec import format_value
from sigbench.core import escape
from sigbench.core.protocols import info_of
from sigbench.problems.degradations import DEGRADATIONS
from sigbench.scoring.leaderboard import LIMITS, LeaderboardRow, from_csv
from sigbench_site.pages import Pages, facts, table, toctree
from sigbench_site.runs import RESULTS, has_page

MAX_OPEN = 3  # boards that are shown at once; further ones are folded

INTRODUCTION = """\
A suite is a set of problems, methods, seeds and metrics that are run together, with one command. Each page \
lists what is run and the leaderboard of the run in the repository."""


def write(pages: Pages) -> None:
    """Write a page for every suite, and the index."""
    suites = [load(name) for name in suite_names()]
    for suite in suites:
        _write_one(pages, suite)
    rows = [
        [
            f"[`{suite.name}`]({suite.name}.md)",
            escape.markdown(suite.description),
            len(suite.problems),
            len(suite.methods),
        ]
        for suite in suites
    ]
    pages.add(
        "suites/index",
        "# Suites",
        INTRODUCTION,
        markdown_table(
            ["suite", "description", "problems", "methods"], rows, ["problems", "methods"]
        ),
        toctree([suite.name for suite in suites], hidden=""),
    )


@functools.cache
def suites_by_method() -> dict[str, tuple[str, ...]]:
    """Return the names of the suites that run each registered method."""
    found: dict[str, tuple[str, ...]] = {}
    for suite in suite_names():
        for name in dict.fromkeys(registered_name(method) for method in load(suite).methods):
            found[name] = (*found.get(name, ()), suite)
    return found


def registered_name(method: Method) -> str:
    """Return the name in the table of methods of a method of a suite, tuned or not."""
    entry: Any = method.entry
    while isinstance(entry, Tuned | SureTuned):
        entry = entry.denoiser
    kinds = [
        name for name, kind in METHODS.items() if isinstance(kind, type) and isinstance(entry, kind)
    ]
    return kinds[0] if kinds else info_of(entry).name


def _write_one(pages: Pages, suite: Suite) -> None:
    run = RESULTS / suite.name
    report = f"/results/{suite.name}/leaderboard"
    board = run / "leaderboard.csv"
    pages.add(
        f"suites/{suite.name}",
        f"# {suite.name}",
        escape.markdown(suite.description) + ".",
        f"```sh\nsigbench run {suite.name}\n```",
        facts(
            {
                "Seeds": ", ".join(map(str, suite.seeds)),
                "Metrics": ", ".join(f"[`{m}`](../tables/metrics.md#{m})" for m in suite.metrics),
                "Items per block": f"{suite.block:,}",
                "Run": _run_facts(run) if board.is_file() else "none in the repository",
            }
        ),
        *(_board_sections(suite, board) if board.is_file() else ()),
        *_figures(run),
        "## Problems",
        table(
            [
                "problem",
                "dataset",
                "its settings",
                "degradation",
                "test items per seed",
                "training items",
            ],
            [_problem_cells(problem) for problem in suite.problems],
            ["test items per seed", "training items"],
        ),
        "## Methods",
        _methods_table(suite),
        toctree([f"Full report <{report}>"], hidden="") if board.is_file() else "",
    )


def _run_facts(run: Path) -> str:
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    links = [
        "[full report](/results/{0}/leaderboard.md)",
        "[leaderboard.csv](/results/{0}/leaderboard.csv)",
        "[manifest.json](/results/{0}/manifest.json)",
    ]
    if has_page(run.name):  # copied to the root of the site
        page = f"../../../runs/{run.name}.html"
        links.insert(0, f'<a href="{page}">page with charts and examples</a>')
    made = f"sigbench {manifest['versions']['sigbench']}: " if "versions" in manifest else ""
    return made + ", ".join(links).format(run.name)


def _problem_cells(problem: Any) -> list[Any]:
    dataset = problem.dataset
    return [
        f"`{problem.name}`",
        f"[`{dataset.kind}`](../tables/datasets.md#{dataset.kind})",
        _code(describe(dataset)),
        _degradation(problem),
        problem.items,
        getattr(problem, "train_items", ""),
    ]


def _degradation(problem: Any) -> str:
    if not hasattr(problem, "degradation"):  # system identification: parameters of the problem
        names = [f.name for f in dataclasses.fields(problem)]
        own = [name for name in names if name not in ("name", "dataset", "items", "train_items")]
        return escape.code(", ".join(f"{n}={format_value(getattr(problem, n))}" for n in own))
    kind = problem.degradation
    name = next(name for name, cls in DEGRADATIONS.items() if type(kind) is cls)
    return f"[`{name}`](../tables/degradations.md#{name}) {_code(describe(kind))}"


def _code(text: str) -> str:
    return escape.code(text) if text else ""


def _methods_table(suite: Suite) -> str:
    sigma_known = any(getattr(problem, "sigma_known", False) for problem in suite.problems)
    rows = []
    for method in suite.methods:
        entry: Any = method.entry
        name = registered_name(method)
        tuned = isinstance(entry, Tuned | SureTuned)
        rows.append(
            [
                escape.markdown(method.name),
                f"[`{name}`](../methods/{name}.md)" if name in METHODS else f"`{name}`",
                _code(_settings(entry) if tuned else describe(entry)),
                "; ".join(_grid(entry)) if tuned else "",
                method.knowledge(sigma_known),
            ]
        )
    return table(["method", "from", "settings", "tuned over", "information"], rows)


def _settings(entry: Tuned | SureTuned) -> str:
    """Return the settings that are not tuned."""
    tuned = [name for name, _ in entry.grid]
    fields = dataclasses.fields(entry.denoiser)  # type: ignore[arg-type]
    values = {f.name: getattr(entry.denoiser, f.name) for f in fields if f.name not in tuned}
    return ", ".join(f"{k}={format_value(v)}" for k, v in values.items() if v is not None)


def _grid(entry: Tuned | SureTuned) -> list[str]:
    return [
        escape.code(f"{name}: {', '.join(map(format_value, values))}")
        for name, values in entry.grid
    ]


def _board_sections(suite: Suite, file: Path) -> list[str]:
    """Return one section with a table for each problem of a leaderboard."""
    rows = from_csv(file.read_text(encoding="utf-8"))
    problems = list(dict.fromkeys(row["problem"] for row in rows))
    metrics = list(suite.metrics)
    parts = ["## Leaderboard", _legend(rows, metrics[0])]
    for number, problem in enumerate(problems):
        board = _board([row for row in rows if row["problem"] == problem], metrics)
        if len(problems) <= MAX_OPEN:
            parts += [f"### {problem}", board]
        else:
            opened = ":open:\n" if number == 0 else ""
            parts.append(f"::::{{dropdown}} {problem}\n{opened}\n{board}\n::::")
    return parts


def _legend(rows: list[LeaderboardRow], metric: str) -> str:
    used = {row["knowledge"] for row in rows}
    information = "; ".join(f"*{k}*: {text}" for k, text in INFORMATION.items() if k in used)
    return (
        f"Means of `{metric}` ± half the 95 % confidence interval; the other metrics as means. "
        "**Bold**: no ranked method is significantly better. A rank such as 2-4 is a range, because "
        "some differences are not significant. Methods without a rank are limits and references. "
        f"Information: {information}."
    )


def _board(rows: list[LeaderboardRow], metrics: list[str]) -> str:
    by_metric = {metric: [row for row in rows if row["metric"] == metric] for metric in metrics}
    cells = {
        (row["method"], metric): _value(row, own)
        for metric, own in by_metric.items()
        for row in own
    }
    first, *others = metrics
    has_gap = any(not math.isnan(row["gap_to_limit"]) for row in by_metric[first])
    header = ["rank", "method", heading(first), *(["gap to limit"] if has_gap else [])]
    header += ["information", "ms per item", *map(heading, others)]
    lines = []
    for row in by_metric[first]:
        name = escape.markdown(row["method"])
        line = [rank(row), f"*{name}*" if row["knowledge"] in LIMITS else name]
        line += [_mean(row, by_metric[first]), *([_gap(row)] if has_gap else [])]
        line += [row["knowledge"], two_digits(row["ms_per_item"])]
        lines.append([*line, *(cells.get((row["method"], metric), "") for metric in others)])
    return table(header, lines, [h for h in header if h not in ("rank", "method", "information")])


def _gap(row: LeaderboardRow) -> str:
    return "" if math.isnan(row["gap_to_limit"]) else f"{row['gap_to_limit']:.2f}"


def _mean(row: LeaderboardRow, rows: list[LeaderboardRow]) -> str:
    text = mean_text(row["mean"], (row["ci_high"] - row["ci_low"]) / 2, digits(rows))
    return f"**{text}**" if is_ranked(rows) and is_best(row) else text


def _value(row: LeaderboardRow, rows: list[LeaderboardRow]) -> str:
    text = mean_text(row["mean"], math.nan, digits(rows))
    return f"**{text}**" if is_ranked(rows) and is_best(row) else text


def _figures(run: Path) -> list[str]:
    """Return the figures of a run, folded if there are many."""
    figures = sorted((run / "figures").glob("*.png"))
    images = [f"![{p.stem}](/results/{run.name}/figures/{p.name})" for p in figures]
    if len(images) > MAX_OPEN:
        images = [
            f"::::{{dropdown}} {path.stem}\n{image}\n::::"
            for path, image in zip(figures, images, strict=True)
        ]
    return ["## Figures", *images] if images else []
