"""CIFAR-10: 60,000 small color photographs, which must be fetched."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Domain
from sigbench.datasets.base import Split
from sigbench.datasets.safe_load import members, opcodes
from sigbench.datasets.source import DatasetSource, File

PICTURES = 10_000  # images in each member
MEMBERS: dict[Split, tuple[str, ...]] = {
    "train": tuple(f"cifar-10-batches-py/data_batch_{i}" for i in range(1, 6)),
    "test": ("cifar-10-batches-py/test_batch",),
}
MAX_IN_A_MEMBER, MAX_IN_ALL = 32_000_000, 200_000_000  # bytes
PIXELS = 3 * 32 * 32
ORDERS: dict[str, Literal["C", "F"]] = {"NEWFALSE": "C", "NEWTRUE": "F"}
NUMPY = (
    "numpy.core.multiarray._reconstruct",
    "numpy.ndarray",
    "numpy.dtype",
)  # names in the pickle of an array


def _check(file: File, path: Path) -> None:
    _read(path, MEMBERS["train"] + MEMBERS["test"])


@dataclass(frozen=True)
class Cifar10:
    """32×32 color photographs of CIFAR-10, gray levels 0..255, float32.

    The archive is never unpacked and its pickles are never loaded. Only their opcodes are parsed,
    to find the byte string with the length of the image array.

    References
    ----------
    A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.

    Examples
    --------
    >>> Cifar10().size("train"), Cifar10().size("test")
    (50000, 10000)
    """

    kind: ClassVar[str] = "cifar10"
    domain: ClassVar[Domain] = "image"
    peak: ClassVar[float] = 255.0
    problem_info: ClassVar[Mapping[str, Any]] = {}
    version: ClassVar[str] = "1"
    source: ClassVar[DatasetSource] = DatasetSource(
        name="cifar10",
        origin="A. Krizhevsky, University of Toronto",
        licence="none stated",
        declared=(
            File(
                "cifar-10-python.tar.gz",
                digest="md5:c58f30108f718f92721af3b95e74349a",
                size=170_498_071,
                url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
            ),
        ),
        check=_check,
    )

    def size(self, split: Split) -> int | None:
        """Return the number of images in the split."""
        return PICTURES * len(MEMBERS[split])

    def item(self, split: Split, seed: int, item: int) -> Array:
        """Return one image, shape ``(3, 32, 32)``, float32; the same for every seed."""
        return _images(self.source.folder, split)[item].astype(np.float32)

    def group(self, split: Split, item: int) -> str | None:
        """Return None: images are independent."""
        return None


@functools.cache
def _images(folder: Path, split: Split) -> NDArray[np.uint8]:
    (file,) = Cifar10.source.files
    return _read(Cifar10.source.verified_path(file), MEMBERS[split])


def _read(path: Path, names: tuple[str, ...]) -> NDArray[np.uint8]:
    images = np.empty((len(names), PICTURES, 3, 32, 32), np.uint8)
    for name, pickle in members(path, dict.fromkeys(names, MAX_IN_A_MEMBER), MAX_IN_ALL):
        images[names.index(name)] = _pictures_in(pickle)
    return images.reshape(-1, 3, 32, 32)


def _pictures_in(pickle: bytes) -> NDArray[np.uint8]:
    """Return the images in a dictionary pickled by Python 2.

    The opcode before the bytes of an array is its boolean Fortran-order flag; one row of the array
    is one image.
    """
    found, previous = [], ""
    for name, text in opcodes(pickle, NUMPY):
        if name == "BINSTRING" and isinstance(text, str) and len(text) == PICTURES * PIXELS:
            found.append((previous, text.encode("latin-1")))  # as pickletools decodes it
        previous = name
    if len(found) != 1 or found[0][0] not in ORDERS:
        raise InputError(
            f"the pickle contains {len(found)} arrays of {PICTURES} images instead of 1"
        )
    (order, levels) = found[0]
    rows = np.frombuffer(levels, np.uint8).reshape(PICTURES, PIXELS, order=ORDERS[order])
    return rows.reshape(PICTURES, 3, 32, 32)
