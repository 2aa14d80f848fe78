"""From a suite to a run folder: plan, run what is missing, write the reports."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sigbench.benchmark.engine.evaluate import Cell, Result
from sigbench.benchmark.engine.executors.base import ExecutorConfig
from sigbench.benchmark.engine.scheduler import Failure, run
from sigbench.benchmark.report.figures import figures_there, illustrate
from sigbench.benchmark.report.markdown import markdown
from sigbench.benchmark.store.run_folder import MAX_SMALL_FILES, MAX_SMALL_FILES_AT_END, RunFolder
from sigbench.benchmark.suites.suite import Suite
from sigbench.core import environment
from sigbench.core.errors import InputError
from sigbench.core.fingerprint import identity
from sigbench.core.media import write_atomically
from sigbench.core.protocols import Learner, Oracle, info_of
from sigbench.scoring.leaderboard import leaderboard, to_csv
from sigbench.scoring.scores import Scores

LOOKS = 5  # at a folder in which a run may just be putting files together

Progress = Callable[[Cell, Result | Failure | None], None]


@dataclass(frozen=True)
class RunResult:
    """How a run ended: cells done now, cells that were there, cells that failed."""

    done: int
    found: int
    failed: int


def run_suite(
    suite: Suite,
    path: Path | str,
    *,
    fresh: bool = False,
    progress: Progress | None = None,
    place: ExecutorConfig | None = None,
    wait: bool = False,
) -> RunResult:
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
    place : Place, optional
        Where to run, by default in this process: ``Place(jobs=2)`` for two worker processes.
    wait : bool
        Wait where another run is using the folder, instead of refusing.

    Raises
    ------
    InputError
        Where the folder holds something else, or another run is using it.
    KeyboardInterrupt
        On Ctrl-C: what is finished is kept; the reports are left to `write_reports`.
    """
    path = Path(path)
    check(suite)
    folder = RunFolder(path)
    folder.check(shared(suite), fresh=fresh)  # before anything is made
    with folder.locked(wait=wait):
        return _run_missing(suite, folder, fresh, progress, place or ExecutorConfig())


def _run_missing(
    suite: Suite, folder: RunFolder, fresh: bool, progress: Progress | None, place: ExecutorConfig
) -> RunResult:
    cells = suite.cells()
    manifest = _manifest(suite, folder.open(shared(suite), fresh=fresh))
    folder.drop_stale(cells)
    missing = [cell for cell in cells if not folder.is_finished(cell)]
    cell_files = [folder.cell_file(cell) for cell in missing]
    manifest["files"] = [*cell_files, *folder.gallery.planned(missing)]
    folder.write_manifest(manifest, manifest["files"])
    folder.tidy_failures()
    start, done, failed = time.perf_counter(), 0, 0

    def started(cell: Cell) -> None:
        if progress:
            progress(cell, None)

    executor = place.open()
    try:
        pictured = manifest["pictured_seed"]
        for out in run(missing, suite.metrics, suite.block, executor, started, pictured):
            if isinstance(out, Failure):
                folder.write_failure(suite.name, out)
                failed += 1
            else:
                folder.write_cell(suite.name, out)
                folder.tidy(MAX_SMALL_FILES, manifest)
                done += 1
            if progress:
                progress(out.cell, out)
        folder.tidy(MAX_SMALL_FILES_AT_END, manifest)
    finally:
        executor.close()
        folder.tidy_failures()
        manifest["wall_time_s"] = round(manifest["wall_time_s"] + time.perf_counter() - start, 3)
        folder.write_manifest(manifest)
    write_reports(folder.path)
    return RunResult(done, len(cells) - len(missing), failed)


def check(suite: Suite) -> None:
    """Refuse a suite that has learners on a problem without a training split."""
    for problem in suite.problems:
        learners = [m.name for m in suite.methods if isinstance(m.entry, Learner)]
        if learners and not problem.can_train:
            raise InputError(
                f"{problem.name} has no training split, which {', '.join(learners)} must learn from"
            )


def plan(suite: Suite, path: Path, *, fresh: bool = False) -> list[tuple[Cell, bool]]:
    """Return all cells of a run, and of each whether it is finished already.

    Raises
    ------
    InputError
        Where the folder holds something else, or a method has nothing to learn from.
    """
    check(suite)
    folder = RunFolder(path)
    folder.check(shared(suite), fresh=fresh)
    return [(cell, not fresh and folder.is_finished(cell)) for cell in suite.cells()]


def write_reports(path: Path) -> str:
    """Write ``leaderboard.csv``, ``leaderboard.md`` and ``timings.parquet``; return the Markdown.

    The logs of trainings are written too, and where Matplotlib is installed, figures.

    Raises
    ------
    InputError
        Where the folder holds no run.
    """
    for _ in range(LOOKS - 1):
        with suppress(FileNotFoundError):
            return _write_reports(RunFolder(path))
    return _write_reports(RunFolder(path))


def _write_reports(folder: RunFolder) -> str:
    path, about = folder.path, folder.run()["suite"]
    summaries = {}

    def all_scores() -> Iterator[Scores]:
        for problem in about["problems"]:
            for metric in about["metrics"]:
                scores = folder.scores(problem, metric)
                if scores is not None:
                    summaries[problem, metric] = scores.summary()
                    yield scores

    board = leaderboard(all_scores(), folder.timings(), about["bounds"])
    folder.write_timings()
    write_atomically(path / "leaderboard.csv", to_csv(board).encode())
    try:
        illustrate(folder, board)
    finally:  # a picture that cannot be read is an error, but costs nobody the table
        text = markdown(
            board,
            summaries,
            name=about["name"],
            description=about["description"],
            metrics=about["metrics"],
            failures=folder.failures(),
            experiments=about["experiments"],
            trainings=about.get("trainings", {}),
            timings=folder.timings(),
            figures=figures_there(folder),
        )
        write_atomically(path / "leaderboard.md", text.encode())
    return text


def shared(suite: Suite) -> dict[str, Any]:
    """Return what all cells of a folder have in common: see `RunFolder.open`."""
    return {
        "name": suite.name,
        "block": suite.block,
        "metrics": list(suite.metrics),
        "problems": {p.name: identity(p) for p in suite.problems},
    }


def _manifest(suite: Suite, old: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest of the run, what an earlier one did included."""
    before = old.get("suite", {})
    common = shared(suite)
    methods = {
        m.name: {
            "entry": identity(m.entry),
            "sigma": "given" if m.sigma_given else "none",
            "source": m.source,
        }
        for m in suite.methods
    }
    bounds = [
        m.name for m in suite.methods if isinstance(m.entry, Oracle) and info_of(m.entry).bound
    ]
    trainings = {m.name: m.trainings for m in suite.methods if m.trainings}
    return {
        "suite": {
            **common,
            "problems": {**before.get("problems", {}), **common["problems"]},
            "description": suite.description,
            "methods": {**before.get("methods", {}), **methods},
            "bounds": sorted({*before.get("bounds", []), *bounds}),
            "experiments": suite.experiments,
            "trainings": {**before.get("trainings", {}), **trainings},
        },
        "seeds": sorted({*old.get("seeds", []), *suite.seeds}),
        "pictured_seed": old.get("pictured_seed", suite.seeds[0]),
        "block": suite.block,
        "versions": environment.versions(),
        "machine": environment.machine(),
        "git_commit": environment.git_commit(),
        "wall_time_s": old.get("wall_time_s", 0.0),
    }
