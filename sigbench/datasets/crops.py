"""Fresh crops of photographs, for training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

GREY = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601: of red, green and blue


def fresh_crops(
    photographs: Sequence[NDArray[np.float32]], n: int, window: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return square crops from any place of photographs, flipped and turned.

    Parameters
    ----------
    photographs : sequence of array, shape (C, H, W)
        What is cut; all places of all of them alike.
    n : int
        How many.
    window : int
        Their side in pixels.
    rng : numpy.random.Generator
        Chooses place, flips and quarter turns.

    Returns
    -------
    array, shape (n, C, window, window), float32

    Examples
    --------
    >>> ramp = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    >>> fresh_crops([ramp], 5, 2, np.random.default_rng(0)).shape
    (5, 1, 2, 2)
    """
    ends = [np.subtract(one.shape[1:], window - 1) for one in photographs]
    places = np.array([end.prod() for end in ends])
    crops = np.empty((n, len(photographs[0]), window, window), np.float32)
    for crop, which in zip(crops, rng.choice(len(places), n, p=places / places.sum()), strict=True):
        row, column = rng.integers(ends[which])
        turned, *flips = rng.integers(2, size=3)
        cut = photographs[which][:, row : row + window, column : column + window]
        cut = cut.swapaxes(1, 2) if turned else cut
        crop[...] = cut[:, :: 1 - 2 * flips[0], :: 1 - 2 * flips[1]]
    return crops


def as_grey(photograph: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the luma of red, green and blue, shape ``(1, H, W)`` of ``(3, H, W)``, not rounded.

    Examples
    --------
    >>> as_grey(np.full((3, 1, 1), 100, np.float32))
    array([[[100.]]], dtype=float32)
    """
    return np.tensordot(GREY, photograph, axes=1)[None]
