"""Where an item is smooth, and its local noise: what the tests of the noise share."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d, gaussian_gradient_magnitude, median_filter

from sigbench.core.protocols import Array
from sigbench.denoisers.noise_level import estimate_sigma

DB2 = np.array([0.12940952, 0.22414387, -0.8365163, 0.48296291])  # zero on straight lines
NORMAL_QUARTILE = 0.6744897501960817
MIN_SAMPLES = 64  # for a test of the noise
MAX_LENGTH = 1024  # samples in a segment for the spectrum
MAX_SEGMENTS = 1000


@dataclass(frozen=True, eq=False)
class SmoothParts:
    """An item, and where it is smooth.

    Attributes
    ----------
    y : array, shape (C, *space), float64
        The noisy item.
    smooth : array, shape (C, *space)
        The median-filtered item, which impulses do not affect.
    where : array of bool, shape (C, *space)
        The half of the samples, or the quarter of the pixels, with the smallest gradient.
    steep : array, shape (C, *space)
        Magnitude of the gradient of ``smooth``.
    """

    y: NDArray[np.float64]
    smooth: NDArray[np.float64]
    where: NDArray[np.bool_]
    steep: NDArray[np.float64]

    def details(self, highpass: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the item filtered along all space axes."""
        return filtered(self.y, highpass)

    def tiles(self, details: NDArray[np.float64], pieces: int) -> list[NDArray[np.float64]]:
        """Return the details at smooth samples of each tile, with ``pieces`` tiles along an axis."""
        cuts = [np.array_split(np.arange(n), min(pieces, n)) for n in details.shape[1:]]
        tiles = [np.ix_(np.arange(len(details)), *tile) for tile in itertools.product(*cuts)]
        return [details[tile][self.where[tile]] for tile in tiles]


def filtered(y: NDArray[np.float64], taps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an item ``(C, *space)`` filtered along all space axes, mirrored at its ends."""
    for axis in range(1, y.ndim):
        y = convolve1d(y, taps, axis=axis, mode="reflect")
    return y


def smooth_parts(item: Array) -> SmoothParts:
    """Return where an item ``(C, *space)`` is smooth."""
    y = item.astype(np.float64)
    size = (1, 9) if y.ndim == 2 else (1, 5, 5)
    smooth = median_filter(y, size)
    steep = np.stack([gaussian_gradient_magnitude(plane, 2.0) for plane in smooth])
    where = steep <= np.quantile(steep, 0.5 if y.ndim == 2 else 0.25)
    return SmoothParts(y, smooth, where, steep)


class SpectralFloor(NamedTuple):
    """The floor of the spectrum of a signal, which tones do not raise.

    Attributes
    ----------
    level : float
        The noise level, from the highest octave.
    error : float
        Its relative standard deviation.
    slope : float
        Logarithm of the power in the highest octave, relative to the octave below.
    """

    level: float
    error: float
    slope: float


def spectral_floor(y: NDArray[np.float64]) -> SpectralFloor | None:
    """Return the floor of the spectrum of a signal ``(C, L)``; None if it is short or silent.

    The power at a frequency is exponentially distributed: its median is ln 2 times its mean.
    Segments overlap by half, have their mean removed and are multiplied by a Hann window.
    """
    scale = float(np.abs(y).max(initial=0.0))
    if y.shape[-1] < MIN_SAMPLES or scale == 0:
        return None
    length = min(y.shape[-1] // 2, MAX_LENGTH)
    count = min(2 * y.shape[-1] // length - 1, MAX_SEGMENTS)
    starts = np.linspace(0, y.shape[-1] - length, count).astype(int)
    segments = y[:, starts[:, None] + np.arange(length)] / scale
    segments -= segments.mean(axis=-1, keepdims=True)
    window = np.hanning(length)
    power = np.abs(np.fft.rfft(segments * window)) ** 2 / (window @ window)
    second, first = power[..., length // 8 : length // 4], power[..., length // 4 :]
    level = math.sqrt(float(np.median(first)) / math.log(2))
    if level < 1e-9:
        return None
    slope = math.log(float(np.median(first)) / float(np.median(second)))
    return SpectralFloor(level * scale, 1 / math.sqrt(first.size), slope)


def noise_level(item: Array) -> float:
    """Estimate the noise level of an item.

    For signals this is `estimate_sigma`, or the level of the floor of the spectrum if that is much
    lower, as with tones and chirps. For images only smooth parts are used, where texture is less
    easily mistaken for noise: on photographs at sigma 15 the estimate is 2 % too large instead of
    8 %. A level of the size of rounding errors is returned as zero.

    Parameters
    ----------
    item : array, shape (C, *space)
        The noisy item.

    Examples
    --------
    >>> y = np.random.default_rng(0).normal(scale=3.0, size=(1, 100_000))
    >>> round(noise_level(y), 1)
    3.0
    """
    y = item.astype(np.float64)
    if y.ndim == 2:
        level = float(estimate_sigma(y[None])[0])
        floor = spectral_floor(y)
        if floor is not None and level > floor.level * math.exp(max(0.25, 5 * floor.error)):
            level = floor.level
    else:
        parts = smooth_parts(y)
        size = np.abs(parts.details(DB2)[parts.where])  # the filter has unit energy
        level = float(np.median(size)) / NORMAL_QUARTILE
    return level if level > 1e-9 * np.abs(y).max() else 0.0
