"""Controls: methods that help no listener. A metric that prefers one measures something else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check, check_field
from sigbench.denoisers.speech.frames import Spectrum, filtered, framing


@dataclass(frozen=True)
class Silence:
    """Zeros: all noise is removed, and all speech.

    Most metrics of speech are undefined for it. Its segmental SNR is 0 dB in every frame with speech,
    which can be more than that of the noisy signal or of a denoiser.

    Examples
    --------
    >>> Silence()(np.ones((1, 1, 2)))
    array([[[0., 0.]]])
    """

    info: ClassVar[Info] = Info("silence", "control", "zeros", domains=("speech",))
    latency_ms: ClassVar[float] = 0.0

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return zeros, shape and dtype of ``noisy``."""
        check(noisy, sigma)
        return np.zeros_like(noisy)


@dataclass(frozen=True)
class MetricGamer:
    """A fixed low-pass filter at 600 Hz, which raises PESQ by removing most of the speech.

    PESQ compensates a part of constant filtering and gives less weight to what is missing than to what
    is added, so it rates muffled speech above the result of a real denoiser. Most of the consonants are
    lost: intelligibility (ESTOI) falls below that of the noisy signal, and the spectral envelope (LLR)
    is as wrong as it can be. A comparison with a denoiser shows why one metric is not enough.

    Parameters
    ----------
    fs : float, optional
        Sampling rate in Hz; problem information.
    cutoff_hz : float
        Frequency at which half of the amplitude is left. The gain is that of a Butterworth filter of
        order 4 that is applied forward and backward.

    References
    ----------
    Why one metric is not enough: de Oliveira, Welker, Richter, Gerkmann, "The PESQetarian: on the
    relevance of Goodhart's law for speech enhancement", Interspeech 2024 (arXiv 2406.03460).

    Examples
    --------
    >>> tone = np.cos(2 * np.pi * np.array([[[100.0], [2000.0]]]) * np.arange(8000) / 8000)
    >>> muffled = [MetricGamer(fs=8000)(tone[:, i : i + 1]) for i in (0, 1)]
    >>> [round(float(np.sqrt(2 * np.mean(y**2))), 1) for y in muffled]
    [1.0, 0.0]
    """

    fs: float | None = None
    cutoff_hz: float = 600.0

    info: ClassVar[Info] = Info("metric-gamer", "control", "a low-pass filter", domains=("speech",))

    def __post_init__(self) -> None:
        check_field("cutoff_hz", self.cutoff_hz, 1)

    @property
    def latency_ms(self) -> float | None:
        """Length of a frame in ms, or None if ``fs`` is not known."""
        return None if self.fs is None else framing(self.fs).latency_ms

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the filtered signal, shape and dtype of ``noisy``."""
        check(noisy, sigma)
        frames = framing(self.fs)
        gain = 1 / (1 + (frames.frequencies / self.cutoff_hz) ** 8)

        def constant(power: Spectrum) -> Spectrum:
            return np.broadcast_to(gain, power.shape)

        return filtered(noisy, frames, constant)
