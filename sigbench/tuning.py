"""Tuning: every baseline gets the same budget to find its best settings."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sigbench.errors import InputError
from sigbench.types import Denoiser, Info, Learner, Oracle, Training, info_of

BUDGET = 64  # evaluations, the same for every method


@dataclass(frozen=True)
class Tuned:
    """Tries every combination of a grid and keeps the one of least mean squared error.

    Parameters
    ----------
    denoiser : Denoiser
        A frozen dataclass; its other parameters stay.
    grid : mapping of str to sequence
        Values to try, by parameter; at most 64 combinations.

    Examples
    --------
    >>> from sigbench.denoisers import GaussianBlur
    >>> Tuned(GaussianBlur(), {"width": [0.5, 1.0]})
    Tuned(denoiser=GaussianBlur(width=1.0), grid=(('width', (0.5, 1.0)),))
    """

    denoiser: Denoiser
    grid: Any

    def __post_init__(self) -> None:
        grid: Mapping[str, Sequence[Any]] = dict(self.grid)
        object.__setattr__(self, "grid", tuple((k, tuple(v)) for k, v in grid.items()))
        if not dataclasses.is_dataclass(self.denoiser):
            raise InputError(f"{self.denoiser!r} cannot be tuned: it is no dataclass")
        if isinstance(self.denoiser, Learner | Oracle):
            raise InputError(f"{self.denoiser!r} cannot be tuned: it is no denoiser")
        if not 1 <= self.evaluations <= BUDGET:
            raise InputError(
                f"the grid has {self.evaluations} combinations: at least 1, at most {BUDGET}"
            )

    @property
    def evaluations(self) -> int:
        """How many combinations the grid has."""
        return math.prod(len(values) for _, values in self.grid)

    def candidates(self) -> Iterator[Denoiser]:
        """Make every combination, in the order of the grid."""
        names = [name for name, _ in self.grid]
        for values in itertools.product(*(values for _, values in self.grid)):
            chosen = dict(zip(names, values, strict=True))
            yield dataclasses.replace(self.denoiser, **chosen)  # type: ignore[type-var]

    @property
    def info(self) -> Info:
        """What the denoiser says of itself, as tuned."""
        info = info_of(self.denoiser)
        return dataclasses.replace(info, name=f"tuned-{info.name}", version=1)

    def fit(self, train: Training, *, rng: np.random.Generator) -> Denoiser:
        """Return the denoiser with the settings that are best on ``train.pairs``.

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
            error = candidate(pairs.noisy, sigma=pairs.sigma) - pairs.target
            mse = float(np.mean(np.square(error, dtype=np.float64)))
            if not math.isfinite(mse):
                raise FloatingPointError(f"{candidate} has a mean squared error of {mse}")
            if mse < least:
                best, least = candidate, mse
        assert best is not None
        return best
