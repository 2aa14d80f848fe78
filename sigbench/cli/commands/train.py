"""``sigbench train``."""

from __future__ import annotations

import argparse
import sys
import time

from sigbench.cli.exit_codes import FAILED, SUCCESS
from sigbench.cli.output import show

HELP = "train a network from a recipe and write its weights"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("recipe", metavar="RECIPE|FILE.toml", help="see: docs/networks.md")
    parser.add_argument(
        "-o", "--out", metavar="FILE", help="the weight file (default: RECIPE.safetensors)"
    )
    parser.add_argument(
        "--budget",
        metavar="10m",
        help="time of the whole command, instead of the recipe's budget: 90s, 10m or 2h",
    )
    parser.add_argument(
        "--device",
        choices=("cpu", "cuda"),
        default="cpu",
        help="for training with torch (default: cpu)",
    )
    parser.add_argument(
        "--fresh", action="store_true", help="first delete the checkpoint of an earlier training"
    )
    parser.add_argument("--force", action="store_true", help="overwrite FILE if it exists")
    parser.add_argument("--quiet", action="store_true", help="print nothing")


def call(args: argparse.Namespace) -> int:
    """Run the command."""
    began = time.perf_counter()  # the imports belong to a time budget, too
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
            began=began,
        )
    except Diverged as error:
        show(f"sigbench: error: {error}", sys.stderr)
        return FAILED
    except Stopped as stop:
        print(f"interrupted at step {stop}; run the same command again to resume", file=sys.stderr)
        return 128 + stop.number
    if not args.quiet:
        show(done)
    return SUCCESS
