"""The Berkeley photographs on which denoising networks are usually trained and tested."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Domain
from sigbench.core.validation import check_field
from sigbench.datasets.base import Split
from sigbench.datasets.crops import fresh_crops
from sigbench.datasets.source import DatasetSource, File

FILES = (
    "https://raw.githubusercontent.com/LabForComputationalVision/bias_free_denoising/"
    "64930f028aec88b0ebc1fc13f79932f5b7aa744d/data/"
)
ORIGIN = "Berkeley segmentation data, Martin et al. 2001"
LICENCE = "for research and education"
N_TEST = 32  # the last images of bsd400 are its test split
SCALES = (1.0, 0.9, 0.8, 0.7)  # of training images, as in the publications


def _check(file: File, path: Path, sizes: tuple[tuple[int, int], ...]) -> None:
    """Check, without decoding, that a file is a gray PNG image of one of these sizes."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=("PNG",)) as image:
            found = (image.mode, image.size)
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        OSError,
        ValueError,
        SyntaxError,
    ) as error:
        raise InputError(f"{file.name} is not a PNG image: {error}") from None
    if found not in [("L", size) for size in sizes]:
        raise InputError(
            f"{file.name} has mode and size {found}: it must have mode L and one of the sizes {sizes}"
        )


@dataclass(frozen=True)
class Bsd400:
    """400 gray crops of photographs, 180×180 pixels, gray levels 0..255, float32.

    `draw` returns random crops of the training images at four scales, flipped and rotated.

    Parameters
    ----------
    window : int
        Side of a random crop in pixels.

    References
    ----------
    Martin, Fowlkes, Tal and Malik, ICCV 2001; Chen and Pock, IEEE TPAMI 39 (6), 2017.

    Examples
    --------
    >>> Bsd400().size("train"), Bsd400().size("test")
    (368, 32)
    """

    window: int = 50

    kind: ClassVar[str] = "bsd400"
    domain: ClassVar[Domain] = "image"
    peak: ClassVar[float] = 255.0
    problem_info: ClassVar[Mapping[str, Any]] = {}
    version: ClassVar[str] = "1"
    source: ClassVar[DatasetSource] = DatasetSource(
        "bsd400",
        ORIGIN,
        LICENCE,
        functools.partial(_check, sizes=((180, 180),)),
        address=FILES + "Train400/",
    )

    def __post_init__(self) -> None:
        check_field("window", self.window, 8, below=127)  # the smallest scale has 126×126 pixels

    def size(self, split: Split) -> int | None:
        """Return the number of images in the split."""
        n_test = min(N_TEST, len(self.source.files) // 2)
        return len(self.source.files) - n_test if split == "train" else n_test

    def item(self, split: Split, seed: int, item: int) -> Array:
        """Return one image, shape ``(1, 180, 180)``, float32; the same for every seed."""
        return _image(self._file(split, item)).copy()

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Return ``n`` random crops of training images, shape ``(n, 1, window, window)``."""
        paths = tuple(self._file("train", i) for i in range(self.size("train") or 0))
        return fresh_crops(_scaled(paths), n, self.window, rng)

    def group(self, split: Split, item: int) -> str | None:
        """Return the file name, so that noise draws of several seeds on one image are grouped."""
        return self._file(split, item).name

    def _file(self, split: Split, item: int) -> Path:
        files = self.source.files
        first = 0 if split == "train" else self.size("train") or 0
        return _found(self.source, files[first + item])


@dataclass(frozen=True)
class Bsd68:
    """68 gray test photographs, 481×321 or 321×481 pixels, gray levels 0..255, float32.

    The training split is that of `Bsd400`, which is fetched separately.

    References
    ----------
    Martin, Fowlkes, Tal and Malik, ICCV 2001; Roth and Black, IJCV 82, 2009.

    Examples
    --------
    >>> Bsd68().size("train"), Bsd68().size("test")
    (368, 68)
    """

    kind: ClassVar[str] = "bsd68"
    domain: ClassVar[Domain] = "image"
    peak: ClassVar[float] = 255.0
    problem_info: ClassVar[Mapping[str, Any]] = {}
    version: ClassVar[str] = "1"
    source: ClassVar[DatasetSource] = DatasetSource(
        "bsd68",
        ORIGIN,
        LICENCE,
        functools.partial(_check, sizes=((481, 321), (321, 481))),
        address=FILES + "Test/Set68/",
    )

    def size(self, split: Split) -> int | None:
        """Return the number of images in the split."""
        return Bsd400().size("train") if split == "train" else len(self.source.files)

    def item(self, split: Split, seed: int, item: int) -> Array:
        """Return one image, shape ``(1, H, W)``, float32; the same for every seed."""
        if split == "train":
            return Bsd400().item(split, seed, item)
        return _image(_found(self.source, self.source.files[item])).copy()

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Return ``n`` random crops of `Bsd400`, shape ``(n, 1, 50, 50)``."""
        return Bsd400().draw(n, rng)

    def group(self, split: Split, item: int) -> str | None:
        """Return the file name, so that noise draws of several seeds on one image are grouped."""
        return Bsd400().group(split, item) if split == "train" else self.source.files[item].name


@functools.cache
def _found(source: DatasetSource, file: File) -> Path:
    """Return the path of a file; its digest is checked once per process."""
    return source.verified_path(file)


@functools.lru_cache(maxsize=512)
def _image(path: Path) -> NDArray[np.float32]:
    from PIL import Image

    with Image.open(path, formats=("PNG",)) as image:
        return np.asarray(image, np.float32)[None]


@functools.lru_cache(maxsize=1)
def _scaled(paths: tuple[Path, ...]) -> list[NDArray[np.float32]]:
    """Return all images at all scales."""
    from PIL import Image

    images = []
    for path in paths:
        full = Image.fromarray(_image(path)[0])
        for scale in SCALES:
            size = (round(scale * full.width), round(scale * full.height))
            image = full if scale == 1 else full.resize(size, Image.Resampling.BICUBIC)
            images.append(np.clip(np.asarray(image, np.float32)[None], 0, 255))
    return images
