"""The files of a dataset: their origin, location and digests."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from sigbench.core.atomic import write_atomically
from sigbench.core.errors import InputError
from sigbench.datasets.base import card_folder

MAX_LISTED = 1_000_000  # maximum size in bytes of a listed file, if no other is given
RECORD = "hashes.json"  # recorded digests of files whose digests are not published


@dataclass(frozen=True)
class File:
    """One file of a dataset.

    Parameters
    ----------
    name : str
        File name.
    digest : str, optional
        ``md5:...`` or ``sha256:...``. If not given, the digest of the fetched file is recorded.
    size : int, optional
        Exact size in bytes.
    most : int, optional
        Maximum size in bytes, if the exact size is not known.
    url : str, optional
        Public address.
    suffixes : tuple of str
        Suffixes that a copy in a user's folder may have after ``name``, instead of none.
    """

    name: str
    digest: str | None = None
    size: int | None = None
    most: int | None = None
    url: str | None = None
    suffixes: tuple[str, ...] = ()


@dataclass(frozen=True)
class DatasetSource:
    """Files that are fetched into the data folder and read from there.

    Parameters
    ----------
    name : str
        Name of the dataset.
    origin, licence : str
        Author and licence.
    check : callable
        ``check(file, path)`` raises an `InputError` if the content of a file is invalid.
    declared : tuple of File
        Files to fetch; if empty, the files that `listed` returns.
    address : str
        Public address of the listed files: a folder, ending in a slash.
    most : int
        Maximum size in bytes of a listed file.
    """

    name: str
    origin: str
    licence: str
    check: Callable[[File, Path], None]
    declared: tuple[File, ...] = ()
    address: str = ""
    most: int = MAX_LISTED

    @functools.cached_property
    def files(self) -> tuple[File, ...]:
        """The files to fetch."""
        return self.declared or tuple(
            dataclasses.replace(file, most=self.most, url=self.address + file.name)
            for file in listed(self.name)
        )

    @property
    def folder(self) -> Path:
        """The folder of the fetched files."""
        return data_folder() / self.name

    def path(self, file: File) -> Path:
        """Return the path of a file, whether or not it exists."""
        return self.folder / file.name

    def digest(self, file: File) -> str | None:
        """Return the declared digest of a file, or the one recorded when it was fetched."""
        return file.digest or self._recorded().get(file.name)

    def record(self, file: File, digest: str) -> None:
        """Record the digest of a fetched file."""
        recorded = {**self._recorded(), file.name: digest}
        write_atomically(self.folder / RECORD, json.dumps(recorded, indent=2).encode() + b"\n")

    def _recorded(self) -> dict[str, str]:
        try:
            recorded = json.loads((self.folder / RECORD).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        pairs = recorded.items() if isinstance(recorded, dict) else ()
        return {k: v for k, v in pairs if isinstance(v, str) and _DIGEST.fullmatch(v)}

    @property
    def command(self) -> str:
        """The command that fetches the files."""
        public = all(file.url for file in self.files)
        return f"sigbench data fetch {self.name}" + ("" if public else " --from PATH_OR_URL")

    def verified_path(self, file: File) -> Path:
        """Return the path of a file after checking its digest.

        Raises
        ------
        InputError
            If it has not been fetched or is damaged; the message names the command to run.
        """
        path, digest = self.path(file), self.digest(file)
        if not path.is_file() or digest is None:
            raise InputError(f"{self.name} has not been fetched: run {self.command}")
        found = digest_of(path, digest)
        if found != digest:
            raise InputError(
                f"{self.name} is damaged: {file.name} has {short(found)}, not {short(digest)}: "
                f"run {self.command}"
            )
        return path


@dataclass(frozen=True)
class Installed:
    """Files that are part of an installation; their digests are listed in the dataset card.

    Parameters
    ----------
    name : str
        Name of the dataset.
    origin, licence : str
        Packages that contain the files, and their licence.
    path_of : callable
        ``path_of(name)`` returns the path of a file; it may raise an `InputError`.
    """

    name: str
    origin: str
    licence: str
    path_of: Callable[[str], Path]

    @property
    def files(self) -> tuple[File, ...]:
        """The files listed in the card."""
        return listed(self.name)

    def path(self, file: File) -> Path:
        """Return the path of a file."""
        return self.path_of(file.name)

    def digest(self, file: File) -> str | None:
        """Return the digest listed in the card."""
        return file.digest


def listed(name: str) -> tuple[File, ...]:
    """Return the files listed in a dataset card, with their digests.

    A long list is in a file beside the card, ``NAME.sha256``, in the format of ``sha256sum``.

    Examples
    --------
    >>> listed("photos32")[0].name
    'astronaut.png'
    >>> len(listed("fsdd"))
    2400
    """
    beside = card_folder() / f"{name}.sha256"
    if beside.is_file():
        lines = beside.read_text(encoding="utf-8").splitlines()
        pairs = [line.split(maxsplit=1) for line in lines]
        return tuple(File(file, f"sha256:{digest}") for digest, file in pairs)
    card = (card_folder() / f"{name}.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\S+) +\| ([0-9a-f]{64}) \|$", card, re.M)
    return tuple(File(name, f"sha256:{digest}") for name, digest in rows)


def data_folder() -> Path:
    """Return the folder of fetched data: ``SIGBENCH_DATA``, or the user's cache folder."""
    if chosen := os.environ.get("SIGBENCH_DATA"):
        return Path(chosen).expanduser()
    return platformdirs.user_cache_path("sigbench")


_DIGEST = re.compile(r"md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}")


def digest_of(path: Path, like: str = "sha256:") -> str:
    """Return the digest of a file, with the hash function of the digest ``like``.

    Examples
    --------
    >>> digest_of(Path(os.devnull), like="md5:")
    'md5:d41d8cd98f00b204e9800998ecf8427e'
    """
    kind = like.partition(":")[0]
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.new(kind, usedforsecurity=False))
    return f"{kind}:{digest.hexdigest()}"


def short(digest: str) -> str:
    """Return the hash function and first digits of a digest, for messages.

    Examples
    --------
    >>> short("md5:d41d8cd98f00b204e9800998ecf8427e")
    'md5 d41d8cd98f00'
    """
    kind, _, digits = digest.partition(":")
    return f"{kind} {digits[:12]}"
