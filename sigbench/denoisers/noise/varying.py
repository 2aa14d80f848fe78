"""Noise whose level varies from place to place."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from sigbench.core.protocols import Array, Info
from sigbench.core.validation import check_noisy
from sigbench.denoisers.noise.floors import noise_floors
from sigbench.denoisers.noise.models import VaryingNoise
from sigbench.denoisers.noise.places import DB2, NORMAL_QUARTILE, noise_level, smooth_parts
from sigbench.denoisers.noise.poisson_gaussian import LinearVariance

QUANTILE = 0.3  # of the local power: the floor, where the signal is absent
MIN_BLOCKS = 6  # in a part
MIN_SHARE = 0.4  # of the median change, that all bands but one must show
MAX_PIECES = 16
TINY = np.finfo(np.float64).tiny


class LevelChange(NamedTuple):
    """The largest change of the noise level between two parts of an item.

    Attributes
    ----------
    ratio : float
        Ratio of the larger to the smaller level; at least 1.
    where : str
        The place of the change, in words.
    p_value : float
        Probability of such a change, or a larger one, if the level is constant.
    axis : int
        Space axis of the change.
    cut : float
        Its place, as a share of the length along this axis.
    """

    ratio: float
    where: str
    p_value: float
    axis: int = 0
    cut: float = 0.0


NO_CHANGE = LevelChange(1.0, "", 1.0)


def level_change(item: Array) -> LevelChange:
    """Compare the noise levels before and after the quarters of an item, along each axis.

    The level of a part is a low quantile of the power in its blocks, separately for several bands of
    high frequencies: a signal rarely covers all bands all the time. The change is the median over
    the bands, and counts only if all bands but one show a good part of it.

    Parameters
    ----------
    item : array, shape (C, *space)
        The noisy item.

    Examples
    --------
    >>> y = np.random.default_rng(0).standard_normal((1, 4000))
    >>> y[:, 2000:] *= 2
    >>> change = level_change(y)
    >>> round(change.ratio), change.where, change.p_value < 1e-6
    (2, 'after 50% of the signal', True)
    >>> level_change(np.ones((1, 4000))).p_value
    1.0
    """
    floors = noise_floors(item)
    if floors is None:
        return NO_CHANGE
    best = NO_CHANGE
    names = ("of the signal",) if item.ndim == 2 else ("of the rows", "of the columns")
    for axis, name in enumerate(names):
        along = np.moveaxis(floors.bands, axis + 1, 1)
        count = along.shape[1]
        for quarter in (1, 2, 3):
            cut = round(count * quarter / 4)
            parts = [part.reshape(len(part), -1) for part in (along[:, :cut], along[:, cut:])]
            if min(part.shape[1] for part in parts) < MIN_BLOCKS:
                continue
            low = [np.quantile(part, QUANTILE, axis=1) for part in parts]
            if not min(floor.min() for floor in low) > 0:
                continue
            changes = np.log(low[1] / low[0])
            change = float(np.median(changes))
            if np.sort(changes * np.sign(change))[1] < MIN_SHARE * abs(change):
                continue
            # The variance of a median is about 1.4 times that of a mean.
            blocks = sum(1 / part.shape[1] for part in parts)
            error = floors.spread * math.sqrt(1.4 * blocks / len(changes))
            p_value = min(1.0, 3 * len(names) * math.erfc(abs(change) / error / math.sqrt(2)))
            if p_value < best.p_value:
                where = f"after {25 * quarter}% {name}"
                best = LevelChange(math.exp(abs(change) / 2), where, p_value, axis, quarter / 4)
    return best


def varies_with_signal(item: Array, change: LevelChange, fit: LinearVariance) -> bool:
    """Return whether a level that is not constant depends on the signal rather than on the place.

    The logarithms of the noise floors of blocks are compared with those of the two parts, and with
    those of the fitted variances: the better description leaves the smaller median deviation.
    """
    floors = noise_floors(item)
    if floors is None:
        return False
    power = np.log(np.maximum(floors.whole, TINY))
    by_place = np.moveaxis(power.copy(), change.axis, 0)
    cut = round(len(by_place) * change.cut)
    for part in (by_place[:cut], by_place[cut:]):
        part -= np.median(part)
    expected = fit.gain * floors.mean + fit.offset
    by_signal = power - np.log(np.maximum(expected, 0.02 * np.abs(expected).max() + TINY))
    by_signal -= np.median(by_signal)
    return bool(np.median(np.abs(by_signal)) < np.median(np.abs(by_place)))


def local_levels(item: Array) -> NDArray[np.float64]:
    """Return the noise level at every sample of an item, shape ``(1, *space)``.

    The levels of up to 16 pieces along every axis, from the details of all samples, or of the smooth
    pixels, are interpolated linearly.
    """
    parts = smooth_parts(item)
    details = np.abs(parts.details(DB2))
    space = item.shape[1:]
    most = MAX_PIECES if len(space) == 1 else MAX_PIECES // 2
    least = 128 if len(space) == 1 else 32
    pieces = [int(np.clip(n // least, 1, most)) for n in space]
    edges = [np.linspace(0, n, k + 1).astype(int) for n, k in zip(space, pieces, strict=True)]
    levels = np.zeros(pieces)
    for at in itertools.product(*map(range, pieces)):
        box = tuple(slice(e[i], e[i + 1]) for e, i in zip(edges, at, strict=True))
        members = details[(slice(None), *box)]
        if len(space) == 2:
            steep = parts.steep[(slice(None), *box)]
            members = members[steep <= np.quantile(steep, 0.25)]
        levels[at] = np.median(members) / NORMAL_QUARTILE
    levels = np.maximum(levels, 0.1 * np.median(levels))
    axes = [
        np.clip((np.arange(n) + 0.5) * k / n - 0.5, 0, k - 1)
        for n, k in zip(space, pieces, strict=True)
    ]
    where = np.meshgrid(*axes, indexing="ij")
    smooth_levels: NDArray[np.float64] = map_coordinates(levels, where, order=1, mode="nearest")
    return smooth_levels[None]


@dataclass(frozen=True)
class Varying:
    """White noise whose level varies slowly from place to place.

    Examples
    --------
    >>> y = np.random.default_rng(0).standard_normal((1, 1, 100_000))
    >>> y[..., 50_000:] *= 3
    >>> Varying().estimate_noise(y).levels[0, 0, [10_000, 90_000]].round(1)
    array([1., 3.])
    """

    info: ClassVar[Info] = Info("varying", "noise estimation", "sigbench", adapts=True)

    def estimate_noise(self, noisy: Array) -> VaryingNoise:
        """Return the noise of the items of a batch ``(N, C, *space)``."""
        check_noisy(noisy)
        return VaryingNoise(
            np.stack(
                [
                    local_levels(item)
                    if level_change(item).p_value < 0.01
                    else np.full((1, *item.shape[1:]), noise_level(item))
                    for item in noisy
                ]
            )
        )
