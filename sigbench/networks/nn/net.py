"""`Net`: the layers that network definitions are written with."""

from __future__ import annotations

import math
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Literal

from sigbench.core.errors import InputError
from sigbench.networks.nn.norm import Statistics

Norm = Literal["none", "batch", "sparse"]

RUNNING = "running_"  # prefix of running statistics, which are averaged, not learned
MIN_WEIGHT = -3.0  # initial penalty of the sparse batch norm: softplus(−3) = 0.05

Init = float | tuple[int, int]  # a constant, or (fan_in, fan_out) of weights that are drawn
Make = Callable[[str, tuple[int, ...], Init], Any]


@dataclass(slots=True)
class Net:
    """One forward pass of a network: the engine, the weights and the current name prefix.

    A network definition is a function of a `Net` and its input. It calls layers by name, and the
    `Net` looks up their weights. The same definition runs on NumPy arrays, `Var` and torch
    tensors; with ``make`` it also creates its weights.

    Parameters
    ----------
    ops : module
        The engine: `sigbench.networks.nn`, `sigbench.networks.nn.torch_ops`, or an object with the
        same functions.
    weights : mapping of str to array
        Parameters and running statistics by name.
    statistics : {"batch", "running", "input"}
        The statistics that batch norm uses.
    path : str
        Prefix of all names.
    make : callable, optional
        ``make(name, shape, init)`` creates a missing weight; ``init`` is a constant or
        ``(fan_in, fan_out)``. By default a missing weight is an error.
    maps : dict, optional
        Receives all feature maps by name.

    Examples
    --------
    >>> import numpy as np
    >>> from sigbench.networks import nn
    >>> weights = {"smooth.weight": np.array([[[0.5, 0.5, 0.0]]]), "smooth.bias": np.zeros(1)}
    >>> Net(nn, weights).conv("smooth", np.array([[[2.0, 4.0]]]), 1, 3)
    array([[[1., 3.]]])
    """

    ops: Any
    weights: MutableMapping[str, Any]
    statistics: Statistics = "running"
    path: str = ""
    make: Make | None = None
    maps: dict[str, Any] | None = None

    def part(self, name: str) -> Net:
        """Return a `Net` for a part of the network, with a longer prefix."""
        path = f"{self.path}{name}."
        return Net(self.ops, self.weights, self.statistics, path, self.make, self.maps)

    def weight(self, name: str, shape: tuple[int, ...], init: Init) -> Any:
        """Return a weight by name; ``init`` is a constant or ``(fan_in, fan_out)``.

        Raises
        ------
        InputError
            If the weight is missing and there is no ``make``, or if it has another shape.
        """
        full = self.path + name
        if full not in self.weights:
            if self.make is None:
                raise InputError(f"weight {full!r} of shape {shape} is missing")
            self.weights[full] = self.make(full, shape, init)
        found = self.weights[full]
        if found.shape != shape:
            raise InputError(f"weight {full!r} has shape {tuple(found.shape)}, not {shape}")
        return found

    def keep(self, x: Any, name: str = "") -> Any:
        """Return ``x`` and record it in ``maps`` as the feature map of this part or of ``name``."""
        if self.maps is not None:
            self.maps[(self.path + name).rstrip(".")] = x
        return x

    def conv(
        self,
        name: str,
        x: Any,
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        bias: bool = True,
        init: float | None = None,
    ) -> Any:
        """Return a convolution, zero-padded so that stride 1 keeps the size."""
        weight, constant = self._kernel(name, x, outputs, kernel, bias, init)
        padding = dilation * (kernel - 1) // 2
        y = self.ops.conv(x, weight, constant, stride=stride, padding=padding, dilation=dilation)
        return self.keep(y, name)

    def _kernel(
        self,
        name: str,
        x: Any,
        outputs: int,
        kernel: int,
        bias: bool = True,
        init: float | None = None,
        *,
        transposed: bool = False,
    ) -> tuple[Any, Any]:
        """Return weight and bias of a convolution; the bias is None without ``bias``."""
        inputs, *space = x.shape[1:]
        taps = kernel ** len(space)
        # PyTorch's convention: a transposed convolution has shape and fans of its adjoint.
        n_out, n_in = (inputs, outputs) if transposed else (outputs, inputs)
        start = (n_in * taps, n_out * taps) if init is None else init
        weight = self.weight(f"{name}.weight", (n_out, n_in, *[kernel] * len(space)), start)
        return weight, self.weight(f"{name}.bias", (outputs,), start) if bias else None

    def conv_transpose(
        self,
        name: str,
        x: Any,
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: int = 0,
        output_padding: int = 0,
        bias: bool = True,
    ) -> Any:
        """Return a transposed convolution; see `sigbench.networks.nn.conv_transpose`."""
        weight, constant = self._kernel(name, x, outputs, kernel, bias, transposed=True)
        options = {"stride": stride, "padding": padding, "output_padding": output_padding}
        return self.keep(self.ops.conv_transpose(x, weight, constant, **options), name)

    def modulated_conv(self, name: str, x: Any, outputs: int, kernel: int, factors: Any) -> Any:
        """Return a convolution with item-dependent kernels; see `sigbench.networks.nn.modulated_conv`."""
        weight, constant = self._kernel(name, x, outputs, kernel)
        return self.keep(self.ops.modulated_conv(x, weight, constant, factors), name)

    def depthwise_conv(
        self, name: str, x: Any, kernel: int, *, dilation: int = 1, causal: bool = False
    ) -> Any:
        """Return a convolution of each channel; see `sigbench.networks.nn.depthwise_conv`."""
        channels, fans = x.shape[1], (kernel, kernel)
        weight = self.weight(f"{name}.weight", (channels, 1, kernel), fans)
        bias = self.weight(f"{name}.bias", (channels,), fans)
        y = self.ops.depthwise_conv(x, weight, bias, dilation=dilation, causal=causal)
        return self.keep(y, name)

    def norm(self, name: str, x: Any, norm: Norm, *, bias: bool = True) -> Any:
        """Apply no norm, batch norm or the sparse batch norm; without ``bias``, only scale."""
        if norm == "none":
            return x
        layer, channels = self.part(name), (x.shape[1],)
        gain = layer.weight("weight", channels, 1.0)
        if not bias:
            var = layer.weight(f"{RUNNING}var", channels, 1.0)
            return layer.keep(self.ops.batch_norm(x, None, var, gain, statistics=self.statistics))
        shift = layer.weight("bias", channels, 0.0)
        running = (
            layer.weight(f"{RUNNING}mean", channels, 0.0),
            layer.weight(f"{RUNNING}var", channels, 1.0),
        )
        if norm == "batch":
            y = self.ops.batch_norm(x, *running, gain, shift, statistics=self.statistics)
            return layer.keep(y)
        y = self.ops.batch_norm(x, *running, statistics=self.statistics)
        ratio = layer.weight(f"{RUNNING}ratio", (1,), math.sqrt(2 / math.pi))
        p = self.ops.sparseness(y, ratio, statistics=self.statistics)
        lam = self.ops.softplus(layer.weight("penalty", channels, MIN_WEIGHT))
        return layer.keep(self.ops.scale(self.ops.shrink(y, lam, p), gain, shift))

    def constant(self, function: Callable[[Any], Any], x: Any) -> Any:
        """Apply a NumPy function without derivative to ``x``."""
        return self.ops.constant(function, x)
