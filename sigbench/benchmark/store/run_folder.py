"""A run folder: the cells, failures, examples and manifest of one run of a suite."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, TypeVar

from sigbench.benchmark.store.cell_store import CellStore
from sigbench.benchmark.store.cells import collect_scores, encode_timings
from sigbench.benchmark.store.failures import FailureLog
from sigbench.benchmark.store.gallery import Gallery
from sigbench.benchmark.store.lock import locked
from sigbench.benchmark.store.manifest import Manifest
from sigbench.core.atomic import write_atomically
from sigbench.scoring.scores import Scores

MAX_SMALL_FILES = 64  # during a run
MAX_SMALL_FILES_AT_END = 8
MAX_READS = 5  # attempts to read a folder in which a run may be combining files

T = TypeVar("T")


class RunFolder:
    """The results of one suite.

    Parameters
    ----------
    path : Path
        The folder; it may not exist yet.
    merging : bool
        Whether a merge is writing the folder: see `Manifest`.

    Attributes
    ----------
    manifest : Manifest
        The suite that was run, and the files of the run.
    cells : CellStore
        The values and the cost of the finished cells.
    gallery : Gallery
        Examples, training histories and figures.
    """

    def __init__(self, path: Path, *, merging: bool = False) -> None:
        self.path = path
        self.manifest = Manifest(path, merging=merging)
        self.gallery = Gallery(path)
        self.cells = CellStore(path, self.gallery)
        self.failure_log = FailureLog(path)

    def locked(self, *, wait: bool = False) -> AbstractContextManager[None]:
        """Lock the folder for writing: see `sigbench.benchmark.store.lock.locked`."""
        return locked(self.path, wait=wait)

    def open(self, suite: Mapping[str, Any], *, fresh: bool = False) -> dict[str, Any]:
        """Prepare the folder for a suite and return the manifest of the run that it contains.

        Parameters
        ----------
        suite : mapping
            What all cells of the folder share: see `Manifest.check`.
        fresh : bool
            First delete the files that the folder's manifest lists, or that of an unfinished merge.

        Raises
        ------
        InputError
            If the folder contains a run of another suite, or files of a run but no manifest.
        """
        self.manifest.check(suite, fresh=fresh)
        for own in (self.manifest, self.manifest.merge):
            if fresh and own.read():
                own.delete_files()
        self.manifest.delete_unfinished()
        self.cells.reload()
        return self.manifest.read()

    def write_manifest(self, manifest: Mapping[str, Any], planned: Iterable[str] = ()) -> None:
        """Write the manifest with the names of the existing and the planned files.

        It is the first file of a run: a folder without a manifest contains nothing of ours.
        """
        cells = (f"cells/{path.name}" for path in self.cells.paths())
        derived = self.gallery.names(self.cells.all().values())
        self.manifest.write(manifest, {*cells, *derived, *planned})
        (self.path / "cells").mkdir(exist_ok=True)

    def combine_files(self, limit: int, manifest: Mapping[str, Any]) -> None:
        """Combine the small files of cells if there are more than ``limit``.

        The manifest lists the new file before it is written, so every file is always listed.
        """
        small = set(self.cells.small_files())
        if len(small) <= limit:
            return
        moved = [cell for cell in self.cells.all().values() if cell.path in small]
        if moved:
            name = self.cells.unused_part()
            self.write_manifest(manifest, [*manifest["files"], name])
            self.cells.write_part(name, moved)
        for path in small:
            path.unlink()
        self.cells.reload()

    def failures(self) -> list[dict[str, Any]]:
        """Return the cells that failed and have not finished since."""
        return self.failure_log.read(self.cells.all())

    def tidy_failures(self) -> None:
        """Remove the records of failures that have been resolved."""
        self.failure_log.tidy(self.cells.all())

    def scores(
        self, problem: str, metric: str, seeds: Collection[int] | None = None
    ) -> Scores | None:
        """Return the values of a problem and metric, optionally of some seeds; None if there are none."""
        cells = [
            cell
            for (name, seed, _), cell in self.cells.all().items()
            if name == problem and (seeds is None or seed in seeds)
        ]
        return collect_scores(cells, metric, list(self.manifest.require()["suite"]["methods"]))

    def write_timings(self) -> None:
        """Write ``timings.parquet``."""
        write_atomically(self.path / "timings.parquet", encode_timings(self.cells.timings()))


def read_run(path: Path, read: Callable[[RunFolder], T]) -> T:
    """Return what a function reads from a run folder in which a run may be combining files.

    Parameters
    ----------
    path : Path
        The run folder.
    read : callable
        It is called again if a file has vanished.
    """
    for _ in range(MAX_READS - 1):
        with suppress(FileNotFoundError):
            return read(RunFolder(path))
    return read(RunFolder(path))
