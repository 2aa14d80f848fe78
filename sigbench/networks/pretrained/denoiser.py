"""Networks with trained weights as denoisers."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Info, Sigma, TrainingHistory
from sigbench.core.validation import check, check_choice
from sigbench.networks.models.base import (
    Network,
    active,
    check_rate,
    n_params,
    pull_back,
    run,
)
from sigbench.networks.models.padding import Mode, folded, padded, padded_lengths
from sigbench.networks.pretrained.trained_on import (
    caution_of_range,
    is_far_off,
    is_other_peak,
    trained_on,
)
from sigbench.networks.pretrained.weights import SHIPPED, Weights, load, shipped

EngineChoice = Literal["auto", "numpy", "torch"]
STATISTICS = ("running", "input")  # of batch norm, once a network is trained
PADDING: Mode = "symmetric"


def chosen_engine(engine: EngineChoice, network: Network) -> Literal["numpy", "torch"]:
    """Return the engine that runs a network; ``auto`` selects the faster one.

    For signals that is NumPy, which is as fast as torch and loads quickly. For images it is torch
    if it is installed (``benchmarks/networks.py``).
    """
    if engine != "auto":
        return engine
    return "torch" if network.axes == 2 and find_spec("torch") else "numpy"


@dataclass(frozen=True)
class NetworkDenoiser:
    """A network with its weights.

    Items may have any size: they are padded by reflection where necessary, and the estimate is
    cropped. A network with one channel is applied to each channel separately.

    Parameters
    ----------
    weights : Weights
        The network definition and its weights.
    statistics : {"running", "input"}
        Statistics of batch norm: the averages of training, or those of each item.
    engine : {"auto", "numpy", "torch"}
        The engine; values agree up to rounding.
    history : TrainingHistory, optional
        The history of the training.
    fs : float, optional
        Sampling rate of the signals in Hz, which must be that of the network.
    peak : float, optional
        Peak value of the data, which must be within a factor of 2 of that of the training data
        unless the network commutes with scaling. If it is None, values that are far off cause a
        `Caution`.
    """

    weights: Weights
    statistics: Literal["running", "input"] = "running"
    engine: EngineChoice = field(default="auto", metadata={"identity": False})
    history: TrainingHistory | None = field(
        default=None, repr=False, compare=False, metadata={"identity": False}
    )
    fs: float | None = field(default=None, repr=False, compare=False, metadata={"identity": False})
    peak: float | None = field(
        default=None, repr=False, compare=False, metadata={"identity": False}
    )

    def __post_init__(self) -> None:
        check_choice("statistics", self.statistics, STATISTICS)
        check_choice("engine", self.engine, get_args(EngineChoice))
        check_rate(self.weights.network, self.fs)
        trained = trained_on(self.weights.card).peak
        if self.peak is None or trained is None or not is_other_peak(trained, self.peak):
            return
        if not _commutes_with_scaling(self.weights):
            name = self.weights.card.get("name", self.weights.network.info.name)
            raise InputError(
                f"{name} was trained on data with peak {trained:g}, but these have {self.peak:g}: "
                "scale the data"
            )

    @property
    def info(self) -> Info:
        """The network's info, marked as fitted, with the kind of data that it was trained on."""
        own, domain = self.weights.network.info, trained_on(self.weights.card).domain
        domains = own.domains if domain is None else (domain,)
        return dataclasses.replace(own, fitted=True, domains=domains)

    @property
    def n_params(self) -> int:
        """Number of learned parameters."""
        return n_params(self.weights.network)

    @property
    def latency_ms(self) -> float | None:
        """Delay in ms of a causal network, or None if it needs the whole signal."""
        causal = self.statistics == "running"  # statistics of the input are of all its samples
        return getattr(self.weights.network, "latency_ms", None) if causal else None

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, with shape and dtype of ``noisy``."""
        check(noisy, sigma)
        network, x = self.weights.network, self._padded(noisy)
        trained = trained_on(self.weights.card).peak if self.peak is None else None
        if trained and is_far_off(trained, noisy) and not _commutes_with_scaling(self.weights):
            caution_of_range(self.weights.card.get("name", network.info.name), trained, noisy)
        engine = chosen_engine(self.engine, network)
        y = run(network, self.weights.arrays, x, engine=engine, statistics=self.statistics)
        y = y[:, :, *(slice(n) for n in noisy.shape[2:])]
        return np.ascontiguousarray(y.reshape(noisy.shape))

    def pull_back(self, noisy: Array, gradient: Array, *, sigma: Sigma = None) -> Array:
        """Return Aᵀ·g for each item, A being the Jacobian at ``noisy``; shape and dtype of ``noisy``."""
        check(noisy, sigma)
        network, x = self.weights.network, self._padded(noisy)
        space = noisy.shape[2:]
        g = np.zeros_like(x)
        g[:, :, *(slice(n) for n in space)] = gradient.reshape(*x.shape[:2], *space)
        engine = chosen_engine(self.engine, network)
        back = pull_back(
            network, self.weights.arrays, x, g, engine=engine, statistics=self.statistics
        )
        return np.ascontiguousarray(folded(back, space, PADDING).reshape(noisy.shape))

    def active(self, noisy: Array, *, sigma: Sigma = None) -> NDArray[np.bool_]:
        """Return which rectifiers are active for each item, shape ``(N, units)``."""
        check(noisy, sigma)
        network, x = self.weights.network, self._padded(noisy)
        engine = chosen_engine(self.engine, network)
        on = active(network, self.weights.arrays, x, engine=engine, statistics=self.statistics)
        return on.reshape(len(noisy), -1)

    def _padded(self, noisy: Array) -> Array:
        """Return the items padded, and split into channels if the network takes only one."""
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
        lengths = padded_lengths(space, network.multiple, least=network.least)
        return padded(x, lengths, PADDING)


@dataclass(frozen=True)
class Pretrained:
    """A network with weights from a file.

    Parameters
    ----------
    weights : str
        The name of weights that are shipped with sigbench, or the path of a ``.safetensors`` file
        written by ``sigbench train``.
    statistics : {"running", "input"}
        Statistics of batch norm: the averages of training, or those of each item.
    engine : {"auto", "numpy", "torch"}
        The engine; values agree up to rounding.
    fs : float, optional
        Sampling rate of the signals in Hz, which must be that of a network for speech.
    peak : float, optional
        Peak value of the data, as for `NetworkDenoiser`.
    """

    weights: str = field(metadata={"identity": False})
    statistics: Literal["running", "input"] = "running"
    engine: EngineChoice = field(default="auto", metadata={"identity": False})
    fs: float | None = field(default=None, repr=False, compare=False, metadata={"identity": False})
    peak: float | None = field(
        default=None, repr=False, compare=False, metadata={"identity": False}
    )
    pairs: str = field(init=False, metadata={"identity": False})  # training pairs: fresh or fixed
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
        denoiser = NetworkDenoiser(
            weights, self.statistics, self.engine, fs=self.fs, peak=self.peak
        )
        info = dataclasses.replace(self.info, domains=denoiser.info.domains)
        object.__setattr__(self, "info", info)
        object.__setattr__(self, "pairs", "fresh" if weights.card.get("fresh") else "fixed")
        object.__setattr__(self, "loaded", denoiser)

    @property
    def n_params(self) -> int:
        """Number of learned parameters."""
        return self.loaded.n_params

    @property
    def latency_ms(self) -> float | None:
        """Delay in ms of a causal network, or None if it needs the whole signal."""
        return self.loaded.latency_ms

    @property
    def rate(self) -> float | None:
        """The sampling rate in Hz of a network for one rate only."""
        return getattr(self.loaded.weights.network, "fs", None)

    @property
    def history(self) -> TrainingHistory | None:
        """The training history from the card, or None if the card has none."""
        return _history_of(self.loaded.weights.card)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, with shape and dtype of ``noisy``."""
        return self.loaded(noisy, sigma=sigma)

    def pull_back(self, noisy: Array, gradient: Array, *, sigma: Sigma = None) -> Array:
        """Return Aᵀ·g for each item, A being the Jacobian at ``noisy``; shape and dtype of ``noisy``."""
        return self.loaded.pull_back(noisy, gradient, sigma=sigma)

    def active(self, noisy: Array, *, sigma: Sigma = None) -> NDArray[np.bool_]:
        """Return which rectifiers are active for each item, shape ``(N, units)``."""
        return self.loaded.active(noisy, sigma=sigma)


@functools.lru_cache(maxsize=32)
def _commutes_with_scaling(weights: Weights) -> bool:
    """Return whether f(ay) = a·f(y), as without additive constants; tested with one random item."""
    network = weights.network
    space = padded_lengths((32,) * network.axes, network.multiple, least=network.least)
    y = np.random.default_rng(0).standard_normal((1, network.channels[0], *space))
    small, large = (
        run(network, weights.arrays, y * scale, engine="numpy") / scale for scale in (2**-6, 2**6)
    )
    return bool(np.abs(large - small).max() < 1e-6 * np.abs(large).max())


def _history_of(card: Mapping[str, Any]) -> TrainingHistory | None:
    if not {"seconds", "steps", "samples"} <= card.keys():
        return None
    epochs = float(card.get("epochs", math.nan))
    return TrainingHistory(float(card["seconds"]), int(card["steps"]), epochs, int(card["samples"]))
