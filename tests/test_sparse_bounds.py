"""Bounds of L1 and GMC with weights of a large range, and the solver that is stopped by them."""

import dataclasses

import numpy as np
import pytest
import scipy.signal

from sigbench import GMC, L1
from sigbench.denoisers import StftGMC, StftL1
from sigbench.denoisers.iterations import nested, saddle_point
from sigbench.denoisers.sparse_certificate import SparseProblem, bounds, evaluated
from sigbench.denoisers.sparse_model import Bounded, Exact, solve
from sigbench.denoisers.speech.frames import framing
from sigbench.denoisers.speech.stft_sparse import _problem
from sigbench.denoisers.speech.trackers import noise_spectra
from sigbench.transforms import STFT, StationaryWavelet

FS = 8000.0
OF_EVERY_GAMMA = [(0.0, 60), (0.3, 20), (0.45, 20), (0.6, 20)]  # and the range of weights in dB


def problem_with_range(range_db, gamma=0.0, nonneg=False):
    """Return two problems in which every coefficient has another weight."""
    rng = np.random.default_rng(0)
    transform = StationaryWavelet("haar", 2) if nonneg else STFT(32, 8)
    y = rng.normal(size=(2, 1, 120))
    shape = transform.analysis(y).shape[2:]
    geometry = dataclasses.replace(
        transform.geometry((120,)), weights=10 ** (-rng.uniform(0, range_db / 20, shape))
    )
    return SparseProblem(y, transform, geometry, np.full(2, 1.5), gamma, nonneg)


def loud_after_quiet_noise():
    """Return noise that becomes 40 dB louder, most of it at one frequency, with a tone."""
    rng, t = np.random.default_rng(1), np.arange(6000)
    resonance = scipy.signal.lfilter([1], [1, -1.9, 0.95], rng.standard_normal(6000))
    y = np.where(t < 3000, 1, 100) * resonance + 30 * np.sin(0.3 * t)
    return (y + 1e-3 * rng.standard_normal(6000)).reshape(1, 1, -1)


@pytest.mark.parametrize(("gamma", "range_db"), OF_EVERY_GAMMA)
def test_the_minimum_is_between_the_bounds(gamma, range_db):
    """The reference is certified without projections."""
    problem = problem_with_range(range_db, gamma)
    reference = solve(problem, Exact(tol=1e-5))
    for iterations in (1, 20, 60, 200):
        few = solve(problem, Bounded(tol=1e-9, max_iter=iterations))
        assert (few.objective - few.gap <= reference.objective).all()
        assert (few.objective >= reference.objective - reference.gap).all()
        assert (few.gap > 0).all()


def test_the_minimum_is_between_the_bounds_if_coefficients_must_not_be_negative():
    problem = problem_with_range(40, nonneg=True)
    reference = solve(problem, Exact(tol=1e-5))
    few = solve(problem, Bounded(tol=1e-9, max_iter=60))
    assert (few.objective - few.gap <= reference.objective).all()
    assert (few.objective >= reference.objective - reference.gap).all()


@pytest.mark.parametrize("gamma", [0.0, 0.3])
def test_the_lower_bound_is_valid_where_a_weight_and_the_signal_are_zero(gamma):
    transform, t = STFT(16, 4), np.arange(128)
    y = np.where(t < 64, 0, 3 * np.sin(0.9 * t) + 0.3).reshape(1, 1, -1)

    def solved(lowest):
        weights = np.r_[lowest, np.ones(8)]  # the lowest frequency
        geometry = dataclasses.replace(transform.geometry((128,)), weights=weights)
        problem = SparseProblem(y, transform, geometry, np.ones(1), gamma, nonneg=False)
        return solve(problem, Bounded(tol=1e-6))

    with_zero, with_small = solved(0.0), solved(1e-9)
    assert with_zero.gap >= 0
    assert with_zero.objective - with_zero.gap <= with_small.objective


@pytest.mark.parametrize("gamma", [0.0, 0.3])
def test_projections_improve_both_bounds(gamma):
    problem = problem_with_range(60, gamma)
    x = solve(problem, Bounded(tol=1e-9, max_iter=60)).coefficients
    state = evaluated(problem, x, 0.9 * x)
    upper, gap = bounds(problem, *state)
    last_upper, last_gap = bounds(problem, *state, projections=100)
    assert (last_upper <= upper).all()
    assert (last_gap < gap / 2).all()
    for steps in (7, 30):
        _, some = bounds(problem, *state, projections=steps)
        assert ((last_gap <= some) & (some <= gap)).all()  # the best point so far is kept


@pytest.mark.parametrize("method", [StftL1(fs=FS), StftGMC(fs=FS)], ids=["l1", "gmc"])
def test_weights_with_a_range_of_60_db_converge(method):
    y = loud_after_quiet_noise()
    frames = framing(FS, method.window_ms, method.overlap)
    weights = method.lam_over_sigma * np.sqrt(noise_spectra(method.tracker, y, frames)[0])
    problem = _problem(y, frames, weights, getattr(method, "gamma", 0.0))
    assert np.ptp(20 * np.log10(problem.geometry.weights)) > 59
    solution = solve(problem, method.solver)
    assert method.certificate(y) == solution.relative_gap
    assert solution.relative_gap <= method.solver.tol
    if not problem.gamma:  # the same x without projections
        x = solution.coefficients
        upper, gap = bounds(problem, *evaluated(problem, x, x))
        assert gap > 5 * method.solver.tol * upper


@pytest.mark.parametrize("gamma", [0.3, 0.6])
def test_nested_iterations_reach_the_saddle_point(gamma):
    problem = problem_with_range(20, gamma)
    ours, other = (iterate(problem, 1e-5, 5000) for iterate in (nested, saddle_point))
    assert (ours.relative_gap <= 1e-5).all()
    np.testing.assert_allclose(ours.objective, other.objective, rtol=2e-5)
    fits = problem.apply(ours.coefficients), problem.apply(other.coefficients)
    np.testing.assert_allclose(*fits, atol=0.05)  # ½‖error‖² <= gap/(1 − γ)


@pytest.mark.parametrize("model", [L1, GMC])
def test_an_item_does_not_depend_on_the_others(rng, model):
    y = rng.normal(size=(3, 1, 200)) * np.array([1.0, 30.0, 0.1]).reshape(3, 1, 1)
    gamma = {} if model is L1 else {"gamma": 0.4}
    method = model(STFT(32), lam=0.7, solver=Bounded(1e-4, 110), **gamma)
    together = method.certificate(y)
    apart = np.concatenate([method.certificate(y[i : i + 1]) for i in range(3)])
    np.testing.assert_allclose(together, apart, rtol=1e-6, atol=1e-12)
