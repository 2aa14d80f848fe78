"""``sigbench list``."""

from __future__ import annotations

import argparse
import sys

from sigbench.cli.exit_codes import SUCCESS

HELP = "list suites, methods, datasets or metrics"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("what", choices=("suites", "methods", "datasets", "metrics"))
    parser.add_argument("--json", action="store_true", help="print JSON")


def call(args: argparse.Namespace) -> int:
    """Run the command."""
    import json

    from sigbench.cli.list import LISTS, as_text
    from sigbench.config.plugins import faulty

    rows = LISTS[args.what]()
    print(json.dumps(rows, indent=2, ensure_ascii=False) if args.json else as_text(rows))
    for error in faulty(args.what.removesuffix("s")):
        print(f"sigbench: warning: {' '.join(error.split())}", file=sys.stderr)
    return SUCCESS
