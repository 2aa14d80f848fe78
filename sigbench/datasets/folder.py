"""A folder of one's own recordings, images or tables."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from sigbench.core.errors import InputError
from sigbench.core.media import FAMILIES, Content, family, read
from sigbench.core.protocols import Array, Domain
from sigbench.datasets.base import Split


@dataclass(frozen=True)
class Folder:
    """Clean items from files: WAV, FLAC, PNG, JPG, TIFF, CSV or NPY, one kind a folder.

    With subfolders ``train`` and ``test`` these are the splits. Without, every file is in the
    test split, and there is nothing to tune or train on.

    Parameters
    ----------
    path : str
        The folder, relative to the working directory.
    peak : float, optional
        The peak value, in the files' units. By default full scale for sound (1) and whole-number
        images (255 or 65535); floating-point data have none and must say it.

    Examples
    --------
    >>> Folder("no/such/folder")
    Traceback (most recent call last):
    sigbench.core.errors.InputError: path=no/such/folder is no folder
    """

    path: str = field(metadata={"identity": False})  # `version` stands for the content
    peak: float | None = None

    kind: ClassVar[str] = "folder"

    def __post_init__(self) -> None:
        if not Path(self.path).is_dir():
            raise InputError(f"path={self.path} is no folder")
        for file in self._files("train") + self._files("test"):
            if not file.name.isprintable():
                raise InputError(f"path={self.path} holds {file.name!r}: rename it")
        if not self._files("test"):
            raise InputError(f"path={self.path} holds no file of {', '.join(FAMILIES)}")
        families = {family(file) for file in self._files("train") + self._files("test")}
        if len(families) > 1:
            raise InputError(f"path={self.path} mixes {' and '.join(sorted(families))} files")
        peak = _content(self._files("test")[0]).peak if self.peak is None else self.peak
        if peak is None:
            raise InputError(f"path={self.path} holds floating-point data: set peak=")
        if peak <= 0:
            raise InputError(f"peak={peak:g} must be > 0")
        object.__setattr__(self, "peak", peak)

    @functools.cached_property
    def _splits(self) -> dict[Split, list[Path]]:
        root = Path(self.path)
        if not (root / "test").is_dir():
            return {"train": [], "test": _listed(root)}
        return {"train": _listed(root / "train"), "test": _listed(root / "test")}

    def _files(self, split: Split) -> list[Path]:
        return self._splits[split]

    @functools.cached_property
    def domain(self) -> Domain:
        """What kind of signal the files hold."""
        return _content(self._files("test")[0]).domain

    @functools.cached_property
    def problem_info(self) -> dict[str, Any]:
        """The sampling rate of sound, in Hz."""
        fs = _content(self._files("test")[0]).fs
        return {} if fs is None else {"fs": fs}

    @functools.cached_property
    def version(self) -> str:
        """A digest of all names and contents."""
        digest = hashlib.sha256()
        for split in ("train", "test"):
            for file in self._files(split):
                digest.update(f"{split}/{file.name}\x1f".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()[:16]

    def size(self, split: Split) -> int | None:
        """Return the number of files in the split."""
        return len(self._files(split))

    def item(self, split: Split, seed: int, item: int) -> Array:
        """Return one file's content, shape ``(C, *space)``; the same for every seed."""
        file = self._files(split)[item]
        content = _content(file)
        if content.fs != self.problem_info.get("fs"):
            raise InputError(
                f"{file.name} has fs={content.fs} Hz, others {self.problem_info.get('fs')} Hz"
            )
        return content.item

    def group(self, split: Split, item: int) -> str | None:
        """Return the file's name: its noises under several seeds are one group."""
        return self._files(split)[item].name


def _listed(root: Path) -> list[Path]:
    return sorted(p for p in root.glob("*") if p.is_file() and p.suffix.lower() in FAMILIES)


def _content(path: Path) -> Content:
    return _read(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _read(path: Path, mtime_ns: int) -> Content:
    return read(path)
