"""The protocol of networks, initial weights, and forward and backward passes by either engine."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Info
from sigbench.core.validation import check_choice
from sigbench.networks import nn
from sigbench.networks.nn.net import RUNNING

EngineName = Literal["numpy", "torch"]
Maps = dict[str, Array]

BLOCK = 2**16  # samples per pass, so that memory does not grow with the batch


class Network(Protocol):
    """A network definition: a frozen dataclass of its sizes, which either engine runs.

    ``channels`` lists the accepted numbers of channels, ``axes`` is the number of space axes.
    Their lengths must be multiples of ``multiple`` and at least ``least``; other inputs are padded.
    `sigbench list` shows a separate network for each value of a field with ``listed`` metadata.
    A network for one sampling rate only has a field ``fs``, in Hz, and one that needs only the
    beginning of a signal for the beginning of its estimate has a property ``latency_ms``.
    """

    info: ClassVar[Info]
    axes: ClassVar[int]
    channels: ClassVar[tuple[int, ...]]

    @property
    def least(self) -> int:
        """The minimum length of a space axis."""
        ...

    @property
    def multiple(self) -> int:
        """The number that the lengths of the space axes must be multiples of."""
        ...

    def __hash__(self) -> int: ...

    def forward(self, net: nn.Net, y: Any) -> Any:
        """Return the estimate of a batch ``(N, C, *space)``."""
        ...


def is_learned(name: str) -> bool:
    """Return whether a weight is learned; running statistics are not."""
    return not name.rpartition(".")[2].startswith(RUNNING)


def check_rate(network: Network, fs: float | None) -> None:
    """Check that signals have the sampling rate of a network, if both are known.

    Raises
    ------
    InputError
        If the rates differ.
    """
    own = getattr(network, "fs", None)  # a field of networks for one rate only
    if own is not None and fs is not None and own != fs:
        raise InputError(
            f"{network.info.name} is for fs={own:g} Hz, but the signals have {fs:g} Hz"
        )


def first_weights(network: Network, *, initial: str = "uniform", seed: int = 0) -> dict[str, Array]:
    """Return the initial weights of a network by name, float32.

    Parameters
    ----------
    network : Network
        The definition.
    initial : {"uniform", "xavier", "kaiming"}
        The initialization scheme.
    seed : int
        Training seed.
    """
    weights: dict[str, Array] = {}
    item = np.zeros((1, network.channels[0], *[network.least] * network.axes), np.float32)
    network.forward(nn.Net(nn, weights, "running", make=nn.starting(initial, seed)), item)
    return weights


@functools.cache
def n_params(network: Network) -> int:
    """Return the number of learned parameters of a network.

    Examples
    --------
    >>> from sigbench.networks.models.icnn import ICNN
    >>> n_params(ICNN(prior=False))
    6039
    """
    return sum(w.size for name, w in first_weights(network).items() if is_learned(name))


def run(
    network: Network,
    weights: Mapping[str, Any],
    x: Any,
    *,
    engine: EngineName,
    statistics: nn.Statistics = "running",
    maps: Maps | None = None,
) -> Array:
    """Run a network on a batch of a size that it accepts.

    Parameters
    ----------
    network : Network
        The definition.
    weights : mapping of str to array
        Its weights by name.
    x : array, shape (N, C, *space)
        The batch.
    engine : {"numpy", "torch"}
        The engine; the values agree up to rounding.
    statistics : {"running", "input", "batch"}
        The statistics that batch norm uses. With ``"input"`` everything is computed in float64,
        because channels with almost no variation are divided by a tiny deviation, which would
        amplify rounding errors.
    maps : dict, optional
        Receives the feature maps by name, as arrays.

    Returns
    -------
    array, shape (N, C, *space)
        The estimate, with the dtype of ``x``.

    Raises
    ------
    InputError
        If ``engine`` or ``statistics`` is unknown, torch is needed but not installed, or the
        weights belong to another network.
    """
    check_choice("engine", engine, get_args(EngineName))
    check_choice("statistics", statistics, get_args(nn.Statistics))
    dtype = np.float64 if statistics == "input" else x.dtype
    arrays = {name: np.array(weight, dtype) for name, weight in weights.items()}
    blocks = 1 if statistics == "batch" else min(len(x), math.ceil(x.size / BLOCK))
    parts = np.array_split(x.astype(dtype, copy=False), blocks)
    recorded: list[dict[str, Any]] = [{} for _ in parts]
    estimates = [
        _forward(network, arrays, part, engine, statistics, None if maps is None else own)
        for part, own in zip(parts, recorded, strict=True)
    ]
    if maps is not None:
        maps.update({name: _joined([own[name] for own in recorded]) for name in recorded[0]})
    return _joined(estimates).astype(x.dtype, copy=False)


def pull_back(
    network: Network,
    weights: Mapping[str, Any],
    x: Any,
    gradient: Any,
    *,
    engine: EngineName,
    statistics: nn.Statistics = "running",
) -> Array:
    """Return Aᵀ·g for each item of a batch, where A is the network's Jacobian at the item.

    Parameters
    ----------
    network, weights, engine, statistics
        As in `run`.
    x : array, shape (N, C, *space)
        The batch.
    gradient : array, shape (N, C, *space)
        g.

    Returns
    -------
    array, shape (N, C, *space)
        The products, with the dtype of ``x``.

    Raises
    ------
    NoDerivative
        If part of the network is computed without derivatives.
    """
    arrays = {name: np.array(weight, x.dtype) for name, weight in weights.items()}
    blocks = min(len(x), math.ceil(x.size / BLOCK))
    parts = zip(np.array_split(x, blocks), np.array_split(gradient, blocks), strict=True)
    backward = _numpy_backward if engine == "numpy" else _torch_backward
    return _joined([backward(network, arrays, part, g, statistics) for part, g in parts])


def _numpy_backward(
    network: Network, arrays: dict[str, Array], x: Array, g: Array, statistics: nn.Statistics
) -> Any:
    var = nn.Var(x)
    network.forward(nn.Net(nn, arrays, statistics), var).backward(g)
    return var.grad


def _torch_backward(
    network: Network, arrays: dict[str, Array], x: Array, g: Array, statistics: nn.Statistics
) -> Any:
    torch_ops = torch_engine()
    import torch

    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    tensor = torch.from_numpy(x.copy()).requires_grad_()
    y = network.forward(nn.Net(torch_ops, tensors, statistics), tensor)
    return torch.autograd.grad(y, tensor, torch.from_numpy(g.copy()))[0]


def active(
    network: Network,
    weights: Mapping[str, Any],
    x: Array,
    *,
    engine: EngineName,
    statistics: nn.Statistics = "running",
) -> NDArray[np.bool_]:
    """Return which rectifiers of a network are active (positive input) for each item.

    Parameters
    ----------
    network, weights, engine, statistics
        As in `run`.
    x : array, shape (N, C, *space)
        The batch.

    Returns
    -------
    array, shape (N, units), bool
        ``units`` is 0 for a network without rectifiers.
    """
    arrays = {name: np.array(weight, x.dtype) for name, weight in weights.items()}
    recorder = _RectifierRecorder(nn if engine == "numpy" else torch_engine())
    _forward(network, arrays, x, engine, statistics, None, recorder)
    rows = [np.asarray(signs).reshape(len(x), -1) for signs in recorder.signs]
    return np.concatenate([np.empty((len(x), 0), np.bool_), *rows], axis=1)


class _RectifierRecorder:
    """The operations of an engine that also record the signs of the rectifiers' inputs."""

    def __init__(self, ops: Any) -> None:
        self._ops = ops
        self.signs: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ops, name)

    def relu(self, x: Any) -> Any:
        self.signs.append(x > 0)
        return self._ops.relu(x)

    def leaky_relu(self, x: Any, *, slope: float) -> Any:
        self.signs.append(x > 0)
        return self._ops.leaky_relu(x, slope=slope)


def _forward(
    network: Network,
    arrays: dict[str, Array],
    x: Array,
    engine: EngineName,
    statistics: nn.Statistics,
    maps: dict[str, Any] | None,
    ops: Any = None,
) -> Any:
    """Run one block on an engine and return its own kind of array; ``ops`` replaces its ops."""
    if engine == "numpy":
        return network.forward(nn.Net(ops or nn, arrays, statistics, maps=maps), x)
    ops = ops or torch_engine()
    import torch

    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    with torch.inference_mode():
        return network.forward(
            nn.Net(ops, tensors, statistics, maps=maps), torch.from_numpy(x.copy())
        )


def _joined(parts: list[Any]) -> Array:
    return np.ascontiguousarray(np.concatenate([np.asarray(part) for part in parts]))


def check_cuda() -> None:
    """Check that torch finds a GPU; raise InputError otherwise."""
    import torch

    if not torch.cuda.is_available():
        raise InputError("device=cuda: torch finds no GPU; use device=cpu")


def torch_engine() -> Any:
    """Return the module `sigbench.networks.nn.torch_ops`.

    Raises
    ------
    InputError
        If torch is not installed.
    """
    try:
        from sigbench.networks.nn import torch_ops
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise InputError(
            "engine='torch' needs torch: pip install 'sigbench[torch]' (or engine=numpy)"
        ) from None
    return torch_ops
