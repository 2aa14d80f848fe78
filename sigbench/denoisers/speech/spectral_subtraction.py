"""Spectral subtraction of magnitudes (Boll) and of powers with a spectral floor (Berouti)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from sigbench.core.protocols import Info
from sigbench.core.validation import check_field
from sigbench.denoisers.speech.frames import Framing, Spectrum, check_frames, frame_latency_ms
from sigbench.denoisers.speech.suppression import DEFAULT_TRACKER, TINY, Rule, ratio, suppressed
from sigbench.denoisers.speech.trackers import TRACKERS, NoiseTracker

RAYLEIGH_MEAN = np.sqrt(np.pi) / 2  # E|N|/√(E|N|²) of a complex Gaussian N


@dataclass(frozen=True)
class BollSubtraction:
    """Subtraction of the mean magnitude of the noise.

    The steps of the paper, for each frame and bin:

    1. Magnitude averaging: |Y| is replaced by its mean over this frame and earlier ones, about
       ``average_ms`` in all.
    2. Subtraction and half-wave rectification: G = max(1 − μ/|Ȳ|, 0). The mean magnitude μ of the
       noise is √(π/4·λ) for Gaussian noise, where λ is the noise power of the tracker.
    3. Residual noise reduction: where the result is below the largest residual of noise, it is
       replaced by its minimum over this frame and two neighbors. The paper uses the frames before
       and after; here they are the two before, so no later frame is needed. The largest residual
       is ``residual``·√λ − μ, because no recording of the noise alone is available.
    4. Attenuation in frames without speech: if the mean over frequency of the result divided by μ
       is below ``speech_db``, the noisy frame is multiplied by ``attenuation_db`` instead.

    Parameters
    ----------
    tracker : NoiseTracker
        Estimator of the noise power.
    average_ms : float
        Time over which magnitudes are averaged.
    residual : float
        Largest magnitude of noise in units of √λ.
    speech_db : float
        Level in dB below which a frame is treated as noise. It is −12 dB in the paper, which
        mutes weak speech and lowers ESTOI.
    attenuation_db : float
        Gain in dB of frames without speech.
    window_ms, overlap, fs
        As in `DecisionDirectedWiener`.

    References
    ----------
    Boll, IEEE Trans. Acoust., Speech, Signal Process. 27 (2), 1979, section III.

    Examples
    --------
    >>> y = np.random.default_rng(0).normal(size=(1, 1, 8000))
    >>> bool(np.std(BollSubtraction(fs=8000.0)(y)) < 0.3)
    True
    """

    tracker: NoiseTracker = field(default=DEFAULT_TRACKER, metadata={"table": TRACKERS})
    average_ms: float = 48.0
    residual: float = 1.7
    speech_db: float = -18.0
    attenuation_db: float = -30.0
    window_ms: float = 40.0
    overlap: int = 4
    fs: float | None = None

    info: ClassVar[Info] = Info(
        "boll-subtraction", "speech", "Boll 1979", domains=("speech",), adapts=True
    )
    latency_ms = frame_latency_ms
    __call__ = suppressed

    def __post_init__(self) -> None:
        check_field("average_ms", self.average_ms, 0)
        check_field("residual", self.residual, 0)
        check_field("speech_db", self.speech_db, -300, below=300)
        check_field("attenuation_db", self.attenuation_db, -300, below=1)
        check_frames(self)

    def rule(self, frames: Framing) -> Rule:
        """Return the gains of a signal; see `Suppression`."""
        averaged = max(1, round(self.average_ms / 1e3 / frames.frame_s))
        magnitudes: deque[Spectrum] = deque(maxlen=averaged)
        results: deque[Spectrum] = deque(maxlen=3)
        attenuation = 10 ** (self.attenuation_db / 20)
        threshold = 10 ** (self.speech_db / 20)

        def rule(power: Spectrum, noise: Spectrum) -> Spectrum:
            magnitude, deviation = np.sqrt(power), np.sqrt(noise)
            mean = RAYLEIGH_MEAN * deviation
            magnitudes.append(magnitude)
            average = np.sum(magnitudes, axis=0) / len(magnitudes)
            result = magnitude * np.maximum(1 - mean / np.maximum(average, TINY), 0)
            results.append(result)
            small = result < self.residual * deviation - mean
            result = np.where(small, np.min(results, axis=0), result)
            level = ratio(result, mean).mean(axis=1, keepdims=True)
            gain = np.where(power > 0, result / np.maximum(magnitude, TINY), 1.0)
            return np.where(level < threshold, attenuation, gain)

        return rule


@dataclass(frozen=True)
class BeroutiSubtraction:
    """Subtraction of a multiple of the noise power, with a spectral floor.

    The estimate of the speech power is max(|Y|² − α·λ, β·λ), at most |Y|². The factor
    α = α₀ − s·SNR depends on the a posteriori SNR of the frame, Σ|Y|²/Σλ in dB, limited to the
    range from −5 to 20 dB, where s is such that α is 1 at 20 dB.

    Parameters
    ----------
    tracker : NoiseTracker
        Estimator of the noise power.
    oversubtraction : float
        The factor α₀ at 0 dB, >= 1.
    floor : float
        The spectral floor β.
    window_ms, overlap, fs
        As in `DecisionDirectedWiener`.

    References
    ----------
    Berouti, Schwartz and Makhoul, Enhancement of speech corrupted by acoustic noise, ICASSP 1979,
    with exponent γ = 2. The paper has α₀ from 3 to 6 and β from 0.005 to 0.1.

    Examples
    --------
    >>> y = np.random.default_rng(0).normal(size=(1, 1, 8000))
    >>> bool(np.std(BeroutiSubtraction(fs=8000.0)(y)) < 0.5)
    True
    """

    tracker: NoiseTracker = field(default=DEFAULT_TRACKER, metadata={"table": TRACKERS})
    oversubtraction: float = 4.0
    floor: float = 0.01
    window_ms: float = 40.0
    overlap: int = 4
    fs: float | None = None

    info: ClassVar[Info] = Info(
        "berouti-subtraction",
        "speech",
        "Berouti, Schwartz, Makhoul 1979",
        domains=("speech",),
        adapts=True,
    )
    latency_ms = frame_latency_ms
    __call__ = suppressed

    def __post_init__(self) -> None:
        check_field("oversubtraction", self.oversubtraction, 1)
        check_field("floor", self.floor, 0)
        check_frames(self)

    def rule(self, frames: Framing) -> Rule:
        """Return the gains of a signal; see `Suppression`."""
        return self._gain

    def _gain(self, power: Spectrum, noise: Spectrum) -> Spectrum:
        snr = ratio(power.sum(axis=1, keepdims=True), noise.sum(axis=1, keepdims=True))
        snr_db = np.clip(10 * np.log10(np.maximum(snr, TINY)), -5, 20)
        factor = self.oversubtraction - (self.oversubtraction - 1) / 20 * snr_db
        inverse = ratio(noise, power)
        gain: Spectrum = np.sqrt(
            np.clip(np.maximum(1 - factor * inverse, self.floor * inverse), 0, 1)
        )
        return gain
