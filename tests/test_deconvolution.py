"""Deconvolution, compared with formulas in samples, brute force and the theory of the limit."""

import numpy as np
import pytest
from scipy.linalg import circulant
from skimage.restoration import wiener as skimage_wiener

from sigbench import (
    Blur,
    Denoising,
    GaussianPosteriorMean,
    GaussianProcess,
    InputError,
    RegularizedInverse,
    SparseDeconvolution,
    TrueWiener,
    WienerDeconvolution,
)
from sigbench.benchmark.methods.describe import bind_problem_info
from sigbench.denoisers.deconvolution import power_spectrum
from sigbench.problems.kernels import KERNELS, Box, Exponential, GaussianKernel, Resonance
from sigbench.transforms.operators import transfer_function

SIGNAL_KERNELS = [GaussianKernel(2.0), Box(9), Exponential(5.0), Resonance(8.0, 6.0)]


def circular(h, x):
    """Return h ∗ x as a matrix product, with a zero-padded kernel."""
    taps = np.zeros(len(x))
    taps[: len(h)] = h
    return circulant(taps) @ x


@pytest.mark.parametrize("kernel", SIGNAL_KERNELS, ids=str)
def test_a_blur_is_a_circular_convolution_plus_noise(rng, kernel):
    x = rng.standard_normal((1, 64))
    made = Blur(kernel, snr_db=10.0)(x[None], np.random.default_rng(1), peak=1.0)
    blurred = circular(kernel.taps((64,)), x[0])
    assert made.sigma == pytest.approx(np.sqrt(np.mean(blurred**2) / 10))
    noise = np.random.default_rng(1).standard_normal((1, 64))
    np.testing.assert_allclose(made.noisy[0], blurred + made.sigma * noise, atol=1e-12)
    assert kernel.taps((64,)).sum() == pytest.approx(1)


def test_levels_scale_one_draw_and_the_kernel_is_problem_information():
    data = GaussianProcess(n=32)
    one, two = (Denoising("d", data, Blur(Box(5), sigma=s), items=2) for s in (0.1, 0.2))
    first, second = (next(iter(p.blocks(1, 2))) for p in (one, two))
    blurred = np.stack([circular(Box(5).taps((32,)), x[0])[None] for x in first.clean])
    np.testing.assert_allclose(2 * (first.noisy - blurred), second.noisy - blurred, atol=1e-12)
    np.testing.assert_allclose(one.problem_info["kernel"], Box(5).taps((32,)))
    assert one.problem_info["prior_spectrum"] == data.problem_info["prior_spectrum"]


def test_the_process_has_the_declared_spectrum_and_variance():
    data = GaussianProcess(n=64, correlation=4.0)
    x = np.stack([data.item("test", 1, i) for i in range(4000)])
    power = power_spectrum(x)[:, 0].mean(axis=0)
    expected = np.array(data.problem_info["prior_spectrum"])
    np.testing.assert_allclose(power, expected, rtol=6 * np.sqrt(2 / 4000))
    assert np.mean(x**2) == pytest.approx(1, rel=0.03)
    assert np.mean(x * np.roll(x, 1, -1)) == pytest.approx(np.exp(-1 / 4), rel=0.03)


@pytest.mark.parametrize("kernel", SIGNAL_KERNELS, ids=str)
@pytest.mark.parametrize("n", [32, 33])
@pytest.mark.parametrize("order", [0, 1, 2])
def test_the_regularized_inverse_is_ridge_regression(rng, kernel, n, order):
    """x̂ = (HᵀH + αDᵀD)⁻¹Hᵀy, where D is the circular difference of that order."""
    h, y = kernel.taps((n,)), rng.standard_normal((2, 1, n))
    H = circulant(h)
    D = np.linalg.matrix_power(np.eye(n) - np.roll(np.eye(n), 1, axis=1), order)
    expected = np.linalg.solve(H.T @ H + 0.05 * D.T @ D, H.T @ y[..., None])[..., 0]
    np.testing.assert_allclose(RegularizedInverse(h, 0.05, order)(y), expected, atol=1e-9)


def test_without_noise_the_inverse_undoes_the_blur(rng):
    x = rng.standard_normal((3, 2, 48))
    h = Exponential(3.0).taps((48,))
    blurred = np.stack([[circular(h, row) for row in item] for item in x])
    np.testing.assert_allclose(RegularizedInverse(h, alpha=0.0)(blurred), x, atol=1e-9)


def test_the_inverse_is_zero_where_the_response_is_zero():
    y = np.ones((1, 1, 9))
    h = np.array([1.0, -1.0])  # removes constants
    np.testing.assert_allclose(RegularizedInverse(h, alpha=0.0)(y), 0, atol=1e-12)


def test_images_against_scikit_image(rng):
    """With Λ = 1, its filter H*/(|H|² + balance·|Λ|²) equals ours of order 0."""
    y, h = rng.random((1, 1, 16, 16)), GaussianKernel(1.0).taps((16, 16))
    H = transfer_function(h, (16, 16))
    theirs = skimage_wiener(y[0, 0], H, 0.1, reg=np.ones_like(H), is_real=True, clip=False)
    np.testing.assert_allclose(RegularizedInverse(h, 0.1)(y)[0, 0], theirs, atol=1e-10)


def test_a_constant_image_is_unchanged():
    """Orders 1 and 2 do not change constants; order 0 shrinks them."""
    y, h = np.full((1, 3, 8, 8), 100.0), GaussianKernel(1.0).taps((8, 8))
    for order in (1, 2):
        np.testing.assert_allclose(RegularizedInverse(h, 0.1, order)(y), y, atol=1e-9)
    np.testing.assert_allclose(RegularizedInverse(h, 0.1, 0)(y), y / 1.1, atol=1e-9)
    np.testing.assert_allclose(WienerDeconvolution(h)(y, sigma=1.0), y, atol=1e-9)


@pytest.mark.parametrize("kernel", SIGNAL_KERNELS, ids=str)
def test_the_true_wiener_filter_is_the_posterior_mean(rng, kernel):
    """The filter and the covariance form in samples are equal for circular processes."""
    data = GaussianProcess(n=50, correlation=6.0)
    problem_info = {"kernel": kernel.taps((50,)), **data.problem_info}
    y, levels = rng.standard_normal((3, 1, 50)), np.array([0.1, 0.3, 0.1])
    one, two = (
        bind_problem_info(cls(), problem_info)(y, sigma=levels)
        for cls in (TrueWiener, GaussianPosteriorMean)
    )
    np.testing.assert_allclose(one, two, atol=1e-10)


@pytest.mark.parametrize("kernel", SIGNAL_KERNELS, ids=str)
@pytest.mark.parametrize("sigma", [0.03, 0.3])
def test_the_error_of_the_true_wiener_filter_agrees_with_theory(kernel, sigma):
    """The mean squared error is the mean of Sσ²/(|H|²S + σ²) over all frequencies."""
    data, n = GaussianProcess(n=128), 128
    problem = Denoising("d", data, Blur(kernel, sigma=sigma), items=800)
    block = next(iter(problem.blocks(1, 800)))
    estimate = bind_problem_info(TrueWiener(), problem.problem_info)(block.noisy, sigma=block.sigma)
    errors = np.mean((estimate - block.clean) ** 2, axis=(1, 2))
    S = np.array(data.problem_info["prior_spectrum"])
    H = transfer_function(kernel.taps((n,)), (n,))
    error = S * sigma**2 / (np.abs(H) ** 2 * S + sigma**2)
    expected = (2 * error.sum() - error[0] - error[-1]) / n
    spread = errors.std() / np.sqrt(len(errors))
    assert errors.mean() == pytest.approx(expected, abs=4 * spread)


def test_the_estimated_spectrum_is_near_the_true_one_for_long_records():
    """16,384 samples, smoothed over 129 frequencies: an error within 2 % of the limit."""
    data = GaussianProcess(n=2**14)
    problem = Denoising("d", data, Blur(Exponential(5.0), sigma=0.1), items=3)
    block = next(iter(problem.blocks(1, 3)))
    kernel = problem.problem_info["kernel"]
    errors = [
        np.mean((method(block.noisy, sigma=block.sigma) - block.clean) ** 2)
        for method in (
            bind_problem_info(TrueWiener(), problem.problem_info),
            WienerDeconvolution(kernel, smooth=129, iterations=100),
        )
    ]
    assert errors[0] <= errors[1] <= 1.02 * errors[0]


def test_sparse_deconvolution_finds_spikes_that_a_linear_filter_smears(rng):
    x = np.zeros((1, 1, 64))
    x[0, 0, [10, 30, 50]] = 5.0, 8.0, 3.0
    h = GaussianKernel(1.5).taps((64,))
    y = circular(h, x[0, 0]) + 0.02 * rng.standard_normal((1, 1, 64))
    for gamma in (0.0, 0.8):
        sparse = SparseDeconvolution(h, lam=0.05, gamma=gamma, nonneg=True)
        found = sparse(y)
        assert set(np.flatnonzero(found[0, 0] > 1.0)) <= {9, 10, 11, 29, 30, 31, 49, 50, 51}
        assert sparse.certificate(y)[0] <= 1e-6
        linear = RegularizedInverse(h, alpha=1e-3)(y)
        assert np.mean((found - x) ** 2) < 0.5 * np.mean((linear - x) ** 2)


def test_gmc_underestimates_less_than_l1(rng):
    """The purpose of the penalty (Selesnick 2017): large spikes keep their height."""
    x = np.zeros((1, 1, 64))
    x[0, 0, [12, 40]] = 10.0, -8.0
    h = Exponential(2.0).taps((64,))
    y = circular(h, x[0, 0]) + 0.1 * rng.standard_normal((1, 1, 64))
    heights = [SparseDeconvolution(h, lam=0.5, gamma=g)(y)[0, 0, 12] for g in (0.0, 0.8)]
    assert heights[0] < 9.5
    assert heights[1] > heights[0] + 0.5


def test_without_a_kernel_it_is_l1(rng):
    from sigbench import L1

    y = rng.standard_normal((2, 1, 32))
    np.testing.assert_allclose(
        SparseDeconvolution(lam=0.5)(y), L1("identity", lam=0.5)(y), atol=1e-12
    )


@pytest.mark.parametrize("make", [TrueWiener, GaussianPosteriorMean])
def test_a_limit_needs_the_true_spectrum(make):
    with pytest.raises(InputError, match="prior_spectrum is not known"):
        make()(np.ones((1, 1, 8)), sigma=1.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Blur(Box(3)), r"set one of sigma and snr_db \(got sigma=None, snr_db=None\)"),
        (lambda: Blur(Box(3), sigma=-1.0), "sigma=-1 must be >= 0"),
        (lambda: Box(4), "width=4 must be odd"),
        (lambda: GaussianKernel(0.0), "width=0 must be >= 0.001"),
        (lambda: Exponential(np.inf), "decay=inf must be >= 0.001 and finite"),
        (
            lambda: Resonance(2.0, 1e18).taps((64,)),
            r"period=2, decay=1e\+18: the 64 taps sum to almost 0",
        ),
        (
            lambda: Exponential(2.0).taps((8, 8)),
            r"a causal kernel needs signals \(one axis\), not items of shape \(8, 8\)",
        ),
        (lambda: GaussianProcess(correlation=0.0), "correlation=0 must be > 0"),
        (lambda: RegularizedInverse(alpha=-1.0), "alpha=-1 must be >= 0"),
        (lambda: WienerDeconvolution(smooth=4), "smooth=4 must be odd"),
        (
            lambda: WienerDeconvolution(spectrum=(1.0, -1.0)),
            "spectrum contains -1: it must be >= 0",
        ),
        (
            lambda: WienerDeconvolution(spectrum=(1.0, 1.0))(np.ones((1, 1, 8))),
            r"spectrum has shape \(2,\): it must be \(5,\)",
        ),
        (
            lambda: RegularizedInverse((1.0, 2.0))(np.ones((1, 1, 8, 8))),
            r"kernel of shape \(2,\) does not fit into items of \(8, 8\)",
        ),
        (lambda: SparseDeconvolution(), "set one of lam and lam_over_sigma"),
    ],
)
def test_bad_parameters_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_all_kernels_are_tested():
    assert {type(k) for k in SIGNAL_KERNELS} == set(KERNELS.values())


@pytest.mark.parametrize("make", [TrueWiener, GaussianPosteriorMean])
def test_limits_compare_and_hash_by_their_arrays(make):
    one, two = (make(np.array([1.0, 0.5]), np.ones(5)) for _ in range(2))
    assert one == two
    assert hash(one) == hash(two)


@pytest.mark.parametrize("make", [TrueWiener, GaussianPosteriorMean])
def test_a_limit_of_another_length_is_refused(make):
    limit = make((1.0, 0.5), np.ones(5))
    with pytest.raises(InputError, match=r"prior_spectrum has shape \(5,\): it must be \(17,\)"):
        limit(np.ones((1, 1, 32)), sigma=1.0)


def test_sure_does_not_tune_a_deconvolver():
    from sigbench import SureTuned

    with pytest.raises(InputError, match="regularized-inverse cannot be tuned by SURE"):
        SureTuned(RegularizedInverse(), {"alpha": [0.1, 1.0]})


def test_a_kernel_can_be_given_as_text_and_a_wrong_one_is_refused():
    from sigbench import DENOISERS
    from sigbench.config.registry import build

    with pytest.raises(InputError, match="kernel='x' is not an array of numbers"):
        build("method", DENOISERS, "regularized-inverse[kernel=x]")
    assert build("method", DENOISERS, "regularized-inverse[kernel=none]").kernel is None
