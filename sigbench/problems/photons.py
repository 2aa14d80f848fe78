"""Noise of cameras, whose variance grows with the signal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array
from sigbench.core.validation import check_field
from sigbench.denoisers.noise.models import SignalDependentNoise
from sigbench.problems.base import Degraded


@dataclass(frozen=True)
class PoissonGaussian:
    """Noise of a camera: photon noise and white Gaussian noise, y = gain·k + sigma·n.

    k ~ Poisson(x/gain) is a number of counts. The variance of the noise is gain·x + sigma².

    Parameters
    ----------
    gain : float
        Signal units per count.
    sigma : float
        Standard deviation of the Gaussian part, in the units of the dataset.

    References
    ----------
    Foi, Trimeche, Katkovnik, Egiazarian, IEEE Trans. Image Process. 17 (2008), eq. (3).

    Examples
    --------
    >>> x = np.full((1, 1, 100_000), 9.0)
    >>> made = PoissonGaussian(gain=1.0, sigma=4.0)(x, np.random.default_rng(0), peak=9.0)
    >>> made.noisy.mean().round(1), made.noisy.std().round(1)
    (np.float64(9.0), np.float64(5.0))
    """

    gain: float
    sigma: float = 0.0

    kind: ClassVar[str] = "poisson-gaussian"
    version: ClassVar[int] = 1
    sigma_known: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_field("gain", self.gain, 1e-12)
        check_field("sigma", self.sigma, 0)

    def problem_info(self, space: tuple[int, ...]) -> Mapping[str, Any]:
        """Return no information."""
        return {}

    def noise_model(self, clean: Array, *, peak: float) -> SignalDependentNoise:
        """Return the noise of clean items ``(N, C, *space)``."""
        return photon_noise(clean, self.gain, self.sigma)

    def __call__(self, source: Array, rng: np.random.Generator, *, peak: float) -> Degraded:
        """Return clean and noisy items; the clean items are the source items.

        Raises
        ------
        InputError
            If a sample is negative, or has more than 1e15 counts.
        """
        _check_photons(self.kind, source, self.gain)
        noise = self.sigma * rng.standard_normal(source.shape)
        photons = self.gain * rng.poisson(source.astype(np.float64) / self.gain)
        return Degraded(source, (photons + noise).astype(source.dtype))


def _check_photons(kind: str, source: Array, gain: float) -> None:
    if source.min() < 0:
        raise InputError(f"{kind}: sample {source.min():g} must be >= 0")
    if source.max() / gain > 1e15:
        raise InputError(f"{kind}: gain={gain:g} is too small for the sample {source.max():g}")


def photon_noise(clean: Array, gain: float, sigma: float) -> SignalDependentNoise:
    """Return noise of the variance gain·x + sigma² for clean items ``(N, C, *space)``."""
    mean = clean.reshape(len(clean), -1).mean(axis=1, dtype=np.float64)
    gains, offsets = np.full(len(clean), gain), np.full(len(clean), sigma**2)
    return SignalDependentNoise(gains, offsets, np.sqrt(gain * mean + sigma**2))
