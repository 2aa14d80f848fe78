"""The results of a run as pandas data frames."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sigbench.benchmark.store.cell_files import COLUMNS
from sigbench.benchmark.store.cells import read_tables
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.scoring.leaderboard import COLUMNS as LEADERBOARD_COLUMNS
from sigbench.scoring.leaderboard import from_csv

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class Run:
    """A run folder, with its results as data frames; pandas is imported when one is used.

    Attributes
    ----------
    path : Path
        The run folder.
    computed, cached, failed : int
        For a run that `run_suite` has just finished: the cells that it computed, those that were
        already in the folder, and those that failed.
    """

    path: Path
    computed: int = 0
    cached: int = 0
    failed: int = 0

    @cached_property
    def scores(self) -> DataFrame:
        """One row per item, metric and cell, with the columns of ``cells/*.parquet``."""
        import pyarrow as pa

        cells = RunFolder(self.path).cells.all()
        tables = [table for _, table in read_tables(cells[cell] for cell in sorted(cells))]
        if not tables:
            return _frame([], COLUMNS)
        whole = pa.concat_tables(table.replace_schema_metadata(None) for table in tables)
        return whole.to_pandas()

    @cached_property
    def leaderboard(self) -> DataFrame:
        """The rows of ``leaderboard.csv``: one per problem, method and metric."""
        rows = from_csv((self.path / "leaderboard.csv").read_text(encoding="utf-8"))
        frame = _frame(rows, LEADERBOARD_COLUMNS)
        return frame.astype({"rank_low": "Int64", "rank_high": "Int64"})

    @cached_property
    def timings(self) -> DataFrame:
        """One row per cell: time, number of items, memory, and the cost of training."""
        import pandas as pd

        with (self.path / "timings.parquet").open("rb") as file:
            return pd.read_parquet(file)

    @cached_property
    def failures(self) -> DataFrame:
        """One row per failed cell, with its error; empty if none failed."""
        columns = ("suite", "problem", "seed", "method", "error", "cell_key")
        return _frame(RunFolder(self.path).failures(), columns)


def _frame(rows: list[dict[str, object]], columns: tuple[str, ...]) -> DataFrame:
    import pandas as pd

    return pd.DataFrame(rows, columns=list(columns))


def read_run(path: Path | str) -> Run:
    """Return the results in a run folder as data frames.

    Parameters
    ----------
    path : Path or str
        The run folder.

    Returns
    -------
    Run
        Its attributes ``scores``, ``leaderboard``, ``timings`` and ``failures`` are pandas data
        frames.

    Raises
    ------
    InputError
        If the folder contains no run.

    Examples
    --------
    >>> read_run("nowhere")
    Traceback (most recent call last):
    sigbench.core.errors.InputError: nowhere is not a run folder (it has no manifest.json)
    """
    RunFolder(Path(path)).manifest.require()
    return Run(Path(path))
