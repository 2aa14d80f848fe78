"""Validation of arrays, noise levels and parameters, and the loop over blocks of items."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, NoiseModel, Sigma


def check_noisy(noisy: Array) -> None:
    """Check that ``noisy`` is a finite batch ``(N, C, L)`` or ``(N, C, H, W)`` of floats.

    Raises
    ------
    InputError
        With the offending shape, dtype or value.

    Examples
    --------
    >>> check_noisy(np.zeros((4, 100)))
    Traceback (most recent call last):
    sigbench.core.errors.InputError: noisy has shape (4, 100): it must be (N, C, L) or (N, C, H, W)
    """
    check_array("noisy", noisy)
    if noisy.ndim not in (3, 4):
        raise InputError(f"noisy has shape {noisy.shape}: it must be (N, C, L) or (N, C, H, W)")


def check_array(name: str, array: Array) -> None:
    """Check that ``array`` is a finite, non-empty array of float32 or float64.

    Raises
    ------
    InputError
        With the offending type, shape, dtype or value.
    """
    if not isinstance(array, np.ndarray):
        raise InputError(f"{name} is a {type(array).__name__}: it must be a NumPy array")
    if array.dtype not in (np.float32, np.float64):
        raise InputError(f"{name} has dtype {array.dtype}: it must be float32 or float64")
    if array.size == 0:
        raise InputError(f"{name} is empty: shape {array.shape}")
    if not np.isfinite(array).all():
        bad = np.argwhere(~np.isfinite(array))[0]
        raise InputError(
            f"{name} contains {array[tuple(bad)]} at {tuple(map(int, bad))}: it must be finite"
        )


def check_sigma(sigma: Sigma, batch: int) -> NDArray[np.float64] | None:
    """Return the noise level as an array ``(N,)``, or None if it is unknown.

    Raises
    ------
    InputError
        If it is negative, not finite, of the wrong shape, or a noise model.

    Examples
    --------
    >>> check_sigma(2, 3)
    array([2., 2., 2.])
    """
    if sigma is None:
        return None
    if isinstance(sigma, NoiseModel):
        raise InputError(
            f"sigma is a {type(sigma).__name__}: this method is for white noise; "
            "use whitened[method=...,noise=...]"
        )
    levels = np.asarray(sigma, dtype=np.float64)
    if levels.shape not in ((), (batch,)):
        raise InputError(f"sigma has shape {levels.shape}: it must be a number or ({batch},)")
    if not np.isfinite(levels).all() or (levels < 0).any():
        raise InputError(f"sigma={sigma} must be finite and >= 0")
    return np.broadcast_to(levels, (batch,))


def check(noisy: Array, sigma: Sigma) -> NDArray[np.float64] | None:
    """Check a batch and its noise level; return the level as an array ``(N,)`` or None."""
    check_noisy(noisy)
    return check_sigma(sigma, len(noisy))


def check_unused(noisy: Array, sigma: Sigma) -> None:
    """Check a batch, and a noise level or noise model that the method does not use."""
    check_noisy(noisy)
    if not isinstance(sigma, NoiseModel):
        check_sigma(sigma, len(noisy))


def estimate_error(
    estimate: Any, shape: tuple[int, ...], dtype: Any, items: Sequence[int] | None = None
) -> str | None:
    """Return what is wrong with an estimate, or None if it is valid and finite.

    Parameters
    ----------
    estimate : object
        What a method returned.
    shape, dtype
        What the estimate must have.
    items : sequence of int, optional
        The number of every item, for the message; by default its index.

    Examples
    --------
    >>> estimate_error(np.zeros((1, 1, 3)), (1, 1, 4), np.float64)
    'the estimate has shape (1, 1, 3), not (1, 1, 4)'
    """
    if type(estimate) is not np.ndarray:  # a masked array would not be scored everywhere
        return f"the estimate is a {type(estimate).__name__}, not a NumPy array"
    if estimate.shape != shape:
        return f"the estimate has shape {estimate.shape}, not {shape}"
    if estimate.dtype != dtype:
        return f"the estimate has dtype {estimate.dtype}, not {dtype}"
    if not np.isfinite(estimate).all():
        bad = np.argwhere(~np.isfinite(estimate))[0]
        item = bad[0] if items is None else items[bad[0]]
        return f"the estimate contains {estimate[tuple(bad)]} in item {item}"
    return None


BLOCK_BYTES = 120 * 2**10  # larger arrays are allocated by the system, which is slow
MIN_ITEMS = 64  # fewer would be dominated by the cost of a call


def in_blocks(
    denoise: Callable[[Array, NDArray[np.float64] | None], Array],
    noisy: Array,
    levels: NDArray[np.float64] | None,
) -> Array:
    """Denoise a batch in blocks of items whose intermediate arrays fit into the cache.

    Parameters
    ----------
    denoise : callable
        ``denoise(noisy, levels)``, which processes each item independently.
    noisy : array, shape (N, C, *space)
        Noisy batch.
    levels : array of shape (N,), or None
        Noise level of each item.

    Examples
    --------
    >>> y = np.random.default_rng(0).normal(size=(1000, 1, 100))
    >>> bool((in_blocks(lambda part, _: np.sort(part), y, None) == np.sort(y)).all())
    True
    """
    rows = max(MIN_ITEMS, BLOCK_BYTES // noisy[0].nbytes)
    if len(noisy) <= rows:
        return denoise(noisy, levels)
    estimate = np.empty_like(noisy)
    for start in range(0, len(noisy), rows):
        part = slice(start, start + rows)
        estimate[part] = denoise(noisy[part], None if levels is None else levels[part])
    return estimate


def check_field(name: str, value: float | None, low: float, *, below: float = np.inf) -> None:
    """Check that a parameter satisfies ``low <= value < below``; None is accepted.

    Raises
    ------
    InputError
        With the value and the valid range.
    """
    if value is not None and not low <= value < below:
        huge = isinstance(value, int) and abs(value) > sys.float_info.max
        upper = "" if huge or np.isfinite(float(value)) else " and finite"
        if below < np.inf:
            upper = f" and < {below:g}"
        shown = f"{str(value)[:9]}..." if huge else f"{value:g}"
        raise InputError(f"{name}={shown} must be >= {low:g}{upper}")


def check_length(name: str, length: int) -> None:
    """Check that a length is a whole number >= 1; raise `InputError` otherwise."""
    check_field(name, length, 1)
    if not isinstance(length, int | np.integer):
        raise InputError(f"{name}={length} must be a whole number")


def check_odd(name: str, length: int) -> None:
    """Check that a length is odd and >= 1; raise `InputError` otherwise."""
    check_length(name, length)
    if length % 2 == 0:
        raise InputError(f"{name}={length} must be odd")


def check_choice(name: str, value: str, legal: Iterable[str]) -> None:
    """Check that a parameter has one of its legal values; raise InputError otherwise.

    Examples
    --------
    >>> check_choice("engine", "jax", ["numpy", "torch"])
    Traceback (most recent call last):
    sigbench.core.errors.InputError: engine='jax' must be one of: numpy, torch
    """
    if value not in legal:
        raise InputError(f"{name}={value!r} must be one of: {', '.join(legal)}")


def per_item(values: NDArray[Any], like: Array) -> Array:
    """Reshape values ``(N,)`` so that they broadcast over the batch ``like``, in its dtype."""
    return values.astype(like.dtype).reshape(-1, *[1] * (like.ndim - 1))
