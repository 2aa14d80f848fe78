"""Checks and conversions of parameters that several denoisers share."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array
from sigbench.core.validation import check_choice, check_field
from sigbench.denoisers.noise_level import given_or_estimated


def check_strength(
    name: str, value: float | None, over_sigma: float | None, *, required: bool = False
) -> None:
    """Check a parameter that is set in the signal's units or in noise levels.

    Raises
    ------
    InputError
        If both are set, if one is negative, or if a required one is missing.
    """
    if (value is None) == (over_sigma is None) and (required or value is not None):
        both = f"{name}={value}, {name}_over_sigma={over_sigma}"
        raise InputError(f"set one of {name} and {name}_over_sigma (got {both})")
    check_field(name, value, 0)
    check_field(f"{name}_over_sigma", over_sigma, 0)


def strength(
    noisy: Array,
    sigma: NDArray[np.float64] | None,
    value: float | None,
    over_sigma: float | None,
    default: float = 1.0,
) -> NDArray[np.float64]:
    """Return a parameter in the signal's units for every item, shape ``(N,)``.

    Parameters
    ----------
    noisy : array, shape (N, C, *space)
        The noisy items.
    sigma : array of shape (N,), or None
        Noise level of each item; estimated if None.
    value, over_sigma : float, optional
        The parameter in the signal's units or in noise levels.
    default : float
        The parameter in noise levels if neither is set.

    Examples
    --------
    >>> strength(np.zeros((2, 1, 8)), np.array([1.0, 3.0]), None, 2.0)
    array([2., 6.])
    """
    if value is not None:
        return np.full(len(noisy), value, dtype=np.float64)
    return (default if over_sigma is None else over_sigma) * given_or_estimated(noisy, sigma)


def penalty_weight(
    noisy: Array,
    sigma: NDArray[np.float64] | None,
    lam: float | None,
    lam_over_sigma: float | None,
) -> Array:
    """Return the weight λ of every item, shape ``(N,)``, in the dtype of ``noisy``."""
    return strength(noisy, sigma, lam, lam_over_sigma).astype(noisy.dtype)


def build_named_options(denoiser: Any) -> None:
    """Replace each option that is given by name with the object of that name.

    The names of a field are those of the table in its metadata.

    Raises
    ------
    InputError
        If the table does not contain the name.
    """
    for field in dataclasses.fields(denoiser):
        table, value = field.metadata.get("table"), getattr(denoiser, field.name)
        if table is not None and isinstance(value, str):
            check_choice(field.name, value, table)
            object.__setattr__(denoiser, field.name, table[value]())
