"""``sigbench list``."""

from __future__ import annotations

import argparse
import sys

from sigbench.cli.exit_codes import SUCCESS
from sigbench.cli.output import show, show_json

HELP = "list suites, methods, datasets or metrics"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("what", choices=("suites", "methods", "datasets", "metrics"))
    parser.add_argument("--json", action="store_true", help="print JSON")


def call(args: argparse.Namespace) -> int:
    """Run the command."""
    import shutil

    from sigbench.cli.list import LISTS, OWN, WIDTH, as_text
    from sigbench.config.plugins import faulty
    from sigbench.core.escape import cut

    rows = LISTS[args.what]()
    if args.json:
        show_json(rows)
    else:
        show(as_text(rows, shutil.get_terminal_size((WIDTH, 40)).columns))
    for error in faulty(args.what.removesuffix("s"), OWN.get(args.what, ())):
        show(f"sigbench: warning: {cut(' '.join(error.split()))}", sys.stderr)
    return SUCCESS
