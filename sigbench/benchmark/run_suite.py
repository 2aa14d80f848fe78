"""Run a suite into a run folder: plan the cells, run the missing ones, write the reports."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sigbench.benchmark.engine.evaluate import Cell, Fit
from sigbench.benchmark.engine.executors.base import ExecutorConfig
from sigbench.benchmark.engine.scheduler import Failure, run
from sigbench.benchmark.methods.own import is_own
from sigbench.benchmark.report.citation import bibtex, citation
from sigbench.benchmark.report.figures import figure_files, write_figures
from sigbench.benchmark.report.gains import in_families
from sigbench.benchmark.report.markdown import markdown
from sigbench.benchmark.results import Run
from sigbench.benchmark.store.gallery import log_file
from sigbench.benchmark.store.method_logs import write_log
from sigbench.benchmark.store.run_folder import (
    MAX_SMALL_FILES,
    MAX_SMALL_FILES_AT_END,
    RunFolder,
    read_run,
)
from sigbench.benchmark.suites.suite import Suite
from sigbench.core import environment
from sigbench.core.atomic import write_atomically
from sigbench.core.errors import InputError
from sigbench.core.fingerprint import identity
from sigbench.datasets.folder import Folder
from sigbench.datasets.paired_files import PairedFiles
from sigbench.scoring.gains import gains
from sigbench.scoring.leaderboard import leaderboard, to_csv
from sigbench.scoring.scores import Scores

Progress = Callable[[Cell | Fit, Any], None]


def run_suite(
    suite: Suite,
    path: Path | str,
    *,
    fresh: bool = False,
    progress: Progress | None = None,
    executor: ExecutorConfig | None = None,
    wait: bool = False,
) -> Run:
    """Run the missing cells of a suite in a folder, then write its reports.

    Parameters
    ----------
    suite : Suite
        What to run.
    path : Path or str
        The run folder. It is created if it does not exist, and extended if it contains a run of the
        same suite.
    fresh : bool
        First delete the run that the folder contains.
    progress : callable, optional
        Called with a `Cell` or `Fit` and None when it starts, and with its result (`Result`,
        `Failure` or, for a fit, `CallResult`) when it ends.
    executor : ExecutorConfig, optional
        Where to run; by default in this process, or in one worker process if there are methods of
        users. ``ExecutorConfig(jobs=2)`` uses two worker processes.
    wait : bool
        Wait if another run is using the folder, instead of raising an error.

    Returns
    -------
    Run
        What was written: the scores, leaderboard, timings and failures as data frames, and the
        number of cells that were computed, cached and failed.

    Raises
    ------
    InputError
        If the folder contains another suite or other files, or another run is using it.
    KeyboardInterrupt
        On Ctrl-C. Finished cells are kept; call `run_suite` again to resume, or `write_reports`.
    """
    path = Path(path)
    check(suite)
    folder = RunFolder(path)
    folder.manifest.check(shared(suite), fresh=fresh)  # before anything is written
    with folder.locked(wait=wait):
        return _run_missing(suite, folder, fresh, progress, executor or ExecutorConfig())


def _run_missing(
    suite: Suite, folder: RunFolder, fresh: bool, progress: Progress | None, config: ExecutorConfig
) -> Run:
    cells = suite.cells()
    old = folder.open(shared(suite), fresh=fresh)
    manifest, listed = _manifest(suite, old), old.get("files", [])
    folder.cells.drop_outdated(cells)
    missing = [cell for cell in cells if not folder.cells.is_finished(cell)]
    cell_files = [folder.cells.file_of(cell) for cell in missing]
    logs = sorted({log_file(cell.method.name) for cell in missing if is_own(cell.method.entry)})
    logs += [name for name in listed if name.startswith("logs/")]
    manifest["files"] = [*cell_files, *folder.gallery.planned(missing), *logs]
    folder.write_manifest(manifest, manifest["files"])
    folder.tidy_failures()
    start, computed, failed = time.perf_counter(), 0, 0
    executor = config.open(own=any(is_own(method.entry) for method in suite.methods))
    try:
        # The clean items would reveal what a method has to estimate.
        example_seed = None if suite.secret else manifest["pictured_seed"]
        for out in run(missing, suite.metrics, suite.block, executor, progress, example_seed):
            write_log(folder.path, out.cell, out.log)
            if isinstance(out, Failure):
                folder.failure_log.write(suite.name, out)
                failed += 1
            else:
                folder.cells.write(suite.name, out)
                folder.combine_files(MAX_SMALL_FILES, manifest)
                computed += 1
            if progress:
                progress(out.cell, out)
        folder.combine_files(MAX_SMALL_FILES_AT_END, manifest)
    finally:
        executor.close()
        folder.tidy_failures()
        manifest["wall_time_s"] = round(manifest["wall_time_s"] + time.perf_counter() - start, 3)
        folder.write_manifest(manifest, logs)
    write_reports(folder.path)
    return Run(folder.path, computed, len(cells) - len(missing), failed)


def check(suite: Suite) -> None:
    """Check that all metrics can be computed and that learners have a training split.

    Raises
    ------
    InputError
        If a metric needs a package that is missing or another sampling rate, or a learner has no
        training split.
    """
    for problem in suite.problems:
        for name, metric in suite.metrics.items():
            metric.check(name, problem.dataset.problem_info.get("fs"))
        learners = [m.name for m in suite.methods if m.is_learner]
        if learners and not problem.can_train:
            raise InputError(
                f"{problem.name} has no training split, which is needed by {', '.join(learners)}"
            )


def plan(suite: Suite, path: Path, *, fresh: bool = False) -> list[tuple[Cell, bool]]:
    """Return all cells of a run, and for each whether it is already finished.

    Raises
    ------
    InputError
        If the folder contains another suite or other files, or a learner has no training split.
    """
    check(suite)
    folder = RunFolder(path)
    folder.manifest.check(shared(suite), fresh=fresh)
    return [(cell, not fresh and folder.cells.is_finished(cell)) for cell in suite.cells()]


def write_reports(path: Path) -> None:
    """Write ``leaderboard.csv``, ``leaderboard.md``, ``timings.parquet`` and the training logs.

    Figures are written if Matplotlib is installed.

    Raises
    ------
    InputError
        If the folder contains no run.
    """
    read_run(path, write_reports_of)


def write_reports_of(folder: RunFolder) -> None:
    """Write the reports of a run folder that no other process combines: see `write_reports`."""
    path, suite = folder.path, folder.manifest.require()["suite"]
    folder.manifest.delete_unfinished()
    summaries, gains_of = {}, {}
    has_families = bool(in_families(suite["metrics"]))

    def all_scores() -> Iterator[Scores]:
        for problem in suite["problems"]:
            for metric in suite["metrics"]:
                scores = folder.scores(problem, metric)
                if scores is not None:
                    summaries[problem, metric] = scores.summary()
                    if has_families and (found := gains(scores)):
                        gains_of[problem, metric] = found
                    yield scores

    timings = folder.cells.timings()
    board = leaderboard(all_scores(), timings, suite["bounds"])
    folder.write_timings()
    write_atomically(path / "leaderboard.csv", to_csv(board).encode())
    try:
        write_figures(folder, board)
    finally:  # an unreadable image is an error, but the table is written
        text = markdown(
            board,
            summaries,
            suite,
            timings=timings,
            failures=folder.failures(),
            grid_edges=folder.cells.grid_edges(),
            cautions=folder.cells.cautions(),
            figures=figure_files(folder),
            gains=gains_of,
            citation=(citation(folder), bibtex(folder)),
        )
        write_atomically(path / "leaderboard.md", text.encode())


def shared(suite: Suite) -> dict[str, Any]:
    """Return what all cells of a folder share: see `Manifest.check`."""
    return {
        "name": suite.name,
        "block": suite.block,
        "metrics": list(suite.metrics),
        "problems": {p.name: identity(p) for p in suite.problems},
        **({"secret": suite.secret.digest} if suite.secret else {}),
    }


def left_out(suite: Suite) -> dict[str, dict[str, str]]:
    """Return why files were left out of datasets, by problem and file."""
    found = {}
    for problem in suite.problems:
        dataset: object = problem.dataset
        if isinstance(dataset, Folder | PairedFiles) and dataset.left_out:
            found[problem.name] = dataset.left_out
    return found


def _manifest(suite: Suite, old: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest of the run, including what earlier runs in the folder recorded."""
    before = old.get("suite", {})
    common = shared(suite)
    methods = {
        m.name: {
            "entry": m.identity,
            "sigma": "given" if m.sigma_given else "none",
            "source": m.source,
        }
        for m in suite.methods
    }
    bounds = [m.name for m in suite.methods if m.is_oracle and m.info.bound]
    controls = [m.name for m in suite.methods if m.info.family == "control"]
    trainings = {m.name: m.trainings for m in suite.methods if m.trainings}
    written = suite.definition.record(common["problems"], methods)
    return {
        "suite": {
            **common,
            "problems": {**before.get("problems", {}), **common["problems"]},
            "description": suite.description,
            "methods": {**before.get("methods", {}), **methods},
            "bounds": sorted({*before.get("bounds", []), *bounds}),
            "controls": sorted({*before.get("controls", []), *controls}),
            "experiments": suite.experiments,
            "trainings": {**before.get("trainings", {}), **trainings},
            "left_out": {**before.get("left_out", {}), **left_out(suite)},
            "full": suite.full_size,
            "definition": {
                kind: {**before.get("definition", {}).get(kind, {}), **entries}
                for kind, entries in written.items()
            },
        },
        "seeds": sorted({*old.get("seeds", []), *suite.seeds}),
        "pictured_seed": old.get("pictured_seed", suite.seeds[0]),
        "block": suite.block,
        "versions": environment.versions(),
        "machine": environment.machine(),
        "git_commit": environment.git_commit(),
        "wall_time_s": old.get("wall_time_s", 0.0),
    }
