"""``sigbench report``."""

from __future__ import annotations

import argparse

from sigbench.cli.exit_codes import SUCCESS
from sigbench.cli.output import show

TYPE_CHECKING = False  # importing typing would slow down --help
if TYPE_CHECKING:
    from pathlib import Path

HELP = "write and print the leaderboards of run folders, or write a page to share"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("folders", metavar="DIR", nargs="+", help="run folders")
    parser.add_argument(
        "--html",
        metavar="FILE",
        help="write one page that works offline: leaderboards, charts, examples. The run folders "
        "are only read",
    )
    parser.add_argument(
        "--open",
        action="store_true",
        help="open the page in the browser; without --html, write it to DIR/report.html",
    )
    parser.add_argument(
        "--figures",
        metavar="FOLDER",
        help="write the charts of the runs into this folder, as SVG, and as PDF and PNG if "
        "vl-convert-python is installed",
    )
    parser.add_argument(
        "--latex",
        metavar="FILE",
        help="write the leaderboards as LaTeX tables (booktabs); FILE is replaced only if sigbench "
        "wrote it",
    )


def call(args: argparse.Namespace) -> int:
    """Run the command."""
    from pathlib import Path

    folders = [Path(name) for name in args.folders]
    has_page = args.html is not None or args.open
    if args.figures is not None:
        from sigbench.benchmark.report import chart_files

        chart_files.check_target(folders, Path(args.figures))  # before anything is written
    if args.latex is not None:
        from sigbench.benchmark.report import latex

        latex.check_target(Path(args.latex))  # before anything is written
    if has_page:
        from sigbench.cli.page import target, write

        page = target(folders, None if args.html is None else Path(args.html))
    else:
        _write_boards(folders, skip_empty=args.figures is not None or args.latex is not None)
    if args.figures is not None:
        show(chart_files.write_chart_files(folders, Path(args.figures)))
    if args.latex is not None:
        show(latex.write_latex(folders, Path(args.latex)))
    if has_page:
        write(folders, page, opens=args.open)
    return SUCCESS


def _write_boards(folders: list[Path], *, skip_empty: bool) -> None:
    """Write and print leaderboards; a folder without finished cells keeps the one that it has."""
    from sigbench.benchmark.run_suite import write_reports
    from sigbench.benchmark.store.run_folder import RunFolder
    from sigbench.cli.commands.run import hint_matplotlib, print_board
    from sigbench.core.errors import InputError

    runs = [RunFolder(folder) for folder in folders]
    suites = [run.manifest.require()["suite"] for run in runs]
    empty = [run.path for run in runs if not run.cells.all()]
    if empty and not skip_empty:
        raise InputError(
            f"{empty[0]} has no finished cells: no leaderboard can be computed. --html FILE shows "
            "an existing one"
        )
    for folder, suite in zip(folders, suites, strict=True):
        if folder not in empty:
            write_reports(folder)
            known = suite.get("full", suite)["methods"]
            print_board(folder, [name for name in suite["methods"] if name not in known])
            hint_matplotlib(folder)
