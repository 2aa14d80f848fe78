"""``sigbench list``."""

from __future__ import annotations

import argparse

from sigbench.cli.exit_codes import SUCCESS
from sigbench.cli.output import show, show_json

HELP = "list suites, methods, datasets or metrics"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("what", choices=("suites", "methods", "datasets", "metrics"))
    parser.add_argument("--json", action="store_true", help="print JSON")


def call(args: argparse.Namespace) -> int:
    """Run the command."""
    from sigbench.cli.list import LISTS, as_text

    rows = LISTS[args.what]()
    if args.json:
        show_json(rows)
    else:
        show(as_text(rows))
    return SUCCESS
