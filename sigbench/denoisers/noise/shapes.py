"""Shapes of the spectra of noise that are common in practice, and their prior weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Spectrum = Callable[[Values], Values]

OVERSAMPLING = 8  # of a bin, for means over bins
LEAK = 1.0  # bins: half the width of the window by which a transform smooths a spectrum


class Shapes(NamedTuple):
    """Spectra in rows of frequencies, up to a factor.

    Attributes
    ----------
    log_power : array, shape (S, R)
        Logarithm of the power, whose mean over the rows is 0.
    log_prior : array, shape (S,)
        Logarithm of the prior weight.
    white : array, shape (S,), bool
        Whether the spectrum is constant.
    """

    log_power: Values
    log_prior: Values
    white: NDArray[np.bool_]


def power_law(exponent: float, corner: float = 0.0) -> Spectrum:
    """Return 1/f^exponent plus white noise of the same power at the corner frequency, if any."""
    white = corner**-exponent if corner else 0.0
    return lambda f: f**-exponent + white


def moving_average(theta: float) -> Spectrum:
    """Return the power of e(t) + θe(t − 1)."""
    return lambda f: np.abs(1 + theta * np.exp(-2j * np.pi * f)) ** 2


def autoregressive(phi: float) -> Spectrum:
    """Return the power of x(t) = φx(t − 1) + e(t)."""
    return lambda f: 1 / np.abs(1 - phi * np.exp(-2j * np.pi * f)) ** 2


def resonance(radius: float, frequency: float) -> Spectrum:
    """Return the power of second-order autoregressive noise with two complex poles."""
    pole = radius * np.exp(2j * np.pi * frequency)

    def power(f: Values) -> Values:
        z = np.exp(-2j * np.pi * f)
        return np.asarray(1 / np.abs((1 - pole * z) * (1 - pole.conj() * z)) ** 2)

    return power


def low_pass(cutoff: float, order: int, floor: float) -> Spectrum:
    """Return the power of white noise after a Butterworth filter, plus a floor."""

    def power(f: Values) -> Values:
        ratio = np.tan(np.pi * np.minimum(f, 0.4999)) / np.tan(np.pi * cutoff)
        return np.asarray(1 / (1 + ratio ** (2 * order)) + floor)

    return power


# Families of spectra, with the prior weight of each family. The power in a bin is that in its middle
# for spectra that diverge at 0, and the mean over the bin and the leakage of the window for others.
DIVERGING: list[tuple[float, list[Spectrum]]] = [
    (0.12, [power_law(a) for a in (-2, -1, 0.5, 1, 1.5, 2)]),
    (0.1, [power_law(a, corner) for a in (1, 2) for corner in (0.01, 0.03, 0.1)]),
]
FINITE: list[tuple[float, list[Spectrum]]] = [
    (0.12, [moving_average(t / 10) for t in (-10, -9, -7, -5, -3, 3, 5, 7, 9, 10)]),
    (0.12, [autoregressive(p) for p in (-0.9, -0.7, -0.5, -0.3, 0.3, 0.5, 0.7, 0.9, 0.97)]),
    (0.12, [resonance(r, g / 50) for r in (0.6, 0.8, 0.9, 0.95) for g in range(1, 25)]),
    (
        0.12,
        [
            low_pass(cutoff, order, floor)
            for order in (1, 2, 4)
            for cutoff in (0.03, 0.045, 0.07, 0.1, 0.14, 0.19, 0.25, 0.32, 0.4)
            for floor in (1e-6, 1e-2)
        ],
    ),
]
WHITE_PRIOR = 2.0


def shapes_in_rows(edges: NDArray[np.intp]) -> Shapes:
    """Return the spectra in rows of the bins of a lapped transform.

    Parameters
    ----------
    edges : array, shape (R + 1,)
        Edges of the rows, in bins; the last one is the number M of bins (k + 1/2)/(2M).

    Examples
    --------
    >>> shapes = shapes_in_rows(np.arange(17))
    >>> shapes.log_power.shape, int(shapes.white.sum())
    ((182, 16), 1)
    """
    bins = int(edges[-1])
    middle = (np.arange(bins) + 0.5) / (2 * bins)
    fine = (np.arange(bins * OVERSAMPLING) + 0.5) / (2 * bins * OVERSAMPLING)
    half = int(LEAK * OVERSAMPLING)
    window = np.hanning(2 * half + 1)
    powers, priors = [np.ones(bins)], [WHITE_PRIOR]
    for prior, spectra in DIVERGING:
        powers += [spectrum(middle) for spectrum in spectra]
        priors += [prior / len(spectra)] * len(spectra)
    for prior, spectra in FINITE:
        for spectrum in spectra:
            padded = np.pad(spectrum(fine), half, "symmetric")
            smooth = np.convolve(padded, window / window.sum(), "valid")
            powers.append(smooth.reshape(bins, OVERSAMPLING).mean(axis=1))
        priors += [prior / len(spectra)] * len(spectra)
    rows = np.log(np.add.reduceat(np.array(powers), edges[:-1], axis=1) / np.diff(edges))
    rows -= rows.mean(axis=1, keepdims=True)
    return Shapes(rows, np.log(priors), np.arange(len(rows)) == 0)
