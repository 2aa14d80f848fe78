"""What all suppression rules share: the call, SNRs, and their decision-directed estimate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from sigbench.core.protocols import Array, Sigma
from sigbench.denoisers.speech.frames import Framed, Framing, Spectrum, filtered, frames_of
from sigbench.denoisers.speech.trackers import NoiseTracker, SpeechPresence
from sigbench.denoisers.speech.trackers.known import tracker_for

Rule = Callable[[Spectrum, Spectrum], Spectrum]
"""``rule(power, noise)`` returns the gains of the next frame, shape ``(N, bins)``.

``power`` is |Y|² of the frame and ``noise`` the tracked power of the noise in it.
"""

GainFunction = Callable[[Spectrum, Spectrum], Spectrum]
"""``gain(xi, gamma)`` returns the gain for an a priori and an a posteriori SNR."""

DEFAULT_TRACKER: NoiseTracker = SpeechPresence()

MAX_RATIO = 1e12  # a larger ratio counts as this one; gains differ from 1 by less than 1e-12 there
TINY = 1e-300


class Suppression(Framed, Protocol):
    """A frozen dataclass of the parameters of a rule; `suppressed` is its ``__call__``."""

    @property
    def tracker(self) -> NoiseTracker:
        """Estimator of the noise power."""

    def rule(self, frames: Framing) -> Rule:
        """Start a signal: return its `Rule`."""


def suppressed(method: Suppression, noisy: Array, *, sigma: Sigma = None) -> Array:
    """Track the noise of signals and multiply their frames by the gains of a rule.

    Parameters
    ----------
    method : Suppression
        The rule, its tracker and its frames.
    noisy : array, shape (N, 1, L)
        The signals.
    sigma : float, array, NoiseModel or None
        A noise model replaces the tracker. A level is checked, but not used.

    Returns
    -------
    array, shape (N, 1, L)
        With the dtype of ``noisy``.

    Examples
    --------
    >>> from sigbench.denoisers.speech.mmse import LogMMSE
    >>> y = np.random.default_rng(0).normal(size=(1, 1, 8000))
    >>> bool(np.std(suppressed(LogMMSE(fs=8000.0), y)) < 0.3)
    True
    """
    tracker = tracker_for(method.tracker, noisy, sigma)
    frames = frames_of(method)
    rule, update = method.rule(frames), tracker.start(frames)
    return filtered(noisy, frames, lambda power: rule(power, update(power)))


def ratio(power: Spectrum, noise: Spectrum) -> Spectrum:
    """Return ``power / noise``, at most 1e12, also if the noise is zero; 0/0 is 0.

    Examples
    --------
    >>> ratio(np.array([3.0, 3.0, 0.0]), np.array([2.0, 0.0, 0.0]))
    array([1.5e+00, 1.0e+12, 0.0e+00])
    """
    quotient: Spectrum = power / np.maximum(np.maximum(noise, power / MAX_RATIO), TINY)
    return quotient


def decision_directed(
    gain: GainFunction, alpha: float, xi_min_db: float
) -> Callable[[Spectrum, Spectrum], tuple[Spectrum, Spectrum, Spectrum]]:
    """Start the decision-directed estimate of the a priori SNR.

    With γ = |Y|²/λ, the SNR of frame m is ξ = max(α·|G_{m−1}·Y_{m−1}|²/λ + (1−α)·max(γ − 1, 0),
    ξ_min). It is α + (1−α)·max(γ − 1, 0) in the first frame.

    Parameters
    ----------
    gain : callable
        See `GainFunction`.
    alpha : float
        The weight α of the previous frame.
    xi_min_db : float
        The smallest a priori SNR ξ_min in dB.

    Returns
    -------
    callable
        ``step(power, noise)`` returns ξ, γ and the gain of the next frame.

    References
    ----------
    Ephraim and Malah, IEEE Trans. Acoust., Speech, Signal Process. 32 (6), 1984, equation 51. The
    floor: Cappé, IEEE Trans. Speech Audio Process. 2 (2), 1994.

    Examples
    --------
    >>> step = decision_directed(lambda xi, gamma: xi / (1 + xi), alpha=0.5, xi_min_db=-20.0)
    >>> power, noise = np.array([[4.0]]), np.array([[1.0]])
    >>> [float(x[0, 0]) for x in step(power, noise)]  # 0.5·1 + 0.5·(4 − 1)
    [2.0, 4.0, 0.6666666666666666]
    """
    xi_min = 10 ** (xi_min_db / 10)
    clean: Spectrum | None = None

    def step(power: Spectrum, noise: Spectrum) -> tuple[Spectrum, Spectrum, Spectrum]:
        nonlocal clean
        gamma = ratio(power, noise)
        before = 1.0 if clean is None else ratio(clean, noise)
        xi = np.maximum(alpha * before + (1 - alpha) * np.maximum(gamma - 1, 0), xi_min)
        gains = gain(xi, gamma)
        clean = gains**2 * power
        return xi, gamma, gains

    return step
