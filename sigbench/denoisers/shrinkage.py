"""Shrinkage functions: the proximal maps used by sparse denoisers.

Each function takes coefficients ``u`` (real or complex) and a threshold ``t`` >= 0 that broadcasts
to them. It returns an array of the same shape and dtype as ``u``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Coefficients = NDArray[np.inexact[Any]]
Threshold = float | NDArray[np.floating[Any]]


def _ratio(u: Coefficients, t: Threshold) -> NDArray[np.floating[Any]]:
    """Return min(t/|u|, 1); the value for 0/0 is arbitrary but finite."""
    size = np.abs(u)
    np.maximum(size, t, out=size)
    np.maximum(size, np.finfo(size.dtype).tiny, out=size)
    return np.divide(t, size, out=size)


def soft(u: Coefficients, t: Threshold) -> Coefficients:
    """Soft threshold u·max(1 − t/|u|, 0): the proximal map of t‖·‖₁.

    Examples
    --------
    >>> soft(np.array([-3.0, 0.5, 2.0]), 1.0)
    array([-2.,  0.,  1.])
    """
    if np.iscomplexobj(u):
        gain = _ratio(u, t)
        return u * np.subtract(1, gain, out=gain)
    return u - np.clip(u, -t, t)


def soft_nonneg(u: Coefficients, t: Threshold) -> Coefficients:
    """Soft threshold of coefficients that must be >= 0: max(u − t, 0)."""
    return np.maximum(u - t, 0)


def firm(u: Coefficients, t: Threshold, gamma: float) -> Coefficients:
    """Firm threshold u·clip((1 − t/|u|)/(1 − γ), 0, 1): zero below t, identity above t/γ.

    The proximal map of the scaled minimax-concave penalty, 0 <= gamma < 1; gamma = 0 is `soft`.

    Examples
    --------
    >>> firm(np.array([-3.0, 0.5, 1.5]), 1.0, 0.5)
    array([-3.,  0.,  1.])
    """
    gain = _ratio(u, t)
    np.subtract(1, gain, out=gain)
    gain /= 1 - gamma
    return u * np.minimum(gain, 1, out=gain)


def firm_nonneg(u: Coefficients, t: Threshold, gamma: float) -> Coefficients:
    """Firm threshold of coefficients that must be >= 0."""
    return firm(np.maximum(u, 0), t, gamma)


def hard(u: Coefficients, t: Threshold) -> Coefficients:
    """Hard threshold: u where |u| > t, else 0.

    Examples
    --------
    >>> hard(np.array([-3.0, 0.5, 1.0]), 1.0)
    array([-3.,  0.,  0.])
    """
    return np.where(np.abs(u) > t, u, 0)


def garrote(u: Coefficients, t: Threshold) -> Coefficients:
    """Non-negative garrote u·max(1 − t²/|u|², 0) (Gao 1998).

    Examples
    --------
    >>> garrote(np.array([-2.0, 0.5]), 1.0)
    array([-1.5,  0. ])
    """
    return u * (1 - _ratio(u, t) ** 2)
