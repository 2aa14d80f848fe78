"""Estimation of the noise level from the noisy items."""

from __future__ import annotations

import warnings

import numpy as np
import pywt
from numpy.typing import NDArray

from sigbench.core.errors import Caution
from sigbench.core.protocols import Array
from sigbench.transforms.base import space_axes


def estimate_sigma(noisy: Array) -> NDArray[np.float64]:
    """Estimate the noise level of every item by the median absolute deviation.

    The median of the absolute finest (for images: diagonal) db2 wavelet details of all channels,
    divided by 0.6745.

    Parameters
    ----------
    noisy : array, shape (N, C, *space)
        The noisy items.

    Returns
    -------
    array, shape (N,), float64
        The noise levels in the units of the items.

    References
    ----------
    Donoho and Johnstone, Biometrika 81 (1994): σ̂ = MAD/0.6745 of the finest details.

    Examples
    --------
    >>> y = np.random.default_rng(0).normal(scale=3.0, size=(1, 1, 100_000))
    >>> estimate_sigma(y).round(1)
    array([3.])
    """
    # Along an axis of one sample there are no details.
    axes = [axis for axis in space_axes(noisy) if noisy.shape[axis] > 1] or list(space_axes(noisy))
    return deviation(pywt.dwtn(noisy, "db2", axes=axes)["d" * len(axes)])


def deviation(details: Array) -> NDArray[np.float64]:
    """Return the noise level of every item from its details, most of which are noise.

    The median of |d| divided by 0.6745, which is the standard deviation of Gaussian noise; shape
    ``(N,)``.
    """
    median: NDArray[np.float64] = np.median(np.abs(details.reshape(len(details), -1)), axis=1)
    return median.astype(np.float64) / 0.6744897501960817  # upper quartile of the normal


def given_or_estimated(noisy: Array, sigma: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Return the given noise level, or an estimate from the noisy items if it is None.

    Warns
    -----
    Caution
        If the estimate is 0 for items that are not constant.
    """
    if sigma is not None:
        return sigma
    levels = estimate_sigma(noisy)
    zero = [i for i in np.flatnonzero(levels == 0) if np.ptp(noisy[i]) > 0]
    caution_of_zeros(len(zero), len(noisy))
    return levels


def caution_of_zeros(zero: int, items: int) -> None:
    """Warn with a `Caution` if the level of some items is estimated as 0."""
    if zero:
        warnings.warn(
            f"the noise level of {zero} of {items} items is estimated as 0, because most "
            "of their finest details are exactly 0, so they are not denoised: give the noise level",
            Caution,
            stacklevel=3,
        )
