"""Least squares over a finite response, and the bound that it attains."""

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
from sigbench.core.validation import check_field
from sigbench.estimators.inputs import check_records, check_taps, spectrum


@dataclass(frozen=True)
class LeastSquaresFIR:
    """h = argmin ‖y − Xh‖² = (XᵀX)⁻¹Xᵀy, column k of X is x delayed by k (circular), k < taps.

    XᵀX is the Toeplitz matrix of x's autocorrelation and Xᵀy the cross-correlation, so two
    transforms and one small system an item do it. In white Gaussian noise no unbiased estimator
    is better: it attains the Cramér-Rao bound. Where x excites less than ``taps`` dimensions, the
    h of least norm.

    Parameters
    ----------
    taps : int, optional
        Length of the response; that of the record where nobody says.

    References
    ----------
    Kay, Fundamentals of Statistical Signal Processing: Estimation Theory (1993), example 4.3 (system
    identification by an FIR filter), theorem 4.1 (it is efficient).

    Examples
    --------
    >>> x = np.array([[[1.0, 2.0, 0.0, 0.0]]])
    >>> LeastSquaresFIR(taps=2).estimate(x, x + 0.5 * np.roll(x, 1)).round(12)
    array([[[1. , 0.5]]])
    """

    taps: int | None = None

    info: ClassVar[Info] = Info(
        "least-squares-fir", "system function", "Kay 1993, example 4.3", domains=("system",)
    )

    def __post_init__(self) -> None:
        check_field("taps", self.taps, 1)

    def estimate(self, x: Array, y: Array, *, sigma: Sigma = None) -> Array:
        """Return the response, shape ``(N, 1, taps)``; the noise level is not used."""
        check_records(x, y, sigma)
        taps = check_taps(self.taps, x.shape[-1])
        of_x, of_y = spectrum(x), spectrum(y)
        density = np.abs(of_x) ** 2  # the eigenvalues of XᵀX lie between its extremes
        gram = _toeplitz(fft.irfft(density, x.shape[-1]), taps)
        right = fft.irfft(of_x.conj() * of_y, x.shape[-1])[..., :taps, None]
        least = taps * float(np.finfo(np.float64).eps)
        solid = density.min(axis=(1, 2)) > least * density.max(axis=(1, 2))
        h = np.empty_like(right)
        h[solid] = np.linalg.solve(gram[solid], right[solid])
        h[~solid] = np.linalg.pinv(gram[~solid], rcond=least, hermitian=True) @ right[~solid]
        return h[..., 0].astype(x.dtype)


@dataclass(frozen=True)
class CramerRao:
    """An estimate drawn from N(h, C), C = σ²(XᵀX)⁻¹: the law of an efficient estimator.

    C is the Cramér-Rao bound of an unbiased estimator's covariance in white Gaussian noise. As a
    draw and not as a figure, it can be scored by any metric: the mean of a logarithm isn't the
    logarithm of the mean. A biased estimator can be better, at a low signal-to-noise ratio above
    all, so this is a reference, not a bound of the mean squared error.

    Parameters
    ----------
    taps : int, optional
        As many as h has where nobody says.

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
        """Return the estimator that knows ``clean``, the responses ``(N, 1, taps)``."""
        if self.taps is not None and self.taps != clean.shape[-1]:
            raise InputError(f"taps={self.taps} must be {clean.shape[-1]}, as h has")
        return _Efficient(clean)


@dataclass(frozen=True, eq=False)
class _Efficient:
    h: Array

    def estimate(self, x: Array, y: Array, *, sigma: Sigma = None) -> Array:
        """Return h + e, e drawn from N(0, C) by a stream that is named by the record's input."""
        levels = check_records(x, y, sigma)
        if levels is None:
            raise InputError("cramer-rao needs the noise level: sigma=given")
        taps = check_taps(self.h.shape[-1], x.shape[-1])
        try:
            root = np.linalg.cholesky(information(x, taps))
        except np.linalg.LinAlgError:
            raise InputError(f"an input excites less than taps={taps} dimensions") from None
        draws = np.stack([_stream(item).standard_normal((1, taps, 1)) for item in x])
        error = np.linalg.solve(np.swapaxes(root, -1, -2), draws)[..., 0]  # L⁻ᵀz has C/σ²
        return (self.h + levels[:, None, None] * error).astype(x.dtype)


def information(x: Array, taps: int) -> NDArray[np.float64]:
    """Return XᵀX, shape ``(N, 1, taps, taps)``: σ² times Fisher's information about h.

    Parameters
    ----------
    x : array, shape (N, 1, L)
        The inputs.
    taps : int
        How many lags h has.

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
    """Name the stream by the input alone: at every noise level the same draw is scaled."""
    return item_rng(0, "cramer-rao", 1, hashlib.blake2b(x.tobytes()).hexdigest())
