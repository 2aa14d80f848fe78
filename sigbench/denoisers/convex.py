"""Solution of the sparse problems by a general convex solver: slow, but an independent check."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError

if TYPE_CHECKING:
    from sigbench.denoisers.sparse_certificate import SparseProblem
    from sigbench.transforms import Coefficients


def solve(problem: SparseProblem) -> tuple[Coefficients, Coefficients]:
    """Return x and v of every item and channel; each is a separate program.

    The objective F of GMC does not follow the rules of disciplined convex programming. With w the
    dual of v, the equivalent program is min over x, w of
    ½(1 − γ)‖Ax‖² − yᵀAx + ½‖y‖² + λ‖x‖₁ + ‖w‖²/2γ subject to |γAᴴAx − Aᴴw| <= λ.

    Raises
    ------
    InputError
        If CVXPY is not installed.
    """
    try:
        import cvxpy
    except ModuleNotFoundError:
        raise InputError("solver=cvxpy needs CVXPY: pip install 'sigbench[cvxpy]'") from None
    like = problem.adjoint(problem.y[:1, :1])[0, 0]
    matrix = _matrix(problem, like)
    geometry = problem.geometry
    weights = np.broadcast_to(geometry.weights, like.shape).ravel()
    counts = np.broadcast_to(geometry.multiplicity, like.shape).ravel()
    gamma = problem.gamma

    def minimize(objective: Any, constraints: list[Any]) -> None:
        program = cvxpy.Problem(cvxpy.Minimize(objective), constraints)
        accuracy = {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10}
        with warnings.catch_warnings():  # the certificate shows how accurate the solution is
            warnings.filterwarnings("ignore", "Solution may be inaccurate", UserWarning)
            program.solve(solver=cvxpy.CLARABEL, **accuracy)
        if program.status not in ("optimal", "optimal_inaccurate"):
            raise RuntimeError(f"CVXPY returned the status {program.status}")

    def variable() -> Any:
        return cvxpy.Variable(matrix.shape[1])

    def sizes(c: Any) -> Any:
        if problem.transform.real:
            return cvxpy.abs(c)
        return cvxpy.norm(cvxpy.reshape(c, (2, like.size), order="C"), 2, axis=0)

    def l1(c: Any) -> Any:
        return sizes(c) @ (weights * counts)

    def solve_channel(y: NDArray[np.float64], lam: float) -> tuple[Any, Any]:
        x = variable()
        constraints = [x >= 0] if problem.nonneg else []
        if not gamma:
            minimize(cvxpy.sum_squares(y - matrix @ x) / 2 + lam * l1(x), constraints)
            return x.value, x.value
        w, v = cvxpy.Variable(len(y)), variable()
        theta = gamma * (matrix @ x) - w
        back = _adjoint(matrix, counts, problem.transform.real) @ theta
        bound = (back if problem.nonneg else sizes(back)) <= lam * weights
        minimize(
            (1 - gamma) / 2 * cvxpy.sum_squares(matrix @ x)
            - (y @ matrix) @ x
            + lam * l1(x)
            + cvxpy.sum_squares(w) / (2 * gamma),
            [*constraints, bound],
        )
        minimize(
            gamma / 2 * cvxpy.sum_squares(matrix @ (x.value - v)) + lam * l1(v),
            [v >= 0] if problem.nonneg else [],
        )
        return x.value, v.value

    solutions = [
        [solve_channel(channel.ravel(), float(lam)) for channel in item]
        for item, lam in zip(problem.y, problem.lam, strict=True)
    ]
    x, v = (
        np.array([[_coefficients(pair[half], like) for pair in item] for item in solutions])
        for half in (0, 1)
    )
    return x, v


def _matrix(problem: SparseProblem, like: Coefficients) -> NDArray[np.float64]:
    """Return A as a real matrix; complex coefficients are real parts, then imaginary parts."""
    units = np.eye(like.size).reshape(like.size, 1, *like.shape)
    space = problem.y.shape[2:]
    parts = [units] if problem.transform.real else [units + 0j, 1j * units]
    columns = [problem.transform.synthesis(part, space).reshape(like.size, -1) for part in parts]
    return np.concatenate(columns).T.astype(np.float64)


def _adjoint(matrix: NDArray[np.float64], counts: NDArray[Any], real: bool) -> NDArray[Any]:
    """Return Aᴴ for the inner product in which each kept coefficient has its multiplicity."""
    adjoint: NDArray[Any] = matrix.T / np.tile(counts, 1 if real else 2)[:, None]
    return adjoint


def _coefficients(values: NDArray[np.float64], like: Coefficients) -> Coefficients:
    if np.iscomplexobj(like):
        values = values[: like.size] + 1j * values[like.size :]
    return values.reshape(like.shape)
