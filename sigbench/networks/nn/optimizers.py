"""Gradient descent: what an optimizer keeps of each parameter, and its step."""

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
    """A frozen dataclass of its settings; what it keeps of a parameter travels beside it."""

    @property
    def lr(self) -> float:
        """The learning rate that a schedule scales."""
        ...

    def step(
        self,
        weights: Mapping[str, Array],
        gradients: Mapping[str, Array],
        state: OptimizerState,
        lr: float,
    ) -> None:
        """Change the weights, and what is kept of them in ``state``, in place."""
        ...


@dataclass(frozen=True)
class SGD:
    """v ← μ·v + (1 − d)·(g + ω·θ), θ ← θ − lr·v; the first v is g + ω·θ.

    Parameters
    ----------
    lr : float
        Learning rate.
    momentum : float
        μ; with 0 there is no v.
    dampening : float
        d.
    weight_decay : float
        ω.

    References
    ----------
    Sutskever et al., ICML 2013, in the form that PyTorch has.

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
        """Change the weights and ``state``, in place."""
        for name, g in gradients.items():
            weight, kept = weights[name], f"{name}/momentum"
            if self.weight_decay:
                g = g + self.weight_decay * weight
            if self.momentum:
                if kept in state:
                    state[kept] *= self.momentum
                    state[kept] += (1 - self.dampening) * g
                else:
                    state[kept] = g.copy()
                g = state[kept]
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
        Added to the root.
    weight_decay : float
        ω: g + ω·θ takes the place of g.

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
        """Change the weights and ``state``, in place."""
        for name, g in gradients.items():
            weight = weights[name]
            if self.weight_decay:
                g = g + self.weight_decay * weight
            if f"{name}/m" not in state:
                state[f"{name}/m"], state[f"{name}/v"] = (
                    np.zeros_like(weight),
                    np.zeros_like(weight),
                )
                state[f"{name}/t"] = np.zeros((), np.int64)
            m, v, t = (state[f"{name}/{kept}"] for kept in ("m", "v", "t"))
            t += 1
            m *= self.beta1
            m += (1 - self.beta1) * g
            v *= self.beta2
            v += (1 - self.beta2) * g * g
            root = math.sqrt(1 - self.beta2 ** int(t))
            weight -= lr * root / (1 - self.beta1 ** int(t)) * m / (np.sqrt(v) + self.eps * root)


OPTIMIZERS = {"sgd": SGD, "adam": Adam}
