"""The problem that L1 and GMC solve, and the certificate of a solution.

Both methods compute the saddle point of (Selesnick 2017, section V; L1 has γ = 0)

    F(x, v) = ½‖y − Ax‖² + λ‖x‖₁ − γ/2·‖A(x − v)‖² − λ‖v‖₁,   min over x, max over v.

Each x gives an upper bound of the minimum and each v a lower bound. The difference, called the gap,
is the certificate: the objective at x exceeds the minimum by at most the gap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigbench.core.protocols import Array
from sigbench.denoisers import shrinkage
from sigbench.transforms import Coefficients, Geometry, Transform

Values = NDArray[np.float64]
SolverState = tuple[NDArray[Any], ...]

MEASURE_EVERY = 5  # projections between two measurements of their infeasibility
ROUNDING = 1e-14  # rounding error of a gap, relative to ½‖y‖²


@dataclass(frozen=True, eq=False)
class Solution:
    """The minimizer for every item, with its certificate.

    Attributes
    ----------
    coefficients : array, shape (N, C, ...)
        x, float64 or complex128.
    objective : array, shape (N,)
        The objective at x; for GMC, whose penalty is itself a minimum, an upper bound of it.
    gap : array, shape (N,)
        Upper bound of the difference between ``objective`` and the minimum.
    rounding : array, shape (N,)
        Rounding error of a gap: 1e-14·½‖y‖², since the gap is a difference of such numbers.
    """

    coefficients: Coefficients
    objective: Values
    gap: Values
    rounding: Values

    @property
    def relative_gap(self) -> Values:
        """The gap relative to the objective; 0 where the gap is within rounding."""
        above = np.maximum(self.gap, 0)
        tiny = np.finfo(np.float64).tiny
        return np.where(above > self.rounding, above / np.maximum(self.objective, tiny), 0.0)


@dataclass(frozen=True, eq=False)
class SparseProblem:
    """One problem per item: ``y`` ``(N, C, *space)``, ``lam`` ``(N,)``; ``gamma`` is shared."""

    y: Array
    transform: Transform
    geometry: Geometry
    lam: Array
    gamma: float
    nonneg: bool

    @property
    def rounding(self) -> Values:
        """Return the rounding error of the gap, which matters where the objective is near zero."""
        return ROUNDING / 2 * square(self.y)

    def part(self, items: NDArray[Any]) -> SparseProblem:
        """Return the problems of some of the items."""
        return SparseProblem(
            self.y[items], self.transform, self.geometry, self.lam[items], self.gamma, self.nonneg
        )

    def adjoint(self, signal: Array) -> Coefficients:
        """Return Aᴴ of a signal."""
        return self.transform.analysis(signal)

    def apply(self, coefficients: Coefficients) -> Array:
        """Return A of coefficients."""
        return self.transform.synthesis(coefficients, self.y.shape[2:])

    def thresholds(self, like: Coefficients) -> Array:
        """Return λ times the weight of every coefficient, in a shape that broadcasts."""
        return column(self.lam, like) * self.geometry.weights

    def soft(self, u: Coefficients, t: Array) -> Coefficients:
        """Return the proximal map of t‖·‖₁, constrained to u >= 0 if ``nonneg``."""
        return shrinkage.soft_nonneg(u, t) if self.nonneg else shrinkage.soft(u, t)

    def penalty(self, x: Coefficients) -> Values:
        """Return the weighted λ‖x‖₁ of every item."""
        sizes = np.abs(x) * (self.geometry.weights * self.geometry.multiplicity)
        return self.lam * total(sizes)

    def inner(self, a: Coefficients, b: Coefficients) -> Values:
        """Return Re⟨a, b⟩ of every item's coefficients."""
        weighted = (a * self.geometry.multiplicity).reshape(len(a), -1).view(np.float64)
        return np.einsum("ij,ij->i", weighted, b.reshape(len(b), -1).view(np.float64))

    def infeasibility(self, back: Coefficients) -> Values:
        """Return max|Aᴴθ|/λ, given Aᴴθ; θ is dual feasible where this is <= 1. 0/0 counts as 0."""
        sizes = back if self.nonneg else np.abs(back)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = (sizes / self.geometry.weights).reshape(len(back), -1)
            largest = np.fmax.reduce(ratios, axis=1)  # passes over NaN
            return np.where(largest > 0, largest / self.lam, 0.0)


def closed_form(problem: SparseProblem) -> Coefficients:
    """Return the minimizer for AᴴA = I: the soft or firm threshold of Aᴴy."""
    u = problem.adjoint(problem.y)
    t = problem.thresholds(u)
    if not problem.gamma:
        return problem.soft(u, t)
    firm = shrinkage.firm_nonneg if problem.nonneg else shrinkage.firm
    return firm(u, t, problem.gamma)


def certify(problem: SparseProblem, x: Coefficients, v: Coefficients) -> Solution:
    """Return x with its certificate; (x, v) approximates the saddle point, v = x for L1."""
    return Solution(x, *bounds(problem, *evaluated(problem, x, v)), problem.rounding)


def evaluated(problem: SparseProblem, x: Coefficients, v: Coefficients) -> SolverState:
    """Return x, v, Ax, Av, Aᴴ(y − Ax + d) and Aᴴd, where d = γA(x − v)."""
    Ax = problem.apply(x)
    if not problem.gamma:
        back = problem.adjoint(problem.y - Ax)
        return x, x, Ax, Ax, back, back
    Av = problem.apply(v)
    d = problem.gamma * (Ax - Av)
    return x, v, Ax, Av, problem.adjoint(problem.y - Ax + d), problem.adjoint(d)


def bounds(
    problem: SparseProblem,
    x: Coefficients,
    v: Coefficients,
    Ax: Array,
    Av: Array,
    back_r: Coefficients,
    back_d: Coefficients,
    *,
    projections: int = 0,
    excess: float = 0.0,
) -> tuple[Values, Values]:
    """Return an upper bound of the objective at x, and its gap to a lower bound of the minimum.

    The dual points are the residuals, scaled to be feasible: |Aᴴθ| <= λ. One small weight can make
    the scale small. If ``projections`` > 0, the residuals are therefore first moved toward the
    feasible set, until the largest |Aᴴθ|/λ is at most 1 + ``excess`` or for that number of steps.

    References
    ----------
    Kim, Koh, Lustig, Boyd, Gorinevsky, IEEE J. Sel. Top. Signal Process. 1 (2007), section III.
    """
    y, gamma = problem.y, problem.gamma

    def feasible(theta: Array, back: Coefficients, target: Array) -> Array:
        return _projected(problem, theta, back, target, projections, excess)

    d = gamma * (Ax - Av)
    q = y - gamma * Av
    primal = square(y - Ax) / 2 + problem.penalty(x)
    # min over x of F is at least that of its dual: ½‖y‖² − ‖q − θ‖²/2(1 − γ) − ...
    theta = feasible(y - Ax + d, back_r, q)
    dual = square(y) / 2 - square(q - theta) / (2 * (1 - gamma))
    if gamma:
        # max over v of −γ/2·‖A(x − v)‖² − λ‖v‖₁ is at most ‖θ‖²/2γ − ⟨Ax, θ⟩
        theta = feasible(d, back_d, gamma * Ax)
        primal += square(theta) / (2 * gamma) - total(Ax * theta)
        dual -= gamma / 2 * square(Av) + problem.penalty(v)
    return primal, primal - dual


def _projected(
    problem: SparseProblem,
    theta: Array,
    back: Coefficients,
    target: Array,
    steps: int,
    excess: float,
) -> Array:
    """Return the feasible point nearest to a target among multiples of θ and of its projections.

    The projections are accelerated gradient steps on the squared distance of Aᴴθ from |.| <= λ;
    ``soft(Aᴴθ, λ)`` is what exceeds it.
    """
    best = _feasible(problem, theta, back, target)
    going = np.ones(len(theta), dtype=bool)
    thresholds = problem.thresholds(back)
    last, t = theta, 1.0
    for step in range(1, steps + 1):
        move = problem.apply(problem.soft(back, thresholds)) / problem.geometry.norm
        new, t_new = theta - move, (1 + np.sqrt(1 + 4 * t**2)) / 2
        theta, last, t = new + (t - 1) / t_new * (new - last), new, t_new
        back = problem.adjoint(theta)
        if step % MEASURE_EVERY == 0 or step == steps:
            scaled = _feasible(problem, theta, back, target)
            nearer = going & (square(target - scaled) < square(target - best))
            best = np.where(column(nearer, best), scaled, best)
            going &= problem.infeasibility(back) > 1 + excess
            if not going.any():
                break
    return best


def _feasible(problem: SparseProblem, theta: Array, back: Coefficients, target: Array) -> Array:
    """Return the feasible multiple of θ nearest to a target, given ``back`` = Aᴴθ."""
    tiny = np.finfo(np.float64).tiny
    nearest = total(theta * target) / np.maximum(square(theta), tiny)
    largest = 1 / np.maximum(problem.infeasibility(back), tiny)
    return theta * column(np.clip(nearest, 0, largest), theta)


def column(values: NDArray[Any], like: NDArray[Any]) -> NDArray[Any]:
    """Shape ``(N,)`` values to broadcast over a batch; unlike `per_item`, keep their dtype."""
    return values.reshape(-1, *[1] * (like.ndim - 1))


def total(batch: NDArray[Any]) -> Values:
    """Return the sum of every item."""
    return batch.reshape(len(batch), -1).sum(axis=1)


def square(batch: NDArray[Any]) -> Values:
    """Return the sum of squares of every item (real)."""
    flat = batch.reshape(len(batch), -1)
    return np.einsum("ij,ij->i", flat, flat)


def norms(batch: NDArray[Any]) -> Values:
    """Return the Euclidean norm of every item."""
    return np.linalg.norm(batch.reshape(len(batch), -1), axis=1)
