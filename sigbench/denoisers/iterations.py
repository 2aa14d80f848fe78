"""Batched iterations for L1 and GMC; finished items are removed from the batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigbench.denoisers import newton
from sigbench.denoisers.sparse_certificate import (
    Solution,
    SolverState,
    SparseProblem,
    bounds,
    column,
    evaluated,
    norms,
)
from sigbench.transforms import Coefficients

CHECK_EVERY = 10  # iterations between two checks of the certificate
MIN_ACTIVE = 0.85  # fraction of unfinished items below which removing the others pays off
EXCESS = 0.1  # infeasibility at which projections stop, relative to the tolerance
FIRST_PROJECTED = 50  # iterations before the certificate is first improved by projections
MIN_ITERATIONS, MAX_ITERATIONS = 100, 5000  # before Newton's method takes over

Advance = Callable[[SparseProblem, SolverState], SolverState]


def fista(problem: SparseProblem, tol: float, max_iter: int, *, strict: bool = True) -> Solution:
    """Run FISTA; z + μAᴴ(y − Az) of the extrapolated point z follows by linearity, without A."""
    step = 1 / problem.geometry.norm

    def advance(problem: SparseProblem, state: SolverState) -> SolverState:
        x, _, _, _, _, _, move, image, last, t = state
        t_new, beta = _momentum(t, x)
        new = problem.soft(image + beta * (image - last), step * problem.thresholds(x))
        new_move = new - x
        uphill = problem.inner(beta * move - new_move, new_move) > 0  # ⟨z − new, new − x⟩
        here = evaluated(problem, new, new)
        return *here, new_move, new + step * here[4], image, np.where(uphill, 1.0, t_new)

    start = np.zeros_like(problem.adjoint(problem.y))
    here = evaluated(problem, start, start)
    image = step * here[4]
    state = (*here, start, image, image, np.ones(len(start)))
    return _solve(problem, tol, max_iter, state, advance, strict)


def saddle_point(problem: SparseProblem, tol: float, max_iter: int) -> Solution:
    """Run the saddle-point iteration with step 1.9."""

    def advance(problem: SparseProblem, state: SolverState) -> SolverState:
        return evaluated(problem, *_saddle_point_step(problem, 1.9, state))

    start = np.zeros_like(problem.adjoint(problem.y))
    return _solve(problem, tol, max_iter, evaluated(problem, start, start), advance, strict=True)


def nested(problem: SparseProblem, tol: float, max_iter: int) -> Solution:
    """Run FISTA for the objective of GMC as a function of x; γ > 0.

    It is λ‖x‖₁ plus a convex function of Ax. The gradient of that is −Aᴴ(y − Ax + d), with Lipschitz
    constant ‖A‖², d = γA(x − v), and the v that minimizes γ/2·‖A(x − v)‖² + λ‖v‖₁. After each
    step of x, two steps of FISTA approximate it from the last v. That this converges is not proven
    (with one step it often does not); the certificate shows whether it did.
    """
    gamma, norm = problem.gamma, problem.geometry.norm
    zero = np.zeros_like(problem.adjoint(problem.y))

    def advance(problem: SparseProblem, state: SolverState) -> SolverState:
        back_y, back_v = state[6], state[11]

        def slope_x(back_z: Coefficients) -> Coefficients:
            return back_y - (1 - gamma) * back_z - gamma * back_v

        x, Ax, *rest_x = _fista_step(problem, 1 / norm, slope_x, state[0], *state[7:11])
        back_x = rest_x[0]

        def slope_v(back_z: Coefficients) -> Coefficients:
            return gamma * (back_x - back_z)

        v, rest_v = state[1], list(state[11:])
        for _ in range(2):
            v, Av, *rest_v = _fista_step(problem, 1 / (norm * gamma), slope_v, v, *rest_v)
        back_d = slope_v(rest_v[0])
        return x, v, Ax, Av, back_y - back_x + back_d, back_d, back_y, *rest_x, *rest_v

    here = evaluated(problem, zero, zero)
    start = (zero, zero, zero, np.ones(len(zero)))  # AᴴAx, last x, its AᴴAx, t; the same for v
    state = (*here, here[4], *start, *start)
    return _solve(problem, tol, max_iter, state, advance, strict=False)


def _fista_step(
    problem: SparseProblem,
    step: float,
    slope: Callable[[Coefficients], Coefficients],
    x: Coefficients,
    back_x: Coefficients,
    last: Coefficients,
    back_last: Coefficients,
    t: NDArray[Any],
) -> SolverState:
    """Return the next x, Ax, AᴴAx, x, AᴴAx of before, and t, given the slope for AᴴA of a point."""
    t, beta = _momentum(t, x)
    z = x + beta * (x - last)
    back_z = back_x + beta * (back_x - back_last)
    new = problem.soft(z + step * slope(back_z), step * problem.thresholds(x))
    t = np.where(problem.inner(z - new, new - x) > 0, 1.0, t)
    A_new = problem.apply(new)
    return new, A_new, problem.adjoint(A_new), x, back_x, t


def _momentum(t: NDArray[Any], like: Coefficients) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the next t of FISTA, and the weight of the last step in the extrapolation."""
    t_new = (1 + np.sqrt(1 + 4 * t**2)) / 2
    return t_new, column((t - 1) / t_new, like)


def _saddle_point_step(problem: SparseProblem, step: float, state: SolverState) -> SolverState:
    """Return the next x and v, given the values that `evaluated` returns for x and v."""
    x, v, _, _, back_r, back_d = state
    gamma = problem.gamma
    mu = step / (problem.geometry.norm * max(1, gamma / (1 - gamma)))
    t = mu * problem.thresholds(x)
    return problem.soft(x + mu * back_r, t), problem.soft(v + mu * back_d, t)


def _solve(
    problem: SparseProblem,
    tol: float,
    max_iter: int,
    state: SolverState,
    advance: Advance,
    strict: bool,
) -> Solution:
    """Iterate for as long as Newton's method would take, then use that for the remaining items.

    The total time is therefore at most about twice that of the faster method. If not ``strict``,
    only iterate, and return what ``max_iter`` iterations reach.
    """
    if not strict:
        return _until_certified(problem, tol, max_iter, CHECK_EVERY, state, advance, strict=False)[
            0
        ]
    longest = min(MAX_ITERATIONS, max_iter)

    def is_slow(part: SparseProblem, state: SolverState, iteration: int) -> NDArray[np.bool_]:
        cost = newton.cost(part, *state[:2])
        return np.isfinite(cost) & (iteration >= np.minimum(MIN_ITERATIONS + cost, longest))

    solution, v = _until_certified(problem, tol, max_iter, CHECK_EVERY, state, advance, is_slow)
    remaining = np.isnan(solution.gap)
    if remaining.any():
        part = problem.part(remaining)
        state = newton.start(part, solution.coefficients[remaining], v[remaining])
        rest, _ = _until_certified(
            part, tol, newton.STEPS, 1, state, newton.advance, steps="Newton steps"
        )
        solution.coefficients[remaining] = rest.coefficients
        solution.objective[remaining], solution.gap[remaining] = rest.objective, rest.gap
    return solution


def _until_certified(
    problem: SparseProblem,
    tol: float,
    max_iter: int,
    check_every: int,
    state: SolverState,
    advance: Advance,
    give_up: Callable[[SparseProblem, SolverState, int], NDArray[np.bool_]] | None = None,
    steps: str = "iterations",
    strict: bool = True,
) -> tuple[Solution, Coefficients]:
    """Iterate until every item is certified or given up (then its gap is nan); also return v."""
    x, v = np.zeros_like(state[0]), np.zeros_like(state[1])
    objective, gap = np.full((2, len(x)), np.nan)
    solution = Solution(x, objective, gap, problem.rounding)
    part, items, going = problem, np.arange(len(x)), np.ones(len(x), dtype=bool)
    for iteration in range(max_iter + 1):
        if iteration % check_every == 0 or iteration == max_iter:
            projections = 0 if strict else _projections(iteration, max_iter)
            primal, part_gap = bounds(
                part, *state[:6], projections=projections, excess=tol * EXCESS
            )
            if not np.isfinite(primal).all():
                raise RuntimeError(
                    f"the iteration diverges: ‖A‖² is more than {part.geometry.norm:g}, the value "
                    f"of {part.transform}; an operator must not mix channels"
                )
            done = going & (part_gap <= np.maximum(tol * primal, solution.rounding[items]))
            if iteration == max_iter and not strict:
                done = going.copy()
            objective[items[done]], gap[items[done]] = primal[done], part_gap[done]
            if give_up:
                done |= going & give_up(part, state, iteration)
            x[items[done]], v[items[done]] = state[0][done], state[1][done]
            going &= ~done
            if not going.any():
                return solution, v
            if going.mean() < MIN_ACTIVE:
                part, items = part.part(going), items[going]
                state, going = tuple(array[going] for array in state), going[going]
        state = advance(part, state)
    worst = int(np.argmax(part_gap / primal))
    raise RuntimeError(
        f"{going.sum()} of {len(x)} items did not reach tol={tol:g} in {max_iter} {steps} "
        f"(relative gap {part_gap[worst] / primal[worst]:.1g} at lam={part.lam[worst]:g}): "
        "increase tol or lam"
    )


def _projections(iteration: int, max_iter: int) -> int:
    """Return how many projections improve a check: half as many as the iterations before it.

    That is at 50, 100, 200, 400, ... iterations and at the last, so that they take less time than
    the iterations.
    """
    doublings = iteration / FIRST_PROJECTED
    regular = doublings >= 1 and np.log2(doublings).is_integer()
    return iteration // 2 if regular or iteration == max_iter else 0


def iterate(problem: SparseProblem, step: float, tol: float, max_iter: int) -> SolverState:
    """Run the plain iteration until the relative change of x and v is <= ``tol`` for every item."""
    x = np.zeros_like(problem.adjoint(problem.y))
    result, running, part = (x.copy(), x.copy()), np.arange(len(x)), problem
    state: SolverState = (x, x)
    for _ in range(max_iter):
        new = _plain_step(part, step, *state)
        going = np.zeros(len(running), dtype=bool)
        for old_part, new_part in zip(state, new, strict=True):
            going |= norms(new_part - old_part) > tol * norms(old_part)
        for whole, new_part in zip(result, new, strict=True):
            whole[running[~going]] = new_part[~going]
        if not going.any():
            return result
        running, state = running[going], tuple(array[going] for array in new)
        part = part.part(going) if not going.all() else part
    raise RuntimeError(
        f"{running.size} of {len(x)} items did not reach tol={tol:g} in {max_iter} iterations"
    )


def _plain_step(
    problem: SparseProblem, step: float, x: Coefficients, v: Coefficients
) -> SolverState:
    """Return the next x and v of ISTA (γ = 0) or of the saddle-point iteration."""
    if problem.gamma:
        return _saddle_point_step(problem, step, evaluated(problem, x, v))
    mu = step / problem.geometry.norm
    back = problem.adjoint(problem.y - problem.apply(x))
    x = problem.soft(x + mu * back, mu * problem.thresholds(x))
    return x, x
