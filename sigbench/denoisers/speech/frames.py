"""The short-time Fourier transform that all speech methods share, and gains applied in it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array
from sigbench.core.validation import check_field
from sigbench.transforms.frames import STFT

Spectrum = NDArray[np.float64]

BLOCK_FRAMES = 1024  # frames held in memory at a time


@dataclass(frozen=True)
class Framing:
    """Frames of an STFT at a sampling rate.

    Parameters
    ----------
    fs : float
        Sampling rate in Hz.
    window, hop : int
        Frame length and distance between frames, in samples; see `STFT`.
    """

    fs: float
    window: int
    hop: int

    @property
    def bins(self) -> int:
        """Number of frequencies, from 0 to fs/2."""
        return self.window // 2 + 1

    @property
    def frame_s(self) -> float:
        """Distance between frames in seconds."""
        return self.hop / self.fs

    @property
    def frequencies(self) -> Spectrum:
        """Frequency of each bin in Hz, shape ``(bins,)``."""
        return np.arange(self.bins, dtype=np.float64) * (self.fs / self.window)

    @property
    def latency_ms(self) -> float:
        """Delay of a method that uses no later frame: the length of a frame."""
        return 1e3 * self.window / self.fs

    def smoothing(self, time_s: float) -> float:
        """Return the factor α of x̄ ← α·x̄ + (1−α)·x with this time constant in seconds.

        Examples
        --------
        >>> round(framing(8000.0).smoothing(0.1), 3)
        0.923
        """
        return float(np.exp(-self.frame_s / time_s))


MAX_WINDOW, MAX_OVERLAP = 2**20, 64


def framing(fs: float | None, window_ms: float = 32.0, overlap: int = 4) -> Framing:
    """Return frames of about ``window_ms`` milliseconds, ``overlap`` of which contain a sample.

    Parameters
    ----------
    fs : float or None
        Sampling rate in Hz.
    window_ms : float
        Length of a frame in ms; rounded to a multiple of ``2·overlap`` samples.
    overlap : int
        Frame length divided by the distance between frames, 2 to 64.

    Raises
    ------
    InputError
        If ``fs`` is None, a value is out of range, or a frame has more than 2**20 samples.

    Examples
    --------
    >>> framing(16_000.0)
    Framing(fs=16000.0, window=512, hop=128)
    """
    if fs is None:
        raise InputError("fs=None: the sampling rate in Hz must be given")
    if not 0 < fs < math.inf:
        raise InputError(f"{fs=:g} must be > 0 and finite")
    if not 2 <= overlap <= MAX_OVERLAP:
        raise InputError(f"{overlap=} must be >= 2 and <= {MAX_OVERLAP}")
    if not 0 < fs * window_ms / 1e3 <= MAX_WINDOW:
        raise InputError(f"{window_ms=:g} at {fs=:g} must be at most {MAX_WINDOW} samples and > 0")
    hop = max(1, round(fs * window_ms / 1e3 / (2 * overlap))) * 2
    return Framing(fs, hop * overlap, hop)


class Framed(Protocol):
    """A method that works in frames, by its fields; ``fs`` is problem information."""

    @property
    def window_ms(self) -> float:
        """Frame length in ms."""

    @property
    def overlap(self) -> int:
        """Number of frames that cover a sample."""

    @property
    def fs(self) -> float | None:
        """Sampling rate in Hz."""


def check_frames(method: Framed) -> None:
    """Check the fields ``window_ms`` and ``overlap``; raise `InputError` if one is too small."""
    check_field("window_ms", method.window_ms, 1)
    check_field("overlap", method.overlap, 2)


def frames_of(method: Framed) -> Framing:
    """Return the frames of a method, as `framing` does.

    Examples
    --------
    >>> from sigbench.denoisers.speech.masks import IdealRatioMask
    >>> frames_of(IdealRatioMask(fs=16_000.0))
    Framing(fs=16000.0, window=512, hop=128)
    """
    return framing(method.fs, method.window_ms, method.overlap)


# The property ``latency_ms`` of methods that use no later frame.
frame_latency_ms = property(
    lambda method: frames_of(method).latency_ms, doc="Delay in ms: the length of a frame."
)


def _windows(signal: Array, frames: Framing) -> tuple[Array, int]:
    """Return the frames of signals without window, ``(N, frames, window)``, and the padding before.

    The signals are extended by reflection, so that no frame is partly empty: it would have less
    power than the others.
    """
    if signal.ndim != 3 or signal.shape[1] != 1:
        raise InputError(f"signals have shape {signal.shape}: speech methods require (N, 1, L)")
    widths = STFT(frames.window, frames.hop).padding(signal.shape[-1])
    padded = np.pad(signal[:, 0], ((0, 0), widths), "symmetric")
    return sliding_window_view(padded, frames.window, axis=-1)[:, :: frames.hop], widths[0]


def power_spectra(signal: Array, frames: Framing) -> Spectrum:
    """Return the power |Y|² of all frames, as `filtered` passes them to ``gain``.

    Parameters
    ----------
    signal : array, shape (N, 1, L)
        The signals.
    frames : Framing
        The frames.

    Returns
    -------
    array, shape (N, frames, bins), float64

    Examples
    --------
    >>> power_spectra(np.ones((1, 1, 800)), framing(8000.0)).shape
    (1, 16, 129)
    """
    return np.concatenate(list(power_blocks(signal, frames)), axis=1)


def power_blocks(signal: Array, frames: Framing) -> Iterator[Spectrum]:
    """Yield the powers of `power_spectra` in blocks of frames, so that little memory is used.

    Examples
    --------
    >>> [block.shape for block in power_blocks(np.ones((1, 1, 800)), framing(8000.0))]
    [(1, 16, 129)]
    """
    windows, _ = _windows(signal, frames)
    for first in range(0, windows.shape[1], BLOCK_FRAMES):
        block = windows[:, first : first + BLOCK_FRAMES]
        yield _power(_spectra(block, frames, signal.dtype))


def _spectra(windows: Array, frames: Framing, dtype: Any) -> NDArray[np.complexfloating[Any]]:
    taper = STFT(frames.window, frames.hop).taper.astype(dtype)
    return scipy.fft.rfft(windows * taper, norm="ortho")


def _power(spectra: NDArray[np.complexfloating[Any]]) -> Spectrum:
    power: Spectrum = np.square(spectra.real, dtype=np.float64)  # float32 could over- or underflow
    power += np.square(spectra.imag, dtype=np.float64)
    return power


def filtered(noisy: Array, frames: Framing, gain: Callable[[Spectrum], Spectrum]) -> Array:
    """Multiply the frames of signals by gains that are computed one frame after another.

    Long signals are processed in blocks of frames, so the memory for spectra is bounded.

    Parameters
    ----------
    noisy : array, shape (N, 1, L)
        The signals.
    frames : Framing
        The frames.
    gain : callable
        ``gain(power)`` returns the gains of the next frame from its power |Y|²; both have shape
        ``(N, bins)``, float64.

    Returns
    -------
    array, shape (N, 1, L)
        With the dtype of ``noisy``.

    Examples
    --------
    >>> y = np.arange(20.0).reshape(1, 1, 20)
    >>> bool(np.allclose(filtered(y, framing(1000.0, 8), np.ones_like), y, atol=1e-12))
    True
    """
    windows, before = _windows(noisy, frames)
    taper = STFT(frames.window, frames.hop).taper.astype(noisy.dtype)
    n_frames = windows.shape[1]
    estimate = np.zeros((len(noisy), (n_frames - 1) * frames.hop + frames.window), noisy.dtype)
    for first in range(0, n_frames, BLOCK_FRAMES):
        spectra = _spectra(windows[:, first : first + BLOCK_FRAMES], frames, noisy.dtype)
        power = _power(spectra)
        for m in range(spectra.shape[1]):
            spectra[:, m] *= gain(power[:, m]).astype(noisy.dtype)
        parts = scipy.fft.irfft(spectra, n=frames.window, norm="ortho") * taper
        for m in range(spectra.shape[1]):
            start = (first + m) * frames.hop
            estimate[:, start : start + frames.window] += parts[:, m]
    return np.ascontiguousarray(estimate[:, None, before : before + noisy.shape[-1]])
