"""Loss functions: one number per batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array
from sigbench.networks.nn.tape import Backward, op

MIN_POWER = 1e-7  # added to the MSE of each item in `log_mse`


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
    """Return the mean of ½e² for errors |e| < 1 and of |e| − ½ for larger ones (Huber loss).

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


@op
def log_mse(estimate: Array, target: Array) -> tuple[Any, Backward]:
    """Return the mean over items of log(MSE + 1e-7); up to constants, minus the mean PSNR.

    Unlike the mean squared error, which is dominated by the items with large errors, this weights
    all items equally. 1e-7 (−70 dB) is for flat items, whose error can be zero.

    Parameters
    ----------
    estimate, target : array, shape (N, ...)
        Items along the first axis.

    Examples
    --------
    >>> float(log_mse(np.array([[1.0], [10.0]]), np.zeros((2, 1))).round(3))
    2.303
    """
    error = _error(estimate, target)
    axes = tuple(range(1, error.ndim))
    power = np.mean(error * error, axis=axes, keepdims=True) + error.dtype.type(MIN_POWER)

    def backward(g: Array) -> tuple[Any, ...]:
        d = g * (2 / error.size) * error / power
        return d, -d

    return np.mean(np.log(power)), backward


LOSSES = {"mse": mse, "smooth-l1": smooth_l1, "log-mse": log_mse}
