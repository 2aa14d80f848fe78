"""Pooling, upsampling, padding, concatenation and pixel shuffle."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array
from sigbench.networks.nn.conv import Index, channels_first, inner, lengths, padded, taps
from sigbench.networks.nn.tape import Backward, op


@op
def max_pool(x: Array, kernel: int, *, stride: int | None = None) -> tuple[Array, Backward]:
    """Return the maximum of each window; the first of equal values receives the gradient.

    Parameters
    ----------
    x : array, shape (N, C, *space)
        The input; an incomplete window at the end is dropped.
    kernel : int
        Length of the window along each space axis.
    stride : int, optional
        Step between windows; by default ``kernel``.

    Examples
    --------
    >>> max_pool(np.array([[[1.0, 4.0, 2.0, 3.0, 9.0]]]), 2)
    array([[[4., 3.]]])
    """
    first = channels_first(x)
    windows = list(_windows(first, kernel, stride or kernel))
    y = functools.reduce(np.maximum, [first[where] for where in windows])

    def backward(g: Array) -> tuple[Any, ...]:
        g_first = channels_first(g)
        d_x = np.zeros_like(first)
        free = np.ones(y.shape, bool)
        for where in windows:
            hit = (first[where] == y) & free
            d_x[where] += g_first * hit
            free &= ~hit
        return (channels_first(d_x),)

    return channels_first(y), backward


@op
def avg_pool(
    x: Array, kernel: int, *, stride: int | None = None, padding: int = 0
) -> tuple[Array, Backward]:
    """Return the mean of each window, including padded zeros.

    Parameters
    ----------
    x : array, shape (N, C, *space)
        The input.
    kernel : int
        Length of the window along each space axis.
    stride : int, optional
        Step between windows; by default ``kernel``.
    padding : int
        Number of zeros at both ends of each space axis.

    Examples
    --------
    >>> avg_pool(np.array([[[1.0, 4.0, 2.0, 3.0]]]), 2)
    array([[[2.5, 2.5]]])
    """
    first = padded(channels_first(x), padding)
    windows = list(_windows(first, kernel, stride or kernel))
    share = x.dtype.type(1 / len(windows))
    y = functools.reduce(np.add, [first[where] for where in windows]) * share

    def backward(g: Array) -> tuple[Any, ...]:
        d_x = np.zeros_like(first)
        part = channels_first(g) * share
        for where in windows:
            d_x[where] += part
        return (channels_first(d_x[inner(padding, x.ndim - 2)]),)

    return channels_first(y), backward


def _windows(x: Array, kernel: int, stride: int) -> list[Index]:
    """Return, for each position in a window, its index over all windows of ``(C, N, *space)``."""
    space = x.shape[2:]
    size = (kernel,) * len(space)
    return list(taps(size, lengths(space, size, stride, 0, 1), stride, 1))


@op
def upsample_nearest(x: Array) -> tuple[Array, Backward]:
    """Repeat each sample twice along each space axis.

    Examples
    --------
    >>> upsample_nearest(np.array([[[1.0, 2.0]]]))
    array([[[1., 1., 2., 2.]]])
    """
    y = channels_first(x)
    for axis in range(2, x.ndim):
        y = np.repeat(y, 2, axis=axis)

    def backward(g: Array) -> tuple[Any, ...]:
        d_x = channels_first(g)
        for axis in range(2, x.ndim):
            d_x = _every(d_x, 0, axis) + _every(d_x, 1, axis)
        return (channels_first(d_x),)

    return channels_first(y), backward


@op
def upsample_linear(x: Array, *, align_corners: bool) -> tuple[Array, Backward]:
    """Double the number of samples along each space axis by linear interpolation.

    Sample 2j lies between x_{j−1} and x_j, sample 2j + 1 between x_j and x_{j+1}:
    y_{2j} = (1 − a_j)·x_j + a_j·x_{j−1} and y_{2j+1} = (1 − b_j)·x_j + b_j·x_{j+1}.

    Parameters
    ----------
    x : array, shape (N, C, *space)
        The input.
    align_corners : bool
        If True, the first and last samples keep their positions: a_j = j/(2L − 1) for L samples.
        Otherwise the borders do: a_0 = 0, the other a_j = 1/4. b is a reversed.

    Examples
    --------
    >>> upsample_linear(np.array([[[0.0, 3.0]]]), align_corners=True)
    array([[[0., 1., 2., 3.]]])
    """
    y = channels_first(x)
    for axis in range(2, x.ndim):
        y = _doubled(y, axis, align_corners)

    def backward(g: Array) -> tuple[Any, ...]:
        d_x = channels_first(g)
        for axis in range(2, x.ndim):
            d_x = _halved(d_x, axis, align_corners)
        return (channels_first(d_x),)

    return channels_first(y), backward


@functools.lru_cache(64)
def _weights(n: int, behind: int, dtype: Any, align_corners: bool) -> tuple[Array, ...]:
    """Return 1 − a, a[1:], 1 − b and b[:-1], shaped to broadcast over ``behind`` more axes."""
    a = np.arange(n) / (2 * n - 1) if align_corners else np.where(np.arange(n) > 0, 0.25, 0.0)
    a = a.astype(dtype).reshape(-1, *[1] * behind)
    b = np.flip(a, 0)
    return 1 - a, a[1:], 1 - b, b[:-1]


def _doubled(x: Array, axis: int, align_corners: bool) -> Array:
    n = x.shape[axis]
    even_own, even_other, odd_own, odd_other = _weights(
        n, x.ndim - 1 - axis, x.dtype, align_corners
    )
    y = np.empty((*x.shape[:axis], 2 * n, *x.shape[axis + 1 :]), x.dtype)
    even, odd = _every(y, 0, axis), _every(y, 1, axis)
    np.multiply(x, even_own, out=even)
    np.multiply(x, odd_own, out=odd)
    later, earlier = _part(1, None, axis), _part(None, -1, axis)
    even[later] += even_other * x[earlier]
    odd[earlier] += odd_other * x[later]
    return y


def _halved(g: Array, axis: int, align_corners: bool) -> Array:
    """Apply the adjoint of `_doubled`."""
    even, odd = _every(g, 0, axis), _every(g, 1, axis)
    even_own, even_other, odd_own, odd_other = _weights(
        even.shape[axis], g.ndim - 1 - axis, g.dtype, align_corners
    )
    x = even * even_own
    x += odd * odd_own
    later, earlier = _part(1, None, axis), _part(None, -1, axis)
    x[earlier] += even_other * even[later]
    x[later] += odd_other * odd[earlier]
    return x


def _every(x: Array, start: int, axis: int) -> Array:
    """Return a view of every second entry along an axis."""
    view: Array = x[(slice(None),) * axis + (slice(start, None, 2),)]
    return view


def _part(start: int | None, stop: int | None, axis: int) -> Index:
    return (slice(None),) * axis + (slice(start, stop),)


@op
def fit(x: Array, space: tuple[int, ...]) -> tuple[Array, Backward]:
    """Zero-pad ``x`` to the lengths ``space``, at both ends; an odd zero goes to the end.

    Examples
    --------
    >>> fit(np.array([[[1.0, 2.0]]]), (5,))
    array([[[0., 1., 2., 0., 0.]]])
    """
    if x.shape[2:] == tuple(space):
        return x, lambda g: (g, None)
    starts = [(n - m) // 2 for n, m in zip(space, x.shape[2:], strict=True)]
    where: Index = (..., *[slice(s, s + m) for s, m in zip(starts, x.shape[2:], strict=True)])
    first = channels_first(x)
    y = np.zeros((*first.shape[:2], *space), x.dtype)
    y[where] = first

    def backward(g: Array) -> tuple[Any, ...]:
        return g[where], None

    return channels_first(y), backward


@op
def concat(*parts: Array) -> tuple[Array, Backward]:
    """Concatenate arrays ``(N, C_i, *space)`` along the channel axis.

    Examples
    --------
    >>> concat(np.zeros((1, 1, 2)), np.ones((1, 2, 2))).shape
    (1, 3, 2)
    """
    edges = np.cumsum([part.shape[1] for part in parts])[:-1]

    def backward(g: Array) -> tuple[Any, ...]:
        return tuple(np.split(g, edges, axis=1))

    return channels_first(np.concatenate([channels_first(p) for p in parts])), backward


@op
def mean(x: Array) -> tuple[Array, Backward]:
    """Return the mean over all space axes, which are kept with length 1.

    Examples
    --------
    >>> mean(np.array([[[1.0, 3.0]]]))
    array([[[2.]]])
    """
    axes = tuple(range(2, x.ndim))

    def backward(g: Array) -> tuple[Any, ...]:
        count = x.dtype.type(np.prod(x.shape[2:]))
        return (np.broadcast_to(g / count, x.shape),)

    return x.mean(axis=axes, keepdims=True), backward


@op
def pixel_unshuffle(x: Array, factor: int) -> tuple[Array, Backward]:
    """Turn blocks of ``factor`` samples along each space axis into channels.

    Parameters
    ----------
    x : array, shape (N, C, *space)
        The input; all lengths must be multiples of ``factor``.
    factor : int
        Length of a block along each space axis.

    Returns
    -------
    array, shape (N, C·factor**axes, *(space/factor))

    Examples
    --------
    >>> pixel_unshuffle(np.array([[[1.0, 2.0, 3.0, 4.0]]]), 2).tolist()
    [[[1.0, 3.0], [2.0, 4.0]]]
    """

    def backward(g: Array) -> tuple[Any, ...]:
        return _shuffled(g, factor), None

    return _unshuffled(x, factor), backward


@op
def pixel_shuffle(x: Array, factor: int) -> tuple[Array, Backward]:
    """Turn channels into blocks of samples; the inverse of `pixel_unshuffle`.

    Examples
    --------
    >>> pixel_shuffle(np.array([[[1.0, 3.0], [2.0, 4.0]]]), 2)
    array([[[1., 2., 3., 4.]]])
    """

    def backward(g: Array) -> tuple[Any, ...]:
        return _unshuffled(g, factor), None

    return _shuffled(x, factor), backward


def _unshuffled(x: Array, factor: int) -> Array:
    n, channels, space = len(x), x.shape[1], x.shape[2:]
    axes = len(space)
    if factor < 1 or any(m % factor for m in space):
        raise InputError(f"{factor=} must be >= 1 and divide every length of {space=}")
    blocks = x.reshape(n, channels, *(part for m in space for part in (m // factor, factor)))
    where, within = range(2, 2 + 2 * axes, 2), range(3, 3 + 2 * axes, 2)
    first = blocks.transpose(1, *within, 0, *where)
    y = first.reshape(channels * factor**axes, n, *(m // factor for m in space))
    return channels_first(y)


def _shuffled(x: Array, factor: int) -> Array:
    n, channels, space = len(x), x.shape[1], x.shape[2:]
    axes = len(space)
    if factor < 1 or channels % factor**axes:
        raise InputError(f"{factor=} must be >= 1 and {factor**axes} divide {channels=}")
    blocks = channels_first(x).reshape(-1, *[factor] * axes, n, *space)
    pairs = (axis for i in range(axes) for axis in (2 + axes + i, 1 + i))
    first = blocks.transpose(0, 1 + axes, *pairs)
    y = first.reshape(channels // factor**axes, n, *(m * factor for m in space))
    return channels_first(y)
