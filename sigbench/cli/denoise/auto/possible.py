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
# Probabilities for ranges in images, chosen on development data: the model of colored noise, the model
# with more power at low frequencies, and white noise.
IN_IMAGES = (0.4, 0.4, 0.2)
LOWEST_IN_IMAGES = 1 / 16  # cycles per sample
RANGE = (0.025, 0.5, 0.975)
NORMAL_POINTS = 40
TINY = np.finfo(np.float64).tiny


@dataclass(frozen=True, eq=False)
class PossibleNoise:
    """Stationary noise that an item may have.

    Attributes
    ----------
    weight : array, shape (K,)
        Probabilities for the choice of a method.
    noise : StationaryNoise
        K spectra.
    doubt : array, shape (K,)
        Probabilities for the range of the expected error.
    """

    weight: Values
    noise: StationaryNoise
    doubt: Values

    def scaled(self, sd: float) -> PossibleNoise:
        """Return the noise with an error of its power: a log-normal factor.

        Examples
        --------
        >>> noise = PossibleNoise(np.ones(1), StationaryNoise(np.full((1, 1), 4.0)), np.ones(1))
        >>> scaled = noise.scaled(0.1)
        >>> scaled.weight.round(2), scaled.noise.power.round(2).ravel()
        (array([0.17, 0.67, 0.17]), array([3.36, 4.  , 4.76]))
        """
        power = np.multiply.outer(np.exp(sd * SCORES), self.noise.power)
        weight, doubt = (np.outer(SCORE_WEIGHTS, one).ravel() for one in (self.weight, self.doubt))
        return PossibleNoise(weight, StationaryNoise(power.reshape(-1, *power.shape[2:])), doubt)


def as_stated(model: NoiseModel, space: tuple[int, ...]) -> PossibleNoise:
    """Return the noise of one model, as if it were stationary."""
    return PossibleNoise(np.ones(1), StationaryNoise(model.spectrum(space)), np.ones(1))


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
    return SignalNoise(PossibleNoise(weight, StationaryNoise(power), weight), floor.found.white)


def in_image(model: NoiseModel, white: NoiseModel, space: tuple[int, ...]) -> PossibleNoise:
    """Return the noise that an image may have: colored, or white.

    Texture looks like colored noise, and noise of lower frequency than the blocks from which the
    model is estimated looks like shades of the image.
    """
    spectrum = model.spectrum(space)
    axes = np.meshgrid(*map(np.fft.fftfreq, space), indexing="ij")
    radius = np.maximum(np.hypot(*axes), 1 / max(space))
    slow = np.maximum((LOWEST_IN_IMAGES / radius) ** 2, 1)
    power = np.concatenate([spectrum, slow * spectrum, white.spectrum(space)])
    return PossibleNoise(np.array([1.0, 0.0, 0.0]), StationaryNoise(power), np.array(IN_IMAGES))


@dataclass(frozen=True, eq=False)
class Weighed:
    """Expected squared errors of a method in K kinds of noise.

    Attributes
    ----------
    mse : array, shape (K,)
        Stein's unbiased estimates.
    weight, doubt, power : array, shape (K,)
        Probabilities for the choice and for the range, and power of the noise.
    """

    mse: Values
    weight: Values
    doubt: Values
    power: Values

    def range(self, sd: float) -> tuple[float, float, float]:
        """Return the quantiles of 2.5 %, 50 % and 97.5 % of the squared error.

        Each error of the possible noise has a normal distribution with the standard deviation ``sd``.
        """
        quantiles = (np.arange(NORMAL_POINTS) + 0.5) / NORMAL_POINTS
        values = np.add.outer(self.mse, sd * norm.ppf(quantiles)).ravel()
        weight = np.repeat(self.doubt, NORMAL_POINTS)
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
    weight, doubt : array, shape (K,)
        Probabilities of the possible noise.
    spectra, own : array, shape (K, F) and (S, F)
        The possible spectra, and those of the model for S excerpts, at F frequencies.
    """

    weight: Values
    doubt: Values
    spectra: Values
    own: Values

    @classmethod
    def of(cls, possible: PossibleNoise, model: NoiseModel, space: tuple[int, ...]) -> Weighing:
        """Return the weighing for excerpts of a size."""
        spectra, own = possible.noise.spectrum(space), model.spectrum(space)
        flat = (one.reshape(len(one), -1) for one in (spectra, own))
        return cls(possible.weight, possible.doubt, *flat)

    def weighed(self, judged: Judged, noisy: Array) -> Weighed:
        """Return the expected errors in the possible noise, as means over excerpts.

        In other noise, the part of the divergence at each frequency changes with the power.
        """
        misfit = float(np.mean((judged.estimate - noisy) ** 2))
        relative = np.mean(judged.divergence.reshape(self.own.shape) / self.own, axis=0)
        power = self.spectra.mean(axis=1)
        divergence = self.spectra @ relative / relative.size
        return Weighed(misfit - power + 2 * divergence, self.weight, self.doubt, power)
