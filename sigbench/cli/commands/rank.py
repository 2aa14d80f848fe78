"""``sigbench rank``."""

from __future__ import annotations

import argparse

from sigbench.cli.exit_codes import SUCCESS
from sigbench.cli.output import show, show_json

HELP = "rank methods by a table of scores from elsewhere: intervals, tests, tied ranks"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "table",
        metavar="TABLE.csv",
        help="CSV or TSV with a header: columns method, item, value (and group, dataset), or one "
        "column per method",
    )
    for role, what in (
        ("value", "scores"),
        ("method", "methods"),
        ("item", "items (images, clips, ...)"),
        ("group", "groups of items that are not independent"),
        ("dataset", "datasets"),
    ):
        parser.add_argument(f"--{role}", metavar="C", help=f"the column of {what}")
    direction = parser.add_mutually_exclusive_group()
    direction.add_argument("--lower-is-better", action="store_true", help="as for errors")
    direction.add_argument(
        "--higher-is-better", action="store_true", help="the default; states it for a name like wer"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")


def call(args: argparse.Namespace) -> int:
    """Run the command."""
    from pathlib import Path

    from sigbench.benchmark.rank.json_output import as_json
    from sigbench.benchmark.rank.layout import Columns
    from sigbench.benchmark.rank.rank import rank_scores
    from sigbench.benchmark.rank.read import read_scores
    from sigbench.benchmark.rank.text import as_markdown

    stated = args.lower_is_better or args.higher_is_better
    table = read_scores(
        Path(args.table),
        Columns(args.method, args.item, args.dataset, args.group, args.value),
        higher_is_better=not args.lower_is_better if stated else None,
    )
    ranking = rank_scores(table)
    if args.json:
        show_json(as_json(ranking))
    else:
        show(as_markdown(ranking))
    return SUCCESS
