"""Operators: a blur before the samples, or a pair of functions of one's own."""

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

KernelValues = tuple[Any, ...]  # numbers, or rows of numbers: an array that compares and hashes


def as_kernel(values: Any) -> KernelValues:
    """Return an impulse response as nested tuples, which compare and hash; lag 0 comes first.

    Raises
    ------
    InputError
        Where it is no finite, rectangular array of one or two dimensions, or all zero.

    Examples
    --------
    >>> as_kernel(np.array([1, 0.5]))
    (1.0, 0.5)
    """
    try:
        taps = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"kernel={values!r:.60} is no array of numbers") from None
    if taps.ndim not in (1, 2) or not np.isfinite(taps).all() or not taps.any():
        raise InputError(
            f"kernel of shape {taps.shape} must be finite, not all zero, of 1 or 2 dimensions"
        )
    return tuple(taps.tolist() if taps.ndim == 1 else map(tuple, taps.tolist()))


def transfer_function(kernel: Any, space: tuple[int, ...]) -> NDArray[np.complex128]:
    """Return H, the DFT of an impulse response continued with zeros to the lengths ``space``.

    Of the last axis the non-redundant half is kept.

    Raises
    ------
    InputError
        Where the kernel has another number of dimensions, or is longer.

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
    """Return a batch whose spectrum is multiplied by a frequency response, in the batch's dtype."""
    space, axes = batch.shape[2:], space_axes(batch)
    spectrum = scipy.fft.rfftn(batch, axes=axes)
    result: Array = scipy.fft.irfftn(spectrum * response, s=space, axes=axes)
    return result.astype(batch.dtype, copy=False)


@dataclass(frozen=True)
class Convolution:
    """A = HW: synthesis by a transform W, then circular convolution with an impulse response.

    Parameters
    ----------
    kernel : array or nested tuple
        The impulse response h, lag 0 first; shorter than the signal: continued with zeros.
    of : Transform
        W, by default the samples themselves.

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
        """Whether the coefficients are real: as those of W."""
        return self.of.real

    @property
    def orthonormal(self) -> bool:
        """Whether AᴴA = I: not in general."""
        return False

    def analysis(self, signal: Array) -> Coefficients:
        """Return WᴴHᴴy."""
        response = transfer_function(self.kernel, signal.shape[2:]).conj()
        return self.of.analysis(filtered(signal, response))

    def synthesis(self, coefficients: Coefficients, space: tuple[int, ...]) -> Array:
        """Return HWc, whose space axes have the lengths ``space``."""
        response = transfer_function(self.kernel, space)
        return filtered(self.of.synthesis(coefficients, space), response)

    def geometry(self, space: tuple[int, ...]) -> Geometry:
        """Return that of W with the norm max|H|²‖W‖²."""
        of = self.of.geometry(space)
        largest = float(np.max(np.abs(transfer_function(self.kernel, space)) ** 2))
        return Geometry(largest * of.norm, of.multiplicity, of.weights, parseval=False)

    def __str__(self) -> str:
        return f"convolution[of={self.of}]"


POWER_ITERATIONS = 100


@dataclass(frozen=True)
class Operator:
    """A pair of functions of one's own as a transform: c ↦ Ac and y ↦ Aᴴy, for whole batches.

    Channels must not mix: ‖A‖² is found on one.

    Parameters
    ----------
    synthesis_of : callable
        ``f(coefficients, space)`` returns Ac, shape ``(N, C, *space)``.
    analysis_of : callable
        ``g(signal)`` returns Aᴴy, shape ``(N, C, ...)``: real, or complex with all coefficients.
    real : bool
        Whether the coefficients are real.
    largest : float, optional
        ‖A‖² or more; by default found by power iteration, and 5 % added.

    Raises
    ------
    InputError
        On use, where the two are not each other's adjoint.

    Examples
    --------
    >>> twice = Operator(lambda c, space: 2 * c, lambda y: 2 * y)
    >>> round(twice.geometry((8,)).norm, 6)  # 4, and 5 % more
    4.2
    """

    synthesis_of: Callable[[Coefficients, tuple[int, ...]], Array]
    analysis_of: Callable[[Array], Coefficients]
    real: bool = True
    largest: float | None = None

    @property
    def orthonormal(self) -> bool:
        """Whether AᴴA = I: not known."""
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
        """Return the norm, after a check that the two functions are adjoint."""
        rng = np.random.default_rng(0)
        y: Array = rng.standard_normal((1, 1, *space))
        like = self.analysis(y)
        if self.real and np.iscomplexobj(like):
            raise InputError("the coefficients are complex: real=False")
        c = rng.standard_normal(like.shape)  # any coefficients, not just those of a signal
        if not self.real:
            c = c + 1j * rng.standard_normal(like.shape)
        forth, back = np.vdot(self.synthesis(c, space), y), np.vdot(c, self.analysis(y)).real
        if abs(forth - back) > 1e-6 * max(abs(forth), abs(back)):
            raise InputError(f"not adjoint: ⟨Ac, y⟩ = {forth:.6g}, but ⟨c, Aᴴy⟩ = {back:.6g}")
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
