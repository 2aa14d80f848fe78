"""Random crops of photographs for training, and conversion to gray."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError

GREY = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601 weights of red, green and blue


def fresh_crops(
    photographs: Sequence[NDArray[np.float32]], n: int, window: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return square crops from random positions in photographs, flipped and rotated.

    Parameters
    ----------
    photographs : sequence of array, shape (C, H, W)
        Photographs to crop; all positions in all of them are equally likely.
    n : int
        Number of crops.
    window : int
        Side of a crop in pixels.
    rng : numpy.random.Generator
        Draws position, flips and rotations by 90°.

    Returns
    -------
    array, shape (n, C, window, window), float32

    Raises
    ------
    InputError
        If a photograph is smaller than a crop.

    Examples
    --------
    >>> ramp = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    >>> fresh_crops([ramp], 5, 2, np.random.default_rng(0)).shape
    (5, 1, 2, 2)
    """
    extents = [np.subtract(image.shape[1:], window - 1) for image in photographs]
    for image, extent in zip(photographs, extents, strict=True):
        if extent.min() < 1:
            size = "×".join(map(str, image.shape[1:]))
            raise InputError(f"{window=} is larger than a photograph of {size} pixels")
    positions = np.array([extent.prod() for extent in extents])
    crops = np.empty((n, len(photographs[0]), window, window), np.float32)
    chosen = rng.choice(len(positions), n, p=positions / positions.sum())
    for crop, index in zip(crops, chosen, strict=True):
        row, column = rng.integers(extents[index])
        transposed, *flips = rng.integers(2, size=3)
        cut = photographs[index][:, row : row + window, column : column + window]
        cut = cut.swapaxes(1, 2) if transposed else cut
        crop[...] = cut[:, :: 1 - 2 * flips[0], :: 1 - 2 * flips[1]]
    return crops


def as_grey(photograph: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the luma, shape ``(1, H, W)``, of an RGB image ``(3, H, W)``, without rounding.

    Examples
    --------
    >>> as_grey(np.full((3, 1, 1), 100, np.float32))
    array([[[100.]]], dtype=float32)
    """
    return np.tensordot(GREY, photograph, axes=1)[None]
