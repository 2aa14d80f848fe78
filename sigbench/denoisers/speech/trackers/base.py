"""The protocol of noise trackers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np

from sigbench.core.protocols import Array
from sigbench.denoisers.speech.frames import Framing, Spectrum, power_blocks


@runtime_checkable
class NoiseTracker(Protocol):
    """An estimator of the noise power spectrum; a frozen dataclass of its parameters."""

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


def noise_spectra(tracker: NoiseTracker, noisy: Array, frames: Framing) -> Spectrum:
    """Return the noise power that a tracker estimates in every frame of noisy signals.

    Parameters
    ----------
    tracker : NoiseTracker
        The tracker.
    noisy : array, shape (N, 1, L)
        The noisy signals.
    frames : Framing
        The frames.

    Returns
    -------
    array, shape (N, frames, bins), float64
        The power has the units of |Y|², as in `power_spectra`: a quarter of the variance for white
        noise, if four frames cover a sample.

    Examples
    --------
    >>> from sigbench.denoisers.speech.frames import framing
    >>> from sigbench.denoisers.speech.trackers import LeadingNoise
    >>> noise_spectra(LeadingNoise(), np.ones((1, 1, 800)), framing(8000.0)).shape
    (1, 16, 129)
    """
    update = tracker.start(frames)
    spectra = [
        np.stack([update(block[:, frame]) for frame in range(block.shape[1])], axis=1)
        for block in power_blocks(noisy, frames)
    ]
    return np.concatenate(spectra, axis=1)
