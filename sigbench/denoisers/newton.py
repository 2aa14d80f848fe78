"""Newton's method for what is left of L1 and GMC when few coefficients are active.

The proximal point algorithm goes to the saddle point by easier problems, their step s growing (s and
λ are those of atoms of norm 1, as weights have it):

    x⁺ = soft(x + s·Aᴴp, sλ),   p = y − (1 − γ)Ax⁺ − γAv⁺,
    v⁺ = soft(v + s·Aᴴq, sλ),   q = γA(x⁺ − v⁺).

Each is solved for p and q, of a signal's size. How x⁺ and v⁺ follow them is known piecewise: a soft
threshold lets changes of active coefficients through (of complex ones, shrunk across), no others.

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

STEPS = 1000  # of Newton's method and the algorithm around it: tens are usual, some need hundreds
GROWTH, SLOWEST = 10.0, 1.5  # of s from problem to problem: at first, and at least
RECOVERY = 1.05  # of that growth, once it was too fast
TIGHTER = 0.1  # of how far p and q are off at first, when a problem is solved
ROUNDING = 1e-15  # of the numbers that p and q are made from
DROWNED = 10  # times the rounding of y: what s may add to it
HALVINGS = 6  # of a step that makes things worse
BYTES = 2**27  # of coefficients that atoms are made from at once


class _Point(NamedTuple):
    """What p and q lead to, and how far they are from what that leads to, of every item."""

    ux: NDArray[Any]
    uv: NDArray[Any]
    x: NDArray[Any]
    v: NDArray[Any]
    e1: NDArray[Any]
    e2: NDArray[Any]
    off: NDArray[Any]

    def part(self, items: NDArray[Any]) -> _Point:
        """Return that of some of the items."""
        return _Point(*(array[items] for array in self))


def cost(problem: SparseProblem, x: Coefficients, v: Coefficients) -> Values:
    """Return about how many iterations of first order cost as much as Newton's method would.

    Ten of its steps: k atoms are made, and a system of k equations is filled and solved.
    """
    k, size = _unknowns(problem, x, v), x[0].nbytes / 8
    iterations = 2 * k + k**2 * (problem.y[0].size + k) / (5 * size)
    return np.where(8 * k * size <= BYTES, iterations, np.inf)


def start(problem: SparseProblem, x: Coefficients, v: Coefficients) -> SolverState:
    """Return the state at x and v: what `evaluated` says of them, and the algorithm's own."""
    here = evaluated(problem, x, v)
    growth = np.full(len(x), GROWTH)
    s = growth / problem.geometry.norm
    return *here, *_duals(problem, *here[2:4]), s, growth, np.full(len(x), np.nan)


def advance(problem: SparseProblem, state: SolverState) -> SolverState:
    """Return the state after a Newton step, or where it was close enough, at the next problem."""
    *here, p, q, s, growth, target = state
    x, v = here[:2]
    at = _point(problem, x, v, s, p, q)
    target = np.where(np.isnan(target), TIGHTER * at.off, target)  # a new problem
    scale, norm = norms(problem.y), problem.geometry.norm
    rounding = ROUNDING * (scale + np.sqrt(norm) * np.hypot(norms(at.ux), norms(at.uv)))
    solved = at.off <= np.maximum(target, rounding)
    if not solved.all():
        own, going = (p, q, s, growth), ~solved
        moved = _moved(
            problem.part(going), x[going], v[going], [a[going] for a in own], at.part(going)
        )
        p, q, s, growth = (array.copy() for array in own)
        p[going], q[going], s[going], growth[going] = moved
    if solved.any():
        x = np.where(column(solved, x), at.x, x)
        v = np.where(column(solved, v), at.v, v)
        here = list(evaluated(problem, x, v))
        # Where s adds to the rounding, and that was the end of it, a larger s gains nothing.
        limited = (at.off > target) & (rounding > DROWNED * ROUNDING * scale)
        s = np.where(solved, np.where(limited, s / growth, growth * s), s)
        recovered = np.minimum(RECOVERY * growth, GROWTH)
        growth = np.where(solved, np.where(limited, _slower(growth), recovered), growth)
        target = np.where(solved, np.nan, target)
    return *here, p, q, s, growth, target


def _moved(
    problem: SparseProblem, x: Coefficients, v: Coefficients, own: list[Array], at: _Point
) -> SolverState:
    """Return p, q, s and growth after a Newton step, halved until it makes things better."""
    p, q, s, growth = own
    dp, dq = _in_parts(problem, at, s)
    length = np.ones(len(x))
    for _ in range(HALVINGS):
        new_p, new_q = p + column(length, p) * dp, q + column(length, q) * dq
        worse = _point(problem, x, v, s, new_p, new_q).off > (1 - 1e-4 * length) * at.off
        if not worse.any():
            return new_p, new_q, s, growth
        length[worse] /= 2
    # No way ahead: too hard a problem yet. A smaller s makes it easier, from where x and v are.
    old_p, old_q = _duals(problem, problem.apply(x), problem.apply(v))
    back = column(worse, p)
    return (
        np.where(back, old_p, new_p),
        np.where(back, old_q, new_q),
        np.where(worse, s / growth**2, s),
        np.where(worse, _slower(growth), growth),
    )


def _slower(growth: Array) -> Array:
    return np.maximum(np.sqrt(growth), SLOWEST)


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
    """Return the step of every coefficient: s where all atoms have norm 1."""
    return column(s, x) / problem.geometry.weights**2


def _in_parts(problem: SparseProblem, at: _Point, s: Array) -> tuple[Array, Array]:
    """Return the Newton step of as many items at a time as memory has room for."""
    most = _unknowns(problem, at.x, at.v).max()
    row = max(at.x[0].nbytes, problem.y[0].nbytes)
    together = max(1, int(BYTES / (1 + most * row)))
    parts = np.split(np.arange(len(s)), range(together, len(s), together))
    steps = [_newton_step(problem.part(part), at.part(part), s[part]) for part in parts]
    dp, dq = (np.concatenate(halves) for halves in zip(*steps, strict=True))
    return dp.reshape(at.e1.shape), dq.reshape(at.e2.shape)


def _unknowns(problem: SparseProblem, x: Coefficients, v: Coefficients) -> Values:
    """Return how many numbers of x and v are not zero, of every item."""
    parts = (x, v) if problem.gamma else (x,)
    active: Values = sum(np.count_nonzero(part.reshape(len(x), -1), axis=1) for part in parts)
    return active * (2.0 if np.iscomplexobj(x) else 1.0)


def _newton_step(problem: SparseProblem, at: _Point, s: Array) -> tuple[Array, Array]:
    """Return the changes of p and q that would cancel e1 and e2, were all thresholds linear.

    With the active coefficients' atoms as rows of Bx and Bv, Bxᵀ Bx = s·A D Aᴴ, they solve

        dp + (1 − γ)·Bxᵀ Bx dp + γ·Bvᵀ Bv dq = −e1,   dq + γ·Bvᵀ Bv dq − γ·Bxᵀ Bx dp = −e2

    by way of the fewer Bx dp and Bv dq.
    """
    gamma = problem.gamma
    e1, e2 = at.e1.reshape(len(s), -1, 1), at.e2.reshape(len(s), -1, 1)
    Bx = _active(problem, at.ux, s)
    Bv = _active(problem, at.uv, s) if gamma else Bx[:, :0]
    B = np.concatenate([Bx, Bv], axis=1)
    half = np.repeat([0, 1], [Bx.shape[1], Bv.shape[1]])
    couplings = np.array([[1 - gamma, gamma], [-gamma, gamma]])[np.ix_(half, half)]
    system = np.eye(len(half)) + couplings * (B @ B.transpose(0, 2, 1))
    changes = np.linalg.solve(system, -np.concatenate([Bx @ e1, Bv @ e2], axis=1))
    a, b = np.split(changes, [Bx.shape[1]], axis=1)
    of_x, of_v = _coupled(problem, Bx.transpose(0, 2, 1) @ a, Bv.transpose(0, 2, 1) @ b)
    return -e1 - of_x, -e2 - of_v


def _active(problem: SparseProblem, u: Coefficients, s: Array) -> NDArray[np.float64]:
    """Return Bx, given x + s·Aᴴp; items with fewer active coefficients have rows of zeros."""
    step = np.broadcast_to(_steps(problem, u, s), u.shape)
    t = np.broadcast_to(step * problem.thresholds(u), u.shape)
    size = u if problem.nonneg else np.abs(u)
    where = np.nonzero(size > t)
    item = where[0]
    along, kept = u[where] / size[where], 1 - t[where] / size[where]
    scale = step[where] / np.broadcast_to(problem.geometry.multiplicity, u.shape)[where]
    directions = [along * np.sqrt(scale)]
    if np.iscomplexobj(u):
        directions.append(1j * along * np.sqrt(scale * kept))
    counts = np.bincount(item, minlength=len(u))
    place = np.arange(len(item)) - (np.cumsum(counts) - counts)[item]
    rows = np.zeros((len(u), len(directions), max(counts), problem.y[0].size))
    together = max(1, BYTES // u[0].nbytes)
    for i, values in enumerate(directions):
        for first in range(0, len(item), together):
            some = slice(first, first + together)
            units = np.zeros((len(item[some]), *u.shape[1:]), u.dtype)
            units[(np.arange(len(units)), *(axis[some] for axis in where[1:]))] = values[some]
            rows[item[some], i, place[some]] = problem.apply(units).reshape(len(units), -1)
    return rows.reshape(len(u), -1, problem.y[0].size)
