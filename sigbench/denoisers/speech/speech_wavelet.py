"""Wavelet thresholding with a noise level for every band, from a tracker of the noise spectrum."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import scipy.fft

from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check, check_choice, check_field
from sigbench.denoisers.parameters import build_named_options
from sigbench.denoisers.speech.frames import framing
from sigbench.denoisers.speech.noise_spectrum import atom_levels, frame_at
from sigbench.denoisers.speech.trackers import (
    TRACKERS,
    LeadingNoise,
    NoiseTracker,
    noise_spectra,
)
from sigbench.denoisers.wavelet import SHRINKS, Shrink
from sigbench.transforms import StationaryWavelet, orthogonal_wavelet

LOWEST_HZ = 125.0  # upper limit of the coarse band
BLOCK = 2**18  # samples of a long signal that are transformed together


@dataclass(frozen=True)
class SpeechWavelet:
    """Threshold the stationary wavelet transform with levels from the tracked noise spectrum.

    The threshold of a coefficient is ``threshold_over_sigma``·σ, where σ is the level that noise
    with the tracked spectrum has in its band at that time. The coarse band, below about 125 Hz, is
    also thresholded, because speech has no mean.

    Parameters
    ----------
    tracker : NoiseTracker or str
        The estimator of the noise spectrum, in frames of 32 ms.
    threshold_over_sigma : float
        The threshold in noise levels.
    wavelet : str
        An orthogonal wavelet of PyWavelets.
    shrink : {"soft", "hard", "garrote", "firm"}
        The shrinkage function; ``firm`` is linear between the threshold and twice that.
    fs : float, optional
        Sampling rate in Hz; problem information.

    References
    ----------
    Johnstone and Silverman, J. R. Stat. Soc. B 59 (1997), section 3: thresholds by level for
    noise that is not white; there the levels are estimated by the median absolute deviation, as
    ``by_level`` of `WaveletShrink` does. Nason and Silverman (1995): the stationary transform.

    Examples
    --------
    >>> y = np.random.default_rng(0).normal(size=(1, 1, 4000))  # noise alone
    >>> x = SpeechWavelet(fs=8000.0)(y)
    >>> bool(np.mean(x**2) < 0.2)
    True
    """

    tracker: NoiseTracker = field(default=LeadingNoise(), metadata={"table": TRACKERS})
    threshold_over_sigma: float = 1.5
    wavelet: str = "db16"
    shrink: Shrink = "garrote"
    fs: float | None = None

    info: ClassVar[Info] = Info(
        "speech-wavelet", "wavelet", "Johnstone, Silverman 1997", domains=("speech",)
    )

    def __post_init__(self) -> None:
        build_named_options(self)
        check_field("threshold_over_sigma", self.threshold_over_sigma, 0)
        check_choice("shrink", self.shrink, SHRINKS)
        orthogonal_wavelet(self.wavelet)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        check(noisy, sigma)
        frames = framing(self.fs)
        depth = max(1, round(np.log2(frames.fs / 2 / LOWEST_HZ)))
        transform = StationaryWavelet(self.wavelet, depth)
        levels = atom_levels(
            noise_spectra(self.tracker, noisy, frames), frames, _filters(transform, depth)
        )
        margin = 2 * _reach(transform, depth)
        n = noisy.shape[-1]
        estimate = np.empty_like(noisy)
        for first in range(0, n, BLOCK):
            start, stop = max(0, first - margin), min(n, first + BLOCK + margin)
            at = frame_at(np.arange(start, stop), frames, levels.shape[1])
            part = self._shrunk(noisy[..., start:stop], transform, 2**depth, levels[:, at])
            estimate[..., first : first + BLOCK] = part[..., first - start :][..., :BLOCK]
        return estimate

    def _shrunk(
        self, noisy: Array, transform: StationaryWavelet, least: int, levels: Array
    ) -> Array:
        """Return the estimate of a part of the signals; ``levels`` are ``(N, samples, bands)``."""
        n = noisy.shape[-1]
        # the transform is circular, and needs 2**depth samples
        longer = ((0, 0), (0, scipy.fft.next_fast_len(max(n, least), real=True) - n))
        levels = np.pad(levels, (*longer, (0, 0)), "edge")
        bands = transform.analysis(np.pad(noisy, ((0, 0), *longer), "symmetric"))
        shrink = SHRINKS[self.shrink]
        for b in range(bands.shape[2]):
            t = self.threshold_over_sigma * levels[:, None, :, b]
            bands[:, :, b] = shrink(bands[:, :, b], t.astype(noisy.dtype))
        return transform.synthesis(bands, bands.shape[3:])[..., :n]


def _reach(transform: StationaryWavelet, depth: int) -> int:
    """Return how many samples before or after it a coefficient depends on."""
    return (len(orthogonal_wavelet(transform.wavelet).dec_lo) - 1) * (2**depth - 1)


def _filters(transform: StationaryWavelet, depth: int) -> Array:
    """Return the filter of each band, shape ``(bands, length)``."""
    length = scipy.fft.next_fast_len(_reach(transform, depth) + 1, real=True)
    impulse = np.zeros((1, 1, length))
    impulse[..., 0] = 1
    return transform.analysis(impulse)[0, 0]
