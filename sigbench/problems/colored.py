"""Colored Gaussian noise in signals and images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from sigbench.core.protocols import Array
from sigbench.core.validation import per_item
from sigbench.denoisers.noise.models import StationaryNoise
from sigbench.problems.base import Degraded
from sigbench.problems.levels import check_level, levels_of
from sigbench.problems.spectra import SPECTRA, Spectrum


@dataclass(frozen=True)
class Colored:
    """Colored Gaussian noise: white noise that is filtered to a given spectrum.

    The noise is stationary, but not periodic: it is a part of a longer draw. In images its
    spectrum depends on the radial frequency only, and is constant above 0.5 cycles per sample.
    The level is set by exactly one of ``sigma`` and ``snr_db``.

    Parameters
    ----------
    spectrum : Spectrum
        ``pink``, ``brown``, ``ma`` or ``ar``.
    sigma : float
        Standard deviation of the noise in the units of the dataset.
    snr_db : float
        Ratio of the mean powers of the clean item and the noise, in dB.

    Examples
    --------
    >>> from sigbench.problems.spectra import MovingAverageSpectrum
    >>> noise = Colored(MovingAverageSpectrum(0.5), sigma=2.0)
    >>> made = noise(np.zeros((1, 1, 100_000)), np.random.default_rng(0), peak=1.0)
    >>> n = made.noisy.ravel()
    >>> n.std().round(1), (np.mean(n[1:] * n[:-1]) / n.var()).round(1)  # 0.5/(1 + 0.5²)
    (np.float64(2.0), np.float64(0.4))
    """

    spectrum: Spectrum = field(metadata={"table": SPECTRA})
    sigma: float | None = None
    snr_db: float | None = None

    version: ClassVar[int] = 1
    sigma_known: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_level(self.sigma, self.snr_db)

    @property
    def kind(self) -> str:
        """Name of the random stream; it contains the kind of spectrum, but not the level."""
        return f"colored-{self.spectrum.kind}"

    def problem_info(self, space: tuple[int, ...]) -> Mapping[str, Any]:
        """Return no information."""
        return {}

    def noise_model(self, clean: Array, *, peak: float) -> StationaryNoise:
        """Return the noise of clean items ``(N, C, *space)``."""
        levels = levels_of(clean, self.sigma, self.snr_db)
        power = self._power(clean.shape[2:])
        return StationaryNoise(np.multiply.outer(levels**2, power))

    def _power(self, space: tuple[int, ...]) -> NDArray[np.float64]:
        """Return the power for variance 1, on a grid that is twice as fine as that of an item."""
        axes = [scipy.fft.fftfreq(2 * n) for n in space]
        radius = np.sqrt(sum(f**2 for f in np.meshgrid(*axes, indexing="ij", sparse=True)))
        power = self.spectrum.density(np.minimum(radius, 0.5))
        return power / power.mean()

    def __call__(self, source: Array, rng: np.random.Generator, *, peak: float) -> Degraded:
        """Return clean and noisy items; the clean items are the source items."""
        levels = levels_of(source, self.sigma, self.snr_db)
        space = source.shape[2:]
        axes = tuple(range(2, source.ndim))
        white = rng.standard_normal((*source.shape[:2], *(2 * n for n in space)))
        gain = np.sqrt(self._power(space)[..., : space[-1] + 1])  # the half that rfftn computes
        noise = scipy.fft.irfftn(scipy.fft.rfftn(white, axes=axes) * gain, white.shape[2:], axes)
        noise = noise[(..., *(slice(n) for n in space))]
        return Degraded(source, (source + per_item(levels, noise) * noise).astype(source.dtype))
