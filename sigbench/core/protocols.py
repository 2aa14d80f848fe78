"""The protocols of methods, and the records that packages exchange.

Arrays are ``(batch, channel, *space)``: signals and speech ``(N, 1, L)``, images
``(N, C, H, W)``, float32 or float64. ``sigma`` is the standard deviation of white noise in the
signal's units: a float, an array of shape ``(N,)``, or None if it is unknown or not white. Some
methods also accept a `NoiseModel` there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]


@runtime_checkable
class NoiseModel(Protocol):
    """The noise in the N items of a batch, if it is not white noise of a known level.

    A model describes the noise by its mean power: at each frequency, and at each sample for a given
    clean signal. Both have the same mean, the square of ``level``. Arrays are float64.
    """

    @property
    def level(self) -> NDArray[np.float64]:
        """Root mean square of the noise of each item, shape ``(N,)``, in signal units."""
        ...

    def spectrum(self, space: tuple[int, ...]) -> NDArray[np.float64]:
        """Return the power at the frequencies of ``fftn``, shape ``(N, *space)``.

        White noise of level σ has the power σ² at every frequency.
        """
        ...

    def variance(self, clean: Array) -> NDArray[np.float64]:
        """Return the variance of the noise at each sample of clean items ``(N, C, *space)``."""
        ...


Sigma = float | Array | NoiseModel | None

Knowledge = Literal["oracle", "prior", "fitted", "sigma", "blind", "none"]
"""The strongest information that a method used, strongest first; see ``docs/architecture.md``."""

Domain = Literal["signal", "speech", "image", "system"]

Task = Literal["denoising", "system identification", "noise tracking", "noise estimation"]
"""What a problem asks of a method."""


@runtime_checkable
class Denoiser(Protocol):
    """A callable from a noisy batch to an estimate of the same shape, dtype and units.

    A call modifies neither the denoiser nor its input.
    """

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate for a noisy batch ``(N, C, *space)``."""
        ...


@runtime_checkable
class Estimator(Protocol):
    """A method that estimates impulse responses of systems from their input and output.

    Index 0 of a response ``h`` is lag 0, and ``y = h ∗ x + n`` is circular: a shorter ``h`` is
    zero-padded to the length of the record. A call modifies neither the estimator nor its input.
    """

    def estimate(self, x: Array, y: Array, *, sigma: Sigma = None) -> Array:
        """Return ``h``, shape ``(N, 1, taps)``, for inputs and outputs ``(N, 1, L)``.

        ``sigma`` is the noise level of ``y`` if the method is given it, otherwise None.
        """
        ...


@runtime_checkable
class NoiseEstimator(Protocol):
    """A method that estimates the noise in a batch; a call does not modify its input."""

    def estimate_noise(self, noisy: Array) -> NoiseModel:
        """Return the noise of the items of a noisy batch ``(N, C, *space)``."""
        ...


@runtime_checkable
class Local(Protocol):
    """A denoiser whose estimate at a sample depends on nearby samples only.

    If the method uses the noise level, this holds for a given level. The same samples have the same
    estimate at every place, if borders are at least ``reach`` away.
    """

    @property
    def reach(self) -> int:
        """Largest distance, along an axis, of a sample that the estimate depends on."""
        ...


@runtime_checkable
class Learner(Protocol):
    """A method that learns from a training split; ``fit`` does not modify it."""

    def fit(self, train: Training, *, rng: np.random.Generator) -> Denoiser | Estimator:
        """Return a fitted denoiser; for system identification, a fitted estimator."""
        ...


@runtime_checkable
class Oracle(Protocol):
    """A method that uses the clean items: a limit or a reference, never ranked."""

    def bind(self, clean: Array) -> Denoiser | Estimator:
        """Return the denoiser (or estimator) for these clean items, shape ``(N, C, *space)``."""
        ...


@runtime_checkable
class Certified(Protocol):
    """A denoiser that minimizes an objective and bounds its distance from the minimum."""

    def certificate(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the duality gap divided by the objective for each item, shape ``(N,)``."""
        ...


@runtime_checkable
class Differentiable(Protocol):
    """A denoiser that computes its derivative, as networks do."""

    def pull_back(self, noisy: Array, gradient: Array, *, sigma: Sigma = None) -> Array:
        """Return Aᵀg for each item, where A is the Jacobian at ``noisy``; all ``(N, C, *space)``.

        Raises
        ------
        NoDerivative
            If part of the network is computed without a derivative.
        """
        ...


@runtime_checkable
class Rectifying(Protocol):
    """A network that reports which of its rectifiers are active."""

    def active(self, noisy: Array, *, sigma: Sigma = None) -> NDArray[np.bool_]:
        """Return which rectifiers are active for each item, shape ``(N, units)``."""
        ...


@dataclass(frozen=True)
class Info:
    """Metadata of a registered method.

    Attributes
    ----------
    name : str
        Name in the table of methods.
    family : str
        Family under which it is listed.
    source : str
        Publication or origin.
    domains : tuple of {"signal", "speech", "image", "system"}
        Kinds of signal that it accepts; ``"system"`` is for estimators.
    uses_sigma : bool
        Whether it adapts to the noise level, given or estimated.
    adapts : bool
        Whether it adapts to the noisy item in another way, and does not use the noise level.
    fixed_by : str
        Name of the parameter that, if set, stops it from adapting.
    prior : bool
        Whether it knows the true prior, so that it is a limit.
    fitted : bool
        Whether it was trained beforehand: a network with its weights.
    bound : bool
        For an oracle: whether no method can be better, so that it is a true bound.
    exact_at_zero : bool
        Whether ``sigma=0`` returns the input.
    version : int
        Incremented when the same parameters give other values; cells of older versions are stale.
    """

    name: str
    family: str
    source: str
    domains: tuple[Domain, ...] = ("signal", "speech", "image")
    uses_sigma: bool = False
    adapts: bool = False
    fixed_by: str = ""
    prior: bool = False
    fitted: bool = False
    bound: bool = False
    exact_at_zero: bool = False
    version: int = 1


UNDESCRIBED = Info("user", "user", "a user class without info")


def info_of(entry: Any) -> Info:
    """Return the metadata of a method; user classes may omit it."""
    info: Info = getattr(entry, "info", UNDESCRIBED)
    return info


@dataclass(frozen=True)
class Pairs:
    """Noisy items and their targets, each of shape ``(N, C, *space)``.

    For system identification, ``noisy`` contains input and output as two channels and ``target``
    is ``h``. ``sigma`` is the given noise level: None, a float, or shape ``(N,)``.
    """

    noisy: Array
    target: Array
    sigma: float | Array | None = None


def _denoised(method: Denoiser, pairs: Pairs) -> Array:
    return method(pairs.noisy, sigma=pairs.sigma)


@dataclass(frozen=True)
class Training:
    """The data that a learner may use: the training split, nothing of the test split.

    Attributes
    ----------
    pairs : Pairs
        A fixed set of noisy and clean items.
    validation : Pairs
        Another fixed set from the training split, for early stopping and model selection.
    draw : callable
        ``draw(n, rng, target="clean")`` returns ``n`` new pairs; with ``target="noisy"`` the
        targets are second views with independent noise.
    peak : float
        Peak value of the dataset, in its units.
    apply : callable
        ``apply(method, pairs)`` returns the estimates of a method; by default it denoises.
    second : callable, optional
        ``second()`` returns a second noisy view of the validation items, for early stopping and
        model selection without clean data.
    """

    pairs: Pairs
    validation: Pairs
    draw: Callable[..., Pairs]
    peak: float
    apply: Callable[[Any, Pairs], Array] = _denoised
    second: Callable[[], Array] | None = None


@dataclass(frozen=True)
class Block:
    """Items of equal size from a problem: the data given to a method, and the clean items.

    ``noisy`` and ``clean`` have shape ``(N, C, *space)``; ``items``, ``groups`` and ``sigma``
    have length N. For system identification, ``clean`` is ``h`` and ``noisy`` contains input and
    output as two channels.
    """

    items: NDArray[np.intp]
    groups: tuple[str, ...]
    clean: Array
    noisy: Array
    sigma: Array | None


class LogEntry(NamedTuple):
    """State of a training at one validation.

    ``loss`` is the mean over the steps since the previous entry, ``validation`` the loss on the
    validation pairs, and ``figure`` the metric on them.
    """

    step: int
    seconds: float
    loss: float
    validation: float
    figure: float


@dataclass(frozen=True)
class TrainingHistory:
    """Cost and log of a training: the attribute ``history`` of a trained method.

    Attributes
    ----------
    seconds : float
        Duration, including validations.
    steps : int
        Number of steps.
    epochs : float
        Number of passes over the training pairs; NaN if not known.
    samples : int
        Number of pairs processed, with repetition.
    metric : str
        Name of the metric in the log.
    log : tuple of LogEntry
        One entry per validation; empty if not known.
    """

    seconds: float
    steps: int
    epochs: float
    samples: int
    metric: str = "psnr"
    log: tuple[LogEntry, ...] = ()
