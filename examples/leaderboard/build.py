"""Build a static leaderboard from bundles of runs: ``python build.py SUBMISSIONS SITE``.

The run folders in the bundles are unpacked, and their code is not. All tables are computed from the
values of the cells.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

from sigbench.benchmark.bundle.archive import opened
from sigbench.benchmark.run_suite import write_reports
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.benchmark.verify.suite import check_suite
from sigbench.cli.main import main as sigbench
from sigbench.core.escape import printable


def main() -> int:
    """Build the site and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("submissions", type=Path, help="a folder with bundles (*.zip)")
    parser.add_argument("site", type=Path, help="the folder to write; it must not exist")
    args = parser.parse_args()
    bundles = sorted(args.submissions.glob("*.zip"))
    if not bundles:
        sys.exit(f"build: {args.submissions} contains no bundle (*.zip)")
    if args.site.exists():
        sys.exit(f"build: {args.site} exists: choose another folder")
    runs: list[str] = []
    problems: dict[tuple[str, str], dict[str, Any]] = {}
    for bundle in bundles:
        target = args.site / "runs" / bundle.stem
        with opened(bundle, trust_code=False) as unpacked:
            about = RunFolder(unpacked.run).manifest.require()["suite"]
            check_comparable(bundle.name, about, problems)
            shutil.copytree(unpacked.run, target)
        write_reports(target)  # whatever the tables in the bundle say
        runs.append(str(target))
    return sigbench(["report", *runs, "--html", str(args.site / "index.html")])


def check_comparable(
    bundle: str, about: dict[str, Any], problems: dict[tuple[str, str], dict[str, Any]]
) -> None:
    """Stop if a run has problems or methods of known names with other settings."""
    for check in check_suite(about):
        sys.exit(f"build: {printable(f'{bundle}: {check.text}: {check.details[0]}')}")
    for name, problem in about["problems"].items():
        own = {key: value for key, value in problem.items() if key != "items"}
        if problems.setdefault((about["name"], name), own) != own:
            sys.exit(
                f"build: {printable(f'{bundle}: {name} is another problem than in other runs')}"
            )


if __name__ == "__main__":
    sys.exit(main())
