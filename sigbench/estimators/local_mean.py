"""The prior response of the report: the local-mean Wiener filter of a record as one filter."""

from __future__ import annotations

import numpy as np

from sigbench.core.protocols import Array
from sigbench.denoisers.local_wiener import LocalWiener
from sigbench.estimators.inputs import check_record, quotient, response, spectrum


def local_mean_response(y: Array) -> Array:
    """Return |F⁻¹[F(ŷ)/F(y)]|, where ŷ is y after the local Wiener filter (window 3, zero border).

    The filter adapts to y, so every item has its own response. Where F(y) is zero within rounding,
    the quotient is set to 0.

    Parameters
    ----------
    y : array, shape (N, 1, n)
        The noisy records.

    Returns
    -------
    array, shape (N, 1, n)
        The responses, in the dtype of ``y``; index 0 is lag 0.

    References
    ----------
    H. Fang, 2021 (report): the prior branch next to the network.

    Examples
    --------
    >>> y = np.random.default_rng(0).normal(size=(2, 1, 100))
    >>> h = local_mean_response(y)
    >>> h.shape, bool((h >= 0).all())
    ((2, 1, 100), True)
    """
    check_record("y", y)
    record = y.astype(np.float64)
    filtered = LocalWiener(3, border="zero")(record)
    eps = float(np.finfo(y.dtype).eps)
    n = y.shape[-1]
    return np.abs(response(quotient(spectrum(filtered), spectrum(record), eps), n, n, y.dtype))
