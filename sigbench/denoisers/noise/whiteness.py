"""A test of whether noise is white, against noise with a sloping spectrum."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sigbench.core.protocols import Array
from sigbench.denoisers.noise.floors import Blocks, blocks_of
from sigbench.denoisers.noise.places import spectral_floor

# Share of the blocks with the least power, where the signal is absent: at least 25 of them.
MOST_QUIET, LEAST_QUIET, MIN_QUIET = 0.6, {1: 0.2, 2: 0.1}, 25
TRIMMED = 0.75  # share of the smallest powers at a frequency: a signal is absent most of the time
WIDE, NARROW = {1: 0.055, 2: 0.17}, {1: 0.12, 2: 0.25}  # lowest frequency in cycles per sample
HUBER = 1.5
SAME = {1: 0.45, 2: 0.6}  # share of the slope that the upper two octaves must have
CONFIRMED = 1.6  # standard deviations at high frequencies alone


class Slope(NamedTuple):
    """The slope of the spectrum of the noise.

    Attributes
    ----------
    slope : float
        Exponent of the power as a function of the frequency: 0 for white and −1 for pink noise.
    p_value : float
        Probability of such a slope, or a steeper one, for white noise.
    """

    slope: float
    p_value: float


def spectral_slope(item: Array) -> Slope:
    """Fit the power of the noise by a power of the frequency, in the blocks of least power.

    The slope over nearly three octaves counts, where a signal can contribute, if that in the upper
    two octaves is similar. Otherwise that of the upper two octaves counts, for signals. In signals,
    the floors of these octaves must differ as well, which tones do not change.

    Parameters
    ----------
    item : array, shape (C, *space)
        The noisy item.

    Examples
    --------
    >>> y = np.random.default_rng(0).standard_normal((1, 4000))
    >>> spectral_slope(y).p_value > 0.05, spectral_slope(y[:, 1:] + y[:, :-1]).p_value < 1e-6
    (True, True)
    """
    blocks = blocks_of(item)
    if blocks is None:
        return Slope(0.0, 1.0)
    found = _slopes(blocks, item)
    if item.ndim == 2:  # few long segments separate tones better than many short blocks
        floor = spectral_floor(item.astype(np.float64))
        if floor is None or floor.slope * np.sign(found.slope) < max(0.2, 3 * floor.error):
            return Slope(found.slope, 1.0)
    return found


def _slopes(blocks: Blocks, item: Array) -> Slope:
    """Return the slope that counts, from the blocks of least power."""
    dimensions = item.ndim - 1
    f, inside = blocks.frequency, blocks.usable & (blocks.frequency < 0.5)
    flat = blocks.power.reshape(-1, *f.shape)
    total = np.median(flat[:, (f >= WIDE[dimensions]) & inside], axis=1)
    share = min(MOST_QUIET, max(LEAST_QUIET[dimensions], MIN_QUIET / len(flat)))
    quiet = flat[total <= np.quantile(total, share)]
    most = math.ceil(TRIMMED * len(quiet))
    mean = np.sort(quiet, axis=0)[:most].mean(axis=0)
    if not (mean[inside] > 0).all():
        return Slope(0.0, 1.0)
    independent = 0.5 * len(quiet) * len(item)  # blocks overlap by half; trimming costs a sixth
    wide, error = _slope(mean, f, inside & (f >= WIDE[dimensions]), independent, dimensions)
    narrow, narrow_error = _slope(
        mean, f, inside & (f >= NARROW[dimensions]), independent, dimensions
    )
    confirmed = max(CONFIRMED * narrow_error, SAME[dimensions] * abs(wide))
    if wide * narrow > 0 and abs(narrow) >= confirmed:
        return Slope(wide, _p_value(wide, error))
    if dimensions == 1:  # a strong signal below does not hide the slope above
        return Slope(narrow, _p_value(narrow, narrow_error))
    return Slope(wide, 1.0)


def _p_value(slope: float, error: float) -> float:
    return math.erfc(abs(slope) / error / math.sqrt(2))


def _slope(
    mean: NDArray[np.float64],
    frequency: NDArray[np.float64],
    kept: NDArray[np.bool_],
    independent: float,
    dimensions: int,
) -> tuple[float, float]:
    """Return the slope of log power on log frequency and its standard error for white noise.

    Weights by Huber reduce the effect of tones.
    """
    x, z = np.log(frequency[kept]), np.log(mean[kept])
    deviation = math.sqrt(1 / independent)
    weights = np.ones_like(x)
    for _ in range(10):
        center = np.average(x, weights=weights)
        slope = float(weights @ ((x - center) * z) / (weights @ (x - center) ** 2))
        residual = z - np.average(z, weights=weights) - slope * (x - center)
        scale = max(deviation, float(np.median(np.abs(residual))) / 0.6745)
        weights = np.minimum(1.0, HUBER * scale / np.maximum(np.abs(residual), 1e-12))
    # Hann windows correlate neighboring frequencies along each axis.
    spread = max(deviation, float(np.sqrt(np.average(residual**2, weights=weights))))
    error = spread * math.sqrt(1.3**dimensions / float(np.sum((x - center) ** 2)))
    return slope, error
