"""The noise spectrum as a recursive average that minima of the spectrum control."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sigbench.core.protocols import Info
from sigbench.core.validation import check_field
from sigbench.denoisers.speech.frames import Framing, Spectrum
from sigbench.denoisers.speech.trackers.recursion import (
    State,
    converted,
    recursive,
    smoothed_over_bins,
)

HOP_S = 0.008  # the hop of the smoothing factors in the paper
SPECTRUM_FACTOR = 0.8
PRESENCE_FACTOR = 0.2
NOISE_FACTOR = 0.95


@dataclass(frozen=True)
class Mcra:
    """Minima-controlled recursive averaging: average bins that are not far above their minimum.

    It follows noise that becomes louder by more than the threshold after one to two ``memory_s``.

    Parameters
    ----------
    memory_s : float
        Memory in seconds: the minimum is that of the last one to two ``memory_s``.
    threshold : float
        Speech is present in a bin if its smoothed power is more than this multiple of the minimum.

    References
    ----------
    Cohen & Berdugo, IEEE Signal Process. Lett. 9 (1), 2002, eqs. (5)-(7), (10), (13)-(15).

    Examples
    --------
    >>> from sigbench.denoisers.speech.frames import framing
    >>> update = Mcra().start(framing(8000.0))
    >>> [round(float(update(np.full((1, 129), p))[0, 0]), 2) for p in [2.0] * 20 + [200.0] * 5][-1]
    4.47
    """

    memory_s: float = 1.0
    threshold: float = 5.0

    info: ClassVar[Info] = Info(
        "mcra", "noise tracker", "Cohen & Berdugo 2002", domains=("speech",), adapts=True
    )

    def __post_init__(self) -> None:
        check_field("memory_s", self.memory_s, 0)
        check_field("threshold", self.threshold, 1)

    def start(self, frames: Framing) -> Callable[[Spectrum], Spectrum]:
        """Return the update of a signal; see `NoiseTracker`."""
        spectrum_factor = converted(SPECTRUM_FACTOR, HOP_S, frames)
        presence_factor = converted(PRESENCE_FACTOR, HOP_S, frames)
        noise_factor = converted(NOISE_FACTOR, HOP_S, frames)
        memory = max(1, round(self.memory_s / frames.frame_s))

        def initial(noise: Spectrum) -> State:
            smooth = smoothed_over_bins(noise)
            return noise, smooth, smooth, smooth, np.zeros_like(noise)

        def step(state: State, power: Spectrum, frame: int) -> State:
            noise, smooth, minimum, recent, presence = state
            smooth = spectrum_factor * smooth
            smooth += (1 - spectrum_factor) * smoothed_over_bins(power)
            if frame % memory == 0:
                minimum, recent = np.minimum(recent, smooth), smooth
            else:
                minimum, recent = np.minimum(minimum, smooth), np.minimum(recent, smooth)
            present = smooth > self.threshold * minimum
            presence = presence_factor * presence + (1 - presence_factor) * present
            factor = noise_factor + (1 - noise_factor) * presence
            noise = power + factor * (noise - power)
            return noise, smooth, minimum, recent, presence

        return recursive(frames, initial, step)
