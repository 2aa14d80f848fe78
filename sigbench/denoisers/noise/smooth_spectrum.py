"""The spectrum of colored noise, estimated from the quietest parts of an item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sigbench.core.protocols import Array, Info
from sigbench.core.validation import check_noisy
from sigbench.denoisers.noise.bands import SLOPE, signal_floor
from sigbench.denoisers.noise.cells import (
    BLOCK,
    MIN_LENGTH,
    Power,
    image_cells,
    quietest,
)
from sigbench.denoisers.noise.models import StationaryNoise, grid_of
from sigbench.denoisers.noise.white import MAD


@dataclass(frozen=True)
class SmoothSpectrum:
    """Colored noise, from a robust smooth spectrum of the quietest parts of an item.

    Signals: in bands of half an octave, at most 1/16 cycles per sample wide, the mean power of the
    cells whose neighbors have the least power. Images: for every frequency of the cosine transform
    of 8×8 blocks, the mean power in the blocks with the least power at other frequencies.

    Noise of low frequency cannot be told from a slow signal. Toward low frequencies, the power
    grows at most as 1/f², in signals below 1/8 cycles per sample hardly faster than it does from
    1/4 to 1/8; what grows faster is taken for signal. Below the lowest frequency of the transform
    the spectrum is constant. Items of less than 16 samples along an axis have white noise of the
    level of `MAD`.

    Examples
    --------
    >>> white = np.random.default_rng(0).normal(size=(1, 1, 65536))
    >>> noise = SmoothSpectrum().estimate_noise(white + np.roll(white, 1, -1))
    >>> noise.spectrum((8,)).round(1)
    array([[4.1, 3.4, 2.1, 0.4, 0. , 0.4, 2.1, 3.4]])
    """

    info: ClassVar[Info] = Info("smooth-spectrum", "noise estimation", "sigbench", adapts=True)

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
    floor = signal_floor(item)
    return np.zeros(n) if floor is None else floor.at(np.abs(np.fft.fftfreq(n)))


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
