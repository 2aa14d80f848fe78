"""Sequences of short recordings: concatenation with pauses, and the level of the result."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigbench.core.protocols import Array

ACTIVE_RMS = 10 ** (-26 / 20)  # RMS of the recordings in an item: 26 dB below full scale
MAX_PEAK = 0.99


def utterance(recordings: Sequence[Array], pauses: Sequence[int], length: int = 0) -> Array:
    """Concatenate recordings, each after a pause of silence, and set the level.

    The RMS value over the samples of the recordings, without the pauses, becomes `ACTIVE_RMS`; if
    the peak would exceed `MAX_PEAK`, the signal is scaled to this peak instead.

    Parameters
    ----------
    recordings : sequence of array, shape (L,)
        The recordings, in order.
    pauses : sequence of int
        Length of the silence before each recording, in samples. A negative value -k omits
        the first k samples of the recording instead.
    length : int
        Length of the signal: it is cut or zero-padded at the end. 0 keeps all.

    Returns
    -------
    array, shape (L,), float64

    Examples
    --------
    >>> utterance([np.full(2, 7.0), np.full(1, -7.0)], [1, 2]).round(3) + 0.0
    array([ 0.  ,  0.05,  0.05,  0.  ,  0.  , -0.05])
    """
    parts = [one[max(0, -pause) :] for one, pause in zip(recordings, pauses, strict=True)]
    needed = sum(map(len, parts)) + sum(max(0, pause) for pause in pauses)
    signal = np.zeros(length or needed)
    at, active = 0, 0
    for part, pause in zip(parts, pauses, strict=True):
        at += max(0, pause)
        if at >= len(signal):
            break
        part = part[: len(signal) - at]
        signal[at : at + len(part)] = part
        at += len(part)
        active += len(part)
    energy, peak = float(signal @ signal), float(np.abs(signal).max())
    if energy == 0:
        return signal
    scale = ACTIVE_RMS / math.sqrt(energy / active)
    return signal * min(scale, MAX_PEAK / peak)


def stream(
    recordings: Sequence[NDArray[Any]], length: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return a talker who does not pause: random recordings, each scaled to the RMS value 1.

    The stream starts at a random sample of its first recording.

    Parameters
    ----------
    recordings : sequence of array, shape (L,)
        Recordings to draw from, with replacement.
    length : int
        Number of samples.
    rng : numpy.random.Generator
        Draws the recordings and the start.

    Examples
    --------
    >>> stream([np.full(3, 7.0)], 5, np.random.default_rng(0))
    array([1., 1., 1., 1., 1.])
    """
    signal = np.empty(length)
    at = 0
    while at < length:
        part = recordings[int(rng.integers(len(recordings)))]
        part = part[int(rng.integers(len(part))) :] if at == 0 else part
        part = part.astype(np.float64)
        taken = part[: length - at]
        signal[at : at + len(taken)] = taken / (math.sqrt(float(part @ part) / len(part)) or 1.0)
        at += len(taken)
    return signal
