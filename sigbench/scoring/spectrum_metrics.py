"""Errors of an estimated power spectrum in dB, and their parts above and below the true one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

FLOOR = 1e-10  # both spectra are compared above this multiple of the mean true power of the item


def _excess_db(true: NDArray[Any], estimate: NDArray[Any]) -> Values:
    """Return 10·log10(estimate/true) of every bin; 0 where both are below the floor."""
    floor = np.maximum(FLOOR * true.mean(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    return 10 * np.log10(np.maximum(estimate, floor) / np.maximum(true, floor))


def noise_overestimation(clean: NDArray[Any], estimate: NDArray[Any], peak: float) -> Values:
    """Mean over frames and bins of the error in dB where a spectrum is too high, otherwise 0.

    ``clean`` is the true power spectrum. Powers that are 100 dB below its mean or lower count as
    equal.

    References
    ----------
    Gerkmann & Hendriks, "Improved MMSE-based noise PSD tracking using temporal cepstrum smoothing",
    ICASSP 2012, section 5: LogErrOver.

    Examples
    --------
    >>> noise_overestimation(np.ones((1, 2)), np.array([[100.0, 0.1]]), 1.0)
    array([10.])
    """
    return np.maximum(_excess_db(clean, estimate), 0).mean(axis=1)


def noise_underestimation(clean: NDArray[Any], estimate: NDArray[Any], peak: float) -> Values:
    """Mean over frames and bins of the error in dB where a spectrum is too low, otherwise 0.

    It is LogErrUnder of the reference of `noise_overestimation`.

    Examples
    --------
    >>> noise_underestimation(np.ones((1, 2)), np.array([[100.0, 0.1]]), 1.0)
    array([5.])
    """
    return np.maximum(-_excess_db(clean, estimate), 0).mean(axis=1)


def noise_spectrum_error(clean: NDArray[Any], estimate: NDArray[Any], peak: float) -> Values:
    """Mean over frames and bins of |10·log10(estimated/true power)|, in dB.

    It is the sum of `noise_overestimation` and `noise_underestimation`.

    References
    ----------
    Hendriks, Heusdens, Jensen, "MMSE based noise PSD tracking with low complexity", ICASSP 2010.

    Examples
    --------
    >>> noise_spectrum_error(np.ones((1, 2)), np.array([[100.0, 0.1]]), 1.0)
    array([15.])
    """
    return np.abs(_excess_db(clean, estimate)).mean(axis=1)
