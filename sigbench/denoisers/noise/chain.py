"""The power of noise along the frequencies, as the mean of a hidden Markov chain.

The states of the chain are levels of the noise on a logarithmic grid, and whether a signal is
always present at a frequency. The posterior of a chain is computed exactly, by the forward-backward
algorithm, and averaged over several slopes and roughnesses of the spectrum.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

STEP = 0.2  # between the levels, as logarithms of the power
LEVELS = 110
# Chosen on development data: demo signals of the training split, speech of two speakers, a
# machine, sums of sinusoids and steps, in white, pink, MA and AR noise.
SLOPES = (-1.0, 0.0, 0.5, 1.0, 1.5, 2.0)  # a: the trend of the power is f^−a
ROUGHNESS = (
    0.0,
    2.0,
    5.0,
    12.0,
    30.0,
)  # standard deviation of a change within 0.1 cycles per sample
# Probability that a signal is always present: LOW·exp(−f/DECAY), but at least HIGH.
PRESENT_LOW, PRESENT_DECAY, PRESENT_HIGH = 0.5, 0.1, 1e-3
STAY = 0.9  # weight of the same state at the next frequency, and not by chance
COST_LOW, COST_HIGH = 1.0, 4.0  # nats for a signal that is always present, at each frequency


class Posterior(NamedTuple):
    """The logarithm of the power of the noise at R frequencies.

    Attributes
    ----------
    mean, sd : array, shape (R,)
        Posterior mean and standard deviation.
    slope : float
        Posterior mean of the slope a, for the trend f^−a.
    """

    mean: Values
    sd: Values
    slope: float


def posterior(likelihood: Values, frequency: Values) -> Posterior:
    """Return the posterior of the power of noise, in steps above the lowest level.

    Where a signal is always present, the likelihood is the largest of any level above the noise.

    Parameters
    ----------
    likelihood : array, shape (R, LEVELS)
        Logarithm of the likelihood of every level ``STEP``·k at every frequency.
    frequency : array, shape (R,)
        Increasing frequencies in cycles per sample.

    References
    ----------
    Rabiner, "A tutorial on hidden Markov models", Proc. IEEE 77 (1989), eqs. (19) to (27).

    Examples
    --------
    >>> k = np.arange(LEVELS)
    >>> likelihood = -0.5 * (k - np.array([[40], [40], [40], [40]])) ** 2
    >>> posterior(likelihood, np.array([0.1, 0.2, 0.3, 0.4])).mean.round(1)
    array([8., 8., 8., 8.])
    """
    slopes = np.array(SLOPES)
    log_frequency = np.log(frequency)
    trend = -np.multiply.outer(slopes, log_frequency - log_frequency.mean())
    below = np.maximum.accumulate(likelihood[:, ::-1], axis=1)[:, ::-1]
    high = 1 - np.exp(-frequency / PRESENT_DECAY)
    below = below - (COST_LOW + (COST_HIGH - COST_LOW) * high)[:, None]
    both = np.stack([_shifted(part, trend / STEP) for part in (likelihood, below)], axis=2)
    presence = _presence(frequency)
    distance = STEP * np.abs(np.subtract.outer(np.arange(LEVELS), np.arange(LEVELS)))
    levels = STEP * np.arange(LEVELS)
    evidence, means, squares = [], [], []
    for roughness in ROUGHNESS:
        moves = [_move(distance, roughness * np.sqrt(10 * df)) for df in np.diff(frequency)]
        found, weight = _forward_backward(both, moves, presence)
        evidence.append(found)
        mean = weight @ levels
        squares.append(weight @ levels**2 - mean**2)
        means.append(mean + trend)
    share = np.exp(np.array(evidence) - np.max(evidence))
    share /= share.sum()
    mean = np.tensordot(share, means, 2)
    variance = np.tensordot(share, squares + (np.array(means) - mean) ** 2, 2)
    return Posterior(mean, np.sqrt(np.maximum(variance, 0)), float(share.sum(axis=0) @ slopes))


def _shifted(likelihood: Values, shift: Values) -> Values:
    """Return the likelihoods of levels above a trend, shape ``(slopes, R, LEVELS)``."""
    whole = np.floor(shift).astype(int)
    part = (shift - whole)[:, :, None]
    index = np.arange(LEVELS) + whole[:, :, None]
    rows = np.arange(likelihood.shape[0])[None, :, None]
    low = likelihood[rows, np.clip(index, 0, LEVELS - 1)]
    high = likelihood[rows, np.clip(index + 1, 0, LEVELS - 1)]
    shifted: Values = (1 - part) * low + part * high
    return shifted


def _presence(frequency: Values) -> Values:
    """Return the transitions between a signal that is absent and present, shape ``(R, 2, 2)``."""
    p = np.maximum(PRESENT_LOW * np.exp(-frequency / PRESENT_DECAY), PRESENT_HIGH)
    chance = np.stack([1 - p, p], axis=1)
    return STAY * np.eye(2) + (1 - STAY) * chance[:, None, :]


def _move(distance: Values, sd: float) -> Values:
    """Return the probabilities of the next level, for changes with a Laplace distribution."""
    if sd < STEP / 2:
        return np.eye(LEVELS)
    density = np.exp(-distance * np.sqrt(2) / sd)
    move: Values = density / density.sum(axis=1, keepdims=True)
    return move


def _forward_backward(
    likelihood: Values, moves: list[Values], presence: Values
) -> tuple[Values, Values]:
    """Return the log evidence ``(slopes,)`` and the posterior ``(slopes, R, LEVELS)``."""
    largest = likelihood.max(axis=(2, 3))
    scaled = np.exp(likelihood - largest[:, :, None, None])
    slopes, rows = largest.shape
    forward = np.empty_like(scaled)
    evidence = largest.sum(axis=1)
    start = presence[0][0] - STAY * np.array([1, 0])
    state = np.broadcast_to((start / start.sum() / LEVELS)[:, None], scaled[:, 0].shape)
    for row in range(rows):
        if row:
            state = np.einsum("jk,ajl->akl", presence[row], state @ moves[row - 1])
        state = state * scaled[:, row]
        total = state.sum(axis=(1, 2))
        evidence = evidence + np.log(total)
        state = state / total[:, None, None]
        forward[:, row] = state
    weight = np.empty((slopes, rows, LEVELS))
    state = np.ones_like(scaled[:, 0])
    for row in range(rows - 1, -1, -1):
        joint = forward[:, row] * state
        weight[:, row] = joint.sum(axis=1) / joint.sum(axis=(1, 2))[:, None]
        if row:
            state = np.einsum("jk,akl->ajl", presence[row], state * scaled[:, row])
            state = state @ moves[row - 1].T
            state = state / state.max(axis=(1, 2), keepdims=True)
    return evidence, weight
