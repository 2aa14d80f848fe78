"""Sliding DCT with a threshold for every frequency, from a tracker of the noise spectrum."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import scipy.fft

from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check, check_field
from sigbench.denoisers.parameters import build_named_options
from sigbench.denoisers.sliding_dct import threshold_blocks
from sigbench.denoisers.speech.frames import framing
from sigbench.denoisers.speech.noise_spectrum import atom_levels, frame_at
from sigbench.denoisers.speech.trackers import (
    TRACKERS,
    LeadingNoise,
    NoiseTracker,
    noise_spectra,
)


@dataclass(frozen=True)
class SpeechDCT:
    """Hard-threshold the DCT of the block at every sample, and average the estimates.

    The threshold of the DCT coefficient k is ``threshold_over_sigma``·σ(k), where σ(k) is the
    level that noise with the tracked spectrum has in this coefficient. It is updated every few
    milliseconds. Unlike in `SlidingDCT`, the constant coefficient is not an exception.

    Parameters
    ----------
    tracker : NoiseTracker or str
        The estimator of the noise spectrum, in frames of 32 ms.
    threshold_over_sigma : float
        The threshold in noise levels.
    block_ms : float
        Length of the block in ms.
    fs : float, optional
        Sampling rate in Hz; problem information.

    References
    ----------
    Yu and Sapiro, Image Process. On Line 1 (2011), section 2, for white noise; Coifman and
    Donoho, Translation-invariant de-noising (1995): the average over shifts.

    Examples
    --------
    >>> y = np.random.default_rng(0).normal(size=(1, 1, 4000))  # noise alone
    >>> x = SpeechDCT(fs=8000.0)(y)
    >>> bool(np.mean(x**2) < 0.05)
    True
    """

    tracker: NoiseTracker = field(default=LeadingNoise(), metadata={"table": TRACKERS})
    threshold_over_sigma: float = 2.5
    block_ms: float = 16.0
    fs: float | None = None

    info: ClassVar[Info] = Info(
        "speech-dct",
        "block transform",
        "Yu, Sapiro 2011; Coifman, Donoho 1995",
        domains=("speech",),
    )

    def __post_init__(self) -> None:
        build_named_options(self)
        check_field("threshold_over_sigma", self.threshold_over_sigma, 0)
        check_field("block_ms", self.block_ms, 0)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        check(noisy, sigma)
        frames = framing(self.fs)
        window = max(1, round(self.block_ms * frames.fs / 1e3))
        dct = scipy.fft.dct(np.eye(window), axis=0, norm="ortho")
        levels = atom_levels(noise_spectra(self.tracker, noisy, frames), frames, dct)
        thresholds = (self.threshold_over_sigma * levels).astype(noisy.dtype)

        def limits(tile: tuple[slice, ...]) -> Array:
            (positions,) = tile
            center = (positions.start + positions.stop - window) // 2
            frame = frame_at(np.array(center), frames, thresholds.shape[1])
            count = positions.stop - positions.start
            return np.tile(thresholds[:, None, frame], (1, 1, count))

        return threshold_blocks(noisy, window, limits, keep_constant=False)
