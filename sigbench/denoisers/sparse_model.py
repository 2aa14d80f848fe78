"""How L1 and GMC are solved: the choice of a solver, and the model that both are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Sigma
from sigbench.core.validation import check, check_field, in_blocks
from sigbench.denoisers import iterations
from sigbench.denoisers.penalty import weight
from sigbench.denoisers.sparse_certificate import Solution, SparseProblem, certify, closed_form
from sigbench.transforms import Transform

BYTES = 2**20  # of items iterated together: what an iteration needs stays in the cache


@dataclass(frozen=True)
class Exact:
    """The closed form where AᴴA = I, else an iteration until the certificate is good enough.

    L1: FISTA, restarted where its momentum points uphill; GMC: the saddle-point iteration. What they
    are slow on is solved by Newton's method, if few enough coefficients are active.

    Parameters
    ----------
    tol : float
        Gap over objective to reach.
    max_iter : int
        Iterations of first order at most: it is an error not to have reached it then where too many
        coefficients are active for Newton's method.

    References
    ----------
    Beck and Teboulle, SIAM J. Imaging Sci. 2 (2009), section 4 (FISTA); O'Donoghue and Candès,
    Found. Comput. Math. 15 (2015), equation 13 (restart); Selesnick 2017, proposition 15; Li, Sun,
    Toh, SIAM J. Optim. 28 (2018), section 3 (Newton's method).
    """

    tol: float = 1e-6
    max_iter: int = 50_000

    def __post_init__(self) -> None:
        check_field("tol", self.tol, 1e-14)
        check_field("max_iter", self.max_iter, 1)

    def __str__(self) -> str:
        return f"exact[tol={self.tol:g}]"


@dataclass(frozen=True)
class Iterative:
    """The plain proximal iteration, stopped per item where the relative change is <= ``tol``.

    L1: ISTA; GMC: the saddle-point iteration. What papers print; how far from the minimum it
    stopped is told by its certificate alone.

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

    def __str__(self) -> str:
        return f"iterative[step={self.step:g},tol={self.tol:g},max_iter={self.max_iter}]"


@dataclass(frozen=True)
class CVXPY:
    """A general convex solver (Clarabel, through CVXPY), signal by signal: slow, independent."""

    def __str__(self) -> str:
        return "cvxpy"


Solver = Exact | Iterative | CVXPY
SOLVERS = {"exact": Exact, "iterative": Iterative, "cvxpy": CVXPY}


def solve(problem: SparseProblem, solver: Solver) -> Solution:
    """Solve a problem and certify the solution.

    Raises
    ------
    RuntimeError
        Where an item does not get there in ``max_iter`` iterations.
    InputError
        For λ = 0 with an operator, whose least-squares solution is another matter; where CVXPY is
        asked for and not installed.
    """
    if isinstance(solver, CVXPY):
        from sigbench.denoisers import convex  # CVXPY is slow to import, and optional

        return certify(problem, *convex.solve(problem))
    if isinstance(solver, Iterative):
        return certify(
            problem, *iterations.iterate(problem, solver.step, solver.tol, solver.max_iter)
        )
    if problem.transform.orthonormal:
        x = closed_form(problem)
        if not problem.gamma:
            return certify(problem, x, x)
        return certify(problem, x, problem.soft(x, problem.thresholds(x) / problem.gamma))
    silent = ~problem.y.reshape(len(problem.y), -1).any(axis=1)
    if not (problem.geometry.parseval or (problem.lam > 0)[~silent].all()):
        raise InputError(
            f"the weight is 0 (lam, or lam_over_sigma without noise): with {problem.transform} it "
            "must be > 0"
        )
    iterate = iterations.saddle_point if problem.gamma else iterations.fista
    rows = max(1, BYTES // problem.adjoint(problem.y[:1]).nbytes)
    items = np.arange(len(problem.y))
    parts = [
        iterate(problem.part(items[start : start + rows]), solver.tol, solver.max_iter)
        for start in range(0, len(items), rows)
    ]
    return Solution(
        np.concatenate([part.coefficients for part in parts]),
        np.concatenate([part.objective for part in parts]),
        np.concatenate([part.gap for part in parts]),
        problem.rounding,
    )


@dataclass(frozen=True)
class SparseModel:
    """What L1 and GMC have in common: all of their parameters, and what is done with them."""

    transform: Transform
    lam: float | None
    lam_over_sigma: float | None
    gamma: float
    nonneg: bool
    solver: Solver

    def __post_init__(self) -> None:
        if self.nonneg and not self.transform.real:
            raise InputError(f"nonneg=true needs real coefficients, not those of {self.transform}")

    def denoise(self, noisy: Array, sigma: Sigma) -> Array:
        """Return Ax, shape and dtype of ``noisy``."""
        levels = check(noisy, sigma)
        if isinstance(self.solver, Exact) and self.transform.orthonormal:
            return in_blocks(self._closed, noisy, levels)
        x = self.solve(noisy, sigma).coefficients
        return self.transform.synthesis(x, noisy.shape[2:]).astype(noisy.dtype)

    def solve(self, noisy: Array, sigma: Sigma) -> Solution:
        """Return x with its certificate."""
        levels = check(noisy, sigma)
        return solve(self._problem(noisy.astype(np.float64), levels), self.solver)

    def _closed(self, noisy: Array, levels: NDArray[np.float64] | None) -> Array:
        x = closed_form(self._problem(noisy, levels))
        return self.transform.synthesis(x, noisy.shape[2:])

    def _problem(self, y: Array, levels: NDArray[np.float64] | None) -> SparseProblem:
        lam = weight(y, levels, self.lam, self.lam_over_sigma).reshape(-1)
        geometry = self.transform.geometry(y.shape[2:])
        return SparseProblem(y, self.transform, geometry, lam, self.gamma, self.nonneg)
