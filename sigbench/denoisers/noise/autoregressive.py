"""Autoregressive models of colored noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_toeplitz

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Info
from sigbench.core.validation import check_field, check_noisy
from sigbench.denoisers.noise.bands import Floor, signal_floor
from sigbench.denoisers.noise.cells import MIN_LENGTH, Power
from sigbench.denoisers.noise.models import StationaryNoise, grid_of
from sigbench.denoisers.noise.white import MAD

PASSES = 4
REPEATS = 4  # frequencies of the fit for each one of the transform
LOWEST = 1.5  # frequencies of the transform, times 1/M, below which the model is extrapolated


class _Fit(NamedTuple):
    criterion: float
    coefficients: Power
    variance: float


@dataclass(frozen=True)
class Autoregressive:
    """Autoregressive noise: n[t] = a₁·n[t−1] + ... + aₚ·n[t−p] + e[t] with white e. For signals.

    The model is fitted to the mean powers of the quietest cells of a lapped transform, each weighted
    by the number of its cells, and is extrapolated to low frequencies. The order p is chosen by the
    Bayesian information criterion. For signals of less than 16 samples the noise is white, with the
    level of `MAD`.

    Parameters
    ----------
    max_order : int
        Largest order.

    References
    ----------
    Kay, Modern Spectral Estimation (1988), section 6.4 (the autocorrelation method) and 7.8
    (order selection).

    Examples
    --------
    >>> from scipy.signal import lfilter
    >>> white = np.random.default_rng(0).normal(size=(1, 1, 65536))
    >>> noise = Autoregressive().estimate_noise(lfilter([1], [1, -0.8], white))
    >>> noise.level.round(1)  # 1/√(1 − 0.8²) = 1.67
    array([1.6])
    """

    max_order: int = 16

    info: ClassVar[Info] = Info(
        "autoregressive", "noise estimation", "Kay 1988", domains=("signal", "speech"), adapts=True
    )

    def __post_init__(self) -> None:
        check_field("max_order", self.max_order, 0, below=101)

    def estimate_noise(self, noisy: Array) -> StationaryNoise:
        """Return stationary noise for the signals of a batch ``(N, C, L)``.

        Raises
        ------
        InputError
            If the items are images.
        """
        check_noisy(noisy)
        if noisy.ndim != 3:
            raise InputError(
                f"noisy has shape {noisy.shape}: autoregressive noise needs signals (N, C, L)"
            )
        if noisy.shape[-1] < MIN_LENGTH:
            return MAD().estimate_noise(noisy)
        return StationaryNoise(np.stack([self._spectrum(item) for item in noisy]))

    def _spectrum(self, item: Array) -> Power:
        """Return the power at the frequencies of a signal ``(C, L)``."""
        (n,) = grid_of(item.shape[1:])
        floor = signal_floor(item)
        if floor is None:
            return np.zeros(n)
        fit = _fitted(floor, min(self.max_order, len(floor.power) // 2))
        return _power(fit.coefficients, fit.variance, np.asarray(np.fft.fftfreq(n), np.float64))


def _fitted(floor: Floor, max_order: int) -> _Fit:
    """Return the autoregressive model of a spectrum with the smallest information criterion."""
    bins = len(floor.power)
    frequency = (np.arange(REPEATS * bins) + 0.5) / (2 * REPEATS * bins)
    smooth = floor.at(frequency)
    count = np.repeat(floor.cells, REPEATS) * (frequency >= LOWEST / bins)
    measured = np.where(count > 0, np.minimum(np.repeat(floor.power, REPEATS), 2 * smooth), smooth)
    measured = np.maximum(measured, 1e-12 * smooth.max())  # a few chosen cells may be 0
    weight = count / max(count.max(), 1)
    total = max(count.sum() / REPEATS, 2.0)
    lags = np.cos(2 * np.pi * np.outer(np.arange(max_order + 1), frequency)) / len(frequency)
    shifts = _shifts(frequency, max_order)
    fits = []
    for order in range(max_order + 1):
        model = smooth
        for _ in range(PASSES):  # where nothing is measured, the model itself is used
            r = lags[: order + 1] @ (weight * measured + (1 - weight) * model)
            r[0] *= 1 + 1e-9
            a = solve_toeplitz(r[:order], r[1:]) if order else np.zeros(0)
            variance = float(r[0] - a @ r[1:])
            model = variance / np.abs(1 - shifts[:, :order] @ a) ** 2
        misfit = np.sum(count * (np.log(model) + measured / model)) / (2 * REPEATS)
        fits.append(_Fit(misfit + 0.5 * order * np.log(total), a, variance))
    return min(fits, key=lambda fit: fit.criterion)


def _power(coefficients: Power, variance: float, frequency: Power) -> Power:
    """Return the spectrum of an autoregressive process."""
    shifts = _shifts(frequency, len(coefficients))
    power: Power = variance / np.abs(1 - shifts @ coefficients) ** 2
    return power


def _shifts(frequency: Power, order: int) -> NDArray[np.complex128]:
    """Return the frequency responses of delays of 1 to ``order`` samples."""
    shifts: NDArray[np.complex128] = np.exp(
        -2j * np.pi * np.outer(frequency, np.arange(1, order + 1))
    )
    return shifts
