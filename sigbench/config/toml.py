"""TOML files, and checks of the keys and types of their tables."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sigbench.core.errors import InputError, unknown

TYPE_NAMES = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}


def read_toml(path: Path) -> dict[str, Any]:
    """Return the top-level table of a TOML file.

    Raises
    ------
    InputError
        If the file is missing or is not valid TOML.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # not TOML, not UTF-8, or nested too deeply
        raise InputError(f"{path}: {error}") from None


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
    what: str,
    table: Any,
    legal: Mapping[str, type | tuple[type, ...]],
    required: tuple[str, ...] = (),
) -> None:
    """Check that a table has only legal keys, values of the right types, and all required keys.

    Raises
    ------
    InputError
        With the offending key and the legal ones.

    Examples
    --------
    >>> check_keys("a problem", {"item": 3}, {"items": int})
    Traceback (most recent call last):
    sigbench.core.errors.InputError: unknown key of a problem 'item': did you mean 'items'? (one of: items)
    """
    if not isinstance(table, dict):
        raise InputError(f"{what} must be a table, not {table!r}")
    for key, value in table.items():
        if key not in legal:
            raise unknown(f"key of {what}", key, legal)
        number = isinstance(legal[key], tuple) or legal[key] is int
        if not isinstance(value, legal[key]) or (number and isinstance(value, bool)):
            raise InputError(f"{what}: {key}={value!r} must be {_type_name(legal[key])}")
    for key in required:
        if key not in table:
            raise InputError(f"{what} needs the key {key!r}")


def _type_name(kind: type | tuple[type, ...]) -> str:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    return " or ".join(TYPE_NAMES[one] for one in kinds if not (one is int and float in kinds))
