"""The noise level of a whole long sound file, computed with the memory of a block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pywt
from numpy.typing import NDArray

from sigbench.cli.denoise.blocks import BLOCK, Read
from sigbench.denoisers.noise_level import caution_of_zeros, deviation

BINS = 2**16  # of a histogram
COLLECTED = 2**20  # values of a channel that are sorted at once
ALL = 2**63  # the bits of numbers >= 0, taken as integers, are below it and in the same order


def noise_levels(read: Read, channels: int, length: int) -> NDArray[np.float64]:
    """Return the noise level of each channel, as `sigbench.denoisers.noise_level.estimate_sigma`.

    The median of all finest details is found by histograms of ever narrower ranges, each of which
    reads the file once; two or three are enough.

    Parameters
    ----------
    read : callable
        Reads samples.
    channels, length : int
        Number of channels, and of samples of each.

    Returns
    -------
    array, shape (channels,)
        The levels.

    Warns
    -----
    Caution
        If a level is 0 for a channel that is not constant.
    """
    count = pywt.dwt_coeff_len(length, 4, "symmetric")
    medians = [_Search((count - 1) // 2, count // 2) for _ in range(channels)]
    varies = np.zeros(channels, bool)
    first: NDArray[np.float64] | None = None
    while any(search.value is None for search in medians):
        for noisy, details in _details(read, channels, length):
            first = noisy[:, :1] if first is None else first
            varies |= (noisy != first).any(axis=1)
            for search, values in zip(medians, details, strict=True):
                search.add(np.abs(values))
        for search in medians:
            search.narrow()
    levels = np.array([deviation(np.array([[search.value]]))[0] for search in medians])
    caution_of_zeros(int(np.sum((levels == 0) & varies)), channels)
    return levels


def _details(
    read: Read, channels: int, length: int
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Yield parts of the sound with their finest db2 details, the same as those of the whole.

    Detail k depends on the samples 2k − 2 to 2k + 1.
    """
    block = max(BLOCK // channels // 2 * 2, 4)
    for start in range(0, length, block):
        stop = start + block if start + 2 * block <= length else length
        noisy = read(max(start - 2, 0), stop)[:, 0].astype(np.float64, copy=False)
        details = pywt.dwt(noisy, "db2", axis=-1)[1]
        before = 1 if start else 0
        after = details.shape[1] if stop == length else before + (stop - start) // 2
        yield noisy, details[:, before:after]
        if stop == length:
            return


@dataclass
class _Search:
    """Search for the mean of two neighboring order statistics of numbers >= 0.

    ``low`` and ``high`` bound a range that contains both; ``below`` counts the numbers below it. If
    both are in different bins, ``edge`` is between them, and one more pass finds the largest number
    below it and the smallest above.
    """

    first: int
    second: int
    low: int = 0
    high: int = ALL
    below: int = 0
    edge: int | None = None
    value: float | None = None

    def __post_init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self._histogram = np.zeros(BINS, np.int64)
        self._width = max(-(-(self.high - self.low) // BINS), 1)
        self._collected: list[NDArray[np.float64]] | None = []
        self._n_collected = 0

    def add(self, values: NDArray[np.float64]) -> None:
        """Count values in the range; keep them while they are few."""
        if self.value is not None:
            return
        bits = values.view(np.int64)
        if self.edge is not None:
            self.low = max(self.low, int(bits[bits < self.edge].max(initial=0)))
            self.high = min(self.high, int(bits[bits >= self.edge].min(initial=ALL - 1)))
            return
        inside = (bits >= self.low) & (bits < self.high)
        bits = bits[inside]
        self._histogram += np.bincount((bits - self.low) // self._width, minlength=BINS)
        self._n_collected += len(bits)
        if self._n_collected > COLLECTED:
            self._collected = None
        if self._collected is not None:
            self._collected.append(values[inside])

    def narrow(self) -> None:
        """Narrow the range after all values were added, or find the value."""
        if self.value is not None:
            return
        if self.edge is not None:
            self.value = float(np.mean(np.array([self.low, self.high], np.int64).view(np.float64)))
            return
        ranks = [self.first - self.below, self.second - self.below]
        if self._collected is not None:
            found = np.partition(np.concatenate(self._collected), ranks)[ranks]
            self.value = float(np.mean(found))
            return
        total = np.cumsum(self._histogram)
        lower, upper = map(int, np.searchsorted(total, ranks, side="right"))
        if lower < upper:
            self.edge = self.low + (lower + 1) * self._width
            self.low, self.high = 0, ALL
            return
        self.below += int(total[lower - 1]) if lower else 0
        self.low += lower * self._width
        self.high = self.low + self._width
        if self.high - self.low == 1:  # all values in the range are equal
            self.value = float(np.array([self.low], np.int64).view(np.float64)[0])
            return
        self._start()
