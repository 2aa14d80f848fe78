"""Suppression rules with a decision-directed a priori SNR: Wiener, MMSE-STSA and log-MMSE."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from scipy.special import exp1, i0e, i1e

from sigbench.core.protocols import Info
from sigbench.core.validation import check_field
from sigbench.denoisers.speech.frames import Framing, Spectrum, check_frames, frame_latency_ms
from sigbench.denoisers.speech.suppression import (
    DEFAULT_TRACKER,
    GainFunction,
    Rule,
    decision_directed,
    suppressed,
)
from sigbench.denoisers.speech.trackers import TRACKERS, NoiseTracker

MIN_V = 1e-12  # the gains of both amplitude estimators grow without bound as γ → 0


def wiener_gain(xi: Spectrum, gamma: Spectrum) -> Spectrum:
    """Return ξ/(1 + ξ), the gain of the Wiener filter; it does not depend on γ.

    Examples
    --------
    >>> float(wiener_gain(np.array(3.0), np.array(1.0)))
    0.75
    """
    gain: Spectrum = xi / (1 + xi)
    return gain


def stsa_gain(xi: Spectrum, gamma: Spectrum) -> Spectrum:
    """Return E[A | Y]/|Y| for complex Gaussian speech with amplitude A in Gaussian noise.

    With v = γξ/(1 + ξ), the gain is √(πv)/(2γ) · e^(−v/2)·[(1 + v)·I₀(v/2) + v·I₁(v/2)].

    Parameters
    ----------
    xi, gamma : array
        A priori SNR ξ > 0 and a posteriori SNR γ >= 0. Where v < 1e-12, γ is raised to v = 1e-12.

    References
    ----------
    Ephraim and Malah 1984, equation 7.

    Examples
    --------
    >>> stsa_gain(np.array([1.0, 1.0]), np.array([0.5, 1e9])).round(3)
    array([0.994, 0.5  ])
    """
    wiener = xi / (1 + xi)
    v = np.maximum(gamma * wiener, MIN_V)
    gain: Spectrum = wiener * np.sqrt(np.pi / v) / 2 * ((1 + v) * i0e(v / 2) + v * i1e(v / 2))
    return gain


def log_stsa_gain(xi: Spectrum, gamma: Spectrum) -> Spectrum:
    """Return exp(E[log A | Y])/|Y| for complex Gaussian speech with amplitude A.

    With v = γξ/(1 + ξ), the gain is ξ/(1 + ξ)·exp(E₁(v)/2).

    Parameters
    ----------
    xi, gamma : array
        A priori SNR ξ > 0 and a posteriori SNR γ >= 0. Where v < 1e-12, γ is raised to v = 1e-12.

    References
    ----------
    Ephraim and Malah 1985, equation 20.

    Examples
    --------
    >>> log_stsa_gain(np.array([1.0, 1.0]), np.array([0.5, 1e9])).round(3)
    array([0.843, 0.5  ])
    """
    wiener = xi / (1 + xi)
    gain: Spectrum = wiener * np.exp(exp1(np.maximum(gamma * wiener, MIN_V)) / 2)
    return gain


@dataclass(frozen=True)
class DecisionDirectedWiener:
    """The Wiener filter ξ/(1 + ξ) with the decision-directed a priori SNR ξ.

    Parameters
    ----------
    tracker : NoiseTracker
        Estimator of the noise power.
    alpha : float
        Weight of the previous frame in ξ, >= 0 and < 1; 0.98 in the paper.
    xi_min_db : float
        Smallest ξ in dB; limits the attenuation.
    window_ms : float
        Frame length in ms; 40 was chosen on the training speakers of FSDD in recorded noise.
    overlap : int
        Number of frames that cover a sample.
    fs : float, optional
        Sampling rate in Hz; problem information.

    References
    ----------
    Scalart and Filho, Speech enhancement based on a priori signal to noise estimation, ICASSP
    1996.

    Examples
    --------
    >>> y = np.random.default_rng(0).normal(size=(1, 1, 8000))
    >>> bool(np.std(DecisionDirectedWiener(fs=8000.0)(y)) < 0.2)
    True
    """

    tracker: NoiseTracker = field(default=DEFAULT_TRACKER, metadata={"table": TRACKERS})
    alpha: float = 0.98
    xi_min_db: float = -25.0
    window_ms: float = 40.0
    overlap: int = 4
    fs: float | None = None

    info: ClassVar[Info] = Info(
        "decision-directed-wiener",
        "speech",
        "Scalart, Filho 1996",
        domains=("speech",),
        adapts=True,
    )
    latency_ms = frame_latency_ms
    __call__ = suppressed

    def __post_init__(self) -> None:
        _check(self)

    def rule(self, frames: Framing) -> Rule:
        """Return the gains of a signal; see `Suppression`."""
        return _rule(self, wiener_gain)


@dataclass(frozen=True)
class MMSESTSA:
    """The estimate of the spectral amplitude with minimum mean squared error; see `stsa_gain`.

    Parameters
    ----------
    tracker, alpha, xi_min_db, window_ms, overlap, fs
        As in `DecisionDirectedWiener`.

    References
    ----------
    Ephraim and Malah, IEEE Trans. Acoust., Speech, Signal Process. 32 (6), 1984, equation 7;
    α = 0.98 as in section V.

    Examples
    --------
    >>> y = np.random.default_rng(0).normal(size=(1, 1, 8000))
    >>> bool(np.std(MMSESTSA(fs=8000.0)(y)) < 0.4)
    True
    """

    tracker: NoiseTracker = field(default=DEFAULT_TRACKER, metadata={"table": TRACKERS})
    alpha: float = 0.98
    xi_min_db: float = -25.0
    window_ms: float = 40.0
    overlap: int = 4
    fs: float | None = None

    info: ClassVar[Info] = Info(
        "mmse-stsa", "speech", "Ephraim, Malah 1984", domains=("speech",), adapts=True
    )
    latency_ms = frame_latency_ms
    __call__ = suppressed

    def __post_init__(self) -> None:
        _check(self)

    def rule(self, frames: Framing) -> Rule:
        """Return the gains of a signal; see `Suppression`."""
        return _rule(self, stsa_gain)


@dataclass(frozen=True)
class LogMMSE:
    """The estimate of the amplitude with minimum squared error of its log; see `log_stsa_gain`.

    Parameters
    ----------
    tracker, alpha, xi_min_db, window_ms, overlap, fs
        As in `DecisionDirectedWiener`.

    References
    ----------
    Ephraim and Malah, IEEE Trans. Acoust., Speech, Signal Process. 33 (2), 1985, equation 20;
    α = 0.98 as in section III.

    Examples
    --------
    >>> y = np.random.default_rng(0).normal(size=(1, 1, 8000))
    >>> bool(np.std(LogMMSE(fs=8000.0)(y)) < 0.3)
    True
    """

    tracker: NoiseTracker = field(default=DEFAULT_TRACKER, metadata={"table": TRACKERS})
    alpha: float = 0.98
    xi_min_db: float = -25.0
    window_ms: float = 40.0
    overlap: int = 4
    fs: float | None = None

    info: ClassVar[Info] = Info(
        "log-mmse", "speech", "Ephraim, Malah 1985", domains=("speech",), adapts=True
    )
    latency_ms = frame_latency_ms
    __call__ = suppressed

    def __post_init__(self) -> None:
        _check(self)

    def rule(self, frames: Framing) -> Rule:
        """Return the gains of a signal; see `Suppression`."""
        return _rule(self, log_stsa_gain)


DecisionDirected = DecisionDirectedWiener | MMSESTSA | LogMMSE


def _check(method: DecisionDirected) -> None:
    check_field("alpha", method.alpha, 0, below=1)
    check_field("xi_min_db", method.xi_min_db, -100, below=100)
    check_frames(method)


def _rule(method: DecisionDirected, gain: GainFunction) -> Rule:
    step = decision_directed(gain, method.alpha, method.xi_min_db)
    return lambda power, noise: step(power, noise)[2]
