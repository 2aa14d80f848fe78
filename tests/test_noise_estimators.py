"""Estimators of white and colored noise: identities, known spectra, and signals that hide noise."""

import numpy as np
import pytest
from scipy.signal import butter, freqz

from sigbench import InputError, Photos32
from sigbench.core.protocols import NoiseEstimator, NoiseModel
from sigbench.denoisers.noise import MAD, Autoregressive, Quiet, SmoothSpectrum, Subband, chain
from sigbench.denoisers.noise.bands import noise_floor
from sigbench.denoisers.noise.cells import lapped_transform, signal_cells, signal_parts
from sigbench.denoisers.noise.models import StationaryNoise
from sigbench.denoisers.noise.shapes import (
    autoregressive,
    low_pass,
    moving_average,
    power_law,
    resonance,
    shapes_in_rows,
)
from sigbench.problems.colored import Colored
from sigbench.problems.noise_estimation import described
from sigbench.problems.spectra import (
    AutoregressiveSpectrum,
    MovingAverageSpectrum,
    PinkSpectrum,
)
from sigbench.scoring.metrics import METRICS

WHITE = {"mad": MAD(), "quiet": Quiet()}
COLORED = {
    "subband": Subband(),
    "smooth-spectrum": SmoothSpectrum(),
    "autoregressive": Autoregressive(),
}
ALL = {**WHITE, **COLORED}
SPECTRA = {
    "white": MovingAverageSpectrum(0.0),
    "ma": MovingAverageSpectrum(0.8),
    "ar": AutoregressiveSpectrum(0.8),
    "pink": PinkSpectrum(),
}


def white(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def db(ratio):
    return 20 * np.log10(ratio)


def errors(estimator, noisy, true):
    """Return the errors of the level and of the bands in dB."""
    values = (0.0,) * 8
    estimate = described(estimator.estimate_noise(noisy), noisy.shape, values)
    truth = described(true, noisy.shape, values)
    names = ("noise_level_error", "noise_band_error")
    return [METRICS[name](truth, estimate, 1.0).mean() for name in names]


@pytest.mark.parametrize("name", ALL)
class TestEveryEstimator:
    def test_protocol(self, name):
        assert isinstance(ALL[name], NoiseEstimator)
        noise = ALL[name].estimate_noise(white(2, 1, 300))
        assert isinstance(noise, NoiseModel)
        assert noise.level.shape == (2,)

    # The standard errors of the means are below 0.1 dB. The median of the wavelet details of small
    # images is too low, because they are smoother at the borders: by 0.35 dB for subband.
    def test_the_level_of_white_noise(self, name):
        signals = 3 * white(8, 1, 8192)
        assert abs(db(ALL[name].estimate_noise(signals).level / 3).mean()) < 0.2
        if name != "autoregressive":
            images = 3 * white(4, 1, 96, 96)
            assert abs(db(ALL[name].estimate_noise(images).level / 3).mean()) < 0.45

    def test_equivariance(self, name):
        noisy = white(2, 1, 700) + 5 * np.sin(np.arange(700) / 9)
        level = ALL[name].estimate_noise(noisy).level
        for exponent in (-30, 4):  # powers of 2: without rounding
            scaled = ALL[name].estimate_noise(noisy * 2.0**exponent).level
            np.testing.assert_allclose(scaled, level * 2.0**exponent, rtol=1e-12)

    def test_a_constant_does_not_matter(self, name):
        noisy = white(2, 1, 700)
        level = ALL[name].estimate_noise(noisy).level
        np.testing.assert_allclose(ALL[name].estimate_noise(noisy + 50).level, level, rtol=0.03)

    def test_a_batch_is_its_items(self, name):
        noisy = white(3, 1, 600) * np.array([1, 10, 0.1]).reshape(3, 1, 1)
        together = ALL[name].estimate_noise(noisy).spectrum((600,))
        for item in range(3):
            alone = ALL[name].estimate_noise(noisy[item : item + 1]).spectrum((600,))
            np.testing.assert_array_equal(alone[0], together[item])

    @pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 9), (2, 1, 16), (1, 1, 40)])
    def test_short_signals(self, name, shape):
        level = ALL[name].estimate_noise(white(*shape)).level
        assert np.isfinite(level).all()
        if shape[-1] < 16:
            np.testing.assert_array_equal(level, MAD().estimate_noise(white(*shape)).level)

    def test_constant_and_float32_items(self, name):
        noisy = np.stack([np.zeros(400), np.full(400, 7.0), white(400)])[:, None]
        for dtype in (np.float32, np.float64):
            noise = ALL[name].estimate_noise(noisy.astype(dtype))
            assert np.all(noise.level[:2] <= 1e-6)
            assert 0.5 < noise.level[2] < 1.5
            assert noise.spectrum((400,)).dtype == np.float64
        if name != "autoregressive":
            noise = ALL[name].estimate_noise(np.full((1, 3, 20, 24), 9.0))
            assert noise.level == pytest.approx(0, abs=1e-12)
            assert noise.spectrum((20, 24)).shape == (1, 20, 24)

    def test_the_input_is_not_changed(self, name):
        noisy = white(1, 1, 500)
        before = noisy.copy()
        ALL[name].estimate_noise(noisy)
        np.testing.assert_array_equal(noisy, before)

    def test_invalid_items(self, name):
        with pytest.raises(InputError, match="must be"):
            ALL[name].estimate_noise(np.zeros((4, 100)))


# Errors of the level and of the bands in dB: about 1.5 times the largest of three draws.
LIMITS = {
    ("subband", "white"): (0.2, 0.5),
    ("subband", "ma"): (0.2, 1.5),
    ("subband", "ar"): (0.5, 1.5),
    ("subband", "pink"): (1.3, 1.3),
    ("smooth-spectrum", "white"): (0.5, 0.6),
    ("smooth-spectrum", "ma"): (0.5, 0.8),
    ("smooth-spectrum", "ar"): (1.5, 1.7),
    ("smooth-spectrum", "pink"): (4.0, 2.0),
    ("autoregressive", "white"): (0.5, 0.5),
    ("autoregressive", "ma"): (0.5, 0.8),
    ("autoregressive", "ar"): (1.0, 0.9),
    ("autoregressive", "pink"): (4.0, 1.4),
}


@pytest.mark.parametrize(("name", "spectrum"), LIMITS)
def test_the_spectrum_of_noise_alone(name, spectrum):
    noise = Colored(SPECTRA[spectrum], sigma=2.0)
    zero = np.zeros((6, 1, 8192))
    noisy = noise(zero, np.random.default_rng(1), peak=1.0).noisy
    level, bands = errors(COLORED[name], noisy, noise.noise_model(zero, peak=1.0))
    assert level < LIMITS[name, spectrum][0]
    assert bands < LIMITS[name, spectrum][1]


@pytest.mark.parametrize("spectrum", ["white", "pink", "ar", "ma"])
def test_the_spectrum_of_noise_in_images(spectrum):
    noise = Colored(SPECTRA[spectrum], sigma=2.0)
    zero = np.zeros((3, 1, 96, 96))
    noisy = noise(zero, np.random.default_rng(1), peak=1.0).noisy
    level, bands = errors(SmoothSpectrum(), noisy, noise.noise_model(zero, peak=1.0))
    assert level < 2.5
    assert bands < 2.4


FILTERS = {  # a shape, and the filter of white noise that has it, from scipy
    "moving average": (moving_average(-0.7), ([1, -0.7], [1])),
    "autoregressive": (autoregressive(0.9), ([1], [1, -0.9])),
    "resonance": (
        resonance(0.8, 0.2),
        ([1], [1, -1.6 * np.cos(0.4 * np.pi), 0.64]),
    ),
    "low-pass": (low_pass(0.1, 4, 0.0), butter(4, 0.2)),
}


@pytest.mark.parametrize("name", FILTERS)
def test_shapes_are_those_of_filters(name):
    shape, (zeros, poles) = FILTERS[name]
    f = np.linspace(0.01, 0.49, 40)
    expected = np.abs(freqz(zeros, poles, 2 * np.pi * f)[1]) ** 2
    np.testing.assert_allclose(shape(f), expected, rtol=1e-9)


def test_the_power_law_equals_the_white_noise_at_its_corner():
    np.testing.assert_allclose(power_law(1.0, 0.1)(np.array([0.1, 1.0])), [20.0, 11.0])


class TestPosterior:
    """Levels of the noise at sixteen frequencies, in steps of the chain."""

    EDGES = np.arange(17)
    FREQUENCY = (np.arange(16) + 0.5) / 32

    def found(self, levels, sd=1.0):
        k = np.arange(chain.LEVELS)
        likelihood = -0.5 * ((k - np.asarray(levels)[:, None]) / sd) ** 2
        return chain.posterior(likelihood, self.FREQUENCY, shapes_in_rows(self.EDGES))

    def test_a_known_shape_is_found(self):
        shapes = shapes_in_rows(self.EDGES)
        for number in (0, 5, 20, 60, 170):
            path = shapes.log_power[number]
            found = self.found(50 + path / chain.STEP)
            assert found.weight.argmax() == number or np.ptp(path) < 1
            np.testing.assert_allclose(found.weight @ found.mean, 10 + path, atol=0.12)

    def test_white_noise(self):
        assert self.found(np.full(16, 50.0)).white > 0.9

    def test_a_signal_that_is_always_present_does_not_count(self):
        levels = np.full(16, 50.0)
        levels[3:6] = 80
        found = self.found(levels)
        np.testing.assert_allclose(found.weight @ found.mean, 10, atol=0.05)


def tones(n=4096):
    t = np.arange(n)
    return sum(np.sin(2 * np.pi * f * t) for f in (0.04, 0.11, 0.234, 0.31, 0.43))[None, None]


class TestSignalsAreNotNoise:
    def test_sinusoids(self):
        noisy = tones() + 0.05 * white(1, 1, 4096)
        assert db(MAD().estimate_noise(noisy).level / 0.05) > 15
        for estimator in (Quiet(), SmoothSpectrum(), Autoregressive()):
            assert abs(db(estimator.estimate_noise(noisy).level / 0.05)) < 1.5

    def test_pauses_are_used(self):
        speech = np.sin(np.arange(30_000) ** 1.5 / 60) * (np.arange(30_000) // 3000 % 2)
        noisy = speech + 0.01 * white(1, 1, 30_000)
        for estimator in (Quiet(), SmoothSpectrum(), Autoregressive()):
            assert abs(db(estimator.estimate_noise(noisy).level / 0.01)) < 1

    def test_a_slow_signal_is_not_noise_of_low_frequency(self):
        noisy = 100 * np.sin(np.arange(4096) / 300) + white(1, 1, 4096)
        for estimator in (Quiet(), SmoothSpectrum(), Autoregressive()):
            assert abs(db(estimator.estimate_noise(noisy).level)) < 1

    def test_a_narrow_peak_is_not_noise(self):
        noisy = 3 * np.sin(1.3 * np.arange(4096)) + white(1, 1, 4096)
        spectrum = SmoothSpectrum().estimate_noise(noisy).spectrum((4096,))
        assert 10 * np.log10(spectrum.max()) < 2

    @pytest.mark.parametrize("sigma", [3, 25])
    def test_photographs(self, sigma):
        data = Photos32(window=128, stride=64, grey=True)
        clean = np.stack([data.item("train", 0, item) for item in range(3)]).astype(np.float64)
        noisy = clean + sigma * white(*clean.shape)
        error = {
            name: np.abs(db(e.estimate_noise(noisy).level / sigma)).mean()
            for name, e in {**WHITE, "smooth": SmoothSpectrum()}.items()
        }
        if sigma == 3:  # the photographs have noise of their own
            assert error["quiet"] < min(1.0, error["mad"])
            assert error["smooth"] < 3
        else:
            assert error["quiet"] < 0.3
            assert error["smooth"] < 1

    def test_digital_silence_and_clipped_areas_are_left_out(self):
        signal = white(1, 1, 4000)
        signal[..., 1000:3000] = 0
        assert abs(db(Quiet().estimate_noise(signal).level)) < 0.8
        image = np.clip(20 * white(1, 1, 128, 128), -(10**6), 0)  # half of the pixels
        image[..., 64:] = 20 * white(1, 1, 128, 64, seed=1) - 100
        assert abs(db(Quiet().estimate_noise(image).level / 20)) < 0.5


class TestParts:
    def test_the_lapped_transform_is_orthonormal(self):
        x = white(64 + 16, seed=3)
        x[:8] = x[-8:] = 0  # what the first and last half frames contain
        padded = np.concatenate([np.zeros(8), x, np.zeros(8)])
        assert np.sum(lapped_transform(padded, 8) ** 2) == pytest.approx(np.sum(x**2))

    def test_the_floor_is_the_spectrum_of_noise(self):
        cells, around = signal_cells([white(2**15, seed=4)], 64)
        floor = noise_floor(cells, around)
        assert np.abs(10 * np.log10(floor.at(np.linspace(0, 0.5, 50)))).max() < 1.5
        assert floor.cells.sum() > 0.05 * cells.size

    def test_only_parts_of_a_very_long_signal_are_used(self):
        noisy = white(1, 1, 2**21)
        assert sum(map(len, signal_parts(noisy[0]))) == 2**20
        assert Quiet().estimate_noise(noisy).level == pytest.approx(1, abs=0.02)

    def test_a_spectrum_on_a_coarse_grid_keeps_its_mean(self):
        noise = StationaryNoise(np.array([[4.0, 1.0, 0.5, 1.0]]))
        for n in (4, 7, 8, 100):
            assert noise.spectrum((n,)).mean() == pytest.approx(noise.level[0] ** 2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Subband(wavelet="db99"), "wavelet='db99'|db99"),
        (lambda: Autoregressive(max_order=-1), "max_order=-1 must be >= 0"),
        (lambda: Autoregressive().estimate_noise(white(1, 1, 20, 20)), "needs signals"),
    ],
)
def test_invalid_settings(make, message):
    with pytest.raises(InputError, match=message):
        make()
