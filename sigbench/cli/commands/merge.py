"""``sigbench merge``."""

from __future__ import annotations

import argparse
import sys

from sigbench.cli.exit_codes import SUCCESS
from sigbench.cli.output import show

HELP = "merge runs of one suite into a new folder"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("folders", metavar="DIR", nargs="+", help="run folders of one suite")
    parser.add_argument("-o", "--out", metavar="DIR", required=True, help="the new run folder")


def call(args: argparse.Namespace) -> int:
    """Run the command."""
    from pathlib import Path

    from sigbench.benchmark.merge import merge

    cells = merge([Path(folder) for folder in args.folders], Path(args.out))
    show(f"{cells} cells merged: {args.out}", sys.stderr)
    return SUCCESS
