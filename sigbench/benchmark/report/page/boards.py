"""The board of a problem: one table, in which the metric can be chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sigbench.benchmark.report.page.collect import RunData
from sigbench.benchmark.report.page.interval import interval_axis, interval_drawing
from sigbench.benchmark.report.page.rendering import render
from sigbench.benchmark.report.page.table import Cell, Column, Row, table
from sigbench.benchmark.report.run_charts import limit_row
from sigbench.benchmark.report.tables import (
    MISSING,
    digits,
    is_best,
    is_ranked,
    mean_text,
    rank,
    two_digits,
)
from sigbench.core.durations import duration
from sigbench.scoring.leaderboard import LIMITS, LeaderboardRow

if TYPE_CHECKING:
    from markupsafe import Markup


@dataclass(frozen=True)
class MetricView:
    """What the board shows of a metric, as text and pixels.

    Attributes
    ----------
    name, title : str
        Its name, and its name with the unit and the direction.
    cells : mapping of str to tuple
        By method: the rank and what it is sorted by, the mean and what it is sorted by, the gap
        and what it is sorted by, whether it is among the best, and the left end, mean and right
        end of the drawn interval (None if they are infinite).
    order : sequence of str
        The methods, best first.
    limit : int or None
        Where the limit is drawn.
    scale : str
        What is drawn, from which value to which.
    """

    name: str
    title: str
    cells: Mapping[str, tuple[Any, ...]]
    order: Sequence[str]
    limit: int | None
    scale: str


def metric_view(rows: Sequence[LeaderboardRow], incomplete: Mapping[str, Any]) -> MetricView:
    """Return what the board shows of a metric.

    Parameters
    ----------
    rows : sequence of LeaderboardRow
        The rows of one problem and metric, best first.
    incomplete : mapping
        The methods with values that could not be computed.
    """
    first, places, ranked = rows[0], digits(rows), is_ranked(rows)
    axis = interval_axis(
        end for row in rows for end in (row["mean"], row["ci_low"], row["ci_high"])
    )
    cells = {}
    for row in rows:
        half = (row["ci_high"] - row["ci_low"]) / 2
        text = mean_text(row["mean"], half, places)
        text += f" {MISSING}" if row["method"] in incomplete else ""
        gap = row["gap_to_limit"]
        cells[row["method"]] = (
            rank(row),
            "" if row["rank_low"] is None else row["rank_low"] + row["rank_high"] / 1000,
            text,
            _order(row["mean"]),
            "" if math.isnan(gap) else f"{round(gap, 2) + 0.0:.2f}",
            _order(gap),
            ranked and is_best(row) and row["method"] not in incomplete,
            axis.pixel(row["ci_low"]),
            axis.pixel(row["mean"]),
            axis.pixel(row["ci_high"]),
        )
    limit = limit_row(rows)
    better = "higher is better" if first["higher_is_better"] else "lower is better"
    unit = f"{first['unit']}, " if first["unit"] else ""
    return MetricView(
        first["metric"],
        f"{first['metric']} ({unit}{better})",
        cells,
        [row["method"] for row in rows],
        None if limit is None else axis.pixel(limit["mean"]),
        f"interval, {axis.low:.{places}f} to {axis.high:.{places}f}",
    )


def _order(value: float) -> float | str:
    """Return what a number is sorted by: the same, or nothing if it is NaN."""
    return "" if math.isnan(value) else value


def board_table(
    run: RunData, problem: str, views: Sequence[MetricView], anchor: str, caption: str
) -> Markup:
    """Return the board of a problem as a table.

    Parameters
    ----------
    run : RunData
        The run.
    problem : str
        One of its problems.
    views : sequence of MetricView
        Its metrics; the first one is shown.
    anchor : str
        The id of the table, unique in the page.
    caption : str
        The caption of the table.
    """
    first = views[0]
    own = {row["method"]: row for row in run.rows(problem, first.name)}
    cost = training_cost([t for t in run.timings if t["problem"] == problem])
    has_gap = any(view.cells[m][4] for view in views for m in view.cells)
    columns = [
        Column("rank", "number", "Methods whose difference is not significant share ranks", "rank"),
        Column("method", name="method"),
        Column(first.name, "number", first.title, "mean"),
        Column(first.scale, "drawing", "Mean, 95 % interval, and the limit", "interval"),
    ]
    columns += [Column("gap to limit", "number", name="gap")] if has_gap else []
    columns += [Column("information", hint="What the method used", name="information")]
    columns += [Column("ms/item", "number", "Median time of one item on one thread")]
    columns += [Column("parameters", "number"), Column("training", "number")] if cost else []
    columns += [Column("settings", name="settings")]
    most = max(row["n"] for row in own.values())
    rows = []
    for method in first.order:
        row = own[method]
        order, order_of, mean, mean_of, gap, gap_of, best, *ends = first.cells[method]
        line = [
            Cell(order, order_of),
            Cell(_name(run, problem, row, most), row["method"]),
            Cell(mean, mean_of, "best" if best else ""),
            Cell(interval_drawing(ends, first.limit)),
        ]
        line += [Cell(gap, gap_of)] if has_gap else []
        line += [Cell(row["knowledge"])]
        line += [Cell(two_digits(row["ms_per_item"]), _order(row["ms_per_item"]))]
        if cost:
            count, took, took_s = cost.get(method, ("", "", ""))
            line += [Cell(count, count.replace(",", "")), Cell(took, took_s)]
        line += [Cell(_settings(run, problem, row))]
        style = "known" if row["knowledge"] in LIMITS else ""
        rows.append(Row(line, row["knowledge"], style, first.order.index(method)))
    tools = render("board-tools", views=views, anchor=anchor)
    return table(caption, columns, rows, anchor=anchor, heading=1, tags="Information", tools=tools)


def _name(run: RunData, problem: str, row: LeaderboardRow, most: int) -> str:
    summary = run.summaries.get((problem, row["metric"]))
    missing = summary.missing.get(row["method"]) if summary else None
    items = missing.items if missing else row["n"]
    return row["method"] + (f" ({items:,} of {most:,} items)" if items < most else "")


def _settings(run: RunData, problem: str, row: LeaderboardRow) -> str:
    edges = run.grid_edges.get((problem, row["method"]))
    return row["params"] + (f" (at the edge of its grid: {', '.join(edges)})" if edges else "")


def board_data(views: Sequence[MetricView]) -> list[dict[str, Any]]:
    """Return the metrics of a board for the script that changes the metric.

    Methods are in the order of the first metric.
    """
    methods = views[0].order
    return [
        {
            "name": view.name,
            "title": view.title,
            "cells": [_plain(view.cells.get(method)) for method in methods],
            "order": [methods.index(method) for method in view.order if method in methods],
            "limit": view.limit,
            "scale": view.scale,
        }
        for view in views
    ]


def _plain(cell: tuple[Any, ...] | None) -> list[Any] | None:
    """Return the values of a cell with infinite numbers as text, which JSON can have."""
    if cell is None:
        return None
    return [str(v) if isinstance(v, float) and math.isinf(v) else v for v in cell]


def training_cost(timings: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, str, float | str]]:
    """Return the number of parameters and the training time by method; empty if none was trained.

    Parameters
    ----------
    timings : sequence of mapping
        The timings of the cells of one problem.

    Returns
    -------
    dict
        The parameters, the training time, and this time in seconds (empty if it is not known).
    """
    if not any(timing["train_steps"] for timing in timings):
        return {}
    found: dict[str, tuple[str, str, float | str]] = {}
    for timing in timings:
        if timing["train_steps"] or timing["n_params"]:
            took = timing["train_s"] if timing["train_steps"] else math.nan
            text = "" if math.isnan(took) else duration(took)
            found[timing["method"]] = (f"{timing['n_params']:,}", text, _order(took))
    return found
