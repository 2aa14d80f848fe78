"""Signals with gaps: the samples that a gap lacks are inserted before denoising."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from sigbench.core.media.table.spacing import gaps_of
from sigbench.core.protocols import Array

LONG_GAP = 64  # samples that are inserted at most
MIN_SEGMENT = 256  # samples of a segment that is denoised on its own


def on_uniform_grid(
    denoise: Callable[[Array], Array], positions: NDArray[np.float64]
) -> Callable[[Array], Array]:
    """Return a denoiser of signals with gaps.

    Samples that a gap lacks are inserted by linear interpolation, and removed after denoising, so
    that samples on both sides of a gap are not taken as neighbors. A gap that lacks more than 64
    samples divides the signal, if both parts have at least 256 samples; otherwise 64 are inserted.

    Samples that are unevenly spaced without gaps stay as they are: interpolation on a uniform grid
    would make white noise colored, which costs methods with thresholds more than the spacing does.

    Parameters
    ----------
    denoise : callable
        Returns the estimate of a batch ``(N, C, L)``.
    positions : array, shape (L,)
        Where the samples are; sorted.

    Examples
    --------
    >>> at = np.array([0.0, 1, 2, 3, 6, 7])
    >>> on_uniform_grid(lambda batch: batch + batch.shape[-1], at)(np.zeros((1, 1, 6)))
    array([[[8., 8., 8., 8., 8., 8.]]])
    """
    steps = np.abs(np.diff(positions))
    gap = gaps_of(steps)
    usual = float(np.mean(steps[~gap])) if (~gap).any() else 1.0
    lacking = np.where(gap, np.maximum(np.round(steps / usual) - 1, 0), 0).astype(int)

    def estimate(batch: Array) -> Array:
        out = np.empty_like(batch)
        for part in segments(lacking):
            inner = np.minimum(lacking[part.start : part.stop - 1], LONG_GAP)
            at = np.concatenate([[0], np.cumsum(1 + inner)])
            out[..., part] = denoise(_spread(batch[..., part], at))[..., at]
        return out

    return estimate


def segments(lacking: NDArray[np.intp]) -> Iterator[slice]:
    """Yield the parts of a signal between long gaps.

    Parameters
    ----------
    lacking : array of int, shape (L - 1,)
        How many samples are lacking after each sample but the last.
    """
    start, length = 0, len(lacking) + 1
    for stop in (np.flatnonzero(lacking > LONG_GAP) + 1).tolist():
        if stop - start >= MIN_SEGMENT and length - stop >= MIN_SEGMENT:
            yield slice(start, stop)
            start = stop
    yield slice(start, length)


def _spread(batch: Array, at: NDArray[np.intp]) -> Array:
    """Return signals whose samples are at other places, interpolated in between."""
    if at[-1] == len(at) - 1:
        return batch
    grid = np.arange(at[-1] + 1)
    flat = batch.reshape(-1, batch.shape[-1])
    found = np.stack([np.interp(grid, at, row) for row in flat])
    return found.reshape(*batch.shape[:-1], len(grid)).astype(batch.dtype)
