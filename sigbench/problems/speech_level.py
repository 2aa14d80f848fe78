"""The active speech level of ITU-T P.56: the mean power of speech without its pauses."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.ndimage import maximum_filter1d

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array

TIME_CONSTANT_S = 0.03
HANGOVER_S = 0.2
MARGIN_DB = 15.9  # between the active level and the threshold of activity
LOWEST = 40  # the lowest threshold is full scale times 2⁻⁴⁰


class ActiveLevel(NamedTuple):
    """Mean power of a signal while speech is active, and the fraction of time that it is."""

    power: float
    activity: float


def active_level(signal: Array, fs: float) -> ActiveLevel:
    """Measure the active speech level, method B of ITU-T P.56.

    The envelope is the magnitude, smoothed twice with a time constant of 30 ms. Speech is active
    while the envelope is above a threshold, and for 200 ms after that. The threshold is chosen
    such that it is 15.9 dB below the resulting level, by interpolation between powers of two.

    Parameters
    ----------
    signal : array, shape (L,)
        Speech, full scale 1.
    fs : float
        Sampling rate in Hz.

    Returns
    -------
    ActiveLevel

    Raises
    ------
    InputError
        If all samples are zero.

    References
    ----------
    ITU-T Recommendation P.56, "Objective measurement of active speech level", 2011, method B.

    Examples
    --------
    Noise of power 0.01 for 1 s in 4 s; its activity includes the hangover of 0.2 s:

    >>> x = np.zeros(32_000)
    >>> x[8000:16_000] = np.random.default_rng(0).normal(scale=0.1, size=8000)
    >>> level = active_level(x, 8000.0)
    >>> round(10 * math.log10(level.power)), round(level.activity, 1)
    (-21, 0.3)
    """
    from scipy.signal import lfilter

    energy = float(np.sum(np.square(signal, dtype=np.float64)))
    if energy == 0:
        raise InputError("a silent item has no active speech level")
    decay = math.exp(-1 / (fs * TIME_CONSTANT_S))
    smoothing = ([1 - decay], [1, -decay])
    envelope = lfilter(*smoothing, lfilter(*smoothing, np.abs(signal.astype(np.float64))))
    hangover = math.ceil(HANGOVER_S * fs)
    # The largest value from the hangover before each sample to the sample itself.
    held = maximum_filter1d(envelope, hangover + 1, mode="constant", origin=hangover // 2)
    thresholds = 2.0 ** np.arange(-LOWEST, 1)
    counts = np.array([np.count_nonzero(held >= threshold) for threshold in thresholds])
    reached = np.flatnonzero(counts)
    if not len(reached):
        return ActiveLevel(energy / len(signal), 1.0)
    levels = 10 * np.log10(energy / counts[reached])
    excess = levels - 20 * np.log10(thresholds[reached]) - MARGIN_DB
    below = np.flatnonzero(excess <= 0)
    if not len(below) or below[0] == 0:  # clicks, or a signal at the limit of the thresholds
        level = levels[-1] if not len(below) else levels[0]
    else:
        i = below[0]
        level = levels[i - 1] + (levels[i] - levels[i - 1]) * excess[i - 1] / (
            excess[i - 1] - excess[i]
        )
    power = float(10 ** (level / 10))
    return ActiveLevel(power, energy / len(signal) / power)
