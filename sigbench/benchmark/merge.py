"""Runs of one suite put together into one folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sigbench.benchmark.run_suite import write_reports
from sigbench.benchmark.store import cells as cell_files
from sigbench.benchmark.store.cells import CellId, StoredCell
from sigbench.benchmark.store.run_folder import RunFolder, part_name
from sigbench.core.errors import InputError

CELLS_A_FILE = 64


def merge(paths: Sequence[Path], out: Path) -> int:
    """Put the cells of several runs into a new folder, and return how many there are.

    Parameters
    ----------
    paths : sequence of Path
        Run folders of one suite: other seeds, problems or methods of it, or the same cells with
        the same values.
    out : Path
        The folder to make; it must not hold a run.

    Raises
    ------
    InputError
        Where two runs contradict each other: another suite or setting of it, a method set
        otherwise, a cell with another key or other values. Nothing is written then.
    """
    folders = [RunFolder(path) for path in paths]
    manifests = [folder.run() for folder in folders]
    target = RunFolder(out)
    if target.manifest():
        raise InputError(f"{out} holds a run already: merge into another folder")
    suite = _suite(folders, manifests)
    cells = _cells(folders)
    manifest = _manifest(suite, manifests)
    pictures: dict[str, bytes] = {}
    for folder, own in zip(folders, manifests, strict=True):
        if own.get("pictured_seed") == manifest.get("pictured_seed"):
            pictures = {**folder.gallery.pictures(folder.entries().values()), **pictures}
    with target.locked():
        target.open(suite)
        rows = sorted(cells)
        chunks = [rows[i : i + CELLS_A_FILE] for i in range(0, len(rows), CELLS_A_FILE)]
        names = [part_name(number) for number in range(len(chunks))]
        target.write_manifest(manifest, [*names, *pictures])
        for name, chunk in zip(names, chunks, strict=True):
            target.write_part(name, [cells[row] for row in chunk])
        for name, data in pictures.items():
            target.gallery.write(name, data)
        failed = {(f["problem"], f["seed"], f["method"]): f for o in folders for f in o.failures()}
        failed = {row: failure for row, failure in failed.items() if row not in cells}
        if failed:
            target.add_failures(failed.values(), log="".join(folder.log() for folder in folders))
        target.write_manifest(manifest)
        write_reports(out)
    return len(cells)


def _suite(folders: Sequence[RunFolder], manifests: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the suite of all runs together."""
    whole = dict(manifests[0]["suite"])
    seen: dict[str, tuple[Path, Any]] = {}
    for folder, manifest in zip(folders, manifests, strict=True):
        suite = manifest["suite"]
        folders[0].refuse_another(whole, suite, f"{folder.path} cannot be merged with it")
        for name, method in suite["methods"].items():
            path, known = seen.setdefault(name, (folder.path, method))
            if method != known:
                raise InputError(f"{name!r} is not the same method in {path} and {folder.path}")
        for key in ("problems", "methods"):
            whole[key] = {**whole[key], **suite[key]}
        whole["bounds"] = sorted({*whole["bounds"], *suite["bounds"]})
        if "trainings" in suite:
            whole["trainings"] = {**whole.get("trainings", {}), **suite["trainings"]}
    return whole


def _cells(folders: Sequence[RunFolder]) -> dict[CellId, StoredCell]:
    cells: dict[CellId, StoredCell] = {}
    of: dict[CellId, Path] = {}
    for folder in folders:
        for row, entry in folder.entries().items():
            first = cells.setdefault(row, entry)
            where = of.setdefault(row, folder.path)
            if first is entry:
                continue
            same_key = first.about["cell_key"] == entry.about["cell_key"]
            if not same_key or not _same_values(first, entry):
                problem, seed, method = row
                raise InputError(
                    f"{method!r} on {problem!r}, seed {seed}: other "
                    f"{'values' if same_key else 'settings'} in {folder.path} than in {where}"
                )
    return cells


def _same_values(a: StoredCell, b: StoredCell) -> bool:
    columns = ["item", "group", "value"]  # of what else there is, the key tells
    (_, here), (_, there) = cell_files.read([a, b], columns)
    return bool(here.equals(there))


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
    """Return what all runs say, or where they differ, all that they say."""
    different: list[Any] = []
    for value in values:
        if value not in different:
            different.append(value)
    return different[0] if len(different) == 1 else different
