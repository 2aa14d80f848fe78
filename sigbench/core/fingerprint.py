"""What values depend on: an object's settings, a user's source, and their digests."""

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
    """Return, as JSON knows it, all of an object that can change its values.

    A registered object is named by its table's name and declared version, so that moving or
    renaming code changes nothing; arrays go by their digest. A field with the metadata
    ``identity=False`` does not count; with ``"if set"``, for one that was added later, not where
    it is None or False.
    """
    if isinstance(thing, np.ndarray):
        return f"array:{thing.dtype}:{thing.shape}:{hashlib.sha256(thing.tobytes()).hexdigest()}"
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        fields = {
            f.name: identity(getattr(thing, f.name))
            for f in dataclasses.fields(thing)
            if _counts(f.metadata.get("identity", True), getattr(thing, f.name))
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


def _counts(identity_: bool | str, value: Any) -> bool:
    return not (value is None or value is False) if identity_ == "if set" else bool(identity_)


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
    """Return a digest of a user's module and of all that it imports from beside it.

    Import statements are followed in the source, those inside functions too. An installed
    package is taken whole. Data files and modules imported by computed names are not seen.
    """
    file = getattr(sys.modules[module_name], "__file__", None)
    if file is None:  # built in
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
    """Return the files below ``root`` that a module and its imports consist of."""
    files: set[Path] = set()
    waiting, seen = [module_name], {"sigbench"}
    while waiting:
        name = waiting.pop()
        if name in seen or name.partition(".")[0] == "sigbench":
            continue
        seen.add(name)
        if "." in name:
            waiting.append(name.rpartition(".")[0])  # a package's __init__ runs first
        stem = root.joinpath(*name.split("."))
        for file in (stem.with_suffix(".py"), stem / "__init__.py"):
            if file.is_file():
                files.add(file)
                package = name if file.stem == "__init__" else name.rpartition(".")[0]
                waiting += _names_imported(file, package)
    return files


def _names_imported(file: Path, package: str) -> list[str]:
    """Return every module that a source file may import, by its full name."""
    try:
        tree = ast.parse(file.read_bytes())
    except SyntaxError:  # imported by nobody, or the import has said so
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
