"""The noise that an item may have, and the expected error of a method in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from sigbench.benchmark.methods.sure import Judged
from sigbench.core.protocols import Array, NoiseModel
from sigbench.denoisers.noise.cells import MIN_LENGTH
from sigbench.denoisers.noise.mixture import mixture_floor
from sigbench.denoisers.noise.models import StationaryNoise
from sigbench.denoisers.noise.smooth_spectrum import frequencies

Values = NDArray[np.float64]

MAX_SPECTRA = 20
# Standard scores of errors of the level, with the weights of a Gauss-Hermite rule of order 3.
SCORES, SCORE_WEIGHTS = np.sqrt([3.0, 0.0, 3.0]) * [-1, 0, 1], np.array([1, 4, 1]) / 6
# An expected squared error is at least this share of the power of the noise: smaller ones are
# below the errors of the estimate.
LEAST = 0.02
RANGE = (0.025, 0.5, 0.975)
NORMAL_POINTS = 40
TINY = np.finfo(np.float64).tiny


@dataclass(frozen=True, eq=False)
class PossibleNoise:
    """Stationary noise that an item may have.

    Attributes
    ----------
    weight : array, shape (K,)
        Probabilities.
    noise : StationaryNoise
        K spectra.
    """

    weight: Values
    noise: StationaryNoise

    def scaled(self, sd: float) -> PossibleNoise:
        """Return the noise with an error of its power: a log-normal factor.

        Examples
        --------
        >>> noise = PossibleNoise(np.ones(1), StationaryNoise(np.full((1, 1), 4.0)))
        >>> scaled = noise.scaled(0.1)
        >>> scaled.weight.round(2), scaled.noise.power.round(2).ravel()
        (array([0.17, 0.67, 0.17]), array([3.36, 4.  , 4.76]))
        """
        power = np.multiply.outer(np.exp(sd * SCORES), self.noise.power)
        weight = np.multiply.outer(SCORE_WEIGHTS, self.weight)
        return PossibleNoise(weight.ravel(), StationaryNoise(power.reshape(-1, *power.shape[2:])))


def as_stated(model: NoiseModel, space: tuple[int, ...]) -> PossibleNoise:
    """Return the noise of one model, as if it were stationary."""
    return PossibleNoise(np.ones(1), StationaryNoise(model.spectrum(space)))


class SignalNoise(NamedTuple):
    """The noise that a signal may have, and the probability that it is white."""

    noise: PossibleNoise
    white: float


def in_signal(signal: Array) -> SignalNoise | None:
    """Return the noise that a signal ``(C, L)`` may have; None if the signal is too short or constant."""
    floor = mixture_floor(signal) if signal.shape[-1] >= MIN_LENGTH else None
    if floor is None:
        return None
    weight, power = floor.hypotheses(frequencies(signal.shape[-1]), MAX_SPECTRA)
    return SignalNoise(PossibleNoise(weight, StationaryNoise(power)), floor.found.white)


@dataclass(frozen=True, eq=False)
class Weighed:
    """Expected squared errors of a method in K kinds of noise.

    Attributes
    ----------
    mse : array, shape (K,)
        Stein's unbiased estimates.
    weight, power : array, shape (K,)
        Probability and power of the noise.
    """

    mse: Values
    weight: Values
    power: Values

    def range(self, sd: float) -> tuple[float, float, float]:
        """Return the quantiles of 2.5 %, 50 % and 97.5 % of the squared error.

        Each error of the possible noise has a normal distribution with the standard deviation ``sd``.
        """
        quantiles = (np.arange(NORMAL_POINTS) + 0.5) / NORMAL_POINTS
        values = np.add.outer(self.mse, sd * norm.ppf(quantiles)).ravel()
        weight = np.repeat(self.weight, NORMAL_POINTS)
        order = np.argsort(values)
        below = np.cumsum(weight[order]) / weight.sum()
        low, middle, high = values[order][np.searchsorted(below, RANGE)]
        return float(low), float(middle), float(high)

    @property
    def score(self) -> float:
        """The mean of the logarithm of the squared error: what a choice minimizes."""
        return float(
            self.weight @ np.log(np.maximum(self.mse, np.maximum(LEAST * self.power, TINY)))
        )


@dataclass(frozen=True, eq=False)
class Weighing:
    """Weighs the errors of methods that were judged in one model of the noise.

    Attributes
    ----------
    weight : array, shape (K,)
        Probabilities of the possible noise.
    spectra, own : array, shape (K, F) and (S, F)
        The possible spectra, and those of the model for S excerpts, at F frequencies.
    """

    weight: Values
    spectra: Values
    own: Values

    @classmethod
    def of(cls, possible: PossibleNoise, model: NoiseModel, space: tuple[int, ...]) -> Weighing:
        """Return the weighing for excerpts of a size."""
        spectra, own = possible.noise.spectrum(space), model.spectrum(space)
        return cls(possible.weight, spectra.reshape(len(spectra), -1), own.reshape(len(own), -1))

    def weighed(self, judged: Judged, noisy: Array) -> Weighed:
        """Return the expected errors in the possible noise, as means over excerpts.

        In other noise, the part of the divergence at each frequency changes with the power.
        """
        misfit = float(np.mean((judged.estimate - noisy) ** 2))
        relative = np.mean(judged.divergence.reshape(self.own.shape) / self.own, axis=0)
        power = self.spectra.mean(axis=1)
        divergence = self.spectra @ relative / relative.size
        return Weighed(misfit - power + 2 * divergence, self.weight, power)
