"""What the values of a user's method depend on: code, files and environment variables."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sigbench.core.distributions import distribution_content
from sigbench.core.errors import InputError
from sigbench.core.sources import code_of, module_content

ENV = "env:"

Kind = Literal["module", "distribution", "file", "environment variable"]


@dataclass(frozen=True)
class Dependency:
    """Something that can change the values of a method, and the digest of its content.

    Attributes
    ----------
    kind : str
        ``"module"``, ``"distribution"``, ``"file"`` or ``"environment variable"``.
    name : str
        Its name; of a file: as it was written.
    digest : str
        Of the content of a module or file, the version of a distribution, or the value of a
        variable. The value itself is not stored.
    path : Path, optional
        Where the file is.
    """

    kind: Kind
    name: str
    digest: str
    path: Path | None = None


def code(module_name: str) -> tuple[Dependency, ...]:
    """Return the code that an imported module depends on, as described at `code_of`."""
    found = code_of(module_name)
    named: list[tuple[Kind, str]] = [("module", name) for name in found.modules]
    named += [("distribution", name) for name in found.distributions]
    return tuple(Dependency(kind, name, _current(kind, name)) for kind, name in named)


def declared(texts: Iterable[Any], folder: Path) -> tuple[Dependency, ...]:
    """Return the dependencies that a user lists in ``depends_on``.

    Parameters
    ----------
    texts : iterable of str
        Paths of files, relative to ``folder``, and ``env:NAME`` for environment variables. A
        variable that is not set differs from one with any value.
    folder : Path
        The folder of the file with the list, or the working directory.

    Raises
    ------
    InputError
        If an entry is not a text, names no variable, or its file is missing, unreadable or a folder.

    Examples
    --------
    >>> [one.kind for one in declared(["env:SIGBENCH_EXAMPLE"], Path())]
    ['environment variable']
    """
    return tuple(dict.fromkeys(_declared(text, folder) for text in texts))


def _declared(text: Any, folder: Path) -> Dependency:
    if not isinstance(text, str) or not text.removeprefix(ENV):
        raise InputError(f"depends_on: {text!r} must be the path of a file, or env:NAME")
    if text.startswith(ENV):
        name = text.removeprefix(ENV)
        return Dependency("environment variable", name, _current("environment variable", name))
    path = (folder / text).absolute()
    if path.is_dir():
        raise InputError(f"depends_on: {text!r} is a folder: list its files")
    if not path.is_file():
        raise InputError(f"depends_on: {text!r}: no such file")
    try:
        return Dependency("file", text, _current("file", text, path), path)
    except OSError as error:
        raise InputError(f"depends_on: {text!r}: {error.strerror}") from error


def changed(dependencies: Iterable[Dependency]) -> Dependency | None:
    """Return the first dependency that has changed, or None.

    The content of a module that this process has loaded is read once, because later changes of the
    file do not change what is loaded.
    """
    for one in dependencies:
        if one in _VERIFIED:
            continue
        if _current(one.kind, one.name, one.path) != one.digest:
            return one
        if one.kind == "distribution" or (one.kind == "module" and one.name in sys.modules):
            _VERIFIED.add(one)
    return None


_VERIFIED: set[Dependency] = set()


def _current(kind: Kind, name: str, path: Path | None = None) -> str:
    """Return the digest of the present content; empty if there is none."""
    if kind == "module":
        content = module_content(name)
        return "" if content is None else hashlib.sha256(content).hexdigest()
    if kind == "distribution":
        state = distribution_content(name)
        return "" if state is None else hashlib.sha256(state.encode()).hexdigest()
    if kind == "environment variable":
        value = os.environ.get(name)
        return "" if value is None else hashlib.sha256(os.fsencode(value)).hexdigest()
    if path is None or not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
