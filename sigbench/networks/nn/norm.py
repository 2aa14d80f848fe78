"""Batch normalization with the statistics of the batch, of training or of each item."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from sigbench.core.protocols import Array
from sigbench.networks.nn.conv import channels_first
from sigbench.networks.nn.tape import Backward, op

Statistics = Literal["batch", "running", "input"]

MOMENTUM = 0.1  # weight of the latest batch in the running statistics
EPS = 1e-5  # added to the variance


@op
def batch_norm(
    x: Array,
    running_mean: Array | None,
    running_var: Array,
    gain: Array | None = None,
    shift: Array | None = None,
    *,
    statistics: Statistics,
) -> tuple[Array, Backward]:
    """Return gain·(x − m)/√(v + 1e-5) + shift, with mean m and variance v of each channel.

    If ``running_mean`` is None, return gain·x/√(v + 1e-5), with the same v.

    Parameters
    ----------
    x : array, shape (N, C, *space)
        The input.
    running_mean, running_var : array, shape (C,)
        Running averages; the mean may be None. If ``statistics`` is ``"batch"``, they are updated
        in place with weight 0.1 and the unbiased variance.
    gain, shift : array, shape (C,), optional
        By default 1 and 0.
    statistics : {"batch", "running", "input"}
        Use the mean and variance of the whole batch (training), the running averages, or those
        of each item.

    Returns
    -------
    array, shape (N, C, *space)

    References
    ----------
    Ioffe and Szegedy, ICML 2015, algorithms 1 and 2. Bias-free version: Mohan et al., ICLR 2020.

    Examples
    --------
    >>> x = np.array([[[1.0, 3.0]], [[5.0, 7.0]]])
    >>> batch_norm(x, np.zeros(1), np.ones(1), statistics="input").round(3).tolist()
    [[[-1.0, 1.0]], [[-1.0, 1.0]]]
    """
    first = channels_first(x)
    rows = first.reshape(*first.shape[: 2 if statistics == "input" else 1], -1)
    per_channel = (-1, *[1] * (rows.ndim - 1))
    n = rows.shape[-1]
    mean: Array
    y: Array
    if statistics == "running":
        var = running_var.reshape(per_channel)
        mean = np.zeros_like(var) if running_mean is None else running_mean.reshape(per_channel)
        y = rows - mean
    else:
        mean = rows.sum(axis=-1, keepdims=True) / n
        y = rows - mean
        var = (y * y).sum(axis=-1, keepdims=True) / n
        if running_mean is None:
            y = rows.copy()
    if statistics == "batch":
        if running_mean is not None:
            running_mean += MOMENTUM * (mean[:, 0] - running_mean)
        running_var += MOMENTUM * (var[:, 0] * (n / max(n - 1, 1)) - running_var)
    precision = 1 / np.sqrt(var + EPS)
    factor = precision if gain is None else precision * gain.reshape(per_channel)
    y *= factor
    if shift is not None:
        y += shift.reshape(per_channel)

    def backward(g: Array) -> tuple[Any, ...]:
        g_rows = channels_first(g).reshape(rows.shape)
        unit = (rows - mean) * precision
        total = g_rows.sum(axis=-1, keepdims=True)
        scaled = unit if running_mean is not None else rows * precision
        along = (g_rows * scaled).sum(axis=-1, keepdims=True)
        through_mean = total if running_mean is not None else 0.0
        d = g_rows if statistics == "running" else g_rows - (through_mean + along * unit) / n
        d_x = channels_first((d * factor).reshape(first.shape))
        return (
            d_x,
            None,
            None,
            *[part.reshape(len(first), -1).sum(axis=1) for part in (along, total)],
        )

    return channels_first(y.reshape(first.shape)), backward


@op
def scale(x: Array, gain: Array, shift: Array) -> tuple[Array, Backward]:
    """Return gain·x + shift per channel.

    Parameters
    ----------
    x : array, shape (N, C, *space)
        The input.
    gain, shift : array, shape (C,)
        Factor and offset of each channel.

    Examples
    --------
    >>> scale(np.ones((1, 2, 1)), np.array([2.0, 3.0]), np.array([0.0, 1.0])).tolist()
    [[[2.0], [4.0]]]
    """
    first = channels_first(x)
    rows = first.reshape(len(first), -1)
    y = rows * gain[:, None]
    y += shift[:, None]

    def backward(g: Array) -> tuple[Any, ...]:
        g_rows = channels_first(g).reshape(len(first), -1)
        d_x = channels_first((g_rows * gain[:, None]).reshape(first.shape))
        return d_x, (g_rows * rows).sum(axis=1), g_rows.sum(axis=1)

    return channels_first(y.reshape(first.shape)), backward
