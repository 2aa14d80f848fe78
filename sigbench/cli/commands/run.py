"""``sigbench run``."""

from __future__ import annotations

import argparse
import sys

from sigbench.cli.arguments import SUITE, add_list, whole_numbers
from sigbench.cli.exit_codes import FAILED, SUCCESS
from sigbench.cli.output import show

TYPE_CHECKING = False  # importing typing would slow down --help
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from sigbench.benchmark.engine.evaluate import Cell, Fit
    from sigbench.benchmark.suites.suite import Suite

HELP = "run a suite into a folder and print its leaderboard"
MAX_MESSAGE = 500  # characters of the error of a failed cell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("suite", metavar=SUITE, help="see: sigbench list suites")
    parser.add_argument("-o", "--out", metavar="DIR", help="the run folder (default: runs/SUITE)")
    add_list(
        parser,
        "-m",
        "--method",
        metavar="METHOD",
        help="methods of the suite to run, and methods to add: name[param=value] or "
        "module:attribute. If no method of the suite is named, all are run. The noisy input and "
        "the limits are always run",
    )
    add_list(parser, "-p", "--problem", metavar="PROBLEM", help="problems of the suite to run")
    parser.add_argument("--seeds", metavar="1,2,3", help="data seeds, instead of the suite's")
    parser.add_argument("--items", metavar="N", type=int, help="test items per problem and seed")
    parser.add_argument(
        "-j", "--jobs", metavar="N", type=int, help="worker processes (default: one per core)"
    )
    parser.add_argument(
        "--executor",
        metavar="local|dask://HOST:PORT",
        default="local",
        help="where to run: local worker processes, or a Dask cluster",
    )
    parser.add_argument(
        "--timeout",
        metavar="10m",
        help="stop a cell (or the fit or import of a method) that takes longer: 90s, 10m or 2h",
    )
    parser.add_argument("--fresh", action="store_true", help="first delete the run in the folder")
    parser.add_argument(
        "--secret-seed",
        metavar="FILE",
        help="derive the data seeds from the secret in this file, so that no method can create the "
        "items again (docs/trust.md)",
    )
    parser.add_argument("--dry-run", action="store_true", help="list the cells and stop")
    parser.add_argument("--quiet", action="store_true", help="print no progress and no leaderboard")


def call(args: argparse.Namespace) -> int:
    """Run the command."""
    if args.executor == "local" and not args.dry_run:
        from sigbench.benchmark.isolation.start import prepare

        prepare()  # the workers import their modules while this process imports its own
    import dataclasses
    from pathlib import Path

    from sigbench.benchmark.engine.executors.base import ExecutorConfig, cores
    from sigbench.benchmark.engine.secret import read_secret
    from sigbench.benchmark.methods.inspection import import_limit
    from sigbench.benchmark.run_suite import left_out, run_suite
    from sigbench.benchmark.suites.suite import load
    from sigbench.core.durations import seconds

    timeout = None if args.timeout is None else seconds(args.timeout)
    executor = ExecutorConfig(args.executor, cores() if args.jobs is None else args.jobs, timeout)
    seeds = None if args.seeds is None else list(whole_numbers(args.seeds, "--seeds", "1,2,3"))
    with import_limit(timeout):
        suite = load(args.suite).select(
            methods=args.method, problems=args.problem, seeds=seeds, items=args.items
        )
    if args.secret_seed is not None:
        suite = dataclasses.replace(suite, secret=read_secret(Path(args.secret_seed)))
    path = Path(args.out) if args.out else Path("runs") / suite.name
    if args.dry_run:
        return _dry_run(suite, path, fresh=args.fresh)
    for problem, files in left_out(suite).items():
        count = f"{len(files)} file{'s' * (len(files) != 1)}"
        show(f"{problem}: {count} left out, listed in leaderboard.md", sys.stderr)
    with RunProgress(len(suite.cells()), quiet=args.quiet) as progress:
        run = run_suite(suite, path, fresh=args.fresh, progress=progress, executor=executor)
    if not args.quiet:
        print_board(path, suite.added, failures=False)  # they have been reported
    cached = f", {run.cached} cached" if run.cached else ""
    failed = f", {run.failed} FAILED (see {path / 'failures.log'})" if run.failed else ""
    show(f"{run.computed} cells run{cached}{failed}: {path}", sys.stderr)
    if any((path / "logs").glob("*.log")):
        show(f"output of methods: {path / 'logs'}", sys.stderr)
    hint_matplotlib(path)
    return FAILED if run.failed else SUCCESS


def _dry_run(suite: Suite, path: Path, *, fresh: bool) -> int:
    from sigbench.benchmark.run_suite import plan
    from sigbench.core.escape import printable

    planned = plan(suite, path, fresh=fresh)
    for cell, finished in planned:
        state = "finished" if finished else "to run"
        names = (printable(name) for name in (cell.problem.name, str(cell.seed), cell.method.name))
        print("\t".join([state, *names]))
    done = sum(finished for _, finished in planned)
    show(f"{len(planned)} cells, {done} finished, into {path}")
    return SUCCESS


def print_board(path: Path, added: list[str], *, failures: bool = True) -> None:
    """Print the leaderboard of a run folder, fitted to the terminal."""
    import os
    import shutil

    from sigbench.benchmark.report.board import MAX_WIDTH, board_text
    from sigbench.benchmark.store.run_folder import RunFolder

    terminal = sys.stdout.isatty()
    size = shutil.get_terminal_size((MAX_WIDTH, 40))
    text = board_text(
        RunFolder(path),
        added,
        columns=size.columns,
        lines=size.lines if terminal else None,
        bold=terminal and "NO_COLOR" not in os.environ,
        failures=failures,
    )
    print(text)
    show(f"settings and other metrics: {path / 'leaderboard.md'}")


def hint_matplotlib(path: Path) -> None:
    """Print how to get figures if they could not be drawn for lack of Matplotlib."""
    from sigbench.benchmark.report.figures import needs_matplotlib
    from sigbench.benchmark.store.run_folder import RunFolder

    if needs_matplotlib(RunFolder(path)):
        show(f"{path}: figures need Matplotlib: pip install 'sigbench[plots]'", sys.stderr)


class RunProgress:
    """The progress of a run: what is running, and every failure."""

    def __init__(self, total: int, *, quiet: bool) -> None:
        from sigbench.core.progress import Progress

        self._progress = Progress(total, "cell", quiet=quiet)
        self._running: list[str] = []
        self._cautions: set[str] = set()

    def __enter__(self) -> RunProgress:
        self._progress.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.__exit__(*error)

    def __call__(self, work: Cell | Fit, result: Any) -> None:
        """Record that a cell or fit has started (``result`` is None) or ended."""
        from sigbench.core.escape import cut, printable

        seed = getattr(work, "seed", None)
        name = f"{work.method.name} on {work.problem.name}"
        name = f"fitting {name}" if seed is None else f"{name}, seed {seed}"
        if result is None:
            self._running.append(name)
        else:
            if name in self._running:  # a cell whose fit failed was never started
                self._running.remove(name)
            if seed is not None:
                self._progress.advance()
                for text in getattr(result, "cautions", ()):
                    self._caution(f"caution: {work.method.name}: {text}")
                if hasattr(result, "error"):
                    self._progress.message(
                        printable(f"failed: {name}: {cut(result.error, MAX_MESSAGE)}")
                    )
        more = f" (+{len(self._running) - 1})" if len(self._running) > 1 else ""
        self._progress.describe(printable(f"{self._running[0]}{more}") if self._running else "")

    def _caution(self, text: str) -> None:
        """Print a caution once."""
        from sigbench.core.escape import cut, printable

        if text not in self._cautions:
            self._cautions.add(text)
            self._progress.message(printable(cut(text, MAX_MESSAGE)))
