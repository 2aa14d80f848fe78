"""Merge several runs of one suite into one folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from sigbench.benchmark.run_suite import write_reports_of
from sigbench.benchmark.store.cell_store import part_name
from sigbench.benchmark.store.cells import CellId, StoredCell, read_tables, read_values
from sigbench.benchmark.store.lock import unchanged
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.core.errors import InputError

CELLS_PER_FILE = 64


def merge(paths: Sequence[Path], out: Path) -> int:
    """Write the cells of several runs to a new folder, and return their number.

    The folder becomes a run in the last step. If the merge is killed before, the same merge starts
    again.

    Parameters
    ----------
    paths : sequence of Path
        Run folders of one suite. They may share cells if these have equal values.
    out : Path
        The folder to create; it must not contain a run.

    Raises
    ------
    InputError
        If two runs contradict each other: different suites or problems, a method with different
        parameters, or a cell with a different key or values; or if a run is writing to one of the
        folders. Nothing is written in that case.
    """
    if RunFolder(out).manifest.read():
        raise InputError(f"{out} already contains a run: choose another folder")
    folders = [RunFolder(path) for path in paths]
    for folder in folders:
        folder.manifest.require()
    with ExitStack() as stack:
        for path in paths:
            stack.enter_context(unchanged(path))
        return _merge(folders, RunFolder(out, merging=True))


def _merge(folders: Sequence[RunFolder], target: RunFolder) -> int:
    manifests = [folder.manifest.require() for folder in folders]
    suite = _suite(folders, manifests)
    cells = _cells(folders)
    manifest = _manifest(suite, manifests)
    examples: dict[str, bytes] = {}
    for folder, own in zip(folders, manifests, strict=True):
        if own.get("pictured_seed") == manifest.get("pictured_seed"):
            own_files = folder.gallery.example_files(folder.cells.all().values())
            examples = {**own_files, **examples}
    with target.locked():
        target.open(suite, fresh=True)  # deletes the files of a killed merge
        ids = sorted(cells)
        chunks = [ids[i : i + CELLS_PER_FILE] for i in range(0, len(ids), CELLS_PER_FILE)]
        names = [part_name(number) for number in range(len(chunks))]
        target.write_manifest(manifest, [*names, *examples])
        for name, chunk in zip(names, chunks, strict=True):
            target.cells.write_part(name, [cells[cell_id] for cell_id in chunk])
        for name, data in examples.items():
            target.gallery.write(name, data)
        failed = {(f["problem"], f["seed"], f["method"]): f for o in folders for f in o.failures()}
        failed = {id_: failure for id_, failure in failed.items() if id_ not in cells}
        if failed:
            target.failure_log.add(
                failed.values(), log="".join(folder.failure_log.log() for folder in folders)
            )
        target.write_manifest(manifest)
        write_reports_of(target)
        target.manifest.finish_merge()
    return len(cells)


def _suite(folders: Sequence[RunFolder], manifests: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the union of the suites of all runs."""
    whole = dict(manifests[0]["suite"])
    seen: dict[str, tuple[Path, Any]] = {}
    for folder, manifest in zip(folders, manifests, strict=True):
        suite = manifest["suite"]
        folders[0].manifest.check_same(whole, suite, f"{folder.path} cannot be merged with it")
        for name, method in suite["methods"].items():
            path, known = seen.setdefault(name, (folder.path, method))
            if method != known:
                raise InputError(f"method {name!r} differs between {path} and {folder.path}")
        for key in ("problems", "methods"):
            whole[key] = {**whole[key], **suite[key]}
        whole["bounds"] = sorted({*whole["bounds"], *suite["bounds"]})
        whole["controls"] = sorted({*whole.get("controls", []), *suite.get("controls", [])})
        whole["left_out"] = {**whole.get("left_out", {}), **suite.get("left_out", {})}
        if "definition" in suite:
            known = whole.get("definition", {})
            whole["definition"] = {
                kind: {**known.get(kind, {}), **entries}
                for kind, entries in suite["definition"].items()
            }
        if "trainings" in suite:
            whole["trainings"] = {**whole.get("trainings", {}), **suite["trainings"]}
    return whole


def _cells(folders: Sequence[RunFolder]) -> dict[CellId, StoredCell]:
    cells: dict[CellId, StoredCell] = {}
    of: dict[CellId, Path] = {}
    for folder in folders:
        for cell_id, cell in folder.cells.all().items():
            first = cells.setdefault(cell_id, cell)
            where = of.setdefault(cell_id, folder.path)
            if first is cell:
                continue
            same_key = first.about["cell_key"] == cell.about["cell_key"]
            if not same_key or not _same_values(first, cell):
                problem, seed, method = cell_id
                raise InputError(
                    f"{method!r} on {problem!r}, seed {seed}: the "
                    f"{'values' if same_key else 'settings'} differ between {where} and {folder.path}"
                )
    return cells


def _same_values(a: StoredCell, b: StoredCell) -> bool:
    columns = ["item", "group"]  # the key covers the other columns
    (_, here), (_, there) = read_tables([a, b], columns)
    # Arrow would take two values that could not be computed (NaN) for different ones.
    own, other = read_values([a, b])
    same_values = np.array_equal(own, other, equal_nan=True)
    return bool(here.equals(there)) and same_values and a.missing == b.missing


def _manifest(suite: Mapping[str, Any], manifests: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    pictured = [m["pictured_seed"] for m in manifests if "pictured_seed" in m]
    return {
        "suite": suite,
        "seeds": sorted({seed for manifest in manifests for seed in manifest["seeds"]}),
        **({"pictured_seed": pictured[0]} if pictured else {}),
        "block": manifests[0]["block"],
        **{
            key: _agreed(manifest[key] for manifest in manifests)
            for key in ("versions", "machine", "git_commit")
        },
        "wall_time_s": round(sum(manifest["wall_time_s"] for manifest in manifests), 3),
    }


def _agreed(values: Iterable[Any]) -> Any:
    """Return the common value of all runs, or the list of the different values."""
    different: list[Any] = []
    for value in values:
        if value not in different:
            different.append(value)
    return different[0] if len(different) == 1 else different
