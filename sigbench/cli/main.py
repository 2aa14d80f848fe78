"""The command line: parses, calls, prints. Heavy imports wait until a command needs them."""

from __future__ import annotations

import argparse
import os
import sys
import time

from sigbench.cli.arguments import parser

TYPE_CHECKING = False  # see sigbench/__init__.py
if TYPE_CHECKING:
    from pathlib import Path

    from sigbench.benchmark.engine.evaluate import Cell, Result
    from sigbench.benchmark.engine.scheduler import Failure

GOOD, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130
LINE_EVERY_S = 30.0  # of a long run, where nobody sees a bar


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0: good. 1: a cell or a method failed, or a floor broke. 2: the call or a file was wrong.

    Parameters
    ----------
    argv : list of str, optional
        The arguments; by default those of the process.
    """
    args = parser(CALLS).parse_args(argv)
    from sigbench.core.errors import InputError

    try:
        code = int(args.run(args))
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print(
            "stopped; what is finished is kept, the same command goes on from there",
            file=sys.stderr,
        )
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our output has enough, and knows
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return WRONG
    except (InputError, OSError) as error:
        if args.debug:
            import traceback

            traceback.print_exc()
        print(f"sigbench: error: {' '.join(str(error).split())}", file=sys.stderr)
        return WRONG


def _run(args: argparse.Namespace) -> int:
    from sigbench.benchmark.engine.executors.pool import prepare

    if args.executor == "local" and not args.dry_run:
        prepare()  # the workers' imports, beside these
    from pathlib import Path

    from sigbench.benchmark.engine.executors.base import ExecutorConfig, cores
    from sigbench.benchmark.run_suite import plan, run_suite
    from sigbench.benchmark.suites.suite import load
    from sigbench.core.durations import seconds

    timeout = None if args.timeout is None else seconds(args.timeout)
    place = ExecutorConfig(args.executor, cores() if args.jobs is None else args.jobs, timeout)
    suite = load(args.suite).select(
        methods=args.method,
        problems=args.problem,
        seeds=_seeds(args.seeds),
        items=args.items,
    )
    path = Path(args.out) if args.out else Path("runs") / suite.name
    if args.dry_run:
        planned = plan(suite, path, fresh=args.fresh)
        for cell, finished in planned:
            state = "finished" if finished else "to run"
            print(f"{state}\t{cell.problem.name}\t{cell.seed}\t{cell.method.name}")
        done = sum(finished for _, finished in planned)
        print(f"{len(planned)} cells, {done} finished, into {path}")
        return GOOD
    with _Progress(len(suite.cells()), quiet=args.quiet) as progress:
        outcome = run_suite(suite, path, fresh=args.fresh, progress=progress, place=place)
    if not args.quiet:
        print((path / "leaderboard.md").read_text(encoding="utf-8"))
    found = f", {outcome.found} were there" if outcome.found else ""
    failed = f", {outcome.failed} FAILED (see {path / 'failures.log'})" if outcome.failed else ""
    print(f"{outcome.done} cells run{found}{failed}: {path}", file=sys.stderr)
    _say_undrawn(path)
    return FAILED if outcome.failed else GOOD


def _seeds(text: str | None) -> list[int] | None:
    from sigbench.core.errors import InputError

    if text is None:
        return None
    try:
        return [int(word) for word in text.split(",")]
    except ValueError:
        raise InputError(f"--seeds {text}: must be whole numbers with commas, like 1,2,3") from None


class _Progress:
    """A progress bar on a terminal, elsewhere a line now and then; failures in any case."""

    def __init__(self, total: int, *, quiet: bool) -> None:
        from tqdm import tqdm

        terminal = sys.stderr.isatty()
        self.bar = tqdm(total=total, unit="cell", disable=quiet or not terminal, leave=False)
        self.lines = not quiet and not terminal
        self.done = 0
        self.began = self.reported = time.monotonic()

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def __call__(self, cell: Cell, out: Result | Failure | None) -> None:
        if out is None:
            self.bar.set_description(f"{cell.problem.name} seed {cell.seed}: {cell.method.name}")
            return
        self.bar.update()
        self.done += 1
        where = f"{cell.method.name} on {cell.problem.name}, seed {cell.seed}"
        if hasattr(out, "error"):
            self.bar.write(f"failed: {where}: {out.error}", file=sys.stderr)
        elif self.lines and time.monotonic() - self.reported >= LINE_EVERY_S:
            from sigbench.core.durations import duration

            self.reported = time.monotonic()
            took = duration(self.reported - self.began)
            print(f"{took}: {self.done} done, the last {where}", file=sys.stderr, flush=True)


def _report(args: argparse.Namespace) -> int:
    from pathlib import Path

    from sigbench.benchmark.run_suite import write_reports

    for folder in args.folders:
        print(write_reports(Path(folder)))
        _say_undrawn(Path(folder))
    return GOOD


def _say_undrawn(folder: Path) -> None:
    from sigbench.benchmark.report.figures import is_undrawn
    from sigbench.benchmark.store.run_folder import RunFolder

    if is_undrawn(RunFolder(folder)):
        print(f"{folder}: pictures need Matplotlib: pip install 'sigbench[plots]'", file=sys.stderr)


def _compare(args: argparse.Namespace) -> int:
    from pathlib import Path

    from sigbench.benchmark.compare import as_markdown, compare

    print(as_markdown(compare(Path(args.folder), args.a, args.b), args.a, args.b))
    return GOOD


def _check(args: argparse.Namespace) -> int:
    from pathlib import Path

    from sigbench.benchmark.checks.check import check, update
    from sigbench.benchmark.checks.floors import load_floors
    from sigbench.core.errors import InputError

    folder, file = Path(args.folder), Path(args.floors)
    if args.allow_lower and not args.update:
        raise InputError("--allow-lower needs --update")
    if args.update:
        print("\n".join(update(folder, load_floors(file), allow_lower=args.allow_lower)))
    verdicts = check(folder, load_floors(file))
    for verdict in verdicts:
        print(f"{verdict.state:10} {verdict.floor.name}: {verdict.text}")
    states = [verdict.state for verdict in verdicts]
    counts = ", ".join(f"{states.count(s)} {s}" for s in dict.fromkeys(states))
    print(f"{len(states)} floor{'s' * (len(states) != 1)}: {counts}", file=sys.stderr)
    return FAILED if "broken" in states else GOOD


def _merge(args: argparse.Namespace) -> int:
    from pathlib import Path

    from sigbench.benchmark.merge import merge

    cells = merge([Path(folder) for folder in args.folders], Path(args.out))
    print(f"{cells} cells: {args.out}", file=sys.stderr)
    return GOOD


def _denoise(args: argparse.Namespace) -> int:
    from pathlib import Path

    from sigbench.cli.denoise.file import denoise_file

    done = denoise_file(
        Path(args.source), Path(args.out), args.method, sigma=args.sigma, force=args.force
    )
    if done.choices:
        from sigbench.cli.denoise.auto import as_text

        print(as_text(done.choices, done.content))
    level = "" if done.sigma is None else f", sigma {', '.join(f'{s:.4g}' for s in done.sigma)}"
    if done.sigma_unused:
        print(f"{args.method} does not use --sigma", file=sys.stderr)
    print(
        f"{args.out}: {args.method}, shape {'×'.join(map(str, done.shape))}{level}", file=sys.stderr
    )
    return GOOD


def _train(args: argparse.Namespace) -> int:
    from sigbench.cli.train import train_recipe
    from sigbench.networks.training.loop import Diverged, Stopped

    try:
        done = train_recipe(
            args.recipe,
            args.out,
            budget=args.budget,
            device=args.device,
            fresh=args.fresh,
            force=args.force,
            quiet=args.quiet,
        )
    except Diverged as error:
        print(f"sigbench: error: {error}", file=sys.stderr)
        return FAILED
    except Stopped as stop:
        print(f"stopped at step {stop}; the same command goes on", file=sys.stderr)
        return INTERRUPTED
    if not args.quiet:
        print(done)
    return GOOD


def _data(args: argparse.Namespace) -> int:
    from sigbench.cli.data import fetch, fetchable, listed, verify
    from sigbench.core.errors import InputError

    if args.place is not None and args.verb != "fetch":
        raise InputError(f"--from {args.place} goes with fetch, not with {args.verb}")
    if args.verb == "list":
        from sigbench.cli.list import as_text

        print(as_text(listed(args.name)))
        return GOOD
    if args.verb == "fetch":
        if args.name is None:
            raise InputError(f"fetch needs a name, one of: {', '.join(fetchable())}")
        print("\n".join(fetch(args.name, args.place)))
        return GOOD
    verdicts = verify(args.name)
    for verdict in verdicts:
        print(f"{verdict.state:8} {verdict.dataset}: {verdict.file}: {verdict.text}")
    return GOOD if all(verdict.state == "good" for verdict in verdicts) else FAILED


def _analyze(args: argparse.Namespace) -> int:
    from pathlib import Path

    from sigbench.analysis.command import analyze

    found = analyze(
        args.suite,
        args.method,
        problems=args.problem,
        items=args.items,
        start=args.start,
        seed=args.seed,
        places=[_place(word) for word in args.at or ()],
        by=args.by,
        step=args.step,
        out=None if args.out is None else Path(args.out),
        quiet=args.quiet,
    )
    if found.text and not args.quiet:
        print(found.text)
    for failure in found.failures:
        print(f"sigbench: {' '.join(failure.split())}", file=sys.stderr)
    return FAILED if found.failures else GOOD


def _place(text: str) -> tuple[int, ...]:
    from sigbench.core.errors import InputError

    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        raise InputError(f"--at {text}: must be a sample like 50, or a pixel like 16,16") from None


def _list(args: argparse.Namespace) -> int:
    import json

    from sigbench.cli.list import LISTS, as_text

    rows = LISTS[args.what]()
    print(json.dumps(rows, indent=2, ensure_ascii=False) if args.json else as_text(rows))
    return GOOD


def _sys_info(args: argparse.Namespace) -> int:
    from sigbench.core import environment

    for key, value in {
        **environment.versions(),
        **environment.machine(),
        "commit": environment.git_commit(),
    }.items():
        print(f"{key:13} {value}")
    return GOOD


CALLS = {
    "run": _run,
    "report": _report,
    "compare": _compare,
    "check": _check,
    "merge": _merge,
    "denoise": _denoise,
    "train": _train,
    "data": _data,
    "analyze": _analyze,
    "list": _list,
    "sys-info": _sys_info,
}

if __name__ == "__main__":
    sys.exit(main())
