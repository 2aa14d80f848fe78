"""L1 and GMC with frames and operators: comparison with CVXPY and tests of the certificates."""

import numpy as np
import pytest

from sigbench import GMC, L1, InputError
from sigbench.denoisers import iterations, newton
from sigbench.denoisers.sparse_certificate import certify
from sigbench.denoisers.sparse_model import CVXPY, Exact, Iterative
from sigbench.transforms import (
    STFT,
    Convolution,
    Identity,
    Operator,
    OversampledDFT,
    StationaryWavelet,
)

MATRIX = np.random.default_rng(3).standard_normal((40, 24))
MATRIX_OPERATOR = Operator(lambda c, space: c @ MATRIX, lambda y: y @ MATRIX.T)
REAL = [
    StationaryWavelet("haar", 2),
    Convolution((1.0, 0.5, 0.2)),
    Convolution((1.0, -0.99)),  # nearly removes constants
    Convolution((1.0, 0.7), StationaryWavelet("db2", 1)),
    MATRIX_OPERATOR,
]
COMPLEX = [OversampledDFT(2), OversampledDFT(4), STFT(8), Convolution((1.0, 0.5), STFT(8))]
CASES = [(t, n) for t in REAL for n in (False, True)] + [(t, False) for t in COMPLEX]


def inputs(rng):
    """Return random and adversarial signals of 24 samples, one problem each."""
    spikes = np.where(rng.random(24) < 0.2, rng.integers(2, 11, 24), 0.0)
    one = np.zeros(24)
    one[7] = 5.0
    alternating = np.tile([3.0, -3.0], 12)
    rows = [spikes + rng.standard_normal(24), one, np.full(24, 4.0), alternating, np.arange(24.0)]
    return np.array(rows)[:, None]


@pytest.mark.parametrize(("transform", "nonneg"), CASES, ids=str)
@pytest.mark.parametrize("lam", [0.05, 1.0])
def test_l1_against_cvxpy(rng, transform, nonneg, lam):
    y = inputs(rng)
    ours = L1(transform, lam=lam, nonneg=nonneg).solve(y)
    theirs = L1(transform, lam=lam, nonneg=nonneg, solver="cvxpy").solve(y)
    np.testing.assert_allclose(ours.objective, theirs.objective, rtol=1e-6)
    assert (ours.relative_gap <= 1e-6).all()
    assert not nonneg or (ours.coefficients >= 0).all()


@pytest.mark.parametrize(("transform", "nonneg"), CASES, ids=str)
@pytest.mark.parametrize("gamma", [0.3, 0.8])
def test_gmc_against_cvxpy(rng, transform, nonneg, gamma):
    y = inputs(rng)[:3]
    options = {"lam": 1.0, "gamma": gamma, "nonneg": nonneg}
    ours = GMC(transform, **options).solve(y)
    theirs = GMC(transform, solver=CVXPY(), **options).solve(y)
    np.testing.assert_allclose(ours.objective, theirs.objective, rtol=1e-6)
    assert (ours.relative_gap <= 1e-6).all()


@pytest.mark.parametrize(("lam_over_sigma", "gamma"), [(0.05, 0.0), (0.5, 0.8), (2.0, 0.8)])
def test_deep_wavelets_and_fine_spectra_are_solved(rng, gamma, lam_over_sigma):
    """Solve problems for which the iterations alone need tens of thousands of steps."""
    t = np.arange(128) / 128
    clean = np.array([np.sin(9 * t**2), np.sign(t - 0.4)])[:, None]
    y = clean + 0.2 * rng.standard_normal((2, 1, 128))
    for transform in (StationaryWavelet("sym8"), OversampledDFT(4)):
        method = GMC(transform, lam_over_sigma=lam_over_sigma, gamma=gamma)
        assert method.certificate(y, sigma=0.2).max() <= 1e-6


@pytest.mark.parametrize("gamma", [0.0, 0.8])
@pytest.mark.parametrize(
    "transform", [StationaryWavelet("haar", 3), OversampledDFT(2), Convolution((1.0, 0.7))], ids=str
)
def test_newtons_method_and_the_iterations_reach_the_same_minimum(
    rng, monkeypatch, transform, gamma
):
    y = inputs(rng)[[0, 2, 4]]
    method = GMC(transform, lam=1.0, gamma=gamma, solver=Exact(tol=1e-9, max_iter=500_000))
    monkeypatch.setattr(iterations, "MAX_ITERATIONS", 0)  # only Newton's method, from zero
    by_newton = method.solve(y)
    monkeypatch.setattr(newton, "BYTES", 0)  # only the iterations
    by_iteration = GMC(transform, lam=1.0, gamma=gamma, solver=Exact(1e-7, 500_000)).solve(y)
    np.testing.assert_allclose(by_newton.objective, by_iteration.objective, rtol=2e-7)
    assert (by_newton.relative_gap <= 1e-9).all()
    estimates = [transform.synthesis(s.coefficients, (24,)) for s in (by_newton, by_iteration)]
    np.testing.assert_allclose(*estimates, atol=0.02)


@pytest.mark.parametrize(
    ("transform", "lam", "gamma"),
    [
        (
            STFT(8, 2),
            0.00138,
            0.8,
        ),  # p and q converge immediately; the rest is in the null space of A
        (STFT(8), 1e-6, 0.8),
        (OversampledDFT(2), 1e-6, 1e-9),
        (Convolution((0.5, 0.5), OversampledDFT(2)), 0.00138, 0.3),
    ],
    ids=str,
)
def test_small_weights_are_solved(rng, transform, lam, gamma):
    spike = np.zeros((1, 1, 18))
    spike[..., 0] = 5
    y = np.concatenate([spike, rng.standard_normal((1, 1, 18))])
    assert GMC(transform, lam=lam, gamma=gamma).certificate(y).max() <= 1e-6


@pytest.mark.parametrize("gamma", [0.0, 0.8])
@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_scale_of_the_operator_does_not_matter(rng, gamma, scale):
    lags = np.arange(15) - 7
    kernel = np.exp(-(lags**2) / 8)
    y = rng.standard_normal((2, 1, 60))
    one = GMC(Convolution(tuple(kernel)), lam=0.1, gamma=gamma).solve(y)
    scaled = GMC(Convolution(tuple(scale * kernel)), lam=0.1 * scale, gamma=gamma).solve(y)
    np.testing.assert_allclose(scaled.objective, one.objective, rtol=2e-6)


def test_operator_that_mixes_channels_raises_an_error(rng):
    mixing = Operator(
        lambda c, space: np.repeat(c.sum(1, keepdims=True), c.shape[1], axis=1),
        lambda y: np.repeat(y.sum(1, keepdims=True), y.shape[1], axis=1),
    )
    y = rng.standard_normal((2, 3, 20))
    with (
        np.errstate(over="ignore", invalid="ignore"),
        pytest.raises(RuntimeError, match=r"diverges: ‖A‖² is more than 1.05, .* mix channels"),
    ):
        L1(mixing, lam=0.3).solve(y)


def test_single_precision_operators_are_solved_in_double_precision(rng):
    matrix = MATRIX.astype(np.float32)
    single = Operator(lambda c, space: c @ matrix, lambda y: (y @ MATRIX.T).astype(np.float32))
    y = inputs(rng)
    ours, double = (L1(a, lam=1.0, solver=Exact(1e-4)).solve(y) for a in (single, MATRIX_OPERATOR))
    np.testing.assert_allclose(ours.objective, double.objective, rtol=2e-4)


@pytest.mark.parametrize("max_iter", [1, 5, 15, 105])
def test_newtons_method_follows_any_number_of_iterations(rng, max_iter):
    solver = Exact(max_iter=max_iter)
    assert L1(OversampledDFT(4), lam=0.1, solver=solver).certificate(inputs(rng)).max() <= 1e-6


@pytest.mark.parametrize("gamma", [0.0, 0.8])
@pytest.mark.parametrize(
    "transform", [StationaryWavelet("haar", 2), Convolution((1.0, 0.7)), MATRIX_OPERATOR], ids=str
)
def test_newton_step_solves_the_linear_system(rng, transform, gamma):
    """Check by finite differences in p and q, where no threshold is crossed."""
    y = inputs(rng)[:1]
    problem = GMC(transform, lam=1.0, gamma=gamma, nonneg=False)._problem(y, None)
    zero = np.zeros_like(problem.adjoint(y))
    s, p, q = np.array([3.0]), y.copy(), 0.3 * rng.standard_normal(y.shape)
    at = newton._point(problem, zero, zero, s, p, q)
    dp, dq = newton._newton_step(problem, at, s)
    small = 1e-7
    there = newton._point(
        problem, zero, zero, s, p + small * dp.reshape(y.shape), q + small * dq.reshape(y.shape)
    )
    np.testing.assert_allclose(there.e1, (1 - small) * at.e1, atol=1e-11)
    np.testing.assert_allclose(there.e2, (1 - small) * at.e2, atol=1e-11)


@pytest.mark.parametrize("gamma", [0.0, 0.6])
def test_gap_bounds_the_distance_of_the_objective_from_its_minimum(rng, gamma):
    """For any x, the gap is at least objective − minimum."""
    y = inputs(rng)
    method = GMC(StationaryWavelet("haar", 2), lam=1.0, gamma=gamma)
    best = GMC(method.transform, lam=1.0, gamma=gamma, solver=Exact(tol=1e-10)).solve(y)
    problem = method._problem(y, None)
    for size in (0.0, 1e-3, 0.1, 3.0):
        x = best.coefficients + size * rng.standard_normal(best.coefficients.shape)
        v = x + size * rng.standard_normal(x.shape)
        there = certify(problem, x, x if gamma == 0 else v)
        assert (there.gap >= there.objective - best.objective - 1e-9).all()
    with_l1 = certify(problem, best.coefficients * 0, best.coefficients * 0)
    np.testing.assert_allclose(with_l1.objective, np.sum(y**2, axis=(1, 2)) / 2)


@pytest.mark.parametrize("gamma", [0.0, 0.8])
def test_solution_is_zero_above_the_largest_correlation(rng, gamma):
    y = inputs(rng)
    lam = 1.01 * float(np.abs(OversampledDFT(2).analysis(y)).max())
    solution = GMC(OversampledDFT(2), lam=lam, gamma=gamma).solve(y)
    assert not solution.coefficients.any()
    np.testing.assert_allclose(solution.gap, 0, atol=1e-9)


@pytest.mark.parametrize("transform", [OversampledDFT(2), StationaryWavelet("haar", 2), STFT(8)])
@pytest.mark.parametrize("gamma", [0.0, 0.5])
def test_zero_weight_with_a_frame_returns_the_input(rng, transform, gamma):
    y = rng.standard_normal((3, 1, 40))
    estimate = GMC(transform, lam_over_sigma=1.0, gamma=gamma)(y, sigma=0.0)
    np.testing.assert_allclose(estimate, y, atol=1e-6)


def test_zero_weight_with_an_operator_raises_an_error(rng):
    with pytest.raises(
        InputError, match=r"the weight is 0 .* with convolution\[of=identity\] it must be"
    ):
        L1(Convolution((1.0, 0.5)), lam=0.0)(rng.standard_normal((1, 1, 16)))


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_units_do_not_matter(rng, scale):
    y = inputs(rng)
    one = L1(OversampledDFT(2), lam=1.0)(y)
    np.testing.assert_allclose(
        L1(OversampledDFT(2), lam=scale)(scale * y), scale * one, rtol=0, atol=1e-9 * scale
    )


def test_zero_input_gives_a_zero_estimate():
    y = np.zeros((2, 1, 24))
    for gamma in (0.0, 0.8):
        assert not GMC(STFT(8), lam=1.0, gamma=gamma)(y).any()


def test_plain_iteration_reaches_the_same_minimum(rng):
    y = inputs(rng)
    for gamma in (0.0, 0.5):
        exact = GMC(OversampledDFT(2), lam=1.0, gamma=gamma, solver=Exact(tol=1e-10))(y)
        slow = Iterative(tol=1e-9, max_iter=100_000)
        plain = GMC(OversampledDFT(2), lam=1.0, gamma=gamma, solver=slow)(y)
        np.testing.assert_allclose(plain, exact, atol=1e-4)


def test_certificate_shows_the_gap_left_by_the_printed_stopping_rule(rng):
    y = inputs(rng)
    printed = L1("dft", lam=1.0, solver="iterative").solve(y)
    exact = L1("dft", lam=1.0).solve(y)
    assert (exact.relative_gap < 1e-12).all()
    assert (printed.relative_gap > 1e-9).any()


def test_gmc_in_a_redundant_frame_is_not_the_firm_threshold(rng):
    """The closed form holds only if AᴴA = I and must not be used for a frame."""
    y = inputs(rng)
    frame = OversampledDFT(2)
    u = frame.analysis(y)
    gain = np.clip((1 - 1 / np.maximum(np.abs(u), 1e-9)) / (1 - 0.5), 0, 1)
    firm = frame.synthesis(u * gain, (24,))
    assert np.abs(GMC(frame, lam=1.0, gamma=0.5)(y) - firm).max() > 0.05


def test_iteration_that_does_not_converge_raises_an_error(rng, monkeypatch):
    monkeypatch.setattr(newton, "BYTES", 0)  # disables Newton's method
    with pytest.raises(RuntimeError, match=r"of 5 items did not reach tol=1e-12 in 3 iterations"):
        L1(OversampledDFT(2), lam=1.0, solver=Exact(1e-12, max_iter=3))(inputs(rng))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: L1("nope", lam=1.0), "transform='nope' must be one of: identity, dft"),
        (lambda: L1(lam=1.0, solver="fast"), "solver='fast' must be one of: exact, iterative"),
        (lambda: L1(STFT(8), lam=1.0, nonneg=True), "needs real coefficients, not those of stft"),
        (lambda: Exact(tol=0.0), "tol=0 must be >= 1e-14"),
        (lambda: GMC(Identity(), lam=1.0, gamma=-0.1), "gamma=-0.1 must be >= 0 and < 1"),
    ],
)
def test_invalid_parameters_raise_an_error(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_adjoint_that_is_wrong_outside_the_range_raises_an_error():
    """A is (I, 10·I); the wrong adjoint (I, 0) agrees with it on its own range."""
    pair = Operator(
        lambda c, space: c[..., : space[0]] + 10 * c[..., space[0] :],
        lambda y: np.concatenate([y, 0 * y], -1),
    )
    with pytest.raises(InputError, match="not adjoint"):
        L1(pair, lam=0.5).solve(np.ones((1, 1, 8)))


@pytest.mark.parametrize("gamma", [0.0, 0.8])
@pytest.mark.parametrize("lam", [0.0, 1e-13, 1e-9])
def test_rounding_errors_are_not_reported_as_a_gap(rng, gamma, lam):
    y = rng.standard_normal((3, 1, 32))
    assert (GMC("dct", lam=lam, gamma=gamma).certificate(y) <= 1e-6).all()


def test_zero_item_does_not_affect_the_others(rng):
    y = rng.standard_normal((3, 1, 32))
    y[1] = 0
    method = L1(Convolution((1.0, 0.5)), lam_over_sigma=1.0)
    estimate = method(y, sigma=np.array([1.0, 0.0, 1.0]))
    assert not estimate[1].any()
    np.testing.assert_allclose(estimate[0], method(y[:1], sigma=1.0)[0], atol=1e-9)


def test_given_norm_must_be_an_upper_bound(rng):
    a = rng.standard_normal((3, 8))
    pair = Operator(lambda c, space: c @ a, lambda y: y @ a.T, largest=0.1)
    with pytest.raises(InputError, match=r"largest=0.1 must be >= ‖A‖², which is [\d.]+ or more"):
        L1(pair, lam=1.0)(rng.standard_normal((1, 1, 8)))
