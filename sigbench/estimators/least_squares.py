"""Least squares for a finite impulse response, and the Cramér-Rao bound."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Estimator, Info, Sigma
from sigbench.core.rng import item_rng
from sigbench.core.validation import check_field, per_item
from sigbench.estimators.inputs import check_records, check_taps, spectrum


@dataclass(frozen=True)
class LeastSquaresFIR:
    """Least squares, h = argmin ‖y − Xh‖² = (XᵀX)⁻¹Xᵀy.

    Column k < ``taps`` of X is x, circularly delayed by k samples. XᵀX is the Toeplitz matrix of
    the autocorrelation of x, and Xᵀy is the cross-correlation, so an item needs two transforms and
    one small linear system. In white Gaussian noise the estimator attains the Cramér-Rao bound. If
    x excites fewer than ``taps`` dimensions, the solution of minimum norm is returned.

    Parameters
    ----------
    taps : int, optional
        Number of taps of the response; by default the length of the record.

    References
    ----------
    Kay, Fundamentals of Statistical Signal Processing: Estimation Theory (1993), example 4.3
    (identification of an FIR system) and theorem 4.1 (efficiency).

    Examples
    --------
    >>> x = np.array([[[1.0, 2.0, 0.0, 0.0]]])
    >>> LeastSquaresFIR(taps=2).estimate(x, x + 0.5 * np.roll(x, 1)).round(12)
    array([[[1. , 0.5]]])
    """

    taps: int | None = None

    info: ClassVar[Info] = Info(
        "least-squares-fir", "system identification", "Kay 1993, example 4.3", domains=("system",)
    )

    def __post_init__(self) -> None:
        check_field("taps", self.taps, 1)

    def estimate(self, x: Array, y: Array, *, sigma: Sigma = None) -> Array:
        """Return the response, shape ``(N, 1, taps)``; the noise level is not used."""
        check_records(x, y, sigma)
        taps = check_taps(self.taps, x.shape[-1])
        X, Y = spectrum(x), spectrum(y)
        density = np.abs(X) ** 2  # its extremes bound the eigenvalues of XᵀX
        gram = _toeplitz(fft.irfft(density, x.shape[-1]), taps)
        right = fft.irfft(X.conj() * Y, x.shape[-1])[..., :taps, None]
        rcond = taps * float(np.finfo(np.float64).eps)
        regular = density.min(axis=(1, 2)) > rcond * density.max(axis=(1, 2))
        h = np.empty_like(right)
        h[regular] = np.linalg.solve(gram[regular], right[regular])
        h[~regular] = np.linalg.pinv(gram[~regular], rcond=rcond, hermitian=True) @ right[~regular]
        return h[..., 0].astype(x.dtype)


@dataclass(frozen=True)
class CramerRao:
    """Simulated efficient estimator: a random draw from N(h, C) with C = σ²(XᵀX)⁻¹.

    C is the Cramér-Rao bound of the covariance of unbiased estimators in white Gaussian noise. It
    is represented by a draw, not by a number, so that every metric can score it (the mean of a
    logarithm is not the logarithm of the mean). A biased estimator can have a smaller mean squared
    error, especially at low signal-to-noise ratios, so this is a reference and not a true bound.

    Parameters
    ----------
    taps : int, optional
        Number of taps of h, if it is to be checked.

    References
    ----------
    Kay, Fundamentals of Statistical Signal Processing: Estimation Theory (1993), theorem 4.1.

    Examples
    --------
    >>> x, h = np.array([[[2.0, 0.0, 0.0, 0.0]]]), np.array([[[1.0, 0.5]]])
    >>> CramerRao().bind(h).estimate(x, x, sigma=0.0)
    array([[[1. , 0.5]]])
    """

    taps: int | None = None

    info: ClassVar[Info] = Info(
        "cramer-rao",
        "limit",
        "Kay 1993, theorem 4.1: the Cramér-Rao bound of unbiased estimators",
        domains=("system",),
        uses_sigma=True,
    )

    def __post_init__(self) -> None:
        check_field("taps", self.taps, 1)

    def bind(self, clean: Array) -> Estimator:
        """Return the estimator for the true responses ``clean``, shape ``(N, 1, taps)``."""
        if self.taps is not None and self.taps != clean.shape[-1]:
            raise InputError(f"taps={self.taps} must be {clean.shape[-1]}, the number of taps of h")
        return _Efficient(clean)


@dataclass(frozen=True, eq=False)
class _Efficient:
    h: Array

    def estimate(self, x: Array, y: Array, *, sigma: Sigma = None) -> Array:
        """Return h + e, where e is drawn from N(0, C); the input x names the random stream."""
        levels = check_records(x, y, sigma)
        if levels is None:
            raise InputError("cramer-rao needs the noise level: sigma=given")
        taps = check_taps(self.h.shape[-1], x.shape[-1])
        try:
            root = np.linalg.cholesky(information(x, taps))
        except np.linalg.LinAlgError:
            raise InputError(f"an input excites fewer than taps={taps} dimensions") from None
        draws = np.stack([_stream(item).standard_normal((1, taps, 1)) for item in x])
        error = np.linalg.solve(np.swapaxes(root, -1, -2), draws)[
            ..., 0
        ]  # L⁻ᵀz has covariance C/σ²
        return (self.h + per_item(levels, error) * error).astype(x.dtype)


def information(x: Array, taps: int) -> NDArray[np.float64]:
    """Return XᵀX, which is σ² times the Fisher information about h.

    Parameters
    ----------
    x : array, shape (N, 1, L)
        The inputs.
    taps : int
        Number of taps of h.

    Returns
    -------
    array, shape (N, 1, taps, taps)

    Examples
    --------
    >>> information(np.array([[[1.0, 2.0, 0.0, 0.0]]]), 2)
    array([[[[5., 2.],
             [2., 5.]]]])
    """
    return _toeplitz(fft.irfft(np.abs(spectrum(x)) ** 2, x.shape[-1]), taps)


def _toeplitz(autocorrelation: NDArray[np.float64], taps: int) -> NDArray[np.float64]:
    lags = np.arange(taps)
    return autocorrelation[..., np.abs(lags[:, None] - lags)]


def _stream(x: Array) -> np.random.Generator:
    """Return the stream named by the input only, so that noise levels scale the same draw."""
    return item_rng(0, "cramer-rao", 1, hashlib.blake2b(x.tobytes()).hexdigest())
