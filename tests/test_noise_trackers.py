"""Noise trackers, the errors of their spectra, and noise tracking as a problem."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.signal import lfilter

from sigbench import InputError, SpeechSmoke, load
from sigbench.benchmark.methods.resolve import resolve
from sigbench.benchmark.suites.entries import problems_of
from sigbench.denoisers.speech.frames import framing, power_spectra
from sigbench.denoisers.speech.trackers import (
    TRACKERS,
    Imcra,
    LeadingNoise,
    Mcra,
    MinStatistics,
    SpeechPresence,
    noise_spectra,
)
from sigbench.denoisers.speech.trackers.min_statistics import minimum_bias
from sigbench.denoisers.speech.trackers.recursion import converted, smoothed_over_bins
from sigbench.problems.degradations import Gaussian
from sigbench.problems.noise_tracking import NoiseTracking, smoothed
from sigbench.scoring.metrics import METRICS

FRAMES = framing(8000.0)
SECOND = round(1 / FRAMES.frame_s)  # in frames
TRUE = 1 / 4  # power of white noise of variance 1 in a frame of which 4 cover a sample
FOLLOWING = [name for name in TRACKERS if name != "leading"]


def white(items, seconds, seed=0):
    return np.random.default_rng(seed).standard_normal((items, 1, round(8000 * seconds)))


def db(ratio):
    return 10 * np.log10(ratio)


def mean_db(spectra, true=TRUE):
    """Return the error of the mean over items and inner bins in dB, for every frame."""
    return db(spectra[:, :, 2:-2].mean(axis=(0, 2)) / true)


@pytest.mark.parametrize("name", TRACKERS)
class TestEveryTracker:
    @pytest.mark.parametrize(("fs", "window_ms", "overlap"), [(8000.0, 32, 4), (16000.0, 20, 2)])
    def test_stationary_noise(self, name, fs, window_ms, overlap):
        frames = framing(fs, window_ms, overlap)
        noise = np.random.default_rng(1).standard_normal((6, 1, round(4 * fs)))
        spectra = noise_spectra(TRACKERS[name](), noise, frames)
        after = spectra[:, round(2 / frames.frame_s) :]
        assert abs(db(after[:, :, 2:-2].mean() * overlap)) < 1.2
        assert np.abs(db(after[:, :, 2:-2] * overlap)).mean() < 1.8

    def test_equivariance(self, name):
        noise = white(2, 1.5)
        power = noise_spectra(TRACKERS[name](), noise, FRAMES)
        for exponent in (-40, 3):  # powers of 2: without rounding
            scaled = noise_spectra(TRACKERS[name](), noise * 2.0**exponent, FRAMES)
            assert np.array_equal(scaled, power * 4.0**exponent)

    def test_a_batch_is_its_items(self, name):
        noise = white(3, 2)
        noise[1, :, :4000] = 0
        noise[2, :, 9000:9700] = 0
        noise[0] *= 1e3
        together = noise_spectra(TRACKERS[name](), noise, FRAMES)
        for item in range(3):
            alone = noise_spectra(TRACKERS[name](), noise[item : item + 1], FRAMES)
            assert np.array_equal(alone[0], together[item])

    def test_the_future_does_not_matter(self, name):
        power = power_spectra(white(1, 2), FRAMES)
        update, other = (TRACKERS[name]().start(FRAMES) for _ in range(2))
        first = [update(power[:, m]).copy() for m in range(100)]
        changed = np.where(np.arange(power.shape[1])[:, None] < 100, power, 1e6)
        second = [other(changed[:, m]).copy() for m in range(200)]
        assert np.array_equal(first, second[:100])

    def test_results_are_not_changed_later(self, name):
        power = power_spectra(white(1, 1), FRAMES)
        update = TRACKERS[name]().start(FRAMES)
        kept = [update(power[:, m]) for m in range(power.shape[1])]
        copies = noise_spectra(TRACKERS[name](), white(1, 1), FRAMES)
        assert np.array_equal(np.stack(kept, axis=1), copies)

    @pytest.mark.parametrize("length", [1, 50, 4000])
    def test_degenerate_signals(self, name, length):
        ramp = np.linspace(-3, 3, length)
        signals = np.stack([0 * ramp, 0 * ramp + 5, np.clip(ramp, -1, 1), np.sign(ramp)])[:, None]
        for dtype in (np.float32, np.float64):
            spectra = noise_spectra(TRACKERS[name](), signals.astype(dtype), FRAMES)
            assert np.isfinite(spectra).all()
            assert (spectra >= 0).all()
            assert not spectra[0].any()


@pytest.mark.parametrize("name", FOLLOWING)
class TestFollowing:
    def test_digital_silence_at_the_beginning(self, name):
        noise = white(4, 3)
        noise[:, :, :8000] = 0
        error = noise_spectra(TRACKERS[name](), noise, FRAMES)
        assert not error[:, : SECOND - 4].any()
        assert np.abs(mean_db(error[:, round(1.2 * SECOND) :])).max() < 1.5

    def test_digital_silence_later(self, name):
        noise = white(4, 6)
        noise[:, :, 24000:32000] = 0
        error = mean_db(noise_spectra(TRACKERS[name](), noise, FRAMES)[:, 2 * SECOND :])
        assert error.min() > -2.5

    # Times from the parameters of the methods; see their docstrings.
    @pytest.mark.parametrize("step_db", [10, -10])
    def test_a_step_is_followed(self, name, step_db):
        times = {"imcra": 2.4, "mcra": 2.4, "min-statistics": 1.9, "speech-presence": 1.0}
        noise = white(4, 7)
        noise[:, :, 32000:] *= 10 ** (step_db / 20)
        error = mean_db(noise_spectra(TRACKERS[name](), noise, FRAMES))
        late = 4 * SECOND + 4 + round((times[name] if step_db > 0 else 0.6) * SECOND)
        assert np.abs(error[late:] - step_db).max() < 1.7

    def test_speech_in_little_noise_raises_the_estimate_little(self, name):
        speech = np.stack([SpeechSmoke().item("test", 1, i) for i in range(4)]).astype(np.float64)
        frames = framing(16000.0)
        noise = np.random.default_rng(0).standard_normal(speech.shape)
        sigma = 0.1 * np.sqrt(np.mean(speech**2))  # 20 dB
        after = noise_spectra(TRACKERS[name](), speech + sigma * noise, frames)[:, 60:]
        raised = db(after / (TRUE * sigma**2))
        of_speech = power_spectra(speech, frames)[:, 60:] / (TRUE * sigma**2)
        assert db(of_speech.mean()) > 19
        assert np.maximum(raised, 0).mean() < 1.5


def test_estimates_depend_on_time_not_on_frames():
    # The same step, at hops of 8 and 16 ms: half-way up at the same time.
    step = white(8, 5, seed=2)
    step[:, :, 16000:] *= 10**0.5
    halfway = []
    for overlap in (2, 4):
        frames = framing(8000.0, 32.0, overlap)
        rise = mean_db(noise_spectra(SpeechPresence(), step, frames), 1 / overlap)
        halfway.append(np.argmax(rise > 4) * frames.frame_s - 2)
    assert halfway == pytest.approx([0.29, 0.29], abs=0.06)


class TestParts:
    def test_conversion_keeps_the_time_constant(self):
        assert converted(0.9, FRAMES.frame_s, FRAMES) == pytest.approx(0.9)
        twice = framing(8000.0, overlap=2)
        assert converted(0.9, 0.008, twice) == pytest.approx(0.81)

    def test_smoothing_over_bins_is_that_of_the_whole_spectrum(self):
        half = np.random.default_rng(0).random((2, 9))
        whole = np.concatenate([half, half[:, -2:0:-1]], axis=1)  # bins 0 to 15
        mean = 0.5 * whole + 0.25 * (np.roll(whole, 1, axis=1) + np.roll(whole, -1, axis=1))
        assert np.allclose(smoothed_over_bins(half), mean[:, :9], atol=1e-15)

    def test_leading_noise_of_a_known_length(self):
        noise = white(1, 1)
        noise[:, :, 4000:] *= 10
        assert abs(mean_db(noise_spectra(LeadingNoise(4000), noise, FRAMES))[-1]) < 0.3
        assert mean_db(noise_spectra(LeadingNoise(8000), noise, FRAMES))[-1] > 10

    def test_the_bias_of_speech_presence_is_the_fixed_point_of_its_recursion(self):
        # Slowly averaged, the estimate c in noise of power 1 satisfies E[(1 − P(y/c))(y − c)] = 0.
        snr = 10**1.5

        def drift(c):
            def integrand(y):
                absence = 1 - 1 / (1 + (1 + snr) * np.exp(-snr / (1 + snr) * y / c))
                return np.exp(-y) * absence * (y - c)

            return quad(integrand, 0, 60)[0]

        expected = db(brentq(drift, 0.3, 1.5))
        error = mean_db(noise_spectra(SpeechPresence(), white(8, 6), FRAMES)[:, SECOND:]).mean()
        assert error == pytest.approx(expected, abs=0.12)

    def test_mcra_averages_all_frames_of_stationary_noise_above_its_threshold(self):
        # Nothing exceeds an infinite threshold: a recursive average with the factor 0.95.
        power = power_spectra(white(2, 2), FRAMES)
        estimate = noise_spectra(Mcra(threshold=1e12), white(2, 2), FRAMES)
        start = power[:, :10].mean(axis=1, keepdims=True)
        average = lfilter([0.05], [1, -0.95], power[:, 10:], axis=1, zi=0.95 * start)[0]
        assert np.allclose(estimate[:, 10:], average, rtol=1e-12)


class TestMinimumStatistics:
    def test_bias_of_independent_periodograms(self):
        # The mean minimum of D independent exponential variables is 1/D of their mean.
        for length in (1, 7, 96):
            assert minimum_bias(np.array(0.5), length) == pytest.approx(length)

    def test_bias_vanishes_without_variance_or_with_one_frame(self):
        assert minimum_bias(np.array(0.0), 96) == 1
        assert minimum_bias(np.array(0.2), 1) == 1

    @pytest.mark.parametrize(("length", "tolerance"), [(12, 0.02), (40, 0.03), (96, 0.05)])
    def test_bias_of_smoothed_periodograms(self, length, tolerance):
        # Minima of simulated spectra, at the hop of the paper; eq. (17) is approximate.
        frames = framing(8000.0, overlap=2)
        power = power_spectra(white(1, 60), frames)[:, :, 4:-4]
        smooth = lfilter([0.05], [1, -0.95], power, axis=1)[:, 200:]
        variance = smooth.var() / (2 * smooth.mean() ** 2)
        n = smooth.shape[1] // length
        minima = smooth[:, : n * length].reshape(n, length, -1).min(axis=1)
        simulated = smooth.mean() / minima.mean()
        assert minimum_bias(variance, length) == pytest.approx(simulated, rel=tolerance)

    def test_estimates_follow_the_minimum_not_the_mean(self):
        # Loud bursts during 3 of 4 quarters of a second are passed over.
        noise = white(4, 6)
        quarter = np.arange(noise.shape[-1]) // 2000
        noise[:, :, quarter % 4 != 0] *= 10
        error = mean_db(noise_spectra(MinStatistics(), noise, FRAMES)[:, 3 * SECOND :])
        assert np.abs(error).max() < 3.5


class TestMetrics:
    @pytest.mark.parametrize(("factor", "over", "under"), [(100, 20, 0), (0.1, 0, 10), (1, 0, 0)])
    def test_a_constant_factor(self, factor, over, under):
        true = np.random.default_rng(0).random((2, 1, 5, 9)) + 0.1
        values = {
            name: METRICS[name](true, factor * true, 1.0)
            for name in ("noise_overestimation", "noise_underestimation", "noise_spectrum_error")
        }
        assert np.allclose(values["noise_overestimation"], over, atol=1e-9)
        assert np.allclose(values["noise_underestimation"], under, atol=1e-9)
        assert np.allclose(values["noise_spectrum_error"], over + under, atol=1e-9)

    def test_zeros(self):
        true, estimate = np.array([[[0.0, 2.0]]]), np.array([[[0.0, 2.0]]])
        assert METRICS["noise_spectrum_error"](true, estimate, 1.0) == 0
        assert METRICS["noise_spectrum_error"](true, estimate[..., ::-1], 1.0) == pytest.approx(
            db(2 / 1e-10), abs=0.1
        )
        assert METRICS["noise_spectrum_error"](0 * true, 0 * estimate, 1.0) == 0


class TestProblem:
    problem = NoiseTracking("p", SpeechSmoke(), Gaussian(snr_db=5.0), items=3)

    def test_the_true_spectrum_is_that_of_the_noise(self):
        (block,) = self.problem.blocks(1, 8)
        frames = framing(16000.0)
        clean = np.stack([SpeechSmoke().item("test", 1, i) for i in range(3)])
        power = power_spectra(block.noisy.astype(float) - clean, frames)
        true = smoothed(power, frames, 0.15)
        assert block.clean.shape == (3, 1, *power.shape[1:])
        assert np.allclose(block.clean[:, 0], true, rtol=1e-5)
        assert self.problem.score(METRICS["noise_spectrum_error"], block, block.clean).tolist() == [
            0,
            0,
            0,
        ]

    def test_the_smoothing_is_a_two_sided_exponential(self):
        impulse = np.zeros((1, 401, 1))
        impulse[:, 200] = 1
        alpha = np.exp(-0.008 / 0.1)
        expected = (1 - alpha) / (1 + alpha) * alpha ** np.abs(np.arange(-200, 201.0))
        assert np.allclose(smoothed(impulse, FRAMES, 0.1).ravel(), expected, atol=1e-8)

    def test_apply_runs_the_tracker(self):
        (block,) = self.problem.blocks(1, 8)
        estimate = self.problem.apply(Imcra(), block, sigma_given=False)
        assert estimate.dtype == block.noisy.dtype
        expected = noise_spectra(Imcra(), block.noisy, framing(16000.0))[:, None]
        assert np.array_equal(estimate, expected.astype(estimate.dtype))

    def test_invalid_problems(self):
        from sigbench import DemoSignals

        with pytest.raises(InputError, match="p: demo-signals has no sampling rate"):
            NoiseTracking("p", DemoSignals(), Gaussian(snr_db=5.0), items=3)
        with pytest.raises(InputError, match="smoothing_s=0 must be >= "):
            NoiseTracking("p", SpeechSmoke(), Gaussian(snr_db=5.0), items=3, smoothing_s=0)
        with pytest.raises(InputError, match="p: noise tracking has no training split"):
            self.problem.training(sigma_given=False)
        with pytest.raises(InputError, match="task='denoise' must be one of: noise-tracking"):
            problems_of({"task": "denoise", "dataset": "speech-smoke", "degradation": "gaussian"})

    def test_methods_for_another_task(self):
        suite = load("noise-tracking")
        with pytest.raises(
            InputError, match=r"l1\[lam=1\] is a denoiser, but white-0dB is a noise"
        ):
            suite.select(methods=["l1[lam=1]"])
        with pytest.raises(
            InputError, match="mcra is a noise tracker, but white-0dB is a denoising"
        ):
            load("speech-smoke").select(methods=["mcra"])

    def test_a_user_tracker(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "own_tracker.py").write_text(
            "class Periodogram:\n    def start(self, frames):\n        return lambda power: power\n"
        )
        (mine,) = resolve("own_tracker:Periodogram")
        assert mine.task == "noise tracking"
        suite = load("noise-tracking").select(methods=["mcra", "own_tracker:Periodogram"])
        assert [method.name for method in suite.methods] == ["mcra", "own_tracker:Periodogram"]

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: MinStatistics(memory_s=-1), "memory_s=-1 must be >= 0"),
            (lambda: Mcra(threshold=0.5), "threshold=0.5 must be >= 1"),
            (lambda: Imcra(memory_s=np.inf), "memory_s=inf must be >= 0 and finite"),
            (lambda: SpeechPresence(snr_db=-3), "snr_db=-3 must be >= 0"),
            (lambda: LeadingNoise(lead_in=0), "lead_in=0 must be >= 1"),
        ],
    )
    def test_invalid_parameters(self, make, message):
        with pytest.raises(InputError, match=message):
            make()
