"""The spectrum of colored noise, from wavelet details."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pywt

from sigbench.core.protocols import Array, Info
from sigbench.core.validation import check_noisy, per_item
from sigbench.denoisers.noise.bands import SLOPE
from sigbench.denoisers.noise.cells import MIN_LENGTH, Power
from sigbench.denoisers.noise.models import StationaryNoise, grid_of
from sigbench.denoisers.noise.white import MAD
from sigbench.denoisers.noise_level import deviation
from sigbench.transforms.wavelet_filters import orthogonal_wavelet


@dataclass(frozen=True)
class Subband:
    """Colored noise, from the median absolute deviation of the wavelet details of every level.

    The spectrum is constant in the band of each level, and in images of each orientation. Toward
    low frequencies, the power grows at most by a factor of 4 from level to level: what grows
    faster is taken for signal. Below the coarsest level it is constant. For items of less
    than 16 samples along an axis the noise is white, with the level of `MAD`.

    Parameters
    ----------
    wavelet : str
        Name of an orthogonal wavelet.

    References
    ----------
    Johnstone, Silverman, "Wavelet threshold estimators for data with correlated noise", J. R.
    Stat. Soc. B 59 (1997): a level of the noise for every level of the transform.

    Examples
    --------
    >>> white = np.random.default_rng(0).normal(size=(1, 1, 65536))
    >>> Subband().estimate_noise(white + np.roll(white, 1, -1)).level.round(1)
    array([1.4])
    """

    wavelet: str = "db4"

    info: ClassVar[Info] = Info(
        "subband", "noise estimation", "Johnstone, Silverman 1997", adapts=True
    )

    def __post_init__(self) -> None:
        orthogonal_wavelet(self.wavelet)

    def estimate_noise(self, noisy: Array) -> StationaryNoise:
        """Return stationary noise for the items of a batch ``(N, C, *space)``."""
        check_noisy(noisy)
        space = noisy.shape[2:]
        if min(space) < MIN_LENGTH:
            return MAD().estimate_noise(noisy)
        found = self._powers(noisy)
        diagonal = "d" * len(space)
        power = np.empty((len(noisy), *grid_of(space)))
        power[:] = per_item(found[-1][diagonal], power)
        frequencies = [np.abs(np.fft.fftfreq(n)) for n in power.shape[1:]]
        for level in reversed(range(len(found))):  # finer levels are outside of coarser ones
            edge = 0.5 ** (level + 2)
            inside = [(f < 2 * edge) | (level == 0) for f in frequencies]
            for name, own in found[level].items():
                masks = [
                    m & ((f >= edge) == (letter == "d"))
                    for f, m, letter in zip(frequencies, inside, name, strict=True)
                ]
                power[(slice(None), *np.ix_(*masks))] = per_item(own, power)
        return StationaryNoise(power)

    def _powers(self, noisy: Array) -> list[dict[str, Power]]:
        """Return the powers ``(N,)`` of the details by level, finest first, and by orientation."""
        axes = tuple(range(2, noisy.ndim))
        wavelet = orthogonal_wavelet(self.wavelet)
        levels = max(int(np.log2(min(noisy.shape[2:]) / MIN_LENGTH)), 1)
        rest = noisy.astype(np.float64)
        found: list[dict[str, Power]] = []
        for _ in range(levels):
            details = pywt.dwtn(rest, wavelet, axes=axes)
            rest = details.pop("a" * len(axes))
            own = {name: deviation(part) ** 2 for name, part in details.items()}
            if found:
                own = {
                    name: np.minimum(power, found[-1][name] * 2**SLOPE)
                    for name, power in own.items()
                }
            found.append(own)
        return found
