"""The noise that an item may have, and the expected error of a method in it."""

from __future__ import annotations

from collections.abc import Collection
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
# An expected squared error is at least this share of the power of the noise: smaller ones are
# below the errors of the estimate.
LEAST = 0.02
# Probabilities for ranges in images, chosen on development data: the model of colored noise, the
# model with more power at low frequencies, and white noise.
IN_IMAGES = (0.4, 0.4, 0.2)
LOWEST_IN_IMAGES = 1 / 16  # cycles per sample
# A divisor of divergences is at least this share of the mean power: their rounding errors are larger.
LEAST_POWER = 1e-6
# Errors of the level, in standard deviations: a Gauss-Hermite rule for the choice, more for ranges.
SCORES, SCORE_WEIGHTS = np.sqrt([3.0, 0.0, 3.0]) * [-1, 0, 1], np.array([1, 4, 1]) / 6
LEVEL_SCORES = np.linspace(-3, 3, 49)
RANGE = (0.025, 0.5, 0.975)
NORMAL = norm.ppf((np.arange(40) + 0.5) / 40)
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
    level_sd : float
        Standard deviation of the logarithm of the power of each spectrum.
    """

    weight: Values
    noise: StationaryNoise
    doubt: Values
    level_sd: float = 0.0


def as_stated(model: NoiseModel, space: tuple[int, ...], level_sd: float = 0.0) -> PossibleNoise:
    """Return the noise of one model, as if it were stationary."""
    one = np.ones(1)
    return PossibleNoise(one, StationaryNoise(model.spectrum(space)), one, level_sd)


class SignalNoise(NamedTuple):
    """The noise that a signal may have, and the probability that it is white."""

    noise: PossibleNoise
    white: float


def in_signal(signal: Array, level_sd: float = 0.0) -> SignalNoise | None:
    """Return the noise that a signal ``(C, L)`` may have; None if the signal is too short or constant."""
    floor = mixture_floor(signal) if signal.shape[-1] >= MIN_LENGTH else None
    if floor is None:
        return None
    weight, power = floor.hypotheses(frequencies(signal.shape[-1]), MAX_SPECTRA)
    return SignalNoise(
        PossibleNoise(weight, StationaryNoise(power), weight, level_sd), floor.found.white
    )


def in_image(
    model: NoiseModel, white: NoiseModel, space: tuple[int, ...], level_sd: float
) -> PossibleNoise:
    """Return the noise that an image may have: colored, or white.

    Texture looks like colored noise, and noise of lower frequency than the blocks from which the
    model is estimated looks like shades of the image.
    """
    spectrum = model.spectrum(space)
    axes = np.meshgrid(*map(np.fft.fftfreq, space), indexing="ij")
    radius = np.maximum(np.hypot(*axes), 1 / max(space))
    slow = np.maximum((LOWEST_IN_IMAGES / radius) ** 2, 1)
    power = np.concatenate([spectrum, slow * spectrum, white.spectrum(space)])
    weight = np.array([1.0, 0.0, 0.0])
    return PossibleNoise(weight, StationaryNoise(power), np.array(IN_IMAGES), level_sd)


@dataclass(frozen=True, eq=False)
class Weighed:
    """Expected squared errors of a method in the possible noise.

    Attributes
    ----------
    possible : PossibleNoise
        K kinds of noise.
    misfit : float
        Mean squared difference between the estimate and the noisy item.
    power, divergence : array, shape (K,)
        σ² and tr(CJ)/n in each noise.
    chance : float
        Standard deviation of the chance of SURE.
    """

    possible: PossibleNoise
    misfit: float
    power: Values
    divergence: Values
    chance: float

    def mse(self, scores: Values) -> Values:
        """Return SURE, shape ``(K, L)``, for L errors of the level in standard deviations."""
        scales = np.exp(self.possible.level_sd * scores)
        return np.asarray(self.misfit - np.outer(self.power - 2 * self.divergence, scales))

    @property
    def score(self) -> float:
        """The mean of the logarithm of the squared error: what a choice minimizes."""
        least = np.maximum(LEAST * self.power, TINY)[:, None]
        logs = np.log(np.maximum(self.mse(SCORES), least))
        return float(self.possible.weight @ logs @ SCORE_WEIGHTS)

    def range(self, plausible: Values, sd: float) -> tuple[float, float, float]:
        """Return the quantiles of 2.5 %, 50 % and 97.5 % of the squared error.

        Each error of the possible noise has a normal distribution with the standard deviation ``sd``.
        The lower end allows for all levels, since plausible ones are decided by chance as well. The
        upper end is at least 2 % of the power of the noise.
        """
        values = np.add.outer(self.mse(LEVEL_SCORES), sd * NORMAL)
        order = np.argsort(values, axis=None)
        found = []
        for share, level in zip(RANGE, (norm.pdf(LEVEL_SCORES), plausible, plausible), strict=True):
            weight = np.broadcast_to(self.possible.doubt[:, None] * level, values.shape[:2])
            below = np.cumsum(np.repeat(weight, len(NORMAL))[order])
            found.append(float(values.ravel()[order][np.searchsorted(below, share * below[-1])]))
        low, middle, high = found
        power = float(np.average(self.power, weights=self.possible.doubt))
        return low, middle, max(high, LEAST * power)


def plausible_levels(methods: Collection[Weighed]) -> Values:
    """Return the probabilities of the errors of the level, shape ``(K, L)``, up to a factor.

    A squared error is not negative. Where that of some method would be, by more than two standard
    deviations, the level is too high.
    """
    errors = [one.mse(LEVEL_SCORES) + 2 * one.chance for one in methods]
    mse = np.min(errors, axis=0)
    allowed = mse >= 0
    allowed[~allowed.any(axis=1), 0] = True  # the lowest level
    return np.where(allowed, norm.pdf(LEVEL_SCORES), 0.0)


@dataclass(frozen=True, eq=False)
class Weighing:
    """Weighs the errors of methods that were judged in one model of the noise.

    Attributes
    ----------
    possible : PossibleNoise
        K kinds of noise.
    spectra, own : array, shape (K, F) and (S, F)
        The possible spectra, and those of the model for S excerpts, at F frequencies.
    """

    possible: PossibleNoise
    spectra: Values
    own: Values

    @classmethod
    def of(cls, possible: PossibleNoise, model: NoiseModel, space: tuple[int, ...]) -> Weighing:
        """Return the weighing for excerpts of a size."""
        spectra, own = (one.spectrum(space) for one in (possible.noise, model))
        own = own.reshape(len(own), -1)
        least = LEAST_POWER * own.mean(axis=1, keepdims=True)
        return cls(possible, spectra.reshape(len(spectra), -1), np.maximum(own, least))

    def weighed(self, judged: Judged, noisy: Array) -> Weighed:
        """Return the expected errors in the possible noise, as means over excerpts.

        In other noise, the part of the divergence at each frequency changes with the power.
        """
        misfit = float(np.mean((judged.estimate - noisy) ** 2))
        chance = float(np.sqrt(np.mean(judged.sd**2) / len(noisy)))
        relative = np.mean(judged.divergence.reshape(self.own.shape) / self.own, axis=0)
        divergence = self.spectra @ relative / relative.size
        return Weighed(self.possible, misfit, self.spectra.mean(axis=1), divergence, chance)
