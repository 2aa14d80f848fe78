"""The noise level of items, absolute or relative to the signal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array
from sigbench.core.validation import check_field
from sigbench.problems.base import check_snr_db


def check_level(sigma: float | None, snr_db: float | None) -> None:
    """Check that exactly one of ``sigma`` and ``snr_db`` is set, and is valid.

    Raises
    ------
    InputError
        With the values and the legal range.

    Examples
    --------
    >>> check_level(None, None)
    Traceback (most recent call last):
    sigbench.core.errors.InputError: set one of sigma and snr_db (got sigma=None, snr_db=None)
    """
    if (sigma is None) == (snr_db is None):
        raise InputError(f"set one of sigma and snr_db (got sigma={sigma}, snr_db={snr_db})")
    check_field("sigma", sigma, 0)
    check_snr_db(snr_db)


def levels_of(clean: Array, sigma: float | None, snr_db: float | None) -> NDArray[np.float64]:
    """Return the noise level of every clean item, shape ``(N,)``.

    Parameters
    ----------
    clean : array, shape (N, C, *space)
        The clean items.
    sigma : float, optional
        The level, in signal units.
    snr_db : float, optional
        Ratio of the mean powers of the clean item and the noise, in dB.

    Raises
    ------
    InputError
        If the level is relative and an item is zero, or the level is too high for the data type.

    Examples
    --------
    >>> levels_of(np.full((1, 1, 5), 3.0), None, 20.0).round(3)
    array([0.3])
    """
    if sigma is not None:
        levels = np.full(len(clean), sigma)
    else:
        assert snr_db is not None
        power = np.mean(np.square(clean.reshape(len(clean), -1), dtype=np.float64), axis=1)
        levels = np.sqrt(power * 10 ** (-snr_db / 10))
        if not levels.all():
            raise InputError(
                f"snr_db={snr_db:g}: an item without power has no signal-to-noise ratio; set sigma"
            )
    limit = float(np.finfo(clean.dtype).max) / 1000  # a draw can be several times the level
    if not levels.max(initial=0.0) <= limit:
        raise InputError(f"noise level {levels.max():g} must be <= {limit:.3g} for {clean.dtype}")
    return levels
