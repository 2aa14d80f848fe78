"""``sigbench compare``."""

from __future__ import annotations

import argparse

from sigbench.cli.arguments import add_list
from sigbench.cli.exit_codes import SUCCESS
from sigbench.cli.output import show

HELP = "compare two methods of a run, paired by item"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("folder", metavar="DIR", help="a run folder")
    parser.add_argument("a", metavar="METHOD_A", help="a method of the run")
    parser.add_argument("b", metavar="METHOD_B", help="another method of the run")
    add_list(
        parser,
        "-p",
        "--problem",
        metavar="PROBLEM",
        help="problems, by name or pattern such as '*-snr7' (default: all)",
    )


def call(args: argparse.Namespace) -> int:
    """Run the command."""
    import shutil
    from pathlib import Path

    from sigbench.benchmark.compare import as_text, compare

    found = compare(Path(args.folder), args.a, args.b, problems=args.problem)
    show(as_text(found, shutil.get_terminal_size().columns))
    return SUCCESS
