"""Sliding DCT with a threshold for every frequency, from a tracker of the noise spectrum."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view

from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check_field
from sigbench.denoisers.parameters import build_named_options
from sigbench.denoisers.speech.frames import framing
from sigbench.denoisers.speech.noise_spectrum import atom_levels, frame_at
from sigbench.denoisers.speech.trackers import TRACKERS, Mcra, NoiseTracker, noise_spectra
from sigbench.denoisers.speech.trackers.known import tracker_for

BLOCKS = 1024  # blocks of a signal that are transformed at a time


@dataclass(frozen=True)
class SpeechDCT:
    """Hard-threshold the DCT of the block at every sample, and average the estimates.

    The threshold of the DCT coefficient k is ``threshold_over_sigma``·σ(k), where σ(k) is the
    level that noise with the tracked spectrum has in this coefficient at that time. Unlike in
    `SlidingDCT`, the constant coefficient is also thresholded.

    Parameters
    ----------
    tracker : NoiseTracker or str
        The estimator of the noise spectrum, in frames of 32 ms.
    threshold_over_sigma : float
        The threshold in units of σ.
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

    tracker: NoiseTracker = field(default=Mcra(), metadata={"table": TRACKERS})
    threshold_over_sigma: float = 2.5
    block_ms: float = 16.0
    fs: float | None = None

    info: ClassVar[Info] = Info(
        "speech-dct",
        "block transform",
        "Yu, Sapiro 2011; Coifman, Donoho 1995",
        domains=("speech",),
        adapts=True,
    )

    def __post_init__(self) -> None:
        build_named_options(self)
        check_field("threshold_over_sigma", self.threshold_over_sigma, 0)
        check_field("block_ms", self.block_ms, 0)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        tracker = tracker_for(self.tracker, noisy, sigma)
        frames = framing(self.fs)
        window = max(1, round(self.block_ms * frames.fs / 1e3))
        dct = scipy.fft.dct(np.eye(window), axis=0, norm="ortho")
        levels = atom_levels(noise_spectra(tracker, noisy, frames), frames, dct)
        limits = (self.threshold_over_sigma * levels).astype(noisy.dtype)
        beyond, n = window - 1, noisy.shape[-1]
        y = np.pad(noisy[:, 0], ((0, 0), (beyond, beyond)), "symmetric")
        blocks = sliding_window_view(y, window, axis=-1)  # block p ends at sample p
        at = frame_at(np.arange(n + beyond) - window // 2, frames, limits.shape[1])
        total = np.zeros_like(y)
        for first in range(0, n + beyond, BLOCKS):
            some = slice(first, first + BLOCKS)
            c = scipy.fft.dct(blocks[:, some], norm="ortho")
            c *= np.abs(c) > limits[:, at[some]]
            estimates = scipy.fft.idct(c, norm="ortho", overwrite_x=True)
            for offset in range(window):
                end = first + offset + estimates.shape[1]
                total[:, first + offset : end] += estimates[:, :, offset]
        return total[:, None, beyond : beyond + n] / noisy.dtype.type(window)
