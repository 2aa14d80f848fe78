"""Newton's method for items of L1 and GMC on which the iterations are slow.

It is efficient if few coefficients are active (not zero). The proximal point algorithm approaches
the saddle point by a sequence of easier subproblems with growing step s (s and λ refer to atoms of
norm 1; the weights of the geometry convert them):

    x⁺ = soft(x + s·Aᴴp, sλ),   p = y − (1 − γ)Ax⁺ − γAv⁺,
    v⁺ = soft(v + s·Aᴴq, sλ),   q = γA(x⁺ − v⁺).

Each subproblem is solved for p and q, which have the size of the signal. The derivatives of x⁺ and
v⁺ with respect to them are known piecewise: a soft threshold passes on changes of active
coefficients (for complex ones, changes perpendicular to the coefficient are shrunk) and no others.

References
----------
Li, Sun, Toh, SIAM J. Optim. 28 (2018), sections 3.1-3.3, for L1 (there on the augmented Lagrangian
of the dual, which is the same); Rockafellar, SIAM J. Control Optim. 14 (1976), section 2.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sigbench.core.protocols import Array
from sigbench.denoisers.sparse_certificate import (
    SolverState,
    SparseProblem,
    Values,
    column,
    evaluated,
    norms,
)
from sigbench.transforms import Coefficients

STEPS = 1000  # maximum number of steps; usually tens, sometimes hundreds are needed
GROWTH, MIN_GROWTH = 10.0, 1.5  # factor by which s grows between subproblems: initial, minimum
RECOVERY = 1.05  # factor by which that growth recovers after a reduction
REDUCTION = 0.1  # of the initial error of p and q, at which a subproblem counts as solved
ROUNDING = 1e-15  # relative rounding error of the terms of p and q
MAX_ROUNDING = 10  # how many times the rounding error of y a large s may cause
HALVINGS = 6  # maximum number of halvings of a step that increases the error
BYTES = 2**27  # of coefficients from which atoms are synthesized at a time


class _Point(NamedTuple):
    """The x⁺ and v⁺ that p and q lead to, and the errors of p and q, for every item.

    ``ux`` and ``uv`` are the arguments of the soft thresholds, ``x`` and ``v`` their values, ``e1``
    and ``e2`` the errors of p and q, and ``error`` the norm of both errors.
    """

    ux: NDArray[Any]
    uv: NDArray[Any]
    x: NDArray[Any]
    v: NDArray[Any]
    e1: NDArray[Any]
    e2: NDArray[Any]
    error: NDArray[Any]

    def part(self, items: NDArray[Any]) -> _Point:
        """Return the values for some of the items."""
        return _Point(*(array[items] for array in self))


def cost(problem: SparseProblem, x: Coefficients, v: Coefficients) -> Values:
    """Return the approximate number of first-order iterations that cost as much as Newton's method.

    It counts ten Newton steps, each of which synthesizes k atoms and solves k linear equations.
    """
    k, size = _unknowns(problem, x, v), x[0].nbytes / 8
    iterations = 2 * k + k**2 * (problem.y[0].size + k) / (5 * size)
    return np.where(8 * k * size <= BYTES, iterations, np.inf)


def start(problem: SparseProblem, x: Coefficients, v: Coefficients) -> SolverState:
    """Return the state at x and v: the values of `evaluated`, then p, q, s, growth and target."""
    here = evaluated(problem, x, v)
    growth = np.full(len(x), GROWTH)
    s = growth / problem.geometry.norm
    return *here, *_duals(problem, *here[2:4]), s, growth, np.full(len(x), np.nan)


def advance(problem: SparseProblem, state: SolverState) -> SolverState:
    """Return the state after a Newton step, or for solved items at the next subproblem."""
    *here, p, q, s, growth, target = state
    x, v = here[:2]
    at = _point(problem, x, v, s, p, q)
    target = np.where(np.isnan(target), REDUCTION * at.error, target)  # a new subproblem
    scale, norm = norms(problem.y), problem.geometry.norm
    rounding = ROUNDING * (scale + np.sqrt(norm) * np.hypot(norms(at.ux), norms(at.uv)))
    solved = at.error <= np.maximum(target, rounding)
    if not solved.all():
        variables, going = (p, q, s, growth), ~solved
        moved = _line_search(
            problem.part(going), x[going], v[going], [a[going] for a in variables], at.part(going)
        )
        p, q, s, growth = (array.copy() for array in variables)
        p[going], q[going], s[going], growth[going] = moved
    if solved.any():
        x = np.where(column(solved, x), at.x, x)
        v = np.where(column(solved, v), at.v, v)
        here = list(evaluated(problem, x, v))
        # A larger s does not help where rounding errors caused by s limited the accuracy.
        limited = (at.error > target) & (rounding > MAX_ROUNDING * ROUNDING * scale)
        s = np.where(solved, np.where(limited, s / growth, growth * s), s)
        recovered = np.minimum(RECOVERY * growth, GROWTH)
        growth = np.where(solved, np.where(limited, _slower(growth), recovered), growth)
        target = np.where(solved, np.nan, target)
    return *here, p, q, s, growth, target


def _line_search(
    problem: SparseProblem, x: Coefficients, v: Coefficients, variables: list[Array], at: _Point
) -> SolverState:
    """Return p, q, s and growth after a Newton step, halved until it reduces the error."""
    p, q, s, growth = variables
    dp, dq = _newton_steps(problem, at, s)
    length = np.ones(len(x))
    for _ in range(HALVINGS):
        new_p, new_q = p + column(length, p) * dp, q + column(length, q) * dq
        worse = _point(problem, x, v, s, new_p, new_q).error > (1 - 1e-4 * length) * at.error
        if not worse.any():
            return new_p, new_q, s, growth
        length[worse] /= 2
    # No step reduces the error: restart from x and v with a smaller s, an easier subproblem.
    old_p, old_q = _duals(problem, problem.apply(x), problem.apply(v))
    back = column(worse, p)
    return (
        np.where(back, old_p, new_p),
        np.where(back, old_q, new_q),
        np.where(worse, s / growth**2, s),
        np.where(worse, _slower(growth), growth),
    )


def _slower(growth: Array) -> Array:
    return np.maximum(np.sqrt(growth), MIN_GROWTH)


def _coupled(problem: SparseProblem, a: Array, b: Array) -> tuple[Array, Array]:
    """Return (1 − γ)a + γb and γ(b − a)."""
    gamma = problem.gamma
    return (1 - gamma) * a + gamma * b, gamma * (b - a)


def _duals(problem: SparseProblem, Ax: Array, Av: Array) -> tuple[Array, Array]:
    """Return p and q, given Ax and Av."""
    of_x, of_v = _coupled(problem, Ax, Av)
    return problem.y - of_x, -of_v


def _point(
    problem: SparseProblem, x: Coefficients, v: Coefficients, s: Array, p: Array, q: Array
) -> _Point:
    step = _steps(problem, x, s)
    t = step * problem.thresholds(x)
    ux = uv = x + step * problem.adjoint(p)
    new_x = new_v = problem.soft(ux, t)
    Ax = Av = problem.apply(new_x)
    if problem.gamma:
        uv = v + step * problem.adjoint(q)
        new_v = problem.soft(uv, t)
        Av = problem.apply(new_v)
    new_p, new_q = _duals(problem, Ax, Av)
    e1, e2 = p - new_p, q - new_q
    return _Point(ux, uv, new_x, new_v, e1, e2, np.hypot(norms(e1), norms(e2)))


def _steps(problem: SparseProblem, x: Coefficients, s: Array) -> Array:
    """Return the step of every coefficient, which is s for atoms of norm 1."""
    return column(s, x) / problem.geometry.weights**2


def _newton_steps(problem: SparseProblem, at: _Point, s: Array) -> tuple[Array, Array]:
    """Return the Newton step of every item, in parts that fit into memory."""
    largest = _unknowns(problem, at.x, at.v).max()
    row = max(at.x[0].nbytes, problem.y[0].nbytes)
    chunk = max(1, int(BYTES / (1 + largest * row)))
    parts = np.split(np.arange(len(s)), range(chunk, len(s), chunk))
    steps = [_newton_step(problem.part(part), at.part(part), s[part]) for part in parts]
    dp, dq = (np.concatenate(halves) for halves in zip(*steps, strict=True))
    return dp.reshape(at.e1.shape), dq.reshape(at.e2.shape)


def _unknowns(problem: SparseProblem, x: Coefficients, v: Coefficients) -> Values:
    """Return the number of real unknowns of every item: those of the active coefficients."""
    parts = (x, v) if problem.gamma else (x,)
    active: Values = sum(np.count_nonzero(part.reshape(len(x), -1), axis=1) for part in parts)
    return active * (2.0 if np.iscomplexobj(x) else 1.0)


def _newton_step(problem: SparseProblem, at: _Point, s: Array) -> tuple[Array, Array]:
    """Return the changes of p and q that cancel e1 and e2 if all thresholds are linear.

    With the atoms of the active coefficients as rows of Bx and Bv, Bxᵀ Bx = s·A D Aᴴ, they solve

        dp + (1 − γ)·Bxᵀ Bx dp + γ·Bvᵀ Bv dq = −e1,   dq + γ·Bvᵀ Bv dq − γ·Bxᵀ Bx dp = −e2

    where Bx dp and Bv dq, which have fewer elements, are computed first.
    """
    gamma = problem.gamma
    e1, e2 = at.e1.reshape(len(s), -1, 1), at.e2.reshape(len(s), -1, 1)
    Bx = _active_atoms(problem, at.ux, s)
    Bv = _active_atoms(problem, at.uv, s) if gamma else Bx[:, :0]
    B = np.concatenate([Bx, Bv], axis=1)
    half = np.repeat([0, 1], [Bx.shape[1], Bv.shape[1]])
    couplings = np.array([[1 - gamma, gamma], [-gamma, gamma]])[np.ix_(half, half)]
    system = np.eye(len(half)) + couplings * (B @ B.transpose(0, 2, 1))
    changes = np.linalg.solve(system, -np.concatenate([Bx @ e1, Bv @ e2], axis=1))
    a, b = np.split(changes, [Bx.shape[1]], axis=1)
    of_x, of_v = _coupled(problem, Bx.transpose(0, 2, 1) @ a, Bv.transpose(0, 2, 1) @ b)
    return -e1 - of_x, -e2 - of_v


def _active_atoms(problem: SparseProblem, u: Coefficients, s: Array) -> NDArray[np.float64]:
    """Return Bx, given u = x + s·Aᴴp; items with fewer active coefficients get rows of zeros."""
    step = np.broadcast_to(_steps(problem, u, s), u.shape)
    t = np.broadcast_to(step * problem.thresholds(u), u.shape)
    size = u if problem.nonneg else np.abs(u)
    active = np.nonzero(size > t)
    item = active[0]
    phase, gain = u[active] / size[active], 1 - t[active] / size[active]
    scale = step[active] / np.broadcast_to(problem.geometry.multiplicity, u.shape)[active]
    directions = [phase * np.sqrt(scale)]
    if np.iscomplexobj(u):
        directions.append(1j * phase * np.sqrt(scale * gain))
    counts = np.bincount(item, minlength=len(u))
    position = np.arange(len(item)) - (np.cumsum(counts) - counts)[item]
    rows = np.zeros((len(u), len(directions), max(counts), problem.y[0].size))
    chunk = max(1, BYTES // u[0].nbytes)
    for i, values in enumerate(directions):
        for first in range(0, len(item), chunk):
            some = slice(first, first + chunk)
            units = np.zeros((len(item[some]), *u.shape[1:]), u.dtype)
            units[(np.arange(len(units)), *(axis[some] for axis in active[1:]))] = values[some]
            rows[item[some], i, position[some]] = problem.apply(units).reshape(len(units), -1)
    return rows.reshape(len(u), -1, problem.y[0].size)
