"""Short-time Fourier transforms of signals and operations on them.

A spectrum is a real array ``(N, 2·bins, frames)``: the real parts of all bins, then the imaginary
parts. Transforms are those of `sigbench.transforms.frames.STFT`, with bins = window//2 + 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigbench.core.protocols import Array
from sigbench.networks.nn.conv import channels_first
from sigbench.networks.nn.tape import Backward, op
from sigbench.transforms.frames import STFT


@op
def stft(x: Array, *, window: int, hop: int) -> tuple[Array, Backward]:
    """Return the short-time Fourier transform of signals.

    Parameters
    ----------
    x : array, shape (N, 1, L)
        The signals, extended by zeros.
    window, hop : int
        Frame length and distance between frames in samples.

    Returns
    -------
    array, shape (N, 2·bins, frames)

    Examples
    --------
    >>> stft(np.ones((1, 1, 8)), window=4, hop=2).shape
    (1, 6, 5)
    """
    transform = STFT(window, hop)

    def backward(g: Array) -> tuple[Any, ...]:
        return (adjoint(_complex(g), transform, x.shape[2]),)

    return _real(transform.analysis(x)), backward


@op
def istft(spectrum: Array, *, window: int, hop: int, length: int) -> tuple[Array, Backward]:
    """Return the signals of spectra, the inverse of `stft`.

    Parameters
    ----------
    spectrum : array, shape (N, 2·bins, frames)
        The spectra.
    window, hop : int
        Frame length and distance between frames in samples.
    length : int
        Length L of the signals.

    Returns
    -------
    array, shape (N, 1, L)

    Examples
    --------
    >>> x = np.arange(5.0).reshape(1, 1, 5)
    >>> istft(stft(x, window=4, hop=2), window=4, hop=2, length=5).round(12)
    array([[[0., 1., 2., 3., 4.]]])
    """
    transform = STFT(window, hop)

    def backward(g: Array) -> tuple[Any, ...]:
        coefficients = transform.analysis(g)
        coefficients[..., 1:-1] *= 2  # each stands for a conjugate pair
        return (_real(coefficients),)

    return transform.synthesis(_complex(spectrum), (length,)), backward


def adjoint(coefficients: NDArray[Any], transform: STFT, length: int) -> Array:
    """Return the adjoint of the analysis for real and imaginary parts, shape ``(N, 1, length)``."""
    half = coefficients.copy()
    half[..., 1:-1] /= 2  # the synthesis counts them twice, for a conjugate pair
    return transform.synthesis(half, (length,))


def _real(coefficients: NDArray[Any]) -> Array:
    """Return coefficients ``(N, 1, frames, bins)`` as ``(N, 2·bins, frames)``."""
    n, _, frames, bins = coefficients.shape
    y = np.empty((2, bins, n, frames), coefficients.real.dtype)
    y[0], y[1] = (part[:, 0].transpose(2, 0, 1) for part in (coefficients.real, coefficients.imag))
    return channels_first(y.reshape(2 * bins, n, frames))


def _complex(spectrum: Array) -> NDArray[Any]:
    """Return a spectrum ``(N, 2·bins, frames)`` as ``(N, 1, frames, bins)``."""
    n, channels, frames = spectrum.shape
    dtype = np.result_type(spectrum.dtype, np.complex64)
    y = np.empty((n, 1, frames, channels // 2), dtype)
    y.real = spectrum[:, None, : channels // 2].swapaxes(2, 3)
    y.imag = spectrum[:, None, channels // 2 :].swapaxes(2, 3)
    return y


@op
def power(spectrum: Array) -> tuple[Array, Backward]:
    """Return the squared magnitudes |X|² of spectra.

    Parameters
    ----------
    spectrum : array, shape (N, 2·bins, frames)
        Real parts, then imaginary parts.

    Returns
    -------
    array, shape (N, bins, frames)

    Examples
    --------
    >>> power(np.array([[[3.0], [4.0]]]))
    array([[[25.]]])
    """
    first = channels_first(spectrum)
    real, imaginary = first[: len(first) // 2], first[len(first) // 2 :]

    def backward(g: Array) -> tuple[Any, ...]:
        both = channels_first(g)[None] * first.reshape(2, *real.shape)
        return (channels_first(2 * both.reshape(first.shape)),)

    return channels_first(real * real + imaginary * imaginary), backward


@op
def masked(spectrum: Array, mask: Array) -> tuple[Array, Backward]:
    """Return the products M·X of real masks and spectra.

    Parameters
    ----------
    spectrum : array, shape (N, 2·bins, frames)
        Real parts, then imaginary parts.
    mask : array, shape (N, bins, frames)
        Factors of both.

    Returns
    -------
    array, shape (N, 2·bins, frames)

    Examples
    --------
    >>> masked(np.array([[[3.0], [4.0]]]), np.array([[[10.0]]])).tolist()
    [[[30.0], [40.0]]]
    """
    factors = channels_first(mask)
    parts = channels_first(spectrum).reshape(2, *factors.shape)

    def backward(g: Array) -> tuple[Any, ...]:
        g_parts = channels_first(g).reshape(parts.shape)
        d_spectrum = channels_first((g_parts * factors).reshape(-1, *factors.shape[1:]))
        return d_spectrum, channels_first(np.sum(g_parts * parts, axis=0))

    return channels_first((parts * factors).reshape(-1, *factors.shape[1:])), backward


@op
def channel_mean(x: Array) -> tuple[Array, Backward]:
    """Return the mean over the channels, which are kept with length 1.

    Examples
    --------
    >>> channel_mean(np.array([[[1.0, 2.0], [3.0, 8.0]]]))
    array([[[2., 5.]]])
    """

    def backward(g: Array) -> tuple[Any, ...]:
        return (np.broadcast_to(g / x.dtype.type(x.shape[1]), x.shape),)

    return x.mean(axis=1, keepdims=True), backward


@op
def cumulative_mean(x: Array) -> tuple[Array, Backward]:
    """Return the mean over all samples up to each one, along the last axis.

    Sums are computed in float64, because float32 would lose precision in long signals.

    Examples
    --------
    >>> cumulative_mean(np.array([[[1.0, 3.0, 8.0]]]))
    array([[[1., 2., 4.]]])
    """
    count = np.arange(1, x.shape[-1] + 1, dtype=np.float64)

    def backward(g: Array) -> tuple[Any, ...]:
        reverse = np.cumsum((g / count)[..., ::-1], axis=-1)[..., ::-1]
        return (reverse.astype(x.dtype),)

    return (np.cumsum(x, axis=-1, dtype=np.float64) / count).astype(x.dtype), backward
