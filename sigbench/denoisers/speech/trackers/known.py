"""The noise spectrum of a noise model, in place of a tracker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sigbench.core.protocols import Array, NoiseModel, Sigma
from sigbench.denoisers.filtered_noise import frame_spectrum, levels_or_model
from sigbench.denoisers.speech.frames import Framing, Spectrum
from sigbench.denoisers.speech.trackers.base import NoiseTracker
from sigbench.transforms.frames import STFT


@dataclass(frozen=True, eq=False)
class KnownNoise:
    """The mean power of the noise of a model, the same in all frames.

    Parameters
    ----------
    model : NoiseModel
        The noise of the signals.

    Examples
    --------
    >>> import numpy as np
    >>> from sigbench.denoisers.noise.models import white_noise
    >>> from sigbench.denoisers.speech.frames import framing
    >>> update = KnownNoise(white_noise(np.array([2.0]), 1)).start(framing(8000.0))
    >>> update(np.ones((1, 129)))[0, :2].round(12)  # four frames cover a sample
    array([1., 1.])
    """

    model: NoiseModel

    def start(self, frames: Framing) -> Callable[[Spectrum], Spectrum]:
        """Return the update of a signal; see `NoiseTracker`."""
        noise = frame_spectrum(self.model, STFT(frames.window, frames.hop).taper)[:, : frames.bins]
        return lambda power: noise


def tracker_for(tracker: NoiseTracker, noisy: Array, sigma: Sigma) -> NoiseTracker:
    """Check a batch and its noise; return the tracker, or for a noise model its known spectrum."""
    _, model = levels_or_model(noisy, sigma)
    return tracker if model is None else KnownNoise(model)
