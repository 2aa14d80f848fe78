"""The noise spectrum from minima of the smoothed spectrum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sigbench.core.protocols import Info
from sigbench.core.validation import check_field
from sigbench.denoisers.speech.frames import Framing, Spectrum
from sigbench.denoisers.speech.trackers.recursion import State, converted, recursive

HOP_S = 0.016  # the hop of the smoothing factors in the paper
MAX_FACTOR = 0.96
MIN_FACTOR = 0.3
CORRECTION_FACTOR = 0.7
MIN_CORRECTION = 0.7
MAX_MOMENT_FACTOR = 0.8
SNR_FALL_S = 0.064  # speech falls by its whole level in this time
PARTS = 8  # sub-windows of the memory
VARIANCE_BIAS = 2.12
MAX_VARIANCE = 0.5  # Q = 2, no smoothing

# Table III of the paper: the function M of the number of frames D.
LENGTHS = (1, 2, 5, 8, 10, 15, 20, 30, 40, 60, 80, 120, 140, 160)
M_OF_LENGTH = (0, 0.26, 0.48, 0.58, 0.61, 0.668, 0.705, 0.762, 0.8, 0.841, 0.865, 0.89, 0.9, 0.91)

# The largest growth of the minimum from one part to the next, for a mean of 1/Q below each limit.
VARIANCE_LIMITS = (0.03, 0.05, 0.06)
GROWTH = np.array([8.0, 4.0, 2.0, 1.2])


@dataclass(frozen=True)
class MinStatistics:
    """Minimum statistics with optimal smoothing and a correction of the bias of the minimum.

    It follows a rise of the noise after 9/8 of ``memory_s``, and a fall within 0.3 s.

    Parameters
    ----------
    memory_s : float
        Time over which the minimum is taken, in seconds.

    References
    ----------
    Martin, IEEE Trans. Speech Audio Process. 9 (5), 2001: smoothing, eqs. (3) and (9)-(12);
    variance, eqs. (20)-(23); bias of the minimum, eq. (17) and Table III; search, section VI.

    Examples
    --------
    >>> from sigbench.denoisers.speech.frames import framing
    >>> update = MinStatistics().start(framing(8000.0))
    >>> [round(float(update(np.full((1, 129), p))[0, 0]), 2) for p in [2.0] * 30 + [200.0] * 5][-1]
    2.0
    """

    memory_s: float = 1.536

    info: ClassVar[Info] = Info(
        "min-statistics", "noise tracker", "Martin 2001", domains=("speech",), adapts=True
    )

    def __post_init__(self) -> None:
        check_field("memory_s", self.memory_s, 0)

    def start(self, frames: Framing) -> Callable[[Spectrum], Spectrum]:
        """Return the update of a signal; see `NoiseTracker`."""
        hops = frames.frame_s / HOP_S  # exponent of the smoothing factors
        correction_factor = converted(CORRECTION_FACTOR, HOP_S, frames)
        max_moment_factor = converted(MAX_MOMENT_FACTOR, HOP_S, frames)
        fall = -HOP_S / SNR_FALL_S
        part = max(2, round(self.memory_s / PARTS / frames.frame_s))
        length = self.memory_s / (frames.window / 2 / frames.fs)  # in frames that overlap by half

        def initial(noise: Spectrum) -> State:
            endless = np.full_like(noise, np.inf)
            stored = np.repeat(noise[:, None], PARTS, axis=1)
            correction = np.ones_like(noise[:, :1])
            flags = np.zeros(noise.shape, dtype=bool)
            return noise, noise, noise, noise**2, correction, endless, endless, stored, flags

        def step(state: State, power: Spectrum, frame: int) -> State:
            noise, smooth, first, second, correction, least, least_part, stored, flags = state

            total = smooth.sum(axis=1, keepdims=True)
            change = total / power.sum(axis=1, keepdims=True) - 1
            wanted = np.maximum(1 / (1 + change**2), MIN_CORRECTION)
            correction = correction_factor * correction + (1 - correction_factor) * wanted
            least_factor = (total / noise.sum(axis=1, keepdims=True)) ** fall
            factor = MAX_FACTOR * correction / (1 + (smooth / noise - 1) ** 2)
            factor = np.maximum(factor, np.minimum(least_factor, MIN_FACTOR))
            factor **= hops
            smooth = power + factor * (smooth - power)

            moment_factor = np.minimum(factor**2, max_moment_factor)
            square = smooth**2
            first = smooth + moment_factor * (first - smooth)
            second = square + moment_factor * (second - square)
            variance = (second - first**2) / (2 * noise**2)  # 1/Q
            variance = np.minimum(np.maximum(variance, 0), MAX_VARIANCE)
            mean_variance = variance.mean(axis=1, keepdims=True)
            scaled = smooth * (1 + VARIANCE_BIAS * np.sqrt(mean_variance))

            candidate = scaled * minimum_bias(variance, length)
            lower = candidate < least
            least = np.minimum(least, candidate)
            scaled *= minimum_bias(variance, length / PARTS)
            least_part = np.where(lower, scaled, least_part)

            position = frame % part
            if position == part - 1:
                flags = flags & ~lower
                stored = stored.copy()
                stored[:, frame // part % PARTS] = least
                noise = stored.min(axis=1)
                limit = (
                    noise * GROWTH[np.searchsorted(VARIANCE_LIMITS, mean_variance, side="right")]
                )
                grown = flags & (noise < least_part) & (least_part < limit)
                noise = np.where(grown, least_part, noise)
                stored = np.where(grown[:, None], noise[:, None], stored)
                flags = np.zeros_like(flags)
                least = least_part = np.full_like(noise, np.inf)
            elif position > 0:
                flags = flags | lower
                noise = np.minimum(noise, least_part)
            return noise, smooth, first, second, correction, least, least_part, stored, flags

        return recursive(frames, initial, step)


def minimum_bias(variance: Spectrum, length: float) -> Spectrum:
    """Return the ratio of the mean to the mean minimum of a smoothed spectrum, eq. (17).

    Parameters
    ----------
    variance : array
        Variance of the smoothed power over twice the squared mean: 1/Q, from 0 to 1/2.
    length : float
        Number of frames over which the minimum is taken, at a hop of half a frame.

    Examples
    --------
    >>> minimum_bias(np.array([0.0, 0.02, 0.1]), 96).round(2)
    array([1.  , 1.49, 3.88])
    """
    length = max(length, 1.0)
    m = np.interp(length, LENGTHS, M_OF_LENGTH)
    return 1 + 2 * (length - 1) * (1 - m) * variance / (1 - 2 * m * variance)
