"""From a suite to a run folder: plan, run what is missing, write the reports."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sigbench import sysinfo
from sigbench.errors import InputError
from sigbench.files import write_atomically
from sigbench.methods import identity
from sigbench.reports.leaderboard import leaderboard, to_csv
from sigbench.reports.markdown import markdown
from sigbench.runner import Cell, Failure, Result, run
from sigbench.store import DERIVED, MANIFEST, RunFolder
from sigbench.suites.suite import Suite
from sigbench.types import Learner, Oracle, info_of

Progress = Callable[[Cell, Result | Failure | None], None]


@dataclass(frozen=True)
class Outcome:
    """How a run ended: cells done now, cells that were there, cells that failed."""

    done: int
    found: int
    failed: int


def run_suite(
    suite: Suite, path: Path | str, *, fresh: bool = False, progress: Progress | None = None
) -> Outcome:
    """Run what is missing of a suite in a folder, then write its reports.

    Parameters
    ----------
    suite : Suite
        What to run.
    path : Path or str
        The run folder, made where it does not exist, extended where it holds the same suite.
    fresh : bool
        Delete the folder's own files first.
    progress : callable, optional
        Called with each cell before it runs (and None) and after (with what came out).

    Raises
    ------
    InputError
        Where the folder holds something else.
    KeyboardInterrupt
        On Ctrl-C, after the reports of what is done are written.
    """
    path = Path(path)
    missing = [cell for cell, finished in plan(suite, path, fresh=fresh) if not finished]
    folder = RunFolder(path)
    cells = suite.cells()
    manifest = _manifest(suite, folder.open(_common(suite), fresh=fresh), folder, cells)
    folder.write_manifest(manifest)
    folder.drop_stale(cells)
    folder.forget_failures(missing)
    start, done, failed = time.perf_counter(), 0, 0

    def announced() -> Any:
        for cell in missing:
            if progress:
                progress(cell, None)
            yield cell

    try:
        for out in run(announced(), suite.metrics, suite.block):
            if isinstance(out, Failure):
                folder.write_failure(suite.name, out)
                failed += 1
            else:
                folder.write_cell(suite.name, out)
                done += 1
            if progress:
                progress(out.cell, out)
    finally:
        manifest = _manifest(suite, folder.manifest(), folder, cells)
        manifest["wall_time_s"] = round(manifest["wall_time_s"] + time.perf_counter() - start, 3)
        folder.write_manifest(manifest)
        write_reports(path)
    return Outcome(done, len(cells) - len(missing), failed)


def plan(suite: Suite, path: Path, *, fresh: bool = False) -> list[tuple[Cell, bool]]:
    """Return all cells of a run, and of each whether it is finished already.

    Raises
    ------
    InputError
        Where the folder holds something else, or a method has nothing to learn from.
    """
    for problem in suite.problems:
        learners = [m.name for m in suite.methods if isinstance(m.entry, Learner)]
        if learners and not problem.can_train:
            raise InputError(
                f"{problem.name} has no training split, which {', '.join(learners)} must learn from"
            )
    folder = RunFolder(path)
    folder.check(_common(suite), fresh=fresh)
    return [(cell, not fresh and folder.is_finished(cell)) for cell in suite.cells()]


def write_reports(path: Path) -> str:
    """Write ``leaderboard.csv``, ``leaderboard.md`` and ``timings.parquet``; return the Markdown.

    Raises
    ------
    InputError
        Where the folder holds no run.
    """
    folder = RunFolder(path)
    manifest = folder.manifest()
    if not manifest:
        raise InputError(f"{path} holds no run (no {MANIFEST})")
    about = manifest["suite"]
    cells = folder.read_cells()
    board = leaderboard(
        cells,
        folder.read_timings(),
        problems=list(about["problems"]),
        metrics=about["metrics"],
        bounds=about["bounds"],
    )
    text = markdown(
        board,
        cells,
        name=about["name"],
        description=about["description"],
        metrics=about["metrics"],
        failures=folder.failures(),
        experiments=about["experiments"],
    )
    folder.write_timings()
    write_atomically(path / "leaderboard.csv", to_csv(board).encode())
    write_atomically(path / "leaderboard.md", text.encode())
    return text


def _common(suite: Suite) -> dict[str, Any]:
    """Return what all cells of a folder have in common."""
    return {
        "name": suite.name,
        "block": suite.block,
        "metrics": list(suite.metrics),
        "problems": {p.name: identity(p) for p in suite.problems},
    }


def _manifest(
    suite: Suite, old: dict[str, Any], folder: RunFolder, cells: list[Cell]
) -> dict[str, Any]:
    """Return the manifest of the run, what an earlier one did included."""
    before = old.get("suite", {})
    common = _common(suite)
    methods = {
        m.name: {
            "entry": identity(m.entry),
            "sigma": "given" if m.told else "none",
            "source": m.source,
        }
        for m in suite.methods
    }
    bounds = [
        m.name for m in suite.methods if isinstance(m.entry, Oracle) and info_of(m.entry).bound
    ]
    return {
        "suite": {
            **common,
            "problems": {**before.get("problems", {}), **common["problems"]},
            "description": suite.description,
            "methods": {**before.get("methods", {}), **methods},
            "bounds": sorted({*before.get("bounds", []), *bounds}),
            "experiments": suite.experiments,
        },
        "seeds": sorted({*old.get("seeds", []), *suite.seeds}),
        "block": suite.block,
        "versions": sysinfo.versions(),
        "machine": sysinfo.machine(),
        "git_commit": sysinfo.git_commit(),
        "wall_time_s": old.get("wall_time_s", 0.0),
        "files": sorted({*old.get("files", []), *DERIVED, *map(folder.cell_file, cells)}),
    }
