"""What a network is, its first weights, and a pass through it by either engine."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Info
from sigbench.networks import nn
from sigbench.networks.nn.net import RUNNING

EngineName = Literal["numpy", "torch"]
Maps = dict[str, Array]

BLOCK = 2**16  # samples at a time: what a pass needs of memory doesn't grow with the batch


class Network(Protocol):
    """A definition: a frozen dataclass of its sizes, whose pass either engine runs.

    ``channels`` are the numbers of channels that it takes, ``axes`` the space axes; lengths are
    at least ``least`` and multiples of ``multiple``: others are padded to that. A field whose
    metadata say ``listed`` is a choice among networks, which `sigbench list` shows one by one.
    """

    info: ClassVar[Info]
    axes: ClassVar[int]
    channels: ClassVar[tuple[int, ...]]

    @property
    def least(self) -> int:
        """The least length of a space axis."""
        ...

    @property
    def multiple(self) -> int:
        """What the lengths of the space axes are multiples of."""
        ...

    def __hash__(self) -> int: ...

    def forward(self, net: nn.Net, y: Any) -> Any:
        """Return the estimate of a batch ``(N, C, *space)``."""
        ...


def is_learned(name: str) -> bool:
    """Return whether a weight is learned, not a running statistic."""
    return not name.rpartition(".")[2].startswith(RUNNING)


def first_weights(network: Network, *, initial: str = "uniform", seed: int = 0) -> dict[str, Array]:
    """Return the weights that training begins with, float32, by name.

    Parameters
    ----------
    network : Network
        The definition.
    initial : {"uniform", "xavier", "kaiming"}
        How they are drawn.
    seed : int
        The training seed.
    """
    weights: dict[str, Array] = {}
    item = np.zeros((1, network.channels[0], *[network.least] * network.axes), np.float32)
    network.forward(nn.Net(nn, weights, "running", make=nn.starting(initial, seed)), item)
    return weights


@functools.cache
def n_params(network: Network) -> int:
    """Return how many numbers a network learns.

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
    """Return what a network makes of a batch whose size fits it.

    Parameters
    ----------
    network : Network
        The definition.
    weights : mapping of str to array
        Its weights by name.
    x : array, shape (N, C, *space)
        The batch.
    engine : {"numpy", "torch"}
        What runs it; values agree but for rounding.
    statistics : {"running", "input", "batch"}
        What batch norm goes by. With those of the input all is computed in float64: channels that
        hardly vary over an item are divided by next to nothing, and rounding with them.
    maps : dict, optional
        Takes the feature maps by name, as arrays.

    Raises
    ------
    InputError
        For an unknown engine or kind of statistics, torch where it isn't installed, or weights of
        another network.
    """
    if engine not in get_args(EngineName):
        raise InputError(f"{engine=} must be one of: {', '.join(get_args(EngineName))}")
    if statistics not in get_args(nn.Statistics):
        raise InputError(f"{statistics=} must be one of: {', '.join(get_args(nn.Statistics))}")
    dtype = np.float64 if statistics == "input" else x.dtype
    arrays = {name: np.array(weight, dtype) for name, weight in weights.items()}
    blocks = 1 if statistics == "batch" else min(len(x), math.ceil(x.size / BLOCK))
    parts = np.array_split(x.astype(dtype, copy=False), blocks)
    found: list[dict[str, Any]] = [{} for _ in parts]
    estimates = [
        _pass(network, arrays, part, engine, statistics, None if maps is None else kept)
        for part, kept in zip(parts, found, strict=True)
    ]
    if maps is not None:
        maps.update({name: _together([kept[name] for kept in found]) for name in found[0]})
    return _together(estimates).astype(x.dtype, copy=False)


def pull_back(
    network: Network,
    weights: Mapping[str, Any],
    x: Any,
    gradient: Any,
    *,
    engine: EngineName,
    statistics: nn.Statistics = "running",
) -> Array:
    """Return Aᵀ·g for every item of a batch, A the network's Jacobian there.

    Parameters
    ----------
    network, weights, engine, statistics
        As in `run`.
    x : array, shape (N, C, *space)
        The batch; the result has its dtype.
    gradient : array, shape (N, C, *space)
        g.

    Raises
    ------
    NoDerivative
        Where part of the network is computed without one.
    """
    arrays = {name: np.array(weight, x.dtype) for name, weight in weights.items()}
    blocks = min(len(x), math.ceil(x.size / BLOCK))
    parts = zip(np.array_split(x, blocks), np.array_split(gradient, blocks), strict=True)
    backward = _numpy_backward if engine == "numpy" else _torch_backward
    return _together([backward(network, arrays, part, g, statistics) for part, g in parts])


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
    """Return which rectifiers of a network are on, shape ``(N, units)``; without one, ``(N, 0)``.

    Parameters
    ----------
    network, weights, engine, statistics
        As in `run`.
    x : array, shape (N, C, *space)
        The batch.
    """
    arrays = {name: np.array(weight, x.dtype) for name, weight in weights.items()}
    watched = _Watched(nn if engine == "numpy" else torch_engine())
    _pass(network, arrays, x, engine, statistics, None, watched)
    rows = [np.asarray(signs).reshape(len(x), -1) for signs in watched.signs]
    return np.concatenate([np.empty((len(x), 0), np.bool_), *rows], axis=1)


class _Watched:
    """The ops of an engine, which note the signs of what comes into a rectifier."""

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


def _pass(
    network: Network,
    arrays: dict[str, Array],
    x: Array,
    engine: EngineName,
    statistics: nn.Statistics,
    maps: dict[str, Any] | None,
    ops: Any = None,
) -> Any:
    """Return what an engine makes of one block, as its own kind of array; ``ops`` in its place."""
    if engine == "numpy":
        return network.forward(nn.Net(ops or nn, arrays, statistics, maps=maps), x)
    ops = ops or torch_engine()
    import torch

    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    with torch.inference_mode():
        return network.forward(
            nn.Net(ops, tensors, statistics, maps=maps), torch.from_numpy(x.copy())
        )


def _together(parts: list[Any]) -> Array:
    return np.ascontiguousarray(np.concatenate([np.asarray(part) for part in parts]))


def torch_engine() -> Any:
    """Return the ops on torch tensors.

    Raises
    ------
    InputError
        Where torch isn't installed.
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
