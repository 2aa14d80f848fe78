"""``sigbench analyze``."""

from __future__ import annotations

import argparse
import sys

from sigbench.cli.arguments import SUITE, add_list, whole_numbers
from sigbench.cli.exit_codes import FAILED, SUCCESS
from sigbench.cli.output import show

HELP = "compute Jacobians of denoisers at items of a suite: tables, CSV and figures"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("what", choices=("jacobian",), help="the analysis")
    parser.add_argument("suite", metavar=SUITE, help="the suite whose problems provide the items")
    add_list(
        parser,
        "-m",
        "--method",
        metavar="METHOD",
        required=True,
        help="methods of the suite, name[param=value] or module:attribute",
    )
    add_list(parser, "-p", "--problem", metavar="PROBLEM", help="problems (default: all)")
    parser.add_argument(
        "--items",
        metavar="N",
        type=int,
        default=1,
        help="items per problem (default: 1); the figures show the first",
    )
    parser.add_argument(
        "--from", metavar="K", type=int, default=0, dest="start", help="first item (default: 0)"
    )
    parser.add_argument(
        "--seed", metavar="S", type=int, default=1, help="data seed of the items (default: 1)"
    )
    add_list(
        parser,
        "--at",
        metavar="I|ROW,COLUMN",
        help="samples whose filters are shown (default: where the item changes most and least)",
    )
    parser.add_argument(
        "--by",
        choices=("auto", "autograd", "differences"),
        default="auto",
        help="derivatives by automatic differentiation, or by central differences (default: auto)",
    )
    parser.add_argument(
        "--step",
        metavar="E",
        type=float,
        help="step of the differences, in noise levels (default: the smallest accurate one of "
        "1e-6, 1e-4 and 1e-2)",
    )
    parser.add_argument(
        "-o", "--out", metavar="DIR", help="the output folder (default: analysis/SUITE)"
    )
    parser.add_argument("--quiet", action="store_true", help="print no progress and no table")


def call(args: argparse.Namespace) -> int:
    """Run the command."""
    from pathlib import Path

    from sigbench.analysis.command import analyze
    from sigbench.core.escape import cut

    found = analyze(
        args.suite,
        args.method,
        problems=args.problem,
        items=args.items,
        start=args.start,
        seed=args.seed,
        places=[whole_numbers(text, "--at", "50 or 16,16") for text in args.at or ()],
        by=args.by,
        step=args.step,
        out=None if args.out is None else Path(args.out),
        quiet=args.quiet,
    )
    if found.text and not args.quiet:
        show(found.text)
    for failure in found.failures:
        show(f"sigbench: {cut(' '.join(failure.split()))}", sys.stderr)
    return FAILED if found.failures else SUCCESS
