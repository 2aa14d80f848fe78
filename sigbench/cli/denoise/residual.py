"""Whether a residual, the noisy signal minus the estimate, looks like white noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sigbench.core.protocols import Array

LAGS, PIXELS = 20, 3  # distances that are tested: samples, and pixels in each direction
SHORT = 20  # a signal of fewer samples per distance is tested at fewer distances
LEVEL = 0.01  # of the test
NEARLY = 0.9  # of the largest autocorrelation
SMALL = 0.05  # autocorrelation that is too small to matter
PART = 0.2  # correlation with the estimate that is reported
EDGES = 0.1  # part of the samples where the estimate changes most
MIN_RATIO = 1.15  # of the residual there
MIN_SAMPLES = 50
MAX_SAMPLES, BLOCKS = 2**20, 64  # longer signals are judged by this number of blocks
MAX_SIDE = 1024  # of the middle of an image, by which it is judged


@dataclass(frozen=True)
class Whiteness:
    """The result of a test for white noise.

    Attributes
    ----------
    p_value : float
        Of the hypothesis that all autocorrelations are 0.
    largest : float
        The nearest autocorrelation whose absolute value is at least 90 % of the largest.
    shift : tuple of int
        Its distance, in samples along each axis.
    """

    p_value: float
    largest: float
    shift: tuple[int, ...]


def parts(signal: Array) -> NDArray[np.float64]:
    """Return the parts of an item by which it is judged, ``(blocks, *space)``, as float64.

    All of a signal of up to 2**20 samples, evenly spaced blocks of a longer one; the middle of an
    image, at most 1024 by 1024 pixels.

    Parameters
    ----------
    signal : array, shape ``(L,)`` or ``(H, W)``
        A signal or an image.

    Examples
    --------
    >>> parts(np.zeros(5)).shape, parts(np.zeros(2**21)).shape, parts(np.zeros((2000, 9))).shape
    ((1, 5), (64, 16384), (1, 1024, 9))
    """
    if signal.ndim == 2:
        tops = [max(0, (side - MAX_SIDE) // 2) for side in signal.shape]
        return signal[None, tops[0] : tops[0] + MAX_SIDE, tops[1] : tops[1] + MAX_SIDE].astype(
            np.float64
        )
    if len(signal) <= MAX_SAMPLES:
        return signal[None].astype(np.float64)
    length = MAX_SAMPLES // BLOCKS
    starts = np.linspace(0, len(signal) - length, BLOCKS).astype(int)
    return np.stack([signal[start : start + length] for start in starts]).astype(np.float64)


def autocorrelation(
    blocks: NDArray[np.float64], shifts: Sequence[tuple[int, ...]]
) -> NDArray[np.float64]:
    """Return the autocorrelation at each shift, averaged over blocks.

    Parameters
    ----------
    blocks : array, shape (blocks, *space)
        A residual with mean 0; it is 0 where samples are missing.
    shifts : sequence of tuple of int
        Distances along the axes; the first is >= 0.

    Examples
    --------
    >>> autocorrelation(np.array([[1.0, -1.0, 1.0, -1.0]]), [(1,), (2,)])
    array([-0.75,  0.5 ])
    """
    power = float(np.sum(blocks**2)) or 1.0
    return np.array([np.sum(np.prod(_shifted(blocks, s), axis=0)) for s in shifts]) / power


def whiteness(blocks: NDArray[np.float64]) -> Whiteness:
    """Test whether neighbors of a residual are uncorrelated.

    The modified Box-Pierce test: squared autocorrelations are divided by variances that are
    estimated from the products. It therefore also holds for noise whose level varies, or that is
    not Gaussian. Tested are distances of 1 to 20 samples, in images of up to 3 pixels along each
    axis.

    Parameters
    ----------
    blocks : array, shape (blocks, *space)
        A residual with mean 0, at least 50 samples.

    Returns
    -------
    Whiteness
        p-value and largest autocorrelation.

    References
    ----------
    I. N. Lobato, J. C. Nankervis, N. E. Savin, "Testing for autocorrelation using a modified
    Box-Pierce Q test", International Economic Review 42(1), 2001, equation (6).

    Examples
    --------
    >>> noise = np.random.default_rng(1).standard_normal((1, 1000))
    >>> whiteness(noise).p_value > 0.05
    True
    >>> whiteness(noise[:, 1:] + noise[:, :-1]).shift
    (1,)
    """
    from scipy.stats import chi2

    shifts = _shifts(blocks.shape[1:])
    statistic, used = 0.0, 0
    for shift in shifts:
        one, two = _shifted(blocks, shift)
        variance = np.sum((one * two) ** 2)
        if variance > 0:
            statistic += float(np.sum(one * two)) ** 2 / variance
            used += 1
    correlations = autocorrelation(blocks, shifts)
    sizes = np.abs(correlations)
    place = int(np.argmax(sizes >= NEARLY * sizes.max()))  # the nearest of those
    p_value = float(chi2.sf(statistic, used)) if used else 1.0
    return Whiteness(p_value, float(correlations[place]), shifts[place])


def verdict(residual: NDArray[np.float64], estimate: NDArray[np.float64]) -> str:
    """Return in words whether a residual looks like white noise, or contains the signal.

    Parameters
    ----------
    residual, estimate : array, shape (blocks, *space)
        From `parts`.

    Examples
    --------
    >>> verdict(np.zeros((1, 100)), np.ones((1, 100)))
    'residual: 0, nothing was removed'
    """
    if not residual.any():
        return "residual: 0, nothing was removed"
    if residual.size < MIN_SAMPLES or not np.ptp(residual):
        return "residual: too short to judge" if np.ptp(residual) else "residual: a constant"
    found = whiteness(residual - residual.mean())
    neighbors = max(map(abs, found.shift)) == 1
    if found.p_value >= LEVEL:
        text = "white"
    elif abs(found.largest) < SMALL:
        text = f"almost white (autocorrelations up to {found.largest:+.2f})"
    elif neighbors:
        range_ = "low" if found.largest > 0 else "high"
        text = (
            f"not white (correlated neighbors, {found.largest:+.2f}: mostly {range_} frequencies)"
        )
    else:
        distance = " × ".join(str(abs(n)) for n in found.shift)
        text = f"not white (correlation {found.largest:+.2f} at a distance of {distance})"
    shared = _correlation(residual, estimate)
    if abs(shared) >= PART:
        text += f"; contains signal (correlation with the estimate {shared:+.2f})"
    elif (ratio := edge_ratio(residual, estimate)) > 1:
        text += f"; {ratio:.1f} times as strong at edges of the estimate"
    return f"residual: {text}"


def edge_ratio(residual: NDArray[np.float64], estimate: NDArray[np.float64]) -> float:
    """Return how much stronger a residual is where the estimate changes most; 1 if it is not.

    A denoiser that removes structure leaves it in the residual, mostly at edges ("method noise").
    Noise whose level depends on the signal looks the same.

    Parameters
    ----------
    residual, estimate : array, shape (blocks, *space)
        From `parts`.

    Returns
    -------
    float
        Root-mean-square residual in the tenth of the samples with the largest changes, divided by
        that of the others; 1 if they differ by less than 15 %, or by less than chance may do.

    References
    ----------
    A. Buades, B. Coll, J.-M. Morel, "A non-local algorithm for image denoising", CVPR 2005,
    section 2.

    Examples
    --------
    >>> ramp = np.clip(np.arange(1000.0) - 440, 0, 120)[None]
    >>> noise = np.random.default_rng(0).standard_normal((1, 1000))
    >>> edge_ratio(noise, ramp)
    1.0
    >>> round(edge_ratio(noise * np.where((ramp > 0) & (ramp < 120), 3, 1), ramp), 1)
    3.1
    """
    change = np.zeros(estimate.shape)
    for axis in range(1, estimate.ndim):
        step = np.abs(np.diff(estimate, axis=axis))
        ends = [(0, 0)] * estimate.ndim
        before, after = list(ends), list(ends)
        before[axis], after[axis] = (1, 0), (0, 1)
        change += np.pad(step, before) + np.pad(step, after)
    edges = (change >= np.quantile(change, 1 - EDGES)) & (change > 0)
    count = int(edges.sum())
    if count < MIN_SAMPLES or not residual[~edges].any():
        return 1.0
    ratio = float(np.sqrt(np.mean(residual[edges] ** 2) / np.mean(residual[~edges] ** 2)))
    # The standard deviation of the logarithm of a root-mean-square of Gaussian values is
    # 1 / sqrt(2 n); four of them.
    return ratio if ratio > max(MIN_RATIO, 1 + 4 / np.sqrt(2 * count)) else 1.0


def _correlation(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    one, two = one - one.mean(), two - two.mean()
    scale = float(np.sqrt(np.sum(one**2) * np.sum(two**2)))
    return float(np.sum(one * two)) / scale if scale > 0 else 0.0


def _shifts(space: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the tested distances: of images half of them, as the others are their mirror images."""
    if len(space) == 1:
        return [(lag,) for lag in range(1, 1 + max(1, min(LAGS, space[0] // SHORT)))]
    down, right = (max(1, min(PIXELS, side // 4)) for side in space)
    half = [(y, x) for y in range(down + 1) for x in range(-right, right + 1) if y > 0 or x > 0]
    return sorted(half, key=lambda shift: shift[0] ** 2 + shift[1] ** 2)


def _shifted(
    blocks: NDArray[np.float64], shift: tuple[int, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the overlapping parts of blocks and of shifted blocks."""
    sides = blocks.shape[1:]
    pairs = list(zip(shift, sides, strict=True))
    one = (slice(None), *(slice(max(s, 0), side + min(s, 0)) for s, side in pairs))
    two = (slice(None), *(slice(max(-s, 0), side - max(s, 0)) for s, side in pairs))
    return blocks[one], blocks[two]
