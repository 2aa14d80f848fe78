"""``sigbench rank``."""

from __future__ import annotations

import argparse
import sys

from sigbench.cli.exit_codes import SUCCESS
from sigbench.cli.output import show, show_json

HELP = "rank methods by a table of scores from any source: intervals, tests, tied ranks"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "table",
        metavar="TABLE.csv",
        help="CSV or TSV with a header: columns method, item, value (and group, dataset), or one "
        "column per method",
    )
    for role, what in (
        ("value", "scores; in a wide table a pattern such as '* WER' chooses the columns"),
        ("method", "methods"),
        ("item", "items (images, clips, ...)"),
        ("group", "groups of items that are not independent"),
        ("dataset", "datasets"),
    ):
        parser.add_argument(f"--{role}", metavar="C", help=f"the column of {what}")
    direction = parser.add_mutually_exclusive_group()
    direction.add_argument(
        "--lower-is-better", action="store_true", help="for errors and other scores to be minimized"
    )
    direction.add_argument(
        "--higher-is-better",
        action="store_true",
        help="the default; give it for a column such as wer, to avoid a caution",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    parser.add_argument(
        "--html", metavar="FILE", help="also write one HTML page with tables and charts"
    )


def call(args: argparse.Namespace) -> int:
    """Run the command."""
    from pathlib import Path

    from sigbench.benchmark.rank.json_output import as_json
    from sigbench.benchmark.rank.layout import Columns
    from sigbench.benchmark.rank.page import as_page
    from sigbench.benchmark.rank.rank import rank_scores
    from sigbench.benchmark.rank.read import read_scores
    from sigbench.benchmark.rank.text import WIDTH, as_markdown
    from sigbench.benchmark.report.page.writing import check_target, write_page

    page = None if args.html is None else Path(args.html)
    if page is not None:
        check_target(page)
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
        show(as_markdown(ranking, width=WIDTH if sys.stdout.isatty() else None))
    if page is not None:
        write_page(page, as_page(ranking))
        show(f"page: {page}", sys.stderr)
    return SUCCESS
