"""``sigbench data``."""

from __future__ import annotations

import argparse

from sigbench.cli.exit_codes import FAILED, SUCCESS

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

    if args.place is not None and args.verb != "fetch":
        raise InputError(f"--from {args.place} is an option of fetch, not of {args.verb}")
    if args.verb == "list":
        from sigbench.cli.list import as_text

        print(as_text(listed(args.name)))
        return SUCCESS
    if args.verb == "fetch":
        if args.name is None:
            raise InputError(f"fetch needs a dataset, one of: {', '.join(fetchable())}")
        print("\n".join(fetch(args.name, args.place)))
        return SUCCESS
    checks = verify(args.name)
    for check in checks:
        print(f"{check.state:8} {check.dataset}: {check.file}: {check.text}")
    return SUCCESS if all(check.state == "good" for check in checks) else FAILED
