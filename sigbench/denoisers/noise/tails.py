"""A test of whether the large values of the noise are larger than those of Gaussian noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve, median_filter

from sigbench.denoisers.noise.places import MIN_SAMPLES, SmoothParts

LOCAL_MEAN = np.where(np.arange(9) == 4, 1.0, 0.0) - 1 / 9  # a sample minus its local mean
NEIGHBORS = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]) / 4
WINDOW = 25  # samples of the local median
QUANTILE = 0.97
# That quantile of the magnitude of Gaussian noise, relative to the median; and of the magnitude relative
# to its local median.
GAUSSIAN, GAUSSIAN_LOCAL = 3.22, 3.4
TILES = 4  # along each axis
TINY = np.finfo(np.float64).tiny


def tail_ratio(parts: SmoothParts) -> float:
    """Return how much larger the large values are than those of Gaussian noise; 0 if not clearly.

    A low quantile over four segments of a signal, or the median over 16 tiles of an image, is used,
    since an item is rough in some places. In signals, the magnitudes relative to their local median
    must have large values as well: a signal with loud and quiet parts does not.

    Examples
    --------
    >>> from sigbench.denoisers.noise.places import smooth_parts
    >>> rng = np.random.default_rng(0)
    >>> round(tail_ratio(smooth_parts(rng.laplace(size=(1, 4000)))), 1)
    1.6
    >>> tail_ratio(smooth_parts(rng.standard_normal((1, 4000)) * np.repeat([1, 3], 2000)))
    0.0
    """
    chance = 1 / np.sqrt(max(1, parts.where.sum()))
    if parts.y.ndim > 2:
        size = np.abs(parts.y - convolve(parts.y, NEIGHBORS[None], mode="reflect"))
        ratio = _ratio(parts, size, 0.5, GAUSSIAN)
        return ratio if ratio > 1.13 + 1.5 * chance else 0.0
    size = np.abs(parts.details(LOCAL_MEAN))
    local = size / np.maximum(median_filter(size, (1, WINDOW)), TINY)
    ratio = _ratio(parts, size, 0.4, GAUSSIAN)
    rest = _ratio(parts, local, 1 / 3, GAUSSIAN_LOCAL)
    least = min(ratio - 1.16 - chance, rest - 1.06 - chance / 2)
    return ratio if least > 0 and ratio + rest > 2.3 + 2.2 * chance else 0.0


def _ratio(parts: SmoothParts, size: NDArray[np.float64], share: float, gaussian: float) -> float:
    """Return a quantile over tiles of the ratio of two quantiles, relative to Gaussian noise."""
    groups = [group for group in parts.tiles(size, TILES) if len(group) >= MIN_SAMPLES]
    if not groups:
        return 0.0
    quantiles = np.array([np.quantile(group, [0.5, QUANTILE]) for group in groups])
    ratios = quantiles[:, 1] / np.maximum(quantiles[:, 0], TINY)
    return float(np.quantile(ratios, share)) / gaussian
