"""A network with its weights as a denoiser."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Info, Sigma, TrainingHistory
from sigbench.core.validation import check
from sigbench.networks.models.base import Network, active, n_params, pull_back, run
from sigbench.networks.models.padding import Mode, folded, padded
from sigbench.networks.pretrained.weights import SHIPPED, Weights, load, shipped

EngineChoice = Literal["auto", "numpy", "torch"]
PADDING: Mode = "symmetric"


def chosen_engine(engine: EngineChoice, network: Network) -> Literal["numpy", "torch"]:
    """Return the engine that runs a network: for ``auto``, the faster one that there is.

    On signals that is NumPy, which is as fast and needs no second to be loaded; on images it is
    torch, where it is installed (``benchmarks/networks.py``).
    """
    if engine != "auto":
        return engine
    return "torch" if network.axes == 2 and find_spec("torch") else "numpy"


@dataclass(frozen=True)
class NetworkDenoiser:
    """A network with its weights.

    Items of any size: those that the network does not take are padded by reflection and the
    estimate is cut back. Where the network takes one channel, each channel goes by itself.

    Parameters
    ----------
    weights : Weights
        The network's definition and its weights.
    statistics : {"running", "input"}
        What batch norm goes by: the averages of training, or the item itself.
    engine : {"auto", "numpy", "torch"}
        What runs it; values agree but for rounding.
    history : TrainingHistory, optional
        What its training took, for those who ask.
    """

    weights: Weights
    statistics: Literal["running", "input"] = "running"
    engine: EngineChoice = field(default="auto", metadata={"identity": False})
    history: TrainingHistory | None = field(
        default=None, repr=False, compare=False, metadata={"identity": False}
    )

    def __post_init__(self) -> None:
        if self.statistics not in ("running", "input"):
            raise InputError(f"statistics={self.statistics!r} must be one of: running, input")
        if self.engine not in ("auto", "numpy", "torch"):
            raise InputError(f"engine={self.engine!r} must be one of: auto, numpy, torch")

    @property
    def info(self) -> Info:
        """What its network says of itself, and that it has learned."""
        return dataclasses.replace(self.weights.network.info, fitted=True)

    @property
    def n_params(self) -> int:
        """How many numbers it has learned."""
        return n_params(self.weights.network)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        check(noisy, sigma)
        network, x = self.weights.network, self._fitting(noisy)
        engine = chosen_engine(self.engine, network)
        y = run(network, self.weights.arrays, x, engine=engine, statistics=self.statistics)
        y = y[:, :, *(slice(n) for n in noisy.shape[2:])]
        return np.ascontiguousarray(y.reshape(noisy.shape))

    def pull_back(self, noisy: Array, gradient: Array, *, sigma: Sigma = None) -> Array:
        """Return Aᵀ·g of every item, A the Jacobian at ``noisy``; shape and dtype of ``noisy``."""
        check(noisy, sigma)
        network, x = self.weights.network, self._fitting(noisy)
        space = noisy.shape[2:]
        g = np.zeros_like(x)
        g[:, :, *(slice(n) for n in space)] = gradient.reshape(*x.shape[:2], *space)
        engine = chosen_engine(self.engine, network)
        back = pull_back(
            network, self.weights.arrays, x, g, engine=engine, statistics=self.statistics
        )
        return np.ascontiguousarray(folded(back, space, PADDING).reshape(noisy.shape))

    def active(self, noisy: Array, *, sigma: Sigma = None) -> NDArray[np.bool_]:
        """Return which rectifiers are on for every item, shape ``(N, units)``."""
        check(noisy, sigma)
        network, x = self.weights.network, self._fitting(noisy)
        engine = chosen_engine(self.engine, network)
        on = active(network, self.weights.arrays, x, engine=engine, statistics=self.statistics)
        return on.reshape(len(noisy), -1)

    def _fitting(self, noisy: Array) -> Array:
        """Return the items as the network takes them."""
        network = self.weights.network
        channels, space = noisy.shape[1], noisy.shape[2:]
        if len(space) != network.axes:
            kind = {1: "signals (N, C, L)", 2: "images (N, C, H, W)"}[network.axes]
            raise InputError(f"{network.info.name} takes {kind}, not {noisy.shape}")
        x = noisy
        if channels not in network.channels:
            if network.channels != (1,):
                legal = " or ".join(map(str, network.channels))
                raise InputError(f"{network.info.name} takes {legal} channels, not {channels}")
            x = noisy.reshape(-1, 1, *space)
        lengths = [max(network.least, -(-n // network.multiple) * network.multiple) for n in space]
        return padded(x, lengths, PADDING)


@dataclass(frozen=True)
class Pretrained:
    """A network with weights from a file: those that come with sigbench, or one's own.

    Parameters
    ----------
    weights : str
        A name of those that come with sigbench, or the path of a ``.safetensors`` file that
        ``sigbench train`` has written.
    statistics : {"running", "input"}
        What batch norm goes by: the averages of training, or the item itself.
    engine : {"auto", "numpy", "torch"}
        What runs it; values agree but for rounding.
    """

    weights: str = field(metadata={"identity": False})
    statistics: Literal["running", "input"] = "running"
    engine: EngineChoice = field(default="auto", metadata={"identity": False})
    pairs: str = field(init=False, metadata={"identity": False})  # what it has learned from
    loaded: NetworkDenoiser = field(init=False, repr=False)

    info: ClassVar[Info] = Info(
        "network", "network", "weights from a file, with their card", fitted=True
    )

    def __post_init__(self) -> None:
        own = self.weights.endswith(".safetensors")
        if not own and ("." in self.weights or "/" in self.weights):
            raise InputError(
                f"weights={self.weights} must end in .safetensors or be one of: {', '.join(SHIPPED)}"
            )
        weights = load(Path(self.weights)) if own else shipped(self.weights)
        denoiser = NetworkDenoiser(weights, self.statistics, self.engine)
        object.__setattr__(self, "pairs", "fresh" if weights.card.get("fresh") else "fixed")
        object.__setattr__(self, "loaded", denoiser)

    @property
    def n_params(self) -> int:
        """How many numbers it has learned."""
        return self.loaded.n_params

    @property
    def history(self) -> TrainingHistory | None:
        """What its training took, by its card; None where that does not say."""
        return _history_of(self.loaded.weights.card)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        return self.loaded(noisy, sigma=sigma)

    def pull_back(self, noisy: Array, gradient: Array, *, sigma: Sigma = None) -> Array:
        """Return Aᵀ·g of every item, A the Jacobian at ``noisy``; shape and dtype of ``noisy``."""
        return self.loaded.pull_back(noisy, gradient, sigma=sigma)

    def active(self, noisy: Array, *, sigma: Sigma = None) -> NDArray[np.bool_]:
        """Return which rectifiers are on for every item, shape ``(N, units)``."""
        return self.loaded.active(noisy, sigma=sigma)


def _history_of(card: Mapping[str, Any]) -> TrainingHistory | None:
    if not {"seconds", "steps", "samples"} <= card.keys():
        return None
    epochs = float(card.get("epochs", math.nan))
    return TrainingHistory(float(card["seconds"]), int(card["steps"]), epochs, int(card["samples"]))
