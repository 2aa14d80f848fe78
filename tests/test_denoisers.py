"""Single denoisers against independent implementations and brute force."""

import numpy as np
import pytest
import pywt
from scipy.signal import wiener
from skimage.restoration import denoise_tv_chambolle, denoise_wavelet

from sigbench import Affine, GaussianBlur, InputError, LocalWiener, TotalVariation, WaveletShrink
from sigbench.core.protocols import Pairs, Training
from sigbench.denoisers.noise_level import estimate_sigma
from sigbench.denoisers.wavelet import _sure


@pytest.mark.parametrize("window", [3, 5])
def test_local_wiener_equals_scipy(rng, window):
    y = rng.standard_normal((4, 1, 100)) + 3
    ours = LocalWiener(window, border="zero")
    blind, given = ours(y), ours(y, sigma=0.7)
    for item, estimate, with_sigma in zip(y[:, 0], blind[:, 0], given[:, 0], strict=True):
        np.testing.assert_allclose(estimate, wiener(item, window), atol=1e-10)
        np.testing.assert_allclose(with_sigma, wiener(item, window, noise=0.49), atol=1e-10)


def test_local_wiener_on_images_equals_scipy_per_channel(rng):
    y = rng.standard_normal((2, 3, 16, 20)) + 3
    estimate = LocalWiener(3, border="zero")(y)
    for n, c in np.ndindex(2, 3):
        np.testing.assert_allclose(estimate[n, c], wiener(y[n, c], 3), atol=1e-10)


def test_local_wiener_noise_in_signal_units_and_in_noise_levels(rng):
    y = rng.standard_normal((2, 1, 50))
    relative = LocalWiener(noise_over_sigma=1.5)(y, sigma=0.4)
    np.testing.assert_allclose(LocalWiener(noise=0.6)(y), relative, atol=1e-12)


def test_local_wiener_in_float32_is_as_accurate_as_in_float64(rng):
    y = (1000 + rng.normal(scale=0.1, size=(2, 1, 200))).astype(np.float32)
    exact = LocalWiener(9)(y.astype(np.float64), sigma=0.1)
    np.testing.assert_allclose(LocalWiener(9)(y, sigma=0.1), exact, rtol=1e-6)


def test_bayes_shrink_equals_scikit_image(rng):
    x = np.cumsum(rng.standard_normal((3, 32, 32)), axis=-1)
    y = x + 0.5 * rng.standard_normal(x.shape)
    theirs = denoise_wavelet(y, sigma=0.5, wavelet="haar", wavelet_levels=2, channel_axis=0)
    ours = WaveletShrink("haar", level=2, rule="bayes")(y[None], sigma=0.5)[0]
    np.testing.assert_allclose(ours, theirs, atol=1e-9)


def test_visu_shrink_equals_an_explicit_computation(rng):
    y = rng.standard_normal((1, 1, 64)) * 2
    parts = pywt.wavedec(y[0, 0], "db2", "periodization", level=3)
    t = 0.9 * np.sqrt(2 * np.log(64))
    expected = pywt.waverec(
        [parts[0], *(pywt.threshold(d, t, "hard") for d in parts[1:])], "db2", "periodization"
    )
    ours = WaveletShrink("db2", level=3, rule="visu", shrink="hard")(y, sigma=0.9)
    np.testing.assert_allclose(ours[0, 0], expected, atol=1e-12)


def test_sure_threshold_minimizes_the_risk_estimate_over_a_fine_grid(rng):
    for n, scale in ((16, 3.0), (200, 1.0), (64, 0.2)):
        d = rng.standard_normal(n) + np.where(rng.random(n) < 0.2, scale * 5, 0)
        t = np.linspace(0, np.sqrt(2 * np.log(n)), 40_001)
        kept = np.abs(d)[:, None] > t
        risk = (
            n - 2 * (n - kept.sum(0)) + np.minimum(np.abs(d)[:, None], t).clip(0).__pow__(2).sum(0)
        )
        ours = _sure(d.reshape(1, 1, n), np.ones((1, 1)), n, n)[0, 0]
        at_ours = n - 2 * np.sum(np.abs(d) <= ours) + np.sum(np.minimum(np.abs(d), ours) ** 2)
        assert at_ours <= risk.min() + 1e-9


def test_sure_is_unbiased(rng):
    """Averaged over many draws, SURE equals the true risk."""
    theta, t = rng.normal(scale=2, size=64), 1.3
    d = theta + rng.standard_normal((20_000, 64))
    estimated = (
        64 - 2 * np.sum(np.abs(d) <= t, axis=1) + np.sum(np.minimum(np.abs(d), t) ** 2, axis=1)
    )
    true = np.sum((np.sign(d) * np.maximum(np.abs(d) - t, 0) - theta) ** 2, axis=1)
    error = (estimated - true).std() / np.sqrt(len(d))
    assert estimated.mean() == pytest.approx(true.mean(), abs=4 * error)


def test_full_cycle_spinning_commutes_with_shifts(rng):
    """With as many shifts as samples in a period, shifting the input shifts the estimate."""
    y = rng.standard_normal((1, 1, 32))
    spun = WaveletShrink("haar", level=3, shifts=8)
    moved = np.roll(spun(np.roll(y, 5, axis=-1), sigma=1.0), -5, axis=-1)
    np.testing.assert_allclose(moved, spun(y, sigma=1.0), atol=1e-12)
    plain = WaveletShrink("haar", level=3)
    assert not np.allclose(
        np.roll(plain(np.roll(y, 5, -1), sigma=1.0), -5, -1), plain(y, sigma=1.0)
    )


def test_total_variation_equals_scikit_image(rng):
    y = rng.standard_normal((2, 3, 12, 12))
    estimate = TotalVariation(lam=0.3)(y)
    np.testing.assert_allclose(
        estimate[1, 2], denoise_tv_chambolle(y[1, 2], weight=0.3), atol=1e-12
    )


def test_total_variation_minimizes_its_objective(rng):
    """One step of height h: min 50/2·a² per plateau + λ(h − 2a) has the solution a = λ/50."""
    y = np.repeat([0.0, 10.0], 50).reshape(1, 1, 100)
    estimate = TotalVariation(lam=5.0, eps=1e-12, max_iter=100_000)(y)[0, 0]
    np.testing.assert_allclose(estimate[[10, 90]], [0.1, 9.9], atol=1e-3)


def test_blur_preserves_the_mean_and_does_not_mix_channels(rng):
    y = np.zeros((1, 2, 33))
    y[0, 0, 16] = 1.0
    x = GaussianBlur(2.0)(y)
    assert x[0, 0].sum() == pytest.approx(1)
    assert not x[0, 1].any()


def test_affine_is_the_regression_line(rng):
    y, x = rng.standard_normal((2, 50, 1, 20))
    pairs = Pairs(y, x + 0.3 * y)
    fitted = Affine().fit(Training(pairs, pairs, lambda n, rng: pairs, 1.0), rng=rng)
    slope, intercept = np.polyfit(y.ravel(), (x + 0.3 * y).ravel(), 1)
    assert (fitted.a, fitted.b) == (pytest.approx(slope), pytest.approx(intercept))


@pytest.mark.parametrize("shape", [(1, 1, 20_000), (1, 3, 128, 128)])
def test_noise_level_is_estimated(rng, shape):
    smooth = 20 * np.sin(np.linspace(0, 6, shape[-1]))
    assert estimate_sigma(smooth + 2.5 * rng.standard_normal(shape))[0] == pytest.approx(
        2.5, rel=0.03
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LocalWiener(4), "window=4 must be odd"),
        (lambda: LocalWiener(0), "window=0 must be >= 1"),
        (lambda: LocalWiener(border="wrap"), "border='wrap' must be one of: reflect, zero"),
        (
            lambda: LocalWiener(noise=1.0, noise_over_sigma=1.0),
            "set one of noise and noise_over_sigma",
        ),
        (lambda: GaussianBlur(-1.0), "width=-1 must be >= 0"),
        (
            lambda: WaveletShrink(rule="best"),
            "rule='best' must be one of: visu, sure, hybrid, bayes",
        ),
        (lambda: WaveletShrink(shrink="x"), "shrink='x' must be one of: soft, hard, garrote, firm"),
        (lambda: WaveletShrink("bior2.2"), "wavelet='bior2.2' is not orthogonal"),
        (lambda: WaveletShrink(shifts=0), "shifts=0 must be >= 1"),
        (lambda: TotalVariation(), "set one of lam and lam_over_sigma"),
    ],
)
def test_invalid_parameters_raise_an_error(make, message):
    with pytest.raises(InputError, match=message):
        make()
