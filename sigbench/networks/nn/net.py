"""What a network is defined with: layers that find, or make, their weights by name."""

from __future__ import annotations

import math
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Literal

from sigbench.core.errors import InputError
from sigbench.networks.nn.norm import Statistics

Norm = Literal["none", "batch", "sparse"]

RUNNING = "running_"  # begins the names of what is averaged, not learned
MIN_WEIGHT = -3.0  # of the sparse batch norm's penalty at first: softplus(−3) = 0.05

Begin = float | tuple[int, int]
Make = Callable[[str, tuple[int, ...], Begin], Any]


@dataclass(slots=True)
class Net:
    """One pass through a network: an engine, its weights, and the path of names so far.

    A definition is a function of a net and its input: it calls layers with their names, and
    the net knows their weights. The same definition runs on NumPy arrays, on `Var` and on torch
    tensors, and makes its weights when it is run without.

    Parameters
    ----------
    ops : module
        The engine: `sigbench.networks.nn` or `sigbench.networks.nn.torch_ops`, or what has the same functions.
    weights : mapping of str to array
        Parameters and running statistics by name.
    statistics : {"batch", "running", "input"}
        What batch norm goes by.
    path : str
        Prefix of all names.
    make : callable, optional
        ``make(name, shape, begin)`` makes a weight that is not there; without it that is an error.
    maps : dict, optional
        Takes every feature map by name.

    Examples
    --------
    >>> import numpy as np
    >>> from sigbench import nn
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
        """Return the net of a part: its names begin with this one's."""
        path = f"{self.path}{name}."
        return Net(self.ops, self.weights, self.statistics, path, self.make, self.maps)

    def weight(self, name: str, shape: tuple[int, ...], begin: Begin) -> Any:
        """Return a weight by its name, which begins as a constant, or drawn by its fans (in, out).

        Raises
        ------
        InputError
            Where it is missing or has another shape.
        """
        full = self.path + name
        if full not in self.weights:
            if self.make is None:
                raise InputError(f"the weights have no {full!r}, of shape {shape}")
            self.weights[full] = self.make(full, shape, begin)
        found = self.weights[full]
        if found.shape != shape:
            raise InputError(f"weight {full!r} has shape {tuple(found.shape)}, not {shape}")
        return found

    def keep(self, x: Any, name: str = "") -> Any:
        """Return ``x``, and remember it as the feature map of this part, or of one inside it."""
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
        begin: float | None = None,
    ) -> Any:
        """Return a convolution with as many zeros around as keep the size at stride 1."""
        weight, constant = self._kernel(name, x, outputs, kernel, bias, begin)
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
        begin: float | None = None,
    ) -> tuple[Any, Any]:
        inputs, *space = x.shape[1:]
        taps = kernel ** len(space)
        start = (inputs * taps, outputs * taps) if begin is None else begin
        weight = self.weight(f"{name}.weight", (outputs, inputs, *[kernel] * len(space)), start)
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
        inputs, *space = x.shape[1:]
        taps = kernel ** len(space)
        start = (outputs * taps, inputs * taps)  # as PyTorch has it: the fans of its adjoint
        weight = self.weight(f"{name}.weight", (inputs, outputs, *[kernel] * len(space)), start)
        constant = self.weight(f"{name}.bias", (outputs,), start) if bias else None
        options = {"stride": stride, "padding": padding, "output_padding": output_padding}
        return self.keep(self.ops.conv_transpose(x, weight, constant, **options), name)

    def modulated_conv(self, name: str, x: Any, outputs: int, kernel: int, factors: Any) -> Any:
        """Return a convolution of signals whose taps each item scales by its own factors."""
        weight, constant = self._kernel(name, x, outputs, kernel)
        return self.keep(self.ops.modulated_conv(x, weight, constant, factors), name)

    def norm(self, name: str, x: Any, norm: Norm, *, bias: bool = True) -> Any:
        """Return ``x`` normalized: not at all, by batch norm, or by the sparse batch norm.

        Without ``bias`` batch norm only scales.
        """
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
        """Return what a NumPy function makes of ``x``, of which no derivative is taken."""
        return self.ops.constant(function, x)
