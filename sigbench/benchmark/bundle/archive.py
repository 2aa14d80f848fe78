"""Bundles as zip files: written with the same bytes each time, and read without trust."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import stat
import tempfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from sigbench.benchmark.bundle.contents import (
    DATA_FILES,
    MAX_BYTES,
    MAX_FILES,
    RUN,
    WORK,
    Contents,
    is_legal,
)
from sigbench.core.errors import InputError, shown
from sigbench.core.parsing import parse_json
from sigbench.core.schema import TEXT, List, Number, Record, Table, check
from sigbench.datasets.safe_load import check_directory, zip_content, zip_members

INDEX = "bundle.json"
FORMAT = 1
TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file can express

_INDEX = Record({"format": Number(1, whole=True), "files": Table(TEXT), "code": List(TEXT)})
CODE_FILES = (".py", ".pyc", ".pyd", ".so")  # what Python imports, whatever the index calls code
MAX_INDEX = 2**22  # bytes of the index, and of the directory of the zip file


@dataclass(frozen=True)
class Opened:
    """A run folder, and what it was bundled with.

    Attributes
    ----------
    run : Path
        The run folder.
    work : Path or None
        The folder with its weights, and its code if it is trusted; None if the run is not bundled.
    code : tuple of str
        The files with code of the person who made the bundle.
    """

    run: Path
    work: Path | None = None
    code: tuple[str, ...] = ()


def archive(contents: Contents) -> bytes:
    """Return the content of the zip file of a bundle, with an index of its files."""
    index = {
        "format": FORMAT,
        "files": {n: hashlib.sha256(c).hexdigest() for n, c in sorted(contents.files.items())},
        "code": sorted(contents.code),
    }
    files = {INDEX: (json.dumps(index, indent=2) + "\n").encode(), **contents.files}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, TIME)
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            info.create_system = 3  # also on Windows
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, files[name], compresslevel=6)
    return buffer.getvalue()


@contextlib.contextmanager
def opened(path: Path, *, trust_code: bool) -> Iterator[Opened]:
    """Open a run folder or a bundle, which may be a zip file or unpacked.

    A bundle is checked and copied to a temporary folder. Its code is copied only if it is trusted.

    Parameters
    ----------
    path : Path
        A run folder, an unpacked bundle, or the zip file of a bundle.
    trust_code : bool
        Whether the code of the bundle may be imported.

    Raises
    ------
    InputError
        If the bundle is damaged, or contains a link, a file that its index does not list, or a
        path that leads outside.
    """
    if path.is_file():
        index, read = _zipped(path)
    elif (path / INDEX).is_file():
        index, read = _unpacked(path)
    else:
        yield Opened(path)
        return
    with tempfile.TemporaryDirectory(prefix="sigbench-") as folder:
        root = Path(folder)
        for top in (RUN, WORK):
            (root / top).mkdir()
        left = MAX_BYTES
        for name, digest in index["files"].items():
            content = read(name)
            left -= len(content)
            if left < 0:
                raise InputError(f"{path} unpacks to more than {MAX_BYTES >> 20} MiB")
            if hashlib.sha256(content).hexdigest() != digest:
                raise InputError(f"{path}: {name} does not match its digest in {INDEX}")
            if name.startswith(f"{RUN}/") or (
                name.startswith(f"{WORK}/") and (trust_code or name.endswith(DATA_FILES))
            ):
                target = root / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        code = (name for name in index["files"] if name.lower().endswith(CODE_FILES))
        yield Opened(root / RUN, root / WORK, tuple(sorted(code)))


def is_inside_bundle(path: Path) -> bool:
    """Return whether a folder is part of an unpacked bundle."""
    return any((parent / INDEX).is_file() for parent in (path.resolve(), *path.resolve().parents))


def _checked(path: Path, text: bytes) -> dict[str, Any]:
    index: dict[str, Any] = parse_json(f"{path}: {INDEX}", text)
    check(f"{path}: {INDEX}", index, _INDEX)
    if index["format"] != FORMAT:
        raise InputError(f"{path}: format {index['format']} is unknown: it must be {FORMAT}")
    if len(index["files"]) > MAX_FILES:
        raise InputError(f"{path} has more than {MAX_FILES:,} files")
    for name in index["files"]:
        if not is_legal(name):
            raise InputError(f"{path}: {shown(name)} is not a valid name of a file in a bundle")
    _check_distinct(path, index["files"])
    return index


def _check_distinct(path: Path, names: Iterable[str]) -> None:
    """Check that no two files have the same place; some systems ignore case and accents' form."""
    found: dict[str, str] = {}
    folders: dict[str, str] = {}
    for name in names:
        place = unicodedata.normalize("NFC", name.casefold())
        if place in found:
            raise InputError(f"{path}: {shown(name)} has the place of {shown(found[place])}")
        found[place] = name
        folders |= {str(parent): name for parent in PurePosixPath(place).parents}
    for place in found.keys() & folders.keys():
        raise InputError(f"{path}: {shown(found[place])} is a folder of {shown(folders[place])}")


def _zipped(path: Path) -> tuple[dict[str, Any], Callable[[str], bytes]]:
    try:
        check_directory(path, MAX_INDEX)
        members = {member.filename: member for member in zip_members(path, MAX_BYTES)}
        if len(members) > MAX_FILES + 1:
            raise InputError(f"it has more than {MAX_FILES:,} files")
        if INDEX not in members:
            raise InputError(f"it is not a bundle (it has no {INDEX})")
        index = _checked(path, zip_content(path, members[INDEX], MAX_INDEX))
        _check_same(index["files"], members)
    except InputError as error:
        text = str(error)
        raise InputError(text if text.startswith(str(path)) else f"{path}: {text}") from None
    return index, lambda name: zip_content(path, members[name], members[name].file_size)


def _check_same(listed: Mapping[str, str], found: Mapping[str, Any]) -> None:
    for name in found:
        if name != INDEX and name not in listed:
            raise InputError(f"{shown(name)} is not listed in {INDEX}")
    for name in listed:
        if name not in found:
            raise InputError(f"{name} is missing")


def _unpacked(path: Path) -> tuple[dict[str, Any], Callable[[str], bytes]]:
    def read(name: str, max_bytes: int = MAX_BYTES) -> bytes:
        file = path / name
        parents = [path.joinpath(*Path(name).parts[:i]) for i in range(1, len(Path(name).parts))]
        if any(one.is_symlink() for one in (*parents, file)):
            raise InputError(f"{file} is a link: refused")
        if not file.is_file():
            raise InputError(f"{path}: {name} is missing")
        if file.stat().st_size > max_bytes:
            raise InputError(f"{file} has more than {max_bytes >> 20} MiB")
        return file.read_bytes()

    return _checked(path, read(INDEX, MAX_INDEX)), read
