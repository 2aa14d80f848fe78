"""The power of noise along the frequencies, from the likelihood of its levels.

The spectrum has one of many known shapes, or it is a hidden Markov chain, whose states are levels of
the noise on a logarithmic grid. In both cases a signal is always present at some frequencies, where
the likelihood only bounds the noise; this is another hidden state. The posterior is computed
exactly, by the forward-backward algorithm.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sigbench.denoisers.noise.shapes import Shapes

Values = NDArray[np.float64]

STEP = 0.2  # between the levels, as logarithms of the power
LEVELS = 110
# Chosen on development data: demo signals of the training split, speech of two speakers, a
# machine, sums of sinusoids and steps, in noise that was white, pink, pink and white, moving-average,
# autoregressive of order 1 and 2, low-pass and high-pass.
ROUGH_PRIOR = 0.12  # of all chains together
SLOPES = (-1.0, 0.0, 0.5, 1.0, 1.5, 2.0)  # a: the trend of the power is f^−a
ROUGHNESS = (2.0, 5.0, 12.0)  # standard deviation of a change within 0.1 cycles per sample
# Probability that a signal is always present: LOW·exp(−f/DECAY), but at least HIGH.
PRESENT_LOW, PRESENT_DECAY, PRESENT_HIGH = 0.5, 0.1, 1e-3
STAY = 0.9  # weight of the same state at the next frequency, and not by chance
COST_LOW, COST_HIGH = 0.75, 3.0  # nats for a signal that is always present, at each frequency
MAX_SLOPE = 2.0  # toward 0


class Posterior(NamedTuple):
    """The logarithm of the power of the noise at R frequencies, as a mixture of K components.

    Attributes
    ----------
    weight : array, shape (K,)
        Probabilities, whose sum is 1.
    mean, variance : array, shape (K, R)
        Mean and variance of the logarithm.
    slope : array, shape (K,)
        a, for a power f^−a below the lowest frequency.
    white : float
        Probability that the noise is white.
    """

    weight: Values
    mean: Values
    variance: Values
    slope: Values
    white: float


def posterior(likelihood: Values, frequency: Values, shapes: Shapes) -> Posterior:
    """Return the posterior of the power of noise, in steps above the lowest level.

    Where a signal is always present, the likelihood is the largest of any level above the noise.

    Parameters
    ----------
    likelihood : array, shape (R, LEVELS)
        Logarithm of the likelihood of every level ``STEP``·k at every frequency.
    frequency : array, shape (R,)
        Increasing frequencies in cycles per sample.
    shapes : Shapes
        Possible spectra at these frequencies.

    References
    ----------
    Rabiner, "A tutorial on hidden Markov models", Proc. IEEE 77 (1989), eqs. (19) to (27).

    Examples
    --------
    >>> from sigbench.denoisers.noise.shapes import shapes_in_rows
    >>> k = np.arange(LEVELS)
    >>> likelihood = -0.5 * (k - np.array([[40], [40], [40], [40]])) ** 2
    >>> found = posterior(likelihood, (np.arange(4) + 0.5) / 8, shapes_in_rows(np.arange(5)))
    >>> (found.weight @ found.mean).round(1)
    array([8., 8., 8., 8.])
    """
    below = np.maximum.accumulate(likelihood[:, ::-1], axis=1)[:, ::-1]
    high = 1 - np.exp(-frequency / PRESENT_DECAY)
    below = below - (COST_LOW + (COST_HIGH - COST_LOW) * high)[:, None]
    presence = _presence(frequency)
    levels = STEP * np.arange(LEVELS)

    def around(trend: Values) -> Values:
        return np.stack([_shifted(part, trend / STEP) for part in (likelihood, below)], axis=2)

    evidence, level = _constant(around(shapes.log_power), presence)
    mean = level @ levels
    variance = level @ levels**2 - mean**2
    logs = [evidence + shapes.log_prior]
    means = [mean[:, None] + shapes.log_power]
    variances = [np.broadcast_to(variance[:, None], shapes.log_power.shape)]
    steps = np.log(frequency[1] / frequency[0])
    slopes = [(shapes.log_power[:, 0] - shapes.log_power[:, 1]) / steps]

    trend = -np.multiply.outer(SLOPES, np.log(frequency) - np.log(frequency).mean())
    chains = around(trend)
    distance = STEP * np.abs(np.subtract.outer(np.arange(LEVELS), np.arange(LEVELS)))
    for roughness in ROUGHNESS:
        moves = [_move(distance, roughness * np.sqrt(10 * df)) for df in np.diff(frequency)]
        evidence, level = _forward_backward(chains, moves, presence)
        mean = level @ levels
        logs.append(evidence + np.log(ROUGH_PRIOR / len(ROUGHNESS) / len(SLOPES)))
        means.append(mean + trend)
        variances.append(level @ levels**2 - mean**2)
        slopes.append(np.array(SLOPES))
    log_weight = np.concatenate(logs)
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    return Posterior(
        weight,
        np.concatenate(means),
        np.maximum(np.concatenate(variances), 0),
        np.clip(np.concatenate(slopes), 0, MAX_SLOPE),
        float(weight[: len(shapes.white)][shapes.white].sum()),
    )


def _constant(likelihood: Values, presence: Values) -> tuple[Values, Values]:
    """Return the log evidence ``(S,)`` and the posterior ``(S, LEVELS)`` of one level per shape."""
    largest = likelihood.max(axis=(2, 3))
    scaled = np.exp(likelihood - largest[:, :, None, None])
    evidence = largest.sum(axis=1)
    state = np.broadcast_to(_start(presence), scaled[:, 0].shape)
    for row in range(scaled.shape[1]):
        if row:
            state = np.einsum("jk,sjl->skl", presence[row], state)
        state = state * scaled[:, row]
        total = state.sum(axis=(1, 2))
        evidence = evidence + np.log(total)
        state = state / total[:, None, None]
    return evidence, state.sum(axis=1)


def _start(presence: Values) -> Values:
    """Return the probabilities of the states at the lowest frequency, shape ``(2, 1)``."""
    start = presence[0][0] - STAY * np.array([1, 0])
    return np.asarray((start / start.sum() / LEVELS)[:, None])


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
    state = np.broadcast_to(_start(presence), scaled[:, 0].shape)
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
