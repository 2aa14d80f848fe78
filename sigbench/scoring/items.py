"""Metrics that are computed item by item, because they are undefined for some items."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError

Values = NDArray[np.float64]


def by_item(
    metric: Callable[[Values, Values, float], float],
    clean: NDArray[Any],
    estimate: NDArray[Any],
    fs: float,
) -> Values:
    """Return ``metric(clean, estimate, fs)`` of every item.

    Parameters
    ----------
    metric : callable
        The metric of two signals, shape ``(samples,)``.
    clean, estimate : array, shape (N, samples)
        The signals.
    fs : float
        Sampling rate in Hz.

    Returns
    -------
    array, shape (N,)

    Examples
    --------
    >>> by_item(lambda x, y, fs: float(abs(x - y).max()), np.zeros((1, 3)), np.ones((1, 3)), 8000.0)
    array([1.])
    """
    return np.array([metric(x, y, fs) for x, y in zip(clean, estimate, strict=True)])


def check_sound(metric: str, clean: Values, estimate: Values | None = None) -> None:
    """Check that no signal of an item, or of several, is silent.

    Parameters
    ----------
    metric : str
        Name of the metric, for the message.
    clean, estimate : array, shape (..., samples)
        The signals; omit an estimate that may be silent.

    Raises
    ------
    InputError
        If a signal is zero everywhere.

    Examples
    --------
    >>> check_sound("SI-SDR", np.ones(3), np.zeros(3))
    Traceback (most recent call last):
    sigbench.core.errors.InputError: the estimate is silent: SI-SDR is undefined
    """
    for name, signal in (("clean signal", clean), ("estimate", estimate)):
        if signal is not None and not signal.any(axis=-1).all():
            raise InputError(f"the {name} is silent: {metric} is undefined")
