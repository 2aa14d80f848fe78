"""A folder of user files: recordings, images, tables or arrays."""

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
    """Clean items from a folder of WAV, FLAC, PNG, JPG, TIFF, CSV or NPY files of one kind.

    If there are subfolders ``train`` and ``test``, they are the splits. Otherwise all files are
    in the test split, and methods cannot be tuned or trained.

    Parameters
    ----------
    path : str
        Path of the folder, relative to the working directory.
    peak : float, optional
        Peak value, in the units of the files. The default is full scale for sound (1) and integer
        images (255 or 65535); for floating-point data it must be set.

    Examples
    --------
    >>> Folder("no/such/folder")
    Traceback (most recent call last):
    sigbench.core.errors.InputError: path=no/such/folder is not a folder
    """

    path: str = field(metadata={"identity": False})  # `version` depends on the content
    peak: float | None = None

    kind: ClassVar[str] = "folder"

    def __post_init__(self) -> None:
        if not Path(self.path).is_dir():
            raise InputError(f"path={self.path} is not a folder")
        for file in self._files("train") + self._files("test"):
            if not file.name.isprintable():
                raise InputError(
                    f"path={self.path} contains the unprintable file name {file.name!r}: rename it"
                )
        if not self._files("test"):
            raise InputError(f"path={self.path} contains no file of type {', '.join(FAMILIES)}")
        families = {family(file) for file in self._files("train") + self._files("test")}
        if len(families) > 1:
            raise InputError(f"path={self.path} mixes {' and '.join(sorted(families))} files")
        peak = _content(self._files("test")[0]).peak if self.peak is None else self.peak
        if peak is None:
            raise InputError(f"path={self.path} contains floating-point data: set peak=")
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
        """Kind of signal in the files."""
        return _content(self._files("test")[0]).domain

    @functools.cached_property
    def problem_info(self) -> dict[str, Any]:
        """For sound, the sampling rate ``fs`` in Hz."""
        fs = _content(self._files("test")[0]).fs
        return {} if fs is None else {"fs": fs}

    @functools.cached_property
    def version(self) -> str:
        """Digest of all file names and contents."""
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
        """Return the content of one file, shape ``(C, *space)``; the same for every seed."""
        file = self._files(split)[item]
        content = _content(file)
        if content.fs != self.problem_info.get("fs"):
            raise InputError(
                f"{file.name} has fs={content.fs} Hz, other files {self.problem_info.get('fs')} Hz"
            )
        return content.item

    def group(self, split: Split, item: int) -> str | None:
        """Return the file name, so that noise draws of several seeds on one file are grouped."""
        return self._files(split)[item].name


def _listed(root: Path) -> list[Path]:
    return sorted(p for p in root.glob("*") if p.is_file() and p.suffix.lower() in FAMILIES)


def _content(path: Path) -> Content:
    return _read(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _read(path: Path, mtime_ns: int) -> Content:
    return read(path)
