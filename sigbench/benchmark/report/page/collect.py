"""The data of a page, read from a run folder; nothing is written there."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sigbench.benchmark.report.citation import citation
from sigbench.benchmark.store.run_folder import RunFolder, read_run
from sigbench.core.errors import InputError
from sigbench.core.parsing import read_text
from sigbench.scoring.leaderboard import COLUMNS, LeaderboardRow, from_csv, leaderboard
from sigbench.scoring.scores import Scores, Summary


@dataclass(frozen=True)
class RunData:
    """What a page shows of a run.

    Attributes
    ----------
    folder : RunFolder
        The run folder.
    manifest : mapping
        Its manifest.
    citation : str
        How to cite it, with the digest of its values.
    board : sequence of LeaderboardRow
        The leaderboard.
    summaries : mapping
        Summaries of the values, by (problem, metric); empty without cells.
    scores : mapping of str to Scores
        The values of the first metric, by problem; empty without cells.
    timings, failures : sequence of mapping
        The cost of each cell, and the cells that failed.
    grid_edges, cautions : mapping
        See `CellStore.grid_edges` and `CellStore.cautions`.
    """

    folder: RunFolder
    manifest: Mapping[str, Any]
    citation: str
    board: Sequence[LeaderboardRow]
    summaries: Mapping[tuple[str, str], Summary]
    scores: Mapping[str, Scores]
    timings: Sequence[Mapping[str, Any]]
    failures: Sequence[Mapping[str, Any]]
    grid_edges: Mapping[tuple[str, str], Sequence[str]]
    cautions: Mapping[tuple[str, str], Sequence[str]]

    @property
    def suite(self) -> Mapping[str, Any]:
        """The suite, from the manifest."""
        suite: Mapping[str, Any] = self.manifest["suite"]
        return suite

    @property
    def has_cells(self) -> bool:
        """Whether the values of the items are in the folder."""
        return bool(self.scores)

    @property
    def problems(self) -> list[str]:
        """The problems on the board, in its order."""
        return list(dict.fromkeys(row["problem"] for row in self.board))

    def rows(self, problem: str, metric: str) -> list[LeaderboardRow]:
        """Return the rows of a problem and metric, best method first."""
        return [r for r in self.board if r["problem"] == problem and r["metric"] == metric]

    def metrics(self, problem: str) -> list[str]:
        """Return the metrics of a problem, the first one of the suite first."""
        own = dict.fromkeys(r["metric"] for r in self.board if r["problem"] == problem)
        return list(own)


def collect(path: Path) -> RunData:
    """Read a run folder.

    The leaderboard is computed from the cells. A folder without cells has only
    what its ``leaderboard.csv`` and manifest contain.

    Parameters
    ----------
    path : Path
        The run folder.

    Raises
    ------
    InputError
        If it contains no run, a file cannot be read, or it has neither cells nor a leaderboard.
    """
    return read_run(path, run_data)


def run_data(folder: RunFolder) -> RunData:
    """Return the data of a run that no other process combines: see `collect`."""
    manifest, cited = folder.manifest.require(), citation(folder)
    failures = folder.failures()
    if not folder.cells.all():
        board = _stored_board(folder.path / "leaderboard.csv")
        return RunData(folder, manifest, cited, board, {}, {}, (), failures, {}, {})
    suite = manifest["suite"]
    found = [
        scores
        for problem in suite["problems"]
        for metric in suite["metrics"]
        if (scores := folder.scores(problem, metric)) is not None
    ]
    timings = folder.cells.timings()
    return RunData(
        folder,
        manifest,
        cited,
        leaderboard(found, timings, suite["bounds"]),
        {(scores.problem, scores.metric): scores.summary() for scores in found},
        {scores.problem: scores for scores in reversed(found)},  # the first metric is last
        timings,
        failures,
        folder.cells.grid_edges(),
        folder.cells.cautions(),
    )


def _stored_board(path: Path) -> list[LeaderboardRow]:
    """Return the leaderboard of a folder without cells."""
    if not path.is_file():
        raise InputError(f"{path.parent} has no finished cells and no {path.name}")
    text = read_text(path)
    try:
        lines = list(csv.reader(io.StringIO(text)))
        if lines[:1] != [list(COLUMNS)] or any(len(line) != len(COLUMNS) for line in lines):
            raise ValueError(f"its columns must be {', '.join(COLUMNS)}")
        board = from_csv(text)
        if not board:
            raise ValueError("it has no rows, and there are no finished cells")
        if any(row["n"] is None for row in board):
            raise ValueError("a row has no number of items")
        if any((row["rank_low"] is None) != (row["rank_high"] is None) for row in board):
            raise ValueError("a row has one end of a rank")
    except (ValueError, csv.Error) as error:
        raise InputError(f"{path} is not the leaderboard of a run: {error}") from None
    return board
