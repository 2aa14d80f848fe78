"""The protocols that everything shares, and the small records that travel between rooms.

Arrays are ``(batch, channel, *space)``: signals and speech ``(N, 1, L)``, images
``(N, C, H, W)``, float32 or float64. ``sigma`` is the standard deviation of white noise in the
signal's units: a float, an array of shape ``(N,)``, or None where it is unknown or not white.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Sigma = float | Array | None

Knowledge = Literal["oracle", "prior", "fitted", "sigma", "blind", "none"]
"""What a method was told, strongest first; see ``docs/architecture.md``."""

Domain = Literal["signal", "speech", "image", "system"]


@runtime_checkable
class Denoiser(Protocol):
    """Noisy in, estimate out: same shape, dtype and units; neither self nor input changes."""

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate of a batch ``(N, C, *space)``."""
        ...


@runtime_checkable
class Estimator(Protocol):
    """Input and output of systems in, their impulse responses out; neither self nor input changes.

    Index 0 of a response ``h`` is lag 0, and ``y = h ∗ x + n`` is circular: an ``h`` that is
    shorter than the record goes on with zeros.
    """

    def estimate(self, x: Array, y: Array, *, sigma: Sigma = None) -> Array:
        """Return ``h``, shape ``(N, 1, taps)``, of inputs and outputs ``(N, 1, L)``.

        ``sigma`` is passed only where the method is told the noise level of ``y``.
        """
        ...


@runtime_checkable
class Learner(Protocol):
    """Learns from a training split. ``fit`` leaves ``self`` alone and returns what is ready."""

    def fit(self, train: Training, *, rng: np.random.Generator) -> Denoiser | Estimator:
        """Return a denoiser that is ready to use; on system functions, an estimator."""
        ...


@runtime_checkable
class Oracle(Protocol):
    """Sees the truth: a limit or a reference, never ranked."""

    def bind(self, clean: Array) -> Denoiser | Estimator:
        """Return the denoiser (or estimator) of these clean items, shape ``(N, C, *space)``."""
        ...


@runtime_checkable
class Certified(Protocol):
    """A denoiser that minimizes an objective, and says how far from the minimum it may be."""

    def certificate(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the duality gap over the objective of every item's solution, shape ``(N,)``."""
        ...


@runtime_checkable
class Differentiable(Protocol):
    """A denoiser that knows its derivative, as networks do."""

    def pull_back(self, noisy: Array, gradient: Array, *, sigma: Sigma = None) -> Array:
        """Return Aᵀ·g of every item, A the Jacobian at ``noisy``; all ``(N, C, *space)``.

        It raises a `NoDerivative` where part of it is computed without one.
        """
        ...


@runtime_checkable
class Rectifying(Protocol):
    """A network whose rectifiers can be seen."""

    def active(self, noisy: Array, *, sigma: Sigma = None) -> NDArray[np.bool_]:
        """Return which of them are on for every item, shape ``(N, units)``."""
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
    domains : tuple of {"signal", "speech", "image", "system"}
        What it can be given: records of a system are for estimators.
    uses_sigma : bool
        Whether it adapts to the noise level, told or estimated by itself.
    fixed_by : str
        The parameter that, where set, makes it not adapt.
    prior : bool
        Whether it knows the true prior: a limit.
    fitted : bool
        Whether it has learned from data before: a network with its weights.
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
    fitted: bool = False
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

    Of system functions, ``noisy`` holds input and output as two channels, ``target`` the ``h``.
    ``sigma`` is what the method is told: None, a float, or shape ``(N,)``.
    """

    noisy: Array
    target: Array
    sigma: Sigma = None


def _denoised(method: Denoiser, pairs: Pairs) -> Array:
    return method(pairs.noisy, sigma=pairs.sigma)


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
    apply : callable
        ``apply(method, pairs)`` is what a method makes of pairs: by default it denoises them.
    second : callable, optional
        ``second()`` makes another noisy view of the validation items: what there is to stop or
        choose by where nothing clean is to be used.
    """

    pairs: Pairs
    validation: Pairs
    draw: Callable[..., Pairs]
    peak: float
    apply: Callable[[Any, Pairs], Array] = _denoised
    second: Callable[[], Array] | None = None


@dataclass(frozen=True)
class Block:
    """Items of one length that a problem made: all that a method may see, and the truth.

    ``noisy`` and ``clean`` have shape ``(N, C, *space)``; ``items``, ``groups`` and ``sigma``
    length N. Of system functions, ``clean`` is ``h`` and ``noisy`` input and output.
    """

    items: NDArray[np.intp]
    groups: tuple[str, ...]
    clean: Array
    noisy: Array
    sigma: Array | None


class LogEntry(NamedTuple):
    """Where a training was at a validation.

    ``loss`` is the mean over the steps since the point before, ``validation`` the loss on the
    validation pairs, and ``figure`` the running metric there.
    """

    step: int
    seconds: float
    loss: float
    validation: float
    figure: float


@dataclass(frozen=True)
class TrainingHistory:
    """What a training took: of what has learned, its attribute ``history``.

    Attributes
    ----------
    seconds : float
        How long it took, validations included.
    steps : int
        How many steps.
    epochs : float
        How often it has seen its pairs; NaN where that is not known.
    samples : int
        How many pairs it has seen, each as often as it has.
    metric : str
        What the figures of the log are.
    log : tuple of Point
        One a validation; empty where it is not known.
    """

    seconds: float
    steps: int
    epochs: float
    samples: int
    metric: str = "psnr"
    log: tuple[LogEntry, ...] = ()
