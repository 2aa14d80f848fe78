"""L1 and GMC with orthonormal transforms: closed forms, iterations, an independent solver."""

import cvxpy as cp
import numpy as np
import pytest

from sigbench import GMC, L1, InputError
from sigbench.denoisers import shrinkage
from sigbench.denoisers.sparse_model import Iterative
from sigbench.transforms import DCT, DFT, Identity, Wavelet

TRANSFORMS = [Identity(), DFT(), DCT(), Wavelet("haar"), Wavelet("db2")]
CASES = [(t, n) for t in TRANSFORMS for n in (False, True) if t.real or not n]
EXACT = Iterative(tol=1e-12, max_iter=100_000)


def spikes(rng, shape=(5, 1, 100)):
    return np.where(
        rng.random(shape) < 0.18, rng.integers(2, 11, shape), 0
    ) + 3 * rng.standard_normal(shape)


@pytest.mark.parametrize(("transform", "nonneg"), CASES)
@pytest.mark.parametrize("lam", [0.0, 1.0, 3.4])
def test_ista_converges_to_the_closed_form_of_l1(rng, transform, nonneg, lam):
    y = spikes(rng)
    closed = L1(transform, lam=lam, nonneg=nonneg)(y)
    iterated = L1(transform, lam=lam, nonneg=nonneg, solver=EXACT)(y)
    np.testing.assert_allclose(iterated, closed, atol=1e-9)


@pytest.mark.parametrize(("transform", "nonneg"), CASES)
@pytest.mark.parametrize("gamma", [0.0, 0.4, 0.8])
def test_saddle_point_iteration_converges_to_the_closed_form_of_gmc(rng, transform, nonneg, gamma):
    y = spikes(rng)
    closed = GMC(transform, lam=3.0, gamma=gamma, nonneg=nonneg)(y)
    iterated = GMC(transform, lam=3.0, gamma=gamma, nonneg=nonneg, solver=EXACT)(y)
    np.testing.assert_allclose(iterated, closed, atol=1e-9)


def test_iterations_converge_to_the_closed_form_for_images(rng):
    y = spikes(rng, (2, 3, 8, 12))
    for transform in (DFT(), DCT(), Wavelet("haar")):
        for gamma in (0.0, 0.5):
            closed = GMC(transform, lam=2.0, gamma=gamma)(y)
            iterated = GMC(transform, lam=2.0, gamma=gamma, solver=EXACT)(y)
            np.testing.assert_allclose(iterated, closed, atol=1e-9)


def matrix(transform, n):
    """Return the real or complex matrix A of the synthesis y = Ac, built column by column."""
    if isinstance(transform, DFT):  # the full spectrum, as in the paper's norm
        return np.fft.ifft(np.eye(n), norm="ortho", axis=0)
    return np.stack(
        [transform.synthesis(row.reshape(1, 1, n), (n,))[0, 0] for row in np.eye(n)], axis=1
    )


@pytest.mark.parametrize(("transform", "nonneg"), CASES)
def test_l1_against_cvxpy(rng, transform, nonneg):
    n, lam = 16, 2.0
    y = spikes(rng, (1, 1, n))
    a = matrix(transform, n)
    c = cp.Variable(n, complex=np.iscomplexobj(a))
    objective = cp.sum_squares(y[0, 0] - a @ c) / 2 + lam * cp.norm1(c)
    cp.Problem(cp.Minimize(objective), [c >= 0] if nonneg else []).solve(solver=cp.CLARABEL)
    estimate = L1(transform, lam=lam, nonneg=nonneg)(y)[0, 0]
    np.testing.assert_allclose(estimate, np.real(a @ c.value), atol=1e-4)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("gamma", [0.3, 0.8])
def test_gmc_against_cvxpy(rng, transform, gamma):
    """Solve the equivalent program in x and the dual w of v.

    ½(1 − γ)‖Ax‖² − yᵀAx + ½‖y‖² + λ‖x‖₁ + ‖w‖²/(2γ) subject to |γAᴴAx − Aᴴw| <= λ follows the
    rules of disciplined convex programming; the saddle-point form does not.
    """
    n, lam = 16, 2.0
    y = spikes(rng, (1, 1, n))[0, 0]
    a = matrix(transform, n)
    ah, kind = a.conj().T, {"complex": np.iscomplexobj(a)}
    x, w = cp.Variable(n, **kind), cp.Variable(n, **kind)
    linear = (y @ a) @ x
    objective = (
        (1 - gamma) / 2 * cp.sum_squares(a @ x)
        - (cp.real(linear) if kind["complex"] else linear)
        + lam * cp.norm1(x)
        + cp.sum_squares(w) / (2 * gamma)
    )
    constraints = [cp.abs(gamma * (ah @ a) @ x - ah @ w) <= lam]
    cp.Problem(cp.Minimize(objective), constraints).solve(solver=cp.CLARABEL)
    estimate = GMC(transform, lam=lam, gamma=gamma)(y.reshape(1, 1, n))[0, 0]
    np.testing.assert_allclose(estimate, np.real(a @ x.value), atol=1e-3)


def test_gmc_with_gamma_0_is_l1(rng):
    y = spikes(rng)
    np.testing.assert_allclose(GMC(DCT(), lam=2.0, gamma=0.0)(y), L1(DCT(), lam=2.0)(y), atol=1e-12)


def test_weight_in_noise_levels(rng):
    y = spikes(rng)
    absolute = L1(DCT(), lam=6.0)(y)
    np.testing.assert_allclose(L1(DCT(), lam_over_sigma=2.0)(y, sigma=3.0), absolute, atol=1e-12)
    levels = np.array([3.0, 3, 3, 3, 0])
    mixed = L1(DCT(), lam_over_sigma=2.0)(y, sigma=levels)
    np.testing.assert_allclose(mixed[:4], absolute[:4], atol=1e-12)
    np.testing.assert_allclose(mixed[4], y[4], atol=1e-12)


def test_moreau_identity(rng):
    """The proximal map of t‖·‖₁ and the projection on the dual ball add up to the identity."""
    for u in (rng.standard_normal(50), rng.standard_normal(50) + 1j * rng.standard_normal(50)):
        ball = u / np.maximum(np.abs(u) / 0.7, 1)
        np.testing.assert_allclose(shrinkage.soft(u, 0.7) + ball, u, atol=1e-12)


@pytest.mark.parametrize("shrink", [shrinkage.soft, shrinkage.hard, shrinkage.garrote])
def test_shrinkage_of_complex_numbers_preserves_the_phase(rng, shrink):
    size, phase = np.abs(rng.standard_normal(50)) * 3, np.exp(1j * rng.uniform(0, 6.28, 50))
    np.testing.assert_allclose(shrink(size * phase, 1.0), shrink(size, 1.0) * phase, atol=1e-12)


@pytest.mark.parametrize("shrink", [shrinkage.soft, shrinkage.hard, shrinkage.garrote])
def test_threshold_zero_is_the_identity(rng, shrink):
    u = np.concatenate([rng.standard_normal(20), [0.0]])
    np.testing.assert_array_equal(shrink(u, 0.0), u)


def test_firm_is_the_minimizer_of_its_penalty():
    """Compare with a grid search for ½(u − x)² + the scaled minimax-concave penalty."""
    lam, gamma = 1.0, 0.6
    x = np.linspace(-5, 5, 200_001)
    knee = lam / gamma
    penalty = np.where(np.abs(x) < knee, lam * np.abs(x) - gamma * x**2 / 2, lam * knee / 2)
    for u in (-4.0, -1.2, 0.3, 1.1, 1.5, 3.0):
        best = x[np.argmin((u - x) ** 2 / 2 + penalty)]
        assert shrinkage.firm(np.array([u]), lam, gamma)[0] == pytest.approx(best, abs=1e-4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: L1(), "set one of lam and lam_over_sigma"),
        (lambda: L1(lam=1.0, lam_over_sigma=1.0), "lam=1.0, lam_over_sigma=1.0"),
        (lambda: L1(lam=-1.0), "lam=-1 must be >= 0"),
        (lambda: L1(DFT(), lam=1.0, nonneg=True), "needs real coefficients, not those of dft"),
        (lambda: GMC(lam=1.0, gamma=1.0), "gamma=1 must be >= 0 and < 1"),
        (lambda: Iterative(step=2.0), "step=2 must be > 0 and < 2"),
    ],
)
def test_invalid_parameters_raise_an_error(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_iteration_that_does_not_stop_raises_an_error(rng):
    with pytest.raises(RuntimeError, match=r"5 of 5 items did not reach tol=1e-12 in 2 iterations"):
        L1(DFT(), lam=1.0, solver=Iterative(tol=1e-12, max_iter=2))(spikes(rng))
