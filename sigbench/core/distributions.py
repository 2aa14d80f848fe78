"""Installed distributions: which one a file belongs to, and what they require."""

from __future__ import annotations

import csv
import functools
import importlib.metadata
import re
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path

OURS = "sigbench"
SITE = {"site-packages", "dist-packages"}


def owner_of(file: Path) -> str | None:
    """Return the name of the distribution that installed a file, if there is one."""
    file = file.absolute()
    for root in _roots():
        if file.is_relative_to(root):
            path = file.relative_to(root)
            files = _installed_files(root, _infos(root))
            owner = files.get(path.as_posix()) or files.get(f"{path.parts[0].partition('.')[0]}/")
            if owner is not None:
                return owner
    return None


def prepare() -> None:
    """Read what is installed, once for all processes that are forked from this one."""
    related()
    own_requirements()
    for root in _roots():
        _installed_files(root, _infos(root))


def forget() -> None:
    """Look for distributions again, because others may have been installed."""
    _roots.cache_clear()
    _infos.cache_clear()


@functools.cache
def _roots() -> tuple[Path, ...]:
    """Return the folders on the path that contain installed distributions."""
    folders = dict.fromkeys(Path(entry).absolute() for entry in sys.path)
    return tuple(folder for folder in folders if folder.is_dir() and _infos(folder))


@functools.cache
def _infos(root: Path) -> tuple[str, ...]:
    """Return the names of the folders of metadata in a folder."""
    try:
        names = [path.name for path in root.iterdir()]
    except PermissionError:  # nothing can be imported from there, either
        return ()
    return tuple(sorted(n for n in names if n.endswith((".dist-info", ".egg-info"))))


@functools.cache
def _installed_files(root: Path, infos: tuple[str, ...]) -> dict[str, str]:
    """Return the distribution of every installed file below a folder.

    A system's package manager keeps no record of the files: there, packages (``name/``) are mapped.
    """
    files: dict[str, str] = {}
    for info in infos:
        found = Distribution.at(root / info)
        name = _canonical(Path(info).stem.partition("-")[0])
        if rows := _record(found):
            files |= dict.fromkeys((row[0] for row in rows), name)
        elif SITE & set(root.parts):
            tops = found.read_text("top_level.txt") or name.replace("-", "_")
            files |= dict.fromkeys((f"{top}/" for top in tops.split()), name)
    return files


@functools.cache
def own_requirements() -> frozenset[str]:
    """Return the distributions that sigbench needs, directly or indirectly, and itself."""
    return frozenset(with_requirements([(OURS, _extras(OURS))]))


@functools.cache
def related() -> frozenset[str]:
    """Return the distributions that sigbench, its requirements and theirs need or can use."""
    pending, seen = {OURS}, set()
    while pending:
        name = pending.pop()
        seen.add(name)
        pending |= {one for one, _ in _requirements(name, _extras(name)) or ()} - seen
    return frozenset(seen)


def _extras(name: str) -> tuple[str, ...]:
    """Return the optional groups of requirements of a distribution; none if it is not installed."""
    try:
        return tuple(importlib.metadata.metadata(name).get_all("Provides-Extra") or ())
    except PackageNotFoundError:
        return ()


def with_requirements(wanted: Iterable[tuple[str, tuple[str, ...]]]) -> set[str]:
    """Return distributions, given with their extras, and all that they require and is installed."""
    pending, seen = list(wanted), set()
    while pending:
        one = pending.pop()
        if one not in seen:
            requirements = _requirements(*one)
            if requirements is not None:
                seen.add(one)
                pending += requirements
    return {name for name, _ in seen}


def _requirements(name: str, extras: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]] | None:
    """Return what a distribution requires here; None if it is not installed."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        lines = importlib.metadata.requires(name) or []
    except PackageNotFoundError:
        return None
    found: list[tuple[str, tuple[str, ...]]] = []
    for line in lines:
        try:
            one = Requirement(line)
        except InvalidRequirement:  # of an old format
            found.append((_canonical(re.split(r"[^\w.-]", line.strip())[0]), ()))
            continue
        if one.marker is None or any(one.marker.evaluate({"extra": e}) for e in ("", *extras)):
            found.append((_canonical(one.name), tuple(sorted(one.extras))))
    return found


def _canonical(name: str) -> str:
    from packaging.utils import canonicalize_name

    return canonicalize_name(name)


def distribution_content(name: str) -> str | None:
    """Return the version of an installed distribution; None if it is not installed.

    If it was installed from a folder, file or repository, where a version can mean several
    contents, the digests of its files, as recorded by the installer, are added.
    """
    try:
        found = importlib.metadata.distribution(name)
    except PackageNotFoundError:
        return None
    if found.read_text("direct_url.json") is None:
        return found.version
    rows = _record(found)
    digests = (f"{row[0]} {row[1]}" for row in rows if row[1] and ".dist-info/" not in row[0])
    return "\n".join([found.version, *sorted(digests)])


def _record(found: Distribution) -> list[list[str]]:
    """Return the path, digest and size of each installed file, as its installer recorded them."""
    rows = csv.reader((found.read_text("RECORD") or "").splitlines())
    return [row for row in rows if len(row) == 3]
