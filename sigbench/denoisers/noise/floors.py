"""The power of an item in blocks and bands of high frequencies, for tests of the noise."""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sigbench.core.protocols import Array
from sigbench.denoisers.noise.places import filtered

SECOND_DIFFERENCE = np.array([1.0, -2.0, 1.0])  # reduces leakage from low frequencies
MAX_BLOCKS = 4000
# Of the bands, in cycles per sample.
EDGES = {1: (0.12, 0.215, 0.31, 0.405, 0.51), 2: (0.25, 0.4, 0.5, 0.8)}


class Floors(NamedTuple):
    """The power of the noise in blocks of an item.

    Attributes
    ----------
    bands : array, shape (bands, *blocks)
        Median of the power over the frequencies of a band, so that few tones do not raise it.
    whole : array, shape (*blocks)
        The same for all frequencies from the lowest band up; its mean is 1 for white noise of
        level 1.
    mean : array, shape (*blocks)
        Mean of the item, over the channels as well.
    curved : array, shape (*blocks)
        Variance of the item around a straight line, or plane: of the noise and of a rough signal.
    spread : float
        Standard deviation of the logarithm of a low quantile of m values of a band, times √m, for
        white Gaussian noise.
    """

    bands: NDArray[np.float64]
    whole: NDArray[np.float64]
    mean: NDArray[np.float64]
    curved: NDArray[np.float64]
    spread: float


class Blocks(NamedTuple):
    """The periodograms of overlapping blocks of an item.

    Attributes
    ----------
    power : array, shape (*blocks, *frequencies)
        Mean over the channels; one on average for white noise of level 1.
    mean : array, shape (*blocks)
        Mean of the samples.
    curved : array, shape (*blocks)
        Their variance around a straight line, or plane.
    frequency : array, shape (*frequencies)
        Magnitude of the frequency in cycles per sample.
    usable : array of bool, shape (*frequencies)
        Frequencies that are not close to zero along any axis, where second differences leave little.
    """

    power: NDArray[np.float64]
    mean: NDArray[np.float64]
    curved: NDArray[np.float64]
    frequency: NDArray[np.float64]
    usable: NDArray[np.bool_]


def blocks_of(item: Array) -> Blocks | None:
    """Return the periodograms of blocks, or None for an item that is too short.

    Blocks overlap by half and have a Hann window along each axis. Second differences are taken
    first, and divided out. Long signals have blocks at evenly spaced places only.
    """
    y = item.astype(np.float64)
    space = y.shape[1:]
    size = block_size(space)
    if min(space) < 3 * size:
        return None
    differences = filtered(y, SECOND_DIFFERENCE)
    window = np.hanning(size + 1)[1:]
    window /= np.sqrt(np.mean(window**2))
    along = [np.fft.fftfreq(size)] * (len(space) - 1) + [np.fft.rfftfreq(size)]
    grid = np.meshgrid(*along, indexing="ij")
    response = math.prod(_response(f, window) for f in grid)
    starts = [_starts(n, size, len(space)) for n in space]
    if len(space) == 1:
        where: tuple[Any, ...] = (slice(None), starts[0][:, None] + np.arange(size))
        taper = window
    else:
        rows = starts[0][:, None, None, None] + np.arange(size)[:, None]
        columns = starts[1][:, None, None] + np.arange(size)
        where, taper = (slice(None), rows, columns), window[:, None] * window
    axes = tuple(range(-len(space), 0))
    spectra = np.abs(np.fft.rfftn(differences[where] * taper, axes=axes)) ** 2
    power = spectra.mean(axis=0) / size ** len(space)
    return Blocks(
        power / response,
        y[where].mean(axis=(0, *axes)),
        _curved(y[where], axes),
        np.sqrt(sum(f**2 for f in grid)),
        np.min([np.abs(f) for f in grid], axis=0) > 1.5 / size,
    )


def _curved(segments: NDArray[np.float64], axes: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the variance of segments around their straight line or plane, over the channels."""
    rest = segments - segments.mean(axis=axes, keepdims=True)
    t = np.arange(rest.shape[-1]) - (rest.shape[-1] - 1) / 2
    for axis in axes:
        ramp = t.reshape(-1, *[1] * (-axis - 1))
        rest = rest - ramp * (rest * ramp).mean(axis=axes, keepdims=True) / np.mean(t**2)
    variance: NDArray[np.float64] = np.mean(rest**2, axis=(0, *axes))
    return variance


def _response(frequency: NDArray[np.float64], window: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the expected power of white noise of level 1, for second differences and the window.

    It is the Fourier transform of the autocovariance of the differences, (6, −4, 1), multiplied by
    the autocorrelation of the window.
    """
    lags = [float(window[k:] @ window[: len(window) - k]) / len(window) for k in range(3)]
    angle = 2 * np.pi * frequency
    power: NDArray[np.float64] = (
        6 * lags[0] - 8 * lags[1] * np.cos(angle) + 2 * lags[2] * np.cos(2 * angle)
    )
    return power


def block_size(space: tuple[int, ...]) -> int:
    """Return the length of a block: longer for longer signals, 16 for images."""
    if len(space) > 1:
        return 16
    return next(
        size for most, size in ((2000, 32), (16_000, 64), (math.inf, 128)) if space[0] < most
    )


def _starts(length: int, size: int, dimensions: int) -> NDArray[np.intp]:
    count = 2 * (length - size) // size + 1
    most = MAX_BLOCKS if dimensions == 1 else math.isqrt(MAX_BLOCKS)
    return np.linspace(0, length - size, min(count, most)).astype(int)


def noise_floors(item: Array) -> Floors | None:
    """Return the power of the noise in blocks and bands, or None if the item is too short."""
    blocks = blocks_of(item)
    if blocks is None:
        return None
    dimensions = item.ndim - 1
    f = blocks.frequency
    edges = EDGES[dimensions]
    members = [(low <= f) & (f < high) & blocks.usable for low, high in itertools.pairwise(edges)]
    bands = np.stack([np.median(blocks.power[..., kept], axis=-1) for kept in members])
    kept = np.logical_or.reduce(members)
    whole = np.median(blocks.power[..., kept], axis=-1)
    # Hann windows correlate neighboring frequencies, and overlapping blocks a little.
    shape = min(int(kept.sum()) for kept in members) * len(item)
    independent = max(1.0, shape / 2.0**dimensions)
    spread = 1.5 / math.sqrt(independent) + 0.1
    return Floors(bands, whole / _median_of_mean(len(item)), blocks.mean, blocks.curved, spread)


def _median_of_mean(channels: int) -> float:
    """Return the median of the mean power of several channels of white noise of level 1.

    It is the median of a gamma distribution of this shape and of mean 1, by Wilson and Hilferty.
    """
    return math.log(2) if channels == 1 else (1 - 1 / (9 * channels)) ** 3
