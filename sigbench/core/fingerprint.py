"""Fingerprints of what can change computed values: settings, arrays, user source code."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import PurePath
from typing import Any

import numpy as np

from sigbench.core.dependencies import Dependency, code
from sigbench.core.protocols import Info


def identity(thing: Any) -> Any:
    """Return a JSON-like description of everything in an object that can change its values.

    A registered object is described by its registered name and declared version, so that moving
    or renaming code does not change the result; an array by its digest. Fields with the metadata
    ``identity=False`` are left out. Fields with ``identity="if set"``, for fields that were added
    later, are left out while they are None or False.
    """
    if isinstance(thing, np.ndarray):
        return f"array:{thing.dtype}:{thing.shape}:{hashlib.sha256(thing.tobytes()).hexdigest()}"
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        fields = {
            f.name: identity(getattr(thing, f.name))
            for f in dataclasses.fields(thing)
            if _is_included(f.metadata.get("identity", True), getattr(thing, f.name))
        }
        return {"is": _declared_name(thing), **fields}
    if isinstance(thing, Mapping):
        return {str(k): identity(v) for k, v in thing.items()}
    if isinstance(thing, list | tuple):
        return [identity(v) for v in thing]
    if thing is None or isinstance(thing, bool | int | float | str):
        return thing
    if isinstance(thing, np.generic):
        return f"{thing.dtype}:{thing}"
    if isinstance(thing, Enum):
        return f"{type(thing).__qualname__}.{thing.name}"
    if isinstance(thing, complex | bytes | PurePath):
        return repr(thing)
    if isinstance(thing, functools.partial):
        return ["partial", *map(identity, (thing.func, thing.args, thing.keywords))]
    return getattr(thing, "__qualname__", type(thing).__qualname__)


def _is_included(flag: bool | str, value: Any) -> bool:
    return not (value is None or value is False) if flag == "if set" else bool(flag)


def _declared_name(thing: Any) -> str:
    if isinstance(getattr(thing, "info", None), Info):
        return f"{thing.info.name} v{thing.info.version}"
    if hasattr(thing, "kind"):
        return f"{thing.kind} v{thing.version}"
    return type(thing).__name__


def digest(thing: Any) -> str:
    """Return a short digest of a JSON-like object."""
    text = json.dumps(thing, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def source_digest(module_name: str) -> str:
    """Return a digest of a user's module, which has been imported, and of all code it imports.

    `sigbench.core.sources.code_of` describes what is covered.
    """
    return code_digest(code(module_name))


def code_digest(dependencies: Iterable[Dependency]) -> str:
    """Return a short digest of dependencies: their kinds, names and contents, not their places."""
    return digest([[one.kind, one.name, one.digest] for one in dependencies])[:16]
