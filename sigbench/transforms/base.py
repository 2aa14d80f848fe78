"""The transform protocol: the dictionary A of a sparse model y ≈ Ac, and its adjoint Aᴴ."""

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
    """Properties of a transform that norms and penalties need; arrays broadcast over c.

    Attributes
    ----------
    norm : float
        ‖A‖², the largest eigenvalue of AAᴴ, or an upper bound.
    multiplicity : float or array
        Number of coefficients that each stored one represents. The spectrum of a real signal
        consists of conjugate pairs; one of each pair is stored and counts twice in inner products
        and norms.
    weights : float or array
        Weight of each coefficient in a penalty.
    parseval : bool
        Whether AAᴴ = I is known to hold, so that A(Aᴴy) = y.
    """

    norm: float = 1.0
    multiplicity: Weights = 1.0
    weights: Weights = 1.0
    parseval: bool = True


class Transform(Protocol):
    """A linear map A from coefficients to signals, applied to batches."""

    @property
    def real(self) -> bool:
        """Whether the coefficients are real."""
        ...

    @property
    def orthonormal(self) -> bool:
        """Whether AᴴA = I, so that L1 and GMC have closed forms."""
        ...

    def analysis(self, signal: Array) -> Coefficients:
        """Return Aᴴy, shape ``(N, C, ...)``, of a batch ``(N, C, *space)``."""
        ...

    def synthesis(self, coefficients: Coefficients, space: tuple[int, ...]) -> Array:
        """Return Ac, shape ``(N, C, *space)``."""
        ...

    def geometry(self, space: tuple[int, ...]) -> Geometry:
        """Return the properties for signals of shape ``space``."""
        ...


def space_axes(array: NDArray[Any]) -> tuple[int, ...]:
    """Return the space axes of a batch: all except items and channels."""
    return tuple(range(2, array.ndim))


def half_spectrum(n: int) -> NDArray[np.float64]:
    """Return how many of n frequencies each of the n // 2 + 1 stored ones represents.

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
