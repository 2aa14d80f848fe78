"""Reading of text files and of JSON, with a limit of their size."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sigbench.core.errors import InputError

MAX_JSON_BYTES = 2**26  # a parsed file takes up to 40 times its size


def read_text(path: Path, max_bytes: int = MAX_JSON_BYTES) -> str:
    """Return the text of a regular file.

    Raises
    ------
    InputError
        If there is no such file, it is no regular file (a pipe has no end), is larger than
        ``max_bytes``, or is not UTF-8.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    with path.open("rb") as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise InputError(f"{path} is larger than {max_bytes:,} bytes, the limit for such a file")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8: {error}") from None


def parse_json(what: str, text: str | bytes) -> Any:
    """Return the content of a JSON text; ``what`` names it in the error.

    Raises
    ------
    InputError
        If it is not JSON, nested too deeply, or has a number of more than 4,300 digits.

    Examples
    --------
    >>> parse_json("run.json", "{")
    Traceback (most recent call last):
    sigbench.core.errors.InputError: run.json is not valid JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise InputError(f"{what} is not valid JSON: it is nested too deeply") from None
    except ValueError as error:
        raise InputError(f"{what} is not valid JSON: {error}") from None
