"""What every estimator asks of its records, and the steps that several share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Sigma
from sigbench.core.validation import check_array, check_field, check_sigma

SMALLEST, LARGEST = 1e-100, 1e100  # peaks whose powers, and their quotients, float64 can hold


def check_records(x: Array, y: Array, sigma: Sigma) -> NDArray[np.float64] | None:
    """Refuse records that are not two batches as `check_record` asks, of one shape and dtype.

    Returns
    -------
    array of shape (N,), or None
        The noise level of each output.

    Raises
    ------
    InputError
        It carries the offending shape, dtype or value.

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
    if levels is not None and levels.max() > LARGEST:
        raise InputError(f"sigma={levels.max():g} must be <= {LARGEST:g}")
    return levels


def check_record(name: str, record: Array) -> None:
    """Refuse what is not a finite batch ``(N, 1, L)`` of floats whose powers float64 can hold."""
    check_array(name, record)
    if record.ndim != 3 or record.shape[1] != 1:
        raise InputError(f"{name} has shape {record.shape}: it must be (N, 1, L)")
    for peak in np.abs(record).max(axis=(1, 2)).tolist():
        if peak != 0 and not SMALLEST <= peak <= LARGEST:
            raise InputError(
                f"{name} has a peak of {peak:g}: it must be 0 or from {SMALLEST:g} to {LARGEST:g}"
            )


def check_taps(taps: int | None, length: int) -> int:
    """Return how many lags to estimate: ``taps``, or as many as the record has where it is None.

    Raises
    ------
    InputError
        Where the record is shorter.
    """
    check_field("taps", taps, 1)
    if taps is None:
        return length
    if taps > length:
        raise InputError(f"taps={taps} must be <= the record's length {length}")
    return taps


def spectrum(record: Array) -> NDArray[Any]:
    """Return the half spectrum of every record, computed in float64."""
    half: NDArray[Any] = fft.rfft(record.astype(np.float64))
    return half


def quotient(above: NDArray[Any], below: NDArray[Any], eps: float) -> NDArray[Any]:
    """Return ``above/below`` of spectra, 0 where ``below`` holds nothing but rounding errors.

    That is where it is at most ``n·eps`` times its item's largest value, n its length: there any
    quotient fits the records, and 0 is the one of least power.

    Examples
    --------
    >>> quotient(np.array([[2.0, 3.0]]), np.array([[4.0, 0.0]]), 1e-16)
    array([[0.5, 0. ]])
    """
    size = np.abs(below)
    zeros = np.zeros(above.shape, np.result_type(above, below))
    solid = size > below.shape[-1] * eps * size.max(axis=-1, keepdims=True)
    return np.divide(above, below, out=zeros, where=solid)


def response(ratio: NDArray[Any], n: int, taps: int, dtype: Any) -> Array:
    """Return the first lags of F⁻¹ of half a spectrum, shape ``(N, 1, taps)``.

    A response of ``n`` lags goes on with zeros.
    """
    h = np.zeros((*ratio.shape[:-1], taps), dtype)
    lags = min(n, taps)
    h[..., :lags] = fft.irfft(ratio, n)[..., :lags]
    return h
