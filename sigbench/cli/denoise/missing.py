"""Missing samples, replaced by the estimates of the method where those predict samples better."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sigbench.core.protocols import Array

ROUNDS = 5
SHIFT = 0.382  # of the length: where samples are held out


def refine_missing(
    denoise: Callable[[Array], Array],
    batch: Array,
    missing: NDArray[np.bool_],
    *,
    rounds: int = ROUNDS,
) -> Array:
    """Denoise signals with missing samples, which are replaced by the estimate and denoised again.

    Each round replaces the missing samples by their estimates. A fixed point is a signal whose
    missing samples the method does not change: they are then determined by its prior alone. Methods
    that shrink strongly make such samples too small. Therefore known samples are held out, in the
    same pattern as the missing ones, and an item is refined only if that predicts them better.

    Parameters
    ----------
    denoise : callable
        Returns the estimate of a batch; a value of an item depends on that item only.
    batch : array, shape (N, C, L)
        The noisy items; missing samples are interpolated.
    missing : array of bool, shape of ``batch``
        Which samples are missing.
    rounds : int
        How often the missing samples are replaced.

    Returns
    -------
    array, shape of ``batch``
        The estimate.

    Examples
    --------
    >>> noisy = np.array([[[1.0, 1.0, 5.0, 1.0, 1.0, 1.0]]])  # where 5 stands for a missing sample
    >>> refine_missing(lambda y: 0.5 * y, noisy, noisy == 5)
    array([[[0.5, 0.5, 2.5, 0.5, 0.5, 0.5]]])
    """
    estimate = denoise(batch)
    if not missing.any():
        return estimate
    held = np.roll(missing, round(SHIFT * batch.shape[-1]), axis=-1) & ~missing
    trial = _interpolated(batch, held | missing)
    plain = denoise(trial)
    refined = _refined(denoise, plain, trial, held | missing, rounds)
    error, plain_error = (
        np.sum((one - batch) ** 2, axis=(1, 2), where=held) for one in (refined, plain)
    )
    better = error < plain_error
    if better.any():
        again = _refined(denoise, estimate, batch, missing, rounds)
        estimate = np.where(better[:, None, None], again, estimate)
    return estimate


def _refined(
    denoise: Callable[[Array], Array],
    estimate: Array,
    batch: Array,
    missing: NDArray[np.bool_],
    rounds: int,
) -> Array:
    for _ in range(rounds):
        estimate = denoise(np.where(missing, estimate, batch))
    return estimate


def _interpolated(batch: Array, missing: NDArray[np.bool_]) -> Array:
    out = batch.copy()
    at = np.arange(batch.shape[-1])
    for index in np.ndindex(batch.shape[:-1]):
        hole = missing[index]
        if not hole.all():
            out[index][hole] = np.interp(at[hole], at[~hole], batch[index][~hole])
    return out
