"""Oracle masks: gains from the true spectra of speech and noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Denoiser, Info, Sigma
from sigbench.core.validation import check, check_field
from sigbench.denoisers.speech.frames import (
    Framing,
    Spectrum,
    check_frames,
    filtered,
    frame_latency_ms,
    frames_of,
    power_blocks,
)
from sigbench.denoisers.speech.suppression import TINY


@dataclass(frozen=True)
class OracleWienerMask:
    """The gain |S|²/(|S|² + |N|²) from the true spectra of speech and noise.

    Methods that also change the phase can be better, so this is a reference and not a bound.

    Parameters
    ----------
    window_ms : float
        Frame length in ms.
    overlap : int
        Number of frames that cover a sample.
    fs : float, optional
        Sampling rate in Hz; problem information.

    References
    ----------
    Erdogan, Hershey, Watanabe and Le Roux, Phase-sensitive and recognition-boosted speech
    separation using deep recurrent neural networks, ICASSP 2015: the "Wiener-like" mask.

    Examples
    --------
    >>> clean = np.sin(np.arange(4000.0)).reshape(1, 1, -1)
    >>> noise = 0.5 * np.random.default_rng(0).normal(size=clean.shape)
    >>> error = OracleWienerMask(fs=8000.0).bind(clean)(clean + noise) - clean
    >>> bool(np.std(error) < 0.3 * np.std(noise))
    True
    """

    window_ms: float = 32.0
    overlap: int = 4
    fs: float | None = None

    info: ClassVar[Info] = Info(
        "oracle-wiener-mask", "limit", "Erdogan et al. 2015: true spectra", domains=("speech",)
    )
    latency_ms = frame_latency_ms

    def __post_init__(self) -> None:
        check_frames(self)

    def bind(self, clean: Array) -> Denoiser:
        """Return a denoiser that uses ``clean``, shape ``(N, 1, L)``."""
        return _Mask(frames_of(self), clean, 1.0)


@dataclass(frozen=True)
class IdealRatioMask:
    """The gain (|S|²/(|S|² + |N|²))^power from the true spectra: a reference, not a bound.

    Parameters
    ----------
    power : float
        The exponent; 0.5 in the paper.
    window_ms, overlap, fs
        As in `OracleWienerMask`.

    References
    ----------
    Wang, Narayanan and Wang, IEEE/ACM Trans. Audio, Speech, Lang. Process. 22 (12), 2014:
    the ideal ratio mask, with β = 0.5.

    Examples
    --------
    >>> clean = np.sin(np.arange(4000.0)).reshape(1, 1, -1)
    >>> noise = 0.5 * np.random.default_rng(0).normal(size=clean.shape)
    >>> error = IdealRatioMask(fs=8000.0).bind(clean)(clean + noise) - clean
    >>> bool(np.std(error) < 0.4 * np.std(noise))
    True
    """

    power: float = 0.5
    window_ms: float = 32.0
    overlap: int = 4
    fs: float | None = None

    info: ClassVar[Info] = Info(
        "ideal-ratio-mask",
        "limit",
        "Wang, Narayanan, Wang 2014: true spectra",
        domains=("speech",),
    )
    latency_ms = frame_latency_ms

    def __post_init__(self) -> None:
        check_field("power", self.power, 0)
        check_frames(self)

    def bind(self, clean: Array) -> Denoiser:
        """Return a denoiser that uses ``clean``, shape ``(N, 1, L)``."""
        return _Mask(frames_of(self), clean, self.power)


@dataclass(frozen=True, eq=False)
class _Mask:
    frames: Framing
    clean: Array
    power: float

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        check(noisy, sigma)
        if noisy.shape != self.clean.shape:
            raise InputError(f"noisy has shape {noisy.shape}: it must be {self.clean.shape}")
        pairs = zip(
            _powers(self.clean, self.frames), _powers(noisy - self.clean, self.frames), strict=True
        )

        def gain(_: Spectrum) -> Spectrum:
            s, n = next(pairs)
            mask: Spectrum = (s / np.maximum(s + n, TINY)) ** self.power
            return mask

        return filtered(noisy, self.frames, gain)


def _powers(signal: Array, frames: Framing) -> Iterator[Spectrum]:
    """Yield the power of every frame, shape ``(N, bins)``."""
    for block in power_blocks(signal, frames):
        yield from block.swapaxes(0, 1)
