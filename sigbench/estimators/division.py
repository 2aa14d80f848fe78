"""Spectral division, plain and regularized."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check_field, per_item
from sigbench.estimators.inputs import (
    MAX_VALUE,
    check_records,
    check_taps,
    quotient,
    response,
    spectrum,
)


@dataclass(frozen=True)
class SpectralDivision:
    """Spectral division h = F⁻¹[F(y)/F(x)]; the first ``taps`` lags are kept.

    It is exact without noise. With noise the mean squared error per lag is σ²·mean(1/|F(x)|²),
    which a single frequency with little input can make arbitrarily large: for white Gaussian x its
    expectation is infinite for every record length. Where F(x) is zero within rounding, the
    quotient is set to 0.

    Parameters
    ----------
    taps : int, optional
        Number of lags to return; by default the length of the record.

    References
    ----------
    H. Fang, 2021 (report), h = F⁻¹[F(y)/F(x)].

    Examples
    --------
    >>> x = np.array([[[1.0, 2.0, 0.0, 0.0]]])
    >>> y = x + 0.5 * np.roll(x, 1)
    >>> SpectralDivision(taps=2).estimate(x, y)
    array([[[1. , 0.5]]])
    """

    taps: int | None = None

    info: ClassVar[Info] = Info(
        "spectral-division", "system identification", "H. Fang 2021 (report)", domains=("system",)
    )

    def __post_init__(self) -> None:
        check_field("taps", self.taps, 1)

    def estimate(self, x: Array, y: Array, *, sigma: Sigma = None) -> Array:
        """Return the response, shape ``(N, 1, taps)``; the noise level is not used."""
        check_records(x, y, sigma)
        n = x.shape[-1]
        taps = check_taps(self.taps, n)
        ratio = quotient(spectrum(y), spectrum(x), float(np.finfo(x.dtype).eps))
        return response(ratio, n, taps, x.dtype)


@dataclass(frozen=True)
class WienerDivision:
    """Regularized spectral division h = F⁻¹[conj(X)·Y/(|X|² + α·mean|X|²)], X = F(x), Y = F(y).

    This is the Wiener filter for white h and n if α is the ratio of the powers of n and h ∗ x. If
    ``alpha`` is None, it is computed from the given noise level σ as α = σ²/(mean y² − σ²), and it
    is practically infinite if mean y² <= σ². The estimate is biased towards zero at every
    frequency. The first ``taps`` lags are kept.

    Parameters
    ----------
    alpha : float, optional
        Weight α of the regularization; 0 gives `SpectralDivision`.
    taps : int, optional
        Number of lags to return; by default the length of the record.

    References
    ----------
    Wiener, Extrapolation, Interpolation, and Smoothing of Stationary Time Series (1949), ch. III.
    It is also the Tikhonov regularization of the division.

    Examples
    --------
    >>> x = np.array([[[2.0, 0.0, 0.0, 0.0]]])
    >>> WienerDivision(alpha=1.0, taps=2).estimate(x, x + 0.5 * np.roll(x, 1))
    array([[[0.5 , 0.25]]])
    """

    alpha: float | None = None
    taps: int | None = None

    info: ClassVar[Info] = Info(
        "wiener-division",
        "system identification",
        "Wiener 1949; Tikhonov regularization",
        domains=("system",),
        uses_sigma=True,
        fixed_by="alpha",
    )

    def __post_init__(self) -> None:
        check_field("alpha", self.alpha, 0, below=MAX_VALUE)
        check_field("taps", self.taps, 1)

    def estimate(self, x: Array, y: Array, *, sigma: Sigma = None) -> Array:
        """Return the response, shape ``(N, 1, taps)``.

        Raises
        ------
        InputError
            If neither ``alpha`` nor ``sigma`` is given.
        """
        levels = check_records(x, y, sigma)
        n = x.shape[-1]
        taps = check_taps(self.taps, n)
        alpha: float | Array
        if self.alpha is not None:
            alpha = self.alpha
        elif levels is not None:
            power = np.mean(np.square(y, dtype=np.float64), axis=-1, keepdims=True)
            noise = per_item(levels**2, power)
            infinite = np.full_like(power, MAX_VALUE)
            alpha = np.divide(noise, power - noise, out=infinite, where=power > noise)
        else:
            raise InputError("alpha=none needs the noise level: set alpha or sigma=given")
        X, Y = spectrum(x), spectrum(y)
        mean = np.mean(np.square(x, dtype=np.float64), axis=-1, keepdims=True) * n
        below = np.abs(X) ** 2 + alpha * mean
        eps = below.shape[-1] * float(np.finfo(x.dtype).eps) ** 2  # for |X|², as eps is for |X|
        return response(quotient(X.conj() * Y, below, eps), n, taps, x.dtype)
