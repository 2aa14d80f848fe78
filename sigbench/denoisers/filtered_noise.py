"""The level of noise at the output of a linear filter: in subbands, blocks and frames."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, NoiseModel, Sigma
from sigbench.core.validation import check, check_noisy, per_item
from sigbench.transforms import orthogonal_wavelet

Values = NDArray[np.float64]


def levels_or_model(noisy: Array, sigma: Sigma) -> tuple[Values | None, NoiseModel | None]:
    """Check a batch and its noise; return the levels ``(N,)`` or None, and the model or None.

    With a model, the levels are the root mean squares of the noise of each item.

    Raises
    ------
    InputError
        If the batch, the level or the size of the model is invalid.

    Examples
    --------
    >>> levels_or_model(np.zeros((2, 1, 8)), 3.0)
    (array([3., 3.]), None)
    """
    if not isinstance(sigma, NoiseModel):
        return check(noisy, sigma), None
    check_noisy(noisy)
    levels = np.asarray(sigma.level, dtype=np.float64)
    if levels.shape != (len(noisy),):
        raise InputError(f"the noise model has {levels.size} items: noisy has {len(noisy)}")
    return levels, sigma


def autocovariance(noise: NoiseModel, space: tuple[int, ...], reach: int) -> Values:
    """Return the covariance of samples at lags −``reach`` to ``reach`` along every axis.

    Parameters
    ----------
    noise : NoiseModel
        The noise of N items.
    space : tuple of int
        Size of the items.
    reach : int
        Largest lag.

    Returns
    -------
    array, shape (N, 2·reach + 1, ...)
        In squared units; lag 0 is in the center.

    Examples
    --------
    >>> from sigbench.denoisers.noise.models import white_noise
    >>> autocovariance(white_noise(np.array([2.0]), 1), (8,), 1).round(12) + 0.0
    array([[0., 4., 0.]])
    """
    grid = tuple(max(n, 2 * reach + 1) for n in space)
    axes = tuple(range(1, 1 + len(space)))
    covariance = np.fft.ifftn(noise.spectrum(grid), axes=axes).real
    lags = np.arange(-reach, reach + 1)
    return covariance[np.ix_(np.arange(len(covariance)), *[lags] * len(space))]


def block_levels(noise: NoiseModel, space: tuple[int, ...], atoms: Values) -> Values:
    """Return the noise level of each coefficient of a separable transform of a block.

    Parameters
    ----------
    noise : NoiseModel
        The noise of N items.
    space : tuple of int
        Size of the items.
    atoms : array, shape (K, n)
        The transform along one axis; each row is an atom.

    Returns
    -------
    array, shape (N, K) or (N, K, K)
        √(aᵀCa) for every product a of atoms, where C is the covariance of the samples.

    Examples
    --------
    >>> from sigbench.denoisers.noise.models import white_noise
    >>> block_levels(white_noise(np.array([2.0]), 1), (8,), np.array([[3.0, 4.0]])).round(12)
    array([[10.]])
    """
    products = np.stack([np.correlate(a, a, "full") for a in atoms])
    power = autocovariance(noise, space, atoms.shape[1] - 1)
    for axis in range(1, power.ndim):
        power = np.moveaxis(np.tensordot(power, products, (axis, 1)), -1, axis)
    return np.sqrt(np.maximum(power, 0))


def subband_levels(
    noise: NoiseModel, space: tuple[int, ...], wavelet: str, depth: int
) -> list[dict[str, Values]]:
    """Return the noise level in each subband of an orthonormal wavelet transform.

    The level is √mean(S·|H|²), with the spectrum S of the noise and the response H of the filter
    of the subband, whose taps have the sum of squares 1.

    Parameters
    ----------
    noise : NoiseModel
        The noise of N items.
    space : tuple of int
        Size of the items.
    wavelet : str
        An orthogonal wavelet.
    depth : int
        Depth of the transform.

    Returns
    -------
    list of dict of arrays (N,)
        As the coefficients of ``pywt.wavedecn``: the coarse band with the key ``a`` or ``aa``, then
        the details from coarse to fine with the keys ``d``, or ``ad``, ``da`` and ``dd``.

    References
    ----------
    Johnstone and Silverman, J. R. Stat. Soc. B 59 (1997), section 2: the variance in each level.

    Examples
    --------
    >>> from sigbench.denoisers.noise.models import white_noise
    >>> subband_levels(white_noise(np.array([2.0]), 1), (8,), "haar", 1)
    [{'a': array([2.])}, {'d': array([2.])}]
    """
    spectrum = noise.spectrum(space)
    dimensions = len(space)
    low = [np.ones(n) for n in space]
    details: list[dict[str, Values]] = []
    for level in range(1, depth + 1):
        responses = [_responses(n, wavelet, level) for n in space]
        gains = [(a * of, d * of) for of, (a, d) in zip(low, responses, strict=True)]
        bands = {
            "".join("ad"[i] for i in choice): _level(
                spectrum, [pair[i] for pair, i in zip(gains, choice, strict=True)]
            )
            for choice in list(np.ndindex(*[2] * dimensions))[1:]
        }
        details = [bands, *details]
        low = [a for a, _ in gains]
    return [{"a" * dimensions: _level(spectrum, low)}, *details]


def _level(spectrum: Values, gains: list[Values]) -> Values:
    for gain in reversed(gains):
        spectrum = spectrum @ gain / len(gain)
    return np.sqrt(spectrum)


@functools.lru_cache(maxsize=64)
def _responses(n: int, wavelet: str, level: int) -> tuple[Values, Values]:
    """Return the squared responses of the low and the high pass at one level, shape ``(n,)``."""
    bank = orthogonal_wavelet(wavelet)
    frequencies = 2 ** (level - 1) * np.arange(n) % n / n
    waves = np.exp(-2j * np.pi * np.outer(frequencies, np.arange(len(bank.dec_lo))))
    low, high = (np.abs(waves @ np.array(taps)) ** 2 for taps in (bank.rec_lo, bank.rec_hi))
    return low, high


def cosine_spectrum(noise: NoiseModel, space: tuple[int, ...]) -> Values:
    """Return the power at the frequencies of the DCT, shape ``(N, *space)``.

    It is the spectrum at k/2n cycles per sample, and for images the mean of both diagonal
    directions.

    Examples
    --------
    >>> from sigbench.denoisers.noise.models import white_noise
    >>> cosine_spectrum(white_noise(np.array([2.0]), 1), (3,))
    array([[4., 4., 4.]])
    """
    spectrum = noise.spectrum(tuple(2 * n for n in space))
    for axis, n in enumerate(space, 1):
        positive = np.take(spectrum, np.arange(n), axis=axis)
        negative = np.take(spectrum, -np.arange(n), axis=axis)
        spectrum = (positive + negative) / 2
    return spectrum


def frame_spectrum(noise: NoiseModel, taper: Values) -> Values:
    """Return the mean power |Y|² of noise in frames with a window function, shape ``(N, n)``.

    Parameters
    ----------
    noise : NoiseModel
        The noise of N signals.
    taper : array, shape (n,)
        The window function; the DFT is orthonormal.

    Examples
    --------
    >>> from sigbench.denoisers.noise.models import white_noise
    >>> frame_spectrum(white_noise(np.array([2.0]), 1), np.array([0.5, 0.5])).round(12)
    array([[1., 1.]])
    """
    n = len(taper)
    products = autocovariance(noise, (4 * n,), n - 1) * np.correlate(taper, taper, "full")
    folded = np.zeros((len(products), n))  # lag l and l − n have the same phase
    folded[:] = products[:, n - 1 :]
    folded[:, 1:] += products[:, : n - 1]
    return np.maximum(scipy.fft.fft(folded).real / n, 0)


def relative_variance(noise: NoiseModel, clean: Array) -> Values | None:
    """Return the variance at each sample over its mean, or None if it is the same everywhere.

    Parameters
    ----------
    noise : NoiseModel
        The noise of N items.
    clean : array, shape (N, C, *space)
        The clean items, or an estimate of them.

    Examples
    --------
    >>> from sigbench.denoisers.noise.models import VaryingNoise
    >>> relative_variance(VaryingNoise(np.array([[[1.0, 7.0]]])), np.zeros((1, 1, 2)))
    array([[[0.04, 1.96]]])
    """
    variance = noise.variance(clean)
    power = per_item(noise.level**2, variance)
    relative: NDArray[Any] = np.divide(variance, power, out=np.ones_like(variance), where=power > 0)
    return None if np.ptp(relative) < 1e-12 else relative
