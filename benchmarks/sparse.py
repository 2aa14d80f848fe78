"""L1 and GMC at equal accuracy: batches of sigbench against pylops, pyproximal, a loop and CVXPY.

Prints a Markdown table. The others solve one signal at a time, sigbench a batch of 1,000. All use
‖A‖² = 1 and reach an objective within 1e-6 of the minimum. The others run a given number of
iterations, without any check: *each* signal its own number, which is not known in practice, or
*one* number for all, the largest. sigbench is timed twice: *given* the loosest tolerance of its gap
at which all 1,000 signals are that accurate, and *certified*, with a gap of 1e-6; the gap is an upper
bound, so that result is more accurate. Before a problem is timed, all sides must agree on its minima
and estimates.
"""

import statistics
import timeit
from dataclasses import dataclass

import cvxpy
import numpy as np
import pylops
import pyproximal
from pylops.optimization.sparsity import fista
from pyproximal.optimization.primal import ProximalGradient
from threadpoolctl import threadpool_limits

from sigbench import GMC, L1
from sigbench.denoisers.sparse_model import Exact
from sigbench.transforms import DFT, Convolution, OversampledDFT, StationaryWavelet

LENGTH, ITEMS = 100, 1000
LOOPED, PROGRAMS = 20, 3  # number of signals for the loops and for CVXPY
REPEATS = 7
ACCURACY = 1e-6
MAX_ITER = 3000


@dataclass(frozen=True, eq=False)
class Dictionary:
    """The dictionary A in the form that each side uses.

    The others multiply by real matrices, which at this length is faster than FFTs and the operators
    of pylops. As in sigbench, half of the spectrum of a real signal is kept; real and imaginary
    parts alternate.

    Attributes
    ----------
    transform : Transform
        For sigbench.
    synthesis, analysis : array
        A and Aᴴ.
    thresholds : float or array
        Factors of λ in a proximal step.
    weights : array
        Factors of λ in the penalty: twice as large for a coefficient that represents a pair.
    dtype : str
        Type of the coefficients.
    """

    transform: object
    synthesis: np.ndarray
    analysis: np.ndarray
    thresholds: float | np.ndarray
    weights: np.ndarray
    dtype: str = "float64"

    def apply(self, c):
        """Return Ac."""
        return self.synthesis @ c.view("float64")

    def adjoint(self, y):
        """Return Aᴴy."""
        return (self.analysis @ y).view(self.dtype)

    @property
    def operator(self):
        """A for pylops; with explicit matrices it would compute AᴴA in every call."""
        shape = (LENGTH, len(self.weights))
        return pylops.FunctionOperator(self.apply, self.adjoint, *shape, dtype=self.dtype)


def spectrum(factor):
    """Return the DFT on a grid of frequencies finer by ``factor``."""
    size = factor * LENGTH
    k = np.arange(size // 2 + 1)
    counts = np.where((k == 0) | (2 * k == size), 1.0, 2.0)
    angles = 2 * np.pi * np.outer(k, np.arange(LENGTH)) / size
    pairs = np.stack([np.cos(angles), -np.sin(angles)], axis=1) / np.sqrt(size)
    synthesis = (counts[:, None, None] * pairs).reshape(-1, LENGTH).T.copy()
    transform = DFT() if factor == 1 else OversampledDFT(factor)
    return Dictionary(transform, synthesis, pairs.reshape(-1, LENGTH), 1.0, counts, "complex128")


def stationary_haar(level):
    """Return the undecimated Haar transform, weighted by the norms of its atoms."""
    coarse, details = np.eye(LENGTH), []
    for j in range(level):
        shifted = np.roll(coarse, 2**j, axis=1)
        details.insert(0, (coarse - shifted) / 2)
        coarse = (coarse + shifted) / 2
    synthesis = np.concatenate([coarse, *details], axis=1)
    weights = np.linalg.norm(synthesis, axis=0)
    return Dictionary(
        StationaryWavelet("haar", level), synthesis, synthesis.T.copy(), weights, weights
    )


def blur(width):
    """Return the circular convolution with a Gaussian."""
    lags = np.minimum(np.arange(LENGTH), LENGTH - np.arange(LENGTH))
    kernel = np.exp(-(lags**2) / (2 * width**2))
    kernel /= kernel.sum()
    synthesis = np.stack([np.roll(kernel, k) for k in range(LENGTH)], axis=1)
    return Dictionary(Convolution(kernel), synthesis, synthesis.T.copy(), 1.0, np.ones(LENGTH))


@dataclass(frozen=True, eq=False)
class Problem:
    """A problem: L1 if ``gamma`` is 0, otherwise GMC."""

    dictionary: Dictionary
    lam: float
    gamma: float = 0.0

    def ours(self, tol):
        """Return sigbench's denoiser."""
        solver = Exact(tol=tol)
        if self.gamma:
            return GMC(self.dictionary.transform, self.lam, gamma=self.gamma, solver=solver)
        return L1(self.dictionary.transform, self.lam, solver=solver)

    def objectives(self, y, iterates):
        """Return ½‖y − Ac‖² plus the penalty for many c."""
        fits = np.stack([self.dictionary.apply(c) for c in iterates])
        values = np.sum((y - fits) ** 2, axis=1) / 2
        values += self.lam * np.abs(iterates) @ self.dictionary.weights
        if self.gamma:  # minus min over v of λ‖v‖₁ + γ/2‖Ac − Av‖²: an L1 problem
            inner = L1(self.dictionary.transform, self.lam / self.gamma, solver=Exact(tol=1e-9))
            values -= self.gamma * inner.solve(fits[:, None]).objective
        return values


# Solvers of one signal; ``seen`` is called with every iterate


def by_pylops(problem, y, iterations, seen=None):
    """Return c by FISTA of pylops; its penalty is half of ours, with one weight for all."""
    return fista(
        problem.dictionary.operator, y, niter=iterations, eps=2 * problem.lam, alpha=1.0, tol=-1,
        callback=seen,
    )[0]  # fmt: skip


def by_pyproximal(problem, y, iterations, seen=None):
    """Return c by FISTA of pyproximal, which takes different weights."""
    fit = pyproximal.L2(Op=problem.dictionary.operator, b=y)
    penalty = pyproximal.L1(sigma=problem.lam * problem.dictionary.thresholds)
    start = np.zeros(len(problem.dictionary.weights), problem.dictionary.dtype)
    return ProximalGradient(
        fit, penalty, start, tau=1.0, niter=iterations, acceleration="fista", callback=seen
    )


def by_loop(problem, y, iterations, seen=None):
    """Return c of GMC by the saddle-point iteration; pylops and pyproximal have no GMC."""
    gamma, apply, adjoint = problem.gamma, problem.dictionary.apply, problem.dictionary.adjoint
    mu = 1.9 / max(1, gamma / (1 - gamma))
    t = mu * problem.lam

    def soft(u):
        size = np.abs(u)
        return u * (np.maximum(size - t, 0) / np.maximum(size, 1e-300))

    x = v = adjoint(np.zeros(LENGTH))
    for _ in range(iterations):
        d = gamma * apply(x - v)
        x, v = soft(x + mu * adjoint(y - apply(x) + d)), soft(v + mu * adjoint(d))
        if seen:
            seen(x)
    return x


def program(problem):
    """Return a function that solves one signal with CVXPY; the program is built once.

    CVXPY does not recognize the GMC objective as convex. With w the dual of v, the penalty is λ‖x‖₁ −
    γ/2‖Ax‖² + min over w of ‖w‖²/2γ with |Aᴴ(γAx − w)| <= λ, and its first terms combine with ½‖y − Ax‖².
    """
    dictionary, lam, gamma = problem.dictionary, problem.lam, problem.gamma
    A, weights = dictionary.synthesis, dictionary.weights

    def sizes(c):
        if dictionary.dtype == "float64":
            return cvxpy.abs(c)
        return cvxpy.norm(cvxpy.reshape(c, (len(weights), 2), order="C"), 2, axis=1)

    x, y = cvxpy.Variable(A.shape[1]), cvxpy.Parameter(LENGTH)
    if gamma:
        w = cvxpy.Variable(LENGTH)
        fit = (1 - gamma) / 2 * cvxpy.sum_squares(A @ x) - y @ (A @ x)
        fit += cvxpy.sum_squares(w) / (2 * gamma)
        constraints = [sizes(A.T @ (gamma * (A @ x) - w)) <= lam * weights]
    else:
        fit, constraints = cvxpy.sum_squares(y - A @ x) / 2, []
    solved = cvxpy.Problem(cvxpy.Minimize(fit + lam * weights @ sizes(x)), constraints)

    def solve(signal, tol=ACCURACY):
        y.value = signal
        solved.solve(cvxpy.CLARABEL, tol_gap_rel=tol, tol_gap_abs=tol, tol_feas=tol)
        return x.value.view(dictionary.dtype)

    return solve


def iterations_needed(solver, problem, y, minimum):
    """Return the number of iterations after which the objective is close enough to the minimum."""
    iterates = []
    solver(problem, y, MAX_ITER, lambda c: iterates.append(c.copy()))
    close = problem.objectives(y, np.stack(iterates)) <= (1 + ACCURACY) * minimum
    assert close.any(), f"not within {ACCURACY} in {MAX_ITER} iterations"
    return int(np.argmax(close)) + 1


def check(problem, noisy, minima, looped, solved):
    """Assert that minima and estimates agree; return the largest relative excess of our objectives."""
    apply, slack = problem.dictionary.apply, 1.01 * ACCURACY  # 1 % for rounding
    solution = problem.ours(ACCURACY).solve(noisy[:LOOPED, None])
    estimates = problem.ours(ACCURACY)(noisy[:LOOPED, None])[:, 0]
    for i, (y, minimum) in enumerate(zip(noisy, minima, strict=False)):
        theirs = [looped[i], solved(y)] if i < PROGRAMS else [looped[i]]
        off = problem.objectives(y, np.stack(theirs)) / minimum - 1
        assert np.all(np.abs(off) < slack), off
        # F exceeds its minimum by (1 − γ)/2 times the squared distance in Ac, at least
        reach = 2 * np.sqrt(2 * slack * minimum / (1 - problem.gamma))
        assert all(np.linalg.norm(apply(c) - estimates[i]) < reach for c in theirs)
        if i < PROGRAMS:
            (exact,) = problem.objectives(y, solved(y, 1e-10)[None])
            assert abs(exact / minimum - 1) < 1e-8, (exact, minimum)
    return np.max(solution.objective / minima - 1)


def loosest(problem, noisy):
    """Return the loosest tolerance at which all our solutions are close enough to their minima."""
    minima = problem.ours(1e-10).solve(noisy[:, None]).objective
    for tol in (1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6):
        solution = problem.ours(tol).solve(noisy[:, None])
        objectives = solution.objective
        if problem.gamma:  # the reported objective is an upper bound
            objectives = problem.objectives(noisy, solution.coefficients.reshape(len(noisy), -1))
        if np.all(objectives <= (1 + ACCURACY) * minima):
            return tol
    return ACCURACY


def seconds(calls):
    """Return the median seconds of each call, repeats interleaved."""
    times = [[] for _ in calls]
    for _ in range(REPEATS):
        for call, spent in zip(calls, times, strict=True):
            spent.append(timeit.timeit(call, number=1))
    return [statistics.median(spent) for spent in times]


def inputs(rng):
    """Return noisy tones, steps and blurred spikes, each (1000, 100), and the blur."""
    noise = rng.standard_normal((3, ITEMS, LENGTH))
    frequencies, phases = rng.uniform(0.02, 0.48, (ITEMS, 3, 1)), rng.uniform(0, 1, (ITEMS, 3, 1))
    heights = rng.uniform(1, 3, (ITEMS, 3, 1))
    tones = heights * np.cos(2 * np.pi * (frequencies * np.arange(LENGTH) + phases))
    steps, spikes = np.zeros((2, ITEMS, LENGTH))
    for step, spike in zip(steps, spikes, strict=True):
        np.add.at(step, rng.integers(LENGTH, size=5), 4 * rng.standard_normal(5))
        spike[rng.integers(LENGTH, size=6)] = rng.integers(2, 11, size=6)
    gaussian = blur(1.5)
    blurred = spikes @ gaussian.synthesis.T
    return (
        tones.sum(axis=1) + noise[0],
        np.cumsum(steps, axis=1) + noise[1],
        blurred + 0.3 * noise[2],
        gaussian,
    )


def main():
    """Check and time every problem."""
    tones, steps, blurred, gaussian = inputs(np.random.default_rng(1))
    # The weights are near the best for these signals: 1.5 noise levels for L1 and 2.5 for GMC, for
    # atoms of norm 1; those of the oversampled DFT have norm 1/√factor.
    rows = [  # name, solver of the loop, problem, signals
        ("L1, DFT (closed form): pylops", by_pylops, Problem(spectrum(1), 1.5), tones),
        ("L1, DFT oversampled by 2: pylops", by_pylops,
         Problem(spectrum(2), 1.5 / np.sqrt(2)), tones),
        ("L1, DFT oversampled by 4: pylops", by_pylops,
         Problem(spectrum(4), 1.5 / 2), tones),
        ("L1, stationary Haar: pyproximal", by_pyproximal,
         Problem(stationary_haar(3), 1.0), steps),
        ("L1, deconvolution of spikes: pylops", by_pylops,
         Problem(gaussian, 0.2), blurred),
        ("GMC, DFT oversampled by 2: saddle-point loop", by_loop,
         Problem(spectrum(2), 2.5 / np.sqrt(2), gamma=0.8), tones),
    ]  # fmt: skip

    print(f"{ITEMS} signals of length {LENGTH}, one thread, medians of {REPEATS} repeats\n")
    print(
        "| problem: loop | its iterations: each, one | loop, µs/signal: each, one | CVXPY, µs | "
        "sigbench, µs: given, certified | certified: above the minimum by at most | "
        "loop (each, one) / given | CVXPY / given |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, solver, problem, noisy in rows:
        few, solved = noisy[:LOOPED], program(problem)
        minima = problem.ours(1e-10).solve(few[:, None]).objective
        needed = [
            iterations_needed(solver, problem, y, minimum)
            for y, minimum in zip(few, minima, strict=True)
        ]

        def loop(needed=needed, solver=solver, problem=problem, few=few):
            return [solver(problem, y, k) for y, k in zip(few, needed, strict=True)]

        def loop_one(loop=loop, needed=needed):
            return loop([max(needed)] * len(needed))

        def programs(solved=solved, noisy=noisy):
            return [solved(y) for y in noisy[:PROGRAMS]]

        loose, tight = problem.ours(loosest(problem, noisy)), problem.ours(ACCURACY)

        def given(ours=loose, noisy=noisy):
            return ours(noisy[:, None])

        def certified(ours=tight, noisy=noisy):
            return ours(noisy[:, None])

        above = check(problem, noisy, minima, loop(), solved)
        each, one, by_cvxpy, fast, sure = 1e6 * np.divide(
            seconds([loop, loop_one, programs, given, certified]),
            [LOOPED, LOOPED, PROGRAMS, ITEMS, ITEMS],
        )
        print(
            f"| {name} | {statistics.median(needed):.0f}, {max(needed)} | {each:,.0f}, {one:,.0f} | "
            f"{by_cvxpy:,.0f} | {fast:.3g}, {sure:.3g} | {above:.0e} | "
            f"{each / fast:.3g}, {one / fast:.3g} | {by_cvxpy / fast:.3g} |",
            flush=True,
        )


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
