"""Metrics of speech that average over frames of 30 ms; the arrays are ``(N, samples)``."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.linalg import solve_toeplitz

from sigbench.core.errors import InputError
from sigbench.scoring.items import Values, by_item, check_sound

FRAME_S = 0.03  # frames of 30 ms that overlap by 75 %, as in Hu & Loizou 2008
LOW_DB, HIGH_DB = -10.0, 35.0  # limits of the value of a frame
HIGH_LLR = 2.0
KEPT_LLR = 0.95  # share of frames with the lowest log-likelihood ratios that are averaged
# Added to the power of a frame, so that a linear prediction of a pure tone exists (-90 dB).
WHITE_FLOOR = 1e-9
SMALL = np.finfo(np.float64).eps

# Critical bands in Hz (Quackenbush, Barnwell, Clements, 1988).
# fmt: off
CENTERS = np.array(
    [50, 120, 190, 260, 330, 400, 470, 540, 617.372, 703.378, 798.717, 904.128, 1020.38,
     1148.30, 1288.72, 1442.54, 1610.70, 1794.16, 1993.93, 2211.08, 2446.71, 2701.97,
     2978.04, 3276.17, 3597.63]
)
WIDTHS = np.array(
    [70, 70, 70, 70, 70, 70, 70, 77.3724, 86.0056, 95.3398, 105.411, 116.256, 127.914,
     140.423, 153.823, 168.154, 183.457, 199.776, 217.153, 235.631, 255.255, 276.072,
     298.126, 321.465, 346.136]
)
# fmt: on
GAMMA = 0.2  # exponent of the weights of the bands
MIN_FS = 8000.0  # the highest band ends just below 4 kHz


def segmental_snr(clean: NDArray[Any], estimate: NDArray[Any], fs: float) -> Values:
    """Segmental signal-to-noise ratio in dB: the mean over frames of 30 ms.

    The signal-to-noise ratio of a frame is limited to [-10, 35] dB. All frames count, as in the
    reference: a frame without clean signal has -10 dB. A silent estimate has 0 dB in all other
    frames, which can be more than the noisy signal has.

    Parameters
    ----------
    clean, estimate : array, shape (N, samples)
        The signals.
    fs : float
        Sampling rate in Hz.

    Returns
    -------
    array, shape (N,)

    Raises
    ------
    InputError
        If an item is shorter than a frame, or its clean signal is silent.

    References
    ----------
    Hansen, Pellom, "An effective quality evaluation protocol for speech enhancement algorithms",
    ICSLP 1998. Hu, Loizou, "Evaluation of objective quality measures for speech enhancement", IEEE
    Trans. Audio Speech Lang. Process. 16(1), 2008, section III.

    Examples
    --------
    >>> s = np.ones((1, 800))
    >>> segmental_snr(s, 1.1 * s, 8000.0).round(6)
    array([20.])
    """
    return by_item(_segmental_snr, clean, estimate, fs)


def _segmental_snr(clean: Values, estimate: Values, fs: float) -> float:
    check_sound("segmental SNR", clean)
    signal = np.sum(_frames(clean, fs) ** 2, axis=1)
    error = np.sum(_frames(clean - estimate, fs) ** 2, axis=1)
    silent = signal == 0
    with np.errstate(divide="ignore"):
        snr = 10 * (np.log10(np.where(silent, 1.0, signal)) - np.log10(error))
    return float(np.mean(np.where(silent, LOW_DB, np.clip(snr, LOW_DB, HIGH_DB))))


def fwsegsnr(clean: NDArray[Any], estimate: NDArray[Any], fs: float) -> Values:
    """Frequency-weighted segmental signal-to-noise ratio in dB, in 25 critical bands up to 4 kHz.

    The value of a frame is a weighted mean over bands of 10·log10(X²/(X − X̂)²), limited to [-10, 35]
    dB, where X and X̂ are the magnitudes in a band. The weights are X^0.2. The magnitudes of each
    frame are divided by their sum, so the metric ignores the level. Frames without clean signal
    have no spectrum and are omitted.

    Parameters
    ----------
    clean, estimate, fs
        As in `segmental_snr`, but ``fs`` is at least 8000.

    Returns
    -------
    array, shape (N,)

    Raises
    ------
    InputError
        If an item is shorter than a frame or silent, or ``fs`` is less than 8000.

    References
    ----------
    Hu, Loizou 2008, section III, as for `segmental_snr`. Bands: Quackenbush, Barnwell, Clements,
    "Objective measures of speech quality", 1988.

    Examples
    --------
    >>> s = np.random.default_rng(0).standard_normal((1, 800))
    >>> fwsegsnr(s, 2 * s, 8000.0)
    array([35.])
    """
    return by_item(_fwsegsnr, clean, estimate, fs)


def _fwsegsnr(clean: Values, estimate: Values, fs: float) -> float:
    if fs < MIN_FS:
        raise InputError(f"{fs=:g} must be >= {MIN_FS:g}: the bands end at 4 kHz")
    check_sound("fwSegSNR", clean, estimate)
    frames = _frames(clean, fs)
    sounding = frames.any(axis=1)
    n_fft = 2 ** int(np.ceil(np.log2(2 * frames.shape[1])))
    frequencies = np.arange(n_fft // 2) * (fs / n_fft)
    offsets = (frequencies - CENTERS[:, None]) / WIDTHS[:, None]
    bands = np.exp(-11 * offsets**2) * (WIDTHS[0] / WIDTHS[:, None])

    def magnitudes(windowed: Values) -> Values:
        spectra = np.abs(scipy.fft.rfft(windowed, n_fft)[:, :-1])
        total = spectra.sum(axis=1, keepdims=True)
        found: Values = (spectra / np.where(total == 0, 1.0, total)) @ bands.T
        return found

    X = magnitudes(frames[sounding])
    # A floor relative to X keeps the decibels of a perfect band finite.
    error = np.maximum((X - magnitudes(_frames(estimate, fs)[sounding])) ** 2, SMALL * X**2)
    # A band without signal has weight 0.
    snr = np.log10(np.divide(X**2, error, out=np.ones_like(X), where=error > 0))
    by_frame = 10 * np.sum(X**GAMMA * snr, axis=1) / np.sum(X**GAMMA, axis=1)
    return float(np.mean(np.clip(by_frame, LOW_DB, HIGH_DB)))


def llr(clean: NDArray[Any], estimate: NDArray[Any], fs: float) -> Values:
    """Log-likelihood ratio of the spectral envelopes; 0 if they are equal, lower is better.

    For each frame it is log(âᵀRâ / aᵀRa), where R is the autocorrelation of the clean frame, and a
    and â are the linear predictors of the clean and the estimated frame, of order 10 below 10 kHz
    and otherwise 16. It is limited to [0, 2], and the 5 % of frames with the highest values are
    omitted. Frames without clean signal are omitted; a frame whose estimate is zero has no predictor
    and counts with 2.

    Parameters
    ----------
    clean, estimate, fs
        As in `segmental_snr`.

    Returns
    -------
    array, shape (N,)

    Raises
    ------
    InputError
        If an item is shorter than a frame or silent.

    References
    ----------
    Hu, Loizou 2008, section III, and Quackenbush, Barnwell, Clements 1988, eq. (2.18), as for
    `fwsegsnr`.

    Examples
    --------
    >>> s = np.random.default_rng(0).standard_normal((1, 800))
    >>> llr(s, 2 * s, 8000.0)
    array([0.])
    """
    return by_item(_llr, clean, estimate, fs)


def _llr(clean: Values, estimate: Values, fs: float) -> float:
    check_sound("LLR", clean, estimate)
    order = 10 if fs < 10_000 else 16
    R = _autocorrelation(_frames(clean, fs), order)
    R_estimate = _autocorrelation(_frames(estimate, fs), order)
    sounding = R[:, 0] > 0
    lag = np.abs(np.subtract.outer(np.arange(order + 1), np.arange(order + 1)))
    ratios = []
    for r, r_estimate in zip(R[sounding], R_estimate[sounding], strict=True):
        if r_estimate[0] == 0:
            ratios.append(HIGH_LLR)
            continue
        a, b = _predictor(r), _predictor(r_estimate)
        ratios.append(float(np.log((b @ r[lag] @ b) / (a @ r[lag] @ a))))
    lowest = np.sort(np.clip(ratios, 0, HIGH_LLR))[: max(1, round(KEPT_LLR * len(ratios)))]
    return float(np.mean(lowest))


def _autocorrelation(frames: Values, order: int) -> Values:
    """Return lags 0 to ``order`` of all frames, each divided by its largest sample."""
    largest = np.max(np.abs(frames), axis=1, keepdims=True)
    power = np.abs(scipy.fft.rfft(frames / np.where(largest == 0, 1, largest), 2 * frames.shape[1]))
    lags: Values = scipy.fft.irfft(power**2)[:, : order + 1]
    lags[:, 0] *= 1 + WHITE_FLOOR
    return lags


def _predictor(r: Values) -> Values:
    return np.concatenate(([1.0], -solve_toeplitz(r[:-1], r[1:])))


def _frames(signal: Values, fs: float) -> Values:
    """Return the windowed frames of a signal, shape (frames, samples)."""
    length = round(FRAME_S * fs)
    if len(signal) < length:
        raise InputError(f"{len(signal)} samples are less than a frame of {length}")
    window = np.hanning(length + 2)[1:-1]
    frames: Values = sliding_window_view(signal, length)[:: length // 4] * window
    return frames
