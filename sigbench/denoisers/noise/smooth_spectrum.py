"""The spectrum of colored noise, estimated from the quietest parts of an item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sigbench.core.protocols import Array, Info
from sigbench.core.validation import check_noisy
from sigbench.denoisers.noise.bands import SLOPE
from sigbench.denoisers.noise.cells import (
    BLOCK,
    MIN_LENGTH,
    Power,
    image_cells,
    quietest,
)
from sigbench.denoisers.noise.mixture import mixture_floor
from sigbench.denoisers.noise.models import StationaryNoise, grid_of
from sigbench.denoisers.noise.white import MAD


@dataclass(frozen=True)
class SmoothSpectrum:
    """Colored noise, from a robust smooth spectrum of the quietest parts of an item.

    Signals: the powers in time and frequency are a mixture of noise, and of noise with signal. The
    spectrum of the noise has a common shape: white, a power law, also with white noise, a moving
    average, autoregressive of order 1 or 2, or low-pass; or it is a hidden Markov chain that varies
    around a power law. The estimate is the posterior mean of the logarithm of the power. Images: for
    every frequency of the cosine transform of 8×8 blocks, the mean power in the blocks with the
    least power at other frequencies.

    Noise of low frequency looks like a slow signal that is always present: its power
    follows from that at higher frequencies, by the shape. In images, the power grows at most as 1/f²
    toward low frequencies. Items of less than 16 samples along an axis have white noise of the level
    of `MAD`.

    References
    ----------
    Rabiner, "A tutorial on hidden Markov models", Proc. IEEE 77 (1989).

    Examples
    --------
    >>> white = np.random.default_rng(0).normal(size=(1, 1, 65536))
    >>> noise = SmoothSpectrum().estimate_noise(white + np.roll(white, 1, -1))
    >>> noise.spectrum((8,)).round(1)
    array([[3.8, 3.3, 1.9, 0.6, 0. , 0.6, 1.9, 3.3]])
    """

    info: ClassVar[Info] = Info(
        "smooth-spectrum", "noise estimation", "sigbench", adapts=True, version=3
    )

    def estimate_noise(self, noisy: Array) -> StationaryNoise:
        """Return stationary noise for the items of a batch ``(N, C, *space)``."""
        check_noisy(noisy)
        if min(noisy.shape[2:]) < MIN_LENGTH:
            return MAD().estimate_noise(noisy)
        spectrum = _signal_spectrum if noisy.ndim == 3 else _image_spectrum
        return StationaryNoise(np.stack([spectrum(item) for item in noisy]))


def _signal_spectrum(item: Array) -> Power:
    """Return the power at the frequencies of a signal ``(C, L)``."""
    floor, frequency = mixture_floor(item), frequencies(item.shape[-1])
    return np.zeros(len(frequency)) if floor is None else floor.at(frequency)


def frequencies(n: int) -> Power:
    """Return the frequencies of a model of a signal of ``n`` samples; 1/n in place of 0."""
    (grid,) = grid_of((n,))
    return np.maximum(np.abs(np.fft.fftfreq(grid)), 1 / grid)


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
