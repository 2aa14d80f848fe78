"""Check that all rows in the files of cells are those that the metadata describe."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from sigbench.benchmark.store.cell_files import numpy_of
from sigbench.benchmark.store.cells import CellId, StoredCell, read_cells, read_tables
from sigbench.benchmark.verify.records import Check
from sigbench.core.errors import InputError


def check_rows(stored: Mapping[CellId, StoredCell], paths: list[Path]) -> Check:
    """Check all columns of all files of cells.

    The other checks compare metadata and values. Whoever reads the files with other software sees
    the columns.

    Parameters
    ----------
    stored : mapping of (problem, seed, method) to StoredCell
        The cells of the run, each from the file that is used.
    paths : list of Path
        All files of cells: a killed run may leave some cells in two files.
    """
    details: list[str] = []
    for path in paths:
        try:
            for cell, table in read_tables(read_cells(path)):
                used = stored[cell.id]
                is_used = (cell.path, cell.start) == (used.path, used.start)
                if not is_used and _content(table) != _content(next(read_tables([used]))[1]):
                    problem, seed, method = cell.id
                    where = f"{method} on {problem}, seed {seed}"
                    details.append(f"{path.name} and {used.path.name} have other rows of {where}")
        except InputError as error:
            text = str(error).removeprefix(f"{path} cannot be read: ")
            details.append(f"{path.name}: {text.partition(' (delete it')[0]}")
    if details:
        text = "their rows are not those of their metadata"
        return Check("columns", "different", text, details)
    return Check("columns", "good", "the rows of the cells are those of their metadata")


def _content(table: pa.Table) -> list[object]:
    """Return what identifies the rows of a cell."""
    words = [table[name].to_pylist() for name in ("cell_key", "group")]
    return [*words, *(numpy_of(table[name]).tobytes() for name in ("item", "value"))]
