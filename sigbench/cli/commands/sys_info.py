"""``sigbench sys-info``."""

from __future__ import annotations

import argparse

from sigbench.cli.exit_codes import SUCCESS
from sigbench.cli.output import show

HELP = "print versions and the kind of machine"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command: there are none."""


def call(args: argparse.Namespace) -> int:
    """Run the command."""
    from sigbench.core import environment

    info = {**environment.versions(), **environment.machine(), "commit": environment.git_commit()}
    for key, value in info.items():
        show(f"{key:13} {value}")
    return SUCCESS
