"""Input checks and spectral steps shared by the estimators."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Sigma
from sigbench.core.validation import check_array, check_sigma

MIN_VALUE, MAX_VALUE = 1e-100, 1e100  # float64 can represent their powers and quotients of these


def check_records(x: Array, y: Array, sigma: Sigma) -> NDArray[np.float64] | None:
    """Check inputs and outputs with `check_record`, and that their shapes and dtypes are equal.

    Returns
    -------
    array of shape (N,), or None
        Noise level of each output; None if ``sigma`` is None.

    Raises
    ------
    InputError
        If a check fails; the message contains the shape, dtype or value.

    Examples
    --------
    >>> check_records(np.ones((2, 1, 8)), np.ones((2, 1, 9)), None)
    Traceback (most recent call last):
    sigbench.core.errors.InputError: x (2, 1, 8) and y (2, 1, 9) differ in shape
    """
    for name, record in (("x", x), ("y", y)):
        check_record(name, record)
    if x.shape != y.shape:
        raise InputError(f"x {x.shape} and y {y.shape} differ in shape")
    if x.dtype != y.dtype:
        raise InputError(f"x {x.dtype} and y {y.dtype} differ in dtype")
    levels = check_sigma(sigma, len(x))
    if levels is not None and levels.max() > MAX_VALUE:
        raise InputError(f"sigma={levels.max():g} must be <= {MAX_VALUE:g}")
    return levels


def check_record(name: str, record: Array) -> None:
    """Check that ``record`` is a finite batch ``(N, 1, L)`` whose powers float64 can represent.

    Raises
    ------
    InputError
        If it is not; the message contains the shape, dtype or value.
    """
    check_array(name, record)
    if record.ndim != 3 or record.shape[1] != 1:
        raise InputError(f"{name} has shape {record.shape}: it must be (N, 1, L)")
    for peak in np.abs(record).max(axis=(1, 2)).tolist():
        if peak != 0 and not MIN_VALUE <= peak <= MAX_VALUE:
            raise InputError(
                f"{name} has a peak of {peak:g}: it must be 0 or from {MIN_VALUE:g} to {MAX_VALUE:g}"
            )


def check_taps(taps: int | None, length: int) -> int:
    """Return the number of lags to estimate: ``taps``, or ``length`` if it is None.

    Raises
    ------
    InputError
        If the record is shorter than ``taps``.
    """
    if taps is None:
        return length
    if taps > length:
        raise InputError(f"taps={taps} must be <= the record's length {length}")
    return taps


def spectrum(record: Array) -> NDArray[Any]:
    """Return the non-redundant half of the spectrum of every record, computed in float64."""
    half: NDArray[Any] = fft.rfft(record.astype(np.float64))
    return half


def quotient(above: NDArray[Any], below: NDArray[Any], eps: float) -> NDArray[Any]:
    """Return ``above/below`` for spectra, and 0 where ``below`` is a rounding error.

    A value counts as a rounding error if it is at most ``n·eps`` times the largest value of its
    item, where n is the length of the spectrum. There every quotient fits the records; 0 has the
    least power.

    Examples
    --------
    >>> quotient(np.array([[2.0, 3.0]]), np.array([[4.0, 0.0]]), 1e-16)
    array([[0.5, 0. ]])
    """
    size = np.abs(below)
    zeros = np.zeros(above.shape, np.result_type(above, below))
    significant = size > below.shape[-1] * eps * size.max(axis=-1, keepdims=True)
    return np.divide(above, below, out=zeros, where=significant)


def response(ratio: NDArray[Any], n: int, taps: int, dtype: Any) -> Array:
    """Return the first ``taps`` lags of the inverse transform of half a spectrum.

    The response has ``n`` lags and is zero-padded if ``taps`` is larger. The result has shape
    ``(N, 1, taps)``.
    """
    h = np.zeros((*ratio.shape[:-1], taps), dtype)
    lags = min(n, taps)
    h[..., :lags] = fft.irfft(ratio, n)[..., :lags]
    return h
