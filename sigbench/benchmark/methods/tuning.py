"""Tuning of parameters: every baseline gets the same number of evaluations."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sigbench.benchmark.methods.sure import sure
from sigbench.core.errors import InputError, unknown
from sigbench.core.protocols import Array, Denoiser, Info, Learner, Oracle, Sigma, Training, info_of
from sigbench.core.validation import check_field
from sigbench.denoisers.filtered_noise import levels_or_model
from sigbench.denoisers.noise_level import given_or_estimated

BUDGET = 64  # evaluations, the same for every method

Grid = tuple[tuple[str, tuple[Any, ...]], ...]


def _checked(denoiser: Denoiser, grid: Any) -> Grid:
    """Return a valid grid as tuples, which are hashable."""
    given: Mapping[str, Sequence[Any]] = dict(grid)
    if not dataclasses.is_dataclass(denoiser):
        raise InputError(f"{denoiser!r} cannot be tuned: it is not a dataclass")
    if isinstance(denoiser, Learner | Oracle):
        raise InputError(f"{denoiser!r} cannot be tuned: it is not a denoiser")
    names = [f.name for f in dataclasses.fields(denoiser)]
    for name in given:
        if name not in names:
            raise unknown(f"parameter of {type(denoiser).__name__}", str(name), names)
    count = math.prod(len(values) for values in given.values())
    if not 1 <= count <= BUDGET:
        raise InputError(f"the grid has {count} combinations: it must have 1 to {BUDGET}")
    return tuple((name, tuple(values)) for name, values in given.items())


def _candidates(denoiser: Denoiser, grid: Grid) -> Iterator[Denoiser]:
    """Yield the denoiser with every combination, in the order of the grid."""
    names = [name for name, _ in grid]
    for values in itertools.product(*(values for _, values in grid)):
        chosen = dict(zip(names, values, strict=True))
        yield dataclasses.replace(denoiser, **chosen)  # type: ignore[type-var]


@dataclass(frozen=True)
class Tuned:
    """Choose parameters by the mean squared error on the training split, over a grid.

    Parameters
    ----------
    denoiser : Denoiser
        A frozen dataclass; its other parameters are kept.
    grid : mapping of str to sequence
        The values to try, by parameter; at most 64 combinations.

    Examples
    --------
    >>> from sigbench.denoisers import GaussianBlur
    >>> Tuned(GaussianBlur(), {"width": [0.5, 1.0]})
    Tuned(denoiser=GaussianBlur(width=1.0), grid=(('width', (0.5, 1.0)),))
    """

    denoiser: Denoiser
    grid: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "grid", _checked(self.denoiser, self.grid))

    @property
    def evaluations(self) -> int:
        """The number of combinations of the grid."""
        return math.prod(len(values) for _, values in self.grid)

    def candidates(self) -> Iterator[Denoiser]:
        """Yield the denoiser with every combination, in the order of the grid."""
        return _candidates(self.denoiser, self.grid)

    @property
    def info(self) -> Info:
        """The info of the denoiser, under another name."""
        info = info_of(self.denoiser)
        return dataclasses.replace(info, name=f"tuned-{info.name}", version=1)

    def grid_edges(self, fitted: Any) -> tuple[str, ...]:
        """Return the parameters whose chosen value is the smallest or largest of their grid.

        A better value may lie outside the grid. Only grids of at least three different numbers
        count. 0 is not an edge, because it is the bound of the parameter itself.
        """
        edges = []
        for name, values in self.grid:
            if len(set(values)) >= 3 and all(type(value) in (int, float) for value in values):
                chosen = getattr(fitted, name)
                if chosen != 0 and chosen in (min(values), max(values)):
                    edges.append(name)
        return tuple(edges)

    def fit(self, train: Training, *, rng: np.random.Generator) -> Denoiser:
        """Return the denoiser with the best parameters on ``train.pairs``.

        Parameters
        ----------
        train : Training
            The training split.
        rng : numpy.random.Generator
            Not used: the search is exhaustive.
        """
        pairs = train.pairs
        best, least = None, math.inf
        for candidate in self.candidates():
            error = train.apply(candidate, pairs) - pairs.target
            mse = float(np.mean(np.square(error, dtype=np.float64)))
            if not math.isfinite(mse):
                raise FloatingPointError(f"{candidate} has a mean squared error of {mse}")
            if mse < least:
                best, least = candidate, mse
        assert best is not None
        return best


@dataclass(frozen=True)
class SureTuned:
    """Choose parameters by SURE, over a grid, without clean data.

    The parameters are chosen for each item by its own SURE, or for all items of a batch by their
    mean SURE (``pooled``), which suits items of one kind. If the noise level is not given, it is
    estimated from each item. An item without noise (sigma = 0) is returned unchanged.

    The noise must be Gaussian, and the denoiser continuous: see `sure`. The noise is taken as white
    unless a `NoiseModel` is given, which the denoiser must accept. For short items the choice is
    uncertain with any number of probes, especially if the error is small; pooling helps.

    Parameters
    ----------
    denoiser : Denoiser
        A frozen dataclass; its other parameters are kept. It is given the noise level.
    grid : mapping of str to sequence
        The values to try, by parameter; at most 64 combinations.
    probes : int
        The number of probes of SURE; each costs one call per combination.
    pooled : bool
        Whether all items of a batch get the same parameters.

    References
    ----------
    Ramani, Blu, Unser, IEEE Trans. Image Process. 17 (9), 2008, section V.

    Examples
    --------
    >>> from sigbench.denoisers import GaussianBlur
    >>> x = np.sin(np.linspace(0, 20, 1000)).reshape(1, 1, -1)
    >>> y = x + np.random.default_rng(0).standard_normal(x.shape)
    >>> tuned = SureTuned(GaussianBlur(), {"width": [0.5, 8.0, 99.0]})
    >>> bool((tuned(y, sigma=1.0) == GaussianBlur(width=8.0)(y)).all())
    True
    """

    denoiser: Denoiser
    grid: Any
    probes: int = 16
    pooled: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "grid", _checked(self.denoiser, self.grid))
        check_field("probes", self.probes, 1)
        if info_of(self.denoiser).family == "deconvolution":
            raise InputError(
                f"{info_of(self.denoiser).name} cannot be tuned by SURE, which does not account "
                "for a blur"
            )

    def candidates(self) -> Iterator[Denoiser]:
        """Yield the denoiser with every combination, in the order of the grid."""
        return _candidates(self.denoiser, self.grid)

    @property
    def info(self) -> Info:
        """The info of the denoiser, marked as adapting to the noisy item."""
        info = info_of(self.denoiser)
        return dataclasses.replace(
            info,
            name=f"sure-tuned-{info.name}",
            uses_sigma=True,
            fixed_by="",
            exact_at_zero=True,
            version=1,
        )

    @property
    def settings(self) -> dict[str, Any]:
        """The parameters as shown in tables; a tuned one is shown as the range of its grid."""
        fields = dataclasses.fields(self.denoiser)  # type: ignore[arg-type]
        base = {f.name: getattr(self.denoiser, f.name) for f in fields if f.repr}
        return {**base, **{name: _range_of(values) for name, values in self.grid}}

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        levels, model = levels_or_model(noisy, sigma)
        levels = given_or_estimated(noisy, levels)
        has_noise = levels > 0
        least = np.where(has_noise, np.inf, -np.inf)  # without noise the input is returned
        best = noisy.copy()
        for candidate in self.candidates():
            judged = sure(candidate, noisy, model or levels, probes=self.probes)
            if not np.isfinite(judged.mse).all():
                raise FloatingPointError(f"{candidate} has a SURE that is not finite")
            mse = judged.mse
            if self.pooled and has_noise.any():
                mse = np.where(has_noise, mse[has_noise].mean(), mse)
            better = mse < least
            least[better] = mse[better]
            best[better] = judged.estimate[better]
        return best


def _range_of(values: tuple[Any, ...]) -> str:
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return f"{min(values):g}..{max(values):g}"
    return "/".join(map(str, values))
