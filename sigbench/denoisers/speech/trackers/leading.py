"""The noise spectrum as the mean over the beginning of the signal."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sigbench.core.protocols import Info
from sigbench.core.validation import check_field
from sigbench.denoisers.speech.frames import Framing, Spectrum

DEFAULT_S = 0.12  # leading noise that is assumed if its length is not known


@dataclass(frozen=True)
class LeadingNoise:
    """The mean power of the frames that lie in the leading noise, and no later update.

    Parameters
    ----------
    lead_in : int, optional
        Samples of noise before the speech; problem information. By default 120 ms are assumed.

    References
    ----------
    Boll, IEEE Trans. Acoust., Speech, Signal Process. 27 (2), 1979, section III.

    Examples
    --------
    >>> from sigbench.denoisers.speech.frames import framing
    >>> update = LeadingNoise(lead_in=256).start(framing(8000.0))
    >>> [float(update(np.full((1, 129), power))[0, 0]) for power in (2.0, 4.0, 9.0, 9.0, 9.0)]
    [2.0, 3.0, 5.0, 6.0, 6.0]
    """

    lead_in: int | None = None

    info: ClassVar[Info] = Info(
        "leading", "noise tracker", "Boll 1979", domains=("speech",), adapts=True
    )

    def __post_init__(self) -> None:
        check_field("lead_in", self.lead_in, 1)

    def start(self, frames: Framing) -> Callable[[Spectrum], Spectrum]:
        """Return the update of a signal; see `NoiseTracker`."""
        samples = DEFAULT_S * frames.fs if self.lead_in is None else self.lead_in
        wanted = max(1, math.floor(samples / frames.hop))
        mean: Spectrum = np.zeros(())
        count = 0

        def update(power: Spectrum) -> Spectrum:
            nonlocal mean, count
            if count < wanted:
                count += 1
                mean = mean + (power - mean) / count
            return mean

        return update
