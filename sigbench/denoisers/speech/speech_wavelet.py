"""Wavelet thresholding with a noise level for every band, from a tracker of the noise spectrum."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import scipy.fft

from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check_choice, check_field
from sigbench.denoisers.parameters import build_named_options
from sigbench.denoisers.speech.frames import framing
from sigbench.denoisers.speech.noise_spectrum import atom_levels, frame_at
from sigbench.denoisers.speech.trackers import TRACKERS, Mcra, NoiseTracker, noise_spectra
from sigbench.denoisers.speech.trackers.known import tracker_for
from sigbench.denoisers.wavelet import SHRINKS, Shrink
from sigbench.transforms import StationaryWavelet, orthogonal_wavelet
from sigbench.transforms.wavelet_filters import is_refined, refined_field

LOWEST_HZ = 125.0  # upper limit of the coarse band
SEGMENT = 2**16  # samples that are transformed at a time


@dataclass(frozen=True)
class SpeechWavelet:
    """Threshold the stationary wavelet transform with levels from the tracked noise spectrum.

    The threshold of a coefficient is ``threshold_over_sigma``·σ, where σ is the level that noise
    with the tracked spectrum has in its band at that time. The coarse band, below about 125 Hz, is
    also thresholded, because speech has no mean.

    Parameters
    ----------
    tracker, threshold_over_sigma, fs
        As in `SpeechDCT`.
    wavelet : str
        An orthogonal wavelet of PyWavelets.
    shrink : {"soft", "hard", "garrote", "firm"}
        The shrinkage function; ``firm`` is linear between the threshold and twice that.

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

    tracker: NoiseTracker = field(default=Mcra(), metadata={"table": TRACKERS})
    threshold_over_sigma: float = 1.5
    wavelet: str = "db16"
    shrink: Shrink = "garrote"
    fs: float | None = None
    refined: bool = refined_field()

    info: ClassVar[Info] = Info(
        "speech-wavelet", "wavelet", "Johnstone, Silverman 1997", domains=("speech",), adapts=True
    )

    def __post_init__(self) -> None:
        build_named_options(self)
        check_field("threshold_over_sigma", self.threshold_over_sigma, 0)
        check_choice("shrink", self.shrink, SHRINKS)
        orthogonal_wavelet(self.wavelet)
        object.__setattr__(self, "refined", is_refined(self.wavelet))

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        tracker = tracker_for(self.tracker, noisy, sigma)
        frames = framing(self.fs)
        depth = max(1, round(np.log2(frames.fs / 2 / LOWEST_HZ)))
        transform = StationaryWavelet(self.wavelet, depth)
        levels = atom_levels(noise_spectra(tracker, noisy, frames), frames, _filters(transform))
        n = noisy.shape[-1]
        margin = 2 * _reach(transform)  # in analysis and in synthesis
        y = np.pad(noisy, ((0, 0), (0, 0), (margin, margin)), "symmetric")
        at = frame_at(np.arange(n + 2 * margin) - margin, frames, levels.shape[1])
        estimate = np.empty_like(noisy)
        for first in range(0, n, SEGMENT):
            inside = min(SEGMENT, n - first)
            part = slice(first, first + inside + 2 * margin)
            bands = transform.analysis(y[..., part])
            for b in range(bands.shape[2]):
                t = (self.threshold_over_sigma * levels[:, None, at[part], b]).astype(y.dtype)
                bands[:, :, b] = SHRINKS[self.shrink](bands[:, :, b], t)
            part_estimate = transform.synthesis(bands, (inside + 2 * margin,))
            estimate[..., first : first + inside] = part_estimate[..., margin : margin + inside]
        return estimate


def _filters(transform: StationaryWavelet) -> Array:
    """Return the filter of each band, shape ``(bands, length)``."""
    impulse = np.zeros((1, 1, scipy.fft.next_fast_len(_reach(transform) + 1, real=True)))
    impulse[..., 0] = 1
    return transform.analysis(impulse)[0, 0]


def _reach(transform: StationaryWavelet) -> int:
    """Return by how many samples the longest filter extends beyond a sample."""
    taps = len(orthogonal_wavelet(transform.wavelet).dec_lo)
    return (taps - 1) * (2 ** (transform.level or 1) - 1)
