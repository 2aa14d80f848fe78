"""Wrappers: methods that adapt another method to noise that is not white."""

import numpy as np
import pytest

from sigbench import InputError
from sigbench.benchmark.methods.describe import bind_problem_info, describe
from sigbench.benchmark.methods.resolve import resolve
from sigbench.benchmark.methods.wrappers import (
    Despiked,
    LevelNormalized,
    Stabilized,
    WithoutLines,
)
from sigbench.benchmark.methods.wrappers.stabilized import anscombe, inverse_anscombe
from sigbench.denoisers import GaussianBlur, LocalWiener, Noisy, WaveletShrink
from sigbench.denoisers.noise import MAD
from sigbench.denoisers.noise.models import SignalDependentNoise

SPECS = [
    "stabilized[method=wavelet[rule=bayes]]",
    "despiked[method=local-wiener[window=5]]",
    "without-lines[method=wavelet,frequency=50,fs=1000]",
    "level-normalized[method=wavelet[rule=sure]]",
    "despiked[method=stabilized[method=level-normalized[method=sliding-dct]]]",
    "despiked[method=without-lines[method=local-wiener,fs=1000]]",
]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def made(text):
    (method,) = resolve(text)
    return method.entry


def steps(n):
    """Return a piecewise constant signal between 0 and 1, shape (1, 1, n)."""
    return np.repeat([0.1, 0.6, 0.3, 1.0, 0.2, 0.7, 0.9, 0.4], n // 8)[None, None]


def error(estimate, clean):
    return float(np.mean((estimate - clean) ** 2))


def gain_db(wrapper, method, noisy, clean, sigma=None):
    return 10 * np.log10(
        error(method(noisy, sigma=sigma), clean) / error(wrapper(noisy, sigma=sigma), clean)
    )


@pytest.mark.parametrize("text", SPECS)
def test_a_spec_prints_and_parses_and_is_composable(text, rng):
    entry = made(text)
    assert entry == made(text)
    assert hash(entry) == hash(made(text))
    assert entry.info.family == "noise model"
    assert entry.info.adapts
    assert "method=" in describe(entry)
    noisy = steps(512) + 0.1 * rng.standard_normal((2, 1, 512))
    before = noisy.copy()
    whole = entry(noisy)
    assert whole.shape == noisy.shape
    np.testing.assert_array_equal(noisy, before)
    for i in range(2):  # a batch is its items
        np.testing.assert_allclose(entry(noisy[i : i + 1])[0], whole[i], atol=1e-12)
    single = entry(noisy.astype(np.float32))
    assert single.dtype == np.float32


@pytest.mark.parametrize(
    ("wrapper", "needs"),
    [
        (Despiked, "despiked: ideal-projection is not a denoiser"),
        (Stabilized, "stabilized: ideal-projection is not a denoiser"),
        (LevelNormalized, "level-normalized: ideal-projection is not a denoiser"),
        (WithoutLines, "without-lines: ideal-projection is not a denoiser"),
    ],
)
def test_oracles_are_refused(wrapper, needs):
    with pytest.raises(InputError, match=needs):
        wrapper(made("ideal-projection"))


# Without its kind of noise, each wrapper is its method.


def test_without_their_noise_wrappers_change_nothing(rng):
    noisy = 5 + steps(2048) + 0.2 * rng.standard_normal((3, 1, 2048))
    method = LocalWiener(window=9)
    expected = method(noisy, sigma=0.2)
    for wrapper in (
        Despiked(method),
        LevelNormalized(method),
        WithoutLines(method, fs=1000.0),
        WithoutLines(method, frequency=0.06),
    ):
        np.testing.assert_array_equal(wrapper(noisy, sigma=0.2), expected)


def test_variances_that_do_not_grow_are_not_stabilized(rng):
    x = np.linspace(0, 1, 4000)
    noisy = x + (0.3 - 0.2 * x) * rng.standard_normal((1, 1, 4000))
    method = LocalWiener(window=9)
    np.testing.assert_array_equal(Stabilized(method)(noisy, sigma=0.2), method(noisy, sigma=0.2))


# Stabilized.


@pytest.mark.parametrize("offset", [0.0, 4.0, -20.0])
@pytest.mark.parametrize("mean", [25.0, 100.0])
def test_the_transform_has_noise_of_level_one_and_an_unbiased_inverse(rng, mean, offset):
    """y = 3·Poisson(x/3 + offset/9) − offset/3, plus Gaussian noise for a positive offset."""
    gain, n = 3.0, 200_000
    if offset >= 0:
        y = gain * rng.poisson(mean / gain, n) + np.sqrt(offset) * rng.standard_normal(n)
    else:
        y = gain * rng.poisson(mean / gain + offset / gain**2, n) - offset / gain
    stable = anscombe(y, gain, offset)
    assert stable.std() == pytest.approx(1, abs=0.04)
    assert float(inverse_anscombe(stable.mean(), gain, offset)) == pytest.approx(mean, rel=0.005)


def test_the_inverse_of_zero_counts_is_zero():
    """At d = 2√(3/8) the closed form is 0: 3/8 + 1/4 − 11/12 + 5/12 − 1/8."""
    assert float(inverse_anscombe(2 * np.sqrt(0.375), 1.0, 0.0)) == pytest.approx(0, abs=1e-12)
    assert float(inverse_anscombe(-3.0, 1.0, 0.0)) == pytest.approx(0, abs=1e-12)


def test_the_method_receives_the_range_of_the_input_and_its_level(rng):
    seen = []

    class Spy:
        def __call__(self, noisy, *, sigma=None):
            seen.append((noisy, sigma))
            return noisy

    clean = 200 * steps(4096)
    noisy = rng.poisson(clean).astype(float)
    estimate = Stabilized(Spy())(noisy)
    ((inner, sigma),) = seen
    assert inner.min() == pytest.approx(noisy.min())
    assert inner.max() == pytest.approx(noisy.max())
    assert np.diff(inner).std() / np.sqrt(2) == pytest.approx(sigma[0], rel=0.15)
    # The identity comes back, up to the bias that the inverse corrects (1/4 of a count).
    assert np.abs(estimate - noisy).max() < 1.5


def test_stabilized_gains_in_photon_noise(rng):
    clean = 50 * steps(4096)
    noisy = rng.poisson(clean).astype(float)
    method = WaveletShrink(wavelet="haar", rule="visu", scale=0.5, shifts=8)
    assert gain_db(Stabilized(method), method, noisy, clean) > 0.5


def test_stabilized_needs_an_estimator_of_signal_dependent_noise(rng):
    with pytest.raises(InputError, match="noise=MAD must estimate signal-dependent noise"):
        Stabilized(Noisy(), noise=MAD())(rng.standard_normal((1, 1, 100)))


def test_a_constant_item_comes_back():
    class Constant:
        def estimate_noise(self, noisy):
            return SignalDependentNoise(np.ones(1), np.zeros(1), np.ones(1))

    y = np.full((1, 1, 50), 3.0)
    np.testing.assert_array_equal(Stabilized(Noisy(), noise=Constant())(y), y)


# Despiked.


def test_impulses_are_replaced_by_the_local_median(rng):
    clean = 5 * steps(2048)
    noisy = clean + 0.2 * rng.standard_normal(clean.shape)
    where = rng.choice(2048, 10, replace=False)
    spiked = noisy.copy()
    spiked[0, 0, where] += 6
    method = GaussianBlur(width=2.0)
    assert error(Despiked(method)(spiked), clean) < 1.1 * error(method(noisy), clean)
    assert gain_db(Despiked(method), method, spiked, clean) > 2


def test_images_with_salt_and_pepper_are_despiked(rng):
    clean = np.add.outer(np.linspace(50, 150, 64), np.linspace(0, 50, 64))[None, None]
    noisy = clean + 5 * rng.standard_normal(clean.shape)
    noisy[rng.random(clean.shape) < 0.05] = 255
    method = LocalWiener(window=5)
    assert gain_db(Despiked(method), method, noisy, clean, 5.0) > 5


def test_a_small_threshold_is_refused():
    with pytest.raises(InputError, match="threshold=1 must be >= 2"):
        Despiked(Noisy(), threshold=1)


# Without lines.


def test_hum_is_subtracted(rng):
    t = np.arange(8000) / 1000
    hum = 2 * np.cos(2 * np.pi * 50.03 * t + 1) + 0.5 * np.cos(2 * np.pi * 150.09 * t)
    clean = 3 * steps(8000)
    noisy = clean + 0.3 * rng.standard_normal(clean.shape) + hum
    clear = WithoutLines(Noisy(), fs=1000.0)(noisy)
    assert error(clear, clean) == pytest.approx(0.09, rel=0.15)
    as_cycles = WithoutLines(Noisy(), frequency=0.05)(noisy)
    np.testing.assert_allclose(as_cycles, clear, atol=1e-9)


def test_the_sampling_rate_is_bound_by_name_in_nested_wrappers():
    entry = made("despiked[method=without-lines[method=wavelet,frequency=50]]")
    assert bind_problem_info(entry, {"fs": 8000.0}).method.fs == 8000.0


def test_missing_or_wrong_rates_are_refused(rng):
    y = rng.standard_normal((1, 1, 500))
    with pytest.raises(InputError, match="needs the sampling rate: set frequency or fs"):
        WithoutLines(Noisy())(y)
    with pytest.raises(InputError, match=r"frequency=50 must be > 0 and < 0\.5 cycles per sample"):
        WithoutLines(Noisy(), frequency=50.0)(y)
    with pytest.raises(InputError, match="frequency=600 must be > 0 and < 500 Hz"):
        WithoutLines(Noisy(), frequency=600.0, fs=1000.0)
    with pytest.raises(InputError, match="without-lines needs signals"):
        WithoutLines(Noisy(), fs=1000.0)(y[:, :, None])


# Level-normalized.


def test_level_normalized_gains_where_the_level_changes(rng):
    clean = 10 * steps(4096)
    level = np.where(np.arange(4096) < 2048, 0.5, 2.0)
    noisy = clean + level * rng.standard_normal(clean.shape)
    method = WaveletShrink(wavelet="haar", rule="sure", shifts=8)
    assert gain_db(LevelNormalized(method), method, noisy, clean) > 1
    constant = np.full_like(clean, 7.0)
    np.testing.assert_array_equal(LevelNormalized(method)(constant), method(constant))
