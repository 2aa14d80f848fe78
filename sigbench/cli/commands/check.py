"""``sigbench check``."""

from __future__ import annotations

import argparse
import sys

from sigbench.cli.exit_codes import FAILED, SUCCESS
from sigbench.cli.output import show

HELP = "check a run against a file of floors (minimum scores)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("folder", metavar="DIR", help="a run folder")
    parser.add_argument("floors", metavar="FLOORS.toml", help="see: docs/ci.md")
    parser.add_argument(
        "--update",
        action="store_true",
        help="set each floor to the worse end of the confidence interval of the run, if that is "
        "stricter",
    )
    parser.add_argument(
        "--allow-lower", action="store_true", help="with --update: also make floors less strict"
    )


def call(args: argparse.Namespace) -> int:
    """Run the command."""
    from pathlib import Path

    from sigbench.benchmark.checks.check_floors import check, update
    from sigbench.benchmark.checks.floors import load_floors
    from sigbench.core.errors import InputError
    from sigbench.core.escape import printable

    folder, file = Path(args.folder), Path(args.floors)
    if args.allow_lower and not args.update:
        raise InputError("--allow-lower requires --update")
    if args.update:
        show("\n".join(update(folder, load_floors(file), allow_lower=args.allow_lower)))
    results = check(folder, load_floors(file))
    for result in results:
        show(f"{result.state:12} {printable(result.floor.name)}: {printable(result.text)}")
    states = [result.state for result in results]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    print(f"{len(states)} floor{'s' * (len(states) != 1)}: {counts}", file=sys.stderr)
    return FAILED if "broken" in states else SUCCESS
