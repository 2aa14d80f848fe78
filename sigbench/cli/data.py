"""`sigbench data`: list, fetch and verify the files of datasets."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote, urlsplit

from filelock import FileLock, Timeout

from sigbench.config.registry import lookup, names
from sigbench.core.errors import InputError, unknown
from sigbench.core.progress import Progress
from sigbench.datasets import DATASETS
from sigbench.datasets.fetch.part import Part
from sigbench.datasets.fetch.transfer import SCHEMES, copy, download
from sigbench.datasets.source import DatasetSource, File, Installed, data_folder, digest_of, short

AnySource = DatasetSource | Installed
FileState = Literal["good", "damaged", "missing"]


def sources() -> dict[str, AnySource]:
    """Return the sources of all datasets that have files, keyed by name."""
    declared = {
        name: getattr(lookup("dataset", DATASETS, name), "source", None)
        for name in names("dataset", DATASETS)
    }
    return {name: s for name, s in declared.items() if isinstance(s, DatasetSource | Installed)}


def fetchable() -> list[str]:
    """Return the names of the datasets that are not part of the installation."""
    return [name for name, source in sources().items() if isinstance(source, DatasetSource)]


def _chosen(name: str | None) -> dict[str, AnySource]:
    known = sources()
    if name is None:
        return known
    if name not in known:
        raise unknown("dataset with files", name, known)
    return {name: known[name]}


def listed(name: str | None = None) -> list[dict[str, str]]:
    """Return name, size, status, license, origin and description of every dataset that has files.

    Parameters
    ----------
    name : str, optional
        A single dataset.
    """
    return [
        {
            "name": name,
            "size": _size(source),
            "status": _status(source),
            "license": source.licence,
            "origin": source.origin,
            "description": _first_line(lookup("dataset", DATASETS, name)),
        }
        for name, source in _chosen(name).items()
    ]


def _first_line(thing: type) -> str:
    return (thing.__doc__ or "").strip().partition("\n")[0]


def _size(source: AnySource) -> str:
    found = [path for file in source.files if (path := _found(source, file))]
    if len(found) == len(source.files):
        return _bytes(sum(path.stat().st_size for path in found))
    declared = sum(file.size or file.most or 0 for file in source.files)
    exact = all(file.size is not None for file in source.files)
    return _bytes(declared) if exact else f"up to {_bytes(declared)}"


def _status(source: AnySource) -> str:
    whole = all(_found(source, file) for file in source.files)
    if isinstance(source, Installed):
        return "installed" if whole else "incomplete"
    if whole:
        return "fetched"
    can_download = all(file.url for file in source.files)
    return "not fetched" if can_download else "not fetched: only --from a copy"


def _found(source: AnySource, file: File) -> Path | None:
    """Return the path of a file, or None if it does not exist."""
    with contextlib.suppress(InputError):
        path = source.path(file)
        return path if path.is_file() else None
    return None


def _bytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count} bytes"


@dataclass(frozen=True)
class FileCheck:
    """Whether a file exists and has the right digest."""

    dataset: str
    file: str
    state: FileState
    text: str


def verify(name: str | None = None) -> list[FileCheck]:
    """Compare files with their digests.

    Parameters
    ----------
    name : str, optional
        A dataset, whose files must all exist. By default, all datasets that have been fetched, at
        least in part.
    """
    checks = []
    for source in _chosen(name).values():
        found = [_check(source, file) for file in source.files]
        if name is not None or any(check.state != "missing" for check in found):
            checks += found
    return checks


def _check(source: AnySource, file: File) -> FileCheck:
    def check(state: FileState, text: str) -> FileCheck:
        return FileCheck(source.name, file.name, state, text)

    path, digest = _found(source, file), source.digest(file)
    if path is None:
        return check("missing", "no such file")
    if digest is None:
        return check("damaged", "no digest was recorded")
    found = digest_of(path, digest)
    if found != digest:
        return check("damaged", f"{short(found)}, not {short(digest)}")
    return check("good", short(digest))


def fetch(name: str, place: str | None = None) -> list[str]:
    """Fetch the files of a dataset that are missing or damaged; return one line per file.

    A file gets its final name once it is complete, has the declared digest and is valid.

    Parameters
    ----------
    name : str
        The dataset.
    place : str, optional
        A source other than the public URL: a file, a folder with files of these names, or the URL
        of either; that of a folder ends in a slash.

    Raises
    ------
    InputError
        If that fails. Nothing is kept but a partial download that can be resumed.
    """
    source = _chosen(name)[name]
    if isinstance(source, Installed):
        return [f"{name} is installed with {source.origin}: there is nothing to fetch"]

    def is_here(file: File) -> bool:
        known = place is None or file.digest is not None
        return known and _check(source, file).state == "good"

    def present(file: File) -> str:
        return f"{name}: {file.name} is already here: {source.path(file)}"

    if place is None and all(map(is_here, source.files)):
        return [present(file) for file in source.files]
    places = _places(source, place)
    with _fetch_lock():
        return [present(f) if is_here(f) else _fetch(source, f, where) for f, where in places]


@contextlib.contextmanager
def _fetch_lock() -> Iterator[None]:
    """Wait until no other process is fetching: it may fetch the same file."""
    data_folder().mkdir(parents=True, exist_ok=True)
    lock = FileLock(data_folder() / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        print("waiting for another fetch to finish", file=sys.stderr)
        lock.acquire(timeout=-1)
    try:
        yield
    finally:
        lock.release()


def _places(source: DatasetSource, place: str | None) -> list[tuple[File, str | Path]]:
    """Return the path or URL of each file."""
    if place is None:
        public = [(file, file.url) for file in source.files if file.url]
        if len(public) < len(source.files):
            raise InputError(f"{source.name} has no public URL: {source.command}")
        return list(public)
    if "://" in place:
        try:
            parts = urlsplit(place)
            host, _ = parts.hostname, parts.port  # each raises an error if it is malformed
        except ValueError as error:
            raise InputError(f"--from {place} is not a URL: {error}") from None
        if parts.scheme not in SCHEMES:
            raise InputError(
                f"--from {place}: {parts.scheme!r} must be one of {', '.join(SCHEMES)}, "
                "or use a path"
            )
        if not host:
            raise InputError(f"--from {place} has no host, as in https://HOST/FILE")
        if parts.path.endswith("/") and not parts.query:
            return [(file, place + quote(file.name)) for file in source.files]
        return [(_file_named(source, unquote(parts.path.rpartition("/")[2])), place)]
    path = Path(place).expanduser()
    if path.is_file():
        return [(_file_named(source, path.name), path)]
    if not path.is_dir():
        raise InputError(f"--from {place}: no such file or folder")
    return [(file, _in_folder(path, file)) for file in source.files]


def _in_folder(folder: Path, file: File) -> Path:
    for suffix in file.suffixes or ("",):
        if (path := folder / f"{file.name}{suffix}").is_file():
            return path
    raise InputError(f"--from {folder}: the folder has no {file.name}{(file.suffixes or [''])[0]}")


def _file_named(source: DatasetSource, name: str) -> File:
    """Return the file with a name; any name is accepted if the dataset has a single file."""
    for file in source.files:
        if file.name == name or len(source.files) == 1:
            return file
    raise unknown(f"file of {source.name}", name, [file.name for file in source.files])


def _fetch(source: DatasetSource, file: File, where: str | Path) -> str:
    source.folder.mkdir(parents=True, exist_ok=True)
    part = Part(source.path(file))
    with part.kept_if_useful():
        with Progress(None, "B") as progress:
            progress.describe(f"{source.name}: {file.name}")
            if isinstance(where, Path):
                copy(where, part, file, progress.set_done)
            else:
                download(where, part, file, progress.set_done)
        digest = digest_of(part.path, file.digest or "sha256:")
        if file.digest not in (digest, None):
            raise InputError(
                f"{where} has {short(digest)}, not the declared {short(file.digest)}: "
                "the file was discarded"
            )
        try:
            source.check(file, part.path)
        except InputError as error:
            raise InputError(f"{source.name}: {file.name}: {error}") from None
        part.finish()
        if file.digest is None:
            source.record(file, digest)
    return f"{source.name}: {file.name}, {short(digest)}: {part.final}"
