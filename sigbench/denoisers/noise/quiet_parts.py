"""The power of the quietest parts of a signal, in bands of frequencies and in parts of its length.

A signal adds power to noise. Where it leaves some cells in time and frequency empty, the quietest
cells have the power of the noise, with a known error.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sigbench.core.protocols import Array
from sigbench.denoisers.noise.cells import (
    Power,
    frame_lengths,
    quietest,
    signal_cells,
    signal_parts,
)
from sigbench.denoisers.noise.varying import NO_CHANGE, LevelChange

MIN_LENGTH = 192  # samples, for frames of at least 16 frequencies
FRACTION, PLATEAU = 0.15, 0.5  # of the cells of a band
QUARTERS = (1, 2, 3)  # after which the level can change
HALVES = ((0.0, 0.5), (0.25, 0.5), (0.0, 0.25))  # all frequencies, high and low ones
FEWEST = (40, 20, 20)  # cells
SIGNIFICANT = 0.01
# In short parts, many of the chosen cells are neighbors of each other. In white noise of 1024 samples,
# p-values are several times too small.
SHORT, SHORT_FACTOR = 512, 4
MIN_SHARE = 0.3  # of the change, that high and low frequencies must show


class QuietPowers(NamedTuple):
    """The mean power of the quietest cells of some bands.

    Attributes
    ----------
    power : array, shape (bands,)
        The mean powers.
    error : array, shape (bands,)
        Their relative standard deviations in Gaussian noise.
    """

    power: Power
    error: Power


def quiet_powers(
    signal: Array, bins: int, bands: tuple[tuple[float, float], ...], fewest: tuple[int, ...]
) -> QuietPowers:
    """Return the power of the quietest cells of each band of a signal.

    The cells are chosen by the power of their neighbors, so that the mean is not biased. Half of the
    cells are used instead of the quietest 15 % if their mean power is the same within the error.

    Parameters
    ----------
    signal : array, shape (C, L)
        A signal.
    bins : int
        Number of frequencies of the lapped transform.
    bands : tuple of pairs of float
        Their lowest and highest frequencies, in cycles per sample.
    fewest : tuple of int
        The smallest number of cells in each band.

    Examples
    --------
    >>> y = np.random.default_rng(0).standard_normal((1, 50_000)) + 3 * np.cos(np.arange(50_000))
    >>> quiet_powers(y, 64, ((0.0, 0.25), (0.25, 0.5)), (32, 32)).power.round(1)
    array([1., 1.])
    """
    powers, around = signal_cells(signal_parts(signal), bins)
    frequency = (np.arange(bins) + 0.5) / (2 * bins)
    found = []
    for (low, high), least in zip(bands, fewest, strict=True):
        inside = (low <= frequency) & (frequency < high)
        own, near = powers[:, inside].ravel(), around[:, inside].ravel()
        if not own.size:
            found.append((0.0, math.inf))
            continue
        few, many = (quietest(near, share, least) for share in (FRACTION, PLATEAU))
        low_power, power = (float(own[chosen].mean()) for chosen in (few, many))
        error = math.sqrt(2 / len(few))
        is_flat = power < low_power * (1 + error)
        found.append((power, math.sqrt(2 / len(many))) if is_flat else (low_power, error))
    power, error = np.array(found).T
    return QuietPowers(power, error)


def quiet_change(signal: Array) -> LevelChange:
    """Compare the quietest cells of a signal before and after its quarters.

    Every frame length must show the change, and both high and low frequencies a part of it: a signal
    of high frequency that begins only raises the level of some cells. Each part has at least 192
    samples.

    Parameters
    ----------
    signal : array, shape (C, L)
        The noisy signal.

    Examples
    --------
    >>> t = np.arange(4096) / 4096
    >>> y = np.random.default_rng(0).standard_normal((1, 4096)) + 10 * np.sin(2800 * t**2)
    >>> quiet_change(y).p_value > 0.01
    True
    >>> y[:, 2048:] += 2 * np.random.default_rng(1).standard_normal(2048)
    >>> change = quiet_change(y)
    >>> change.where, change.p_value < 1e-9
    ('after 50% of the signal', True)
    """
    n, found = signal.shape[-1], []
    for quarter in QUARTERS:
        cut = n * quarter // 4
        parts = (signal[:, :cut], signal[:, cut:])
        if min(cut, n - cut) < MIN_LENGTH:
            continue
        changes, deviations = [], []
        for bins in frame_lengths(min(cut, n - cut)):
            before, after = (quiet_powers(part, bins, HALVES, FEWEST) for part in parts)
            if not min(before.power.min(), after.power.min()) > 0:
                break
            change: NDArray[np.float64] = np.log(after.power / before.power) / 2
            changes.append(change)
            deviations.append(abs(change[0]) / math.hypot(before.error[0], after.error[0]) * 2)
        else:
            sign = np.sign(changes[0][0])
            own = np.array(changes) * sign
            least = float(own[:, 0].min())
            if least <= 0 or own[:, 1:].min() < MIN_SHARE * least:
                continue
            tries = len(QUARTERS) * (SHORT_FACTOR if min(cut, n - cut) < SHORT else 1)
            p_value = min(1.0, tries * math.erfc(min(deviations) / math.sqrt(2)))
            where = f"after {25 * quarter}% of the signal"
            found.append(LevelChange(math.exp(least), where, p_value, 0, quarter / 4))
    significant = [one for one in found if one.p_value <= SIGNIFICANT]
    if len(significant) < 2:
        return min(found, key=lambda one: one.p_value, default=NO_CHANGE)
    logs = np.log(np.maximum(_levels_of_quarters(signal), np.finfo(float).tiny))

    def rest(one: LevelChange) -> float:
        cut = round(4 * one.cut)
        return float(sum(part.var() * part.size for part in (logs[:cut], logs[cut:])))

    return min(significant, key=rest)


def quiet_spread(signal: Array) -> float:
    """Return the ratio of the 80 % to the 20 % quantile of the levels of the quarters of a signal.

    It is 1 for signals of less than four times 192 samples.

    Examples
    --------
    >>> y = np.random.default_rng(0).standard_normal((1, 4000))
    >>> y[:, 1000:3000] *= 3
    >>> round(quiet_spread(y)), round(quiet_spread(y[:, :700]))
    (3, 1)
    """
    if signal.shape[-1] < 4 * MIN_LENGTH:
        return 1.0
    low, high = np.quantile(_levels_of_quarters(signal), [0.2, 0.8])
    return float(high / low) if low > 0 else math.inf if high > 0 else 1.0


def _levels_of_quarters(signal: Array) -> Power:
    """Return the smallest level of several frame lengths, for each quarter of a signal."""
    levels = [
        min(
            math.sqrt(float(quiet_powers(part, bins, HALVES[:1], FEWEST[1:2]).power[0]))
            for bins in frame_lengths(part.shape[-1])
        )
        for part in np.array_split(signal, 4, axis=-1)
    ]
    return np.array(levels)
