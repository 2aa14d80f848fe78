"""Activations."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit

from sigbench.core.protocols import Array
from sigbench.networks.nn.tape import Backward, op


@op
def relu(x: Array) -> tuple[Array, Backward]:
    """Return max(x, 0); the gradient at 0 is 0.

    Examples
    --------
    >>> relu(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    y = np.maximum(x, 0)

    def backward(g: Array) -> tuple[Any, ...]:
        return (g * (y > 0),)

    return y, backward


@op
def leaky_relu(x: Array, *, slope: float) -> tuple[Array, Backward]:
    """Return x where x > 0 and slope·x elsewhere.

    Examples
    --------
    >>> leaky_relu(np.array([-1.0, 2.0]), slope=0.1)
    array([-0.1,  2. ])
    """
    factor = np.where(x > 0, x.dtype.type(1), x.dtype.type(slope))

    def backward(g: Array) -> tuple[Any, ...]:
        return (g * factor,)

    return x * factor, backward


@op
def sigmoid(x: Array) -> tuple[Array, Backward]:
    """Return 1/(1 + e⁻ˣ).

    Examples
    --------
    >>> sigmoid(np.array([0.0]))
    array([0.5])
    """
    y = expit(x)

    def backward(g: Array) -> tuple[Any, ...]:
        return (g * y * (1 - y),)

    return y, backward


@op
def softplus(x: Array) -> tuple[Array, Backward]:
    """Return log(1 + eˣ).

    Examples
    --------
    >>> softplus(np.array([0.0])).round(3)
    array([0.693])
    """

    def backward(g: Array) -> tuple[Any, ...]:
        return (g * expit(x),)

    return np.logaddexp(x, x.dtype.type(0)), backward


@op
def log(x: Array) -> tuple[Array, Backward]:
    """Return the natural logarithm of positive numbers.

    Examples
    --------
    >>> log(np.array([1.0]))
    array([0.])
    """

    def backward(g: Array) -> tuple[Any, ...]:
        return (g / x,)

    return np.log(x), backward
