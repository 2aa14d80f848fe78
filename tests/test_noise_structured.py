"""Estimators and tests of structured noise: signal-dependent, impulses, hum, rounding, varying."""

import numpy as np
import pytest
from scipy.signal import lfilter

from sigbench import InputError
from sigbench.benchmark.methods.describe import bind_problem_info
from sigbench.core.protocols import NoiseEstimator, NoiseModel
from sigbench.denoisers.noise import (
    NOISE_ESTIMATORS,
    Hum,
    ImpulseNoise,
    PoissonGaussian,
    RoundingNoise,
    Varying,
)
from sigbench.denoisers.noise.floors import blocks_of, noise_floors
from sigbench.denoisers.noise.hum import find_hum, line_at, without_trend
from sigbench.denoisers.noise.impulses import find_impulses
from sigbench.denoisers.noise.places import noise_level
from sigbench.denoisers.noise.poisson_gaussian import (
    floor_by_signal,
    quiet_by_signal,
    variance_by_signal,
)
from sigbench.denoisers.noise.quiet_parts import quiet_change, quiet_powers
from sigbench.denoisers.noise.robust_line import robust_line
from sigbench.denoisers.noise.rounding import rounding_step
from sigbench.denoisers.noise.varying import level_change
from sigbench.denoisers.noise.whiteness import spectral_slope

STRUCTURED = ["poisson-gaussian", "impulses", "hum", "rounding", "varying"]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def ready(name):
    return Hum(fs=1000.0) if name == "hum" else NOISE_ESTIMATORS[name]()


# The contract of an estimator.


@pytest.mark.parametrize("name", STRUCTURED)
@pytest.mark.parametrize("shape", [(3, 1, 600), (2, 3, 64, 70)])
def test_models_of_white_noise_have_its_level(name, shape, rng):
    if name == "hum" and len(shape) == 4:
        pytest.skip("hum is for signals")
    noisy = 100 + 2 * rng.standard_normal(shape)
    before = noisy.copy()
    estimator = ready(name)
    assert isinstance(estimator, NoiseEstimator)
    noise = estimator.estimate_noise(noisy)
    np.testing.assert_array_equal(noisy, before)
    assert isinstance(noise, NoiseModel)
    np.testing.assert_allclose(noise.level, 2.0, rtol=0.2)
    space = shape[2:]
    spectrum, variance = noise.spectrum(space), noise.variance(noisy)
    assert spectrum.shape == (shape[0], *space)
    assert variance.shape == shape
    axes = tuple(range(1, len(shape) - 1))
    np.testing.assert_allclose(spectrum.mean(axis=axes), noise.level**2, rtol=1e-6)
    mean = variance.reshape(len(noisy), -1).mean(axis=1)
    np.testing.assert_allclose(mean, noise.level**2, rtol=0.05)
    one = estimator.estimate_noise(noisy[1:2])  # a batch is its items
    np.testing.assert_allclose(one.level, noise.level[1:2])


@pytest.mark.parametrize("name", STRUCTURED)
def test_levels_have_the_units_of_the_item(name, rng):
    noisy = rng.standard_normal((1, 1, 600))
    estimator = ready(name)
    level = estimator.estimate_noise(noisy).level
    np.testing.assert_allclose(estimator.estimate_noise(100 * noisy).level, 100 * level)


@pytest.mark.parametrize("name", STRUCTURED)
def test_bad_input_is_refused(name):
    with pytest.raises(InputError, match=r"contains nan at \(0, 0, 3\)"):
        ready(name).estimate_noise(np.where(np.arange(9) == 3, np.nan, 0.0)[None, None])


@pytest.mark.parametrize("name", STRUCTURED)
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 20), (1, 1, 50), (1, 2, 9, 9)])
def test_small_and_constant_items(name, shape, rng):
    if name == "hum" and len(shape) == 4:
        pytest.skip("hum is for signals")
    for noisy in (np.ones(shape), rng.standard_normal(shape)):
        level = ready(name).estimate_noise(noisy).level
        assert np.isfinite(level).all()
        assert (level >= 0).all()


# Blocks.


@pytest.mark.parametrize("shape", [(1, 40_000), (3, 20_000), (1, 256, 256)])
def test_white_noise_has_a_flat_spectrum_of_its_power(shape, rng):
    blocks = blocks_of(3 * rng.standard_normal(shape))
    mean = blocks.power.reshape(-1, *blocks.frequency.shape).mean(axis=0)[blocks.usable]
    np.testing.assert_allclose(mean, 9, rtol=0.25)
    assert mean.mean() == pytest.approx(9, rel=0.02)


@pytest.mark.parametrize("channels", [1, 3])
def test_floors_are_normalized(channels, rng):
    assert noise_floors(rng.standard_normal((channels, 100_000))).whole.mean() == pytest.approx(
        1, rel=0.08
    )


def test_a_tone_does_not_raise_the_floor(rng):
    y = 50 * np.cos(1.3 * np.arange(20_000)) + rng.standard_normal(20_000)
    assert noise_floors(y[None]).whole.mean() < 1.6
    assert noise_level(y[None]) == pytest.approx(1, rel=0.1)


# Signal-dependent.


@pytest.mark.parametrize(("gain", "offset"), [(1.0, 0.0), (4.0, 100.0)])
def test_gain_and_offset_of_camera_noise(gain, offset, rng):
    x = np.add.outer(np.linspace(20, 120, 200), np.linspace(0, 80, 200))[None, None]
    y = gain * rng.poisson(x / gain) + np.sqrt(offset) * rng.standard_normal(x.shape)
    noise = PoissonGaussian().estimate_noise(y)
    assert noise.gain[0] == pytest.approx(gain, rel=0.15)
    expected = np.sqrt(np.mean(gain * x + offset))
    assert noise.level[0] == pytest.approx(expected, rel=0.07)
    np.testing.assert_allclose(noise.variance(x).mean(), expected**2, rtol=0.15)


def test_clipped_values_are_left_out(rng):
    x = np.add.outer(np.linspace(0, 300, 200), np.zeros(200))[None, None]
    y = np.clip(rng.poisson(x), 0, 255).astype(float)
    assert PoissonGaussian().estimate_noise(y).gain[0] == pytest.approx(1, rel=0.2)


def test_counts_over_time(rng):
    x = 40 + 30 * np.sin(np.arange(20_000) / 900)
    noise = PoissonGaussian().estimate_noise(rng.poisson(x).astype(float)[None, None])
    assert noise.gain[0] == pytest.approx(1, rel=0.15)
    assert noise.level[0] == pytest.approx(np.sqrt(40), rel=0.05)


def test_p_values_of_white_noise_are_uniform(rng):
    x = 40 + 30 * np.sin(np.arange(1000) / 90)
    found = [floor_by_signal((x + rng.standard_normal(1000))[None]).p_value for _ in range(200)]
    assert np.mean(np.array(found) < 0.05) < 0.12
    assert 0.3 < np.mean(np.array(found) < 0.5) < 0.7


# Impulses.


def test_share_and_size_of_impulses(rng):
    y = rng.standard_normal((1, 1, 50_000))
    where = rng.random(y.shape) < 0.01
    y[where] += rng.choice([-15.0, 15.0], where.sum())
    noise = ImpulseNoise().estimate_noise(y)
    assert noise.share[0] == pytest.approx(0.01, rel=0.15)
    assert noise.size[0] == pytest.approx(15, rel=0.05)
    assert noise.rest[0] == pytest.approx(1, rel=0.05)
    assert noise.level[0] == pytest.approx(y.std(), rel=0.05)


def test_peaks_steps_and_rough_parts_are_not_impulses(rng):
    n = 2000
    t = np.arange(n)
    peaks = sum(30 * np.exp(-0.5 * ((t - c) / 2) ** 2) for c in (300, 900, 1500))
    steps = 20 * (t > 1200)
    y = peaks + steps + rng.standard_normal(n) * np.where(abs(t - 600) < 50, 10, 1)
    assert find_impulses(y[None]).where.sum() <= 1


def test_a_single_impulse_in_a_short_record_is_significant(rng):
    y = rng.standard_normal((1, 500))
    y[0, 77] = 9
    assert find_impulses(y).p_value < 1e-3
    y[0, 77] = 0
    assert find_impulses(y).p_value == 1


# Hum.


@pytest.mark.parametrize("frequency", [49.95, 60.03])
def test_hum_is_fitted_to_a_hundredth_of_a_hertz(frequency, rng):
    t = np.arange(20_000) / 2000
    wave = 3 * np.cos(2 * np.pi * frequency * t + 1) + np.sin(2 * np.pi * 3 * frequency * t)
    y = wave + rng.standard_normal(t.size)
    hum = find_hum(y, 2000.0)
    assert hum.base == round(frequency, -1)
    assert hum.frequency == pytest.approx(frequency, abs=0.01)
    assert hum.amplitude == pytest.approx(3, rel=0.03)
    assert np.std(hum.wave - wave) < 0.1
    noise = Hum(fs=2000.0).estimate_noise(y[None, None])
    assert noise.level[0] == pytest.approx(np.sqrt(1 + 4.5 + 0.5), rel=0.03)
    spectrum = noise.spectrum((20_000,))[0]
    assert np.argmax(spectrum[:10_000]) == pytest.approx(frequency * 10, abs=1)


def test_hum_that_drifts_is_followed(rng):
    t = np.arange(200_000) / 2000
    phase = 2 * np.pi * 50 * t + 1.5 * np.sin(2 * np.pi * t / 60)
    wave = 2 * np.cos(phase)
    hum = find_hum(wave + rng.standard_normal(t.size), 2000.0)
    assert np.std(hum.wave - wave) < 0.4


def test_hum_is_found_under_jumps_and_trends(rng):
    """Without the running median, the jumps hide the line."""
    t = np.arange(4000)
    clean = 20 * np.repeat([0, 1, 3, 1, 2, 0, 1, 3], 500) + t / 100
    wave = np.cos(2 * np.pi * 0.05 * t)
    hum = find_hum(clean + wave + rng.standard_normal(4000), 1000.0)
    assert np.std(hum.wave - wave) < 0.25
    np.testing.assert_allclose(without_trend(clean * 1.0, 0.05)[100:400], 0, atol=0.2)


def test_white_noise_and_other_tones_are_not_hum(rng):
    t = np.arange(5000) / 1000
    tone = 5 * np.cos(2 * np.pi * 47 * t)
    found = [
        find_hum(own + rng.standard_normal(5000), 1000.0) for own in (0, tone) for _ in range(40)
    ]
    assert sum(one is not None for one in found) <= 1
    assert find_hum(np.cos(2 * np.pi * 50 * t), None) is None


def test_the_f_test_of_white_noise_has_uniform_p_values(rng):
    p = [line_at(rng.standard_normal(256), 0.123).p_value for _ in range(400)]
    assert np.mean(np.array(p) < 0.1) == pytest.approx(0.1, abs=0.05)
    assert np.mean(np.array(p) < 0.5) == pytest.approx(0.5, abs=0.08)


def test_the_rate_is_bound_by_name_and_frequencies_are_checked(rng):
    assert bind_problem_info(Hum(), {"fs": 100.0}).fs == 100
    with pytest.raises(InputError, match="frequency=60 must be > 0 and < 50 Hz"):
        Hum(frequency=60.0, fs=100.0)
    with pytest.raises(InputError, match=r"0\.5 cycles per sample, as fs is not known"):
        Hum(frequency=60.0).estimate_noise(rng.standard_normal((1, 1, 100)))
    with pytest.raises(InputError, match="hum is estimated in signals"):
        Hum(fs=1000.0).estimate_noise(rng.standard_normal((1, 1, 20, 20)))


def test_weak_hum_under_jumps_is_found_in_half_a_second(rng):
    """The F-test misses it: the jumps are 20 times as large as the line."""
    t = np.arange(512)
    jumps = 15 * np.repeat([0, 1, -1, 1], 128)
    for _ in range(10):
        y = jumps + rng.standard_normal(512)
        line = robust_line(y + np.cos(0.3 * t + 0.7), 0.3 / (2 * np.pi), 0.001)
        assert line.p_value < 1e-3
        assert line.amplitude == pytest.approx(1, abs=0.35)
        assert line.phase == pytest.approx(0.7, abs=0.4)
        assert robust_line(y, 0.3 / (2 * np.pi), 0.001).p_value > 1e-3
    assert robust_line(y[:100], 0.3 / (2 * np.pi), 0.001) is None
    assert robust_line(np.zeros(512), 0.3 / (2 * np.pi), 0.001) is None


# Rounding.


@pytest.mark.parametrize("step", [0.125, 0.1, 3.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_step_is_the_common_divisor(step, dtype, rng):
    values = (7 + step * np.array([0, 2, 6, 9, 15, 15, 21, 30])).astype(dtype)
    assert rounding_step(values[None]) == pytest.approx(step, rel=1e-4)
    assert rounding_step(rng.standard_normal((1, 5000)).astype(dtype)) == 0


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0, 3.0])
def test_the_level_of_rounded_noise_contains_the_rounding(ratio, rng):
    """Steps of ``ratio`` noise levels; for steps of 3 it is at least the error of rounding."""
    x = np.linspace(0, 40, 50_000)
    y = ratio * np.round((x + rng.standard_normal(x.size)) / ratio)
    level = RoundingNoise().estimate_noise(y[None, None]).level[0]
    assert level == pytest.approx(np.std(y - x), rel=0.1)


# Varying.


def test_levels_follow_a_change(rng):
    y = rng.standard_normal((1, 1, 8000))
    y[..., 4000:] *= 2
    noise = Varying().estimate_noise(y)
    assert noise.levels[0, 0, :3000].mean() == pytest.approx(1, rel=0.1)
    assert noise.levels[0, 0, 5000:].mean() == pytest.approx(2, rel=0.1)
    assert noise.level[0] == pytest.approx(np.sqrt(2.5), rel=0.1)


def test_images_whose_columns_become_noisier(rng):
    y = rng.standard_normal((1, 128, 128))
    y[..., 64:] *= 2
    change = level_change(y)
    assert change.where == "after 50% of the columns"
    assert change.ratio == pytest.approx(2, rel=0.15)
    levels = Varying().estimate_noise(y[None]).levels[0, 0]
    assert levels[:, :40].mean() == pytest.approx(1, rel=0.1)
    assert levels[:, 90:].mean() == pytest.approx(2, rel=0.1)


def test_a_signal_in_one_half_is_not_a_change_of_the_noise(rng):
    t = np.arange(8000)
    signal = np.where(t < 4000, 5 * np.cos(1.9 * t), 0)
    assert level_change((signal + rng.standard_normal(8000))[None]).ratio < 1.3


@pytest.mark.parametrize("test", [level_change, spectral_slope])
@pytest.mark.parametrize("shape", [(1, 500), (1, 5000), (1, 128, 128)])
def test_white_noise_is_rarely_significant(test, shape, rng):
    found = [test(rng.standard_normal(shape)).p_value for _ in range(60)]
    assert np.mean(np.array(found) < 0.01) <= 0.05


# The quietest parts of signals.


def test_the_power_of_quiet_parts_is_not_biased(rng):
    """4,000 cells of white noise; their mean power has a relative error of 2 to 5 %."""
    bands = ((0.0, 0.25), (0.25, 0.5))
    t = np.arange(4096)
    for clean in (0, 50 * np.cos(0.2 * t), 20 * (t % 500 < 20)):
        found = quiet_powers((clean + rng.standard_normal(4096))[None], 64, bands, (32, 32))
        np.testing.assert_allclose(found.power, 1, atol=5 * found.error.max())
        assert found.error.max() < 0.1


def test_p_values_of_a_change_in_white_noise_are_valid(rng):
    p = np.array([quiet_change(rng.standard_normal((1, 1024))).p_value for _ in range(200)])
    assert np.mean(p < 0.05) < 0.1  # half of the cells are used only if their power is similar
    assert np.mean(p < 2e-3) < 0.02


@pytest.mark.parametrize(("n", "fewest"), [(512, 17), (1024, 19), (4096, 20)])
@pytest.mark.parametrize("quarter", [1, 2, 3])
def test_the_place_of_a_change_is_found(n, fewest, quarter, rng):
    if n == 512 and quarter != 2:
        pytest.skip("the quarters have less than 192 samples")
    y = rng.standard_normal((20, 1, n))
    y[..., n * quarter // 4 :] *= 2
    found = [quiet_change(one) for one in y]
    assert sum(one.p_value < 2e-3 and one.cut == quarter / 4 for one in found) >= fewest - 4
    assert sum(one.p_value < 2e-3 for one in found) >= fewest


def test_a_burst_is_not_a_change_of_its_quiet_parts(rng):
    t = np.arange(4096)
    for burst in (np.sin(2 * t), 3 * (t % 200 < 2)):
        y = rng.standard_normal(4096) + 10 * burst * (t >= 2048)
        change = quiet_change(y[None])
        assert change.p_value > 2e-3 or change.ratio < 1.35


def test_one_band_of_a_signal_is_not_a_slope(rng):
    t = np.arange(1024)
    for f in (0.08, 0.15, 0.2):
        y = 10 * np.cos(2 * np.pi * f * t) + rng.standard_normal(1024)
        assert spectral_slope(y[None]).p_value > 3e-4


def test_counts_in_images_are_told_from_texture(rng):
    x = np.add.outer(np.linspace(20, 120, 128), np.zeros(128))[None]
    fit = quiet_by_signal(rng.poisson(x))
    assert fit.p_value < 1e-6
    assert fit.gain == pytest.approx(1, rel=0.2)
    texture = x + np.where(x > 70, 20 * rng.random(x.shape).round(), 0) * (np.arange(128) < 64)
    assert quiet_by_signal(texture + 5 * rng.standard_normal(x.shape)).ratio < 1.35


# Whiteness.


@pytest.mark.parametrize(
    ("b", "a", "sign"), [([1], [1, -0.7], -1), ([1, 0.8], [1], -1), ([1, -0.5], [1], 1)]
)
def test_sloping_spectra_are_significant(b, a, sign, rng):
    found = [
        spectral_slope(lfilter(b, a, rng.standard_normal((1, 600)))[:, 100:]) for _ in range(20)
    ]
    assert sum(one.p_value < 2e-3 and one.slope * sign > 0 for one in found) >= 18


def test_the_slope_of_pink_noise(rng):
    f = np.arange(1, 25_001)
    y = np.fft.irfft(np.fft.rfft(rng.standard_normal(50_000))[1:] / np.sqrt(f))
    assert spectral_slope(y[None]).slope == pytest.approx(-1, abs=0.2)


def test_variance_by_signal_of_a_constant_item_is_flat():
    assert variance_by_signal(np.ones((1, 500))).p_value == 1
