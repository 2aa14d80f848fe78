"""Convolution of each channel with a kernel of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array
from sigbench.networks.nn.conv import channels_first
from sigbench.networks.nn.tape import Backward, op


def shift_before(kernel: int, dilation: int, causal: bool) -> int:
    """Return how many samples before the current one a kernel begins.

    Raises
    ------
    InputError
        If ``dilation`` is less than 1, or the kernel is centered and even.
    """
    if dilation < 1:
        raise InputError(f"{dilation=} must be >= 1")
    if not causal and kernel % 2 == 0:
        raise InputError(f"{kernel=} must be odd if it is centered")
    return dilation * (kernel - 1) // (1 if causal else 2)


@op
def depthwise_conv(
    x: Array, weight: Array, bias: Array | None = None, *, dilation: int = 1, causal: bool = False
) -> tuple[Array, Backward]:
    """Return y[n,c,i] = b[c] + Σ_k w[c,0,k]·x[n,c,i + dilation·k − before].

    Parameters
    ----------
    x : array, shape (N, C, L)
        The input, extended by zeros; the output has the same length.
    weight : array, shape (C, 1, K)
        One kernel per channel.
    bias : array, shape (C,), optional
        One constant per channel.
    dilation : int
        Distance between taps in samples.
    causal : bool
        Whether the last tap is at the current sample, ``before = dilation·(K − 1)``. Otherwise the
        kernel, of odd length, is centered, and ``before`` is half of that.

    Returns
    -------
    array, shape (N, C, L)

    Examples
    --------
    >>> x, weight = np.array([[[1.0, 2.0, 4.0]]]), np.array([[[1.0, 0.0, 10.0]]])
    >>> depthwise_conv(x, weight), depthwise_conv(x, weight, causal=True)
    (array([[[20., 41.,  2.]]]), array([[[10., 20., 41.]]]))
    """
    first, taps, n = channels_first(x), weight.shape[2], x.shape[2]
    before = shift_before(taps, dilation, causal)
    kernels = weight[:, 0, :, None, None]  # (C, K, 1, 1)
    y = np.zeros(first.shape, x.dtype)
    if bias is not None:
        y += bias[:, None, None]
    # For each tap, the range of outputs that it contributes to, and that of their inputs.
    ranges = []
    for k in range(taps):
        shift = min(max(dilation * k - before, -n), n)
        outputs = slice(max(0, -shift), n - max(0, shift))
        ranges.append((outputs, slice(max(0, shift), n + min(0, shift))))
        y[..., outputs] += kernels[:, k] * first[..., ranges[k][1]]

    def backward(g: Array) -> tuple[Any, ...]:
        g_first = channels_first(g)
        d_x, d_weight = np.zeros(first.shape, x.dtype), np.empty(weight.shape, x.dtype)
        for k, (outputs, inputs) in enumerate(ranges):
            d_x[..., inputs] += kernels[:, k] * g_first[..., outputs]
            d_weight[:, 0, k] = np.sum(g_first[..., outputs] * first[..., inputs], axis=(1, 2))
        return channels_first(d_x), d_weight, g_first.sum(axis=(1, 2))

    return channels_first(y), backward
