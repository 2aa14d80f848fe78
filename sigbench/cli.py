"""The command line: parses, calls, prints. Heavy imports wait until a command needs them."""

from __future__ import annotations

import argparse
import os
import sys
import time

TYPE_CHECKING = False  # see sigbench/__init__.py
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from sigbench.runner import Failure
    from sigbench.work import Cell, Result

GOOD, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130
LINE_EVERY_S = 30.0  # of a long run, where nobody sees a bar


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0: good. 1: a cell failed or a floor broke. 2: the call or a file was wrong.

    Parameters
    ----------
    argv : list of str, optional
        The arguments; by default those of the process.
    """
    args = _parser().parse_args(argv)
    from sigbench.errors import InputError

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


def _parser() -> argparse.ArgumentParser:
    from sigbench import __version__

    parser = argparse.ArgumentParser(
        prog="sigbench",
        description="A benchmark of signal denoisers: paired noise, tuned baselines, limits, intervals, cost.",
    )
    parser.add_argument("--version", action="version", version=f"sigbench {__version__}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, function: Any, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text, parents=[common])
        sub.set_defaults(run=function)
        return sub

    run = command("run", _run, "run a suite into a folder and print its leaderboard")
    run.add_argument("suite", metavar="SUITE|FILE.toml", help="see: sigbench list suites")
    run.add_argument("-o", "--out", metavar="DIR", help="the run folder (default: runs/SUITE)")
    run.add_argument(
        "-m",
        "--method",
        metavar="METHOD",
        nargs="+",
        action="extend",
        help="rows of the suite to run, and methods to add: name[param=value] or module:attribute. "
        "Without a row of the suite among them all its rows are run; "
        "the noisy input and the limits always are",
    )
    run.add_argument(
        "-p",
        "--problem",
        metavar="PROBLEM",
        nargs="+",
        action="extend",
        help="problems of the suite to run",
    )
    run.add_argument("--seeds", metavar="1,2,3", help="other seeds than the suite's")
    run.add_argument("--items", metavar="N", type=int, help="test items per problem and seed")
    run.add_argument(
        "-j", "--jobs", metavar="N", type=int, help="worker processes (default: all cores)"
    )
    run.add_argument(
        "--executor",
        metavar="local|dask://HOST:PORT",
        default="local",
        help="where to run: worker processes here, or a Dask cluster's",
    )
    run.add_argument(
        "--timeout",
        metavar="10m",
        help="end a cell (or the fit of a method) that takes longer: 90s, 10m or 2h",
    )
    run.add_argument("--fresh", action="store_true", help="delete the folder's own files first")
    run.add_argument("--dry-run", action="store_true", help="say what would be run, and stop")
    run.add_argument("--quiet", action="store_true", help="no progress, no leaderboard")

    report = command("report", _report, "write and print the leaderboards of run folders")
    report.add_argument("folders", metavar="DIR", nargs="+")

    compare = command("compare", _compare, "compare two methods of a run, item by item")
    compare.add_argument("folder", metavar="DIR")
    compare.add_argument("a", metavar="METHOD_A")
    compare.add_argument("b", metavar="METHOD_B")

    check = command("check", _check, "hold a file of floors against a run")
    check.add_argument("folder", metavar="DIR")
    check.add_argument("floors", metavar="FLOORS.toml")
    check.add_argument(
        "--update", action="store_true", help="move the floors to the run's figures, never lower"
    )
    check.add_argument(
        "--allow-lower", action="store_true", help="with --update: also where it demands less"
    )

    merge = command("merge", _merge, "put runs of one suite together into a new folder")
    merge.add_argument("folders", metavar="DIR", nargs="+")
    merge.add_argument("-o", "--out", metavar="DIR", required=True)

    denoise = command("denoise", _denoise, "denoise a file: WAV/FLAC, PNG/JPG/TIFF, CSV/NPY")
    denoise.add_argument("source", metavar="IN")
    denoise.add_argument("-o", "--out", metavar="OUT", required=True)
    denoise.add_argument(
        "-m",
        "--method",
        metavar="METHOD",
        required=True,
        help="name[param=value], or auto: the best of a table, judged on this very file",
    )
    denoise.add_argument(
        "--sigma",
        metavar="S|auto",
        help="noise level in the file's units (sound: full scale is 1; images: grey levels), or auto",
    )
    denoise.add_argument("--force", action="store_true", help="replace OUT where it exists")

    train = command("train", _train, "train a network by a recipe into a file of weights")
    train.add_argument("recipe", metavar="RECIPE|FILE.toml", help="see: docs/networks.md")
    train.add_argument(
        "-o", "--out", metavar="FILE", help="the weights (default: RECIPE.safetensors)"
    )
    train.add_argument(
        "--budget", metavar="10m", help="a time in place of the recipe's budget: 90s, 10m or 2h"
    )
    train.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    train.add_argument(
        "--fresh", action="store_true", help="delete the checkpoint of an earlier training first"
    )
    train.add_argument("--force", action="store_true", help="replace FILE where it exists")
    train.add_argument("--quiet", action="store_true", help="say nothing")

    data = command("data", _data, "list, fetch and verify the files of datasets")
    data.add_argument("verb", choices=("list", "fetch", "verify"))
    data.add_argument("name", metavar="NAME", nargs="?", help="see: sigbench data list")
    data.add_argument(
        "--from",
        dest="place",
        metavar="PATH_OR_URL",
        help="fetch: a copy, instead of the public address: a file, a folder, or the URL of either "
        "(that of a folder ends in a slash)",
    )

    listing = command("list", _list, "list suites, methods, datasets or metrics")
    listing.add_argument("what", choices=("suites", "methods", "datasets", "metrics"))
    listing.add_argument("--json", action="store_true", help="print JSON")

    command("sys-info", _sys_info, "print versions and the kind of machine")
    return parser


def _run(args: argparse.Namespace) -> int:
    from sigbench.executors.pool import prepare

    if args.executor == "local" and not args.dry_run:
        prepare()  # the workers' imports, beside these
    from pathlib import Path

    from sigbench.executors import Place, cores, seconds
    from sigbench.suites.suite import load
    from sigbench.sweep import plan, run_suite

    timeout = None if args.timeout is None else seconds(args.timeout)
    place = Place(args.executor, cores() if args.jobs is None else args.jobs, timeout)
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
    from sigbench.errors import InputError

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
        self.began = self.told = time.monotonic()

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
        elif self.lines and time.monotonic() - self.told >= LINE_EVERY_S:
            from sigbench.executors import duration

            self.told = time.monotonic()
            took = duration(self.told - self.began)
            print(f"{took}: {self.done} done, the last {where}", file=sys.stderr, flush=True)


def _report(args: argparse.Namespace) -> int:
    from pathlib import Path

    from sigbench.sweep import write_reports

    for folder in args.folders:
        print(write_reports(Path(folder)))
        _say_undrawn(Path(folder))
    return GOOD


def _say_undrawn(folder: Path) -> None:
    from sigbench.illustrate import is_undrawn
    from sigbench.store import RunFolder

    if is_undrawn(RunFolder(folder)):
        print(f"{folder}: pictures need Matplotlib: pip install 'sigbench[plots]'", file=sys.stderr)


def _compare(args: argparse.Namespace) -> int:
    from pathlib import Path

    from sigbench.comparison import as_markdown, compare

    print(as_markdown(compare(Path(args.folder), args.a, args.b), args.a, args.b))
    return GOOD


def _check(args: argparse.Namespace) -> int:
    from pathlib import Path

    from sigbench.errors import InputError
    from sigbench.floors import load_floors
    from sigbench.thresholds import check, update

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

    from sigbench.merge import merge

    cells = merge([Path(folder) for folder in args.folders], Path(args.out))
    print(f"{cells} cells: {args.out}", file=sys.stderr)
    return GOOD


def _denoise(args: argparse.Namespace) -> int:
    from pathlib import Path

    from sigbench.onefile import denoise_file

    done = denoise_file(
        Path(args.source), Path(args.out), args.method, sigma=args.sigma, force=args.force
    )
    if done.choices:
        from sigbench.automatic import as_text

        print(as_text(done.choices, done.content))
    told = "" if done.sigma is None else f", sigma {', '.join(f'{s:.4g}' for s in done.sigma)}"
    print(
        f"{args.out}: {args.method}, shape {'×'.join(map(str, done.shape))}{told}", file=sys.stderr
    )
    return GOOD


def _train(args: argparse.Namespace) -> int:
    from sigbench.training.command import train_recipe
    from sigbench.training.loop import Diverged, Stopped

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
    from sigbench.errors import InputError
    from sigbench.fetching.command import fetch, fetchable, listed, verify

    if args.place is not None and args.verb != "fetch":
        raise InputError(f"--from {args.place} goes with fetch, not with {args.verb}")
    if args.verb == "list":
        from sigbench.listing import as_text

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


def _list(args: argparse.Namespace) -> int:
    import json

    from sigbench.listing import LISTS, as_text

    rows = LISTS[args.what]()
    print(json.dumps(rows, indent=2, ensure_ascii=False) if args.json else as_text(rows))
    return GOOD


def _sys_info(args: argparse.Namespace) -> int:
    from sigbench import sysinfo

    for key, value in {
        **sysinfo.versions(),
        **sysinfo.machine(),
        "commit": sysinfo.git_commit(),
    }.items():
        print(f"{key:13} {value}")
    return GOOD


if __name__ == "__main__":
    sys.exit(main())
