"""Initialization of weights."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from sigbench.core.errors import unknown
from sigbench.core.protocols import Array
from sigbench.core.rng import item_rng
from sigbench.networks.nn.net import Init, Make

Draw = Callable[[np.random.Generator, tuple[int, ...], int, int], Array]


def uniform(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
    """U(−b, b), b = 1/√fan_in, for weights and biases: the default of PyTorch's layers."""
    bound = 1 / math.sqrt(fan_in)
    return rng.uniform(-bound, bound, shape)


def xavier(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
    """U(−b, b), b = √(6/(fan_in + fan_out)); biases 0 (Glorot and Bengio 2010, eq. 16)."""
    bound = math.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-bound, bound, shape) if len(shape) > 1 else np.zeros(shape)


def kaiming(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
    """N(0, 2/fan_in); biases 0 (He et al. 2015, eq. 10)."""
    deviation = math.sqrt(2 / fan_in)
    return deviation * rng.standard_normal(shape) if len(shape) > 1 else np.zeros(shape)


INITIAL: dict[str, Draw] = {"uniform": uniform, "xavier": xavier, "kaiming": kaiming}


def starting(scheme: str, seed: int) -> Make:
    """Return a function that makes initial weights.

    Each weight has its own random stream, so the values do not depend on the order.

    Parameters
    ----------
    scheme : {"uniform", "xavier", "kaiming"}
        Distribution of the weights that are drawn.
    seed : int
        Training seed.

    Returns
    -------
    callable
        ``make(name, shape, init)`` returns a float32 array; see `Net`.

    Raises
    ------
    InputError
        If the scheme is unknown.

    Examples
    --------
    >>> make = starting("uniform", seed=1)
    >>> make("conv.weight", (1, 1, 3), (3, 3)).shape, make("norm.weight", (2,), 1.0)
    ((1, 1, 3), array([1., 1.], dtype=float32))
    """
    if scheme not in INITIAL:
        raise unknown("initialization", scheme, INITIAL)

    def make(name: str, shape: tuple[int, ...], init: Init) -> Array:
        if isinstance(init, tuple):
            drawn = INITIAL[scheme](item_rng(0, "weights", seed, name), shape, *init)
            return drawn.astype(np.float32)
        return np.full(shape, init, np.float32)

    return make
