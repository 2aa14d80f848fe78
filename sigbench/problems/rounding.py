"""Noise of coarse converters: white noise, then rounding."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array
from sigbench.core.validation import check_field, per_item
from sigbench.denoisers.noise.models import StationaryNoise, white_noise
from sigbench.problems.base import Degraded
from sigbench.problems.levels import check_level, levels_of


@dataclass(frozen=True)
class Rounded:
    """White Gaussian noise, after which samples are rounded to multiples of a step.

    The noise model of the problem is white noise with the level of both errors together.

    Parameters
    ----------
    step_over_sigma : float
        The step, in units of the level of the Gaussian noise.
    sigma, snr_db : float
        Level of the Gaussian noise; exactly one is set.

    Examples
    --------
    >>> made = Rounded(0.5, sigma=1.0)(np.zeros((1, 1, 4)), np.random.default_rng(0), peak=1.0)
    >>> made.noisy + 0.0
    array([[[0. , 0. , 0.5, 0. ]]])
    """

    step_over_sigma: float = 1.0
    sigma: float | None = None
    snr_db: float | None = None

    kind: ClassVar[str] = "rounded"
    version: ClassVar[int] = 1
    sigma_known: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_level(self.sigma, self.snr_db)
        if self.sigma == 0:
            raise InputError("sigma=0 must be > 0: the step is a multiple of it")
        check_field("step_over_sigma", self.step_over_sigma, 1e-9, below=1e9)

    def problem_info(self, space: tuple[int, ...]) -> Mapping[str, Any]:
        """Return no information."""
        return {}

    def noise_model(self, clean: Array, *, peak: float) -> StationaryNoise:
        """Return the noise of clean items ``(N, C, *space)``, rounding included."""
        levels = levels_of(clean, self.sigma, self.snr_db)
        steps = self.step_over_sigma * levels
        return white_noise(rounded_level(clean, levels, steps), clean.ndim - 2)

    def __call__(self, source: Array, rng: np.random.Generator, *, peak: float) -> Degraded:
        """Return clean and noisy items; the clean items are the source items."""
        levels = levels_of(source, self.sigma, self.snr_db)
        noisy = source + per_item(levels, source) * rng.standard_normal(source.shape)
        steps = per_item(self.step_over_sigma * levels, noisy)
        return Degraded(source, (np.round(noisy / steps) * steps).astype(source.dtype))


def rounded_level(
    clean: Array, levels: NDArray[np.float64], steps: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the root mean square error of clean items with white noise, then rounded.

    Parameters
    ----------
    clean : array, shape (N, C, *space)
        The clean items.
    levels, steps : array, shape (N,)
        Level of the noise, and the step of the rounding.

    References
    ----------
    Widrow, Kollár, Quantization Noise (Cambridge, 2008): for steps up to the level, the errors
    are uncorrelated and the variance is level² + step²/12, to about 1e-8.

    Examples
    --------
    >>> rounded_level(np.zeros((2, 1, 1)), np.array([1.0, 0.3]), np.array([1.0, 1.0])).round(3)
    array([1.041, 0.309])
    """
    power = levels**2 + steps**2 / 12
    for i in np.flatnonzero(steps > levels):  # few multiples of the step can occur
        x = clean[i].astype(np.float64) / steps[i]
        scale = steps[i] / max(levels[i], 1e-6 * steps[i])  # a level of 0 only rounds
        reach = 1 + math.ceil(9 / scale)
        mean = np.zeros_like(x)
        for value in (np.round(x) + k for k in range(-reach, reach + 1)):
            low, high = (ndtr((value + half - x) * scale) for half in (-0.5, 0.5))
            mean += (high - low) * (value - x) ** 2
        power[i] = steps[i] ** 2 * mean.mean()
    return np.sqrt(power)
