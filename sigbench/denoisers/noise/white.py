"""Estimators of the level of white noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sigbench.core.protocols import Array, Info
from sigbench.core.validation import check_noisy
from sigbench.denoisers.noise.cells import (
    BLOCK,
    MARGIN,
    MIN_LENGTH,
    frame_lengths,
    image_cells,
    quietest,
    signal_cells,
    signal_parts,
)
from sigbench.denoisers.noise.models import StationaryNoise, white_noise
from sigbench.denoisers.noise_level import estimate_sigma


@dataclass(frozen=True)
class MAD:
    """White noise, from the median absolute deviation of the finest wavelet details.

    References
    ----------
    Donoho and Johnstone, Biometrika 81 (1994): σ̂ = MAD/0.6745 of the finest details.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.random.default_rng(0).normal(scale=3.0, size=(1, 1, 100_000))
    >>> MAD().estimate_noise(y).level.round(1)
    array([3.])
    """

    info: ClassVar[Info] = Info("mad", "noise estimation", "Donoho, Johnstone 1994", adapts=True)

    def estimate_noise(self, noisy: Array) -> StationaryNoise:
        """Return white noise for the items of a batch ``(N, C, *space)``."""
        check_noisy(noisy)
        return white_noise(estimate_sigma(noisy), noisy.ndim - 2)


# Chosen on development data: demo signals of the training split, speech of two speakers, 25
# photographs of 180×180 pixels and 6 of 512×512, sums of sinusoids.
FRACTION = {1: 0.15, 2: 0.05}  # of the cells, by the number of space axes
FEWEST = {1: 256, 2: 400}


@dataclass(frozen=True)
class Quiet:
    """White noise, from the quietest parts of an item.

    Signals: the mean power of the cells, in time and frequency, whose neighbors have the least
    power; a cell is not among its neighbors, so the choice does not depend on its own power.
    Images: of the blocks with the least power at low frequencies, the median over the high
    frequencies of the mean power. Items of less than 16 samples along an axis have the level of
    `MAD`.

    References
    ----------
    Ponomarenko, Lukin, Zriakhov, Kaarna, Astola, "An automatic approach to lossy compression of
    AVIRIS images", IGARSS 2007; Colom, Buades, Image Process. On Line 3 (2013). For signals the
    cells are those of a lapped transform.

    Examples
    --------
    >>> t = np.arange(10_000)
    >>> y = np.random.default_rng(0).normal(scale=0.1, size=(1, 1, 10_000)) + np.sin(2.5 * t)
    >>> Quiet().estimate_noise(y).level.round(2), MAD().estimate_noise(y).level.round(2)
    (array([0.1]), array([1.46]))
    """

    info: ClassVar[Info] = Info("quiet", "noise estimation", "Ponomarenko et al. 2007", adapts=True)

    def estimate_noise(self, noisy: Array) -> StationaryNoise:
        """Return white noise for the items of a batch ``(N, C, *space)``."""
        check_noisy(noisy)
        if min(noisy.shape[2:]) < MIN_LENGTH:
            return MAD().estimate_noise(noisy)
        power = _signal_power if noisy.ndim == 3 else _image_power
        return white_noise(np.sqrt([power(item) for item in noisy]), noisy.ndim - 2)


def _signal_power(item: Array) -> float:
    """Return the power of the noise in a signal ``(C, L)``."""
    parts = signal_parts(item)
    best = math.inf
    for bins in frame_lengths(len(parts[0])):
        cells, around = signal_cells(parts, bins)
        if not cells.size:
            return 0.0
        power = cells.ravel()[quietest(around.ravel(), FRACTION[1], FEWEST[1])].mean()
        best = power if power < MARGIN * best else best
    return float(best)


def _image_power(item: Array) -> float:
    """Return the power of the noise in an image ``(C, H, W)``."""
    cells = image_cells(item)
    if not cells.size:
        return 0.0
    index = np.add.outer(np.arange(BLOCK), np.arange(BLOCK))  # 0 to 14
    low = (index > 0) & (index < BLOCK - 1)
    chosen = quietest(cells[:, low].sum(axis=1), FRACTION[2], FEWEST[2])
    return float(np.median(cells[chosen][:, index >= BLOCK - 1].mean(axis=0)))
