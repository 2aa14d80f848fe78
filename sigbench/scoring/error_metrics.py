"""Metrics of the error between two signals, one value per item; the arrays are ``(N, samples)``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigbench.scoring.items import Values, check_sound


def _mse(clean: NDArray[Any], estimate: NDArray[Any]) -> Values:
    values: Values = np.mean((estimate - clean) ** 2, axis=1)
    return values


def _db(ratio_above: float | Values, ratio_below: Values, factor: float = 10.0) -> Values:
    """Return factor·log10(above/below); x/0 is +inf, 0/x is −inf and 0/0 is NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return factor * (np.log10(ratio_above) - np.log10(ratio_below))


def rmse(clean: NDArray[Any], estimate: NDArray[Any], peak: float) -> Values:
    """Root mean squared error in the units of the signal.

    Examples
    --------
    >>> rmse(np.zeros((1, 4)), np.full((1, 4), 2.0), 1.0)
    array([2.])
    """
    return np.sqrt(_mse(clean, estimate))


def psnr(clean: NDArray[Any], estimate: NDArray[Any], peak: float) -> Values:
    """Peak signal-to-noise ratio 10·log10(peak²/MSE) in dB.

    ``peak`` is the declared peak value of the dataset.

    Examples
    --------
    >>> psnr(np.zeros((1, 4)), np.full((1, 4), 2.0), 20.0)
    array([20.])
    """
    return _db(peak**2, _mse(clean, estimate))


def psnr_global(clean: NDArray[Any], estimate: NDArray[Any], peak: float) -> Values:
    """PSNR of all items together, 10·log10(peak²/mean MSE) in dB.

    The value of an item is its `psnr`; a mean over items averages the errors, not the decibels. It
    is never above the mean of `psnr` and depends most on the worst items.
    """
    return psnr(clean, estimate, peak)


def psnr_table1(clean: NDArray[Any], estimate: NDArray[Any], peak: float) -> Values:
    """20·log10(peak/MSE): printed as PSNR in Table 1 of the report (peak 10), but not a PSNR.

    References
    ----------
    H. Fang, 2021 (report), Table 1.

    Examples
    --------
    >>> psnr_table1(np.zeros((1, 4)), np.ones((1, 4)), 10.0)
    array([20.])
    """
    return _db(peak, _mse(clean, estimate), 20.0)


def si_sdr(clean: NDArray[Any], estimate: NDArray[Any], peak: float) -> Values:
    """Scale-invariant signal-to-distortion ratio in dB.

    It is 10·log10(‖αs‖²/‖αs − ŝ‖²) with α = ⟨ŝ, s⟩/‖s‖². Means are not subtracted.

    Raises
    ------
    InputError
        If a clean or estimated item is zero.

    References
    ----------
    Le Roux, Wisdom, Erdogan, Hershey, "SDR - half-baked or well done?", ICASSP 2019.

    Examples
    --------
    >>> s = np.array([[1.0, -1.0, 1.0, -1.0]])
    >>> si_sdr(s, 5 * s + np.array([[0.5, 0.5, -0.5, -0.5]]), 1.0)
    array([20.])
    """
    check_sound("SI-SDR", clean, estimate)
    power = np.sum(clean**2, axis=1)
    alpha = np.sum(clean * estimate, axis=1) / power
    target = alpha[:, None] * clean
    return _db(np.sum(target**2, axis=1), np.sum((target - estimate) ** 2, axis=1))


def system_error(clean: NDArray[Any], estimate: NDArray[Any], peak: float) -> Values:
    """Relative error of an impulse response, 10·log10(‖ĥ − h‖²/‖h‖²), in dB.

    Examples
    --------
    >>> system_error(np.array([[2.0, 0.0]]), np.array([[2.0, 0.2]]), 1.0)
    array([-20.])
    """
    return _db(np.sum((estimate - clean) ** 2, axis=1), np.sum(clean**2, axis=1))


INVERSE_LENGTH = 512  # DFT length for inverses: 16 times the usual number of taps


def inverse_error(clean: NDArray[Any], estimate: NDArray[Any], peak: float) -> Values:
    """Error of the inverse of an impulse response, 10·log10 mean|H/Ĥ − 1|², in dB.

    This is the energy of ĥ⁻¹ ∗ h − δ. The mean is over the frequencies of a DFT of zero-padded
    responses; its length is 512, or twice the number of taps if that is larger.

    Examples
    --------
    >>> inverse_error(np.array([[1.0, 0.5]]), np.array([[2.0, 1.0]]), 1.0).round(2)
    array([-6.02])
    """
    n = max(INVERSE_LENGTH, 2 * clean.shape[1])
    H, H_estimate = np.fft.rfft(clean, n), np.fft.rfft(estimate, n)
    weights = np.full(n // 2 + 1, 2 / n)  # of a mean over the full spectrum
    weights[[0, -1]] = 1 / n
    with np.errstate(divide="ignore"):
        error = np.abs(H - H_estimate) ** 2 / np.abs(H_estimate) ** 2
    return _db(error @ weights, np.ones(len(clean)))


def clipped(clean: NDArray[Any], estimate: NDArray[Any], peak: float) -> Values:
    """Percentage of samples of the estimate at or beyond ±peak.

    For the noisy input it is the share of the noisy samples that are, or would be, clipped.

    Examples
    --------
    >>> clipped(np.zeros((1, 4)), np.array([[0.2, -1.0, 1.5, 0.0]]), 1.0)
    array([50.])
    """
    return np.asarray(100 * np.mean(np.abs(estimate) >= peak, axis=1))
