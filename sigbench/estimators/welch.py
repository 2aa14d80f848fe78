"""H1 and H2: quotients of spectra averaged over segments (Welch)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check_field
from sigbench.estimators.inputs import check_records, check_taps, quotient, response


@dataclass(frozen=True)
class H1:
    """H₁ = S_xy/S_xx, which is not biased by noise on the output.

    The spectra are averaged over half-overlapping segments with a Hann window (Welch's method).
    Truncation of the response at the end of a segment causes a bias, which decreases with the
    length of the segments; the variance decreases with their number.

    Parameters
    ----------
    segment : int
        Number of samples of a segment; a shorter record is one segment.
    taps : int, optional
        Number of lags to return, zero-padded beyond the segment; by default the length of the
        segment.

    References
    ----------
    Bendat and Piersol, Random Data (4th ed. 2010), sec. 6.1.4 (H₁ and H₂); Welch, IEEE Trans.
    Audio Electroacoust. 15 (1967).

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(1, 1, 4096))
    >>> H1(segment=128, taps=2).estimate(x, x + 0.5 * np.roll(x, 1)).round(1)
    array([[[1. , 0.5]]])
    """

    segment: int = 128
    taps: int | None = None

    info: ClassVar[Info] = Info(
        "h1", "system identification", "Bendat, Piersol 2010, sec. 6.1.4", domains=("system",)
    )

    def __post_init__(self) -> None:
        check_field("segment", self.segment, 2)
        check_field("taps", self.taps, 1)

    def estimate(self, x: Array, y: Array, *, sigma: Sigma = None) -> Array:
        """Return the response, shape ``(N, 1, taps)``; the noise level is not used."""
        return _estimate(x, y, sigma, self.segment, self.taps, reference="x")


@dataclass(frozen=True)
class H2:
    """H₂ = S_yy/S_yx, which is not biased by noise on the input; noise on the output increases it.

    The spectra are computed as in `H1`; H₁/H₂ is the coherence of x and y.

    Parameters
    ----------
    segment, taps : int
        As in `H1`.

    References
    ----------
    Bendat and Piersol, Random Data (4th ed. 2010), sec. 6.1.4.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(1, 1, 4096))
    >>> H2(segment=128, taps=2).estimate(x, 2 * x).round(6) + 0
    array([[[2., 0.]]])
    """

    segment: int = 128
    taps: int | None = None

    info: ClassVar[Info] = Info(
        "h2", "system identification", "Bendat, Piersol 2010, sec. 6.1.4", domains=("system",)
    )

    def __post_init__(self) -> None:
        check_field("segment", self.segment, 2)
        check_field("taps", self.taps, 1)

    def estimate(self, x: Array, y: Array, *, sigma: Sigma = None) -> Array:
        """Return the response, shape ``(N, 1, taps)``; the noise level is not used."""
        return _estimate(x, y, sigma, self.segment, self.taps, reference="y")


def _estimate(
    x: Array,
    y: Array,
    sigma: Sigma,
    segment: int,
    taps: int | None,
    *,
    reference: Literal["x", "y"],
) -> Array:
    """Return the response with the spectrum S_ry/S_rx, where r is the reference."""
    check_records(x, y, sigma)
    if x.shape[-1] < 2:
        raise InputError(f"the record's length {x.shape[-1]} must be >= 2")
    n = min(segment, x.shape[-1])
    X, Y = _segments(x, n), _segments(y, n)
    R = X if reference == "x" else Y
    taps = n if taps is None else check_taps(taps, x.shape[-1])
    eps = float(np.finfo(x.dtype).eps) ** 2  # for powers
    return response(quotient(_mean_product(R, Y), _mean_product(R, X), eps), n, taps, x.dtype)


def _segments(record: Array, n: int) -> NDArray[Any]:
    """Return the spectra of segments of n samples; means are kept, as they are part of the signal."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    windows = np.lib.stride_tricks.sliding_window_view(record, n, axis=-1)
    return fft.rfft(windows[..., :: n - n // 2, :] * hann)


def _mean_product(X: NDArray[Any], Y: NDArray[Any]) -> NDArray[Any]:
    """Return the cross-spectrum S_xy, the mean of conj(X)·Y over the segments."""
    return np.einsum("...sf,...sf->...f", X.conj(), Y) / X.shape[-2]
