"""H1 and H2: quotients of spectra that are averaged over segments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check_field
from sigbench.estimators.inputs import check_records, check_taps, quotient, response


@dataclass(frozen=True)
class H1:
    """H₁ = S_xy/S_xx, which noise on the output does not bias.

    The spectra are Welch's: means over segments, Hann windows, half overlapping. What leaves a
    segment at its end is lost, a bias that falls as segments get longer, while the scatter falls
    as they get more.

    Parameters
    ----------
    segment : int
        Samples of a segment; the whole record where that is shorter.
    taps : int, optional
        Lags to return (zeros beyond the segment); those of a segment where nobody says.

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
        "h1", "system function", "Bendat, Piersol 2010, sec. 6.1.4", domains=("system",)
    )

    def __post_init__(self) -> None:
        check_field("segment", self.segment, 2)
        check_field("taps", self.taps, 1)

    def estimate(self, x: Array, y: Array, *, sigma: Sigma = None) -> Array:
        """Return the response, shape ``(N, 1, taps)``; the noise level is not used."""
        n = _segment_length(self.segment, x, y, sigma)
        X, Y = _segments(x, n), _segments(y, n)
        S_xy, S_xx = _mean_product(X, Y), _mean_product(X, X)
        return _response(S_xy, S_xx, n, self.taps, x)


@dataclass(frozen=True)
class H2:
    """H₂ = S_yy/S_yx, which noise on the input does not bias; noise on the output makes it larger.

    The spectra are those of `H1`, and H₁/H₂ is the coherence of x and y.

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
        "h2", "system function", "Bendat, Piersol 2010, sec. 6.1.4", domains=("system",)
    )

    def __post_init__(self) -> None:
        check_field("segment", self.segment, 2)
        check_field("taps", self.taps, 1)

    def estimate(self, x: Array, y: Array, *, sigma: Sigma = None) -> Array:
        """Return the response, shape ``(N, 1, taps)``; the noise level is not used."""
        n = _segment_length(self.segment, x, y, sigma)
        X, Y = _segments(x, n), _segments(y, n)
        S_yy, S_yx = _mean_product(Y, Y), _mean_product(Y, X)
        return _response(S_yy, S_yx, n, self.taps, x)


def _segment_length(segment: int, x: Array, y: Array, sigma: Sigma) -> int:
    check_records(x, y, sigma)
    if x.shape[-1] < 2:
        raise InputError(f"the record's length {x.shape[-1]} must be >= 2")
    return min(segment, x.shape[-1])


def _segments(record: Array, n: int) -> NDArray[Any]:
    """Return the spectra of segments of n samples, means kept: they are part of the signal."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    windows = np.lib.stride_tricks.sliding_window_view(record, n, axis=-1)
    return fft.rfft(windows[..., :: n - n // 2, :] * hann)


def _mean_product(X: NDArray[Any], Y: NDArray[Any]) -> NDArray[Any]:
    """Return the cross-spectrum S_xy, the mean over the segments of conj(X)·Y."""
    return np.einsum("...sf,...sf->...f", X.conj(), Y) / X.shape[-2]


def _response(
    above: NDArray[Any], below: NDArray[Any], n: int, taps: int | None, x: Array
) -> Array:
    taps = n if taps is None else check_taps(taps, x.shape[-1])
    eps = float(np.finfo(x.dtype).eps) ** 2  # of powers
    return response(quotient(above, below, eps), n, taps, x.dtype)
