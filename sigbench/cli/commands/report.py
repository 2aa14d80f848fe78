"""``sigbench report``."""

from __future__ import annotations

import argparse

from sigbench.cli.exit_codes import SUCCESS

HELP = "write and print the leaderboards of run folders"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("folders", metavar="DIR", nargs="+", help="run folders")
    parser.add_argument(
        "--figures",
        metavar="FOLDER",
        help="write the charts of the runs into this folder, as SVG, PDF and PNG",
    )


def call(args: argparse.Namespace) -> int:
    """Run the command."""
    from pathlib import Path

    from sigbench.benchmark.report.chart_files import write_chart_files
    from sigbench.benchmark.run_suite import write_reports
    from sigbench.benchmark.store.run_folder import RunFolder
    from sigbench.cli.commands.run import hint_matplotlib, print_board

    for folder in map(Path, args.folders):
        write_reports(folder)
        suite = RunFolder(folder).manifest.require()["suite"]
        known = suite.get("full", suite)["methods"]
        print_board(folder, [name for name in suite["methods"] if name not in known])
        hint_matplotlib(folder)
    if args.figures is not None:
        print(write_chart_files([Path(name) for name in args.folders], Path(args.figures)))
    return SUCCESS
