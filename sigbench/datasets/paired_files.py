"""Two folders of user files: noisy ones, and a clean one for each of them."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from sigbench.core.errors import InputError, shown
from sigbench.core.media.content import Content
from sigbench.core.protocols import Array, Domain
from sigbench.core.validation import check_choice
from sigbench.datasets.base import Split
from sigbench.datasets.folder import Folder

MAX_RATE_ERROR = 0.01  # the time stamps of a table may be rounded


@dataclass(frozen=True)
class PairedFiles:
    """Recorded noise in user files: noisy files, and clean ones of the same names.

    Both folders are read like a `Folder`. If they have subfolders ``train`` and ``test``, these are
    the splits. The noisy file ``a.wav`` belongs to the clean file ``a.wav`` or ``a.flac``. Both
    must have the same kind, number of channels, sampling rate, range and size. The degradation of
    such a problem is ``recorded``.

    Parameters
    ----------
    noisy, clean : str
        Paths of the folders, relative to the working directory.
    peak : float, optional
        Peak value, in the units of the files. The default is full scale for sound (1) and unsigned
        integers of 8 or 16 bits (255 or 65535); otherwise it must be set.
    on_bad_item : {"error", "skip"}
        Whether a file that cannot be an item, or has no counterpart, is an error, or is left out
        and listed.

    Examples
    --------
    >>> PairedFiles(noisy="no/such/folder", clean="another")
    Traceback (most recent call last):
    sigbench.core.errors.InputError: path=no/such/folder is not a folder
    """

    noisy: str = field(metadata={"identity": False})  # `version` depends on the content
    clean: str = field(metadata={"identity": False})
    peak: float | None = None
    on_bad_item: Literal["error", "skip"] = field(default="error", metadata={"identity": False})

    kind: ClassVar[str] = "pairs"
    recorded: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_choice("on_bad_item", self.on_bad_item, ("error", "skip"))
        noisy, clean = self._folders
        for name in ("domain", "peak", "problem_info"):
            first, second = getattr(noisy, name), getattr(clean, name)
            if first != second:
                raise InputError(
                    f"noisy={self.noisy} and clean={self.clean} differ: {name} is {first} and {second}"
                )
        object.__setattr__(self, "peak", clean.peak)
        if self.left_out and self.on_bad_item == "error":
            name, reason = next(iter(self.left_out.items()))
            more = f" (and {len(self.left_out) - 1} more)" if len(self.left_out) > 1 else ""
            raise InputError(f'{name} {reason}{more}; on_bad_item="skip" leaves out such files')
        if not self._pairs["test"]:
            raise InputError(
                f"noisy={self.noisy} and clean={self.clean} have no test file in common"
            )

    @functools.cached_property
    def _folders(self) -> tuple[Folder, Folder]:
        return (
            Folder(self.noisy, self.peak, self.on_bad_item),
            Folder(self.clean, self.peak, self.on_bad_item),
        )

    @functools.cached_property
    def _matched(self) -> tuple[dict[Split, list[tuple[int, int]]], dict[str, str]]:
        """Return the indices of the files of each pair, and why files are left out."""
        noisy, clean = self._folders
        pairs: dict[Split, list[tuple[int, int]]] = {"train": [], "test": []}
        bad = {f"{self.noisy}/{name}": reason for name, reason in noisy.left_out.items()}
        bad |= {f"{self.clean}/{name}": reason for name, reason in clean.left_out.items()}
        for split, found in pairs.items():
            firsts, seconds = _by_stem(noisy, split), _by_stem(clean, split)
            for stem in sorted(firsts.keys() | seconds.keys()):
                if stem not in seconds:
                    name = noisy.group(split, firsts[stem])
                    bad[f"{self.noisy}/{name}"] = f"has no counterpart in {self.clean}"
                elif stem not in firsts:
                    name = clean.group(split, seconds[stem])
                    bad[f"{self.clean}/{name}"] = f"has no counterpart in {self.noisy}"
                else:
                    found.append((firsts[stem], seconds[stem]))
            for first, second in list(found):
                reason = _difference(noisy.content(split, first), clean.content(split, second))
                if reason:
                    bad[f"{self.noisy}/{noisy.group(split, first)}"] = reason
                    found.remove((first, second))
        return pairs, bad

    @property
    def _pairs(self) -> Mapping[Split, list[tuple[int, int]]]:
        return self._matched[0]

    @property
    def left_out(self) -> dict[str, str]:
        """Why files were left out, by their path."""
        return self._matched[1]

    @property
    def domain(self) -> Domain:
        """Kind of signal in the files."""
        return self._folders[1].domain

    @property
    def problem_info(self) -> dict[str, Any]:
        """For sound, the sampling rate ``fs`` in Hz."""
        return self._folders[1].problem_info

    @property
    def version(self) -> str:
        """Digest of the names and contents of all files."""
        return "-".join(folder.version for folder in self._folders)

    def size(self, split: Split) -> int | None:
        """Return the number of pairs in the split."""
        return len(self._pairs[split])

    def item(self, split: Split, seed: int, item: int) -> Array:
        """Return both views of one item, the noisy one last, shape ``(2C, *space)``."""
        first, second = self._pairs[split][item]
        noisy, clean = self._folders
        return np.concatenate([clean.item(split, seed, second), noisy.item(split, seed, first)])

    def group(self, split: Split, item: int) -> str | None:
        """Return the name of the clean file."""
        return self._folders[1].group(split, self._pairs[split][item][1])


def _difference(noisy: Content, clean: Content) -> str | None:
    """Return why two files are no pair, or None.

    The names of columns may differ, such as ``noisy`` and ``clean``, but not only in their order.
    """
    if noisy.item.shape != clean.item.shape:
        return f"has shape {noisy.item.shape}, but its clean file has {clean.item.shape}"
    if noisy.labels != clean.labels and sorted(noisy.labels) == sorted(clean.labels):
        columns = " and ".join(shown(", ".join(one.labels[:9])) for one in (noisy, clean))
        return f"and its clean file have the same columns in different orders: {columns}"
    if noisy.fs and clean.fs and not math.isclose(noisy.fs, clean.fs, rel_tol=MAX_RATE_ERROR):
        return f"has a sampling rate of {noisy.fs:g} Hz, but its clean file has {clean.fs:g} Hz"
    return None


def _by_stem(folder: Folder, split: Split) -> dict[str, int]:
    """Return the index of every file in a split by its name without suffix.

    Raises
    ------
    InputError
        If two files differ only in their suffix.
    """
    found: dict[str, int] = {}
    for item in range(folder.size(split) or 0):
        name = str(folder.group(split, item))
        stem = Path(name).stem
        if stem in found:
            other = folder.group(split, found[stem])
            raise InputError(
                f"path={folder.path} contains {shown(name)} and {shown(str(other))}: "
                "the names without suffix must be distinct"
            )
        found[stem] = item
    return found
