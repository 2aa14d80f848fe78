"""Models of noise that is not white, or whose level is not known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from sigbench.core.protocols import Array
from sigbench.core.validation import per_item

MAX_GRID = {1: 4096, 2: 256}  # frequencies along an axis, by the number of space axes


def grid_of(space: tuple[int, ...]) -> tuple[int, ...]:
    """Return the number of frequencies along every axis of a model for items of this size."""
    return tuple(min(n, MAX_GRID[len(space)]) for n in space)


@dataclass(frozen=True, eq=False)
class StationaryNoise:
    """Noise with the same spectrum everywhere: white or colored.

    Attributes
    ----------
    power : array, shape (N, *grid), float64
        Mean power at ``fftfreq(K)`` cycles per sample, for K = ``grid`` frequencies along every
        space axis. The mean over the grid is the variance. Grids of one frequency are white noise.

    Examples
    --------
    >>> noise = StationaryNoise(np.array([[4.0, 1.0, 0.0, 1.0]]))
    >>> noise.level, noise.spectrum((8,)).round(2)
    (array([1.22474487]), array([[4. , 2.5, 1. , 0.5, 0. , 0.5, 1. , 2.5]]))
    """

    power: NDArray[np.float64]

    @property
    def level(self) -> NDArray[np.float64]:
        """Standard deviation of each item, shape ``(N,)``."""
        level: NDArray[np.float64] = np.sqrt(self.power.reshape(len(self.power), -1).mean(axis=1))
        return level

    def spectrum(self, space: tuple[int, ...]) -> NDArray[np.float64]:
        """Return the power at the frequencies of ``fftn``, shape ``(N, *space)``.

        It is interpolated linearly, and scaled so that its mean is the variance.
        """
        grid = self.power.shape[1:]
        if grid == space:
            return self.power.copy()
        axes = [np.fft.fftfreq(n) * k for n, k in zip(space, grid, strict=True)]
        where = np.meshgrid(*axes, indexing="ij")
        power = np.stack(
            [map_coordinates(item, where, order=1, mode="grid-wrap") for item in self.power]
        )
        mean = power.reshape(len(power), -1).mean(axis=1)
        scale = np.divide(self.level**2, mean, out=np.zeros_like(mean), where=mean > 0)
        return power * per_item(scale, power)

    def variance(self, clean: Array) -> NDArray[np.float64]:
        """Return the variance at each sample, shape of ``clean``: a constant for each item."""
        out = np.empty(clean.shape)
        out[:] = per_item(self.level**2, out)
        return out


def white_noise(levels: NDArray[np.float64], dimensions: int) -> StationaryNoise:
    """Return white noise of the given levels ``(N,)`` for items with 1 or 2 space axes.

    Examples
    --------
    >>> white_noise(np.array([2.0]), 1).spectrum((3,))
    array([[4., 4., 4.]])
    """
    return StationaryNoise((levels**2).reshape(-1, *[1] * dimensions))


@dataclass(frozen=True, eq=False)
class SignalDependentNoise:
    """Independent noise whose variance is a linear function of the clean signal, as of a camera.

    Attributes
    ----------
    gain : array, shape (N,)
        Increase of the variance per unit of the clean signal, in signal units.
    offset : array, shape (N,)
        Variance where the clean signal is 0.
    level : array, shape (N,)
        Root mean square of the noise of each item.

    References
    ----------
    Foi, Trimeche, Katkovnik, Egiazarian, IEEE Trans. Image Process. 17 (2008), eq. (3).

    Examples
    --------
    >>> noise = SignalDependentNoise(np.array([2.0]), np.array([1.0]), np.array([3.0]))
    >>> noise.variance(np.array([[[-1.0, 0.0, 4.0]]]))
    array([[[0., 1., 9.]]])
    """

    gain: NDArray[np.float64]
    offset: NDArray[np.float64]
    level: NDArray[np.float64]

    def spectrum(self, space: tuple[int, ...]) -> NDArray[np.float64]:
        """Return the power at the frequencies of ``fftn``, shape ``(N, *space)``: a constant."""
        return white_noise(self.level, len(space)).spectrum(space)

    def variance(self, clean: Array) -> NDArray[np.float64]:
        """Return the variance at each sample, shape of ``clean``; at least 0."""
        x = clean.astype(np.float64)
        variance: NDArray[np.float64] = per_item(self.gain, x) * x + per_item(self.offset, x)
        return np.maximum(variance, 0)


@dataclass(frozen=True, eq=False)
class VaryingNoise:
    """Independent noise whose level varies from place to place.

    Attributes
    ----------
    levels : array, shape (N, 1, *space)
        Standard deviation at every sample.

    Examples
    --------
    >>> noise = VaryingNoise(np.array([[[1.0, 1.0, 7.0, 7.0]]]))
    >>> noise.level, noise.variance(np.zeros((1, 1, 4)))
    (array([5.]), array([[[ 1.,  1., 49., 49.]]]))
    """

    levels: NDArray[np.float64]

    @property
    def level(self) -> NDArray[np.float64]:
        """Root mean square of the noise of each item, shape ``(N,)``."""
        squares = (self.levels**2).reshape(len(self.levels), -1)
        level: NDArray[np.float64] = np.sqrt(squares.mean(axis=1))
        return level

    def spectrum(self, space: tuple[int, ...]) -> NDArray[np.float64]:
        """Return the power at the frequencies of ``fftn``, shape ``(N, *space)``: a constant."""
        return white_noise(self.level, len(space)).spectrum(space)

    def variance(self, clean: Array) -> NDArray[np.float64]:
        """Return the variance at each sample, shape of ``clean``."""
        return np.broadcast_to(self.levels**2, clean.shape).copy()
