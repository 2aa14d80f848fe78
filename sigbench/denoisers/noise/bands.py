"""The spectrum of noise in bands, from the cells of a signal that are free of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sigbench.core.protocols import Array
from sigbench.denoisers.noise.cells import (
    MARGIN,
    Power,
    frame_lengths,
    quietest,
    signal_cells,
    signal_parts,
)

# Chosen on development data: demo signals of the training split, speech of two speakers, sums of
# sinusoids, in white, pink, MA and AR noise.
FRACTION = 0.1  # of the cells of a band
FEWEST = 64  # but at most half of them
PASSES = 3
MAX_WIDTH = 1 / 16  # of a band, in cycles per sample; lower bands have half an octave
# Toward low frequencies the power of noise grows at most as 1/f², and below 1/8 cycles per sample
# hardly faster than from 1/4 to 1/8. What grows faster is signal.
SLOPE = 2.0
SLOPE_BELOW = 0.25
KNEE = 0.125
TOLERANCE = 0.3


class Floor(NamedTuple):
    """The spectrum of the noise in a signal.

    Attributes
    ----------
    power : array, shape (M,)
        Mean power of the chosen cells at the frequencies (k + 1/2)/(2M).
    cells : array, shape (M,)
        Number of chosen cells.
    frequency, band_power : array, shape (bands,)
        The centers of the bands, in cycles per sample, and the powers there.
    """

    power: Power
    cells: Power
    frequency: Power
    band_power: Power

    def at(self, frequency: Power) -> Power:
        """Return the power at frequencies, interpolated; constant beyond the outer bands."""
        logs = np.log(np.maximum(frequency, self.frequency[0]))
        return np.exp(np.interp(logs, np.log(self.frequency), np.log(self.band_power)))


def band_numbers(bins: int) -> NDArray[np.intp]:
    """Return the band of every frequency (k + 1/2)/(2M) for M = ``bins``.

    Examples
    --------
    >>> band_numbers(16)
    array([0, 1, 2, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9])
    """
    high = 0.5
    edges = [high]
    while high > 1 / (2 * bins):
        high = max(high / np.sqrt(2), high - MAX_WIDTH)
        edges.append(high)
    frequency = (np.arange(bins) + 0.5) / (2 * bins)
    numbers = np.searchsorted(edges[::-1], frequency, side="right")
    return np.unique(numbers, return_inverse=True)[1]


def signal_floor(item: Array) -> Floor | None:
    """Return the spectrum of the noise in a signal ``(C, L)``; None if the signal is constant.

    Of transforms with several numbers of frequencies, the one with the least noise is used: a
    longer one only if the mean power is lower by 10 %.
    """
    parts = signal_parts(item)
    best, least = None, np.inf
    for bins in frame_lengths(len(parts[0])):
        cells, around = signal_cells(parts, bins)
        if not cells.size:
            return None
        floor = noise_floor(cells, around)
        power = floor.at((np.arange(bins) + 0.5) / (2 * bins)).mean()
        if power < MARGIN * least:
            best, least = floor, power
    return best


def noise_floor(cells: Power, around: Power) -> Floor:
    """Return the spectrum of the noise, from the cells with the least power around them.

    In each band, the cells are chosen by the power of their neighbors, relative to the spectrum of
    the previous pass. A band has the median power of itself and its two neighbors, so that a
    sinusoid is not taken for noise.

    Parameters
    ----------
    cells, around : array, shape (frames, M)
        Powers of cells and of their neighbors, from `signal_cells`.
    """
    bins = cells.shape[1]
    numbers = band_numbers(bins)
    bands = [np.flatnonzero(numbers == band) for band in range(numbers[-1] + 1)]
    frequency = (np.arange(bins) + 0.5) / (2 * bins)
    centers: Power = np.exp([np.log(frequency[columns]).mean() for columns in bands])
    tiny = np.finfo(np.float64).tiny
    spectrum = np.maximum(np.median(cells, axis=0), tiny)
    for _ in range(PASSES):
        power, count = spectrum.copy(), np.zeros(bins)
        levels = np.empty(len(bands))
        for band, columns in enumerate(bands):
            order = (around[:, columns] / spectrum[columns]).ravel()
            own = cells[:, columns]
            fewest = max(min(FEWEST, order.size // 2), 1)
            chosen = np.zeros(own.shape, dtype=bool)
            chosen.flat[quietest(order, FRACTION, fewest)] = True
            count[columns] = chosen.sum(axis=0)
            sums = (own * chosen).sum(axis=0)
            power[columns] = sums / np.maximum(count[columns], 1)
            ratio = (sums / spectrum[columns]).sum() / chosen.sum()
            levels[band] = ratio * np.exp(np.log(spectrum[columns]).mean())
        floor = Floor(power, count, centers, _limited(centers, np.maximum(levels, tiny)))
        spectrum = floor.at(frequency)
    return floor


def _limited(frequency: Power, power: Power) -> Power:
    """Return powers without isolated peaks, and that do not grow too fast toward 0."""
    out = power.copy()
    if len(out) > 2:
        out[1:-1] = np.median([power[:-2], power[1:-1], power[2:]], axis=0)
    _limit_growth(frequency, out, SLOPE, SLOPE_BELOW)
    middle = (frequency > KNEE / 1.1) & (frequency < SLOPE_BELOW * 1.3)
    slope = SLOPE
    if middle.sum() >= 2:
        slope = -np.polyfit(np.log(frequency[middle]), np.log(out[middle]), 1)[0]
    _limit_growth(frequency, out, np.clip(slope, 0, SLOPE) + TOLERANCE, KNEE)
    return out


def _limit_growth(frequency: Power, power: Power, slope: float, below: float) -> None:
    """Limit powers below a frequency so that they grow at most as f^−slope toward 0, in place."""
    for band in range(len(power) - 2, -1, -1):
        if frequency[band] < below:
            growth = (frequency[band + 1] / frequency[band]) ** slope
            power[band] = min(power[band], power[band + 1] * growth)
