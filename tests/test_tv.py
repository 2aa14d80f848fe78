"""Total variation: the exact solution for signals, scikit-image's for images."""

import cvxpy
import numpy as np
import pytest
from skimage.restoration import denoise_tv_chambolle

from sigbench import InputError, TotalVariation


def by_cvxpy(y, lam):
    x = cvxpy.Variable(len(y))
    objective = cvxpy.sum_squares(x - y) / 2 + lam * cvxpy.norm1(cvxpy.diff(x))
    problem = cvxpy.Problem(cvxpy.Minimize(objective))
    problem.solve(solver=cvxpy.CLARABEL, tol_gap_abs=1e-12, tol_gap_rel=1e-12, tol_feas=1e-12)
    return x.value


def assert_optimal(y, x, lam, atol):
    """Check the dual u[i] = Σ(y − x) up to i: in ±λ, −λ·sign at each jump and 0 at the end.

    Parameters
    ----------
    y, x : arrays, shape (R, L)
    lam : array, shape (R, 1)
    """
    u = np.cumsum(y - x, axis=1)
    jumps = np.diff(x, axis=1)
    np.testing.assert_allclose(u[:, -1], 0, atol=atol)
    assert (np.abs(u[:, :-1]) <= lam + atol).all()
    at = np.abs(jumps) > atol
    expected = (-lam * np.sign(jumps))[at]
    np.testing.assert_allclose(u[:, :-1][at], expected, atol=atol)


DRAWN = np.random.default_rng(3)
INPUTS = {
    "normal": DRAWN.standard_normal(40),
    "walk": np.cumsum(DRAWN.standard_normal(40)),
    "integers with many ties": DRAWN.integers(0, 3, 40).astype(float),
    "constant": np.full(20, 3.25),
    "rising": np.arange(20.0),
    "falling in steps": np.repeat([9.0, 4.0, 3.0, -7.0], 5),
    "alternating": np.tile([1.0, -1.0], 15),
    "geometric": 2.0 ** np.arange(-6, 8),
    "one spike": np.eye(1, 25, 7)[0] * 50,
    "at both ends": np.r_[10.0, np.zeros(20), -10.0],
    "one step": np.repeat([0.0, 10.0], 10),
}


@pytest.mark.parametrize("lam", [1e-3, 0.5, 1.0, 3.0, 1e3])
@pytest.mark.parametrize("name", INPUTS)
def test_solution_for_signals_equals_cvxpy(name, lam):
    y = INPUTS[name]
    x = TotalVariation(lam=lam)(y.reshape(1, 1, -1))[0, 0]
    np.testing.assert_allclose(
        x, by_cvxpy(y, lam), atol=1e-5
    )  # CVXPY's gap of 1e-11 allows an error of 4e-6
    assert_optimal(y[None], x[None], np.array([[lam]]), atol=1e-11 * max(1, lam))


@pytest.mark.parametrize("length", [2, 3, 100, 1024, 1025])
def test_a_batch_of_signals_is_optimal(rng, length):
    """Steps and slopes in noise, with a different weight for each item."""
    steps = np.cumsum(5 * rng.standard_normal((60, 1, length)) * (rng.random(length) < 0.02), -1)
    y = steps + np.linspace(0, 8, length) + rng.standard_normal(steps.shape)
    levels = np.geomspace(0.01, 30, len(y))
    x = TotalVariation(lam_over_sigma=1.5)(y, sigma=levels)
    assert_optimal(y[:, 0], x[:, 0], 1.5 * levels[:, None], atol=1e-9)


def test_solution_for_one_step():
    """Two plateaus of 50 samples, step height h: min 50·a² + λ(h − 2a) has a = λ/50."""
    y = np.repeat([0.0, 10.0], 50).reshape(1, 1, 100)
    x = TotalVariation(lam=5.0)(y)
    np.testing.assert_allclose(x, np.repeat([0.1, 9.9], 50).reshape(1, 1, 100), atol=1e-12)


def test_large_weight_gives_the_mean_and_zero_weight_the_input(rng):
    y = rng.standard_normal((3, 2, 50))
    mean = np.broadcast_to(y.mean(axis=-1, keepdims=True), y.shape)
    np.testing.assert_allclose(TotalVariation(lam=1e6)(y), mean, atol=1e-12)
    np.testing.assert_array_equal(TotalVariation(lam=0.0)(y), y)


def test_one_sample_is_unchanged():
    y = np.array([[[3.5]]])
    np.testing.assert_array_equal(TotalVariation(lam=2.0)(y), y)


def test_two_samples_meet_at_their_mean():
    y = np.array([[[0.0, 3.0]]])
    np.testing.assert_allclose(TotalVariation(lam=1.0)(y), [[[1.0, 2.0]]], atol=1e-15)
    np.testing.assert_allclose(TotalVariation(lam=2.0)(y), [[[1.5, 1.5]]], atol=1e-15)


def test_solution_is_equivariant_to_offset_sign_and_reversal(rng):
    y = np.cumsum(rng.standard_normal((5, 1, 200)), axis=-1)
    tv = TotalVariation(lam=2.0)
    x = tv(y)
    np.testing.assert_allclose(tv(y + 7), x + 7, atol=1e-11)
    np.testing.assert_allclose(tv(-y), -x, atol=1e-11)
    np.testing.assert_allclose(tv(y[..., ::-1]), x[..., ::-1], atol=1e-11)


def test_solution_equals_converged_chambolle(rng):
    y = np.repeat([0.0, 4.0, -3.0], 20) + rng.standard_normal(60)
    theirs = denoise_tv_chambolle(y, weight=2.0, eps=1e-14, max_num_iter=200_000)
    np.testing.assert_allclose(TotalVariation(lam=2.0)(y[None, None])[0, 0], theirs, atol=1e-3)


def test_solution_for_images_equals_scikit_image(rng):
    y = rng.standard_normal((2, 3, 12, 12))
    x = TotalVariation(lam=0.3, eps=1e-3, max_iter=50)(y)
    for n, c in np.ndindex(2, 3):
        theirs = denoise_tv_chambolle(y[n, c], weight=0.3, eps=1e-3, max_num_iter=50)
        np.testing.assert_allclose(x[n, c], theirs, atol=1e-12)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"lam": 1.0, "lam_over_sigma": 1.0}, "set one of lam and lam_over_sigma"),
        ({"lam": -1.0}, "lam=-1 must be >= 0"),
        ({"lam": 1.0, "max_iter": 0}, "max_iter=0 must be >= 1"),
    ],
)
def test_invalid_parameters_raise_an_error(parameters, message):
    with pytest.raises(InputError, match=message):
        TotalVariation(**parameters)
