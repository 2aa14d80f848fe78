"""Operators: a transform followed by a convolution, or a pair of user functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array
from sigbench.transforms.base import Coefficients, Geometry, Transform, space_axes
from sigbench.transforms.orthonormal import Identity

KernelValues = tuple[Any, ...]  # nested tuples of numbers, which compare and hash


def as_kernel(values: Any) -> KernelValues:
    """Convert an impulse response, lag 0 first, to nested tuples.

    Raises
    ------
    InputError
        If it is not a finite array of one or two dimensions, or is all zero.

    Examples
    --------
    >>> as_kernel(np.array([1, 0.5]))
    (1.0, 0.5)
    """
    try:
        taps = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"kernel={values!r:.60} is not an array of numbers") from None
    if taps.ndim not in (1, 2) or not np.isfinite(taps).all() or not taps.any():
        raise InputError(
            f"kernel of shape {taps.shape} must be finite, not all zero, and have 1 or 2 dimensions"
        )
    return tuple(taps.tolist() if taps.ndim == 1 else map(tuple, taps.tolist()))


def transfer_function(kernel: Any, space: tuple[int, ...]) -> NDArray[np.complex128]:
    """Return H, the DFT of an impulse response zero-padded to the shape ``space``.

    Only the non-redundant half of the last axis is returned.

    Raises
    ------
    InputError
        If the kernel has another number of dimensions or is larger than ``space``.

    Examples
    --------
    >>> transfer_function((1.0, 1.0), (4,)).round(12)
    array([2.+0.j, 1.-1.j, 0.+0.j])
    """
    taps = np.asarray(kernel, dtype=np.float64)
    if taps.ndim != len(space) or any(k > n for k, n in zip(taps.shape, space, strict=True)):
        raise InputError(f"kernel of shape {taps.shape} does not fit into items of {space}")
    response: NDArray[np.complex128] = scipy.fft.rfftn(taps, s=space)
    return response


def filtered(batch: Array, response: NDArray[np.complexfloating[Any]]) -> Array:
    """Filter a batch with a frequency response; the dtype is kept."""
    space, axes = batch.shape[2:], space_axes(batch)
    spectrum = scipy.fft.rfftn(batch, axes=axes)
    result: Array = scipy.fft.irfftn(spectrum * response, s=space, axes=axes)
    return result.astype(batch.dtype, copy=False)


@dataclass(frozen=True)
class Convolution:
    """A = HW: synthesis with a transform W, then circular convolution with an impulse response.

    Parameters
    ----------
    kernel : array or nested tuple
        Impulse response h, lag 0 first, zero-padded to the length of the signal.
    of : Transform
        W; by default the identity.

    Examples
    --------
    >>> delay = Convolution((0.0, 1.0))
    >>> delay.synthesis(np.array([[[1.0, 2.0, 3.0]]]), (3,)).round(12)
    array([[[3., 1., 2.]]])
    """

    kernel: KernelValues
    of: Transform = field(default=Identity())

    def __post_init__(self) -> None:
        object.__setattr__(self, "kernel", as_kernel(self.kernel))

    @property
    def real(self) -> bool:
        """Whether the coefficients of W are real."""
        return self.of.real

    @property
    def orthonormal(self) -> bool:
        """Whether AᴴA = I: in general not."""
        return False

    def analysis(self, signal: Array) -> Coefficients:
        """Return WᴴHᴴy."""
        response = transfer_function(self.kernel, signal.shape[2:]).conj()
        return self.of.analysis(filtered(signal, response))

    def synthesis(self, coefficients: Coefficients, space: tuple[int, ...]) -> Array:
        """Return HWc, shape ``(N, C, *space)``."""
        response = transfer_function(self.kernel, space)
        return filtered(self.of.synthesis(coefficients, space), response)

    def geometry(self, space: tuple[int, ...]) -> Geometry:
        """Return the properties of W with the norm bound max|H|²‖W‖²."""
        inner = self.of.geometry(space)
        largest = float(np.max(np.abs(transfer_function(self.kernel, space)) ** 2))
        return Geometry(largest * inner.norm, inner.multiplicity, inner.weights, parseval=False)

    def __str__(self) -> str:
        return f"convolution[of={self.of}]"


POWER_ITERATIONS = 100


@dataclass(frozen=True)
class Operator:
    """A transform given by two functions, c ↦ Ac and y ↦ Aᴴy, which operate on batches.

    They must not mix channels: ‖A‖² is computed with one channel.

    Parameters
    ----------
    synthesis_of : callable
        ``f(coefficients, space)`` returns Ac, shape ``(N, C, *space)``.
    analysis_of : callable
        ``g(signal)`` returns Aᴴy, shape ``(N, C, ...)``. Complex coefficients must be complete, not
        a half spectrum.
    real : bool
        Whether the coefficients are real.
    largest : float, optional
        Upper bound of ‖A‖²; by default 1.05 times the result of a power iteration.

    Raises
    ------
    InputError
        In `geometry`, if the functions are not adjoint to each other.

    Examples
    --------
    >>> twice = Operator(lambda c, space: 2 * c, lambda y: 2 * y)
    >>> round(twice.geometry((8,)).norm, 6)  # 1.05 · 4
    4.2
    """

    synthesis_of: Callable[[Coefficients, tuple[int, ...]], Array]
    analysis_of: Callable[[Array], Coefficients]
    real: bool = True
    largest: float | None = None

    @property
    def orthonormal(self) -> bool:
        """Whether AᴴA = I: unknown, hence False."""
        return False

    def analysis(self, signal: Array) -> Coefficients:
        """Return Aᴴy."""
        kind = np.float64 if self.real else np.complex128
        coefficients = np.asarray(self.analysis_of(signal))
        return coefficients.astype(np.result_type(coefficients, kind), copy=False)

    def synthesis(self, coefficients: Coefficients, space: tuple[int, ...]) -> Array:
        """Return Ac."""
        return np.real(self.synthesis_of(coefficients, space))

    def geometry(self, space: tuple[int, ...]) -> Geometry:
        """Return the norm after checking that the two functions are adjoint."""
        rng = np.random.default_rng(0)
        y: Array = rng.standard_normal((1, 1, *space))
        coefficients = self.analysis(y)
        if self.real and np.iscomplexobj(coefficients):
            raise InputError("the coefficients are complex: set real=False")
        c = rng.standard_normal(coefficients.shape)  # not only coefficients of a signal
        if not self.real:
            c = c + 1j * rng.standard_normal(coefficients.shape)
        left, right = np.vdot(self.synthesis(c, space), y), np.vdot(c, self.analysis(y)).real
        if abs(left - right) > 1e-6 * max(abs(left), abs(right)):
            raise InputError(f"not adjoint: ⟨Ac, y⟩ = {left:.6g}, but ⟨c, Aᴴy⟩ = {right:.6g}")
        for _ in range(POWER_ITERATIONS):
            y = self.synthesis(self.analysis(y), space)
            norm = float(np.linalg.norm(y))
            if norm == 0:
                raise InputError("AAᴴ is zero")
            y /= norm
        if self.largest is None:
            return Geometry(1.05 * norm, parseval=False)
        if self.largest < (1 - 1e-6) * norm:
            raise InputError(
                f"largest={self.largest:g} must be >= ‖A‖², which is {norm:.6g} or more"
            )
        return Geometry(self.largest, parseval=False)

    def __str__(self) -> str:
        return "operator"
