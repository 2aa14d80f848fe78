"""The optimally modified log-spectral amplitude estimator (OM-LSA)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from scipy.ndimage import convolve1d

from sigbench.core.protocols import Info
from sigbench.core.validation import check_field
from sigbench.denoisers.speech.frames import Framing, Spectrum, check_frames, frame_latency_ms
from sigbench.denoisers.speech.mmse import log_stsa_gain
from sigbench.denoisers.speech.suppression import (
    DEFAULT_TRACKER,
    Rule,
    decision_directed,
    ratio,
    suppressed,
)
from sigbench.denoisers.speech.trackers import TRACKERS, NoiseTracker

# Constants of the paper, which has bins of 31.25 Hz.
BETA = 0.7  # recursive average of the a priori SNR
SPEECH_LOW, SPEECH_HIGH = 10**-1.0, 10**-0.5  # averages of the SNR in noise and in speech
PEAK_RANGE = (1.0, 10.0)  # limits of the peak of the average over the frame
LOCAL_BINS, GLOBAL_BINS = 1, 15  # half widths of the windows over frequency
MAX_ABSENCE = 0.95


@dataclass(frozen=True)
class OMLSA:
    """The log-spectral amplitude estimator, weighted by the probability of speech.

    The gain is G = G_H1^p · G_min^(1−p), where G_H1 is the gain of `LogMMSE` and p the probability
    that the bin contains speech, given |Y|². Its prior is 1 − q with q = 1 − P_local·P_global·
    P_frame. Each factor maps an average of the recursively smoothed a priori SNR in dB linearly to
    0..1: P_local the average over 3 bins, P_global over 31 bins, and P_frame over all bins.

    Parameters
    ----------
    tracker : NoiseTracker
        Estimator of the noise power.
    alpha : float
        Weight of the previous frame in the a priori SNR, >= 0 and < 1.
    xi_min_db : float
        Smallest a priori SNR in dB.
    gain_min_db : float
        The gain G_min in dB where there is no speech.
    window_ms, overlap, fs
        As in `DecisionDirectedWiener`. ``overlap=2`` halves the cost, raises PESQ and lowers
        ESTOI.

    References
    ----------
    Cohen and Berdugo, Signal Processing 81 (11), 2001; Cohen, IEEE Trans. Speech
    Audio Process. 11 (5), 2003.

    Examples
    --------
    >>> y = np.random.default_rng(0).normal(size=(1, 1, 8000))
    >>> bool(np.std(OMLSA(fs=8000.0)(y)) < 0.3)
    True
    """

    tracker: NoiseTracker = field(default=DEFAULT_TRACKER, metadata={"table": TRACKERS})
    alpha: float = 0.92
    xi_min_db: float = -25.0
    gain_min_db: float = -25.0
    window_ms: float = 40.0
    overlap: int = 4
    fs: float | None = None

    info: ClassVar[Info] = Info(
        "om-lsa", "speech", "Cohen, Berdugo 2001", domains=("speech",), adapts=True
    )
    latency_ms = frame_latency_ms
    __call__ = suppressed

    def __post_init__(self) -> None:
        check_field("alpha", self.alpha, 0, below=1)
        check_field("xi_min_db", self.xi_min_db, -100, below=100)
        check_field("gain_min_db", self.gain_min_db, -300, below=1)
        check_frames(self)

    def rule(self, frames: Framing) -> Rule:
        """Return the gains of a signal; see `Suppression`."""
        step = decision_directed(log_stsa_gain, self.alpha, self.xi_min_db)
        absence = speech_absence()
        log_gain_min = np.log(10) * self.gain_min_db / 20

        def rule(power: Spectrum, noise: Spectrum) -> Spectrum:
            xi, gamma, gain = step(power, noise)
            p = speech_probability(xi, gamma, absence(xi))
            weighted: Spectrum = np.exp(p * np.log(gain) + (1 - p) * log_gain_min)
            return weighted

        return rule


def speech_probability(xi: Spectrum, gamma: Spectrum, absence: Spectrum) -> Spectrum:
    """Return the probability p = 1/(1 + q/(1 − q)·(1 + ξ)·e^−v) that a bin contains speech.

    Parameters
    ----------
    xi, gamma : array
        A priori and a posteriori SNR; v = γξ/(1 + ξ).
    absence : array
        A priori probability q of no speech, < 1.

    References
    ----------
    Cohen, IEEE Trans. Speech Audio Process. 11 (5), 2003, equation 7.

    Examples
    --------
    >>> speech_probability(np.ones(2), np.array([0.0, 100.0]), np.array([0.5, 0.5])).round(3)
    array([0.333, 1.   ])
    """
    odds = absence / (1 - absence)
    probability: Spectrum = 1 / (1 + odds * (1 + xi) * np.exp(-gamma * xi / (1 + xi)))
    return probability


def speech_absence() -> Callable[[Spectrum], Spectrum]:
    """Start the estimate of the a priori probability of speech absence.

    Returns
    -------
    callable
        ``absence(xi)`` returns q of the next frame, <= 0.95, from its a priori SNR.

    References
    ----------
    Cohen and Berdugo 2001, on the a priori speech absence probability.

    Examples
    --------
    >>> absence = speech_absence()
    >>> [float(absence(np.full((1, 129), xi))[0, 0]) for xi in (0.01, 10.0)]
    [0.95, 0.0]
    """
    local, wide = _window(LOCAL_BINS), _window(GLOBAL_BINS)
    smooth = frame = peak = np.zeros((1, 1))

    def absence(xi: Spectrum) -> Spectrum:
        nonlocal smooth, frame, peak
        smooth = BETA * smooth + (1 - BETA) * xi if smooth.shape == xi.shape else xi
        before, frame = frame, smooth.mean(axis=1, keepdims=True)
        onset = (frame > before) & (frame > SPEECH_LOW)
        peak = np.where(onset, np.clip(frame, *PEAK_RANGE), peak)
        p_frame = np.where(onset, 1.0, _likelihood(ratio(frame, peak)))
        p_frame = np.where(frame > SPEECH_LOW, p_frame, 0.0)
        p_local = _likelihood(convolve1d(smooth, local, axis=1, mode="nearest"))
        p_wide = _likelihood(convolve1d(smooth, wide, axis=1, mode="nearest"))
        q: Spectrum = np.minimum(1 - p_local * p_wide * p_frame, MAX_ABSENCE)
        return q

    return absence


def _window(half_width: int) -> Spectrum:
    """Return a normalized Hann window over ``2·half_width + 1`` bins."""
    window: Spectrum = np.hanning(2 * half_width + 3)[1:-1]
    return window / window.sum()


def _likelihood(snr: Spectrum) -> Spectrum:
    """Map SNRs between the limits for noise and for speech to 0..1, linearly in dB."""
    position = np.log(np.maximum(snr, SPEECH_LOW) / SPEECH_LOW)
    likelihood: Spectrum = np.minimum(position / np.log(SPEECH_HIGH / SPEECH_LOW), 1)
    return likelihood
