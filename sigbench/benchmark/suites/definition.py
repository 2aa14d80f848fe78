"""How the problems and methods of a suite were written, so that a run can be repeated."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from sigbench.config.spec import Spec, exact, parse
from sigbench.core.errors import InputError, shown

Entry = Mapping[str, Any]  # a table of a suite file

SPECS = ("dataset", "degradation", "system", "method")  # the keys of entries that are specs
FILES = "depends_on"


@dataclass(frozen=True)
class Definition:
    """The entries of a suite by the names of the problems and methods that they define.

    A method that was added to the suite has an entry with the key ``method`` only. An object that
    was added in Python has none.
    """

    problems: Mapping[str, Entry] = field(default_factory=dict)
    methods: Mapping[str, Entry] = field(default_factory=dict)

    def adding(self, methods: Mapping[str, Entry]) -> Definition:
        """Return the definition with the entries of further methods."""
        return replace(self, methods={**self.methods, **methods})

    def record(self, problems: Iterable[str], methods: Iterable[str]) -> dict[str, Any]:
        """Return the entries of some problems and methods for the manifest, without full paths."""
        return {
            "problems": {n: portable(self.problems[n]) for n in problems if n in self.problems},
            "methods": {n: portable(self.methods[n]) for n in methods if n in self.methods},
        }


def portable(entry: Entry) -> dict[str, Any]:
    """Return an entry in which a path of this machine is replaced by the name of its file.

    Examples
    --------
    >>> portable({"method": 'network[weights="/home/me/mine.safetensors"]'})
    {'method': 'network[weights=mine.safetensors]'}
    """
    return {key: _portable(key, value) for key, value in entry.items()}


def _portable(key: str, value: Any) -> Any:
    if key == FILES:
        return [_name_of(one) if isinstance(one, str) else one for one in value]
    if key in SPECS and not is_portable({key: value}):
        return exact(_replaced(parse(value)))
    return value


def _replaced(value: Any) -> Any:
    if isinstance(value, Spec):
        return Spec(value.name, tuple((name, _replaced(one)) for name, one in value.params))
    if isinstance(value, tuple | list):
        return tuple(map(_replaced, value))
    if isinstance(value, str) and (inner := _inner(value)) is not None:
        return exact(_replaced(inner)) if any(map(_leads_outside, _texts(inner))) else value
    return _name_of(value) if isinstance(value, str) else value


def _inner(text: str) -> Spec | None:
    """Return the spec that a text of parameters contains, or None: it is built like a spec."""
    try:
        return parse(text) if "[" in text else None
    except InputError:
        return None


def _name_of(text: str) -> str:
    if not _leads_outside(text):
        return text
    return PureWindowsPath(text).name or "folder"  # it also splits at a slash


def is_portable(entry: Entry) -> bool:
    """Return whether an entry names only files below the working directory.

    Examples
    --------
    >>> is_portable({"method": "network[weights=mine.safetensors]"})
    True
    >>> is_portable({"method": "network[weights=../mine.safetensors]"})
    False
    """
    return not any(map(_leads_outside, [*_texts(entry.get(FILES)), *texts(entry)]))


def texts(entry: Entry) -> list[str]:
    """Return all words and texts that are values of parameters in an entry.

    Examples
    --------
    >>> texts({"method": "network[weights=icnn,statistics=input]", "sigma": "given"})
    ['icnn', 'input']
    """
    specs = [parse(entry[key]) for key in SPECS if isinstance(entry.get(key), str)]
    return [text for one in (*specs, entry.get("tune")) for text in _texts(one)]


def is_name(name: str, made: str) -> bool:
    """Return whether the method that an entry makes has this name in the run.

    A name that is a spec had the paths of the machine of the run.

    Examples
    --------
    >>> is_name("network[weights=/home/me/w.safetensors]", "network[weights=w.safetensors]")
    True
    """
    if name == made:
        return True
    try:
        return bool(_replaced(parse(name)) == parse(made))
    except InputError:
        return False


def check_portable(name: str, entry: Entry) -> None:
    """Check that an entry of a manifest, perhaps of a stranger, names no file elsewhere.

    Raises
    ------
    InputError
        If a path in it is absolute or leads outside the working directory.
    """
    if not is_portable(entry):
        raise InputError(f"{name}: {shown(entry)} names a file outside the working directory")


def _texts(value: Any) -> list[str]:
    if isinstance(value, Spec):
        return [text for _, one in value.params for text in _texts(one)]
    if isinstance(value, Mapping):
        return [text for one in value.values() for text in _texts(one)]
    if isinstance(value, tuple | list):
        return [text for one in value for text in _texts(one)]
    if isinstance(value, str):
        inner = _inner(value)
        return [value] if inner is None else [value, *_texts(inner)]
    return []


def _leads_outside(text: str) -> bool:
    posix, windows = PurePosixPath(text), PureWindowsPath(text)
    absolute = posix.is_absolute() or windows.root != "" or text.startswith("~")
    return absolute or ".." in re.split(r"[/\\]", text)
