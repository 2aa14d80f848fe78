"""Reverse-mode differentiation: `Var` records how a value was computed, `op` defines operations."""

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
    """An array for which derivatives are computed.

    Parameters
    ----------
    value : array
        The value.

    Attributes
    ----------
    grad : array or None
        After `backward`, the derivative of the result with respect to this value, same shape.

    Examples
    --------
    >>> from sigbench.networks.nn import mse
    >>> x = Var(np.array([1.0, 2.0]))
    >>> mse(3 * x, np.array([0.0, 0.0])).backward()
    >>> x.grad
    array([ 9., 18.])
    """

    __array_ufunc__ = None  # so that array * Var calls Var.__rmul__

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
        """Add the derivatives of this scalar to the ``grad`` of the inputs it depends on.

        Parameters
        ----------
        gradient : array, optional
            Same shape as the value, which then need not be a scalar: the derivatives are those
            of the inner product of ``gradient`` and the value.

        Raises
        ------
        InputError
            If the value is not a scalar and ``gradient`` is missing, or has another shape.
        """
        if gradient is None and np.shape(self.value) != ():
            raise InputError(f"the loss must be a scalar, but has shape {self.shape}")
        if gradient is not None and np.shape(gradient) != np.shape(self.value):
            raise InputError(f"the gradient has shape {np.shape(gradient)}, not {self.shape}")
        self.grad = np.ones_like(self.value) if gradient is None else gradient
        for var in self._history():
            if var._backward is None or var.grad is None:
                continue
            gradients = var._backward(var.grad)
            for source, gradient in zip(var._inputs, gradients, strict=False):
                if isinstance(source, Var) and gradient is not None:
                    source.grad = gradient if source.grad is None else source.grad + gradient
            var.grad = None

    def _history(self) -> list[Var]:
        """Return the computed values that this one depends on, including itself, latest first."""
        seen = {self._number: self}
        stack = [self]
        while stack:
            for source in stack.pop()._inputs:
                if isinstance(source, Var) and source._inputs and source._number not in seen:
                    seen[source._number] = source
                    stack.append(source)
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
    """Turn a function that returns its result and its backward function into an operation.

    The operation returns a `Var` if one of its arguments is a `Var`, otherwise an array.

    Parameters
    ----------
    function : callable
        ``function(*arrays, **options)`` returns ``(result, backward)``. ``backward(gradient)``
        takes the derivative with respect to the result and returns those with respect to the
        arrays, in order; None for an array without one, and trailing ones may be omitted.
    """

    @functools.wraps(function)
    def call(*inputs: Any, **options: Any) -> Any:
        values = [source.value if isinstance(source, Var) else source for source in inputs]
        result, backward = function(*values, **options)
        if any(isinstance(source, Var) for source in inputs):
            return Var(result, inputs, backward)
        return result

    return call


def _summed_to(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Sum a gradient over the axes along which an array of this shape was broadcast."""
    if gradient.shape == shape:
        return gradient
    extra = gradient.ndim - len(shape)
    axes = [i for i, n in enumerate(shape, extra) if n == 1 and gradient.shape[i] > 1]
    return gradient.sum(axis=(*range(extra), *axes)).reshape(shape)


@op
def add(a: Array, b: Array) -> tuple[Array, Backward]:
    """Return a + b, with broadcasting."""

    def backward(g: Array) -> tuple[Any, ...]:
        return _summed_to(g, np.shape(a)), _summed_to(g, np.shape(b))

    return a + b, backward


@op
def multiply(a: Array, b: Array) -> tuple[Array, Backward]:
    """Return a·b, with broadcasting."""

    def backward(g: Array) -> tuple[Any, ...]:
        return _summed_to(g * b, np.shape(a)), _summed_to(g * a, np.shape(b))

    return a * b, backward


def constant(function: Callable[[Array], Array], x: Any) -> Array:
    """Apply a NumPy function without derivative to an array.

    Raises
    ------
    NoDerivative
        If ``x`` is a `Var`.
    """
    if isinstance(x, Var):
        raise NoDerivative(f"no gradient passes through {function.__name__}")
    return function(x)
