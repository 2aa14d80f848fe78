"""Opponent colors: an orthonormal transform of the three channels of an image."""

from __future__ import annotations

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array

# Lightness, red against blue, green against both. The rows are orthonormal, so white noise stays
# white and keeps its level.
OPPONENT = np.array([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [1.0, -2.0, 1.0]]) / np.sqrt(
    [[3.0], [2.0], [6.0]]
)


def has_colors(noisy: Array) -> bool:
    """Return whether a batch consists of images with three channels."""
    return noisy.ndim == 4 and noisy.shape[1] == 3


def to_opponent(noisy: Array) -> Array:
    """Return the opponent channels of a batch of RGB images.

    Parameters
    ----------
    noisy : array, shape (N, 3, H, W)
        Red, green, blue.

    Returns
    -------
    array, shape (N, 3, H, W)
        (R + G + B)/√3, (R − B)/√2, (R − 2G + B)/√6.

    Raises
    ------
    InputError
        If the items are not images with three channels.

    Examples
    --------
    >>> grey = np.ones((1, 3, 1, 1))
    >>> to_opponent(grey).ravel().round(2)
    array([1.73, 0.  , 0.  ])
    """
    if not has_colors(noisy):
        raise InputError(f"colors=opponent: noisy has shape {noisy.shape}: it must be (N, 3, H, W)")
    return _mix_channels(OPPONENT, noisy)


def from_opponent(channels: Array) -> Array:
    """Return the RGB images of opponent channels, shape ``(N, 3, H, W)``.

    Examples
    --------
    >>> y = np.arange(12.0).reshape(1, 3, 2, 2)
    >>> bool(np.allclose(from_opponent(to_opponent(y)), y))
    True
    """
    return _mix_channels(OPPONENT.T, channels)


def _mix_channels(matrix: Array, batch: Array) -> Array:
    mixed = matrix.astype(batch.dtype) @ batch.reshape(*batch.shape[:2], -1)
    return mixed.reshape(batch.shape)
