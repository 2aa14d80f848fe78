"""Fingerprints of what can change computed values: settings, arrays, user source code."""

from __future__ import annotations

import ast
import dataclasses
import functools
import hashlib
import json
import sys
from collections.abc import Mapping
from enum import Enum
from pathlib import Path, PurePath
from typing import Any

import numpy as np

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
    """Return a digest of a user module and of the local modules that it imports.

    Import statements are followed in the source code, including those inside functions. An
    installed package is hashed as a whole. Data files and modules imported by computed names are
    not covered.
    """
    file = getattr(sys.modules[module_name], "__file__", None)
    if file is None:  # a built-in module
        return digest(sys.version)
    depth = module_name.count(".") + (Path(file).stem == "__init__")
    root = Path(file).absolute().parents[depth]
    if "site-packages" in root.parts:
        package = root / module_name.partition(".")[0]
        files = set(package.rglob("*.py")) if package.is_dir() else {Path(file)}
    else:
        files = _imported(root, module_name)
    hasher = hashlib.sha256()
    for path in sorted(files):
        hasher.update(f"{path.relative_to(root)}\x1f".encode() + path.read_bytes())
    return hasher.hexdigest()[:16]


def _imported(root: Path, module_name: str) -> set[Path]:
    """Return the files below ``root`` of a module and of everything it imports."""
    files: set[Path] = set()
    pending, seen = [module_name], {"sigbench"}
    while pending:
        name = pending.pop()
        if name in seen or name.partition(".")[0] == "sigbench":
            continue
        seen.add(name)
        if "." in name:
            pending.append(name.rpartition(".")[0])  # a package's __init__ runs first
        stem = root.joinpath(*name.split("."))
        for file in (stem.with_suffix(".py"), stem / "__init__.py"):
            if file.is_file():
                files.add(file)
                package = name if file.stem == "__init__" else name.rpartition(".")[0]
                pending += _names_imported(file, package)
    return files


def _names_imported(file: Path, package: str) -> list[str]:
    """Return the full names of all modules that a source file may import."""
    try:
        tree = ast.parse(file.read_bytes())
    except SyntaxError:  # not imported, or the import itself reports the error
        return []
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".") if package and node.level else []
            base = parts[: len(parts) - node.level + 1] if node.level else []
            base += node.module.split(".") if node.module else []
            found += [".".join(base), *(".".join([*base, alias.name]) for alias in node.names)]
    return [name for name in found if name]
