"""A small network framework in NumPy: operations with gradients, losses and optimizers.

Arrays have shape ``(N, C, *space)``; weights have the same shapes as in PyTorch. An operation on
arrays returns an array. If one of its arguments is a `Var`, it returns a `Var`; `Var.backward`
then stores the gradients in ``grad``.

Examples
--------
>>> import numpy as np
>>> from sigbench.networks import nn
>>> weight = nn.Var(np.array([[[0.0, 1.0, 0.0]]]))
>>> y = nn.conv(np.array([[[1.0, 2.0, 3.0]]]), weight, padding=1)
>>> nn.mse(y, np.array([[[1.0, 2.0, 4.0]]])).backward()
>>> weight.grad.round(3)
array([[[-1.333, -2.   ,  0.   ]]])
"""

from __future__ import annotations

from sigbench.networks.nn.conv import conv, conv_transpose, modulated_conv
from sigbench.networks.nn.depthwise import depthwise_conv
from sigbench.networks.nn.initial import INITIAL, starting
from sigbench.networks.nn.losses import LOSSES, compressed_magnitudes, log_mse, mse, smooth_l1
from sigbench.networks.nn.net import Net, Norm
from sigbench.networks.nn.norm import Statistics, batch_norm, scale
from sigbench.networks.nn.optimizers import OPTIMIZERS, SGD, Adam, Optimizer
from sigbench.networks.nn.pointwise import leaky_relu, log, relu, sigmoid, softplus
from sigbench.networks.nn.resample import (
    avg_pool,
    concat,
    fit,
    max_pool,
    mean,
    pixel_shuffle,
    pixel_unshuffle,
    upsample_linear,
    upsample_nearest,
)
from sigbench.networks.nn.schedules import SCHEDULES, Constant, Cosine, Schedule, Step
from sigbench.networks.nn.sparse import shrink, sparseness
from sigbench.networks.nn.spectrum import low_pass
from sigbench.networks.nn.stft import channel_mean, cumulative_mean, istft, masked, power, stft
from sigbench.networks.nn.tape import Var, add, constant, multiply

__all__ = [
    "INITIAL", "LOSSES", "OPTIMIZERS", "SCHEDULES", "SGD", "Adam", "Constant", "Cosine", "Net",
    "Norm", "Optimizer", "Schedule", "Statistics", "Step", "Var", "add", "avg_pool", "batch_norm",
    "channel_mean", "compressed_magnitudes", "concat", "constant", "conv", "conv_transpose",
    "cumulative_mean", "depthwise_conv", "fit", "istft", "leaky_relu", "log", "log_mse",
    "low_pass", "masked", "max_pool", "mean", "modulated_conv", "mse", "multiply", "pixel_shuffle",
    "pixel_unshuffle", "power", "relu", "scale", "shrink", "sigmoid", "smooth_l1", "softplus",
    "sparseness", "starting", "stft", "upsample_linear", "upsample_nearest",
]  # fmt: skip
