"""What a transform is: the dictionary A of a sparse model y ≈ Ac, and its adjoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sigbench.core.protocols import Array

Coefficients = NDArray[np.inexact[Any]]
Weights = float | NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Geometry:
    """What norms and penalties have to know of a transform on a space; arrays broadcast over c.

    Attributes
    ----------
    norm : float
        ‖A‖², the largest eigenvalue of AAᴴ, or more.
    multiplicity : float or array
        How many coefficients each kept one stands for: of the conjugate pairs of a real signal's
        spectrum one is kept, and inner products and norms count it twice.
    weights : float or array
        What a penalty weighs each coefficient by.
    parseval : bool
        Whether AAᴴ = I is known, so that A(Aᴴy) = y.
    """

    norm: float = 1.0
    multiplicity: Weights = 1.0
    weights: Weights = 1.0
    parseval: bool = True


class Transform(Protocol):
    """A linear map A from coefficients to signals, for whole batches."""

    @property
    def real(self) -> bool:
        """Whether the coefficients are real."""
        ...

    @property
    def orthonormal(self) -> bool:
        """Whether AᴴA = I: then L1 and GMC have closed forms."""
        ...

    def analysis(self, signal: Array) -> Coefficients:
        """Return Aᴴy of a batch ``(N, C, *space)``; coefficients are ``(N, C, ...)``."""
        ...

    def synthesis(self, coefficients: Coefficients, space: tuple[int, ...]) -> Array:
        """Return Ac, whose space axes have the lengths ``space``."""
        ...

    def geometry(self, space: tuple[int, ...]) -> Geometry:
        """Return what norms and penalties have to know of it."""
        ...


def space_axes(array: NDArray[Any]) -> tuple[int, ...]:
    """Return the axes of a batch behind items and channels."""
    return tuple(range(2, array.ndim))


def half_spectrum(n: int) -> NDArray[np.float64]:
    """Return how many of n frequencies each of the n // 2 + 1 kept ones stands for.

    Examples
    --------
    >>> half_spectrum(4), half_spectrum(5)
    (array([1., 2., 1.]), array([1., 2., 2.]))
    """
    count = np.full(n // 2 + 1, 2.0)
    count[0] = 1
    if n % 2 == 0:
        count[-1] = 1
    return count
