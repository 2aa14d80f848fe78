"""Loss functions: one number per batch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array
from sigbench.networks.nn.stft import adjoint
from sigbench.networks.nn.tape import Backward, op
from sigbench.transforms.frames import STFT

MIN_POWER = 1e-7  # added to the MSE of each item in `log_mse`

# Constants of `compressed_magnitudes`
LOSS_WINDOW, LOSS_HOP = 256, 128  # samples: 32 ms at 8 kHz, 16 ms at 16 kHz
COMPRESSION = 0.3  # exponent of magnitudes
LOST = 2.0  # weight of squared errors where speech is lost; it is 1 where noise is left
TIME_WEIGHT = 0.1  # 10 dB of signal-to-noise ratio change the loss by about 0.23
MIN_LEVEL = 1e-4  # added to the power of a target: -40 dB of full scale, for silent ones
MIN_BIN = 1e-6  # added to |S|² of normalized signals, whose mean is about 0.5: -57 dB
MIN_ERROR = 1e-3  # error-to-signal ratios below -30 dB hardly count


def _error(estimate: Array, target: Array) -> Array:
    if estimate.shape != target.shape:
        raise InputError(f"estimate {estimate.shape} and target {target.shape} differ in shape")
    return estimate - target


@op
def mse(estimate: Array, target: Array) -> tuple[Any, Backward]:
    """Return the mean squared error.

    Examples
    --------
    >>> float(mse(np.array([1.0, 2.0]), np.array([0.0, 0.0])))
    2.5
    """
    error = _error(estimate, target)

    def backward(g: Array) -> tuple[Any, ...]:
        d = g * (2 / error.size) * error
        return d, -d

    return np.mean(error * error), backward


@op
def smooth_l1(estimate: Array, target: Array) -> tuple[Any, Backward]:
    """Return the mean of ½e² for errors |e| < 1 and of |e| − ½ for larger ones (Huber loss).

    References
    ----------
    Huber, Ann. Math. Statist. 35 (1), 1964; Girshick, ICCV 2015, eq. 3.

    Examples
    --------
    >>> float(smooth_l1(np.array([0.5, 3.0]), np.array([0.0, 0.0])))
    1.3125
    """
    error = _error(estimate, target)
    size = np.abs(error)
    value = np.where(size < 1, 0.5 * error * error, size - 0.5)

    def backward(g: Array) -> tuple[Any, ...]:
        d = g / error.size * np.clip(error, -1, 1)
        return d, -d

    return np.mean(value), backward


@op
def log_mse(estimate: Array, target: Array) -> tuple[Any, Backward]:
    """Return the mean over items of log(MSE + 1e-7); up to constants, minus the mean PSNR.

    Unlike the mean squared error, which is dominated by the items with large errors, this weights
    all items equally. 1e-7 (−70 dB) is for flat items, whose error can be zero.

    Parameters
    ----------
    estimate, target : array, shape (N, ...)
        Items along the first axis.

    Examples
    --------
    >>> float(log_mse(np.array([[1.0], [10.0]]), np.zeros((2, 1))).round(3))
    2.303
    """
    error = _error(estimate, target)
    axes = tuple(range(1, error.ndim))
    power = np.mean(error * error, axis=axes, keepdims=True) + error.dtype.type(MIN_POWER)

    def backward(g: Array) -> tuple[Any, ...]:
        d = g * (2 / error.size) * error / power
        return d, -d

    return np.mean(np.log(power)), backward


@op
def compressed_magnitudes(estimate: Array, target: Array) -> tuple[Any, Backward]:
    """Return a loss for speech: errors of compressed magnitudes, and of the waveform.

    With spectra S of the target and Ŝ of the estimate, both divided by the target's RMS level,
    the loss is the mean of ``w·(|Ŝ|ᶜ − |S|ᶜ)²``, c = 0.3, plus the mean over items of
    ``0.1·log(1 + 1000·‖x̂ − x‖²/‖x‖²)``. The weight w is 2 if |Ŝ| < |S| and otherwise 1, because
    lost speech harms intelligibility more than noise that is left. Compression gives quiet parts
    of speech more weight. Levels and |S|² have small constants added, so that silence is safe.

    Parameters
    ----------
    estimate, target : array, shape (N, 1, L)
        Waveforms with full scale 1. There is no gradient for the target.

    References
    ----------
    Compressed magnitudes: Ephrat et al., "Looking to listen at the cocktail party", ACM Trans.
    Graphics 37 (4), 2018. Weights: Wang et al., "VoiceFilter-Lite", Interspeech 2020, section 2.4.

    Examples
    --------
    >>> x = np.sin(np.arange(1000.0)).reshape(1, 1, -1)
    >>> float(compressed_magnitudes(x, x)), float(compressed_magnitudes(0.5 * x, x).round(3))
    (0.0, 0.562)
    """
    error = _error(estimate, target)
    transform = STFT(LOSS_WINDOW, LOSS_HOP)
    level = np.mean(target * target, axis=(1, 2), keepdims=True) + error.dtype.type(MIN_LEVEL)
    factor = 1 / np.sqrt(level)
    error = error * factor
    ratio = np.mean(error * error, axis=(1, 2), keepdims=True)
    x, s = (transform.analysis(signal * factor) for signal in (estimate, target))
    size, magnitude = _compressed(x)
    _, wanted = _compressed(s)
    difference = magnitude - wanted
    weighted = np.where(difference < 0, error.dtype.type(LOST), 1) * difference

    def backward(g: Array) -> tuple[Any, ...]:
        # As a function of X, d|X|ᶜ = c·|X|ᶜ⁻²·Re(X̄ dX).
        d_x = (2 * COMPRESSION / size.size) * weighted * magnitude / size * x
        d = adjoint(d_x, transform, estimate.shape[2])
        d += error * (2 * TIME_WEIGHT / error.size) / (ratio + MIN_ERROR)
        return (g * factor * d,)

    spectral = np.mean(weighted * difference)
    return spectral + TIME_WEIGHT * np.mean(np.log1p(ratio / MIN_ERROR)), backward


def _compressed(spectrum: NDArray[Any]) -> tuple[Array, Array]:
    """Return |S|² and |S|ᶜ, both with a constant added to |S|²."""
    size = spectrum.real**2 + spectrum.imag**2 + MIN_BIN
    return size, size ** (COMPRESSION / 2)


LOSSES = {
    "mse": mse,
    "smooth-l1": smooth_l1,
    "log-mse": log_mse,
    "speech": compressed_magnitudes,
}
