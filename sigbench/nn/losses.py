"""Losses: one number for a batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from sigbench.errors import InputError
from sigbench.nn.tape import Backward, op
from sigbench.types import Array


def _error(estimate: Array, target: Array) -> Array:
    if estimate.shape != target.shape:
        raise InputError(f"estimate {estimate.shape} and target {target.shape} differ in shape")
    return estimate - target


@op
def mse(estimate: Array, target: Array) -> tuple[Any, Backward]:
    """Return the mean squared error.

    Examples
    --------
    >>> float(mse(np.array([1.0, 2.0]), np.array([0.0, 0.0])))
    2.5
    """
    error = _error(estimate, target)

    def backward(g: Array) -> tuple[Any, ...]:
        d = g * (2 / error.size) * error
        return d, -d

    return np.mean(error * error), backward


@op
def smooth_l1(estimate: Array, target: Array) -> tuple[Any, Backward]:
    """Return the mean of ½e² where the error |e| < 1, else |e| − ½ (Huber's loss).

    References
    ----------
    Huber, Ann. Math. Statist. 35 (1), 1964; Girshick, ICCV 2015, eq. 3.

    Examples
    --------
    >>> float(smooth_l1(np.array([0.5, 3.0]), np.array([0.0, 0.0])))
    1.3125
    """
    error = _error(estimate, target)
    size = np.abs(error)
    value = np.where(size < 1, 0.5 * error * error, size - 0.5)

    def backward(g: Array) -> tuple[Any, ...]:
        d = g / error.size * np.clip(error, -1, 1)
        return d, -d

    return np.mean(value), backward


LOSSES = {"mse": mse, "smooth-l1": smooth_l1}
