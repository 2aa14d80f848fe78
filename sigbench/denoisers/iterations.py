"""Batched iterations for L1 and GMC; items leave the batch as they are done."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sigbench.denoisers.sparse import (
    Solution,
    SparseProblem,
    State,
    Values,
    bounds,
    column,
    evaluated,
    norms,
)
from sigbench.transforms import Coefficients

CHECK_EVERY = 10  # iterations
CROWDED = 0.7  # of a batch still going, below which it is worth the copying to let the others leave
MEMORY = 16  # steps that Anderson's acceleration combines
STRETCH = 64  # steps
GROWTH = 100  # of a squared residual, from which on a combination counts as bad
RIDGE = 1e-10  # of the trace of their Gram matrix, which is nearly singular near the solution


def fista(problem: SparseProblem, tol: float, max_iter: int) -> Solution:
    """FISTA. The gradient at the extrapolated point z follows from those at x by linearity."""
    step = 1 / problem.geometry.norm

    def advance(problem: SparseProblem, state: State) -> State:
        x, _, _, _, back, _, x_old, back_old, t = state
        t_new = (1 + np.sqrt(1 + 4 * t**2)) / 2
        beta = column((t - 1) / t_new, x)
        z = x + beta * (x - x_old)
        descent = back + beta * (back - back_old)
        new = problem.soft(z + step * descent, step * problem.thresholds(x))
        uphill = problem.inner(z - new, new - x) > 0
        return *evaluated(problem, new, new), x, back, np.where(uphill, 1.0, t_new)

    start = np.zeros_like(problem.adjoint(problem.y))
    state = evaluated(problem, start, start)
    return _until_certified(
        problem, tol, max_iter, (*state, start, state[4], np.ones(len(start))), advance
    )


def saddle_point(problem: SparseProblem, tol: float, max_iter: int) -> Solution:
    """Run the saddle-point iteration at step 1.9, with Anderson's acceleration.

    The next point is the combination of the latest images whose residuals (image − point) nearly
    cancel. Where that makes the residual grow much, the item goes back to the plain image that it had,
    and forgets. Far from the solution small residuals say little: every fourth stretch of steps is
    plain, so that no item converges much slower than by the plain iteration.
    """

    def advance(problem: SparseProblem, state: State) -> State:
        point, image, least, plain, moves, changes, gram, count = state[6:]
        here = _flat(state[0], state[1])
        there = _flat(*_saddle_point_step(problem, 1.9, state[:6]))
        length = np.einsum("ij,ij->i", there - here, there - here)
        stretch, k = divmod(int(count[0]), STRETCH)
        rest, k = stretch % 4 == 3, k % MEMORY
        worse = (length > GROWTH * least) & ~plain
        moves[:, k] = there - image
        changes[:, k] = moves[:, k] - (here - point)
        forget = worse | rest
        moves[forget] = changes[forget] = gram[forget] = 0
        there[worse], here[worse] = image[worse], point[worse]
        gram[:, k] = gram[:, :, k] = np.matmul(changes, changes[:, k, :, None])[:, :, 0]
        ridge = RIDGE * np.trace(gram, axis1=1, axis2=2) + np.finfo(np.float64).tiny
        against = np.matmul(changes, (there - here)[:, :, None])
        weights = np.linalg.solve(gram + ridge[:, None, None] * np.eye(MEMORY), against)
        x, v = _unflat(there - np.matmul(weights.transpose(0, 2, 1), moves)[:, 0], state[0])
        least = np.where(worse, least, length)
        memory = (here, there, least, forget, moves, changes, gram, count + 1)
        return *evaluated(problem, x, v), *memory

    start = np.zeros_like(problem.adjoint(problem.y))
    point = _flat(start, start)
    items, size = point.shape
    moves, changes = np.zeros((2, items, MEMORY, size))
    gram, count = np.zeros((items, MEMORY, MEMORY)), np.zeros(items, dtype=int)
    first = np.ones(items, dtype=bool)
    memory = (point, point, np.zeros(items), first, moves, changes, gram, count)
    return _until_certified(
        problem, tol, max_iter, (*evaluated(problem, start, start), *memory), advance
    )


def _flat(x: Coefficients, v: Coefficients) -> Values:
    """Return x and v of every item as one row of real numbers."""
    return np.concatenate([x.reshape(len(x), -1), v.reshape(len(v), -1)], axis=1).view(np.float64)


def _unflat(rows: Values, like: Coefficients) -> State:
    x, v = np.split(np.ascontiguousarray(rows).view(like.dtype), 2, axis=1)
    return x.reshape(like.shape), v.reshape(like.shape)


def _saddle_point_step(problem: SparseProblem, step: float, state: State) -> State:
    """Return the next x and v, given x, v and what `_evaluated` says of them."""
    x, v, _, _, back_r, back_d = state
    gamma = problem.gamma
    mu = step / (problem.geometry.norm * max(1, gamma / (1 - gamma)))
    t = mu * problem.thresholds(x)
    return problem.soft(x + mu * back_r, t), problem.soft(v + mu * back_d, t)


def _until_certified(
    problem: SparseProblem,
    tol: float,
    max_iter: int,
    state: State,
    advance: Callable[[SparseProblem, State], State],
) -> Solution:
    """Advance until every item is certified; those that are leave the batch."""
    best = np.zeros_like(state[0])
    objective, gap = np.full((2, len(best)), np.nan)
    enough = problem.rounding
    part, items, going = problem, np.arange(len(best)), np.ones(len(best), dtype=bool)
    for iteration in range(max_iter + 1):
        if iteration % CHECK_EVERY == 0:
            primal, above = bounds(part, *state[:6])
            done = going & (above <= np.maximum(tol * primal, enough[items]))
            best[items[done]] = state[0][done]
            objective[items[done]], gap[items[done]] = primal[done], above[done]
            going &= ~done
            if not going.any():
                return Solution(best, objective, gap, problem.rounding)
            if going.mean() < CROWDED:
                part, items = part.part(going), items[going]
                state, going = tuple(array[going] for array in state), going[going]
        state = advance(part, state)
    raise RuntimeError(
        f"{going.sum()} of {len(best)} items did not reach tol={tol:g} in {max_iter} iterations"
    )


def iterate(problem: SparseProblem, step: float, tol: float, max_iter: int) -> State:
    """Return x and v where the relative change of both is small enough, per item."""
    x = np.zeros_like(problem.adjoint(problem.y))
    result, running, part = (x.copy(), x.copy()), np.arange(len(x)), problem
    state: State = (x, x)
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


def _plain_step(problem: SparseProblem, step: float, x: Coefficients, v: Coefficients) -> State:
    """ISTA, or the saddle-point step."""
    if problem.gamma:
        return _saddle_point_step(problem, step, evaluated(problem, x, v))
    mu = step / problem.geometry.norm
    back = problem.adjoint(problem.y - problem.apply(x))
    x = problem.soft(x + mu * back, mu * problem.thresholds(x))
    return x, x
