"""Thresholding of the discrete cosine transform of every block."""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Info, NoiseModel, Sigma
from sigbench.core.validation import check_choice, check_field, check_length, per_item
from sigbench.denoisers.colors import OPPONENT, from_opponent, has_colors, to_opponent
from sigbench.denoisers.filtered_noise import block_levels, levels_or_model, relative_variance
from sigbench.denoisers.parameters import strength

COLORS = ("auto", "opponent", "as-is")
TILE = 48  # window positions along an axis that one matrix product transforms
MIN_LEVEL = 0.1  # smallest noise level of a coefficient in a weight, relative to the largest
COEFFICIENTS = 2**18  # processed at a time, but at least those of one item


@dataclass(frozen=True)
class SlidingDCT:
    """Hard-threshold the DCT of every block and average the estimates of each sample.

    In every block of ``window`` samples along each space axis, at every position, the orthonormal
    DCT-II coefficients c are replaced by c·[|c| > t], t = ``threshold_over_sigma``·σ, except the
    constant one. The signal is extended by reflection, so every sample is in the same number of
    blocks.

    With a `NoiseModel`, σ is the noise level of the coefficient: √(aᵀCa) for the atom a, where C is
    the covariance of the noise in a block. If the variance depends on the place, it is multiplied
    by √(Σ a²v), where v is the variance at each sample over its mean.

    With ``wiener``, the estimate is a pilot for a second pass, in which a coefficient is multiplied
    by p²/(p² + σ²), where p is that of the pilot and σ = t/``threshold_over_sigma``. In both passes
    the estimates of a sample are averaged with weights: the inverse of the noise power that is left
    in the block, Σ(gσ)² for the factors g.

    Parameters
    ----------
    window : int
        Length of the block along every space axis.
    threshold : float, optional
        The threshold t in the signal's units.
    threshold_over_sigma : float
        The threshold t in noise levels, used if ``threshold`` is None.
    colors : {"auto", "opponent", "as-is"}
        Whether to transform images with three channels to opponent colors first. ``auto`` does so
        for all such images and leaves other batches unchanged.
    wiener : bool
        Whether to add the second pass, and to weight the estimates.

    References
    ----------
    Yu and Sapiro, Image Process. On Line 1 (2011), section 2: DCT image denoising; Coifman and
    Donoho, Translation-invariant de-noising (1995): the average over shifts; Ghael, Sayeed,
    Baraniuk, Proc. SPIE 3169 (1997): the empirical Wiener filter with a pilot; Dabov, Foi,
    Katkovnik, Egiazarian, IEEE Trans. Image Process. 16 (2007), eqs. (10), (11): the weights.

    Examples
    --------
    >>> y = np.array([[[1.0, 1, 1, 1, 1, 1, 1, 1, 1, 1]]])
    >>> y[0, 0, 4] += 0.5
    >>> bool(np.ptp(SlidingDCT()(y, sigma=0.2)) < 0.03)
    True
    """

    window: int = 8
    threshold: float | None = None
    threshold_over_sigma: float = 2.7
    colors: Literal["auto", "opponent", "as-is"] = "auto"
    wiener: bool = field(default=False, metadata={"identity": "if set"})

    info: ClassVar[Info] = Info(
        "sliding-dct",
        "block transform",
        "Yu, Sapiro 2011; Coifman, Donoho 1995",
        uses_sigma=True,
        fixed_by="threshold",
        exact_at_zero=True,
    )

    def __post_init__(self) -> None:
        check_length("window", self.window)
        check_field("threshold", self.threshold, 0)
        check_field("threshold_over_sigma", self.threshold_over_sigma, 0)
        check_choice("colors", self.colors, COLORS)
        if self.wiener and self.threshold_over_sigma == 0:
            raise InputError("threshold_over_sigma=0 must be > 0 with wiener=true")

    @property
    def reach(self) -> int:
        """Distance of the farthest sample in a common block, in both passes; see `Local`."""
        return (1 + self.wiener) * (self.window - 1)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        levels, model = levels_or_model(noisy, sigma)
        thresholds = strength(noisy, levels, self.threshold, self.threshold_over_sigma)
        opponent = self.colors == "opponent" or (self.colors == "auto" and has_colors(noisy))
        noise = None if model is None else _BlockNoise.of(model, noisy, self.window, opponent)
        y = to_opponent(noisy) if opponent else noisy
        estimate = self._denoise(y, thresholds, noise)
        if self.wiener:
            estimate = self._denoise(y, thresholds, noise, estimate)
        return from_opponent(estimate) if opponent else estimate

    def _denoise(
        self,
        noisy: Array,
        thresholds: NDArray[np.float64],
        noise: _BlockNoise | None,
        pilot: Array | None = None,
    ) -> Array:
        beyond = self.window - 1
        y = _extended(noisy, beyond)
        p = None if pilot is None else _extended(pilot, beyond)
        total = np.zeros_like(y)
        weights = np.zeros_like(y) if self.wiener else None
        positions = [n - beyond for n in y.shape[2:]]
        for tile in itertools.product(*(range(0, n, TILE) for n in positions)):
            counts = [min(TILE, n - start) for n, start in zip(positions, tile, strict=True)]
            part = tuple(
                slice(start, start + count + beyond)
                for start, count in zip(tile, counts, strict=True)
            )
            limits = per_item(thresholds, y)
            if noise is not None:
                limits = limits * noise.relative_levels(counts, part).astype(y.dtype)
            if weights is None:
                total[:, :, *part] += self._tile(y[:, :, *part], counts, limits)
            else:
                guide = None if p is None else p[:, :, *part]
                added, weight = self._weighted_tile(y[:, :, *part], guide, counts, limits)
                total[:, :, *part] += added
                weights[:, :, *part] += weight
        inside = tuple(slice(beyond, beyond + n) for n in noisy.shape[2:])
        if weights is not None:
            return total[:, :, *inside] / weights[:, :, *inside]
        return total[:, :, *inside] / noisy.dtype.type(self.window ** len(inside))

    def _tile(self, part: Array, counts: list[int], limits: Array) -> Array:
        """Return the sum of the estimates of ``counts`` blocks along each axis of a part."""
        frames = [_frame(self.window, count, part.dtype.char) for count in counts]
        constant: tuple[Any, ...] = (..., *[slice(None, None, self.window)] * len(frames))
        total = np.empty_like(part)
        items = max(1, COEFFICIENTS // (part.shape[1] * math.prod(map(len, frames))))
        for start in range(0, len(part), items):
            some = slice(start, start + items)
            c = _analysis(part[some], frames)
            keep = np.abs(c) > limits[some]
            keep[constant] = True
            c *= keep
            total[some] = _synthesis(c, frames)
        return total

    def _weighted_tile(
        self, part: Array, pilot: Array | None, counts: list[int], limits: Array
    ) -> tuple[Array, Array]:
        """Return the weighted sum of the estimates of the blocks of a part, and of the weights."""
        frames = [_frame(self.window, count, part.dtype.char) for count in counts]
        boxes = [np.abs(np.sign(frame[:: self.window])) for frame in frames]
        constant: tuple[Any, ...] = (..., *[slice(None, None, self.window)] * len(frames))
        blocks = tuple(size for count in counts for size in (count, self.window))
        within = tuple(range(3, 3 + len(blocks), 2))
        total, weights = np.empty_like(part), np.empty_like(part)
        items = max(1, COEFFICIENTS // (part.shape[1] * math.prod(map(len, frames))))
        for start in range(0, len(part), items):
            some = slice(start, start + items)
            c = _analysis(part[some], frames)
            levels = limits[some] / part.dtype.type(self.threshold_over_sigma)
            if pilot is None:
                gain = (np.abs(c) > limits[some]).astype(c.dtype)
            else:
                power = _analysis(pilot[some], frames) ** 2
                gain = power / np.maximum(power + levels**2, np.finfo(c.dtype).tiny)
            gain[constant] = 1
            largest = levels.max(axis=tuple(range(1, levels.ndim)), keepdims=True)
            relative = np.divide(levels, largest, out=np.ones_like(levels), where=largest > 0)
            left = np.broadcast_to((gain * np.maximum(relative, MIN_LEVEL)) ** 2, c.shape)
            weight = 1 / left.reshape(*c.shape[:2], *blocks).sum(axis=within, keepdims=True)
            c = (c * gain).reshape(*c.shape[:2], *blocks) * weight
            total[some] = _synthesis(c.reshape(gain.shape), frames)
            weights[some] = _synthesis(weight.reshape(*c.shape[:2], *counts), boxes)
        return total, weights


def _analysis(part: Array, frames: list[Array]) -> Array:
    c: Array = part @ frames[-1].T
    return frames[0] @ c if len(frames) == 2 else c


def _synthesis(c: Array, frames: list[Array]) -> Array:
    part: Array = c @ frames[-1]
    return frames[0].T @ part if len(frames) == 2 else part


def _extended(batch: Array, beyond: int) -> Array:
    """Return a batch extended by reflection, so that every sample is in all of its blocks."""
    return np.pad(batch, [(0, 0), (0, 0), *[(beyond, beyond)] * (batch.ndim - 2)], "symmetric")


@dataclass(frozen=True, eq=False)
class _BlockNoise:
    """The noise level of the coefficients of each block over that in white noise.

    Attributes
    ----------
    levels : array, shape (N, window) or (N, window, window)
        Relative level of each coefficient.
    variance : array, shape (N, C, *space), or None
        Relative variance at each sample of the extended items, if it depends on the place.
    """

    levels: NDArray[np.float64]
    variance: NDArray[np.float64] | None

    @classmethod
    def of(cls, model: NoiseModel, noisy: Array, window: int, opponent: bool) -> _BlockNoise:
        """Return the noise of a model in the blocks of a batch."""
        dct = scipy.fft.dct(np.eye(window), axis=0, norm="ortho")
        levels = block_levels(model, noisy.shape[2:], dct)
        scale = per_item(model.level, levels)
        relative = np.divide(levels, scale, out=np.ones_like(levels), where=scale > 0)
        variance = relative_variance(model, noisy)
        if variance is None:
            return cls(relative, None)
        if opponent:  # the noise of the channels is independent
            mixed = OPPONENT**2 @ variance.reshape(*variance.shape[:2], -1)
            variance = mixed.reshape(variance.shape)
        return cls(relative, _extended(variance, window - 1).astype(np.float64, copy=False))

    def relative_levels(self, counts: list[int], part: tuple[slice, ...]) -> NDArray[np.float64]:
        """Return the levels in the blocks of a part, shape of their coefficients."""
        limits = np.tile(self.levels, (1, *counts))[:, None]
        if self.variance is None:
            return limits
        frames = [_frame(self.levels.shape[1], count, "d") ** 2 for count in counts]
        local = self.variance[:, :, *part] @ frames[-1].T
        if len(frames) == 2:
            local = frames[0] @ local
        result: NDArray[np.float64] = limits * np.sqrt(local)
        return result


@functools.lru_cache(maxsize=16)
def _frame(window: int, count: int, dtype: str) -> Array:
    """Return the matrix that maps ``count + window − 1`` samples to the DCT of each block."""
    dct = scipy.fft.dct(np.eye(window), axis=0, norm="ortho")
    frame = np.zeros((count, window, count + window - 1), dtype)
    for position, block in enumerate(frame):
        block[:, position : position + window] = dct
    return frame.reshape(count * window, -1)
