"""The finished cells of a run folder: read, write, delete and combine their files."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sigbench.benchmark.engine.evaluate import Cell, Result
from sigbench.benchmark.store.cells import (
    CellId,
    StoredCell,
    encode_cells,
    encode_result,
    read_cells,
)
from sigbench.benchmark.store.gallery import Gallery, legal
from sigbench.core.atomic import write_atomically

SMALL_BYTES = 2**20  # smaller files are combined


class CellStore:
    """The files ``cells/*.parquet``.

    Parameters
    ----------
    folder : Path
        The run folder.
    gallery : Gallery
        The examples of the same folder; those of deleted cells are deleted too.
    """

    def __init__(self, folder: Path, gallery: Gallery) -> None:
        self.folder = folder
        self._gallery = gallery
        self._cells: dict[CellId, StoredCell] | None = None
        self._small: list[Path] = []  # files smaller than SMALL_BYTES

    def all(self) -> dict[CellId, StoredCell]:
        """Return the finished cells by (problem, seed, method).

        Raises
        ------
        InputError
            If a file cannot be read.
        """
        if self._cells is None:
            # If a run was killed after combining files and before deleting the old ones, a cell
            # is stored twice with equal values; the cell in the file with more cells is used.
            files = sorted((read_cells(path) for path in self.paths()), key=len)
            self._cells = {cell.id: cell for cells in files for cell in cells}
            self._small = [path for path in self.paths() if _is_small(path)]
        return self._cells

    def reload(self) -> None:
        """Forget the cells; they are read again when needed."""
        self._cells = None

    def paths(self) -> list[Path]:
        """Return the files of cells, sorted."""
        return sorted((self.folder / "cells").glob("*.parquet"))

    def file_of(self, cell: Cell) -> str:
        """Return the name of the file that a cell is written to, relative to the folder."""
        parts = (cell.key, cell.problem.name, cell.method.name, str(cell.seed))
        unique = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]
        words = (cell.problem.name, cell.method.name, str(cell.seed), unique)
        return f"cells/{legal(words)}.parquet"

    def is_finished(self, cell: Cell) -> bool:
        """Return whether a cell with the same key is stored."""
        stored = self.all().get(cell.id)
        return stored is not None and stored.about["cell_key"] == cell.key

    def write(self, suite: str, result: Result) -> None:
        """Write the values of a finished cell, with its cost in the metadata of the file.

        Its examples are written first, because a stored cell is never run again.
        """
        if result.examples:
            self._gallery.write_examples(result)
        path = self.folder / self.file_of(result.cell)
        about, data = encode_result(suite, result)
        write_atomically(path, data)
        cell = StoredCell(path, 0, about)
        self.all()[cell.id] = cell
        if _is_small(path):
            self._small.append(path)

    def drop_outdated(self, cells: Iterable[Cell]) -> int:
        """Delete the cells whose method has changed, and older versions of the given cells.

        Parameters
        ----------
        cells : iterable of Cell
            The cells of the current run.

        Returns
        -------
        int
            The number of deleted cells.
        """
        cells = list(cells)
        method_keys = {cell.method.name: cell.method.key for cell in cells}
        keys = {cell.id: cell.key for cell in cells}

        def is_outdated(cell: StoredCell) -> bool:
            key, method_key = cell.about["cell_key"], cell.about["method_key"]
            changed = method_keys.get(cell.about["method"], method_key) != method_key
            return changed or keys.get(cell.id, key) != key

        dropped = 0
        for path in self.paths():  # every file, because a cell may be stored twice
            stored = read_cells(path)
            kept = [cell for cell in stored if not is_outdated(cell)]
            for cell in filter(is_outdated, stored):
                self._gallery.forget(cell)
            if not kept:
                path.unlink()
            elif len(kept) < len(stored):
                write_atomically(path, encode_cells(kept))
            dropped += len(stored) - len(kept)
        self.reload()
        return dropped

    def small_files(self) -> list[Path]:
        """Return the files that are small enough to be combined."""
        self.all()
        return list(self._small)

    def unused_part(self) -> str:
        """Return the name of a new file for several cells, relative to the folder."""
        taken = {f"cells/{path.name}" for path in self.paths()}
        return next(name for i in itertools.count() if (name := part_name(i)) not in taken)

    def write_part(self, name: str, cells: Sequence[StoredCell]) -> None:
        """Write cells that are stored in other files into one file."""
        write_atomically(self.folder / name, encode_cells(cells))
        self.reload()

    def grid_edges(self) -> dict[tuple[str, str], list[str]]:
        """Return, by (problem, method), the tuned parameters at the edge of their grid."""
        return {
            (problem, method): cell.about["grid_edges"]
            for (problem, _, method), cell in self.all().items()
            if "grid_edges" in cell.about
        }

    def cautions(self) -> dict[tuple[str, str], list[str]]:
        """Return, by (method, caution), the problems in which a call gave it."""
        found: dict[tuple[str, str], list[str]] = {}
        for (problem, _, method), cell in sorted(self.all().items()):
            for text in cell.about.get("cautions", ()):
                problems = found.setdefault((method, text), [])
                if problem not in problems:
                    problems.append(problem)
        return found

    def missing_values(self) -> int:
        """Return how many values could not be computed."""
        by_metric = (of for cell in self.all().values() for of in cell.missing.values())
        return sum(len(items) for of_reason in by_metric for items in of_reason.values())

    def timings(self) -> list[dict[str, Any]]:
        """Return the cost of every finished cell."""
        return [cell.timing for _, cell in sorted(self.all().items())]


def part_name(number: int) -> str:
    """Return the name of a file of several cells, relative to the folder."""
    return f"cells/part-{number:04}.parquet"


def _is_small(path: Path) -> bool:
    return path.stat().st_size < SMALL_BYTES
