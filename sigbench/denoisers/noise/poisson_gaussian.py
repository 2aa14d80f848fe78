"""Signal-dependent noise: a variance that grows linearly with the signal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from sigbench.core.protocols import Array, Info
from sigbench.core.validation import check_noisy
from sigbench.denoisers.noise.cells import BLOCK, block_step, image_blocks, quietest
from sigbench.denoisers.noise.floors import noise_floors
from sigbench.denoisers.noise.models import SignalDependentNoise
from sigbench.denoisers.noise.places import DB2, NORMAL_QUARTILE, SmoothParts, smooth_parts

MIN_BINS, MAX_BINS = 4, 24
MIN_IN_BIN = 40  # samples
MIN_BLOCKS = 7
MAX_CURVED = {
    1: 4.0,
    2: 30.0,
}  # variance in a block, relative to its floor: 1 for noise on a straight line
QUANTILE = 0.3  # of the floors of blocks: texture raises many of them
REWEIGHTED = 10
CLIPPED = 3.0  # noise levels from an extreme at which clipping changes the variance
HUBER = 1.5
SIGNIFICANT = 0.01
QUIET, QUIET_FEWEST = 0.1, 8  # blocks of a bin that are used
QUIET_BINS, QUIET_IN_BIN = 12, 40


class LinearVariance(NamedTuple):
    """The variance of the noise as a function of the signal: gain·x + offset.

    Attributes
    ----------
    gain, offset : float
        Coefficients.
    ratio : float
        Ratio of the noise levels where the signal is high and where it is low.
    p_value : float
        Probability of such a gain, or a larger one, if the variance is constant.
    """

    gain: float
    offset: float
    ratio: float
    p_value: float


def variance_by_signal(item: Array) -> LinearVariance:
    """Fit the variance of the noise in an item by a linear function of the signal.

    The signal is the local median. Its values are sorted into bins; in each bin, all samples, or the
    smoothest pixels, give a variance by the median absolute deviation of their details. The line is
    fitted by least squares, weighted by the accuracy of a bin and by Huber's function. Bins near
    values that are clipped are left out.

    Parameters
    ----------
    item : array, shape (C, *space)
        The noisy item.

    References
    ----------
    Foi, Trimeche, Katkovnik, Egiazarian, IEEE Trans. Image Process. 17 (2008), sections III and IV.

    Examples
    --------
    >>> x = np.repeat(np.linspace(10, 90, 20), 500)[None]
    >>> fit = variance_by_signal(np.random.default_rng(0).poisson(x).astype(float))
    >>> round(float(fit.gain), 1), fit.p_value < 1e-9
    (1.0, True)
    """
    means, variances, counts = _bins(smooth_parts(item))
    # The variance of a squared median of m details is (2·1.17)²σ⁴/m; neighbors are correlated.
    return _line(means, variances, 2.6 / np.sqrt(counts))


def floor_by_signal(item: Array) -> LinearVariance:
    """Fit the floor of the spectrum by a linear function of the signal, as a test of dependence.

    As `variance_by_signal`, but for blocks: the signal is their mean, and the variance the median of
    the power at high frequencies, which tones and other narrow parts of a signal do not change.
    Blocks that are far from a straight line are left out: a peak is high, and rough as well.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = np.cos(0.5 * np.arange(4000)) * np.linspace(0, 50, 4000) + rng.standard_normal(4000)
    >>> floor_by_signal(y[None]).p_value > 0.01
    True
    """
    floors = noise_floors(item)
    if floors is None:
        return _line(np.zeros(0), np.zeros(0), np.zeros(0))
    smooth = floors.curved <= MAX_CURVED[item.ndim - 1] * floors.whole
    signal, power = floors.mean[smooth], floors.whole[smooth]
    order = np.argsort(signal, kind="stable")
    count = min(MAX_BINS, len(order) // MIN_BLOCKS)
    parts = np.array_split(order, count) if count >= MIN_BINS else []
    means = np.array([signal[part].mean() for part in parts])
    low = np.array([np.quantile(power[part], QUANTILE) for part in parts])
    sizes = np.array([len(part) for part in parts], float)
    error = floors.spread / math.sqrt(len(floors.bands))
    return _line(means, low, error / np.sqrt(sizes))


def quiet_by_signal(image: Array) -> LinearVariance:
    """Fit the variance in the quietest blocks of an image by a linear function of their mean.

    The blocks of 8 × 8 pixels are sorted by their mean into bins. In each bin, the tenth with the
    least power at low frequencies gives the variance, by the power at high frequencies: texture of
    one brightness is left out where there are smooth areas of that brightness, too.

    Parameters
    ----------
    image : array, shape (C, H, W)
        The noisy image.

    Examples
    --------
    >>> x = np.add.outer(np.linspace(20, 200, 100), np.zeros(100))[None]
    >>> fit = quiet_by_signal(np.random.default_rng(0).poisson(x))
    >>> bool(0.7 < fit.gain < 1.3), fit.p_value < 1e-4
    (True, True)
    """
    flat = _line(np.zeros(0), np.zeros(0), np.zeros(0))
    if min(image.shape[1:]) < 2 * BLOCK:
        return flat
    blocks = image_blocks(image)
    count = min(QUIET_BINS, len(blocks) // QUIET_IN_BIN)
    if count < MIN_BINS:
        return flat
    powers = scipy.fft.dctn(blocks, axes=(1, 2), norm="ortho") ** 2
    index = np.add.outer(np.arange(BLOCK), np.arange(BLOCK))
    low = powers[:, (index > 0) & (index < BLOCK - 1)].sum(axis=1)
    high = powers[:, index >= BLOCK - 1].mean(axis=1)
    signal = blocks.mean(axis=(1, 2))
    means, variances, counts = np.zeros(count), np.zeros(count), np.zeros(count)
    for k, part in enumerate(np.array_split(np.argsort(signal, kind="stable"), count)):
        chosen = part[quietest(low[part], QUIET, QUIET_FEWEST)]
        means[k], variances[k] = signal[chosen].mean(), np.median(high[chosen])
        counts[k] = len(chosen)
    # Each block has 36 high frequencies; overlapping blocks are not independent.
    step = block_step((image.shape[1] - BLOCK + 1, image.shape[2] - BLOCK + 1))
    overlap = max(1.0, 0.75 * (BLOCK / step) ** 2)
    return _line(means, variances, np.sqrt(2 * overlap / (36 * counts)))


def _line(
    means: NDArray[np.float64], variances: NDArray[np.float64], relative: NDArray[np.float64]
) -> LinearVariance:
    """Fit a line to variances with the given relative errors, robustly."""
    flat = LinearVariance(0.0, float(np.median(variances)) if len(variances) else 0.0, 1.0, 1.0)
    if len(means) < MIN_BINS or np.ptp(means) == 0 or not (variances > 0).all():
        return flat
    center, span = means.mean(), np.ptp(means)
    design = np.stack([(means - center) / span, np.ones_like(means)], axis=1)
    fitted = np.full_like(variances, np.average(variances, weights=relative**-2))
    huber = np.ones_like(fitted)
    for _ in range(REWEIGHTED):
        errors = relative * fitted
        weights = huber / errors**2
        normal = design.T @ (weights[:, None] * design)
        solution = np.linalg.solve(normal, design.T @ (weights * variances))
        fitted = np.maximum(design @ solution, 0.02 * variances.max())
        residuals = (variances - design @ solution) / errors
        scale = max(1.0, float(np.median(np.abs(residuals))) / NORMAL_QUARTILE)
        huber = np.minimum(1.0, HUBER * scale / np.maximum(np.abs(residuals), 1e-12))
    slope, middle = map(float, solution)
    spread = max(1.0, float(np.sum(huber * residuals**2)) / (len(means) - 2))
    # Under the hypothesis the errors are those of a constant variance.
    constant = relative * float(np.average(variances, weights=huber * relative**-2))
    null = float(np.sum(huber * design[:, 0] ** 2 / constant**2))
    error = math.sqrt(spread / null)
    ends = [float(fitted[means.argsort()[k]]) for k in (0, -1)]
    return LinearVariance(
        gain=slope / span,
        offset=middle - slope / span * center,
        ratio=math.sqrt(max(ends) / min(ends)),
        p_value=0.5 * math.erfc(slope / error / math.sqrt(2)),
    )


def _bins(
    parts: SmoothParts,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean signal, the variance of the noise and the number of samples of each bin."""
    y, signal = parts.y, parts.smooth
    details = np.abs(parts.details(DB2))
    order = np.argsort(signal, axis=None, kind="stable")
    count = min(MAX_BINS, len(order) // (MIN_IN_BIN if y.ndim == 2 else 4 * MIN_IN_BIN))
    if count < MIN_BINS:
        return np.zeros(0), np.zeros(0), np.zeros(0)
    found = []
    for members in np.array_split(order, count):
        if y.ndim > 2:  # the smoothest quarter at this brightness
            rough = parts.steep.ravel()[members]
            members = members[np.argsort(rough, kind="stable")[: len(members) // 4]]
        level = float(np.median(details.ravel()[members])) / NORMAL_QUARTILE
        found.append((float(signal.ravel()[members].mean()), level**2, float(len(members))))
    means, variances, counts = np.array(found).T
    inside = np.ones(len(means), bool)
    for extreme in (y.min(), y.max()):
        if np.mean(y == extreme) > 0.005:
            inside &= np.abs(means - extreme) > CLIPPED * np.sqrt(variances)
    return means[inside], variances[inside], counts[inside]


@dataclass(frozen=True)
class PoissonGaussian:
    """Signal-dependent noise, as of a camera or a counter: a variance gain·x + offset.

    A gain that is not significantly positive is set to zero: then the noise is white.

    References
    ----------
    Foi, Trimeche, Katkovnik, Egiazarian, IEEE Trans. Image Process. 17 (2008).

    Examples
    --------
    >>> x = np.repeat(np.linspace(10, 90, 20), 5000).reshape(1, 1, -1)
    >>> noise = PoissonGaussian().estimate_noise(np.random.default_rng(0).poisson(x).astype(float))
    >>> noise.gain.round(1), noise.level.round(1)
    (array([1.]), array([7.1]))
    """

    info: ClassVar[Info] = Info(
        "poisson-gaussian",
        "noise estimation",
        "Foi, Trimeche, Katkovnik, Egiazarian 2008",
        adapts=True,
    )

    def estimate_noise(self, noisy: Array) -> SignalDependentNoise:
        """Return the noise of the items of a batch ``(N, C, *space)``."""
        check_noisy(noisy)
        fits = [variance_by_signal(item) for item in noisy]
        grows = [one.gain > 0 and one.p_value < SIGNIFICANT for one in fits]
        gain = np.array([one.gain if ok else 0.0 for one, ok in zip(fits, grows, strict=True)])
        offset = np.array(
            [
                one.offset if ok else one.offset + one.gain * float(item.mean())
                for one, ok, item in zip(fits, grows, noisy, strict=True)
            ]
        )
        means = noisy.reshape(len(noisy), -1).mean(axis=1, dtype=np.float64)
        level = np.sqrt(np.maximum(gain * means + offset, 0))
        return SignalDependentNoise(gain, offset, level)
