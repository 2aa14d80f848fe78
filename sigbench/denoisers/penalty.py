"""How weights and options of a penalty are set and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array
from sigbench.core.validation import check_field, per_item
from sigbench.denoisers.noise_level import given_or_estimated


def check_weight(lam: float | None, lam_over_sigma: float | None) -> None:
    """Refuse all but exactly one of the two ways to set the weight."""
    if (lam is None) == (lam_over_sigma is None):
        raise InputError(f"set one of lam and lam_over_sigma (got {lam=}, {lam_over_sigma=})")
    check_field("lam", lam, 0)
    check_field("lam_over_sigma", lam_over_sigma, 0)


def weight(
    noisy: Array,
    sigma: NDArray[np.float64] | None,
    lam: float | None,
    lam_over_sigma: float | None,
) -> Array:
    """Return λ for every item, shaped to broadcast."""
    if lam_over_sigma is None:
        return per_item(np.full(len(noisy), lam), noisy)
    return per_item(lam_over_sigma * given_or_estimated(noisy, sigma), noisy)


def named(option: str, value: Any, table: Mapping[str, Any]) -> Any:
    """Return an option's value, made from its name where it is one.

    Raises
    ------
    InputError
        For a name that the table has not.
    """
    if not isinstance(value, str):
        return value
    if value not in table:
        raise InputError(f"{option}={value!r} must be one of: {', '.join(table)}")
    return table[value]()
