"""Text on the terminal: for any encoding, with control characters escaped."""

from __future__ import annotations

import io
import sys

TYPE_CHECKING = False  # importing typing would slow down --help
if TYPE_CHECKING:
    from typing import Any, TextIO


def accept_all_characters() -> None:
    """Let the standard streams replace characters that their encoding lacks.

    The default is an error: a table with "±" would end in a traceback in a terminal with the
    encoding cp932, or in a pipe with ASCII.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def show(text: str, file: TextIO | None = None) -> None:
    """Print lines of text with control characters escaped.

    Parameters
    ----------
    text : str
        One or several lines; names, paths and errors in them may come from anywhere.
    file : text stream, optional
        Where to print; by default standard output.
    """
    from sigbench.core.escape import printable_lines

    print(printable_lines(text), file=file or sys.stdout)


def show_json(value: Any) -> None:
    """Print a value as JSON in ASCII, which every encoding and terminal can represent."""
    import json

    print(json.dumps(value, indent=2))
