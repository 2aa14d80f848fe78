"""The run folder: cells appended, taken up again, read; nothing finished is ever lost.

``cells/*.parquet`` holds the finished cells, values and cost. A cell is written to a file of its
own, whole or not at all; small files are put together now and then, the new one written before
the old ones go. ``estimates/*.npz`` holds the first images, to be looked at. Everything else in the
folder is derived from these or says how they were made.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from sigbench.benchmark.engine.evaluate import Cell, Result
from sigbench.benchmark.engine.scheduler import Failure
from sigbench.benchmark.store import cells as cell_files
from sigbench.benchmark.store.cells import CellId, StoredCell
from sigbench.benchmark.store.gallery import SHOWN, Gallery, legal
from sigbench.core.errors import InputError
from sigbench.core.media import UNFINISHED, append, write_atomically
from sigbench.scoring.scores import Scores

MANIFEST = "manifest.json"
LOG = "failures.log"
DERIVED = ("timings.parquet", "failures.jsonl", LOG, "leaderboard.csv", "leaderboard.md")
FOLDERS = ("cells", *SHOWN)
LOCK = ".lock"

SMALL_BYTES = 2**20  # files below it are put together
MAX_SMALL_FILES = 64  # small files at which that is done during a run
MAX_SMALL_FILES_AT_END = 8  # and above which at its end


class RunFolder:
    """One folder of results of one suite.

    Parameters
    ----------
    path : Path
        The folder; it need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cells_path = path / "cells"
        self.failures_path = path / "failures.jsonl"
        self.gallery = Gallery(path)
        self._known: dict[CellId, StoredCell] | None = None
        self._small: list[Path] = []  # small files, those of this process

    # Who may write

    @contextmanager
    def locked(self, *, wait: bool = False) -> Iterator[None]:
        """Keep other runs out of the folder, which is made where it does not exist.

        The system itself gives the lock back when a process ends, however it ends.

        Parameters
        ----------
        wait : bool
            Wait for another run to end, instead of refusing.

        Raises
        ------
        InputError
            Where another run is using the folder.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path / LOCK, timeout=-1 if wait else 0)
        try:
            lock.acquire()
        except Timeout:
            raise InputError(f"{self.path} is in use by another run: wait for its end") from None
        try:
            yield
        finally:
            lock.release()

    # What the folder is

    def manifest(self) -> dict[str, Any]:
        """Return the manifest of the run, empty where there is none.

        Raises
        ------
        InputError
            Where the file is there and cannot be read.
        """
        path = self.path / MANIFEST
        if not path.is_file():
            return {}
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(manifest["suite"], dict) or not isinstance(manifest["files"], list):
                raise KeyError("suite")
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
            raise InputError(f"{path} is no manifest of a run") from None
        return dict(manifest)

    def run(self) -> dict[str, Any]:
        """Return the manifest of a folder that must hold a run.

        Raises
        ------
        InputError
            Where it holds none.
        """
        manifest = self.manifest()
        if not manifest:
            raise InputError(f"{self.path} holds no run (no {MANIFEST})")
        return manifest

    def open(self, suite: Mapping[str, Any], *, fresh: bool = False) -> dict[str, Any]:
        """Make the folder ready for a suite and return the manifest that it has so far.

        Parameters
        ----------
        suite : mapping
            ``name``, ``block``, ``metrics``, and ``problems`` by name: what a folder's cells
            must have in common.
        fresh : bool
            Delete first what the folder's manifest lists, and only that.

        Raises
        ------
        InputError
            Where the folder holds another suite's run, or files that aren't a run's.
        """
        manifest = self.manifest()
        self.check(suite, fresh=fresh)
        if fresh and manifest:
            self._delete(manifest["files"])
            manifest = {}
        self.cells_path.mkdir(parents=True, exist_ok=True)
        for name in FOLDERS:
            for torn in (self.path / name).glob(f".*{UNFINISHED}"):  # of a run that was killed
                torn.unlink()
        self._known = None
        return manifest

    def check(self, suite: Mapping[str, Any], *, fresh: bool = False) -> None:
        """Refuse what `open` refuses, and change nothing."""
        if self.path.exists() and not self.path.is_dir():
            raise InputError(f"{self.path} is no folder")
        manifest = self.manifest()
        if manifest and not fresh:
            self.refuse_another(manifest["suite"], suite, "take another folder, or --fresh")
        if not manifest:
            foreign = [n for n in (MANIFEST, *FOLDERS, *DERIVED) if (self.path / n).exists()]
            if foreign:
                raise InputError(
                    f"{self.path} holds {foreign[0]} and no manifest: it is not a run's folder"
                )

    def refuse_another(
        self, there: Mapping[str, Any], here: Mapping[str, Any], advice: str
    ) -> None:
        """Refuse a suite whose cells cannot stand beside those that the folder holds."""
        for key in ("name", "block", "metrics"):
            if there[key] != here[key]:
                raise InputError(
                    f"{self.path} holds a run with {key} {there[key]!r}, not {here[key]!r}: {advice}"
                )
        for name, problem in here["problems"].items():
            if name in there["problems"] and there["problems"][name] != problem:
                was, now = there["problems"][name], problem
                what = next(k for k in {**was, **now} if was.get(k) != now.get(k))
                raise InputError(
                    f"{self.path} holds problem {name!r} with {what}={was.get(what)!r}, "
                    f"not {now.get(what)!r}: {advice}"
                )

    def _delete(self, files: Iterable[str]) -> None:
        root = self.path.resolve()
        for name in files:
            path = (root / name).resolve()
            if path.is_relative_to(root) and path.is_file():
                path.unlink()
        for folder in (self.path / name for name in FOLDERS):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        (self.path / MANIFEST).unlink(missing_ok=True)

    def write_manifest(self, manifest: Mapping[str, Any], planned: Iterable[str] = ()) -> None:
        """Write the manifest, with the list of the run's files: those there, and those planned."""
        there = (f"cells/{path.name}" for path in self._cell_paths())
        pictures = self.gallery.names(self.entries().values())
        files = sorted({*DERIVED, *there, *pictures, *planned})
        text = json.dumps({**manifest, "files": files}, indent=2, ensure_ascii=False)
        write_atomically(self.path / MANIFEST, (text + "\n").encode())

    # Cells

    def entries(self) -> dict[CellId, StoredCell]:
        """Return the finished cells.

        Raises
        ------
        InputError
            Where a file cannot be read.
        """
        if self._known is None:
            # Where a run died between putting files together and deleting the old ones, a cell
            # is there twice, the same: the fuller file counts.
            files = sorted((cell_files.entries_of(path) for path in self._cell_paths()), key=len)
            self._known = {entry.row: entry for entries in files for entry in entries}
            self._small = [path for path in self._cell_paths() if _is_small(path)]
        return self._known

    def cell_file(self, cell: Cell) -> str:
        """Return the name of the file that a cell is written to, relative to the folder."""
        row = (cell.key, cell.problem.name, cell.method.name, str(cell.seed))
        unique = hashlib.sha256("\x1f".join(row).encode()).hexdigest()[:16]
        words = (cell.problem.name, cell.method.name, str(cell.seed), unique)
        return f"cells/{legal(words)}.parquet"

    def is_finished(self, cell: Cell) -> bool:
        """Return whether a cell is there."""
        entry = self.entries().get((cell.problem.name, cell.seed, cell.method.name))
        return entry is not None and entry.about["cell_key"] == cell.key

    def write_cell(self, suite: str, result: Result) -> None:
        """Write a finished cell: per-item values, with its cost in the file's metadata.

        Its pictures come first: a cell that is there is never run again.
        """
        if result.pictures:
            self.gallery.write_pictures(result)
        path = self.path / self.cell_file(result.cell)
        about, data = cell_files.encode_result(suite, result)
        write_atomically(path, data)
        entry = StoredCell(path, 0, about)
        self.entries()[entry.row] = entry
        if _is_small(path):
            self._small.append(path)

    def drop_stale(self, cells: Iterable[Cell]) -> int:
        """Delete cells of methods that have changed since: same row, other parameters or source.

        Of cells that are about to be made, every older one goes. Returns how many there were.
        """
        cells = list(cells)
        method_keys = {cell.method.name: cell.method.key for cell in cells}
        keys = {(cell.problem.name, cell.seed, cell.method.name): cell.key for cell in cells}

        def is_stale(entry: StoredCell) -> bool:
            key, method_key = entry.about["cell_key"], entry.about["method_key"]
            changed = method_keys.get(entry.about["method"], method_key) != method_key
            return changed or keys.get(entry.row, key) != key

        dropped = 0
        for path in self._cell_paths():  # all: what is there twice must not come back
            entries = cell_files.entries_of(path)
            kept = [entry for entry in entries if not is_stale(entry)]
            for entry in filter(is_stale, entries):
                self.gallery.forget(entry)
            if not kept:
                path.unlink()
            elif len(kept) < len(entries):
                write_atomically(path, cell_files.rewritten(kept))
            dropped += len(entries) - len(kept)
        self._known = None
        return dropped

    def tidy(self, limit: int, manifest: Mapping[str, Any]) -> None:
        """Put small files together where there are more than ``limit``.

        Parameters
        ----------
        limit : int
            How many may stay.
        manifest : mapping
            The run's manifest, which comes to list the new file before it is there.
        """
        entries = self.entries()
        if len(self._small) <= limit:
            return
        small = set(self._small)
        moved = [entry for entry in entries.values() if entry.path in small]
        if moved:
            taken = {f"cells/{path.name}" for path in self._cell_paths()}
            name = next(n for i in itertools.count() if (n := part_name(i)) not in taken)
            self.write_manifest(manifest, [*manifest["files"], name])
            self.write_part(name, moved)
        for old in small:
            old.unlink()
        self._known = None

    def write_part(self, name: str, entries: Sequence[StoredCell]) -> None:
        """Write cells that are in other files to one file; the manifest lists it already."""
        write_atomically(self.path / name, cell_files.rewritten(entries))
        self._known = None

    def _cell_paths(self) -> list[Path]:
        return sorted(self.cells_path.glob("*.parquet"))

    # Values

    def scores(
        self, problem: str, metric: str, seeds: Collection[int] | None = None
    ) -> Scores | None:
        """Return all values of a problem and metric, of some seeds; None where there are none."""
        entries = [
            entry
            for (of, seed, _), entry in self.entries().items()
            if of == problem and (seeds is None or seed in seeds)
        ]
        order = list(self.run()["suite"]["methods"])
        return cell_files.scores(entries, metric, order)

    def timings(self) -> list[dict[str, Any]]:
        """Return the cost of all finished cells."""
        return [entry.timing for _, entry in sorted(self.entries().items())]

    def write_timings(self) -> None:
        """Write ``timings.parquet``."""
        write_atomically(self.path / "timings.parquet", cell_files.encode_timings(self.timings()))

    # Failures

    def failures(self) -> list[dict[str, Any]]:
        """Return the cells that failed and have not been finished since, in order.

        Raises
        ------
        InputError
            Where the file cannot be read.
        """
        if not self.failures_path.is_file():
            return []
        try:
            text = self.failures_path.read_text(encoding="utf-8")
            lines = text[: text.rfind("\n") + 1].splitlines()  # a torn last one was never on record
            records = [json.loads(line) for line in lines if line.strip()]
            latest = {(f["problem"], f["seed"], f["method"]): f for f in records}
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(f"{self.failures_path} is broken ({error}): delete it") from None
        return [latest[row] for row in sorted(latest) if row not in self.entries()]

    def tidy_failures(self) -> None:
        """Strike from the record what has been finished since, and a torn last line."""
        left = self.failures()
        if left:
            text = "".join(json.dumps(failure, ensure_ascii=False) + "\n" for failure in left)
            write_atomically(self.failures_path, text.encode())
        else:
            self.failures_path.unlink(missing_ok=True)
            (self.path / LOG).unlink(missing_ok=True)

    def write_failure(self, suite: str, failure: Failure) -> None:
        """Put a failed cell on record, and its traceback in the log."""
        cell = failure.cell
        entry = {
            "suite": suite,
            "problem": cell.problem.name,
            "seed": cell.seed,
            "method": cell.method.name,
            "error": failure.error,
            "cell_key": cell.key,
        }
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        where = f"{cell.method.name} on {cell.problem.name}, seed {cell.seed}"
        log = f"{now}  {where}\n{failure.trace or failure.error}\n\n"
        self.add_failures([entry], log=log)

    def add_failures(self, failures: Iterable[Mapping[str, Any]], *, log: str) -> None:
        """Put failures on record, with what the log is to say of them."""
        append(self.path / LOG, log)
        lines = (json.dumps(failure, ensure_ascii=False) + "\n" for failure in failures)
        append(self.failures_path, "".join(lines))

    def log(self) -> str:
        """Return the tracebacks."""
        path = self.path / LOG
        return path.read_text(encoding="utf-8") if path.is_file() else ""


def part_name(number: int) -> str:
    """Return the name of a file of several cells, relative to the folder."""
    return f"cells/part-{number:04}.parquet"


def _is_small(path: Path) -> bool:
    return path.stat().st_size < SMALL_BYTES
