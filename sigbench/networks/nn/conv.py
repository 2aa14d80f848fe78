"""Convolution over any number of space axes, as one matrix product (im2col).

Arrays have shape ``(N, C, *space)``, but the channel axis is first in memory: inputs and outputs
can be reshaped to a matrix ``(C, N·space)`` without copying.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array
from sigbench.networks.nn.tape import Backward, op

Index = tuple[Any, ...]


def channels_first(x: Array) -> Array:
    """Return a view with the first two axes swapped: ``(N, C, *space)`` as ``(C, N, *space)``."""
    return x.swapaxes(0, 1)


def lengths(
    space: tuple[int, ...], kernel: tuple[int, ...], stride: int, padding: int, dilation: int
) -> tuple[int, ...]:
    """Return the output length along each axis.

    Raises
    ------
    InputError
        If an axis is shorter than the kernel, or a number is out of range.
    """
    if stride < 1 or dilation < 1 or padding < 0:
        raise InputError(f"{stride=} and {dilation=} must be >= 1, {padding=} must be >= 0")
    ends = 2 * padding - 1
    out = tuple(
        [(n + ends - dilation * (k - 1)) // stride + 1 for n, k in zip(space, kernel, strict=True)]
    )
    if min(out) < 1:
        raise InputError(f"{space=} is too short for {kernel=}, {padding=}, {dilation=}")
    return out


def taps(
    kernel: tuple[int, ...], out: tuple[int, ...], stride: int, dilation: int
) -> Iterator[Index]:
    """Yield, for each tap of a kernel, the index of its inputs in ``(C, N, *space)``."""
    axes = [
        [slice(s, s + stride * (n - 1) + 1, stride) for s in range(0, dilation * k, dilation)]
        for k, n in zip(kernel, out, strict=True)
    ]
    for slices in itertools.product(*axes):
        yield (..., *slices)


def padded(x: Array, padding: int) -> Array:
    """Pad each space axis with ``padding`` zeros at both ends."""
    if padding == 0:
        return x
    y = np.zeros((*x.shape[:2], *[n + 2 * padding for n in x.shape[2:]]), x.dtype)
    y[inner(padding, x.ndim - 2)] = x
    return y


def inner(padding: int, axes: int) -> Index:
    """Return the index of a padded array that selects all but the padding."""
    return (..., *[slice(padding, -padding or None)] * axes)


@op
def conv(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
) -> tuple[Array, Backward]:
    """Return y[n,o,i] = b[o] + Σ_c Σ_k w[o,c,k]·x[n,c,stride·i + dilation·k − padding].

    Parameters
    ----------
    x : array, shape (N, C, *space)
        The input, extended by zeros.
    weight : array, shape (O, C, *kernel)
        One kernel per output and input channel.
    bias : array, shape (O,), optional
        One constant per output channel.
    stride, padding, dilation : int
        Used for all space axes.

    Returns
    -------
    array, shape (N, O, *out)
        ``out = (space + 2·padding − dilation·(kernel − 1) − 1)//stride + 1``.

    Examples
    --------
    >>> conv(np.array([[[1.0, 2.0, 3.0]]]), np.array([[[1.0, -1.0]]]))
    array([[[-1., -1.]]])
    """
    kernel, space = weight.shape[2:], x.shape[2:]
    out = lengths(space, kernel, stride, padding, dilation)
    columns = _columns(padded(channels_first(x), padding), kernel, out, stride, dilation)
    matrix = weight.reshape(len(weight), -1)
    y = matrix @ columns
    if bias is not None:
        y += bias[:, None]

    def backward(g: Array) -> tuple[Any, ...]:
        g_rows = channels_first(g).reshape(len(weight), -1)
        d_columns = (matrix.T @ g_rows).reshape(-1, *kernel, len(x), *out)
        d_x = _summed(d_columns, space, stride, padding, dilation)
        d_weight = (g_rows @ columns.T).reshape(weight.shape)
        return channels_first(d_x), d_weight, g_rows.sum(axis=1)

    return channels_first(y.reshape(len(weight), len(x), *out)), backward


@op
def modulated_conv(x: Array, weight: Array, bias: Array, factors: Array) -> tuple[Array, Backward]:
    """Return a convolution of signals with item-dependent kernels factors[n,o,k]·w[o,c,k].

    Parameters
    ----------
    x : array, shape (N, C, L)
        The input, extended by zeros; the output has the same length.
    weight : array, shape (O, C, K)
        Kernels of odd length, shared by all items.
    bias : array, shape (O,)
        One constant per output channel.
    factors : array, shape (N, O, K)
        Factors of the kernel taps for each item.

    Returns
    -------
    array, shape (N, O, L)

    Examples
    --------
    >>> x, factors = np.ones((2, 1, 3)), np.array([[[1.0]], [[5.0]]])
    >>> modulated_conv(x, np.array([[[2.0]]]), np.zeros(1), factors).tolist()
    [[[2.0, 2.0, 2.0]], [[10.0, 10.0, 10.0]]]
    """
    n_items, n, taps_ = len(x), x.shape[2], weight.shape[2]
    first = padded(channels_first(x), taps_ // 2)
    # One product per tap, (K, O, N, L), scaled by the items' factors and summed afterwards.
    columns = [first[..., k : k + n].reshape(len(first), -1) for k in range(taps_)]
    each = np.stack([weight[:, :, k] @ columns[k] for k in range(taps_)])
    each = each.reshape(taps_, len(weight), n_items, n)
    scaling = factors.transpose(2, 1, 0)[..., None]
    y = np.sum(each * scaling, axis=0) + bias[:, None, None]

    def backward(g: Array) -> tuple[Any, ...]:
        g_first = channels_first(g)
        d_each = (g_first * scaling).reshape(taps_, len(weight), -1)
        d_x = np.zeros_like(first)
        for k in range(taps_):
            d_x[..., k : k + n] += (weight[:, :, k].T @ d_each[k]).reshape(-1, n_items, n)
        d_weight = np.stack([d_each[k] @ columns[k].T for k in range(taps_)], axis=2)
        d_factors = np.sum(each * g_first, axis=-1).transpose(2, 1, 0)
        d_x = channels_first(d_x[inner(taps_ // 2, 1)])
        return d_x, d_weight, g_first.sum(axis=(1, 2)), d_factors

    return channels_first(y), backward


@op
def conv_transpose(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    stride: int = 1,
    padding: int = 0,
    output_padding: int = 0,
) -> tuple[Array, Backward]:
    """Return the transposed convolution, the adjoint of `conv`.

    Parameters
    ----------
    x : array, shape (N, C, *space)
        The input.
    weight : array, shape (C, O, *kernel)
        One kernel per input and output channel.
    bias : array, shape (O,), optional
        One constant per output channel.
    stride, padding, output_padding : int
        As in PyTorch, used for all space axes. ``output_padding`` lengthens the output at its end.

    Returns
    -------
    array, shape (N, O, *out)
        ``out = (space − 1)·stride − 2·padding + kernel + output_padding``.

    Examples
    --------
    >>> conv_transpose(np.array([[[1.0, 2.0]]]), np.array([[[1.0, 10.0]]]), stride=2)
    array([[[ 1., 10.,  2., 20.]]])
    """
    kernel, space = weight.shape[2:], x.shape[2:]
    out = tuple(
        (n - 1) * stride - 2 * padding + k + output_padding
        for n, k in zip(space, kernel, strict=True)
    )
    rows = channels_first(x).reshape(len(weight), -1)
    matrix = weight.reshape(len(weight), -1)
    columns = (matrix.T @ rows).reshape(-1, *kernel, len(x), *space)
    y = _summed(columns, out, stride, padding, 1)
    if bias is not None:
        y += bias.reshape(-1, *[1] * (x.ndim - 1))

    def backward(g: Array) -> tuple[Any, ...]:
        g_first = channels_first(g)
        g_columns = _columns(padded(g_first, padding), kernel, space, stride, 1)
        d_x = (matrix @ g_columns).reshape(len(weight), len(x), *space)
        d_weight = (rows @ g_columns.T).reshape(weight.shape)
        return channels_first(d_x), d_weight, g_first.reshape(len(g_first), -1).sum(axis=1)

    return channels_first(y), backward


def _columns(
    x: Array, kernel: tuple[int, ...], out: tuple[int, ...], stride: int, dilation: int
) -> Array:
    """Return the inputs of each output, ``(C·kernel, N·out)``, from a padded ``(C, N, *space)``."""
    x = np.ascontiguousarray(x)
    channel, item, *steps = x.strides
    view: Array = np.ndarray(  # all windows, without copying
        (len(x), *kernel, x.shape[1], *out),
        x.dtype,
        x,
        strides=(channel, *[dilation * s for s in steps], item, *[stride * s for s in steps]),
    )
    return view.reshape(len(x) * math.prod(kernel), -1)


def _summed(
    columns: Array, space: tuple[int, ...], stride: int, padding: int, dilation: int
) -> Array:
    """Apply the adjoint of padding and `_columns`: ``(C, *kernel, N, *out)`` to ``(C, N, *space)``."""
    axes = len(space)
    channels, kernel, items = len(columns), columns.shape[1 : 1 + axes], columns.shape[1 + axes]
    out = columns.shape[2 + axes :]
    x = np.zeros((channels, items, *[n + 2 * padding for n in space]), columns.dtype)
    each = columns.reshape(channels, -1, items, *out)
    for i, where in enumerate(taps(kernel, out, stride, dilation)):
        x[where] += each[:, i]
    return np.ascontiguousarray(x[inner(padding, axes)])
