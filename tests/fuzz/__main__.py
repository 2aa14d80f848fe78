"""Run cases by number or by time: ``python -m fuzz``, with ``tests`` on the path.

A case that fails is saved in ``.fuzz/`` under its label; ``--replay FILE`` runs it again.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import sys
import time
from collections import Counter
from pathlib import Path

from fuzz.harness import cases, run
from fuzz.targets import TARGETS

SAVED = Path(".fuzz")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="fuzz")
    parser.add_argument("formats", nargs="*", help=f"of {', '.join(TARGETS)}; default: all")
    parser.add_argument("--minutes", type=float, help="share this time among the formats")
    parser.add_argument("--cases", type=int, default=100, help="number per format, without a time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--replay", type=Path, metavar="FILE", help="run a saved case, and stop")
    args = parser.parse_args(argv)
    if unknown := [name for name in args.formats if name not in TARGETS]:
        parser.error(f"unknown format {unknown[0]}: one of {', '.join(TARGETS)}")
    if args.replay:
        outcome = run(TARGETS[args.replay.name.partition("-")[0]], args.replay.read_bytes())
        print(f"{outcome.kind}: {outcome.text}")
        return int(outcome.kind == "failed")
    names = args.formats or list(TARGETS)
    seconds = None if args.minutes is None else 60 * args.minutes / len(names)
    failed = sum(_fuzz(name, args.seed, args.cases, seconds) for name in names)
    return int(failed > 0)


def _fuzz(name: str, seed: int, count: int, seconds: float | None) -> int:
    """Run a format and print its counts; return the number of failures."""
    target = TARGETS[name]
    for module in target.modules:
        importlib.import_module(module)
    for data in target.good():
        outcome = run(target, data)
        if outcome.kind != "read":
            raise AssertionError(f"a good {name} file was {outcome.kind}: {outcome.text}")
    counts: Counter[str] = Counter()
    start = time.monotonic()
    for case in itertools.islice(cases(name, target, seed), None if seconds else count):
        outcome = run(target, case.data)
        counts[outcome.kind] += 1
        if outcome.kind == "failed":
            SAVED.mkdir(exist_ok=True)
            (SAVED / case.label).write_bytes(case.data)
            print(f"{SAVED / case.label}: {outcome.text.strip()}", flush=True)
        if seconds is not None and time.monotonic() - start > seconds:
            break
    total = sum(counts.values())
    shown = ", ".join(f"{counts[kind]} {kind}" for kind in ("read", "refused", "failed"))
    print(f"{name}: {total} cases: {shown}", flush=True)
    return counts["failed"]


if __name__ == "__main__":
    sys.exit(main())
