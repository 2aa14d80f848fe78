"""A ranking as one HTML page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from sigbench.benchmark.rank.records import (
    DatasetRanks,
    DatasetsPair,
    ItemPair,
    MethodRanks,
    OverallRanks,
    Ranking,
)
from sigbench.benchmark.rank.text import (
    LEGEND,
    friedman_text,
    interval_text,
    neighbors_text,
    number_text,
    places_of,
    rank_text,
    size_text,
    tests_text,
)
from sigbench.benchmark.report.charts import (
    IntervalRow,
    PairDifference,
    critical_difference,
    differences,
    intervals,
    page_css,
)
from sigbench.benchmark.report.page.document import Section, document
from sigbench.benchmark.report.page.drawings import framed
from sigbench.benchmark.report.page.interval import interval_axis, interval_drawing
from sigbench.benchmark.report.page.libraries import own_file
from sigbench.benchmark.report.page.rendering import safe
from sigbench.benchmark.report.page.table import Cell, Column, Row, table
from sigbench.benchmark.report.page.writing import MAX_BYTES
from sigbench.core import escape

if TYPE_CHECKING:
    from markupsafe import Markup

MAX_CHARTED = 10  # datasets with charts; more are rows of one table
MAX_DRAWN = 40  # methods in a matrix or critical-difference diagram
MAX_ROWS = 3_000  # of the table of many datasets


def as_page(ranking: Ranking) -> str:
    """Return a ranking as an HTML document: tables that sort, and charts.

    Up to 10 datasets have charts of their own; more are rows of one table. Matrices and
    critical-difference diagrams have the 40 best methods. A page that would be too large to be sent
    by mail has no charts.

    Parameters
    ----------
    ranking : Ranking
        The ranking.
    """
    page = _page(ranking, charts=True)
    return page if len(page.encode()) <= MAX_BYTES else _page(ranking, charts=False)


def _page(ranking: Ranking, *, charts: bool) -> str:
    own = ranking.table
    sections = []
    if own.cautions:
        sections.append(Section("cautions", "Cautions", _cautions(own.cautions)))
    if ranking.overall is not None:
        title = f"Over {len(ranking.overall.datasets)} datasets"
        sections.append(Section("overall", title, _overall(ranking.overall, charts)))
    if len(ranking.datasets) > MAX_CHARTED or (ranking.datasets and not charts):
        title = f"Within {len(ranking.datasets)} datasets"
        sections.append(Section("datasets", title, _many(ranking.datasets)))
    else:
        sections += [
            Section(f"d{i}", one.name or "Ranks", _dataset(one, f"d{i}", own.higher_is_better))
            for i, one in enumerate(ranking.datasets, 1)
        ]
    facts = [
        ("Methods", f"{len(own.methods):,}"),
        ("Datasets", f"{len(own.datasets):,}"),
        ("Direction", "higher is better" if own.higher_is_better else "lower is better"),
    ]
    return document(
        f"Ranks: {own.path.name}",
        sections,
        lead=own.read_as,
        facts=facts,
        styles=own_file("report.css") + page_css(),
    )


def _paragraphs(texts: Iterable[str]) -> Markup:
    return safe("".join(f"<p>{escape.html(text)}</p>" for text in texts))


def _cautions(texts: Iterable[str]) -> Markup:
    return safe("".join(f'<p class="warning">{escape.html(text)}</p>' for text in texts))


def _overall(overall: OverallRanks, charts: bool) -> Markup:
    rows = [
        Row(
            [
                Cell(rank_text(row.rank_low, row.rank_high), row.rank_low + row.rank_high / 1000),
                Cell(row.method, style="best" if row.rank_low == 1 else ""),
                Cell(number_text(row.average_rank, 2)),
                Cell(str(row.best_on)),
            ]
        )
        for row in overall.methods
    ]
    columns = [
        Column("rank", "number", "Methods whose difference is not significant share ranks"),
        Column("method", name="method"),
        Column("average rank", "number", "Mean of the ranks on the datasets; 1 is the best"),
        Column("best on", "number", "Number of datasets on which no method is better"),
    ]
    names = [row.method for row in overall.methods][:MAX_DRAWN]
    found = {(pair.a, pair.b): pair for pair in overall.pairs}

    def difference(i: int, j: int) -> PairDifference:
        pair = found[names[i], names[j]]
        won = float(pair.wins - pair.losses)
        return PairDifference(won, math.nan, math.nan, bool(pair.better), pair.adjusted)

    drawn = []
    if charts and overall.datasets:
        positions = [row.average_rank for row in overall.methods][:MAX_DRAWN]
        drawn = [
            critical_difference(
                names, positions, _differ(names, found), label="average rank", lower_is_better=True
            ),
            differences(
                names,
                difference,
                label="datasets",
                places=0,
                title="Datasets won minus datasets lost, row against column",
            ),
        ]
    texts = [neighbors_text(overall), tests_text(overall), LEGEND]
    if overall.friedman is not None:
        texts.insert(0, friedman_text(overall.friedman))
    caption = f"Ranks over {len(overall.datasets)} datasets"
    return (
        _cautions(overall.cautions)
        + table(caption, columns, rows, anchor="overall-table", heading=1)
        + _paragraphs(texts)
        + framed(drawn, _not_drawn(len(overall.methods)) if drawn else "")
    )


def _differ(
    names: Sequence[str],
    found: dict[tuple[str, str], DatasetsPair] | dict[tuple[str, str], ItemPair],
) -> Callable[[int, int], bool]:
    def differ(i: int, j: int) -> bool:
        return bool(found[names[min(i, j)], names[max(i, j)]].better)

    return differ


def _not_drawn(k: int) -> str:
    if k <= MAX_DRAWN:
        return ""
    return f"The diagram of groups and the matrix have the first {MAX_DRAWN} of {k} methods."


def _columns(first: Sequence[Column]) -> list[Column]:
    return [
        *first,
        Column("rank", "number", "Methods whose difference is not significant share ranks"),
        Column("method", name="method"),
        Column("mean", "number"),
        Column("95 % interval", "number", "Confidence interval of the mean"),
        Column("drawn", "drawing", "Mean with its 95 % interval", "interval"),
        Column("items", "number", "Number of items of the method"),
    ]


def _row(row: MethodRanks, one: DatasetRanks, places: int, first: Sequence[Cell] = ()) -> Row:
    axis = interval_axis(
        end for own in one.methods for end in (own.mean.low, own.mean.mean, own.mean.high)
    )
    drawn = [axis.pixel(end) for end in (row.mean.low, row.mean.mean, row.mean.high)]
    return Row(
        [
            *first,
            Cell(rank_text(row.rank_low, row.rank_high), row.rank_low + row.rank_high / 1000),
            Cell(row.method, style="best" if row.rank_low == 1 else ""),
            Cell(number_text(row.mean.mean, places), row.mean.mean),
            Cell(interval_text(row.mean, places), "" if math.isnan(row.mean.low) else row.mean.low),
            Cell(interval_drawing(drawn)),
            Cell(f"{row.mean.n:,}", row.mean.n),
        ]
    )


def _dataset(one: DatasetRanks, anchor: str, higher_is_better: bool) -> Markup:
    places = places_of([row.mean for row in one.methods])
    body = table(
        f"Means and ranks, {size_text(one)}",
        _columns([]),
        [_row(row, one, places) for row in one.methods],
        anchor=f"{anchor}-table",
        heading=1,
    )
    names = [row.method for row in one.methods][:MAX_DRAWN]
    found = {(pair.a, pair.b): pair for pair in one.pairs}

    def difference(i: int, j: int) -> PairDifference:
        pair = found[names[i], names[j]]
        own = pair.test.difference
        return PairDifference(own.mean, own.low, own.high, bool(pair.better), pair.adjusted)

    drawn = [
        IntervalRow(
            row.method,
            row.mean.mean,
            row.mean.low,
            row.mean.high,
            rank=rank_text(row.rank_low, row.rank_high),
            best=row.rank_low == 1,
        )
        for row in one.methods
    ]
    charts = [
        intervals(drawn, label="mean", places=places),
        critical_difference(
            names,
            [row.mean.mean for row in one.methods][:MAX_DRAWN],
            _differ(names, found),
            label="mean",
            lower_is_better=not higher_is_better,
            places=places,
        ),
        differences(names, difference, label="difference", places=places),
    ]
    texts = [text for text in (neighbors_text(one), tests_text(one)) if text]
    return (
        _cautions(one.cautions)
        + body
        + _paragraphs([*texts, LEGEND])
        + framed(charts, _not_drawn(len(one.methods)))
    )


def _many(datasets: Sequence[DatasetRanks]) -> Markup:
    """Return one table of all datasets, without charts."""
    rows: list[Row] = []
    notes: list[str] = []
    for one in datasets:
        if len(rows) + len(one.methods) > MAX_ROWS:
            break
        places = places_of([row.mean for row in one.methods])
        rows += [_row(row, one, places, [Cell(one.name)]) for row in one.methods]
        notes += [f"{one.name}: {text}" for text in one.cautions]
    shown = len({str(row.cells[0].content) for row in rows})
    text = "Paired tests over the items of each dataset, corrected by Holm's method at 5 %."
    if shown < len(datasets):
        text += f" The first {shown} of {len(datasets)} datasets are shown."
    columns = _columns([Column("dataset")])
    body = table("Means and ranks within datasets", columns, rows, anchor="all", heading=2)
    return _cautions(notes[:20]) + body + _paragraphs([text, LEGEND])
