"""``sigbench bundle``."""

from __future__ import annotations

import argparse

HELP = "pack a run with its suite, code, weights and versions, so that others can verify it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("folder", metavar="DIR", help="a run folder")
    parser.add_argument(
        "-o",
        "--out",
        metavar="FILE.zip",
        help="the bundle (default: DIR.zip in the working directory)",
    )
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    parser.add_argument(
        "--logs", action="store_true", help="also pack tracebacks and what methods printed"
    )
    parser.add_argument(
        "--allow-paths",
        action="store_true",
        help="also pack files that contain the path of your home or working directory",
    )
    parser.add_argument(
        "--secret-seed",
        metavar="FILE",
        help="the secret of a run with private data seeds; used to check the run, never packed",
    )
    parser.add_argument("--dry-run", action="store_true", help="list the files and stop")


def call(args: argparse.Namespace) -> int:
    """Run the command."""
    from sigbench.cli.bundle import bundle

    return bundle(args)
