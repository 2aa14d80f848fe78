"""The noise that a tracker finds: its spectrum, and its level in the atoms of a transform."""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from sigbench.core.protocols import Array
from sigbench.denoisers.speech.frames import Framing, Spectrum, power_spectra
from sigbench.denoisers.speech.trackers import NoiseTracker
from sigbench.transforms.base import half_spectrum


def noise_spectra(tracker: NoiseTracker, noisy: Array, frames: Framing) -> Spectrum:
    """Return the power of the noise in every frame, as a tracker estimates it.

    Parameters
    ----------
    tracker : NoiseTracker
        The estimator.
    noisy : array, shape (N, 1, L)
        The noisy signals.
    frames : Framing
        The frames.

    Returns
    -------
    array, shape (N, frames, bins), float64
        Noise powers in the units of `power_spectra`: a quarter of the variance for white noise, if
        four frames cover a sample.

    Examples
    --------
    >>> from sigbench.denoisers.speech.frames import framing
    >>> from sigbench.denoisers.speech.trackers import LeadingNoise
    >>> y = np.random.default_rng(0).normal(size=(1, 1, 8000))
    >>> noise = noise_spectra(LeadingNoise(lead_in=8000), y, framing(8000.0))
    >>> noise.shape, bool(abs(noise[0, -1].mean() - 0.25) < 0.02)
    ((1, 128, 129), True)
    """
    update = tracker.start(frames)
    powers = power_spectra(noisy, frames)
    return np.stack([update(powers[:, m]) for m in range(powers.shape[1])], axis=1)


def atom_levels(noise: Spectrum, frames: Framing, atoms: Array) -> Spectrum:
    """Return the standard deviation of the inner product of noise and each atom.

    It is the integral of the noise spectrum times the energy spectrum of the atom, so it includes
    the noise at other frequencies that leaks into the atom.

    Parameters
    ----------
    noise : array, shape (..., bins)
        Noise powers, as `noise_spectra` returns them.
    frames : Framing
        The frames of ``noise``.
    atoms : array, shape (K, n)
        The atoms.

    Returns
    -------
    array, shape (..., K), float64

    Examples
    --------
    >>> from sigbench.denoisers.speech.frames import framing
    >>> white = np.full(129, 0.25)  # of variance 1, where four frames cover a sample
    >>> atom_levels(white, framing(8000.0), np.array([[3.0, 4.0], [1.0, 0.0]]))
    array([5., 1.])
    """
    n = max(frames.window, scipy.fft.next_fast_len(atoms.shape[-1], real=True))
    energy = np.abs(scipy.fft.rfft(atoms, n)) ** 2 * half_spectrum(n) / n
    fine, coarse = scipy.fft.rfftfreq(n), scipy.fft.rfftfreq(frames.window)
    onto_bins = np.array([np.interp(fine, coarse, one) for one in np.eye(frames.bins)])
    variances = noise @ (energy @ onto_bins.T).T * (frames.window / frames.hop)
    levels: Spectrum = np.sqrt(variances)
    return levels


def frame_at(samples: NDArray[np.integer], frames: Framing, n_frames: int) -> NDArray[np.intp]:
    """Return the index of the frame whose center is nearest to each sample.

    Examples
    --------
    >>> from sigbench.denoisers.speech.frames import framing
    >>> frame_at(np.array([-99, 0, 64, 128]), framing(8000.0), 5)  # frames of 256, every 64
    array([0, 1, 2, 3])
    """
    centers = (samples + (frames.window / 2 - frames.hop)) / frames.hop
    return np.clip(np.rint(centers), 0, n_frames - 1).astype(np.intp)
