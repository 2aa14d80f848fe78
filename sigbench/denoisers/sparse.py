"""What L1 and GMC share: how the weight is set, and a batched fixed-point iteration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigbench.denoisers.inputs import check_field, per_item, told_or_estimated
from sigbench.errors import InputError
from sigbench.transforms import Transform
from sigbench.types import Array

State = tuple[NDArray[Any], ...]
Update = Callable[[State, NDArray[np.intp]], State]


@dataclass(frozen=True)
class Closed:
    """The exact solution in closed form."""

    def __str__(self) -> str:
        return "closed"


@dataclass(frozen=True)
class Iterative:
    """A proximal iteration, stopped per item where the relative change is <= ``tol``.

    Parameters
    ----------
    step : float
        Step size over the largest legal scale, 0 < step < 2.
    tol : float
        Relative change ‖xₖ₊₁ − xₖ‖ / ‖xₖ‖ to stop at.
    max_iter : int
        Iterations after which it is an error not to have stopped.
    """

    step: float = 1.9
    tol: float = 1e-4
    max_iter: int = 20_000

    def __post_init__(self) -> None:
        if not 0 < self.step < 2:
            raise InputError(f"step={self.step:g} must be > 0 and < 2")
        check_field("tol", self.tol, 0)
        check_field("max_iter", self.max_iter, 1)

    def solve(self, update: Update, start: State) -> State:
        """Repeat ``update`` until every item has stopped.

        Parameters
        ----------
        update : callable
            ``update(state, items)`` returns the next state of the items still running.
        start : tuple of arrays, each (N, ...)
            The first state.

        Raises
        ------
        RuntimeError
            Where an item has not stopped after ``max_iter`` iterations.
        """
        result = tuple(part.copy() for part in start)
        running = np.arange(len(start[0]))
        state = start
        for _ in range(self.max_iter):
            new = update(state, running)
            going = np.zeros(len(running), dtype=bool)
            for old_part, new_part in zip(state, new, strict=True):
                going |= _norms(new_part - old_part) > self.tol * _norms(old_part)
            for whole, new_part in zip(result, new, strict=True):
                whole[running[~going]] = new_part[~going]
            running = running[going]
            if not running.size:
                return result
            state = tuple(part[going] for part in new)
        raise RuntimeError(
            f"{running.size} of {len(start[0])} items did not reach tol={self.tol:g} "
            f"in {self.max_iter} iterations"
        )

    def __str__(self) -> str:
        return f"iterative[step={self.step:g},tol={self.tol:g},max_iter={self.max_iter}]"


SOLVERS = {"closed": Closed, "iterative": Iterative}


def _norms(batch: NDArray[Any]) -> NDArray[np.floating[Any]]:
    return np.linalg.norm(batch.reshape(len(batch), -1), axis=1)


def check_weight(lam: float | None, lam_over_sigma: float | None) -> None:
    """Refuse all but exactly one of the two ways to set the weight."""
    if (lam is None) == (lam_over_sigma is None):
        raise InputError(f"set one of lam and lam_over_sigma (got {lam=}, {lam_over_sigma=})")
    check_field("lam", lam, 0)
    check_field("lam_over_sigma", lam_over_sigma, 0)


def weight(
    noisy: Array,
    sigma: NDArray[np.float64] | None,
    lam: float | None,
    lam_over_sigma: float | None,
) -> Array:
    """Return λ for every item, shaped to broadcast."""
    if lam_over_sigma is None:
        return per_item(np.full(len(noisy), lam), noisy)
    return per_item(lam_over_sigma * told_or_estimated(noisy, sigma), noisy)


def check_nonneg(nonneg: bool, transform: Transform) -> None:
    """Refuse non-negative coefficients of a transform whose coefficients are complex."""
    if nonneg and not transform.real:
        raise InputError(f"nonneg=true needs real coefficients, not those of {transform}")
