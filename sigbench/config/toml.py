"""TOML files, and checks of the keys and types of their tables."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sigbench.core.errors import InputError, unknown
from sigbench.core.parsing import read_text
from sigbench.core.schema import ANYTHING, Record, Schema, check

MAX_TOML_BYTES = 2**20
MAX_KEY_PARTS = 30
# The time that tomllib takes grows with the square of the parts of a dotted key.
_PART = r"""(?:"[^"\n]*+"|'[^'\n]*+'|[\w-]++)[ \t]*+\.[ \t]*+"""
_LONG_KEY = re.compile(rf"(?<![\w-])(?:{_PART}){{{MAX_KEY_PARTS}}}")


def read_toml(path: Path) -> dict[str, Any]:
    """Return the top-level table of a TOML file.

    Raises
    ------
    InputError
        If the file is missing, larger than ``MAX_TOML_BYTES``, or is not valid TOML.
    """
    text = read_text(path, MAX_TOML_BYTES)
    if _LONG_KEY.search(text):
        raise InputError(f"{path}: a key has more than {MAX_KEY_PARTS} dotted parts")
    try:
        table = tomllib.loads(text)
    except RecursionError:
        raise InputError(f"{path}: it is nested too deeply") from None
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None
    check(f"{path}: a value", table, ANYTHING)
    return table


def find_toml(kind: str, name: str, folder: Path) -> Path:
    """Return the path of a shipped TOML file, or ``name`` itself if it ends in ``.toml``.

    Raises
    ------
    InputError
        For an unknown name; the message lists those in the folder.
    """
    if name.endswith(".toml"):
        return Path(name)
    known = [path.stem for path in folder.glob("*.toml")]
    if name not in known:
        raise unknown(kind, name, known)
    return folder / f"{name}.toml"


def check_keys(
    what: str, table: Any, legal: Mapping[str, Schema], required: tuple[str, ...] = ()
) -> None:
    """Check that a table has only legal keys, with legal values, and all required keys.

    Raises
    ------
    InputError
        With the offending key and the legal ones.

    Examples
    --------
    >>> from sigbench.core.schema import COUNT
    >>> check_keys("a problem", {"item": 3}, {"items": COUNT})
    Traceback (most recent call last):
    sigbench.core.errors.InputError: unknown key of a problem 'item': did you mean 'items'? (one of: items)
    """
    check(what, table, Record({key: legal[key] for key in required}, legal, closed=True))
