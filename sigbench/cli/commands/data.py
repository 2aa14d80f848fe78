"""``sigbench data``."""

from __future__ import annotations

import argparse
import itertools
from typing import TYPE_CHECKING

from sigbench.cli.exit_codes import FAILED, SUCCESS
from sigbench.cli.output import show

if TYPE_CHECKING:
    from sigbench.cli.data import FileCheck

MANY = 20  # files, of which a summary is printed

HELP = "list, fetch and verify the files of datasets"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("verb", choices=("list", "fetch", "verify"))
    parser.add_argument("name", metavar="NAME", nargs="?", help="see: sigbench data list")
    parser.add_argument(
        "--from",
        dest="place",
        metavar="PATH_OR_URL",
        help="fetch: copy the files from here instead of the public URL: a file, a folder, or the "
        "URL of either (the URL of a folder ends with a slash)",
    )


def call(args: argparse.Namespace) -> int:
    """Run the command."""
    from sigbench.cli.data import fetch, fetchable, listed, verify
    from sigbench.core.errors import InputError
    from sigbench.datasets.source import data_folder

    if args.place is not None and args.verb != "fetch":
        raise InputError(f"--from {args.place} is an option of fetch, not of {args.verb}")
    if args.verb == "list":
        from sigbench.cli.list import as_text

        show(as_text(listed(args.name)))
        return SUCCESS
    if args.verb == "fetch":
        if args.name is None:
            raise InputError(f"fetch needs a dataset, one of: {', '.join(fetchable())}")
        lines = fetch(args.name, args.place)
        many = f"{args.name}: {len(lines):,} files are in {data_folder() / args.name}"
        show(many if len(lines) > MANY else "\n".join(lines))
        return SUCCESS
    checks = verify(args.name)
    for dataset, own in itertools.groupby(checks, lambda check: check.dataset):
        show("\n".join(_verified(dataset, list(own))))
    return SUCCESS if all(check.state == "good" for check in checks) else FAILED


def _verified(dataset: str, checks: list[FileCheck]) -> list[str]:
    """Return a line for each file; if there are many, good files are only counted."""
    many = len(checks) > MANY
    lines = [
        f"{check.state:8} {dataset}: {check.file}: {check.text}"
        for check in checks
        if not (many and check.state == "good")
    ]
    good = len(checks) - len(lines)
    return [*lines, f"good     {dataset}: {good:,} of {len(checks):,} files"] if many else lines
