"""The protocols that everything shares, and the small records that travel between rooms.

Arrays are ``(batch, channel, *space)``: signals and speech ``(N, 1, L)``, images
``(N, C, H, W)``, float32 or float64. ``sigma`` is the standard deviation of white noise in the
signal's units: a float, an array of shape ``(N,)``, or None where it is unknown or not white.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Sigma = float | Array | None

Knowledge = Literal["oracle", "prior", "fitted", "sigma", "blind", "none"]
"""What a method was told, strongest first; see ``docs/architecture.md``."""

Domain = Literal["signal", "speech", "image"]


@runtime_checkable
class Denoiser(Protocol):
    """Noisy in, estimate out: same shape, dtype and units; neither self nor input changes."""

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate of a batch ``(N, C, *space)``."""
        ...


@runtime_checkable
class Learner(Protocol):
    """Learns from a training split. ``fit`` leaves ``self`` alone and returns a new denoiser."""

    def fit(self, train: Training, *, rng: np.random.Generator) -> Denoiser:
        """Return a denoiser that is ready to use."""
        ...


@runtime_checkable
class Oracle(Protocol):
    """Sees the truth: a limit or a reference, never ranked."""

    def bind(self, clean: Array) -> Denoiser:
        """Return the denoiser of these clean items, shape ``(N, C, *space)``."""
        ...


@dataclass(frozen=True)
class Info:
    """What a registered method says of itself.

    Attributes
    ----------
    name : str
        Its key in the table.
    family : str
        The family it is listed under.
    source : str
        Where the method comes from.
    domains : tuple of {"signal", "speech", "image"}
        What it can be given.
    uses_sigma : bool
        Whether it adapts to the noise level, told or estimated by itself.
    fixed_by : str
        The parameter that, where set, makes it not adapt.
    prior : bool
        Whether it knows the true prior: a limit.
    bound : bool
        For an oracle: whether no method can be better.
    exact_at_zero : bool
        Whether ``sigma=0`` gives the input back.
    version : int
        Raised when the same parameters give other values: cells of an older version are stale.
    """

    name: str
    family: str
    source: str
    domains: tuple[Domain, ...] = ("signal", "speech", "image")
    uses_sigma: bool = False
    fixed_by: str = ""
    prior: bool = False
    bound: bool = False
    exact_at_zero: bool = False
    version: int = 1


UNDESCRIBED = Info("user", "user", "a class of one's own that has no info")


def info_of(entry: Any) -> Info:
    """Return what a method says of itself; a user's own need not say anything."""
    info: Info = getattr(entry, "info", UNDESCRIBED)
    return info


@dataclass(frozen=True)
class Pairs:
    """Noisy items with their targets, shape ``(N, C, *space)`` each.

    ``sigma`` is what the method is told: None, a float, or shape ``(N,)``.
    """

    noisy: Array
    target: Array
    sigma: Sigma = None


@dataclass(frozen=True)
class Training:
    """What a learner may see: the training split, and nothing of the test split.

    Attributes
    ----------
    pairs : Pairs
        Fixed arrays, noisy and clean.
    validation : Pairs
        Other fixed arrays of the training split, to stop or choose by.
    draw : callable
        ``draw(n, rng, target="clean")`` makes ``n`` fresh pairs; ``target="noisy"`` gives a
        second, independently noisy view as the target.
    peak : float
        The dataset's peak value, in its units.
    """

    pairs: Pairs
    validation: Pairs
    draw: Callable[..., Pairs]
    peak: float


@dataclass(frozen=True)
class Block:
    """Items of one length that a problem made: all that a method may see, and the truth.

    ``noisy`` and ``clean`` have shape ``(N, C, *space)``; ``items``, ``groups`` and ``sigma``
    length N.
    """

    items: NDArray[np.intp]
    groups: tuple[str, ...]
    clean: Array
    noisy: Array
    sigma: Array | None
