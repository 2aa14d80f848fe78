"""The protocol of noise trackers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sigbench.core.protocols import Info
from sigbench.denoisers.speech.frames import Framing, Spectrum


class NoiseTracker(Protocol):
    """An estimator of the noise power spectrum; a frozen dataclass of its parameters."""

    @property
    def info(self) -> Info:
        """Name and source."""
        ...

    def start(self, frames: Framing) -> Callable[[Spectrum], Spectrum]:
        """Start a signal.

        Returns
        -------
        callable
            ``update(power)`` maps the power |Y|² of the next frame, shape ``(N, bins)``, to the
            estimated power of the noise in it, same shape, float64. It uses this frame and earlier
            ones only, and is equivariant: signals scaled by a have noise powers scaled by a².
        """
        ...
