"""The report's prior response: what the local-mean filter did to a record, seen as one filter."""

from __future__ import annotations

import numpy as np
from scipy import fft

from sigbench.core.protocols import Array
from sigbench.denoisers.local_wiener import LocalWiener
from sigbench.estimators.inputs import check_record, quotient


def local_mean_response(y: Array) -> Array:
    """Return |F⁻¹[F(ŷ)/F(y)]|, ŷ the local-mean Wiener filter of y (window 3, zero border).

    The filter adapts to y, so each item has a response of its own. Where F(y) is zero but for
    rounding, the quotient is set to 0.

    Parameters
    ----------
    y : array, shape (N, 1, n)
        The noisy records.

    Returns
    -------
    array, shape (N, 1, n)
        Of the dtype of ``y``; index 0 is lag 0.

    References
    ----------
    H. Fang, 2021 (report): the prior branch beside the network.

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
    ratio = quotient(fft.rfft(filtered), fft.rfft(record), eps)
    return np.abs(fft.irfft(ratio, y.shape[-1])).astype(y.dtype)
