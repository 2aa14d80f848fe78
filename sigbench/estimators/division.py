"""Division of spectra: plain, as the report writes it, and regularized."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check_field
from sigbench.estimators.inputs import (
    LARGEST,
    check_records,
    check_taps,
    quotient,
    response,
    spectrum,
)


@dataclass(frozen=True)
class SpectralDivision:
    """h = F⁻¹[F(y)/F(x)], of which the first ``taps`` lags are kept.

    Exact without noise. With noise its error is σ²·mean(1/|F(x)|²) a lag, which one frequency
    without input makes as large as you like: for white Gaussian x its mean is infinite, however
    long the record. Where F(x) is zero but for rounding, the quotient is set to 0.

    Parameters
    ----------
    taps : int, optional
        Lags to return; all of the record's where nobody says.

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
        "spectral-division", "system function", "H. Fang 2021 (report)", domains=("system",)
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
    """h = F⁻¹[conj(X)·Y/(|X|² + α·mean|X|²)], X = F(x), Y = F(y); the first ``taps`` lags.

    Wiener's filter for h where h and n are white: α is the noise's power over that of h ∗ x. Where
    it isn't set and the noise level σ is told, α = σ²/(mean y² − σ²), without end where y is no
    more than noise. It is biased: every frequency is drawn towards zero.

    Parameters
    ----------
    alpha : float, optional
        The weight α of the regularization; with 0 it is the plain division.
    taps : int, optional
        Lags to return; all of the record's where nobody says.

    References
    ----------
    Wiener, Extrapolation, Interpolation, and Smoothing of Stationary Time Series (1949), ch. III;
    Tikhonov's regularization of the division.

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
        "system function",
        "Wiener 1949; Tikhonov regularization",
        domains=("system",),
        uses_sigma=True,
        fixed_by="alpha",
    )

    def __post_init__(self) -> None:
        check_field("alpha", self.alpha, 0, below=LARGEST)
        check_field("taps", self.taps, 1)

    def estimate(self, x: Array, y: Array, *, sigma: Sigma = None) -> Array:
        """Return the response, shape ``(N, 1, taps)``.

        Raises
        ------
        InputError
            Where neither ``alpha`` nor the noise level is known.
        """
        levels = check_records(x, y, sigma)
        n = x.shape[-1]
        taps = check_taps(self.taps, n)
        if self.alpha is not None:
            alpha = np.full((len(x), 1, 1), self.alpha)
        elif levels is not None:
            noise = (levels**2)[:, None, None]
            power = np.mean(np.square(y, dtype=np.float64), axis=-1, keepdims=True)
            without_end = np.full_like(power, LARGEST)
            alpha = np.divide(noise, power - noise, out=without_end, where=power > noise)
        else:
            raise InputError("alpha=none needs the noise level: set alpha, or sigma=given")
        of_x = spectrum(x)
        density = np.abs(of_x) ** 2
        mean = np.mean(np.square(x, dtype=np.float64), axis=-1, keepdims=True) * n
        below = density + alpha * mean
        eps = below.shape[-1] * float(np.finfo(x.dtype).eps) ** 2  # of |X|², as small as eps of |X|
        return response(quotient(of_x.conj() * spectrum(y), below, eps), n, taps, x.dtype)
