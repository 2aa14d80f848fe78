"""The sparse problems by a general convex solver: slow, and independent of our iterations."""

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
    """Return x and v of every item and channel, each a program of its own.

    F of GMC isn't written by the rules of disciplined convex programming. With w the dual of v it
    is min over x, w of ½(1 − γ)‖Ax‖² − yᵀAx + ½‖y‖² + λ‖x‖₁ + ‖w‖²/2γ, |γAᴴAx − Aᴴw| <= λ.

    Raises
    ------
    InputError
        Where CVXPY is not installed.
    """
    try:
        import cvxpy
    except ModuleNotFoundError:
        raise InputError("solver=cvxpy needs CVXPY: pip install 'sigbench[cvxpy]'") from None
    like = problem.adjoint(problem.y[:1, :1])[0, 0]
    matrix = _matrix(problem, like)
    geometry = problem.geometry
    weights = np.broadcast_to(geometry.weights * np.ones(like.shape), like.shape).ravel()
    counts = np.broadcast_to(geometry.multiplicity * np.ones(like.shape), like.shape).ravel()
    gamma = problem.gamma

    def minimize(objective: Any, constraints: list[Any]) -> None:
        program = cvxpy.Problem(cvxpy.Minimize(objective), constraints)
        accuracy = {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10}
        with warnings.catch_warnings():  # that it came not quite there: the certificate will tell
            warnings.filterwarnings("ignore", "Solution may be inaccurate", UserWarning)
            program.solve(solver=cvxpy.CLARABEL, **accuracy)
        if program.status not in ("optimal", "optimal_inaccurate"):
            raise RuntimeError(f"CVXPY ended with the status {program.status}")

    def variable() -> Any:
        return cvxpy.Variable(matrix.shape[1])

    def sizes(c: Any) -> Any:  # of real coefficients, or of real and imaginary parts
        if problem.transform.real:
            return cvxpy.abs(c)
        return cvxpy.norm(cvxpy.reshape(c, (2, like.size), order="C"), 2, axis=0)

    def l1(c: Any) -> Any:
        return sizes(c) @ (weights * counts)

    def one(y: NDArray[np.float64], lam: float) -> tuple[Any, Any]:
        x, sign = variable(), [] if not problem.nonneg else [1]
        legal = [x >= 0] if sign else []
        if not gamma:
            minimize(cvxpy.sum_squares(y - matrix @ x) / 2 + lam * l1(x), legal)
            return x.value, x.value
        w, v = cvxpy.Variable(len(y)), variable()
        theta = gamma * (matrix @ x) - w
        back = _adjoint(matrix, counts, problem.transform.real) @ theta
        bound = (back if sign else sizes(back)) <= lam * weights
        minimize(
            (1 - gamma) / 2 * cvxpy.sum_squares(matrix @ x)
            - (y @ matrix) @ x
            + lam * l1(x)
            + cvxpy.sum_squares(w) / (2 * gamma),
            [*legal, bound],
        )
        minimize(
            gamma / 2 * cvxpy.sum_squares(matrix @ (x.value - v)) + lam * l1(v),
            [v >= 0] if sign else [],
        )
        return x.value, v.value

    found = [
        [one(channel.ravel(), float(lam)) for channel in item]
        for item, lam in zip(problem.y, problem.lam, strict=True)
    ]
    x, v = (
        np.array([[_coefficients(pair[half], like) for pair in item] for item in found])
        for half in (0, 1)
    )
    return x, v


def _matrix(problem: SparseProblem, like: Coefficients) -> NDArray[np.float64]:
    """Return A as a real matrix; complex coefficients are their real, then their imaginary parts."""
    units = np.eye(like.size).reshape(like.size, 1, *like.shape)
    space = problem.y.shape[2:]
    parts = [units] if problem.transform.real else [units + 0j, 1j * units]
    columns = [problem.transform.synthesis(part, space).reshape(like.size, -1) for part in parts]
    return np.concatenate(columns).T.astype(np.float64)


def _adjoint(matrix: NDArray[np.float64], counts: NDArray[Any], real: bool) -> NDArray[Any]:
    """Return Aᴴ in the inner product that counts each kept coefficient as often as it stands."""
    adjoint: NDArray[Any] = matrix.T / np.tile(counts, 1 if real else 2)[:, None]
    return adjoint


def _coefficients(values: NDArray[np.float64], like: Coefficients) -> Coefficients:
    if np.iscomplexobj(like):
        values = values[: like.size] + 1j * values[like.size :]
    return values.reshape(like.shape)
