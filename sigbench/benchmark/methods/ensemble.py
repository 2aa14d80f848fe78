"""Self-ensembles: the mean estimate over all flips and 90° rotations of the input."""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.protocols import (
    UNDESCRIBED,
    Array,
    Denoiser,
    Info,
    Learner,
    Oracle,
    Sigma,
    Training,
    TrainingHistory,
    info_of,
)
from sigbench.core.validation import check
from sigbench.denoisers import DENOISERS
from sigbench.networks.pretrained.denoiser import Pretrained
from sigbench.networks.training.learner import Trained

TABLE = {**DENOISERS, "network": Pretrained, "trained": Trained}  # valid names in a spec

INFO = Info("self-ensemble", "ensemble", "Timofte, Rothe, Van Gool 2016; Lim et al. 2017")


def _info(inner: Any) -> Info:
    """Return the info of the self-ensemble of a denoiser; raise InputError if it is impossible."""
    info = info_of(inner)
    if isinstance(inner, Oracle):
        raise InputError(
            f"{info.name} cannot be self-ensembled: it uses the clean item in its original orientation"
        )
    names = [f.name for f in dataclasses.fields(inner)] if dataclasses.is_dataclass(inner) else []
    if info.family == "deconvolution" or "kernel" in names:
        raise InputError(
            f"{info.name} cannot be self-ensembled: a flip of the signal would flip the blur too"
        )
    if info == UNDESCRIBED:
        return info
    fixed = bool(info.fixed_by) and getattr(inner, info.fixed_by) is not None
    return dataclasses.replace(
        info,
        name=f"{INFO.name}-{info.name}",
        uses_sigma=info.uses_sigma and not fixed,
        fixed_by="",
        exact_at_zero=info.exact_at_zero and not fixed,
        version=1,
    )


@dataclass(frozen=True)
class SelfEnsemble:
    """The mean of T⁻¹f(Ty) over all symmetries T of the sampling grid.

    For images these are the eight combinations of flips and 90° rotations, for signals the identity
    and time reversal; each costs one call of f. The mean commutes with every T. It reduces errors
    that differ between y and Ty, as those of a network do; an f that commutes with all T is
    unchanged.

    Parameters
    ----------
    denoiser : Denoiser
        The denoiser f. It gets the same noise level and problem information. For a learner, use
        `SelfEnsembleLearner`; both are written ``self-ensemble`` in a spec.

    References
    ----------
    Timofte, Rothe, Van Gool, "Seven ways to improve example-based single image super resolution",
    CVPR 2016, on enhanced prediction. Lim, Son, Kim, Nah, Lee, "Enhanced deep residual networks for
    single image super-resolution" (EDSR), CVPR workshops 2017, on the geometric self-ensemble.

    Examples
    --------
    >>> from sigbench.benchmark.methods.functions import Function
    >>> earlier = Function(lambda noisy: np.roll(noisy, 1, axis=-1))
    >>> SelfEnsemble(earlier)(np.array([[[0.0, 2.0, 0.0, 0.0]]]))
    array([[[1., 0., 1., 0.]]])
    """

    denoiser: Denoiser = field(metadata={"table": TABLE})
    info: Info = field(
        default=INFO, init=False, repr=False, compare=False, metadata={"identity": False}
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "info", _info(self.denoiser))
        if isinstance(self.denoiser, Learner):
            raise InputError(f"{info_of(self.denoiser).name} is a learner: use SelfEnsembleLearner")

    @property
    def n_params(self) -> int:
        """The number of learned parameters of the denoiser."""
        return int(getattr(self.denoiser, "n_params", 0))

    @property
    def device(self) -> str:
        """The device that the denoiser runs on."""
        return str(getattr(self.denoiser, "device", "cpu"))

    @property
    def history(self) -> TrainingHistory | None:
        """The training history of the denoiser, if known."""
        history: TrainingHistory | None = getattr(self.denoiser, "history", None)
        return history

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        check(noisy, sigma)
        quarters = range(4 if noisy.ndim == 4 else 1)
        estimates = []
        for flipped, turns in itertools.product((False, True), quarters):
            turned = np.rot90(np.flip(noisy, -1) if flipped else noisy, turns, axes=(-2, -1))
            estimate = self.denoiser(np.ascontiguousarray(turned), sigma=sigma)
            back = np.rot90(estimate, -turns, axes=(-2, -1))
            estimates.append(np.flip(back, -1) if flipped else back)
        total = estimates
        while len(total) > 1:  # pairwise, so that the mean of equal estimates is exact
            total = [a + b for a, b in zip(total[::2], total[1::2], strict=True)]
        return np.asarray(total[0] / len(estimates))


@dataclass(frozen=True)
class SelfEnsembleLearner:
    """A learner whose fitted denoiser is self-ensembled: see `SelfEnsemble`.

    Parameters
    ----------
    denoiser : Learner
        The learner that is fitted.
    """

    denoiser: Learner = field(metadata={"table": TABLE})
    info: Info = field(
        default=INFO, init=False, repr=False, compare=False, metadata={"identity": False}
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "info", _info(self.denoiser))

    def fit(self, train: Training, *, rng: np.random.Generator) -> SelfEnsemble:
        """Return the self-ensemble of the fitted denoiser."""
        return SelfEnsemble(self.denoiser.fit(train, rng=rng))  # type: ignore[arg-type]


def self_ensemble(denoiser: Denoiser | Learner) -> SelfEnsemble | SelfEnsembleLearner:
    """Return the self-ensemble of a denoiser or learner."""
    if isinstance(denoiser, Learner):
        return SelfEnsembleLearner(denoiser)
    return SelfEnsemble(denoiser)
