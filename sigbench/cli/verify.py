"""The work of `sigbench verify`: call, report, exit code."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import math
import secrets
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from sigbench.benchmark.bundle.archive import is_inside_bundle, opened
from sigbench.benchmark.engine.executors.base import ExecutorConfig, cores
from sigbench.benchmark.engine.secret import read_secret
from sigbench.benchmark.methods.inspection import import_limit
from sigbench.benchmark.verify.records import Check
from sigbench.benchmark.verify.values import CellCheck
from sigbench.benchmark.verify.verify import Selection, compute, plan
from sigbench.cli import data
from sigbench.cli.commands.run import RunProgress
from sigbench.cli.exit_codes import FAILED, SUCCESS
from sigbench.cli.output import show, show_json
from sigbench.core.durations import seconds
from sigbench.core.errors import InputError
from sigbench.core.escape import cut

MAX_DETAILS = 5  # lines for one check
STATES = {
    "identical": ", bit for bit",
    "close": ", within the tolerance for another processor",
    "different": "",
    "not computed": "",
}


def verify(args: argparse.Namespace) -> int:
    """Verify a run, print the result, and return the exit code."""
    if args.cells < 0:
        raise InputError(f"--cells {args.cells} must be >= 0")
    if args.seed is not None and args.seed < 0:
        raise InputError(f"--seed {args.seed} must be >= 0")
    selection = Selection(
        None if args.all else args.cells,
        secrets.randbelow(2**32) if args.seed is None else args.seed,
        seconds(args.max_training, "--max-training"),
    )
    timeout = None if args.timeout is None else seconds(args.timeout)
    config = ExecutorConfig(jobs=cores() if args.jobs is None else args.jobs, timeout=timeout)
    secret = None if args.secret_seed is None else read_secret(Path(args.secret_seed))
    path = Path(args.folder)
    with opened(path, trust_code=bool(args.trust_code)) as target, import_limit(timeout):
        trusted = args.trust_code
        if trusted is None:
            strange = target.work is not None or is_inside_bundle(path) or is_inside_bundle(Path())
            trusted = not strange
        elif trusted and target.code:
            show(f"running the code of the bundle: {', '.join(target.code)}", sys.stderr)
        # In a bundle, weights and modules are found in its folder, not in that of the user.
        with contextlib.nullcontext() if target.work is None else contextlib.chdir(target.work):
            planned = plan(
                target.run, selection, check_data=check_data, trust_code=trusted, secret=secret
            )
            quiet = args.quiet or not planned.cells
            with RunProgress(len(planned.cells), quiet=quiet) as progress:
                cells = compute(planned, config, progress)
    good = is_good(planned.checks, cells)
    if args.json:
        show_json(as_json(planned.checks, cells, len(planned.stored), selection, good=good))
    else:
        show("\n".join(lines(planned.checks, cells, len(planned.stored), selection)))
        show(verdict(planned.checks, cells, len(planned.stored)))
    return SUCCESS if good else FAILED


def check_data(kinds: Collection[str]) -> dict[str, str]:
    """Return, for the datasets that have files, why they cannot be used; empty if they can."""
    states = {}
    for kind in sorted(set(kinds) & set(data.sources())):
        bad = [one for one in data.verify(kind) if one.state != "good"]
        files = f" (and {len(bad) - 1} other files)" if len(bad) > 1 else ""
        advice = f"; run: sigbench data fetch {kind}"
        states[kind] = f"{bad[0].file} is {bad[0].state}{files}{advice}" if bad else ""
    return states


def is_good(checks: Sequence[Check], cells: Sequence[CellCheck]) -> bool:
    """Return whether everything that was checked agrees, and all could be checked."""
    return all(check.state in ("good", "note") for check in checks) and all(
        cell.state in ("identical", "close") for cell in cells
    )


def lines(
    checks: Sequence[Check], cells: Sequence[CellCheck], total: int, selection: Selection
) -> list[str]:
    """Return the result as lines of text."""
    text = []
    for check in checks:
        mark = check.state if check.state in ("good", "note") else check.state.upper()
        text.append(f"{mark:12} {check.name}: {check.text}")
        text += [f"{'':12} - {cut(line, 300)}" for line in check.details[:MAX_DETAILS]]
        if len(check.details) > MAX_DETAILS:
            text.append(f"{'':12} - and {len(check.details) - MAX_DETAILS:,} more")
    how = "all" if selection.count is None else f"chosen with --seed {selection.seed}"
    text.append(f"{len(cells):,} of {total:,} cells recomputed, {how}:")
    for state, words in STATES.items():
        own = [cell for cell in cells if cell.state == state]
        if not own:
            continue
        mark = state if state in ("identical", "close") else state.upper()
        text.append(f"{mark:12} {len(own):,}{words}{_largest(own)}")
        for cell in own if state in ("different", "not computed") else ():
            problem, seed, method = cell.cell
            text.append(f"{'':12} - {method} on {problem}, seed {seed}: {cut(cell.text, 400)}")
    return text


def _largest(cells: Sequence[CellCheck]) -> str:
    """Return the largest difference by metric."""
    found: dict[str, float] = {}
    for cell in cells:
        for metric, value in cell.largest.items():
            found[metric] = max(value, found.get(metric, 0.0))
    text = ", ".join(f"{metric} {value:.2g}" for metric, value in sorted(found.items()))
    return f"; largest difference of an item: {text}" if text else ""


def verdict(checks: Sequence[Check], cells: Sequence[CellCheck], total: int) -> str:
    """Return the result in one sentence."""
    different = [check.name for check in checks if check.state == "different"]
    unknown = [check.name for check in checks if check.state == "not checked"]
    values = sum(cell.state == "different" for cell in cells)
    failed = sum(cell.state == "not computed" for cell in cells)
    parts = [", ".join(dict.fromkeys(different))] if different else []
    parts += [f"{values:,} of {len(cells):,} recomputed cells"] if values else []
    if parts:
        return f"DIFFERENT: {'; '.join(parts)}."
    parts = [f"could not check: {', '.join(dict.fromkeys(unknown))}"] if unknown else []
    parts += [f"{failed:,} cell{'s' * (failed != 1)} could not be computed"] if failed else []
    if parts:
        return f"NOT VERIFIED: {'; '.join(parts)}."
    close = any(cell.state == "close" for cell in cells)
    how = "agree within the tolerance for another processor" if close else "are identical"
    notes = {"complete": "cells are missing", "suite": "it is not the suite of this name"}
    limits = [text for name, text in notes.items() if name in {check.name for check in checks}]
    but = f" (but {' and '.join(limits)}: see above)" if limits else ""
    if not cells:
        return f"VERIFIED: all checks are good; no cell was recomputed{but}."
    return f"VERIFIED: {len(cells):,} of {total:,} cells were recomputed and {how}{but}."


def as_json(
    checks: Sequence[Check],
    cells: Sequence[CellCheck],
    total: int,
    selection: Selection,
    *,
    good: bool,
) -> dict[str, Any]:
    """Return the result for JSON."""
    return {
        "verified": good,
        "verdict": verdict(checks, cells, total),
        "seed": selection.seed,
        "cells_in_run": total,
        "checks": [dataclasses.asdict(check) for check in checks],
        "cells": [
            {
                **dict(zip(("problem", "seed", "method"), cell.cell, strict=True)),
                "state": cell.state,
                "text": cell.text,
                "largest": {m: v if math.isfinite(v) else None for m, v in cell.largest.items()},
            }
            for cell in cells
        ],
    }
