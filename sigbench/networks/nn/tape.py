"""Gradients: a value that remembers how it was made, and the ops that make it remember."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from sigbench.core.errors import InputError, NoDerivative
from sigbench.core.protocols import Array

Backward = Callable[[Array], tuple[Any, ...]]

_COUNT = itertools.count()


class Var:
    """An array in a computation that is to be differentiated.

    Parameters
    ----------
    value : array
        Its value.

    Attributes
    ----------
    grad : array or None
        After `backward`: the derivative of the result by this value, of its shape.

    Examples
    --------
    >>> from sigbench.networks.nn import mse
    >>> x = Var(np.array([1.0, 2.0]))
    >>> mse(3 * x, np.array([0.0, 0.0])).backward()
    >>> x.grad
    array([ 9., 18.])
    """

    __array_ufunc__ = None  # array * Var is Var.__rmul__

    def __init__(
        self, value: Array, inputs: tuple[Any, ...] = (), backward: Backward | None = None
    ) -> None:
        self.value = value
        self.grad: Array | None = None
        self._inputs = inputs
        self._backward = backward
        self._number = next(_COUNT)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        return self.value.shape

    def backward(self, gradient: Array | None = None) -> None:
        """Add the derivatives of this scalar to the ``grad`` of all that it was made of.

        Parameters
        ----------
        gradient : array, optional
            Of the shape of the value: the derivatives are then those of its inner product with
            the value, which need not be a scalar.

        Raises
        ------
        InputError
            Where it is no scalar and no gradient is given, or one of another shape.
        """
        if gradient is None and np.shape(self.value) != ():
            raise InputError(f"a loss is one number: this has shape {self.shape}")
        if gradient is not None and np.shape(gradient) != np.shape(self.value):
            raise InputError(f"the gradient has shape {np.shape(gradient)}, not {self.shape}")
        self.grad = np.ones_like(self.value) if gradient is None else gradient
        for var in self._history():
            if var._backward is None or var.grad is None:
                continue
            gradients = var._backward(var.grad)
            for one, gradient in zip(var._inputs, gradients, strict=False):
                if isinstance(one, Var) and gradient is not None:
                    one.grad = gradient if one.grad is None else one.grad + gradient
            var.grad = None

    def _history(self) -> list[Var]:
        """Return what led to this value, latest first: each after all that it was used for.

        Without what was led to by nothing.
        """
        seen = {self._number: self}
        waiting = [self]
        while waiting:
            for one in waiting.pop()._inputs:
                if isinstance(one, Var) and one._inputs and one._number not in seen:
                    seen[one._number] = one
                    waiting.append(one)
        return [seen[number] for number in sorted(seen, reverse=True)]

    def __add__(self, other: Any) -> Var:
        return add(self, other)

    def __mul__(self, other: Any) -> Var:
        return multiply(self, other)

    def __neg__(self) -> Var:
        return multiply(self, -1.0)

    def __sub__(self, other: Any) -> Var:
        return add(self, -other)

    def __rsub__(self, other: Any) -> Var:
        return add(-self, other)

    __radd__ = __add__
    __rmul__ = __mul__


def op(function: Callable[..., tuple[Any, Backward]]) -> Callable[..., Any]:
    """Make an op of a function that returns its result and the way back.

    Called with arrays alone the op returns an array; with a `Var` among them it returns a `Var`.

    Parameters
    ----------
    function : callable
        ``function(*arrays, **options)`` returns ``(result, backward)``; ``backward(gradient)``
        takes the derivative by the result and returns one by each array, None where there is
        none, or fewer.
    """

    @functools.wraps(function)
    def call(*inputs: Any, **options: Any) -> Any:
        values = [one.value if isinstance(one, Var) else one for one in inputs]
        result, backward = function(*values, **options)
        if any(isinstance(one, Var) for one in inputs):
            return Var(result, inputs, backward)
        return result

    return call


def _summed_to(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Sum over the axes along which a value of this shape was broadcast."""
    if gradient.shape == shape:
        return gradient
    extra = gradient.ndim - len(shape)
    axes = [i for i, n in enumerate(shape, extra) if n == 1 and gradient.shape[i] > 1]
    return gradient.sum(axis=(*range(extra), *axes)).reshape(shape)


@op
def add(a: Array, b: Array) -> tuple[Array, Backward]:
    """Return a + b, broadcast."""

    def backward(g: Array) -> tuple[Any, ...]:
        return _summed_to(g, np.shape(a)), _summed_to(g, np.shape(b))

    return a + b, backward


@op
def multiply(a: Array, b: Array) -> tuple[Array, Backward]:
    """Return a·b, broadcast."""

    def backward(g: Array) -> tuple[Any, ...]:
        return _summed_to(g * b, np.shape(a)), _summed_to(g * a, np.shape(b))

    return a * b, backward


def constant(function: Callable[[Array], Array], x: Any) -> Array:
    """Return what a NumPy function makes of an array.

    Raises
    ------
    NoDerivative
        For a `Var`: no gradient passes through it.
    """
    if isinstance(x, Var):
        raise NoDerivative(f"no gradient passes through {function.__name__}")
    return function(x)
