"""How all recursive noise trackers start, treat silence, and convert published factors."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigbench.denoisers.speech.frames import Framing, Spectrum

State = tuple[NDArray[Any], ...]
Mask = NDArray[np.bool_]

BEGINNING_S = 0.08  # the mean power over this time is the first estimate (5 frames of 16 ms)
FLOOR = 1e-12  # smallest power of a bin relative to the mean of its frame: above rounding errors
SILENCE = 1e-120  # frames of less power are digital silence: their squares would underflow


def converted(factor: float, hop_s: float, frames: Framing) -> float:
    """Return a smoothing factor that was published for another hop.

    Parameters
    ----------
    factor : float
        The factor α of x̄ ← α·x̄ + (1−α)·x, with 0 < α < 1.
    hop_s : float
        The hop that it was published for, in seconds.
    frames : Framing
        The frames for which it is used.

    Returns
    -------
    float
        The factor that has the same time constant.

    Examples
    --------
    >>> from sigbench.denoisers.speech.frames import framing
    >>> converted(0.81, 0.016, framing(8000.0))  # a hop of 8 ms
    0.9
    """
    return factor ** (frames.frame_s / hop_s)


def smoothed_over_bins(spectra: Spectrum) -> Spectrum:
    """Smooth spectra over frequency with the weights 1/4, 1/2, 1/4.

    Beyond the first and the last bin the spectrum of a real signal is its own reflection.

    Parameters
    ----------
    spectra : array, shape (..., bins)
        Spectra with at least two bins.

    Examples
    --------
    >>> smoothed_over_bins(np.array([[4.0, 0.0, 0.0, 8.0]]))
    array([[2., 1., 2., 4.]])
    """
    pairs = spectra[..., 1:] + spectra[..., :-1]
    mean = np.empty_like(spectra)
    np.add(pairs[..., 1:], pairs[..., :-1], out=mean[..., 1:-1])
    mean[..., 0] = 2 * pairs[..., 0]
    mean[..., -1] = 2 * pairs[..., -1]
    mean *= 0.25
    return mean


def recursive(
    frames: Framing,
    initial: Callable[[Spectrum], State],
    step: Callable[[State, Spectrum, int], State],
) -> Callable[[Spectrum], Spectrum]:
    """Return the ``update`` of a tracker that is a recursion over frames.

    The state of an item begins with the mean power over its first 80 ms. Frames of digital silence,
    and those that can be partly silent, are not observations: at the beginning they are passed over,
    later they are replaced by the estimate. A minimum is therefore never stuck at zero.

    Parameters
    ----------
    frames : Framing
        The frames.
    initial : callable
        ``initial(noise)`` returns the state that begins with this noise power, shape ``(N, bins)``:
        arrays whose first axis is the item; the first one is the estimated noise power.
    step : callable
        ``step(state, power, frame)`` returns the state after a frame; ``frame`` counts all frames
        from 0. The power of every bin is positive.

    Examples
    --------
    >>> from sigbench.denoisers.speech.frames import framing
    >>> update = recursive(
    ...     framing(8000.0), lambda noise: (noise,), lambda state, power, _: (power,)
    ... )
    >>> [float(update(np.full((1, 3), p))[0, 0]) for p in (0.0, 5.0, 5.0, 5.0, 5.0, 2.0, 4.0)]
    [0.0, 5.0, 5.0, 5.0, 5.0, 2.0, 3.0]
    """
    overlap = math.ceil(frames.window / frames.hop)
    beginning = max(1, round(BEGINNING_S / frames.frame_s))
    state: State = ()
    mean: Spectrum = np.zeros((0, 0))
    age = waiting = np.zeros((0, 1), dtype=int)  # observed frames; frames that can be partly silent
    steady = False
    frame = -1

    def update(power: Spectrum) -> Spectrum:
        nonlocal state, frame
        frame += 1
        level = power.mean(axis=1, keepdims=True)
        observations = np.maximum(power, FLOOR * level)
        if not steady or level.min() < SILENCE:
            return unsteady(power, observations, level < SILENCE)
        state = step(state, observations, frame)
        return state[0]

    def unsteady(power: Spectrum, observations: Spectrum, silent: Mask) -> Spectrum:
        nonlocal state, mean, age, waiting, steady
        if frame == 0:
            age = waiting = np.zeros(silent.shape, dtype=int)
            mean = np.zeros_like(power)
            state = initial(np.ones_like(power))
        observed = ~silent & (waiting == 0)
        begun = age >= beginning
        change = (observations - mean) / (age + 1)
        mean = np.where(observed & ~begun, mean + change, mean)
        later = step(state, np.where(observed, observations, state[0]), frame)
        first = initial(np.where(mean > 0, mean, 1.0))  # any value, if nothing was observed
        state = tuple(_chosen(begun, *both) for both in zip(later, first, strict=True))
        age = age + observed
        waiting = np.where(silent, overlap, np.maximum(waiting - 1, 0))
        steady = bool((age >= beginning).all() and not waiting.any())
        return np.where(age > 0, state[0], power)

    return update


def _chosen(rows: Mask, chosen: NDArray[Any], others: NDArray[Any]) -> NDArray[Any]:
    return np.where(rows.reshape(-1, *[1] * (chosen.ndim - 1)), chosen, others)
