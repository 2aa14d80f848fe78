"""The noise spectrum from the probability of speech in each bin."""

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
NOISE_FACTOR = 0.8
PRESENCE_FACTOR = 0.9
MAX_PRESENCE = 0.99


@dataclass(frozen=True)
class SpeechPresence:
    """Average the expected power of the noise, given the probability that a bin contains speech.

    The probability follows from the power of a bin relative to the noise if speech, when present,
    has a fixed signal-to-noise ratio. If it stays near 1, it is limited, so that the estimate
    follows noise that has become louder: by 10 dB in about 1 s. For noise alone it is 0.9 dB too low.

    Parameters
    ----------
    snr_db : float
        The signal-to-noise ratio of speech when it is present, in dB, > 0.

    References
    ----------
    Gerkmann & Hendriks, IEEE Trans. Audio, Speech, Lang. Process. 20 (4), 2012, eqs. (8), (18),
    (22)-(24).

    Examples
    --------
    >>> from sigbench.denoisers.speech.frames import framing
    >>> update = SpeechPresence().start(framing(8000.0))
    >>> [round(float(update(np.full((1, 129), p))[0, 0]), 2) for p in [2.0] * 20 + [200.0]][-2:]
    [2.0, 2.0]
    """

    snr_db: float = 15.0

    info: ClassVar[Info] = Info(
        "speech-presence",
        "noise tracker",
        "Gerkmann & Hendriks 2012",
        domains=("speech",),
        adapts=True,
    )

    def __post_init__(self) -> None:
        check_field("snr_db", self.snr_db, 0)

    def start(self, frames: Framing) -> Callable[[Spectrum], Spectrum]:
        """Return the update of a signal; see `NoiseTracker`."""
        noise_factor = converted(NOISE_FACTOR, HOP_S, frames)
        presence_factor = converted(PRESENCE_FACTOR, HOP_S, frames)
        snr = 10 ** (self.snr_db / 10)
        slope = snr / (1 + snr)

        def initial(noise: Spectrum) -> State:
            return noise, np.full_like(noise, 0.5)

        def step(state: State, power: Spectrum, _: int) -> State:
            noise, mean = state
            presence = 1 / (1 + (1 + snr) * np.exp(-slope * power / noise))  # eq. (18)
            mean = presence_factor * mean + (1 - presence_factor) * presence  # eq. (23)
            stuck = (mean > MAX_PRESENCE) & (presence > MAX_PRESENCE)
            presence = np.where(stuck, MAX_PRESENCE, presence)
            expected = power + presence * (noise - power)  # eq. (22)
            return noise_factor * noise + (1 - noise_factor) * expected, mean

        return recursive(frames, initial, step)
