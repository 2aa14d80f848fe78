"""Estimate the noise level of a file and test whether the noise is white Gaussian noise.

Each test uses the noisy item alone: its finest details where the signal is smooth, or the floor of
its spectrum. It reports an effect that is both large and statistically significant, so that white
Gaussian noise in ordinary signals raises few false alarms.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d, gaussian_gradient_magnitude, median_filter

from sigbench.core.protocols import Array
from sigbench.denoisers.noise_level import estimate_sigma

STEP = np.array([1.0, -1.0])
LOCAL_MEAN = np.where(np.arange(9) == 4, 1.0, 0.0) - 1 / 9  # a sample minus its local mean
DB2 = np.array([0.12940952, 0.22414387, -0.8365163, 0.48296291])  # zero on straight lines
MIN_SAMPLES = 64  # for a test of the noise
MAX_LENGTH = 1024  # samples in a segment for the spectrum
MAX_SEGMENTS = 1000
TINY = np.finfo(np.float64).tiny


def noise_level(item: Array) -> float:
    """Estimate the noise level of an item.

    For signals this is `estimate_sigma`. For images only smooth parts are used, where texture is less
    easily mistaken for noise: on photographs at sigma 15 the estimate is 2 % too large instead of
    8 %. A level of the size of rounding errors is returned as zero.

    Parameters
    ----------
    item : array, shape (C, *space)
        The noisy item.
    """
    y = item.astype(np.float64)
    if y.ndim == 2:
        level = float(estimate_sigma(y[None])[0])
    else:
        parts = _smooth_parts(y)
        size = np.abs(parts.details(DB2)[parts.where])  # the filter has unit energy
        level = float(np.median(size)) / 0.6744897501960817  # the normal upper quartile
    return level if level > 1e-9 * np.abs(y).max() else 0.0


def doubts(item: Array, sigma: float) -> list[str]:
    """Return the assumptions of SURE that an item violates, one line each.

    Parameters
    ----------
    item : array, shape (C, *space)
        The noisy item.
    sigma : float
        Its noise level, given or estimated.

    Examples
    --------
    >>> y = np.random.default_rng(0).standard_normal((1, 1024))
    >>> doubts(y, 1.0), doubts(np.round(y / 2) * 2, 1.0)
    ([], ['values are rounded to steps of 2, coarser than the noise'])
    """
    if sigma == 0:
        return ["the noise level is zero, so the item is not changed; set another with --sigma S"]
    y = item.astype(np.float64)
    found = [_rounded(y, sigma), _clipped(y)]
    if not found[0]:  # rounding invalidates the other tests
        parts = _smooth_parts(y)
        if parts.where.sum() >= MIN_SAMPLES:
            found += [_colored(parts) or _toned(parts, sigma), _tailed(parts), _uneven(parts)]
        else:
            found.append(f"too few smooth samples to test the noise (fewer than {MIN_SAMPLES})")
    return [line for line in found if line]


def _rounded(y: Array, sigma: float) -> str:
    gaps = np.diff(np.unique(y))
    step = gaps[gaps > 1e-9 * np.ptp(y)].min(initial=np.inf)
    if not sigma < step < np.inf:
        return ""
    return f"values are rounded to steps of {step:.3g}, coarser than the noise"


def _clipped(y: Array) -> str:
    """Compare the counts of the extreme values with those of the values next to them."""
    _, counts = np.unique(y, return_counts=True)
    if len(counts) < 5:
        return ""
    share = sum(
        end / y.size
        for end, near in ((counts[0], counts[1:3]), (counts[-1], counts[-3:-1]))
        if end > 3 * near.max()
    )
    return f"{share:.1%} of the samples are clipped at the extremes" if share > 0.01 else ""


@dataclass(frozen=True)
class _SmoothParts:
    """An item, and where it is smooth.

    ``where`` marks the half of the samples, or the quarter of the pixels, with the smallest gradient.
    ``smooth`` is the median-filtered item, which impulses do not affect.
    """

    y: NDArray[np.float64]
    smooth: NDArray[np.float64]
    where: NDArray[np.bool_]

    def details(self, highpass: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the item filtered along all space axes."""
        out: NDArray[np.float64] = self.y
        for axis in range(1, out.ndim):
            out = convolve1d(out, highpass, axis=axis, mode="reflect")
        return out

    def tiles(self, details: NDArray[np.float64], pieces: int) -> list[NDArray[np.float64]]:
        """Return the details at smooth samples of each tile, with ``pieces`` tiles along an axis."""
        cuts = [np.array_split(np.arange(n), min(pieces, n)) for n in details.shape[1:]]
        tiles = [np.ix_(np.arange(len(details)), *tile) for tile in itertools.product(*cuts)]
        return [details[tile][self.where[tile]] for tile in tiles]


def _smooth_parts(y: NDArray[np.float64]) -> _SmoothParts:
    size = (1, 9) if y.ndim == 2 else (1, 5, 5)
    smooth = median_filter(y, size)
    steep = np.stack([gaussian_gradient_magnitude(plane, 2.0) for plane in smooth])
    return _SmoothParts(y, smooth, steep <= np.quantile(steep, 0.5 if y.ndim == 2 else 0.25))


def _colored(parts: _SmoothParts) -> str:
    """Compare the correlation of neighboring details with that of filtered white noise.

    Details are clipped to a few standard deviations; larger ones are signal. Tones correlate
    neighbors as well, so a signal must also have an uneven floor of the spectrum.
    """
    is_signal = parts.y.ndim == 2
    highpass, most, chance = (STEP, 2, 2.5) if is_signal else (DB2, 3, 4)
    if is_signal and not _uneven_floor(parts.y):
        return ""
    expected = float(highpass[1:] @ highpass[:-1] / (highpass @ highpass))
    d = parts.details(highpass)
    limit = most * np.median(np.abs(d[parts.where])) / 0.6745
    d = np.clip(d, -limit, limit)
    for axis in range(1, d.ndim):
        ahead = tuple(slice(1, None) if a == axis else slice(None) for a in range(d.ndim))
        behind = tuple(slice(-1) if a == axis else slice(None) for a in range(d.ndim))
        both = parts.where[ahead] & parts.where[behind]
        u, v = d[ahead][both], d[behind][both]
        if len(u) >= MIN_SAMPLES:
            scale = max(np.sqrt(np.mean(u * u) * np.mean(v * v)), TINY)
            excess = float(np.mean(u * v) / scale) - expected
            if abs(excess) > max(0.15, chance / np.sqrt(len(u))):
                return f"the noise is not white: neighbors are correlated ({excess:+.2f})"
    return ""


def _uneven_floor(y: NDArray[np.float64]) -> bool:
    """Compare the floors of the two highest octaves of the spectrum.

    With m frequencies, the logarithm of their ratio has a standard deviation of about 2.5/√m.
    """
    if y.shape[-1] < MIN_SAMPLES:
        return False
    second, first = _octaves(y)
    return bool(abs(np.log(_floor(second) / _floor(first))) > max(0.4, 5 / np.sqrt(second.size)))


def _toned(parts: _SmoothParts, sigma: float) -> str:
    """Compare the noise level of a signal with the floor of the spectrum, which tones do not raise."""
    if parts.y.ndim > 2 or parts.y.shape[-1] < MIN_SAMPLES:
        return ""
    _, first = _octaves(parts.y)
    floor = np.sqrt(_floor(first))
    silent = floor < 1e-9 * np.abs(parts.y).max()
    if silent or np.log(sigma / floor) <= max(0.25, 5 / np.sqrt(first.size)):
        return ""
    return (
        f"the noise level is {sigma / floor:.3g} times the floor of the spectrum, as with tones; "
        f"to use the floor, set --sigma {floor:.3g}"
    )


def _octaves(y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the power in the second highest and the highest octave; σ² on average for white noise.

    Segments overlap by half, have their mean removed and are multiplied by a Hann window.
    """
    length = min(y.shape[-1] // 2, MAX_LENGTH)
    count = min(2 * y.shape[-1] // length - 1, MAX_SEGMENTS)
    starts = np.linspace(0, y.shape[-1] - length, count).astype(int)
    segments = y[:, starts[:, None] + np.arange(length)]
    segments -= segments.mean(axis=-1, keepdims=True)
    window = np.hanning(length)
    power = np.abs(np.fft.rfft(segments * window)) ** 2 / (window @ window)
    return power[..., length // 8 : length // 4], power[..., length // 4 :]


def _floor(power: NDArray[np.float64]) -> float:
    """Return the power of the noise from the median, which few tones or jumps hardly change.

    The power at a frequency is exponentially distributed: its median is ln 2 times its mean.
    """
    return max(float(np.median(power)) / np.log(2), TINY)


def _tailed(parts: _SmoothParts) -> str:
    """Compare the 97 % quantile of the magnitude of the noise with its median.

    The ratio is 3.2 for Gaussian noise. The median over four segments, or 16 tiles, is used, since
    a signal is rough in a few places only.
    """
    size = np.abs(parts.details(LOCAL_MEAN if parts.y.ndim == 2 else DB2))
    groups = [group for group in parts.tiles(size, 4) if len(group) >= MIN_SAMPLES]
    if not groups:
        return ""
    quantiles = np.array([np.quantile(group, [0.5, 0.97]) for group in groups])
    ratio = float(np.median(quantiles[:, 1] / np.maximum(quantiles[:, 0], TINY))) / 3.22
    if ratio <= (1.16 if parts.y.ndim == 2 else 1.05) + 2 / np.sqrt(sum(map(len, groups))):
        return ""
    return f"the noise is not Gaussian: its large values are {ratio:.1f} times too large"


def _uneven(parts: _SmoothParts) -> str:
    """Compare the noise levels of segments or tiles, and of dark and bright samples."""
    d = np.abs(parts.details(DB2))
    places = parts.tiles(d, 8)
    size, bright = d[parts.where], parts.smooth[parts.where]
    shades = np.array_split(size[np.argsort(bright, kind="stable")], 6)
    for groups, what in ((places, "from place to place"), (shades, "with the level of the signal")):
        large = [group for group in groups if len(group) >= 32]
        if len(large) < 3:
            continue
        levels = np.array([np.median(group) for group in large])
        low, high = np.quantile(levels, [0.2, 0.8] if groups is places else [0.1, 0.9])
        chance = 3 / np.sqrt(np.median([len(group) for group in large]))
        if np.log(max(high, TINY) / max(low, TINY)) > 0.25 + 1.8 * chance:
            ratio = "many" if high > 100 * low else f"{high / low:.1f}"
            return f"the noise level is not constant: it differs {ratio} times {what}"
    return ""
