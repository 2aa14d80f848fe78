"""A folder of user files: recordings, images, tables or arrays."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

from sigbench.core.errors import InputError
from sigbench.core.media import FAMILIES, Content, family, read
from sigbench.core.protocols import Array, Domain
from sigbench.core.validation import check_choice
from sigbench.datasets.base import Split
from sigbench.datasets.survey import Properties, survey


class _Files(NamedTuple):
    """The files of a folder."""

    splits: Mapping[Split, list[Path]]
    properties: Properties
    bad: Mapping[Path, str]


@dataclass(frozen=True)
class Folder:
    """Clean items from a folder of WAV, FLAC, PNG, JPG, TIFF, CSV or NPY files of one kind.

    If there are subfolders ``train`` and ``test``, they are the splits. Otherwise all files are
    in the test split, and methods cannot be tuned or trained. Hidden files, whose names begin with
    a dot, and files of other types are ignored.

    All files are read when the dataset is constructed. They must have the same kind, number of
    channels, sampling rate and range (8-bit and 16-bit images are not mixed), and sound must not be
    silent.

    Parameters
    ----------
    path : str
        Path of the folder, relative to the working directory.
    peak : float, optional
        Peak value, in the units of the files. The default is full scale for sound (1) and unsigned
        integers of 8 or 16 bits (255 or 65535); otherwise it must be set.
    on_bad_item : {"error", "skip"}
        Whether a file that cannot be an item is an error, or is left out and listed.

    Examples
    --------
    >>> Folder("no/such/folder")
    Traceback (most recent call last):
    sigbench.core.errors.InputError: path=no/such/folder is not a folder
    """

    path: str = field(metadata={"identity": False})  # `version` depends on the content
    peak: float | None = None
    on_bad_item: Literal["error", "skip"] = field(default="error", metadata={"identity": False})

    kind: ClassVar[str] = "folder"

    def __post_init__(self) -> None:
        check_choice("on_bad_item", self.on_bad_item, ("error", "skip"))
        common = self._found.properties
        peak = common.peak if self.peak is None else self.peak
        if peak is None:
            raise InputError(f"path={self.path} contains data without a fixed range: set peak=")
        if peak <= 0:
            raise InputError(f"peak={peak:g} must be > 0")
        object.__setattr__(self, "peak", peak)

    @functools.cached_property
    def _found(self) -> _Files:
        root = Path(self.path)
        if not root.is_dir():
            raise InputError(f"path={self.path} is not a folder")
        train, test = [], _listed(root)
        if (root / "test").is_dir():
            train, test = _listed(root / "train"), _listed(root / "test")
        if not test:
            raise InputError(f"path={self.path} contains no file of type {', '.join(FAMILIES)}")
        families = {family(file) for file in [*test, *train]}
        if len(families) > 1:
            raise InputError(f"path={self.path} mixes {' and '.join(sorted(families))} files")
        properties, bad = survey([*test, *train])
        if bad and self.on_bad_item == "error":
            file, reason = next(iter(bad.items()))
            more = f" (and {len(bad) - 1} more of {len(test) + len(train)} files)"
            raise InputError(
                f"{file} {reason}{more if len(bad) > 1 else ''}; "
                'on_bad_item="skip" leaves out such files'
            )
        test, train = ([file for file in files if file not in bad] for files in (test, train))
        if properties is None or not test:
            file, reason = next(iter(bad.items()))
            raise InputError(f"path={self.path} has no test item left: {file} {reason}")
        return _Files({"train": train, "test": test}, properties, bad)

    @property
    def left_out(self) -> dict[str, str]:
        """Why files were left out, by their name in the folder."""
        root = Path(self.path)
        return {str(file.relative_to(root)): reason for file, reason in self._found.bad.items()}

    def _files(self, split: Split) -> list[Path]:
        return self._found.splits[split]

    @property
    def domain(self) -> Domain:
        """Kind of signal in the files."""
        return self._found.properties.domain

    @property
    def problem_info(self) -> dict[str, Any]:
        """For sound, the sampling rate ``fs`` in Hz."""
        fs = self._found.properties.fs
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
        return self.content(split, item).item.copy()

    def content(self, split: Split, item: int) -> Content:
        """Return one file as it was read."""
        return _content(self._files(split)[item])

    def group(self, split: Split, item: int) -> str | None:
        """Return the file name, so that noise draws of several seeds on one file are grouped."""
        return self._files(split)[item].name


def _listed(root: Path) -> list[Path]:
    """Return the data files of a folder; they need not be readable."""
    return sorted(
        path
        for path in (root.iterdir() if root.is_dir() else ())
        if path.suffix.lower() in FAMILIES and path.name[0] != "." and not path.is_dir()
    )


def _content(path: Path) -> Content:
    return _read(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _read(path: Path, mtime_ns: int) -> Content:
    return read(path)
