"""The run folder: cells appended, taken up again, read; nothing finished is ever lost.

``cells/*.parquet`` holds a cell each, values and cost, written whole or not at all. Everything
else in the folder is derived from the cells or says how they were made.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sigbench.errors import InputError
from sigbench.files import write_atomically
from sigbench.runner import Cell, Failure, Result

COLUMNS = (
    "suite",
    "problem",
    "dataset",
    "degradation",
    "seed",
    "method",
    "params",
    "knowledge",
    "metric",
    "item",
    "group",
    "value",
    "cell_key",
)
TIMINGS = (
    "problem",
    "seed",
    "method",
    "time_s",
    "items",
    "contended",
    "peak_rss_mb",
    "device",
    "n_params",
)
MANIFEST = "manifest.json"
DERIVED = ("timings.parquet", "failures.jsonl", "leaderboard.csv", "leaderboard.md")


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
        return manifest

    def check(self, suite: Mapping[str, Any], *, fresh: bool = False) -> None:
        """Refuse what `open` refuses, and change nothing."""
        if self.path.exists() and not self.path.is_dir():
            raise InputError(f"{self.path} is no folder")
        manifest = self.manifest()
        if manifest and not fresh:
            self._refuse_another(manifest["suite"], suite)
        if not manifest:
            foreign = [n for n in (MANIFEST, "cells", *DERIVED) if (self.path / n).exists()]
            if foreign:
                raise InputError(
                    f"{self.path} holds {foreign[0]} and no manifest: it is not a run's folder"
                )

    def _refuse_another(self, there: Mapping[str, Any], here: Mapping[str, Any]) -> None:
        advice = "take another folder, or --fresh"
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
        if self.cells_path.is_dir() and not any(self.cells_path.iterdir()):
            self.cells_path.rmdir()
        (self.path / MANIFEST).unlink(missing_ok=True)

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Write the manifest; it must list every file that the run makes."""
        text = json.dumps(manifest, indent=2, ensure_ascii=False)
        write_atomically(self.path / MANIFEST, (text + "\n").encode())

    def cell_file(self, cell: Cell) -> str:
        """Return the name of a cell's file, relative to the folder."""
        row = (cell.key, cell.problem.name, cell.method.name, str(cell.seed))
        unique = hashlib.sha256("\x1f".join(row).encode()).hexdigest()[:16]
        words = (cell.problem.name, cell.method.name, str(cell.seed), unique)
        return f"cells/{'.'.join(re.sub(r'[^A-Za-z0-9=-]+', '_', word)[:60] for word in words)}.parquet"

    def is_finished(self, cell: Cell) -> bool:
        """Return whether a cell is there."""
        return (self.path / self.cell_file(cell)).is_file()

    def drop_stale(self, cells: Iterable[Cell]) -> int:
        """Delete cells of methods that have changed since: same row, other parameters or source.

        Of cells that are about to be made, every older one goes. Returns how many there were.
        """
        keys, files = {}, {}
        for cell in cells:
            keys[cell.method.name] = cell.method.key
            files[cell.problem.name, cell.seed, cell.method.name] = self.cell_file(cell)
        stale = 0
        for path in self._cell_paths():
            about = _about(path)
            timing, own = about["timing"], f"cells/{path.name}"
            changed = keys.get(about["method"], about["method_key"]) != about["method_key"]
            row = (timing["problem"], timing["seed"], timing["method"])
            if changed or files.get(row, own) != own:
                path.unlink()
                stale += 1
        return stale

    def write_cell(self, suite: str, result: Result) -> None:
        """Write a finished cell: per-item values, with its cost in the file's metadata."""
        cell = result.cell
        n, names = len(result.items), list(result.values)
        constant = {
            "suite": suite,
            "problem": cell.problem.name,
            **cell.problem.labels,
            "method": cell.method.name,
            "params": result.params,
            "knowledge": result.knowledge,
            "cell_key": cell.key,
        }
        rows = n * len(names)
        columns: dict[str, Any] = {
            key: pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), [value])
            for key, value in constant.items()
        }
        columns["seed"] = np.full(rows, cell.seed)
        columns["metric"] = pa.DictionaryArray.from_arrays(
            pa.array(np.repeat(np.arange(len(names), dtype=np.int32), n)), names
        )
        columns["item"] = np.tile(result.items.astype(np.int64), len(names))
        columns["group"] = pa.array(list(result.groups) * len(names))
        columns["value"] = np.concatenate([result.values[name] for name in names])
        about = {
            "method": cell.method.name,
            "method_key": cell.method.key,
            "timing": {
                "problem": cell.problem.name,
                "seed": cell.seed,
                "method": cell.method.name,
                "time_s": result.time_s,
                "items": n,
                "contended": result.contended,
                "peak_rss_mb": result.peak_rss_mb,
                "device": result.device,
                "n_params": result.n_params,
            },
        }
        table = pa.table({name: columns[name] for name in COLUMNS})
        table = table.replace_schema_metadata({"sigbench": json.dumps(about)})
        buffer = io.BytesIO()
        pq.write_table(table, buffer)
        write_atomically(self.path / self.cell_file(cell), buffer.getvalue())

    def failures(self) -> list[dict[str, Any]]:
        """Return the failures on record, one a cell."""
        if not self.failures_path.is_file():
            return []
        lines = self.failures_path.read_text(encoding="utf-8").splitlines()
        try:
            return [json.loads(line) for line in lines if line.strip()]
        except json.JSONDecodeError as error:
            raise InputError(f"{self.failures_path} is broken ({error}): delete it") from None

    def forget_failures(self, cells: Iterable[Cell]) -> None:
        """Strike the cells from the record that are about to be tried again."""
        names = {(c.problem.name, c.seed, c.method.name) for c in cells}
        left = [f for f in self.failures() if (f["problem"], f["seed"], f["method"]) not in names]
        self._write_failures(left)

    def _write_failures(self, failures: list[dict[str, Any]]) -> None:
        if failures:
            text = "".join(json.dumps(f, ensure_ascii=False) + "\n" for f in failures)
            write_atomically(self.failures_path, text.encode())
        else:
            self.failures_path.unlink(missing_ok=True)

    def write_failure(self, suite: str, failure: Failure) -> None:
        """Put a failed cell on record."""
        cell = failure.cell
        entry = {
            "suite": suite,
            "problem": cell.problem.name,
            "seed": cell.seed,
            "method": cell.method.name,
            "error": failure.error,
            "cell_key": cell.key,
            "traceback": failure.trace,
        }
        self._write_failures([*self.failures(), entry])

    def read_cells(self) -> pd.DataFrame:
        """Return all finished cells, tidy, with the columns of the contract."""
        tables = [self._read(path) for path in self._cell_paths()]
        if not tables:
            return pd.DataFrame(columns=list(COLUMNS))
        whole = pa.concat_tables(
            [t.replace_schema_metadata(None).unify_dictionaries() for t in tables]
        )
        return whole.unify_dictionaries().to_pandas()

    def read_timings(self) -> pd.DataFrame:
        """Return the cost of all finished cells."""
        rows = [_about(path)["timing"] for path in self._cell_paths()]
        return pd.DataFrame(rows, columns=list(TIMINGS))

    def write_timings(self) -> None:
        """Write ``timings.parquet``."""
        buffer = io.BytesIO()
        self.read_timings().to_parquet(buffer, index=False)
        write_atomically(self.path / "timings.parquet", buffer.getvalue())

    def _cell_paths(self) -> list[Path]:
        return sorted(self.cells_path.glob("*.parquet"))

    def _read(self, path: Path) -> pa.Table:
        try:
            return pq.read_table(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(f"{path} cannot be read as a cell: {error}") from None


def _about(path: Path) -> dict[str, Any]:
    """Return the metadata of a cell's file."""
    try:
        metadata = pq.read_metadata(path).metadata or {}
        about: dict[str, Any] = json.loads(metadata[b"sigbench"])
    except (pa.ArrowInvalid, OSError, KeyError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a cell: {error}") from None
    return about
