"""32×32 color crops of six photographs, four of them from the installed scikit-image."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Domain
from sigbench.core.rng import item_rng
from sigbench.core.validation import check_field
from sigbench.datasets.base import Split, card_folder
from sigbench.datasets.crops import as_grey, fresh_crops
from sigbench.datasets.source import Installed

PHOTOGRAPHS: dict[Split, tuple[str, ...]] = {
    "train": ("astronaut.png", "coffee.png"),
    "test": ("chelsea.png", "rocket.jpg"),
}
EMBEDDED = ("china.jpg", "flower.jpg")  # in datasets/photos32; the others are in scikit-image
DRAWN = (*PHOTOGRAPHS["train"], *EMBEDDED)  # the photographs that `Photos32.draw` crops
TILE = 64  # pixels of the full-size photograph: crops that start in one tile are one group


@dataclass(frozen=True)
class Photos32:
    """Square crops in color or gray, gray levels 0..255, float32; split by photograph.

    Crops overlap; their group is the 64-pixel tile in which they start. They are in a fixed random
    order, so that the first N are a sample of all. `draw` returns random crops of the training
    photographs and of two further photographs, flipped and rotated.

    Parameters
    ----------
    window : int
        Side of a crop in pixels: 32, or 32 times the factor of a `Subsample` degradation.
    stride : int
        Distance between neighboring crops in pixels.
    scales : int
        Number of scales of each photograph: 1, or 2 to add half size (means of 2×2 pixels).
    min_std : float
        Minimum contrast: crops whose standard deviation, averaged over the channels, does not
        exceed this many gray levels are left out.
    grey : bool
        Whether crops have one channel, the luma.

    Examples
    --------
    >>> crop = Photos32().item("test", 1, 0)
    >>> crop.shape, crop.dtype
    ((3, 32, 32), dtype('float32'))
    >>> Photos32(grey=True).item("test", 1, 0).shape
    (1, 32, 32)
    """

    window: int = 32
    stride: int = 16
    scales: int = 2
    min_std: float = 10.0
    grey: bool = field(default=False, metadata={"identity": "if set"})

    kind: ClassVar[str] = "photos32"
    domain: ClassVar[Domain] = "image"
    peak: ClassVar[float] = 255.0
    problem_info: ClassVar[Mapping[str, Any]] = {}
    version: ClassVar[str] = "1"
    source: ClassVar[Installed] = Installed(
        "photos32",
        "scikit-image and sigbench",
        "public domain, CC0, CC-BY",
        lambda name: photograph_file(name),
    )

    def __post_init__(self) -> None:
        check_field("stride", self.stride, 1)
        check_field("min_std", self.min_std, 0)
        check_field("scales", self.scales, 1, below=3)
        if not 8 <= self.window <= 256:
            raise InputError(f"window={self.window} must be >= 8 and <= 256")

    def size(self, split: Split) -> int | None:
        """Return the number of crops in the split."""
        return len(_crops(split, self))

    def item(self, split: Split, seed: int, item: int) -> Array:
        """Return one crop, shape ``(C, window, window)``, float32; the same for every seed."""
        name, scale, row, column = _crops(split, self)[item]
        photograph = _photograph(name, scale, self.grey)
        return photograph[:, row : row + self.window, column : column + self.window].copy()

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Return ``n`` random crops for training, shape ``(n, C, window, window)``.

        All positions in all photographs at all scales are equally likely, including flat ones.
        Each crop has one of the eight combinations of flips and rotations by 90°.
        """
        return fresh_crops(_photographs(DRAWN, self), n, self.window, rng)

    def group(self, split: Split, item: int) -> str | None:
        """Return the tile in which the crop starts."""
        name, scale, row, column = _crops(split, self)[item]
        return f"{name.partition('.')[0]}/{row * scale // TILE}/{column * scale // TILE}"


def photograph_file(name: str) -> Path:
    """Return the path of a photograph in sigbench or in the installed scikit-image.

    Raises
    ------
    InputError
        If the file is missing.
    """
    if name in EMBEDDED:
        folders, package = [card_folder() / "photos32"], "sigbench"
    else:
        spec, package = find_spec("skimage"), "scikit-image"  # find_spec does not import it
        folders = [Path(root, "data") for root in (spec and spec.submodule_search_locations) or []]
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise InputError(f"photos32: {name} is missing from the installation of {package}")


@functools.cache
def _photograph(name: str, scale: int, grey: bool) -> NDArray[np.float32]:
    from PIL import Image

    if grey:
        return as_grey(_photograph(name, scale, False))
    if scale == 2:
        full = _photograph(name, 1, False)
        height, width = (n // 2 * 2 for n in full.shape[1:])
        halves = full[:, :height, :width].reshape(3, height // 2, 2, width // 2, 2)
        return halves.mean(axis=(2, 4), dtype=np.float32)
    with Image.open(photograph_file(name)) as image:
        pixels = np.asarray(image.convert("RGB"), dtype=np.float32)
    return np.ascontiguousarray(np.moveaxis(pixels, -1, 0))


def _photographs(names: tuple[str, ...], dataset: Photos32) -> list[NDArray[np.float32]]:
    """Return photographs at all scales at which they are large enough for a crop."""
    scales = range(1, dataset.scales + 1)
    images = [_photograph(name, scale, dataset.grey) for name in names for scale in scales]
    return [image for image in images if min(image.shape[1:]) >= dataset.window]


@functools.cache
def _crops(split: Split, dataset: Photos32) -> list[tuple[str, int, int, int]]:
    window = dataset.window
    crops = [
        (name, scale, row, column)
        for name in PHOTOGRAPHS[split]
        for scale in range(1, dataset.scales + 1)
        for photograph in [_photograph(name, scale, dataset.grey)]
        for row in range(0, photograph.shape[1] - window + 1, dataset.stride)
        for column in range(0, photograph.shape[2] - window + 1, dataset.stride)
        if _contrast(photograph[:, row : row + window, column : column + window]) > dataset.min_std
    ]
    order = item_rng(0, dataset.kind, dataset.version, split, "order").permutation(len(crops))
    return [crops[i] for i in order]


def _contrast(crop: NDArray[np.float32]) -> float:
    return float(crop.std(axis=(1, 2)).mean())
