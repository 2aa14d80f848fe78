"""Thresholding of the discrete cosine transform of every block."""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from sigbench.core.protocols import Array, Info, NoiseModel, Sigma
from sigbench.core.validation import check_choice, check_field, per_item
from sigbench.denoisers.colors import OPPONENT, from_opponent, has_colors, to_opponent
from sigbench.denoisers.filtered_noise import block_levels, levels_or_model, relative_variance
from sigbench.denoisers.parameters import strength

COLORS = ("auto", "opponent", "as-is")
TILE = 48  # window positions along an axis that one matrix product transforms
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

    References
    ----------
    Yu and Sapiro, Image Process. On Line 1 (2011), section 2: DCT image denoising; Coifman and
    Donoho, Translation-invariant de-noising (1995): the average over shifts.

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

    info: ClassVar[Info] = Info(
        "sliding-dct",
        "block transform",
        "Yu, Sapiro 2011; Coifman, Donoho 1995",
        uses_sigma=True,
        fixed_by="threshold",
        exact_at_zero=True,
    )

    def __post_init__(self) -> None:
        check_field("window", self.window, 1)
        check_field("threshold", self.threshold, 0)
        check_field("threshold_over_sigma", self.threshold_over_sigma, 0)
        check_choice("colors", self.colors, COLORS)

    @property
    def reach(self) -> int:
        """Distance of the farthest sample in a common block, for a known level; see `Local`."""
        return self.window - 1

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        levels, model = levels_or_model(noisy, sigma)
        thresholds = strength(noisy, levels, self.threshold, self.threshold_over_sigma)
        opponent = self.colors == "opponent" or (self.colors == "auto" and has_colors(noisy))
        noise = None if model is None else _BlockNoise.of(model, noisy, self.window, opponent)
        if opponent:
            return from_opponent(self._denoise(to_opponent(noisy), thresholds, noise))
        return self._denoise(noisy, thresholds, noise)

    def _denoise(
        self, noisy: Array, thresholds: NDArray[np.float64], noise: _BlockNoise | None
    ) -> Array:
        beyond = self.window - 1
        y = _extended(noisy, beyond)
        total = np.zeros_like(y)
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
            total[:, :, *part] += self._tile(y[:, :, *part], counts, limits)
        inside = tuple(slice(beyond, beyond + n) for n in noisy.shape[2:])
        return total[:, :, *inside] / noisy.dtype.type(self.window ** len(inside))

    def _tile(self, part: Array, counts: list[int], limits: Array) -> Array:
        """Return the sum of the estimates of ``counts`` blocks along each axis of a part."""
        frames = [_frame(self.window, count, part.dtype.char) for count in counts]
        first, last = frames[0], frames[-1]
        constant: tuple[Any, ...] = (..., *[slice(None, None, self.window)] * len(frames))
        total = np.empty_like(part)
        items = max(1, COEFFICIENTS // (part.shape[1] * math.prod(map(len, frames))))
        for start in range(0, len(part), items):
            some = slice(start, start + items)
            c = part[some] @ last.T
            if len(frames) == 2:
                c = first @ c
            keep = np.abs(c) > limits[some]
            keep[constant] = True
            c *= keep
            c = c @ last
            total[some] = first.T @ c if len(frames) == 2 else c
        return total


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
