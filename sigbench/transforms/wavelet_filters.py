"""The filters of orthogonal wavelets, to double precision."""

from __future__ import annotations

import functools
from dataclasses import field
from fractions import Fraction
from typing import Any

import numpy as np
import pywt
from numpy.typing import NDArray

from sigbench.core.errors import InputError

NEWTON_STEPS = 2  # from 1e-11 to 1e-22, if it were not for rounding


@functools.lru_cache(maxsize=32)
def orthogonal_wavelet(name: str) -> Any:
    """Return an orthogonal wavelet of PyWavelets by name, with filters to double precision.

    The tables of PyWavelets for ``sym2`` to ``sym20`` have errors of up to 1.5e-11, so that the
    details of a constant are not zero. They are solved again; the others are used as they are.

    Raises
    ------
    InputError
        If the name is unknown or the wavelet is not orthogonal.

    Examples
    --------
    >>> bool(abs(sum(orthogonal_wavelet("sym8").dec_hi)) < 1e-15)
    True
    """
    if name == "dmey" or name not in pywt.wavelist(
        kind="discrete"
    ):  # dmey is only approximately orthogonal
        raise InputError(f"wavelet={name!r} is unknown: use haar, dbN, symN or coifN")
    wavelet = pywt.Wavelet(name)
    if not wavelet.orthogonal:
        raise InputError(f"wavelet={name!r} is not orthogonal: use haar, dbN, symN or coifN")
    if not is_refined(name):
        return wavelet
    low = _solved(np.array(wavelet.rec_lo))
    high = low[::-1] * (-1.0) ** np.arange(len(low))
    refined = pywt.Wavelet(name, [f.tolist() for f in (low[::-1], high[::-1], low, high)])
    refined.orthogonal = True
    return refined


def is_refined(name: str) -> bool:
    """Return whether the filters of a wavelet differ from those of PyWavelets."""
    return name.startswith("sym")


def refined_field() -> Any:
    """Return a field that is part of the key of cells if the wavelet is refined."""
    metadata = {"identity": "if set"}
    return field(init=False, default=False, repr=False, compare=False, metadata=metadata)


def default_level(space: tuple[int, ...], wavelet: str) -> int:
    """Return the maximum useful depth for the shortest axis (``pywt.dwt_max_level``)."""
    return min(pywt.dwt_max_level(n, wavelet) for n in space)


def _solved(low: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solve the equations of an orthonormal filter with n/2 vanishing moments, near ``low``.

    For k < n/2: Σ_i h_i·h_(i+2k) is 1 if k = 0 and otherwise 0, and Σ_i (−1)^i·T_k(t_i)·h_i is 0,
    with the Chebyshev polynomials T_k. Newton's method with exact residuals.

    References
    ----------
    Daubechies, Ten Lectures on Wavelets (1992), eqs. (5.1.39) and (6.1.1).
    """
    n = len(low)
    moments = [[(-1) ** i * t for i, t in enumerate(row)] for row in _chebyshev(n)]
    jacobian = np.zeros((n, n))
    jacobian[n // 2 :] = moments
    for _ in range(NEWTON_STEPS):
        exact = [Fraction(x) for x in low.tolist()]
        residual = [
            sum(a * b for a, b in zip(exact, exact[2 * k :], strict=False)) - (k == 0)
            for k in range(n // 2)
        ]
        residual += [sum(a * b for a, b in zip(row, exact, strict=True)) for row in moments]
        for k in range(n // 2):
            jacobian[k] = 0
            jacobian[k, : n - 2 * k] += low[2 * k :]
            jacobian[k, 2 * k :] += low[: n - 2 * k]
        low = low - np.linalg.solve(jacobian, np.array([float(r) for r in residual]))
    return low


def _chebyshev(n: int) -> list[list[Fraction]]:
    """Return the Chebyshev polynomials of degree < n/2 at n equally spaced points of [−1, 1]."""
    t = [Fraction(2 * i - n + 1, n - 1) for i in range(n)]
    rows = [[Fraction(1)] * n, t]
    while len(rows) < n // 2:
        rows.append([2 * x * a - b for x, a, b in zip(t, rows[-1], rows[-2], strict=True)])
    return rows[: n // 2]
