"""Errors of an estimated noise model, in dB, from its description by a few powers.

A description is a row of powers: the mean power of the noise, its power in bands of frequency, its
variance at a few values of the signal, and its relative variance in parts of the item.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError

Values = NDArray[np.float64]

BANDS = 10  # of frequency
GRAYS = 8  # values of the signal
PARTS = 8  # of the item, along its last axis
LENGTH = 1 + BANDS + GRAYS + PARTS
FLOOR = 1e-10  # powers are compared above this multiple of the mean true power


def _mean_error(true: NDArray[Any], estimate: NDArray[Any], part: slice) -> Values:
    """Return the mean of |10·log10(estimate/true)| over a part of the descriptions."""
    if true.shape[1] != LENGTH:
        raise InputError(
            f"{true.shape[1]} values per item are not the description of a noise model, which has "
            f"{LENGTH}: this metric is for noise estimation"
        )
    x, y = true[:, part].astype(np.float64), estimate[:, part].astype(np.float64)
    floor = np.maximum(FLOOR * x.mean(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    excess = 10 * np.log10(np.maximum(y, floor) / np.maximum(x, floor))
    return np.asarray(np.abs(excess).mean(axis=1))


def noise_level_error(clean: NDArray[Any], estimate: NDArray[Any], peak: float) -> Values:
    """Error of the noise level, |20·log10(estimated/true level)|, in dB.

    ``clean`` is the description of the true noise. An estimate that is 100 dB too low or lower
    has an error of 100 dB.

    Examples
    --------
    >>> true = np.ones((1, LENGTH))
    >>> noise_level_error(true, 4 * true, 1.0).round(2), noise_level_error(true, 0 * true, 1.0)
    (array([6.02]), array([100.]))
    """
    return _mean_error(clean, estimate, slice(0, 1))


def noise_band_error(clean: NDArray[Any], estimate: NDArray[Any], peak: float) -> Values:
    """Mean over bands of |10·log10(estimated/true power of the noise)|, in dB.

    The bands are equally wide on a logarithmic axis of frequency.

    Examples
    --------
    >>> true, estimate = np.ones((1, LENGTH)), np.ones((1, LENGTH))
    >>> estimate[:, 1 : 1 + BANDS // 2] = 10.0
    >>> noise_band_error(true, estimate, 1.0)
    array([5.])
    """
    return _mean_error(clean, estimate, slice(1, 1 + BANDS))


def noise_gray_error(clean: NDArray[Any], estimate: NDArray[Any], peak: float) -> Values:
    """Mean over values of the signal of |10·log10(estimated/true variance there)|, in dB.

    It is the error of the noise level as a function of the signal.

    Examples
    --------
    >>> true, estimate = np.ones((1, LENGTH)), np.ones((1, LENGTH))
    >>> estimate[:, 1 + BANDS] = 100.0
    >>> noise_gray_error(true, estimate, 1.0)  # one of 8 values
    array([2.5])
    """
    return _mean_error(clean, estimate, slice(1 + BANDS, 1 + BANDS + GRAYS))


def noise_profile_error(clean: NDArray[Any], estimate: NDArray[Any], peak: float) -> Values:
    """Mean over parts of the item of |10·log10(estimated/true relative variance)|, in dB.

    The variance in a part is relative to the mean over the item, so the level does not matter.

    Examples
    --------
    >>> true, estimate = np.ones((1, LENGTH)), np.ones((1, LENGTH))
    >>> estimate[:, -PARTS // 2 :] = 10.0
    >>> noise_profile_error(true, true, 1.0), noise_profile_error(true, estimate, 1.0)
    (array([0.]), array([5.]))
    """
    return _mean_error(clean, estimate, slice(1 + BANDS + GRAYS, LENGTH))
