"""The level of tracked noise in the atoms of a transform, and the frame of each sample."""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from sigbench.core.protocols import Array
from sigbench.denoisers.speech.frames import Framing, Spectrum
from sigbench.transforms.base import half_spectrum


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
