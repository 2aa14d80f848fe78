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


def saddle_point(
    problem: SparseProblem, tol: float, max_iter: int, *, strict: bool = True
) -> Solution:
    """Run the saddle-point iteration with step 1.9."""

    def advance(problem: SparseProblem, state: SolverState) -> SolverState:
        return evaluated(problem, *_saddle_point_step(problem, 1.9, state))

    start = np.zeros_like(problem.adjoint(problem.y))
    return _solve(problem, tol, max_iter, evaluated(problem, start, start), advance, strict)


def alternating(problem: SparseProblem, tol: float, max_iter: int) -> Solution:
    """Run FISTA for x and for v in turn, one step of each with the other fixed; GMC with γ < ½.

    For fixed v, x minimizes (1 − γ)/2·‖Ax‖² − ⟨Ax, y − γAv⟩ + λ‖x‖₁. For fixed x, v minimizes
    γ/2·‖A(x − v)‖² + λ‖v‖₁. Exact minima in turn converge, because they contract Ax and Av by
    γ/(1 − γ). For single steps this is not proven; the certificate shows whether they did.
    """
    gamma, zero = problem.gamma, np.zeros_like(problem.adjoint(problem.y))
    step_x = 1 / (problem.geometry.norm * (1 - gamma))
    step_v = 1 / (problem.geometry.norm * gamma)

    def advance(problem: SparseProblem, state: SolverState) -> SolverState:
        x, v, *_, back_y, back_x, back_v, x_last, back_x_last, v_last, back_v_last, t_x, t_v = state
        t = problem.thresholds(x)
        t_x, beta = _momentum(t_x, x)
        z, back_z = x + beta * (x - x_last), back_x + beta * (back_x - back_x_last)
        slope = back_y - (1 - gamma) * back_z - gamma * back_v
        new_x = problem.soft(z + step_x * slope, step_x * t)
        t_x = np.where(problem.inner(z - new_x, new_x - x) > 0, 1.0, t_x)
        Ax = problem.apply(new_x)
        new_back_x = problem.adjoint(Ax)

        t_v, beta = _momentum(t_v, v)
        z, back_z = v + beta * (v - v_last), back_v + beta * (back_v - back_v_last)
        new_v = problem.soft(z + step_v * gamma * (new_back_x - back_z), step_v * t)
        t_v = np.where(problem.inner(z - new_v, new_v - v) > 0, 1.0, t_v)
        Av = problem.apply(new_v)
        new_back_v = problem.adjoint(Av)

        back_d = gamma * (new_back_x - new_back_v)
        here = new_x, new_v, Ax, Av, back_y - new_back_x + back_d, back_d
        return *here, back_y, new_back_x, new_back_v, x, back_x, v, back_v, t_x, t_v

    here = evaluated(problem, zero, zero)
    ones = np.ones(len(zero))
    state = (*here, here[4], zero, zero, zero, zero, zero, zero, ones, ones)
    return _solve(problem, tol, max_iter, state, advance, strict=False)


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
            primal, part_gap = bounds(part, *state[:6], projections, tol * EXCESS)
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
