"""Optimizers: SGD and Adam."""

from __future__ import annotations

import math
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sigbench.core.protocols import Array
from sigbench.core.validation import check_field

OptimizerState = MutableMapping[str, Array]


class Optimizer(Protocol):
    """A frozen dataclass of settings; its state is passed to `step` and changed there."""

    @property
    def lr(self) -> float:
        """The learning rate, which a schedule scales."""
        ...

    def step(
        self,
        weights: Mapping[str, Array],
        gradients: Mapping[str, Array],
        state: OptimizerState,
        lr: float,
    ) -> None:
        """Update ``weights`` and ``state`` in place; ``state`` is empty at first."""
        ...


@dataclass(frozen=True)
class SGD:
    """v ← μ·v + (1 − d)·(g + ω·θ), θ ← θ − lr·v; the first v is g + ω·θ.

    Parameters
    ----------
    lr : float
        Learning rate.
    momentum : float
        μ; no v is stored if it is 0.
    dampening : float
        d.
    weight_decay : float
        ω.

    References
    ----------
    Sutskever et al., ICML 2013, as implemented in PyTorch.

    Examples
    --------
    >>> weights = {"a": np.array([1.0])}
    >>> SGD(lr=0.1).step(weights, {"a": np.array([2.0])}, {}, lr=0.1)
    >>> weights["a"]
    array([0.8])
    """

    lr: float
    momentum: float = 0.0
    dampening: float = 0.0
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        check_field("lr", self.lr, 0)
        check_field("momentum", self.momentum, 0, below=1)
        check_field("dampening", self.dampening, 0)
        check_field("weight_decay", self.weight_decay, 0)

    def step(
        self,
        weights: Mapping[str, Array],
        gradients: Mapping[str, Array],
        state: OptimizerState,
        lr: float,
    ) -> None:
        """Update ``weights`` and ``state`` in place."""
        for name, g in gradients.items():
            weight, key = weights[name], f"{name}/momentum"
            if self.weight_decay:
                g = g + self.weight_decay * weight
            if self.momentum:
                if key in state:
                    state[key] *= self.momentum
                    state[key] += (1 - self.dampening) * g
                else:
                    state[key] = g.copy()
                g = state[key]
            weight -= lr * g


@dataclass(frozen=True)
class Adam:
    """m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², θ ← θ − lr·m̂/(√v̂ + eps).

    m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ) at step t.

    Parameters
    ----------
    lr : float
        Learning rate.
    beta1, beta2 : float
        β₁ and β₂.
    eps : float
        Added to the square root.
    weight_decay : float
        ω: g is replaced by g + ω·θ.

    References
    ----------
    Kingma and Ba, ICLR 2015, algorithm 1.

    Examples
    --------
    >>> weights = {"a": np.array([1.0])}
    >>> Adam(lr=0.1).step(weights, {"a": np.array([2.0])}, {}, lr=0.1)
    >>> weights["a"].round(6)
    array([0.9])
    """

    lr: float
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        check_field("lr", self.lr, 0)
        check_field("beta1", self.beta1, 0, below=1)
        check_field("beta2", self.beta2, 0, below=1)
        check_field("eps", self.eps, 0)
        check_field("weight_decay", self.weight_decay, 0)

    def step(
        self,
        weights: Mapping[str, Array],
        gradients: Mapping[str, Array],
        state: OptimizerState,
        lr: float,
    ) -> None:
        """Update ``weights`` and ``state`` in place."""
        for name, g in gradients.items():
            weight = weights[name]
            if self.weight_decay:
                g = g + self.weight_decay * weight
            if f"{name}/m" not in state:
                state[f"{name}/m"] = np.zeros_like(weight)
                state[f"{name}/v"] = np.zeros_like(weight)
                state[f"{name}/t"] = np.zeros((), np.int64)
            m, v, t = (state[f"{name}/{key}"] for key in ("m", "v", "t"))
            t += 1
            m *= self.beta1
            m += (1 - self.beta1) * g
            v *= self.beta2
            v += (1 - self.beta2) * g * g
            root = math.sqrt(1 - self.beta2 ** int(t))
            weight -= lr * root / (1 - self.beta1 ** int(t)) * m / (np.sqrt(v) + self.eps * root)


OPTIMIZERS = {"sgd": SGD, "adam": Adam}
