"""Metrics of the error between two signals, one value per item; the arrays are ``(N, samples)``.

A value is infinitely good only if the estimate equals the clean item (for SI-SDR, a multiple of
it). An error whose square exceeds the range of float64 is infinite.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigbench.scoring.items import Values, check_sound

SMALL, LARGE = 2.0**-400, 2.0**400  # squares of numbers in between are normal numbers
SHIFT = 2.0**600


def _squares(error: NDArray[Any]) -> tuple[Values, Values]:
    """Return the squared errors, shape ``(N, samples)``, times a factor per item, and its root.

    The factor is 1 unless the squares would be too small for float64.
    """
    small = np.max(np.abs(error), axis=1) < SMALL
    scale = np.where(small, SHIFT, 1.0)
    with np.errstate(over="ignore"):
        return (error * scale[:, None]) ** 2, scale


def _error(clean: NDArray[Any], estimate: NDArray[Any]) -> Values:
    with np.errstate(over="ignore"):
        error: Values = estimate - clean
    return error


def _log10_mse(clean: NDArray[Any], estimate: NDArray[Any]) -> Values:
    squares, scale = _squares(_error(clean, estimate))
    return _log10(np.mean(squares, axis=1)) - 2 * np.log10(scale)


def _log10_sum(signal: NDArray[Any]) -> Values:
    squares, scale = _squares(signal)
    return _log10(np.sum(squares, axis=1)) - 2 * np.log10(scale)


def _log10(values: NDArray[Any]) -> Values:
    with np.errstate(divide="ignore"):
        return np.log10(values)


def _in_range(signal: NDArray[Any]) -> NDArray[Any]:
    """Return a signal whose items are multiplied by a power of two if their squares are not normal."""
    largest = np.max(np.abs(signal), axis=1)
    extreme = (largest < SMALL) | (largest > LARGE)
    return np.ldexp(signal, np.where(extreme, -np.frexp(largest)[1], 0)[:, None])


def rmse(clean: NDArray[Any], estimate: NDArray[Any], peak: float) -> Values:
    """Root mean squared error in the units of the signal.

    Examples
    --------
    >>> rmse(np.zeros((1, 4)), np.full((1, 4), 2.0), 1.0)
    array([2.])
    """
    squares, scale = _squares(_error(clean, estimate))
    with np.errstate(over="ignore"):
        return np.sqrt(np.mean(squares, axis=1)) / scale


def psnr(clean: NDArray[Any], estimate: NDArray[Any], peak: float) -> Values:
    """Peak signal-to-noise ratio 10·log10(peak²/MSE) in dB.

    ``peak`` is the declared peak value of the dataset.

    Examples
    --------
    >>> psnr(np.zeros((1, 4)), np.full((1, 4), 2.0), 20.0)
    array([20.])
    """
    return 10 * (np.log10(peak**2) - _log10_mse(clean, estimate))


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
    return 20 * (np.log10(peak) - _log10_mse(clean, estimate))


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
    clean, estimate = _in_range(clean), _in_range(estimate)
    power = np.sum(clean**2, axis=1)
    alpha = np.sum(clean * estimate, axis=1) / power
    target = alpha[:, None] * clean
    return 10 * (_log10_sum(target) - _log10_sum(target - estimate))


def system_error(clean: NDArray[Any], estimate: NDArray[Any], peak: float) -> Values:
    """Relative error of an impulse response, 10·log10(‖ĥ − h‖²/‖h‖²), in dB.

    Examples
    --------
    >>> system_error(np.array([[2.0, 0.0]]), np.array([[2.0, 0.2]]), 1.0)
    array([-20.])
    """
    with np.errstate(invalid="ignore"):  # 0/0
        return 10 * (_log10_sum(_error(clean, estimate)) - _log10_sum(clean))


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
    large = np.max(np.abs(estimate), axis=1, keepdims=True) > LARGE
    # Only the ratio counts: a common factor prevents overflow in the sums of the DFT.
    clean, estimate = (np.where(large, signal * 2.0**-99, signal) for signal in (clean, estimate))
    H, H_estimate = np.fft.rfft(clean, n), np.fft.rfft(estimate, n)
    weights = np.full(n // 2 + 1, 2 / n)  # of a mean over the full spectrum
    weights[[0, -1]] = 1 / n
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        above, below = np.abs(H - H_estimate), np.abs(H_estimate)
        error = np.where(large, (above / below) ** 2, above**2 / below**2)
        return 10 * _log10(error @ weights)


def clipped(clean: NDArray[Any], estimate: NDArray[Any], peak: float) -> Values:
    """Percentage of samples of the estimate at or beyond ±peak.

    For the noisy input it is the share of the noisy samples that are, or would be, clipped.

    Examples
    --------
    >>> clipped(np.zeros((1, 4)), np.array([[0.2, -1.0, 1.5, 0.0]]), 1.0)
    array([50.])
    """
    return np.asarray(100 * np.mean(np.abs(estimate) >= peak, axis=1))
