"""Verify a run: check its records, and recompute a sample of its cells."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sigbench.benchmark.engine.evaluate import Cell, Fit
from sigbench.benchmark.engine.executors.base import ExecutorConfig
from sigbench.benchmark.engine.scheduler import Failure, run
from sigbench.benchmark.engine.secret import Secret
from sigbench.benchmark.methods.own import is_own
from sigbench.benchmark.store.cells import CellId, StoredCell
from sigbench.benchmark.store.lock import unchanged
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.benchmark.suites.suite import Suite
from sigbench.benchmark.verify.rebuild import rebuild
from sigbench.benchmark.verify.records import (
    Check,
    check_keys,
    check_manifest,
    check_reports,
    check_weights,
)
from sigbench.benchmark.verify.rows import check_rows
from sigbench.benchmark.verify.suite import check_complete, check_suite, role_differences
from sigbench.benchmark.verify.values import CellCheck, compared
from sigbench.core import environment
from sigbench.core.durations import duration
from sigbench.core.errors import InputError

CheckData = Callable[[Collection[str]], Mapping[str, str]]
Progress = Callable[[Cell | Fit, Any], None]


@dataclass(frozen=True)
class Selection:
    """Which cells are recomputed.

    Attributes
    ----------
    count : int or None
        The size of a random sample; None for all cells.
    seed : int
        The seed of the sample.
    max_training_s : float
        Networks whose training took longer in the run are not in the sample.
    """

    count: int | None
    seed: int
    max_training_s: float


@dataclass(frozen=True)
class Plan:
    """The checks of the records of a run, and the cells to recompute."""

    checks: list[Check]
    cells: list[Cell]
    suite: Suite | None
    stored: Mapping[CellId, StoredCell]


def plan(
    path: Path,
    selection: Selection,
    *,
    check_data: CheckData,
    trust_code: bool = True,
    secret: Secret | None = None,
) -> Plan:
    """Check the records of a run, and choose the cells to recompute. Nothing is written.

    Parameters
    ----------
    path : Path
        The run folder.
    selection : Selection
        Which cells to compute.
    check_data : callable
        Gets the names of datasets and returns, for those that have files, why they cannot be used
        (an empty text if they can).
    trust_code : bool
        Whether code that is not part of sigbench may be imported, in processes of its own.
    secret : Secret, optional
        The secret of a run with private data seeds.

    Raises
    ------
    InputError
        If the folder contains no run or no cells, a file of it cannot be read, or its secret is
        missing.
    """
    folder = RunFolder(path)
    manifest = folder.manifest.require()
    with unchanged(path):
        stored = folder.cells.all()
        if not stored:
            raise InputError(f"{path} has no finished cells: nothing can be verified")
        reports = [check_rows(stored, folder.cells.paths()), *check_reports(folder)]
    rebuilt = rebuild(manifest["suite"], stored, trust_code=trust_code, secret=secret)
    same, keys = check_keys(manifest, stored, rebuilt)
    problems = () if rebuilt.suite is None else rebuilt.suite.problems
    kinds = sorted({problem.labels["dataset"] for problem in problems})
    states = check_data(kinds)
    bad = {kind: text for kind, text in states.items() if text}
    roles = role_differences(manifest["suite"], rebuilt)
    checks = [*check_manifest(manifest, stored, roles), *check_suite(manifest["suite"])]
    checks += [*check_complete(manifest, stored), *keys, *check_weights(manifest, rebuilt)]
    checks += [*_data(states), *reports, *_environment(manifest)]
    usable = {i: c for i, c in same.items() if c.problem.labels["dataset"] not in bad}
    chosen, notes = _chosen(usable, stored, selection)
    return Plan([*checks, *notes], chosen, rebuilt.suite, stored)


def _chosen(
    cells: Mapping[CellId, Cell], stored: Mapping[CellId, StoredCell], selection: Selection
) -> tuple[list[Cell], list[Check]]:
    """Return the cells to compute, in the order of the suite, and what was left out."""
    if selection.count is None:
        return list(_in_order(cells, cells)), []
    long = {
        i
        for i, cell in cells.items()
        if cell.method.is_learner and stored[i].timing["train_s"] > selection.max_training_s
    }
    left = sorted(set(cells) - long)
    rng = np.random.default_rng(selection.seed)
    places = rng.choice(len(left), size=min(selection.count, len(left)), replace=False)
    notes = []
    if long:
        names = ", ".join(sorted({method for _, _, method in long}))
        limit = duration(selection.max_training_s)
        text = (
            f"{len(long):,} cells are not in the sample, because the training of their networks "
            f"took more than {limit}: {names} (see --max-training)"
        )
        notes = [Check("sample", "note", text)]
    return list(_in_order(cells, {left[i] for i in places.tolist()})), notes


def _in_order(cells: Mapping[CellId, Cell], wanted: Collection[CellId]) -> Iterator[Cell]:
    """Yield cells grouped by their data, which a worker then creates once."""
    problems = list(dict.fromkeys(problem for problem, _, _ in cells))
    for i in sorted(wanted, key=lambda i: (problems.index(i[0]), i[1])):
        yield cells[i]


def compute(
    plan: Plan, config: ExecutorConfig, progress: Progress | None = None
) -> list[CellCheck]:
    """Recompute the cells of a plan, and compare them with the stored ones.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C.
    """
    if plan.suite is None or not plan.cells:
        return []
    executor = config.open(own=any(is_own(cell.method.entry) for cell in plan.cells))
    checks = []
    try:
        for out in run(plan.cells, plan.suite.metrics, plan.suite.block, executor, progress):
            one = out.cell.id
            if isinstance(out, Failure):
                checks.append(CellCheck(one, "not computed", out.error))
            else:
                checks.append(compared(plan.stored[one], out, plan.suite.metrics))
            if progress:
                progress(out.cell, out)
    finally:
        executor.close()
    order = {cell.id: i for i, cell in enumerate(plan.cells)}
    return sorted(checks, key=lambda check: order[check.cell])


def _data(states: Mapping[str, str]) -> list[Check]:
    bad = [f"{kind}: {text}" for kind, text in states.items() if text]
    good = [kind for kind, text in states.items() if not text]
    checks = []
    if good:
        checks.append(
            Check("data", "good", f"the files of {', '.join(good)} have the expected digests")
        )
    if bad:
        checks.append(Check("data", "not checked", "files are missing or damaged", bad))
    return checks


def _environment(manifest: Mapping[str, Any]) -> list[Check]:
    """Return how this machine and its packages differ from those of the run."""
    versions, machine = environment.versions(), environment.machine()
    of_run = manifest["versions"] if isinstance(manifest["versions"], Mapping) else {}
    names = [name for name in {**of_run, **versions} if of_run.get(name) != versions.get(name)]
    details = [
        f"{n} {of_run.get(n, 'none')} in the run, {versions.get(n, 'none')} here" for n in names
    ]
    own = manifest["machine"] if isinstance(manifest["machine"], Mapping) else {}
    keys = ("system", "architecture", "processor")
    details += [
        f"{key} {own.get(key)} in the run, {machine[key]} here"
        for key in keys
        if own.get(key) != machine[key]
    ]
    if not details:
        return [Check("environment", "note", "versions and kind of processor are those of the run")]
    return [Check("environment", "note", "it differs from that of the run", details)]
