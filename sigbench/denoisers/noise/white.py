"""Estimators of the level of white noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sigbench.core.protocols import Array, Info
from sigbench.core.validation import check_noisy
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

    info: ClassVar[Info] = Info("mad", "noise estimation", "Donoho, Johnstone 1994")

    def estimate_noise(self, noisy: Array) -> StationaryNoise:
        """Return white noise for the items of a batch ``(N, C, *space)``."""
        check_noisy(noisy)
        return white_noise(estimate_sigma(noisy), noisy.ndim - 2)
