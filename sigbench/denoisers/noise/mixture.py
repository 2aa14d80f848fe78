"""The spectrum of the noise in a signal, from cells that signal and noise share."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp

from sigbench.core.protocols import Array
from sigbench.denoisers.noise.cells import (
    MARGIN,
    Power,
    frame_lengths,
    signal_parts,
    signal_powers,
)
from sigbench.denoisers.noise.chain import LEVELS, STEP, Posterior, posterior
from sigbench.denoisers.noise.shapes import Shapes, shapes_in_rows

# Chosen on development data, as the constants of `chain`. MAX_ROWS is approximate.
GROUP = 3  # frames whose mean power is one value
EXCESS, LEAST_EXCESS = 3.0, 0.7  # of signal over noise, as logarithms of the power
SHARES = {0.0: 3, 0.02: 2, 0.1: 1, 0.25: 1, 0.5: 1, 0.75: 1, 0.9: 1}  # of signal, and weights
DEPENDENCE = 0.6  # weight of a value; neighboring ones are not independent
MAX_ROWS = 64
SHORTEST = 8  # frequencies of the shortest transform; it resolves jumps
MAX_VALUES = 60  # in a row; for more, the likelihood would be narrower than the steps of the chain


class MixtureFloor(NamedTuple):
    """The spectrum of the noise in a signal, as a posterior distribution.

    Attributes
    ----------
    frequency : array, shape (R,)
        Frequencies in cycles per sample.
    width : array, shape (R,)
        Widths of the bands, relative to their mean.
    lowest : float
        Logarithm of the lowest level.
    found : Posterior
        The logarithms of the power above the lowest level.
    """

    frequency: Power
    width: Power
    lowest: float
    found: Posterior

    @property
    def mean(self) -> Power:
        """Posterior mean of the logarithm of the power, shape ``(R,)``."""
        return np.asarray(self.lowest + self.found.weight @ self.found.mean)

    @property
    def sd(self) -> Power:
        """Posterior standard deviation of the logarithm of the power, shape ``(R,)``."""
        weight, means, variances = self.found[:3]
        mean = weight @ means
        return np.asarray(np.sqrt(weight @ (variances + (means - mean) ** 2)))

    def at(self, frequency: Power) -> Power:
        """Return the power at frequencies above 0."""
        slope = float(self.found.weight @ self.found.slope)
        return np.exp(self._logs(self.mean, slope, np.log(frequency)))

    def hypotheses(self, frequency: Power, count: int) -> tuple[Power, Power]:
        """Return the most probable spectra.

        Parameters
        ----------
        frequency : array, shape (F,)
            Frequencies above 0 in cycles per sample.
        count : int
            The largest number K of spectra.

        Returns
        -------
        weight : array, shape (K,)
            Probabilities, whose sum is 1.
        power : array, shape (K, F)
        """
        chosen = np.argsort(-self.found.weight)[:count]
        weight = self.found.weight[chosen]
        logs = np.log(frequency)
        power = [
            np.exp(self._logs(self.lowest + self.found.mean[k], self.found.slope[k], logs))
            for k in chosen
        ]
        return weight / weight.sum(), np.array(power)

    def _logs(self, row: Power, slope: float, logs: Power) -> Power:
        own = np.log(self.frequency)
        return np.interp(logs, own, row) + slope * np.maximum(own[0] - logs, 0)


def row_edges(bins: int) -> NDArray[np.intp]:
    """Return the edges of rows of frequencies: one at the lowest, several at higher ones.

    Examples
    --------
    >>> row_edges(16)
    array([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16])
    >>> len(row_edges(512))
    69
    """
    edges = [0]
    while edges[-1] < bins:
        width = round(min(0.12 * edges[-1], 1.43 * bins / MAX_ROWS))
        edges.append(min(bins, edges[-1] + max(width, 1)))
    return np.array(edges)


def mixture_floor(item: Array) -> MixtureFloor | None:
    """Return the spectrum of the noise in a signal ``(C, L)``; None if the signal is constant.

    There is a transform with √n/2 frequencies, for n samples, and shorter and longer ones. Of these
    the one with the least noise is used, with powers one standard deviation above the means, if it
    has 10 % less than the first.
    """
    parts = [part - part.mean() for part in signal_parts(item)]
    best, least = None, np.inf
    lengths = frame_lengths(len(parts[0]))
    shorter = [lengths[0] // k for k in (2, 4) if lengths[0] >= k * SHORTEST]
    for bins in shorter + lengths:
        powers = signal_powers(parts, bins)
        if not any(power.size for power in powers):
            return None
        floor = mixture_of(powers)
        power = float(np.mean(np.exp(floor.mean + floor.sd) * floor.width))
        if power < MARGIN * least:
            best, least = floor, power
    return best


def mixture_of(powers: list[Power]) -> MixtureFloor:
    """Return the spectrum of the noise, from the distribution of the powers at each frequency.

    The mean power of some frames is a gamma variable times the power of the noise. A share of them
    is larger by a factor with an exponential distribution of its logarithm: signal. The likelihood
    of the power of the noise is averaged over shares, so that no cell is classified. `posterior`
    joins the frequencies.

    Parameters
    ----------
    powers : list of array, shape (frames, M)
        Powers of the cells of parts of a signal, from `signal_powers`.
    """
    bins = powers[0].shape[1]
    group = min(GROUP, max(len(power) for power in powers))
    values = np.concatenate(
        [
            power[: len(power) // group * group].reshape(-1, group, bins).mean(axis=1)
            for power in powers
        ]
    )
    logs = np.log(np.maximum(values, np.finfo(np.float64).tiny))
    lowest = float(np.median(logs)) - STEP * LEVELS / 2
    edges = row_edges(bins)
    counts = np.add.reduceat(_counts((logs - lowest) / STEP), edges[:-1], axis=0)
    frequency = (edges[:-1] + edges[1:]) / (4 * bins)
    weight = DEPENDENCE * np.minimum(1, MAX_VALUES / (len(logs) * np.diff(edges)))
    likelihood = weight[:, None] * _log_likelihood(counts, group)
    width = np.diff(edges) / bins * (len(edges) - 1)
    found = posterior(likelihood, frequency, _shapes(bins))
    return MixtureFloor(frequency, width, lowest, found)


@functools.cache
def _shapes(bins: int) -> Shapes:
    return shapes_in_rows(row_edges(bins))


def _counts(position: Power) -> Power:
    """Return how often each level occurs at each frequency, shape ``(M, LEVELS)``.

    A value between two levels counts in part for both.
    """
    bins = position.shape[1]
    position = np.clip(position, 0, LEVELS - 1.001)
    whole = position.astype(int)
    part = position - whole
    index = (whole + LEVELS * np.arange(bins)).ravel()
    counts = np.zeros(bins * LEVELS)
    for offset, weight in ((0, 1 - part), (1, part)):
        counts += np.bincount(index + offset, weight.ravel(), minlength=bins * LEVELS)
    return counts.reshape(bins, LEVELS)


def _log_likelihood(counts: Power, freedom: int) -> Power:
    """Return the log likelihood of every level at each frequency, from counts of values."""
    weights = np.array(list(SHARES.values()), np.float64)
    found = np.stack([counts @ table for table in _tables(freedom)])
    return np.asarray(logsumexp(found, axis=0, b=(weights / weights.sum())[:, None, None]))


@functools.cache
def _tables(freedom: int) -> list[Power]:
    """Return log densities of levels of values (rows) for levels of noise (columns), by share."""
    offset = STEP * np.arange(-LEVELS, LEVELS + 1)
    half = freedom / 2
    log_density = half * (np.log(half) + offset - np.exp(np.minimum(offset, 5.0))) - gammaln(half)
    noise = np.exp(np.maximum(log_density, -300))
    noise /= noise.sum()
    excess = STEP * np.arange(LEVELS)
    prior = np.exp(-excess / EXCESS) * (excess >= LEAST_EXCESS)
    signal = np.convolve(noise, prior / prior.sum())[: len(noise)]
    index = np.subtract.outer(np.arange(LEVELS), np.arange(LEVELS)) + LEVELS
    mixtures = [(1 - share) * noise + share * signal for share in SHARES]
    return [np.maximum(np.log(np.maximum(m, 1e-300)), -80.0)[index] for m in mixtures]
