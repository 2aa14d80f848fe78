"""A test of whether noise is white, against noise with a sloping spectrum."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sigbench.core.protocols import Array
from sigbench.denoisers.noise.cells import frame_lengths
from sigbench.denoisers.noise.floors import Blocks, blocks_of
from sigbench.denoisers.noise.quiet_parts import MIN_LENGTH, quiet_powers

# Signals.
EDGES = (1 / 16, 1 / 8, 3 / 16, 1 / 4, 3 / 8, 1 / 2)  # of the bands, in cycles per sample
BANDS = tuple(itertools.pairwise(EDGES))
FEWEST = 24  # cells in a band
FRAMES = 7  # in half of the signal
SINGLE, MIN_SINGLE = 0.5, 1.5  # share of the slope without any one band, and its deviations
STEEP = 0.5  # slope that is always enough without any one band
UPPER = 4.0  # deviations of the slope without the lowest band, which signals often fill
STATIONARY, DIFFERENCE = 3.0, 0.83  # largest change of log power, in deviations plus a constant
# Images: share of the blocks with the least power, where the signal is absent.
MOST_QUIET, LEAST_QUIET, MIN_QUIET = 0.6, 0.1, 25
TRIMMED = 0.75  # share of the smallest powers at a frequency: a signal is absent most of the time
WIDE, NARROW = 0.17, 0.25  # lowest frequency in cycles per sample
HUBER = 1.5
SAME = 0.6  # share of the slope that the upper two octaves must have
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
    """Fit the power of the noise by a power of the frequency.

    Signals: in the quietest cells of five bands. The slope counts only if it remains without any
    single band, if both halves of the signal have it, and if the power in the bands does not change
    between the halves: a signal fills some bands, or some times.

    Images: in the blocks of least power. The slope over nearly three octaves counts if that in the
    upper two octaves is similar.

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
    if item.ndim == 2:
        return _slope_of_signal(item)
    blocks = blocks_of(item)
    return Slope(0.0, 1.0) if blocks is None else _slope_of_image(blocks, item)


class _Line(NamedTuple):
    slope: float
    error: float

    @property
    def deviations(self) -> float:
        return self.slope / self.error


Values = NDArray[np.float64]


def _slope_of_signal(signal: Array) -> Slope:
    n = signal.shape[-1]
    if n < MIN_LENGTH:
        return Slope(0.0, 1.0)
    lengths = frame_lengths(n)
    short = [bins for bins in lengths if bins * FRAMES <= n // 2]
    halves = np.array_split(signal, 2, axis=-1)
    whole = _log_powers(signal, lengths, FEWEST)
    parts = [_log_powers(half, short or lengths[:1], FEWEST // 2) for half in halves]
    if not all(np.isfinite(logs).all() for logs, _ in (whole, *parts)):
        return Slope(0.0, 1.0)
    for first, least in ((0, 0.0), (1, UPPER)):
        line = _line(*whole, range(first, len(BANDS)))
        sign = float(np.sign(line.slope))
        if sign * line.deviations > least and _is_noise(whole, parts, line, first):
            return Slope(line.slope, _p_value(line.slope, line.error))
    return Slope(_line(*whole, range(len(BANDS))).slope, 1.0)


def _is_noise(
    whole: tuple[Values, Values], parts: list[tuple[Values, Values]], line: _Line, first: int
) -> bool:
    """Return whether no single band and no half of a signal accounts for the slope."""
    sign, bands = np.sign(line.slope), range(first, len(BANDS))
    for left_out in bands:
        rest = _line(*whole, [k for k in bands if k != left_out])
        least = min(SINGLE * abs(line.slope), STEEP)
        if sign * rest.slope < least or sign * rest.deviations < MIN_SINGLE:
            return False
    (early, error), (late, other) = parts
    change = np.abs(early - late) - STATIONARY * np.hypot(error, other)
    if (change[1:] > DIFFERENCE).any():
        return False
    return all(
        sign * _line(*part, range(start, len(BANDS))).slope > 0
        for part in parts
        for start in (0, 1)
    )


def _log_powers(signal: Array, lengths: list[int], fewest: int) -> tuple[Values, Values]:
    """Return the logarithms of the powers of the bands, and their errors; NaN if one is zero.

    Of several frame lengths, the smallest power counts: the others contain more of the signal.
    """
    found = [quiet_powers(signal, bins, BANDS, (fewest,) * len(BANDS)) for bins in lengths]
    powers = np.array([one.power for one in found])
    powers[powers == 0] = np.inf
    best = powers.argmin(axis=0)
    at = np.arange(len(BANDS))
    power = np.where(np.isfinite(powers[best, at]), powers[best, at], np.nan)
    return np.log(power), np.array([one.error for one in found])[best, at]


def _line(logs: Values, errors: Values, bands: Sequence[int]) -> _Line:
    """Fit a line to the log powers of some bands, by weighted least squares."""
    kept = list(bands)
    x = np.log([sum(BANDS[k]) / 2 for k in kept])
    weights = errors[kept] ** -2
    center = np.average(x, weights=weights)
    square = float(weights @ (x - center) ** 2)
    return _Line(float(weights @ ((x - center) * logs[kept])) / square, 1 / math.sqrt(square))


def _slope_of_image(blocks: Blocks, item: Array) -> Slope:
    """Return the slope that counts, from the blocks of least power."""
    f, inside = blocks.frequency, blocks.usable & (blocks.frequency < 0.5)
    flat = blocks.power.reshape(-1, *f.shape)
    total = np.median(flat[:, (f >= WIDE) & inside], axis=1)
    share = min(MOST_QUIET, max(LEAST_QUIET, MIN_QUIET / len(flat)))
    quiet = flat[total <= np.quantile(total, share)]
    most = math.ceil(TRIMMED * len(quiet))
    mean = np.sort(quiet, axis=0)[:most].mean(axis=0)
    if not (mean[inside] > 0).all():
        return Slope(0.0, 1.0)
    independent = 0.5 * len(quiet) * len(item)  # blocks overlap by half; trimming costs a sixth
    wide, error = _slope(mean, f, inside & (f >= WIDE), independent)
    narrow, narrow_error = _slope(mean, f, inside & (f >= NARROW), independent)
    confirmed = max(CONFIRMED * narrow_error, SAME * abs(wide))
    if wide * narrow > 0 and abs(narrow) >= confirmed:
        return Slope(wide, _p_value(wide, error))
    return Slope(wide, 1.0)


def _p_value(slope: float, error: float) -> float:
    return math.erfc(abs(slope) / error / math.sqrt(2))


def _slope(
    mean: NDArray[np.float64],
    frequency: NDArray[np.float64],
    kept: NDArray[np.bool_],
    independent: float,
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
    error = spread * math.sqrt(1.3**2 / float(np.sum((x - center) ** 2)))
    return slope, error
