"""Networks with a fixed sampling rate and a delay, applied at other rates without a delay."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array

Samples = NDArray[np.floating[Any]]
Process = Callable[[NDArray[np.float32], NDArray[np.float32]], None]

MAX_FACTOR = 1000  # the filter that resamples has 20 × factor + 1 taps
FILTER_HALF = 10  # its half-length in samples of the lower rate, as in resample_poly


def factors(fs: float | None, rate: int) -> tuple[int, int]:
    """Return ``(up, down)`` with ``rate = fs·up/down``.

    Parameters
    ----------
    fs : float or None
        Sampling rate of the signal in Hz.
    rate : int
        Sampling rate of the network in Hz.

    Raises
    ------
    InputError
        If ``fs`` is None, not a positive whole number, or the ratio has factors above 1000.

    Examples
    --------
    >>> factors(44_100.0, 48_000)
    (160, 147)
    >>> factors(8_001.0, 48_000)
    Traceback (most recent call last):
    sigbench.core.errors.InputError: fs=8001 Hz cannot be resampled to 48000 Hz: 16000/2667 has a factor above 1000
    """
    if fs is None:
        raise InputError("fs=None: the sampling rate in Hz must be given")
    if not (fs > 0 and float(fs).is_integer()):
        raise InputError(f"{fs=:g} must be a whole number of Hz > 0")
    common = math.gcd(int(fs), rate)
    up, down = rate // common, int(fs) // common
    if max(up, down) > MAX_FACTOR:
        raise InputError(
            f"fs={int(fs)} Hz cannot be resampled to {rate} Hz: "
            f"{up}/{down} has a factor above {MAX_FACTOR}"
        )
    return up, down


def at_rate(noisy: Array, fs: float | None, rate: int, enhance: Callable[..., Samples]) -> Array:
    """Apply a network to each signal at its own sampling rate, and return to that of the signal.

    Resampling adds no delay: its filters have linear phase (`scipy.signal.resample_poly`). If
    ``fs`` is higher than ``rate``, the estimate contains no frequencies above ``rate/2``.

    Parameters
    ----------
    noisy : array, shape (N, 1, L)
        The signals.
    fs, rate : float, int
        Sampling rates of the signals and of the network in Hz.
    enhance : callable
        ``enhance(signal)`` returns the estimate of one signal of shape ``(samples,)``, float64,
        with the same length and without a delay.

    Returns
    -------
    array, shape (N, 1, L)
        With the dtype of ``noisy``.

    Raises
    ------
    InputError
        If the shape is not (N, 1, L), or the rate cannot be resampled.

    Examples
    --------
    >>> y = np.sin(np.arange(200) / 5).reshape(1, 1, 200)
    >>> bool(np.abs(at_rate(y, 8000, 48_000, lambda x: x) - y)[..., 20:-20].max() < 0.01)
    True
    """
    from scipy.signal import resample_poly  # loads scipy.stats

    up, down = factors(fs, rate)
    if noisy.ndim != 3 or noisy.shape[1] != 1:
        raise InputError(f"noisy has shape {noisy.shape}: speech methods require (N, 1, L)")
    estimate = np.empty_like(noisy)
    for item, out in zip(noisy[:, 0], estimate[:, 0], strict=True):
        signal = item.astype(np.float64)
        if up == down:
            out[:] = enhance(signal)
        else:
            enhanced = enhance(resample_poly(signal, up, down))
            out[:] = resample_poly(enhanced, down, up)[: len(item)]
    return estimate


def in_frames(signal: Samples, frame: int, delay: int, process: Process) -> NDArray[np.float32]:
    """Process a signal frame by frame, and remove the delay of the process.

    Parameters
    ----------
    signal : array, shape (samples,)
        The signal; it is continued by zeros.
    frame : int
        Length of a frame.
    delay : int
        By how many samples the output lags behind the input.
    process : callable
        ``process(source, target)`` writes the next output frame into ``target``; both have shape
        ``(frame,)``, float32.

    Returns
    -------
    array, shape (samples,), float32

    Examples
    --------
    >>> in_frames(np.arange(1.0, 6.0), 2, 0, lambda source, target: np.copyto(target, source))
    array([1., 2., 3., 4., 5.], dtype=float32)
    """
    count = -(-(len(signal) + delay) // frame)
    sources = np.zeros((count, frame), np.float32)
    sources.ravel()[: len(signal)] = signal
    targets = np.empty_like(sources)
    for source, target in zip(sources, targets, strict=True):
        process(source, target)
    return targets.ravel()[delay : delay + len(signal)]


def latency_ms(fs: float | None, rate: int, samples: int) -> float:
    """Return the latency of a network, including that of the resampling filters.

    Parameters
    ----------
    fs : float or None
        Sampling rate of the signal in Hz; None stands for that of the network.
    rate : int
        Sampling rate of the network in Hz.
    samples : int
        Latency of the network in samples: the delay of its output and the length of a frame.

    Examples
    --------
    >>> latency_ms(None, 16_000, 512), latency_ms(8_000, 16_000, 512)
    (32.0, 34.5)
    """
    resampling = 0.0 if fs in (None, rate) else 2 * FILTER_HALF / min(float(fs or rate), rate)
    return 1e3 * (samples / rate + resampling)
