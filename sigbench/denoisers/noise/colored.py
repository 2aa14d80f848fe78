"""Estimators of the spectrum of colored noise, without a model of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pywt

from sigbench.core.protocols import Array, Info
from sigbench.core.validation import check_noisy
from sigbench.denoisers.noise.bands import SLOPE, noise_floor
from sigbench.denoisers.noise.cells import (
    BLOCK,
    MIN_LENGTH,
    Power,
    image_cells,
    quietest,
    signal_cells,
)
from sigbench.denoisers.noise.models import StationaryNoise
from sigbench.denoisers.noise.white import MAD
from sigbench.denoisers.noise_level import deviation

MAX_GRID = {1: 4096, 2: 256}  # frequencies along an axis, by the number of space axes


def grid_of(space: tuple[int, ...]) -> tuple[int, ...]:
    """Return the number of frequencies along every axis of a model for items of this size."""
    return tuple(min(n, MAX_GRID[len(space)]) for n in space)


@dataclass(frozen=True)
class Subband:
    """Colored noise, from the median absolute deviation of the wavelet details of every level.

    The spectrum is constant in the band of each level, and in images of each orientation. Toward
    low frequencies, the power grows at most by a factor of 4 from level to level: what grows
    faster is taken for signal. Below the coarsest level it is constant. Items of less than 16
    samples along an axis have white noise of the level of `MAD`.

    Parameters
    ----------
    wavelet : str
        Name of an orthogonal wavelet.

    References
    ----------
    Johnstone, Silverman, "Wavelet threshold estimators for data with correlated noise", J. R.
    Stat. Soc. B 59 (1997), section 2.2: a level of the noise for every level of the transform.

    Examples
    --------
    >>> white = np.random.default_rng(0).normal(size=(1, 1, 65536))
    >>> Subband().estimate_noise(white + np.roll(white, 1, -1)).level.round(1)
    array([1.4])
    """

    wavelet: str = "db4"

    info: ClassVar[Info] = Info("subband", "noise estimation", "Johnstone, Silverman 1997")

    def __post_init__(self) -> None:
        pywt.Wavelet(self.wavelet)

    def estimate_noise(self, noisy: Array) -> StationaryNoise:
        """Return stationary noise for the items of a batch ``(N, C, *space)``."""
        check_noisy(noisy)
        space = noisy.shape[2:]
        if min(space) < MIN_LENGTH:
            return MAD().estimate_noise(noisy)
        axes = tuple(range(2, noisy.ndim))
        levels = max(int(np.log2(min(space) / MIN_LENGTH)), 1)
        power = np.empty((len(noisy), *grid_of(space)))
        octave = [np.abs(np.fft.fftfreq(n)) for n in power.shape[1:]]
        rest = noisy.astype(np.float64)
        previous: dict[str, Power] = {}
        for level in range(1, levels + 1):
            details = pywt.dwtn(rest, self.wavelet, axes=axes)
            edge = 0.5 ** (level + 1)
            inside = [f < 2 * edge if level > 1 else f <= 1 for f in octave]
            for name, part in details.items():
                if "d" not in name:
                    continue
                own = deviation(part) ** 2
                if name in previous:
                    own = np.minimum(own, previous[name] * 2**SLOPE)
                previous[name] = own
                last = level == levels  # the coarsest band includes the lower frequencies
                masks = [
                    m & ((f >= edge) if letter == "d" else (f < edge))
                    for f, m, letter in zip(octave, inside, name, strict=True)
                ]
                power[(slice(None), *np.ix_(*masks))] = own.reshape(-1, *[1] * len(space))
                if last and name == "d" * len(space):
                    low = np.ix_(*(f < edge for f in octave))
                    power[(slice(None), *low)] = own.reshape(-1, *[1] * len(space))
            rest = details["a" * len(space)]
        return StationaryNoise(power)


@dataclass(frozen=True)
class SmoothSpectrum:
    """Colored noise, from a robust smooth spectrum of the quietest parts of an item.

    Signals: in bands of half an octave, at most 1/16 cycles per sample wide, the mean power of the
    cells whose neighbors have the least power. Images: for every frequency of the cosine transform
    of 8×8 blocks, the mean power in the blocks with the least power at other frequencies.

    Noise of low frequency cannot be told from a slow signal. Below 1/4 cycles per sample the power
    grows at most as 1/f² toward low frequencies, and below the lowest frequency of the transform
    it is constant. Items of less than 16 samples along an axis have white noise of the level of
    `MAD`.

    Examples
    --------
    >>> white = np.random.default_rng(0).normal(size=(1, 1, 65536))
    >>> noise = SmoothSpectrum().estimate_noise(white + np.roll(white, 1, -1))
    >>> noise.spectrum((8,)).round(1)
    array([[4.1, 3.4, 2.1, 0.4, 0. , 0.4, 2.1, 3.4]])
    """

    info: ClassVar[Info] = Info("smooth-spectrum", "noise estimation", "sigbench")

    def estimate_noise(self, noisy: Array) -> StationaryNoise:
        """Return stationary noise for the items of a batch ``(N, C, *space)``."""
        check_noisy(noisy)
        if min(noisy.shape[2:]) < MIN_LENGTH:
            return MAD().estimate_noise(noisy)
        spectrum = _signal_spectrum if noisy.ndim == 3 else _image_spectrum
        return StationaryNoise(np.stack([spectrum(item) for item in noisy]))


def _signal_spectrum(item: Array) -> Power:
    """Return the power at the frequencies of a signal ``(C, L)``."""
    (n,) = grid_of(item.shape[1:])
    cells, around = signal_cells(item)
    if not cells.size:
        return np.zeros(n)
    return noise_floor(cells, around).at(np.abs(np.fft.fftfreq(n)))


# Chosen on development data: 25 photographs of 180×180 pixels and 6 of 512×512.
IMAGE_FRACTION = 0.05
FEWEST_BLOCKS = 400
IMAGE_PASSES = 2


def _image_spectrum(item: Array) -> Power:
    """Return the power at 16 × 16 frequencies of an image ``(C, H, W)``."""
    cells = image_cells(item).reshape(-1, BLOCK**2)
    if not cells.size:
        return np.zeros((2 * BLOCK, 2 * BLOCK))
    tiny = np.finfo(np.float64).tiny
    spectrum = np.maximum(np.median(cells, axis=0), tiny)
    for _ in range(IMAGE_PASSES):
        relative = cells[:, 1:] / spectrum[1:]  # without the mean of the block
        total = relative.sum(axis=1)
        found = spectrum.copy()
        for k in range(1, BLOCK**2):
            chosen = quietest(total - relative[:, k - 1], IMAGE_FRACTION, FEWEST_BLOCKS)
            found[k] = cells[chosen, k].mean()
        spectrum = _limited_image(np.maximum(found, tiny).reshape(BLOCK, BLOCK)).ravel()
    index = np.minimum(np.abs(np.fft.fftfreq(2 * BLOCK, 1 / (2 * BLOCK))).astype(int), BLOCK - 1)
    power: Power = spectrum.reshape(BLOCK, BLOCK)[np.ix_(index, index)]
    return power


def _limited_image(power: Power) -> Power:
    """Return the powers of 8×8 frequencies; those near 0 grow at most as 1/f² toward 0."""
    radius = np.hypot(*np.meshgrid(np.arange(BLOCK), np.arange(BLOCK), indexing="ij"))
    out = power.copy()
    out[0, 0] = np.inf  # signal
    for ring in range(BLOCK // 2 - 1, -1, -1):
        inside = (radius < ring + 0.5) & (radius >= ring - 0.5)
        outside = (radius < ring + 1.5) & (radius >= ring + 0.5)
        limit = np.exp(np.log(out[outside]).mean()) * ((ring + 1) / max(ring, 1)) ** SLOPE
        out[inside] = np.minimum(out[inside], limit)
    return out
