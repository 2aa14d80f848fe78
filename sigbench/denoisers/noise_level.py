"""Estimation of the noise level from the noisy items."""

from __future__ import annotations

import numpy as np
import pywt
from numpy.typing import NDArray

from sigbench.core.protocols import Array


def estimate_sigma(noisy: Array) -> NDArray[np.float64]:
    """Estimate the noise level of every item by the median absolute deviation.

    The median of the finest (on images: diagonal) db2 wavelet details, over 0.6745, on all
    channels together.

    Parameters
    ----------
    noisy : array, shape (N, C, *space)
        The noisy items.

    Returns
    -------
    array, shape (N,), float64
        In the units of the items.

    References
    ----------
    Donoho and Johnstone, Biometrika 81 (1994): σ̂ = MAD/0.6745 of the finest details.

    Examples
    --------
    >>> y = np.random.default_rng(0).normal(scale=3.0, size=(1, 1, 100_000))
    >>> estimate_sigma(y).round(1)
    array([3.])
    """
    axes = tuple(range(2, noisy.ndim))
    return deviation(pywt.dwtn(noisy, "db2", axes=axes)["d" * len(axes)])


def deviation(details: Array) -> NDArray[np.float64]:
    """Return the standard deviation of every item's mostly empty details, shape ``(N,)``.

    The median of |d| over 0.6745, what it would be were all of them Gaussian noise.
    """
    median: NDArray[np.float64] = np.median(np.abs(details.reshape(len(details), -1)), axis=1)
    return median.astype(np.float64) / 0.6744897501960817  # the normal law's upper quartile


def given_or_estimated(noisy: Array, sigma: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Return the level that was told, else the estimate from the items themselves."""
    return estimate_sigma(noisy) if sigma is None else sigma
