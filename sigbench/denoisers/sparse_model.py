"""The solvers of L1 and GMC, and the base class of both."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Sigma
from sigbench.core.validation import check_field, in_blocks
from sigbench.denoisers import iterations
from sigbench.denoisers.coefficient_noise import coefficient_levels
from sigbench.denoisers.filtered_noise import levels_or_model
from sigbench.denoisers.parameters import build_named_options, check_strength, penalty_weight
from sigbench.denoisers.sparse_certificate import Solution, SparseProblem, certify, closed_form
from sigbench.transforms import Transform

FLOOR = 1e-3  # smallest noise level of a coefficient, relative to the level of the noise
BYTES = 2**20  # of coefficients iterated together, so that an iteration stays in the cache


@dataclass(frozen=True)
class Exact:
    """The closed form if AᴴA = I, otherwise an iteration until the certificate is good enough.

    L1 uses FISTA, restarted when its momentum points uphill; GMC uses the saddle-point iteration.
    Items on which these are slow are solved by Newton's method if few coefficients are active.

    Parameters
    ----------
    tol : float
        Gap to reach, relative to the objective.
    max_iter : int
        Maximum number of first-order iterations. It is an error not to reach ``tol`` by then if
        too many coefficients are active for Newton's method.

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
    """The plain proximal iteration, stopped for each item when its relative change is <= ``tol``.

    L1 uses ISTA, GMC the saddle-point iteration, as papers print them. Only the certificate shows
    how far from the minimum the iteration stopped.

    Parameters
    ----------
    step : float
        Step size relative to the largest permitted scale, 0 < step < 2.
    tol : float
        Relative change ‖xₖ₊₁ − xₖ‖ / ‖xₖ‖ at which to stop.
    max_iter : int
        Maximum number of iterations; it is an error not to stop by then.
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
    """A general convex solver (Clarabel, through CVXPY): slow, but an independent check."""

    def __str__(self) -> str:
        return "cvxpy"


@dataclass(frozen=True)
class Bounded:
    """FISTA for a bounded time; for GMC with an inner iteration for v.

    The dual points of the certificate are improved by projections. An item that does not reach
    ``tol`` in ``max_iter`` iterations is returned as it is then; its certificate shows how far from
    the minimum the objective can be.

    Parameters
    ----------
    tol : float
        Gap to reach, relative to the objective.
    max_iter : int
        Maximum number of iterations.
    """

    tol: float = 1e-3
    max_iter: int = 800

    def __post_init__(self) -> None:
        check_field("tol", self.tol, 1e-14)
        check_field("max_iter", self.max_iter, 1)

    def __str__(self) -> str:
        return f"bounded[tol={self.tol:g},max_iter={self.max_iter}]"


Solver = Exact | Iterative | Bounded | CVXPY
SOLVERS = {"exact": Exact, "iterative": Iterative, "bounded": Bounded, "cvxpy": CVXPY}


def solve(problem: SparseProblem, solver: Solver) -> Solution:
    """Solve a problem and certify the solution.

    Raises
    ------
    RuntimeError
        If an item does not converge in ``max_iter`` iterations.
    InputError
        If λ = 0 with an operator, where the problem is plain least squares; if the solver is
        CVXPY and it is not installed.
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
    strict = isinstance(solver, Exact)

    def iterate(part: SparseProblem) -> Solution:
        if not part.gamma:
            return iterations.fista(part, solver.tol, solver.max_iter, strict=strict)
        if strict:
            return iterations.saddle_point(part, solver.tol, solver.max_iter)
        return iterations.nested(part, solver.tol, solver.max_iter)

    rows = max(1, BYTES // problem.adjoint(problem.y[:1]).nbytes)
    items = np.arange(len(problem.y))
    parts = [
        iterate(problem.part(items[start : start + rows])) for start in range(0, len(items), rows)
    ]
    return dataclasses.replace(_joined(parts), rounding=problem.rounding)


def _weighted(problem: SparseProblem, ratios: NDArray[np.float64]) -> SparseProblem:
    """Return a problem with the weights in proportion to the noise levels of the coefficients."""
    weights = problem.geometry.weights * np.maximum(ratios, FLOOR)[:, None]
    geometry = dataclasses.replace(problem.geometry, weights=weights.astype(problem.y.dtype))
    return dataclasses.replace(problem, geometry=geometry)


def _joined(parts: list[Solution]) -> Solution:
    """Return the solutions of all items as one."""
    return Solution(
        np.concatenate([part.coefficients for part in parts]),
        np.concatenate([part.objective for part in parts]),
        np.concatenate([part.gap for part in parts]),
        np.concatenate([part.rounding for part in parts]),
    )


class SparseDenoiser:
    """Base of `L1` and `GMC`. Both declare these attributes as dataclass fields; in L1 γ is 0."""

    transform: Transform
    lam: float | None
    lam_over_sigma: float | None
    gamma: float = 0.0
    nonneg: bool
    solver: Solver

    def __post_init__(self) -> None:
        build_named_options(self)
        check_strength("lam", self.lam, self.lam_over_sigma, required=True)
        check_field("gamma", self.gamma, 0, below=1)
        if self.nonneg and not self.transform.real:
            raise InputError(f"nonneg=true needs real coefficients, not those of {self.transform}")

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        levels, model = levels_or_model(noisy, sigma)
        if isinstance(self.solver, Exact) and self.transform.orthonormal:
            if model is None:
                return in_blocks(self._closed_form, noisy, levels)
            ratios = coefficient_levels(self.transform, model, noisy.shape[2:])
            problem = _weighted(self._problem(noisy, levels), ratios)
            return self.transform.synthesis(closed_form(problem), noisy.shape[2:])
        x = self.solve(noisy, sigma=sigma).coefficients
        return self.transform.synthesis(x, noisy.shape[2:]).astype(noisy.dtype)

    def solve(self, noisy: Array, *, sigma: Sigma = None) -> Solution:
        """Return the coefficients with their certificate."""
        levels, model = levels_or_model(noisy, sigma)
        problem = self._problem(noisy.astype(np.float64), levels)
        if model is None:
            return solve(problem, self.solver)
        ratios = coefficient_levels(self.transform, model, noisy.shape[2:])
        return _joined([self._solve_item(problem, ratio, i) for i, ratio in enumerate(ratios)])

    def _solve_item(
        self, problem: SparseProblem, ratio: NDArray[np.float64], item: int
    ) -> Solution:
        """Return the solution of one item, with weights in proportion to the noise levels."""
        one = _weighted(problem.part(np.array([item])), ratio[None])
        return solve(one, self.solver)

    def certificate(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the duality gap relative to the objective, shape ``(N,)``."""
        return self.solve(noisy, sigma=sigma).relative_gap

    def _closed_form(self, noisy: Array, levels: NDArray[np.float64] | None) -> Array:
        x = closed_form(self._problem(noisy, levels))
        return self.transform.synthesis(x, noisy.shape[2:])

    def _problem(self, y: Array, levels: NDArray[np.float64] | None) -> SparseProblem:
        lam = penalty_weight(y, levels, self.lam, self.lam_over_sigma)
        geometry = self.transform.geometry(y.shape[2:])
        return SparseProblem(y, self.transform, geometry, lam, self.gamma, self.nonneg)
