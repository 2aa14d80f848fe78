"""Rounding: values that are multiples of a step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sigbench.core.protocols import Array, Info
from sigbench.core.rng import item_rng
from sigbench.core.validation import check_noisy
from sigbench.denoisers.noise.models import StationaryNoise, white_noise
from sigbench.denoisers.noise.places import noise_level

MAX_RESIDUAL = 0.01  # of a multiple of the step, in steps
MIN_VALUES = 5  # distinct ones; a few numbers always have a common divisor, nearly


def rounding_step(item: Array) -> float:
    """Return the step of which all differences of values are multiples; 0 if there is none.

    Parameters
    ----------
    item : array, shape (C, *space)
        The noisy item.

    Examples
    --------
    >>> rounding_step(np.array([[0.5, 1.25, 3.5, 3.5, 0.0, 4.0]]))
    0.25
    >>> rounding_step(np.random.default_rng(0).standard_normal((1, 1000)))
    0.0
    """
    values = np.unique(item.astype(np.float64))
    if len(values) < MIN_VALUES:
        return 0.0
    rounding = 8 * np.finfo(item.dtype).eps * np.abs(values).max()
    gaps = np.diff(values)
    gaps = gaps[gaps > rounding]
    if len(gaps) < MIN_VALUES - 1:
        return 0.0
    step = float(np.min(gaps))
    for _ in range(4):  # the common divisor of all gaps
        if step < 100 * rounding:
            return 0.0
        rest = np.abs(gaps - step * np.round(gaps / step))
        large = rest[rest > max(MAX_RESIDUAL * step, 4 * rounding)]
        if not large.size:
            # All values together give the step more precisely than the smallest gap.
            steps = float(np.round(gaps / step).sum())
            return float(gaps.sum() / steps)
        step = float(large.min())
    return 0.0


def unrounded_level(
    item: Array, step: float, level_of: Callable[[Array], float] = noise_level
) -> float:
    """Return the noise level of rounded values, including the error of rounding.

    A median of multiples of the step is a multiple itself. The values are therefore spread
    uniformly over their step, which adds the variance step²/12.
    """
    spread = item_rng(0, "dither").uniform(-step / 2, step / 2, item.shape)
    level = level_of(item + spread)
    return float(np.sqrt(max(level**2 - step**2 / 12, step**2 / 12)))


@dataclass(frozen=True)
class RoundingNoise:
    """White noise of values that are rounded to a step.

    The level contains the error of rounding, whose variance is step²/12; it is at least that.

    References
    ----------
    Widrow and Kollar, *Quantization Noise* (2008), chapters 4 and 5.

    Examples
    --------
    >>> y = np.random.default_rng(0).standard_normal((1, 1, 100_000))
    >>> RoundingNoise().estimate_noise(2 * np.round(y / 2)).level.round(1)
    array([1.1])
    """

    info: ClassVar[Info] = Info("rounding", "noise estimation", "Widrow, Kollar 2008", adapts=True)

    def estimate_noise(self, noisy: Array) -> StationaryNoise:
        """Return white noise for the items of a batch ``(N, C, *space)``."""
        check_noisy(noisy)
        levels = [
            unrounded_level(item, step) if (step := rounding_step(item)) else noise_level(item)
            for item in noisy
        ]
        return white_noise(np.array(levels), noisy.ndim - 2)
