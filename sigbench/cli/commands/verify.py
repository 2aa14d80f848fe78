"""``sigbench verify``."""

from __future__ import annotations

import argparse

HELP = "recompute cells of a run and compare; check keys, weights, data and leaderboard"

SAMPLE = 10
MAX_TRAINING = "1m"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "folder",
        metavar="DIR",
        help="a run folder, or a bundle made by sigbench bundle (zip file or unpacked)",
    )
    parser.add_argument(
        "--cells",
        metavar="N",
        type=int,
        default=SAMPLE,
        help=f"how many cells to recompute, chosen at random (default: {SAMPLE})",
    )
    parser.add_argument("--all", action="store_true", help="recompute all cells")
    parser.add_argument(
        "--seed",
        metavar="S",
        type=int,
        help="choose the cells with this seed, to repeat an earlier call (default: a random one)",
    )
    parser.add_argument(
        "--max-training",
        metavar=MAX_TRAINING,
        default=MAX_TRAINING,
        help="do not choose networks whose training took longer than this in the run (default: "
        f"{MAX_TRAINING}; --all includes them)",
    )
    parser.add_argument(
        "-j", "--jobs", metavar="N", type=int, help="worker processes (default: one per core)"
    )
    parser.add_argument("--timeout", metavar="10m", help="stop a cell or fit that takes longer")
    parser.add_argument(
        "--secret-seed", metavar="FILE", help="the secret of a run with private data seeds"
    )
    parser.add_argument(
        "--trust-code",
        action=argparse.BooleanOptionalAction,
        help="run methods that are not part of sigbench. The default for a bundle is no: its code "
        "is that of the person who made it. The default for a run folder is yes: its methods are "
        "modules in your working directory",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quiet", action="store_true", help="print no progress")


def call(args: argparse.Namespace) -> int:
    """Run the command."""
    from sigbench.cli.verify import verify

    return verify(args)
