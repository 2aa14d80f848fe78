"""Where the files of a dataset are from, where they lie, and whether they are the right ones."""

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

from sigbench.core.errors import InputError
from sigbench.core.media import write_atomically
from sigbench.datasets.base import card_folder

MAX_LISTED = 1_000_000  # bytes of a file that a card lists
RECORD = "hashes.json"  # beside files whose hash nobody has published


@dataclass(frozen=True)
class File:
    """One file of a dataset.

    Parameters
    ----------
    name : str
        Its name.
    digest : str, optional
        ``md5:...`` or ``sha256:...``. Where it is not known, that of the file fetched is recorded.
    size : int, optional
        Bytes, exactly.
    most : int, optional
        Bytes at most, where the size is not known.
    url : str, optional
        Where it is public.
    """

    name: str
    digest: str | None = None
    size: int | None = None
    most: int | None = None
    url: str | None = None


@dataclass(frozen=True)
class DatasetSource:
    """Files that are fetched into a folder of their own, and read from there.

    Parameters
    ----------
    name : str
        The dataset's.
    origin, licence : str
        Who made it, and on what terms it is given.
    check : callable
        ``check(file, path)`` raises an `InputError` where a file's content is not as it must be.
    declared : tuple of File
        What is fetched; where it is empty, the files that the card lists.
    address : str
        Where those are public: a folder, its address ending in a slash.
    """

    name: str
    origin: str
    licence: str
    check: Callable[[File, Path], None]
    declared: tuple[File, ...] = ()
    address: str = ""

    @functools.cached_property
    def files(self) -> tuple[File, ...]:
        """What is fetched."""
        return self.declared or tuple(
            dataclasses.replace(file, most=MAX_LISTED, url=self.address + file.name)
            for file in listed(self.name)
        )

    @property
    def folder(self) -> Path:
        """Where the files lie."""
        return data_folder() / self.name

    def path(self, file: File) -> Path:
        """Return where a file lies, or would."""
        return self.folder / file.name

    def digest(self, file: File) -> str | None:
        """Return the digest that a file must have: as declared, or as recorded at fetching."""
        return file.digest or self._recorded().get(file.name)

    def record(self, file: File, digest: str) -> None:
        """Note the digest of a file that was fetched."""
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
        """How it is fetched."""
        public = all(file.url for file in self.files)
        return f"sigbench data fetch {self.name}" + ("" if public else " --from PATH_OR_URL")

    def found(self, file: File) -> Path:
        """Return where a file lies, once its digest is seen to be the right one.

        Raises
        ------
        InputError
            Where it is not here, or damaged; it says what to do.
        """
        path, digest = self.path(file), self.digest(file)
        if not path.is_file() or digest is None:
            raise InputError(f"{self.name} is not here: {self.command}")
        found = digest_of(path, digest)
        if found != digest:
            raise InputError(
                f"{self.name} is damaged: {file.name} has {short(found)}, not {short(digest)}: "
                f"{self.command}"
            )
        return path


@dataclass(frozen=True)
class Installed:
    """Files that come with the installation; their digests stand in the dataset's card.

    Parameters
    ----------
    name : str
        The dataset's.
    origin, licence : str
        What they come with, and on what terms they are given.
    path_of : callable
        ``path_of(name)`` returns where a file lies; it may raise an `InputError`.
    """

    name: str
    origin: str
    licence: str
    path_of: Callable[[str], Path]

    @property
    def files(self) -> tuple[File, ...]:
        """The files that the card lists."""
        return listed(self.name)

    def path(self, file: File) -> Path:
        """Return where a file lies."""
        return self.path_of(file.name)

    def digest(self, file: File) -> str | None:
        """Return the digest that a file must have."""
        return file.digest


def listed(name: str) -> tuple[File, ...]:
    """Return the files that a dataset's card lists with their digests.

    Examples
    --------
    >>> listed("photos32")[0].name
    'astronaut.png'
    """
    card = (card_folder() / f"{name}.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\S+) +\| ([0-9a-f]{64}) \|$", card, re.M)
    return tuple(File(name, f"sha256:{digest}") for name, digest in rows)


def data_folder() -> Path:
    """Return where fetched data lie: ``SIGBENCH_DATA``, else the user's folder for caches."""
    if chosen := os.environ.get("SIGBENCH_DATA"):
        return Path(chosen).expanduser()
    return platformdirs.user_cache_path("sigbench")


_DIGEST = re.compile(r"md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}")


def digest_of(path: Path, like: str = "sha256:") -> str:
    """Return a file's digest, of the same kind as another.

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
    """Return a digest's kind and first digits, for people.

    Examples
    --------
    >>> short("md5:d41d8cd98f00b204e9800998ecf8427e")
    'md5 d41d8cd98f00'
    """
    kind, _, digits = digest.partition(":")
    return f"{kind} {digits[:12]}"
