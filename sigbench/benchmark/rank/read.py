"""The scores of a table: methods, datasets, items and groups."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sigbench.benchmark.rank.cells import (
    MAX_METHODS,
    MAX_NAME,
    MAX_WORK,
    PAIR_WORK,
    Cells,
    read_cells,
)
from sigbench.benchmark.rank.layout import Columns, Layout, find_layout, one_score, text_hint
from sigbench.benchmark.rank.names import is_summary, lower_is_usual
from sigbench.core.errors import InputError, shown
from sigbench.scoring.inference import Floats


@dataclass(frozen=True)
class DatasetScores:
    """The scores on one dataset.

    Attributes
    ----------
    name : str
        The dataset; empty if the table does not name datasets.
    items, groups : tuple of str
        Name and group of each item; an item without a group is a group of its own.
    values : array, shape (K, n)
        One row per method of the table and one column per item; NaN marks missing scores.
    """

    name: str
    items: tuple[str, ...]
    groups: tuple[str, ...]
    values: Floats


@dataclass(frozen=True)
class ScoreTable:
    """A table of scores.

    Attributes
    ----------
    path : Path
        The file.
    read_as : str
        How the table was read, in a few sentences.
    methods : tuple of str
        The methods, in their order in the table.
    datasets : tuple of DatasetScores
        The datasets, in their order in the table.
    higher_is_better : bool
        The direction of the scores.
    cautions : tuple of str
        What is probably not as it was meant.
    """

    path: Path
    read_as: str
    methods: tuple[str, ...]
    datasets: tuple[DatasetScores, ...]
    higher_is_better: bool
    cautions: tuple[str, ...]


@dataclass(frozen=True)
class _Score:
    method: str
    dataset: str
    item: str
    group: str | None
    value: float
    line: int


def read_scores(
    path: Path, columns: Columns | None = None, *, higher_is_better: bool | None = None
) -> ScoreTable:
    """Read a table of scores.

    Parameters
    ----------
    path : Path
        A CSV or TSV file, long or wide.
    columns : Columns, optional
        The columns that are named; the others are found by their usual names.
    higher_is_better : bool, optional
        The direction of the scores. By default higher is better, with a caution if the name of the
        metric says otherwise.

    Raises
    ------
    InputError
        If the file cannot be read, a score is missing in a row or is no number, a pair of method
        and item occurs twice, or there are not two methods and several items or datasets.
    """
    cells = read_cells(path)
    layout = find_layout(cells, columns or Columns())
    skipped: list[str] = []
    scores = list(_scores(cells, layout, skipped))
    methods = tuple(dict.fromkeys(score.method for score in scores))
    read_as = layout.sentence(cells.delimiter)
    if len(methods) < 2:
        found = f"{len(methods)} method{'s' * (len(methods) != 1)}"
        hints = [text_hint(cells, layout.unused), *layout.cautions]
        why = "; ".join(hint.rstrip(".") for hint in hints if hint)
        raise InputError(
            f"{path} has {found}: at least two are needed. {read_as}{f' {why}' * bool(why)}"
        )
    if len(methods) > MAX_METHODS:
        raise InputError(f"{path} has {len(methods):,} methods: at most {MAX_METHODS}. {read_as}")
    datasets = _datasets(cells, layout, methods, scores)
    if not any((~np.isnan(own.values)).sum(axis=0).max() > 1 for own in datasets):
        raise InputError(f"{path}: no two methods have a common item. {read_as}")
    if len(datasets) == 1 and len(datasets[0].items) == 1:
        raise InputError(f"{one_score(path)}. {read_as}")
    cautions = (*layout.cautions, *_direction(path, layout, higher_is_better))
    if skipped:
        text = f"Rows that look like averages are not used: {', '.join(skipped)}."
        cautions += (text + " If one is a method, rename it." * (layout.kind == "rows"),)
    higher = True if higher_is_better is None else higher_is_better
    read_as += f" {'Higher' if higher else 'Lower'} is better."
    return ScoreTable(path, read_as, methods, datasets, higher, cautions)


def _direction(path: Path, layout: Layout, stated: bool | None) -> tuple[str, ...]:
    if stated is not None:
        return ()
    datasets = layout.scores if layout.kind == "rows" else ()
    for name in (layout.columns.value or "", path.stem, *datasets):
        if lower_is_usual(name):
            return (
                f"The name {shown(name)} suggests that lower is better, but higher was assumed: state "
                "the direction with --lower-is-better or --higher-is-better.",
            )
    return ()


def _scores(cells: Cells, layout: Layout, skipped: list[str]) -> Iterator[_Score]:
    """Yield all scores; lines with the name of an average are added to ``skipped``."""
    roles = layout.columns
    index = {role: cells.header.index(name) for role, name in vars(roles).items() if name}
    for i, (row, line) in enumerate(zip(cells.rows, cells.lines, strict=True)):
        own = {role: row[j] for role, j in index.items()}
        for role in ("method", "item", "dataset", "group"):
            if own.get(role) == "":
                name = shown(vars(roles)[role])
                raise InputError(f"{cells.path}, line {line}: the {role} (column {name}) is empty")
        if layout.kind != "long" and any(is_summary(own[r]) for r in own if r != "group"):
            skipped.append(f"line {line}")
            continue
        if layout.kind == "wide" and "item" not in own and "dataset" not in own:
            own["item"] = f"line {line}"
        for name in layout.scores:
            cell = row[cells.header.index(name)]
            if layout.kind != "long" and not cell:
                continue
            method = own.get("method", name)
            dataset = name if layout.kind == "rows" else own.get("dataset", "")
            value = cells.number(i, name)
            for text in (method, dataset):
                if len(text) > MAX_NAME:
                    raise InputError(
                        f"{cells.path}, line {line}: the name {shown(text)} has {len(text):,} "
                        f"characters: at most {MAX_NAME}"
                    )
            yield _Score(method, dataset, own.get("item", ""), own.get("group"), value, line)


def _datasets(
    cells: Cells, layout: Layout, methods: tuple[str, ...], scores: list[_Score]
) -> tuple[DatasetScores, ...]:
    path = cells.path
    row = {method: i for i, method in enumerate(methods)}
    items: dict[str, dict[str, int]] = {}
    groups: dict[tuple[str, str], tuple[str, int]] = {}
    for score in scores:
        own = items.setdefault(score.dataset, {})
        own.setdefault(score.item, len(own))
        if score.group is not None:
            group, line = groups.setdefault((score.dataset, score.item), (score.group, score.line))
            if group != score.group:
                raise InputError(
                    f"{path}: the item {shown(score.item)} is in group {shown(group)} on line "
                    f"{line} and in {shown(score.group)} on line {score.line}"
                )
    work = sum(len(own) + PAIR_WORK * (len(own) > 1) for own in items.values())
    if math.comb(len(methods), 2) * work > MAX_WORK:
        raise InputError(
            f"{path}: {len(methods):,} methods on {sum(map(len, items.values())):,} items of "
            f"{len(items):,} datasets are too many comparisons: rank fewer methods or datasets"
        )
    values = {name: np.full((len(methods), len(own)), np.nan) for name, own in items.items()}
    first: dict[tuple[str, int, int], int] = {}
    for score in scores:
        i, j = row[score.method], items[score.dataset][score.item]
        if not np.isnan(values[score.dataset][i, j]):
            raise InputError(_duplicate(cells, layout, score, first[score.dataset, i, j]))
        values[score.dataset][i, j] = score.value
        first[score.dataset, i, j] = score.line
    return tuple(
        DatasetScores(
            name,
            tuple(own),
            tuple(groups.get((name, item), (f"item {item}", 0))[0] for item in own),
            values[name],
        )
        for name, own in items.items()
    )


def _duplicate(cells: Cells, layout: Layout, score: _Score, line: int) -> str:
    """Return the error for two scores of a method on one item."""
    where = f" on item {shown(score.item)}" if score.item else ""
    where += f" of dataset {shown(score.dataset)}" if score.dataset else ""
    rows = [cells.rows[cells.lines.index(number)] for number in (line, score.line)]
    differ = [
        shown(name)
        for name, a, b in zip(cells.header, *rows, strict=True)
        if a != b and name in layout.unused
    ]
    hint = ""
    if differ and layout.kind == "wide":
        hint = (
            "; each column of scores was read as a method: if a column has the names of methods, "
            f"name it with --method; it may be {' or '.join(differ[:3])}"
        )
    elif differ:
        hint = f"; the lines differ in {', '.join(differ[:3])}: keep the rows of one value"
        hint += "" if score.item else ", or name the column of items with --item"
    return (
        f"{cells.path}: two scores of method {shown(score.method)}{where}, lines {line} and "
        f"{score.line}: there must be one{hint}"
    )
