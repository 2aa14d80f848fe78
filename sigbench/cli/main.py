"""The entry point of the command line."""

from __future__ import annotations

import argparse
import os
import sys

from sigbench.cli.commands import (
    analyze,
    bundle,
    check,
    compare,
    data,
    denoise,
    merge,
    rank,
    report,
    run,
    sys_info,
    train,
    verify,
)
from sigbench.cli.commands import list as list_
from sigbench.cli.exit_codes import INVALID
from sigbench.cli.output import accept_all_characters, show
from sigbench.core import interrupts

COMMANDS = {
    "run": run,
    "report": report,
    "compare": compare,
    "rank": rank,
    "verify": verify,
    "bundle": bundle,
    "check": check,
    "merge": merge,
    "denoise": denoise,
    "train": train,
    "data": data,
    "analyze": analyze,
    "list": list_,
    "sys-info": sys_info,
}


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0: success. 1: a cell or a method failed, or a floor is broken. 2: the call or a file is
    invalid. 128 + n: interrupted by signal n; 130 is Ctrl-C.

    Parameters
    ----------
    argv : list of str, optional
        The arguments; by default those of the process, which then handles its signals.
    """
    if argv is None:
        interrupts.install()
    accept_all_characters()
    try:
        code = _call(argv)
        interrupts.finish(code)
        return code
    except KeyboardInterrupt as stop:
        number = interrupts.number_of(stop)
        print(interrupts.message(number), file=sys.stderr)
        interrupts.finish(128 + number)
        return 128 + number


def _call(argv: list[str] | None) -> int:
    args = build_parser().parse_args(argv)
    interrupts.set_advice(args.if_interrupted)
    from sigbench.core.errors import InputError
    from sigbench.core.escape import cut

    try:
        code = int(args.call(args))
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader of the output has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INVALID
    except (InputError, OSError) as error:
        if args.debug:
            import traceback

            traceback.print_exc()
        show(f"sigbench: error: {cut(' '.join(str(error).split()))}", sys.stderr)
        return INVALID


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; parsed arguments have the function of their command as ``call``."""
    from sigbench import __version__

    parser = argparse.ArgumentParser(
        prog="sigbench",
        description="A reproducible benchmark of signal, speech and image denoisers.",
    )
    parser.add_argument("--version", action="version", version=f"sigbench {__version__}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        sub = commands.add_parser(
            name,
            help=command.HELP,
            description=command.HELP,
            parents=[common],
            allow_abbrev=False,
        )
        sub.set_defaults(call=command.call, if_interrupted=interrupts.RESUME)
        command.add_arguments(sub)
    return parser


if __name__ == "__main__":
    sys.exit(main())
