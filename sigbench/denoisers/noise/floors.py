"""The power of an item in blocks and bands of high frequencies, for tests of the noise."""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sigbench.core.protocols import Array
from sigbench.denoisers.noise.places import filtered

SECOND_DIFFERENCE = np.array([1.0, -2.0, 1.0])  # reduces leakage from low frequencies
MAX_BLOCKS = 4000
LOWEST = {1: 0.12, 2: 0.25}  # cycles per sample
BANDS = 4


class LocalPower(NamedTuple):
    """Power in blocks of an item.

    Attributes
    ----------
    values : array, shape (bands, *blocks)
        Mean power in each band of high frequencies, divided by its mean for white noise.
    spread : float
        Standard deviation of the logarithm of a low quantile of m of them is spread/√m, for white
        Gaussian noise.
    """

    values: NDArray[np.float64]
    spread: float


class Blocks(NamedTuple):
    """The periodograms of overlapping blocks of an item.

    Attributes
    ----------
    power : array, shape (*blocks, *frequencies)
        Mean over the channels; one on average for white noise of level 1.
    frequency : array, shape (*frequencies)
        Magnitude of the frequency in cycles per sample.
    usable : array of bool, shape (*frequencies)
        Frequencies that are not close to zero along any axis, where second differences leave little.
    """

    power: NDArray[np.float64]
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
    y = filtered(y, SECOND_DIFFERENCE)
    window = np.hanning(size + 1)[1:]
    window /= np.sqrt(np.mean(window**2))
    axes = [np.fft.fftfreq(size)] * (len(space) - 1) + [np.fft.rfftfreq(size)]
    grid = np.meshgrid(*axes, indexing="ij")
    response = math.prod(_response(f, window) for f in grid)
    starts = [_starts(n, size, len(space)) for n in space]
    if len(space) == 1:
        segments = y[:, starts[0][:, None] + np.arange(size)] * window
        spectra = np.abs(np.fft.rfft(segments)) ** 2
    else:
        rows = starts[0][:, None, None, None] + np.arange(size)[:, None]
        columns = starts[1][:, None, None] + np.arange(size)
        segments = y[:, rows, columns] * window[:, None] * window
        spectra = np.abs(np.fft.rfft2(segments)) ** 2
    power = spectra.mean(axis=0) / size ** len(space)
    return Blocks(
        power / response,
        np.sqrt(sum(f**2 for f in grid)),
        np.min([np.abs(f) for f in grid], axis=0) > 1.5 / size,
    )


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
    return next(size for most, size in ((1000, 32), (8000, 64), (math.inf, 128)) if space[0] < most)


def _starts(length: int, size: int, dimensions: int) -> NDArray[np.intp]:
    count = 2 * (length - size) // size + 1
    most = MAX_BLOCKS if dimensions == 1 else math.isqrt(MAX_BLOCKS)
    return np.linspace(0, length - size, min(count, most)).astype(int)


def local_power(item: Array) -> LocalPower | None:
    """Return the power of an item in blocks and bands, or None if it is too short."""
    blocks = blocks_of(item)
    if blocks is None:
        return None
    dimensions = item.ndim - 1
    f = blocks.frequency
    if dimensions == 1:
        edges = np.linspace(LOWEST[1], 0.5, BANDS + 1)
        members = [(low <= f) & (f < high) for low, high in itertools.pairwise(edges)]
    else:
        edges = np.array([LOWEST[2], 0.4, 0.5, 0.8])
        members = [(low <= f) & (f < high) for low, high in itertools.pairwise(edges)]
    members = [kept & blocks.usable for kept in members]
    values = np.stack([blocks.power[..., kept].mean(axis=-1) for kept in members])
    shape = min(int(kept.sum()) for kept in members) * len(item)
    # Hann windows correlate neighboring frequencies, and overlapping blocks a little.
    independent = max(1.0, shape / (2.0 if dimensions == 1 else 4.0))
    return LocalPower(values, 1.2 / math.sqrt(independent) + 0.1)
