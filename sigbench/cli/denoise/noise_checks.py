"""The noise of a file: its level, and whether it is white, Gaussian, even, not clipped or rounded.

Each test looks at the noisy item alone, at its finest details where the signal is smooth or at the
floor of its spectrum, and is made to be quiet about white Gaussian noise over ordinary signals: it
asks for an effect that matters, and for one that chance does not make.
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
LOCAL_MEAN = np.where(np.arange(9) == 4, 1.0, 0.0) - 1 / 9  # a sample less the mean about it
DB2 = np.array([0.12940952, 0.22414387, -0.8365163, 0.48296291])  # blind to straight lines
MIN_SAMPLES = 64  # samples; below it the tests of the noise say nothing
LONGEST = 1024  # samples of a stretch whose spectrum is looked at
MAX_STRETCHES = 1000
TINY = np.finfo(np.float64).tiny


def noise_level(item: Array) -> float:
    """Estimate the noise level of an item, for images where they are smooth.

    There texture counts less for noise than by `estimate_sigma`, which signals go by: at sigma 15
    on photographs it is 2 % too large instead of 8 %. A level of rounding errors is none.

    Parameters
    ----------
    item : array, shape (C, *space)
        The noisy item.
    """
    y = item.astype(np.float64)
    if y.ndim == 2:
        level = float(estimate_sigma(y[None])[0])
    else:
        quiet = _quiet(y)
        size = np.abs(quiet.details(DB2)[quiet.where])  # the filter has the energy 1
        level = float(np.median(size)) / 0.6744897501960817  # the normal law's upper quartile
    return level if level > 1e-9 * np.abs(y).max() else 0.0


def doubts(item: Array, sigma: float) -> list[str]:
    """Say, a line each, which assumptions of SURE do not hold for an item.

    Parameters
    ----------
    item : array, shape (C, *space)
        The noisy item.
    sigma : float
        Its noise level, told or estimated.

    Examples
    --------
    >>> y = np.random.default_rng(0).standard_normal((1, 1024))
    >>> doubts(y, 1.0), doubts(np.round(y / 2) * 2, 1.0)
    ([], ['values are rounded to steps of 2, coarser than the noise'])
    """
    if sigma == 0:
        return ["the noise level is zero: nothing is taken out; --sigma S tells another"]
    y = item.astype(np.float64)
    found = [_rounded(y, sigma), _clipped(y)]
    if not found[0]:  # steps upset all that follows
        quiet = _quiet(y)
        if quiet.where.sum() >= MIN_SAMPLES:
            found += [_coloured(quiet) or _toned(quiet, sigma), _tailed(quiet), _uneven(quiet)]
        else:
            found.append(f"too few quiet samples to test the noise (fewer than {MIN_SAMPLES})")
    return [line for line in found if line]


def _rounded(y: Array, sigma: float) -> str:
    gaps = np.diff(np.unique(y))
    step = gaps[gaps > 1e-9 * np.ptp(y)].min(initial=np.inf)
    if not sigma < step < np.inf:
        return ""
    return f"values are rounded to steps of {step:.3g}, coarser than the noise"


def _clipped(y: Array) -> str:
    """Find the extremes far more crowded than the values next to them."""
    _, counts = np.unique(y, return_counts=True)
    if len(counts) < 5:
        return ""
    share = sum(
        end / y.size
        for end, beside in ((counts[0], counts[1:3]), (counts[-1], counts[-3:-1]))
        if end > 3 * beside.max()
    )
    return f"{share:.1%} of the samples are clipped at the extremes" if share > 0.01 else ""


@dataclass(frozen=True)
class _Quiet:
    """An item where the signal is smooth.

    That is the half of the samples, or a quarter of the pixels, at which it is least steep.
    ``smooth`` is the median-filtered item, which an impulse does not move.
    """

    y: NDArray[np.float64]
    smooth: NDArray[np.float64]
    where: NDArray[np.bool_]

    def details(self, highpass: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the details of every sample, along all space axes."""
        out: NDArray[np.float64] = self.y
        for axis in range(1, out.ndim):
            out = convolve1d(out, highpass, axis=axis, mode="reflect")
        return out

    def tiles(self, details: NDArray[np.float64], pieces: int) -> list[NDArray[np.float64]]:
        """Return the details where it is quiet, of each stretch or tile: so many along an axis."""
        cuts = [np.array_split(np.arange(n), min(pieces, n)) for n in details.shape[1:]]
        tiles = [np.ix_(np.arange(len(details)), *tile) for tile in itertools.product(*cuts)]
        return [details[tile][self.where[tile]] for tile in tiles]


def _quiet(y: NDArray[np.float64]) -> _Quiet:
    size = (1, 9) if y.ndim == 2 else (1, 5, 5)
    smooth = median_filter(y, size)
    steep = np.stack([gaussian_gradient_magnitude(plane, 2.0) for plane in smooth])
    return _Quiet(y, smooth, steep <= np.quantile(steep, 0.5 if y.ndim == 2 else 0.25))


def _coloured(quiet: _Quiet) -> str:
    """Compare the correlation of neighbouring details with that which the filter makes.

    Details are held within some of their deviations, beyond which they are signal. Tones correlate
    neighbours too, everywhere: of a signal, the floor of the spectrum has to be uneven as well.
    """
    is_signal = quiet.y.ndim == 2
    highpass, most, chance = (STEP, 2, 2.5) if is_signal else (DB2, 3, 4)
    if is_signal and not _uneven_floor(quiet.y):
        return ""
    expected = float(highpass[1:] @ highpass[:-1] / (highpass @ highpass))
    d = quiet.details(highpass)
    limit = most * np.median(np.abs(d[quiet.where])) / 0.6745
    d = np.clip(d, -limit, limit)
    for axis in range(1, d.ndim):
        ahead = tuple(slice(1, None) if a == axis else slice(None) for a in range(d.ndim))
        behind = tuple(slice(-1) if a == axis else slice(None) for a in range(d.ndim))
        both = quiet.where[ahead] & quiet.where[behind]
        u, v = d[ahead][both], d[behind][both]
        if len(u) >= MIN_SAMPLES:
            scale = max(np.sqrt(np.mean(u * u) * np.mean(v * v)), TINY)
            excess = float(np.mean(u * v) / scale) - expected
            if abs(excess) > max(0.15, chance / np.sqrt(len(u))):
                return f"the noise is not white: neighbours are correlated ({excess:+.2f})"
    return ""


def _uneven_floor(y: NDArray[np.float64]) -> bool:
    """Compare the floors of the spectrum's two highest octaves.

    Where m frequencies are looked at, the logarithm of their ratio varies by about 2.5/√m.
    """
    if y.shape[-1] < MIN_SAMPLES:
        return False
    second, first = _octaves(y)
    return bool(abs(np.log(_floor(second) / _floor(first))) > max(0.4, 5 / np.sqrt(second.size)))


def _toned(quiet: _Quiet, sigma: float) -> str:
    """Compare a signal's noise level with the spectrum's floor: by details, tones count for noise."""
    if quiet.y.ndim > 2 or quiet.y.shape[-1] < MIN_SAMPLES:
        return ""
    _, first = _octaves(quiet.y)
    floor = np.sqrt(_floor(first))
    silent = floor < 1e-9 * np.abs(quiet.y).max()
    if silent or np.log(sigma / floor) <= max(0.25, 5 / np.sqrt(first.size)):
        return ""
    return (
        f"the noise level is {sigma / floor:.3g} times the floor of the spectrum, as tones make it: "
        f"--sigma {floor:.3g} tells the floor's"
    )


def _octaves(y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the power in the second and in the highest octave: of white noise, σ² on average.

    In stretches that overlap by half, each less its mean and under a Hann window.
    """
    length = min(y.shape[-1] // 2, LONGEST)
    count = min(2 * y.shape[-1] // length - 1, MAX_STRETCHES)
    starts = np.linspace(0, y.shape[-1] - length, count).astype(int)
    stretches = y[:, starts[:, None] + np.arange(length)]
    stretches -= stretches.mean(axis=-1, keepdims=True)
    window = np.hanning(length)
    power = np.abs(np.fft.rfft(stretches * window)) ** 2 / (window @ window)
    return power[..., length // 8 : length // 4], power[..., length // 4 :]


def _floor(power: NDArray[np.float64]) -> float:
    """Return the noise's power: tones are in few frequencies, jumps in few stretches.

    The power at a frequency is exponentially distributed, with a median of ln 2 times its mean.
    """
    return max(float(np.median(power)) / np.log(2), TINY)


def _tailed(quiet: _Quiet) -> str:
    """Compare the 97 % quantile of the noise's size with its median: 3.2 times, if Gaussian.

    The median over four stretches, or 16 tiles, as a signal is rough in some places only.
    """
    size = np.abs(quiet.details(LOCAL_MEAN if quiet.y.ndim == 2 else DB2))
    groups = [group for group in quiet.tiles(size, 4) if len(group) >= MIN_SAMPLES]
    if not groups:
        return ""
    quantiles = np.array([np.quantile(group, [0.5, 0.97]) for group in groups])
    ratio = float(np.median(quantiles[:, 1] / np.maximum(quantiles[:, 0], TINY))) / 3.22
    if ratio <= (1.16 if quiet.y.ndim == 2 else 1.05) + 2 / np.sqrt(sum(map(len, groups))):
        return ""
    return f"the noise is not Gaussian: its large values are {ratio:.1f} times too large"


def _uneven(quiet: _Quiet) -> str:
    """Compare the levels of stretches or tiles, and of dark and bright samples."""
    d = np.abs(quiet.details(DB2))
    places = quiet.tiles(d, 8)
    size, bright = d[quiet.where], quiet.smooth[quiet.where]
    shades = np.array_split(size[np.argsort(bright, kind="stable")], 6)
    for groups, what in ((places, "from place to place"), (shades, "with the signal's own level")):
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
