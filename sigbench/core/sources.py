"""The code that a module imports: its source files, compiled modules and distributions."""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import pkgutil
import sys
import sysconfig
import warnings
import zipimport
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from sigbench.core.distributions import (
    OURS,
    SITE,
    forget,
    own_requirements,
    owner_of,
    related,
    with_requirements,
)

MAIN = ("__main__", "__mp_main__")  # what Python was started with

_LOADED: dict[str, frozenset[str]] = {}  # by module: the modules that its import loaded


class Code(NamedTuple):
    """The names of the modules and of the distributions that a module consists of."""

    modules: tuple[str, ...]
    distributions: tuple[str, ...]


def import_module(name: str) -> ModuleType:
    """Import a module and record which modules that loads, also those with computed names."""
    before = frozenset(sys.modules)
    module = importlib.import_module(name)
    if name not in before:
        _LOADED[name] = frozenset(sys.modules) - before
    return module


def code_of(module_name: str) -> Code:
    """Return what a module imports, directly or indirectly, and the module itself.

    Import statements are followed in the source, including those inside functions, and calls of
    ``import_module`` and ``__import__`` with a literal name. Modules that were loaded while
    `import_module` imported the module are added, so top-level imports of computed names are
    covered. The search ends at the standard library, at sigbench and its requirements (also the
    optional ones), which are left out unless the module itself belongs to one, and at other
    installed distributions, which are listed with their requirements. An editable installation is
    followed like any source.

    Not covered are imports of computed names during a call, imports by modules without source, code
    that is executed from a file without an import, and data files.

    Parameters
    ----------
    module_name : str
        A module that has been imported.
    """
    _invalidate_caches()
    modules: set[str] = set()
    root = _find(module_name)
    own = {owner for owner in [root and _owner(root)] if owner}
    owners = {*own}
    pending, seen = [module_name, *_recorded(module_name)], set()
    while pending:
        name = pending.pop()
        if name in seen or name in MAIN or name.partition(".")[0] == OURS:
            continue
        seen.add(name)
        if "." in name:
            pending.append(name.rpartition(".")[0])  # a package's __init__ runs first
        spec = _find(name)
        if spec is None or _is_standard(spec):
            continue
        if owner := _owner(spec):
            owners.add(owner)
        elif (content := _content(spec)) is not None:
            modules.add(name)
            is_package = spec.submodule_search_locations is not None
            if not str(spec.origin).endswith(".py"):
                continue
            pending += _imports(content, name if is_package else name.rpartition(".")[0])
    if owners:
        others = ((owner, ()) for owner in owners - own_requirements())
        own |= with_requirements(others) - own_requirements()
    return Code(tuple(sorted(modules)), tuple(sorted(own)))


def _recorded(module_name: str) -> Iterator[str]:
    """Yield the modules that were loaded with a module.

    Those that requirements of sigbench can use, but do not need, are left out: whether they are
    loaded depends on what the process did before. The search still finds them if they are named.
    """
    for name in _LOADED.get(module_name, ()):
        spec = _find(name)
        owner = None if spec is None else _owner(spec)
        if owner is None or owner not in related():
            yield name


def module_content(name: str) -> bytes | None:
    """Return the content of a module's file; None if there is no such module, or it has no file."""
    spec = _find(name)
    return None if spec is None else _content(spec)


def module_file(name: str, folder: str) -> tuple[str, bytes] | None:
    """Return the file of a module, relative to where it is imported from, and its content.

    The module is looked for in ``folder`` first, and not imported. None if there is no such module,
    or it has no file.
    """
    _invalidate_caches()
    sys.path.insert(0, folder)
    try:
        spec = _find(name)
    finally:
        sys.path.remove(folder)
    content = None if spec is None else _content(spec)
    if spec is None or spec.origin is None or content is None:
        return None
    file = Path(spec.origin).name
    *packages, last = name.split(".")
    folders = [*packages, last] if spec.submodule_search_locations is not None else packages
    return "/".join([*folders, file]), content


def _owner(spec: ModuleSpec) -> str | None:
    return None if spec.origin is None else owner_of(Path(spec.origin))


def _invalidate_caches() -> None:
    """Let finders list their folders again, because files may be newer."""
    importlib.invalidate_caches()
    forget()
    for finder in map(pkgutil.get_importer, sys.path):
        if isinstance(finder, zipimport.zipimporter):  # of a relative path it is not done
            finder.invalidate_caches()


def _find(name: str) -> ModuleSpec | None:
    """Return the spec of a module without importing it or its packages."""
    if (module := sys.modules.get(name)) is not None:
        spec: ModuleSpec | None = getattr(module, "__spec__", None)
        file = getattr(module, "__file__", None)
        if spec is None and file:
            spec = importlib.util.spec_from_file_location(name, file)
        return spec
    parent = name.rpartition(".")[0]
    path: list[str] | None = None
    if parent:
        if (above := _find(parent)) is None:
            return None
        if (locations := getattr(sys.modules.get(parent), "__path__", None)) is None:
            locations = above.submodule_search_locations
        if locations is None:
            return None
        path = list(locations)
    for finder in sys.meta_path:
        if finder is PathFinder:  # for nested packages without __init__ it needs their parents
            spec = _find_on(name, sys.path if path is None else path)
        else:
            spec = finder.find_spec(name, path)
        if spec is not None:
            return spec
    return None


def _find_on(name: str, path: Iterable[str]) -> ModuleSpec | None:
    portions: list[str] = []
    for entry in path:
        finder = pkgutil.get_importer(entry)
        try:
            found = None if finder is None else finder.find_spec(name)
        except SyntaxError:  # from a zip file, which compiles it; it cannot be imported, either
            return None
        if found is not None and found.loader is not None:
            return found
        if found is not None:
            portions += found.submodule_search_locations or ()
    if not portions:
        return None
    spec = ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = portions
    return spec


def _content(spec: ModuleSpec) -> bytes | None:
    """Return the content of a module's file, also inside a zip file."""
    if spec.origin is None:
        return None
    if (file := Path(spec.origin)).is_file():
        return file.read_bytes()
    if isinstance(spec.loader, zipimport.zipimporter):
        spec.loader.invalidate_caches()
        with suppress(OSError):  # the archive no longer contains it
            return spec.loader.get_data(spec.origin)
    return None


def _is_standard(spec: ModuleSpec) -> bool:
    """Return whether a module belongs to the standard library, by its place, not its name."""
    if spec.origin is None or spec.origin in ("built-in", "frozen"):
        return spec.origin is not None
    file = Path(spec.origin).resolve()
    in_site = SITE & {*file.parts, *Path(spec.origin).parts}
    return not in_site and any(map(file.is_relative_to, _standard_folders()))


@functools.cache
def _standard_folders() -> tuple[Path, ...]:
    base = Path(sys.base_prefix)
    archive = f"python{sys.version_info.major}{sys.version_info.minor}.zip"
    folders = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
    return tuple(p.resolve() for p in (*map(Path, folders), base / "DLLs", base / archive))


@functools.lru_cache(maxsize=4096)
def _imports(source: bytes, package: str) -> tuple[str, ...]:
    """Return the full names of all modules that a source may import."""
    try:
        with warnings.catch_warnings():  # of the syntax: they are errors if a user wants that
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return ()  # cannot be imported, either
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(package, node.level, node.module or "")
            found += [base, *(f"{base}.{alias.name}".lstrip(".") for alias in node.names)]
        elif isinstance(node, ast.Call) and (name := _literal_import(node)):
            level = len(name) - len(name.lstrip("."))
            found.append(_absolute(package, level, name.lstrip(".")))
    return tuple(dict.fromkeys(name for name in found if name))


def _absolute(package: str, level: int, name: str) -> str:
    """Return the full name of an import; ``level`` is the number of leading dots."""
    parts = package.split(".") if package and level else []
    base = parts[: len(parts) - level + 1] if level else []
    return ".".join([*base, *([name] if name else [])])


def _literal_import(call: ast.Call) -> str:
    """Return the name in ``import_module("name")`` or ``__import__("name")``, or an empty text."""
    function = call.func
    called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if called not in ("import_module", "__import__") or not call.args:
        return ""
    name = getattr(call.args[0], "value", "")
    return name if isinstance(name, str) else ""
