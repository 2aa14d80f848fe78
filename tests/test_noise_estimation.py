"""Degradations with a known noise model, noise estimation as a problem, its metrics and suite."""

import numpy as np
import pytest

from sigbench import DemoSignals, Gaussian, InputError, Photos32, SpeechSmoke, load, run_suite
from sigbench.benchmark.methods.resolve import resolve
from sigbench.benchmark.suites.entries import problems_of
from sigbench.denoisers.noise import MAD, NOISE_ESTIMATORS, Quiet
from sigbench.denoisers.noise.models import StationaryNoise, white_noise
from sigbench.problems.base import Context, KnownNoise
from sigbench.problems.colored import Colored
from sigbench.problems.degradations import Impulse, Poisson
from sigbench.problems.disturbances import Hum, Spikes, Varying
from sigbench.problems.noise_estimation import NoiseEstimation, band_numbers, described
from sigbench.problems.photons import PoissonGaussian
from sigbench.problems.rounding import Rounded, rounded_level
from sigbench.problems.spectra import SPECTRA, BrownSpectrum, PinkSpectrum
from sigbench.scoring.metrics import METRICS
from sigbench.scoring.noise_metrics import BANDS, GRAYS, LENGTH, PARTS

METRIC_NAMES = [
    "noise_level_error",
    "noise_band_error",
    "noise_gray_error",
    "noise_profile_error",
]


def draw(degradation, clean, seed=0, peak=1.0):
    made = degradation(clean, np.random.default_rng(seed), peak=peak)
    return made.noisy - made.clean


KNOWN = {
    "gaussian": Gaussian(sigma=2.0, round=True),
    "poisson": Poisson(photons=2.0),
    "colored": Colored(SPECTRA["ar"](0.7), sigma=2.0),
    "poisson-gaussian": PoissonGaussian(gain=0.5, sigma=2.0),
    "varying": Varying(factor=3.0, sigma=2.0),
    "ramp": Varying(factor=0.2, change="ramp", sigma=2.0),
    "rounded": Rounded(step_over_sigma=1.0, sigma=2.0),
    "coarse": Rounded(step_over_sigma=2.7, sigma=2.0),
    "spikes": Spikes(amount=0.2, size_over_sigma=5.0, sigma=2.0),
    "hum": Hum(0.1, hum_over_sigma=2.0, sigma=2.0),
}


@pytest.mark.parametrize("name", KNOWN)
class TestKnownNoise:
    clean = np.tile(np.linspace(1, 20, 400), (2, 1, 100, 1)) * np.array([1, 2]).reshape(2, 1, 1, 1)

    def test_the_level_is_that_of_the_draws(self, name):
        assert isinstance(KNOWN[name], KnownNoise)
        noise = KNOWN[name].noise_model(self.clean, peak=10.0)
        drawn = draw(KNOWN[name], self.clean, peak=10.0)
        measured = np.sqrt((drawn**2).mean(axis=(1, 2, 3)))
        np.testing.assert_allclose(noise.level, measured, rtol=0.03)

    def test_the_variance_is_that_of_the_draws(self, name):
        noise = KNOWN[name].noise_model(self.clean, peak=10.0)
        drawn = draw(KNOWN[name], self.clean, peak=10.0)
        parts = [
            np.stack([part.mean(axis=(1, 2, 3)) for part in np.array_split(power, 4, axis=-1)])
            for power in (drawn**2, noise.variance(self.clean))
        ]
        np.testing.assert_allclose(*parts, rtol=0.08)
        assert noise.variance(self.clean).mean(axis=(1, 2, 3)) == pytest.approx(
            noise.level**2, rel=1e-3
        )


@pytest.mark.parametrize("name", SPECTRA)
class TestColored:
    def test_the_spectrum_of_the_draws(self, name):
        noise = Colored(SPECTRA[name](), sigma=3.0)
        zero = np.zeros((60, 1, 2048))
        drawn = draw(noise, zero)[:, 0] * np.hanning(2048)
        power = (np.abs(np.fft.fft(drawn)) ** 2).mean(axis=0) / np.sum(np.hanning(2048) ** 2)
        true = noise.noise_model(zero[:1], peak=1.0).spectrum((2048,))[0]
        bands = band_numbers((2048,))
        for band in range(BANDS):
            inside = bands == band
            assert power[inside].mean() == pytest.approx(true[inside].mean(), rel=0.12)

    def test_the_noise_is_not_periodic(self, name):
        drawn = draw(Colored(SPECTRA[name](), sigma=1.0), np.zeros((4000, 1, 32)))[:, 0]
        next_to = np.mean(drawn[:, 1:] * drawn[:, :-1])
        wrapped = np.mean(drawn[:, 0] * drawn[:, -1])
        if name in ("ma", "ar"):  # the others have long correlations
            assert abs(wrapped) < 0.15 * next_to + 0.05

    def test_the_same_draw_at_other_levels(self, name):
        clean = DemoSignals("bumps", 256).item("test", 1, 0)[None]
        one, two = (draw(Colored(SPECTRA[name](), snr_db=db), clean) for db in (0.0, 20.0))
        np.testing.assert_allclose(one, 10 * two, atol=1e-12)

    def test_images_are_isotropic(self, name):
        noise = Colored(SPECTRA[name](), sigma=1.0).noise_model(np.zeros((1, 3, 40, 60)), peak=1.0)
        power = noise.power[0]
        assert power[0, 60] == pytest.approx(power[40, 0])  # both are 1/2 cycles per sample
        assert power[0, 30] == pytest.approx(power[20, 0])


def test_pink_and_brown_noise_by_their_definitions():
    f = np.array([0.01, 0.02, 0.4])
    np.testing.assert_allclose(PinkSpectrum().density(f) * f, 1)
    np.testing.assert_allclose(BrownSpectrum().density(f) * f**2, 1)


class TestDisturbances:
    def test_spikes_are_added_to_white_noise(self):
        zero = np.zeros((1, 1, 4000))
        white = draw(Spikes(amount=0.0, sigma=1.0), zero)
        spiked = draw(Spikes(amount=0.02, size_over_sigma=30, sigma=1.0), zero)
        hit = spiked != white
        assert hit.mean() == pytest.approx(0.02, abs=0.007)
        assert np.abs(spiked - white)[hit].min() >= 15
        assert np.abs(spiked - white)[hit].max() <= 45
        more = draw(Spikes(amount=0.1, size_over_sigma=30, sigma=1.0), zero) != white
        assert (more | ~hit).all()  # the same samples and more

    def test_hum_is_at_its_frequency(self):
        hum = Hum(50.0, hum_over_sigma=4.0, harmonics=3, sigma=1.0)
        hum = hum.in_context(Context(SpeechSmoke(), "test"))
        zero = np.zeros((1, 1, 16000))  # 1 s
        line = draw(hum, zero) - draw(Hum(0.1, hum_over_sigma=0.0, sigma=1.0), zero)
        power = np.abs(np.fft.rfft(line[0, 0])) ** 2
        assert set(np.flatnonzero(power > 1e-6 * power.max())) == {50, 100, 150}
        assert power[50] == pytest.approx(9 * power[150])
        assert np.mean(line**2) == pytest.approx(16)

    @pytest.mark.parametrize("shape", [(1, 1, 2000), (1, 1, 64, 100)])
    def test_the_spectrum_of_hum(self, shape):
        hum = Hum(0.123, hum_over_sigma=4.0, harmonics=2, sigma=1.0)
        noise = hum.noise_model(np.zeros(shape), peak=1.0)
        power = noise.spectrum(shape[2:])[0].reshape(-1, shape[-1])
        assert noise.level == pytest.approx(17**0.5)
        assert (power[1:] == 1).all()
        np.testing.assert_allclose(power[0, 1:], power[0, :0:-1])  # real noise
        lines = np.flatnonzero(power[0, : shape[-1] // 2] > 1.01)
        f = 0.123 * shape[-1]
        assert set(lines) <= {int(f), int(f) + 1, int(2 * f), int(2 * f) + 1}
        clean = np.zeros((40, *shape[1:]))
        drawn = np.abs(np.fft.fft(draw(hum, clean), axis=-1)) ** 2 / shape[-1]
        summed = drawn.sum(axis=tuple(range(1, len(shape) - 1))).mean(axis=0)
        for line in (f, 2 * f):  # a sinusoid leaks into a few frequencies
            near = slice(int(line) - 4, int(line) + 6)
            assert summed[near].sum() == pytest.approx(power.sum(axis=0)[near].sum(), rel=0.1)

    def test_harmonics_above_half_of_the_sampling_rate_are_left_out(self):
        zero = np.zeros((1, 1, 1000))
        one, two = (draw(Hum(0.3, harmonics=k, sigma=1.0), zero) for k in (1, 2))
        assert np.mean(one**2) == pytest.approx(np.mean(two**2), rel=0.3)
        with pytest.raises(InputError, match=r"frequency=50 must be < 0.5 cycles per sample"):
            draw(Hum(50.0, sigma=1.0), zero)

    def test_a_step_is_in_the_middle(self):
        drawn = draw(Varying(factor=4.0, sigma=1.0), np.zeros((1, 1, 20_000)))[0, 0]
        assert drawn[10_000:].std() / drawn[:10_000].std() == pytest.approx(4, rel=0.05)

    def test_rounded_samples_are_multiples_of_the_step(self):
        clean = DemoSignals("bumps", 256).item("test", 1, 0)[None]
        made = Rounded(0.5, sigma=0.3)(clean, np.random.default_rng(0), peak=1.0)
        multiples = made.noisy / 0.15
        np.testing.assert_allclose(multiples, np.round(multiples), atol=1e-9)

    def test_rounding_without_noise(self):
        clean = np.linspace(0, 5, 100_001).reshape(1, 1, -1)
        level = rounded_level(clean, np.array([0.0]), np.array([1.0]))
        assert level == pytest.approx(1 / 12**0.5, rel=1e-3)

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: Colored(PinkSpectrum()), "set one of sigma and snr_db"),
            (lambda: SPECTRA["ar"](1.0), "coefficient=1 must be > -1 and < 1"),
            (lambda: Spikes(amount=1.5, sigma=1.0), "amount=1.5 must be >= 0 and <= 1"),
            (lambda: Rounded(1.0, sigma=0.0), "sigma=0 must be > 0"),
            (lambda: Varying(factor=0.0, sigma=1.0), "factor=0 must be >= 1e-06"),
            (lambda: PoissonGaussian(gain=0.0), "gain=0 must be >= "),
            (lambda: Hum(-1.0, sigma=1.0), "frequency=-1 must be >= "),
            (lambda: draw(PoissonGaussian(1.0), np.full((1, 1, 2), -1.0)), "must be >= 0"),
            (lambda: draw(Spikes(snr_db=3.0), np.zeros((1, 1, 2))), "no signal-to-noise ratio"),
        ],
    )
    def test_invalid_parameters(self, make, message):
        with pytest.raises(InputError, match=message):
            make()


class TestMetrics:
    true = np.random.default_rng(2).uniform(1, 5, (3, 1, LENGTH))

    @pytest.mark.parametrize("name", METRIC_NAMES)
    def test_identity_and_floor(self, name):
        metric = METRICS[name]
        assert not metric(self.true, self.true, 1.0).any()
        assert metric(self.true, 0 * self.true, 1.0) == pytest.approx(100, abs=10)
        assert not metric(0 * self.true, 0 * self.true, 1.0).any()
        with pytest.raises(InputError, match="is for noise estimation"):
            metric(np.ones((1, 1, 50)), np.ones((1, 1, 50)), 1.0)

    def test_each_metric_has_its_part(self):
        starts = dict(zip(METRIC_NAMES, np.cumsum([0, 1, BANDS, GRAYS]), strict=True))
        sizes = dict(zip(METRIC_NAMES, (1, BANDS, GRAYS, PARTS), strict=True))
        for name, start in starts.items():
            estimate = self.true.copy()
            estimate[..., start : start + sizes[name]] *= 0.1
            for other in METRIC_NAMES:
                expected = 10 if other == name else 0
                assert METRICS[other](self.true, estimate, 1.0) == pytest.approx(expected)


class TestProblem:
    problem = NoiseEstimation("p", SpeechSmoke(), Colored(PinkSpectrum(), snr_db=5.0), items=2)

    def test_the_true_noise_is_that_of_the_degradation(self):
        (block,) = self.problem.blocks(1, 8)
        clean = np.stack([SpeechSmoke().item("test", 1, i) for i in range(2)])
        true = self.problem.degradation.noise_model(clean, peak=1.0)
        np.testing.assert_allclose(block.clean[:, 0, 0], true.level**2)
        assert block.clean.shape == (2, 1, LENGTH)
        assert block.sigma is None
        for name in METRIC_NAMES:
            assert self.problem.score(METRICS[name], block, block.clean).tolist() == [0, 0]

    def test_apply_runs_the_estimator(self):
        (block,) = self.problem.blocks(1, 8)
        estimate = self.problem.apply(Quiet(), block, sigma_given=False)
        assert (estimate.shape, estimate.dtype) == (block.clean.shape, block.noisy.dtype)
        level = Quiet().estimate_noise(block.noisy).level
        np.testing.assert_allclose(estimate[:, 0, 0], level**2)
        np.testing.assert_array_equal(self.problem.caller(Quiet(), block.noisy, None), estimate)

    def test_gray_values_and_parts(self):
        data = Photos32(window=64, grey=True)
        problem = NoiseEstimation("p", data, PoissonGaussian(gain=2.0, sigma=3.0), items=1)
        (block,) = problem.blocks(1, 1)
        grays = block.clean[0, 0, 1 + BANDS : 1 + BANDS + GRAYS]
        values = 255 * (np.arange(8) + 0.5) / 8
        np.testing.assert_allclose(grays, 2 * values + 9, rtol=1e-6)
        step = NoiseEstimation("p", data, Varying(factor=2.0, sigma=3.0), items=1)
        (block,) = step.blocks(1, 1)
        np.testing.assert_allclose(block.clean[0, 0, -PARTS:], [0.4] * 4 + [1.6] * 4, rtol=1e-6)

    def test_a_faulty_model(self):
        shape, values = (2, 1, 300), (0.0,) * GRAYS
        with pytest.raises(InputError, match=r"level of the noise model has shape \(3,\), not"):
            described(white_noise(np.ones(3), 1), shape, values)
        with pytest.raises(InputError, match=r"spectrum of the noise model contains -0.01"):
            described(StationaryNoise(np.array([[3.0, -1.0]] * 2)), shape, values)
        with pytest.raises(InputError, match="contains nan"):
            described(white_noise(np.array([1, np.nan]), 1), shape, values)
        with pytest.raises(InputError, match="items of 40 samples are too small"):
            described(white_noise(np.ones(2), 1), (2, 1, 40), values)

    def test_invalid_problems(self):
        with pytest.raises(InputError, match="p: the noise model of impulse is not known"):
            NoiseEstimation("p", SpeechSmoke(), Impulse(0.1), items=1)
        with pytest.raises(InputError, match="clip and sigma_to must not be set"):
            next(
                NoiseEstimation("p", SpeechSmoke(), Gaussian(sigma=1.0, clip=True), 1).blocks(1, 1)
            )
        with pytest.raises(InputError, match="p: noise estimation has no training split"):
            self.problem.training(sigma_given=False)
        with pytest.raises(InputError, match="must be one of: noise-tracking, noise-estimation"):
            problems_of({"task": "denoise", "dataset": "speech-smoke", "degradation": "gaussian"})


class TestSuite:
    def test_it_has_all_estimators_and_kinds_of_noise(self):
        suite = load("estimate-noise")
        kinds = {problem.degradation.kind for problem in suite.problems}
        assert kinds >= {"gaussian", "colored-pink", "colored-ma", "colored-ar"}
        assert {m.name for m in suite.methods} == {*NOISE_ESTIMATORS, "hum[frequency=0.06]"}
        assert kinds >= {"poisson-gaussian", "spikes", "hum", "varying", "rounded"}
        assert all(method.task == "noise estimation" for method in suite.methods)

    def test_methods_for_another_task(self):
        with pytest.raises(
            InputError, match=r"wavelet is a denoiser, but .* is a noise estimation"
        ):
            load("estimate-noise").select(methods=["wavelet"])

    def test_a_user_estimator_runs_in_its_own_process(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "own_estimator.py").write_text(
            "import numpy as np\n"
            "from sigbench.denoisers.noise.models import white_noise\n"
            "class Spread:\n"
            "    def estimate_noise(self, noisy):\n"
            "        d = np.diff(noisy).reshape(len(noisy), -1)\n"
            "        return white_noise(d.std(axis=1) / 2**0.5, noisy.ndim - 2)\n"
            "class Faulty:\n"
            "    def estimate_noise(self, noisy):\n"
            "        return white_noise(np.zeros(1 + len(noisy)), noisy.ndim - 2)\n"
        )
        (mine,) = resolve("own_estimator:Spread")
        assert mine.task == "noise estimation"
        names = ["mad", "own_estimator:Spread", "own_estimator:Faulty"]
        suite = load("estimate-noise").select(
            methods=names, problems=["blocks-white-10dB"], seeds=[1], items=3
        )
        run_suite(suite, tmp_path / "out")
        failures = (tmp_path / "out" / "failures.jsonl").read_text()
        assert "the level of the noise model has shape" in failures
        board = (tmp_path / "out" / "leaderboard.csv").read_text()
        assert "own_estimator:Spread" in board


def test_estimates_of_zero_have_the_largest_error():
    problem = NoiseEstimation("p", DemoSignals("blocks", 512), Gaussian(sigma=1.0), items=1)
    (block,) = problem.blocks(1, 1)

    class Zero:
        def estimate_noise(self, noisy):
            return white_noise(np.zeros(len(noisy)), noisy.ndim - 2)

    estimate = problem.apply(Zero(), block, sigma_given=False)
    assert problem.score(METRICS["noise_level_error"], block, estimate) == pytest.approx(100)
    mad = problem.apply(MAD(), block, sigma_given=False)
    assert problem.score(METRICS["noise_level_error"], block, mad) < 3
