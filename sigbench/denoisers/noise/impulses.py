"""Impulses: single samples far from their neighbors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve, median_filter, percentile_filter

from sigbench.core.protocols import Array, Info
from sigbench.core.validation import check_noisy
from sigbench.denoisers.noise.models import white_noise
from sigbench.denoisers.noise.places import noise_level

THRESHOLD = 5.0  # in noise levels; white Gaussian noise exceeds it in 1 of 2 million samples
MIN_SHARE = {1: 1.5e-3, 2: 2e-3}  # fewer outliers are more likely part of the signal
# The tails of a signal have many more moderate values than large ones. Those are compared in units of
# the threshold, after the number in Gaussian noise, and its standard deviation, are
# subtracted.
MODERATE, MIN_RATIO = (0.6, 0.9), {1: 1.2, 2: 0.42}
SINGLE = 1.3  # thresholds that a single impulse must exceed
CERTAIN = 1e-3  # largest p-value of impulses, next to which others are looked for
DENSE = 0.05  # above this share, neighbors can be impulses as well
LOCAL = 0.7  # quantile of the local differences, which few impulses do not change
# That quantile for white noise of level 1; one in 5 differences (images: in 9) is zero.
TYPICAL = {1: 0.89, 2: 0.96}
# Mean of the nearest neighbors minus mean of those around them: zero on straight lines.
RING = {
    1: np.array([-1, -1, 2, 0, 2, -1, -1]) / 4,
    2: np.array(
        [
            [-1, -1, -1, -1, -1],
            [-1, 2, 2, 2, -1],
            [-1, 2, 0, 2, -1],
            [-1, 2, 2, 2, -1],
            [-1, -1, -1, -1, -1],
        ]
    )
    / 16,
}


class Impulses(NamedTuple):
    """The impulses in an item.

    Attributes
    ----------
    where : array of bool, shape (C, *space)
        The samples that are impulses.
    median : array, shape (C, *space), float64
        The local median, which replaces them.
    level : float
        The noise level of the other samples.
    size : float
        Root mean square of the impulses, relative to the median.
    p_value : float
        Probability of at least as many in white Gaussian noise; 1 if there are very few, or if
        moderate values are more frequent, as in the tails of a signal.
    """

    where: NDArray[np.bool_]
    median: NDArray[np.float64]
    level: float
    size: float
    p_value: float

    @property
    def share(self) -> float:
        """Share of the samples."""
        return float(self.where.mean())


def find_impulses(item: Array, threshold: float = THRESHOLD) -> Impulses:
    """Find samples that differ from the local median by several noise levels.

    The difference is compared with the noise level of the item and with a quantile of such differences
    around, which is large where the signal is rough. If there are few, the nearest neighbors
    of an impulse must be at the level of those farther away: a peak of the signal is wider.

    Parameters
    ----------
    item : array, shape (C, *space)
        The noisy item.
    threshold : float
        In noise levels.

    References
    ----------
    Hampel, J. Am. Stat. Assoc. 69 (1974); Davies and Gather, J. Am. Stat. Assoc. 88 (1993), on the
    identifier by median and MAD.

    Examples
    --------
    >>> y = np.random.default_rng(0).standard_normal((1, 1000))
    >>> y[0, [100, 500]] += 12
    >>> np.flatnonzero(find_impulses(y).where).tolist()
    [100, 500]
    """
    y = item.astype(np.float64)
    median, level, scale = _surroundings(y)
    residual = y - median
    size = np.abs(residual)
    where = size > threshold * scale
    if not where.any() or level == 0:
        return Impulses(np.zeros_like(where), median, level, 0.0, 1.0)
    single = np.ones_like(where)
    if where.mean() < DENSE:
        ring = convolve(y, RING[y.ndim - 1][None], mode="reflect") * np.sign(residual)
        single = ring < 0.15 * size + level
    where &= single
    count = int(where.sum())
    enough = count >= max(1, MIN_SHARE[y.ndim - 1] * y.size)
    if count == 1:
        enough &= bool(size[where].max() > SINGLE * threshold * level)
    else:
        low, high = (share * threshold * scale for share in MODERATE)
        moderate = int(np.sum((size > low) & (size <= high) & single))
        usual = y.size * math.erfc(MODERATE[0] * threshold / math.sqrt(2))
        enough &= count >= MIN_RATIO[y.ndim - 1] * (moderate - usual - math.sqrt(usual))
    expected = y.size * math.erfc(threshold / math.sqrt(2))
    # At least one: 1 − exp(−λ) <= λ; more are less likely.
    p_value = min(1.0, expected**count / math.gamma(min(count, 100) + 1)) if enough else 1.0
    size_of = float(np.sqrt(np.mean(residual[where] ** 2))) if count else 0.0
    found = Impulses(where, median, level, size_of, p_value)
    return _with_neighbors(y, found, threshold) if p_value <= CERTAIN else found


def _surroundings(y: NDArray[np.float64]) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
    """Return the local median, the noise level, and the local level of differences from the median."""
    near, around = ((1, 5), (1, 41)) if y.ndim == 2 else ((1, 3, 3), (1, 7, 7))
    median = median_filter(y, near)
    level = noise_level(y)
    local = percentile_filter(np.abs(y - median), 100 * LOCAL, around) / TYPICAL[y.ndim - 1]
    return median, level, np.maximum(local, level)


def _with_neighbors(y: NDArray[np.float64], found: Impulses, threshold: float) -> Impulses:
    """Add impulses that have others next to them, unless there are more than chance explains."""
    cleared = np.where(found.where, found.median, y)
    median, level, scale = _surroundings(cleared)
    more = np.abs(cleared - median) > threshold * scale
    by_chance = found.where.sum() * found.share * np.count_nonzero(RING[y.ndim - 1])
    if more.sum() > 2 * by_chance + 2:
        return found
    where = found.where | more
    median = np.where(more, median, found.median)
    size = float(np.sqrt(np.mean((y - median)[where] ** 2)))
    return Impulses(where, median, level, size, found.p_value)


@dataclass(frozen=True, eq=False)
class ImpulsiveNoise:
    """White noise and impulses at random samples.

    Attributes
    ----------
    rest : array, shape (N,)
        Level of the noise at the other samples.
    share : array, shape (N,)
        Share of the samples that are impulses.
    size : array, shape (N,)
        Root mean square of the impulses.
    """

    rest: NDArray[np.float64]
    share: NDArray[np.float64]
    size: NDArray[np.float64]

    @property
    def level(self) -> NDArray[np.float64]:
        """Root mean square of the noise with the impulses, shape ``(N,)``."""
        level: NDArray[np.float64] = np.sqrt(
            (1 - self.share) * self.rest**2 + self.share * self.size**2
        )
        return level

    def spectrum(self, space: tuple[int, ...]) -> NDArray[np.float64]:
        """Return the power at the frequencies of ``fftn``, shape ``(N, *space)``: a constant."""
        return white_noise(self.level, len(space)).spectrum(space)

    def variance(self, clean: Array) -> NDArray[np.float64]:
        """Return the variance at each sample, shape of ``clean``: a constant for each item."""
        return white_noise(self.level, clean.ndim - 2).variance(clean)


@dataclass(frozen=True)
class ImpulseNoise:
    """White noise and impulses: samples that differ from the local median by several noise levels.

    Parameters
    ----------
    threshold : float
        In noise levels.

    References
    ----------
    Hampel, J. Am. Stat. Assoc. 69 (1974).

    Examples
    --------
    >>> y = np.random.default_rng(0).standard_normal((1, 1, 100_000))
    >>> y[..., ::200] += 20
    >>> noise = ImpulseNoise().estimate_noise(y)
    >>> noise.rest.round(1), noise.share.round(3), noise.size.round()
    (array([1.]), array([0.005]), array([20.]))
    """

    threshold: float = THRESHOLD

    info: ClassVar[Info] = Info(
        "impulses", "noise estimation", "Hampel 1974", adapts=True, version=2
    )

    def estimate_noise(self, noisy: Array) -> ImpulsiveNoise:
        """Return the noise of the items of a batch ``(N, C, *space)``."""
        check_noisy(noisy)
        found = [find_impulses(item, self.threshold) for item in noisy]
        return ImpulsiveNoise(
            np.array([one.level for one in found]),
            np.array([one.share for one in found]),
            np.array([one.size for one in found]),
        )
