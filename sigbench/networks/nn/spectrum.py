"""Operations on spectra."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.fft import irfftn, rfftn

from sigbench.core.protocols import Array
from sigbench.networks.nn.conv import channels_first
from sigbench.networks.nn.tape import Backward, op


@op
def low_pass(x: Array) -> tuple[Array, Backward]:
    """Return Re F⁻¹(F(x)·[|k| < n/4]), with |k| < n/4 along each space axis of length n.

    This projects onto the lower half of the frequencies and is self-adjoint.

    Examples
    --------
    >>> slow, fast = np.ones(8), np.array([1.0, -1.0] * 4)
    >>> low_pass((slow + fast).reshape(1, 1, 8)).round(12)
    array([[[1., 1., 1., 1., 1., 1., 1., 1.]]])
    """

    def backward(g: Array) -> tuple[Any, ...]:
        return (_low(g),)

    return _low(x), backward


def _low(x: Array) -> Array:
    space = x.shape[2:]
    axes = range(2, x.ndim)
    spectrum = rfftn(channels_first(x), axes=axes)
    for axis, n in zip(axes, space, strict=True):
        k = np.arange(spectrum.shape[axis])
        slow = np.minimum(k, n - k) < n / 4  # rfftn: along the last axis k ends at n/2
        spectrum *= slow.reshape(-1, *[1] * (x.ndim - 1 - axis))
    return channels_first(irfftn(spectrum, s=space, axes=axes))
