"""Suppression rules for speech: their gains against integrals, and what all of them guarantee."""

import re
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import i0e

from sigbench.core.errors import InputError
from sigbench.core.protocols import Info
from sigbench.denoisers.speech.frames import framing
from sigbench.denoisers.speech.masks import IdealRatioMask, OracleWienerMask
from sigbench.denoisers.speech.mmse import (
    MMSESTSA,
    DecisionDirectedWiener,
    LogMMSE,
    log_stsa_gain,
    stsa_gain,
    wiener_gain,
)
from sigbench.denoisers.speech.om_lsa import OMLSA, speech_absence, speech_probability
from sigbench.denoisers.speech.spectral_subtraction import BeroutiSubtraction, BollSubtraction
from sigbench.denoisers.speech.suppression import decision_directed, ratio
from sigbench.denoisers.speech.trackers import LeadingNoise
from sigbench.scoring.metrics import si_sdr

FS = 8000.0
RULES = [
    BollSubtraction,
    BeroutiSubtraction,
    DecisionDirectedWiener,
    MMSESTSA,
    LogMMSE,
    OMLSA,
]
MASKS = [OracleWienerMask, IdealRatioMask]


@dataclass(frozen=True)
class ConstantNoise:
    """A tracker that knows the noise power."""

    power: float = 0.0

    info = Info("constant", "noise tracker", "test")

    def start(self, frames):
        return lambda power: np.full_like(power, self.power)


@pytest.fixture(params=RULES, ids=lambda rule: rule.info.name)
def rule(request):
    return request.param


def voiced(rng, n=8000, lead=2000):
    """Return harmonics that fade in and out, after a lead-in of silence, shape (1, 1, n)."""
    t = np.arange(n) / FS
    pitch = 2 * np.pi * (120 * t + 10 * np.sin(2 * np.pi * 2 * t))
    tone = sum(np.cos(k * pitch + rng.uniform(0, 6)) / k for k in range(1, 12))
    envelope = np.maximum(np.sin(2 * np.pi * 3 * t), 0) * (np.arange(n) >= lead)
    return (tone * envelope).reshape(1, 1, -1)


def mixture(seed=0, level=0.2):
    rng = np.random.default_rng(seed)
    clean = voiced(rng)
    return clean, clean + level * rng.standard_normal(clean.shape)


def score(clean, estimate):
    return si_sdr(clean[:, 0], estimate[:, 0], 1.0)[0]


# gains


def posterior_mean(f, xi, gamma):
    """Return E[f(A) | R] for λ = 1, R² = γ, by integrating the Rayleigh prior times likelihood.

    p(A | R) ∝ A·exp(−A²/ξ)·exp(−A² − R²)·I₀(2AR) (Ephraim and Malah 1984, equations 8-10).
    """
    r, wiener = np.sqrt(gamma), xi / (1 + xi)
    low = max(0, wiener * r - 10 * np.sqrt(wiener))
    high = wiener * r + 10 * np.sqrt(wiener)

    def density(a):
        return a * np.exp(-((a - wiener * r) ** 2) / wiener) * i0e(2 * a * r)

    total = quad(density, low, high, epsabs=0, epsrel=1e-10, limit=200)[0]
    mean = quad(lambda a: f(a) * density(a), low, high, epsabs=0, epsrel=1e-10, limit=200)[0]
    return mean / total


SNRS = 10 ** np.random.default_rng(3).uniform(-2.5, 2.5, (20, 2))


@pytest.mark.parametrize(("xi", "gamma"), SNRS)
def test_the_amplitude_gain_is_the_posterior_mean(xi, gamma):
    expected = posterior_mean(lambda a: a, xi, gamma) / np.sqrt(gamma)
    np.testing.assert_allclose(stsa_gain(np.array(xi), np.array(gamma)), expected, rtol=1e-7)


@pytest.mark.parametrize(("xi", "gamma"), SNRS)
def test_the_log_amplitude_gain_is_the_posterior_mean_of_the_log(xi, gamma):
    expected = np.exp(posterior_mean(np.log, xi, gamma)) / np.sqrt(gamma)
    np.testing.assert_allclose(log_stsa_gain(np.array(xi), np.array(gamma)), expected, rtol=1e-6)


@pytest.mark.parametrize("gain", [stsa_gain, log_stsa_gain])
def test_gains_tend_to_that_of_wiener(gain):
    xi = np.logspace(-2.5, 6, 30)
    gamma = np.full_like(xi, 1e9)
    np.testing.assert_allclose(gain(xi, gamma), wiener_gain(xi, gamma), rtol=1e-6)


@pytest.mark.parametrize("gain", [wiener_gain, stsa_gain, log_stsa_gain])
def test_gains_are_finite_over_the_whole_range(gain):
    xi, gamma = np.meshgrid(np.logspace(-10, 12, 45), [0.0, *np.logspace(-300, 12, 45)])
    values = gain(xi, gamma)
    assert np.isfinite(values).all()
    assert (values >= 0).all()


def test_the_log_gain_is_at_most_the_amplitude_gain():
    xi, gamma = np.meshgrid(np.logspace(-3, 4, 30), np.logspace(-3, 4, 30))
    assert (log_stsa_gain(xi, gamma) <= stsa_gain(xi, gamma)).all()  # Jensen's inequality
    assert (wiener_gain(xi, gamma) <= log_stsa_gain(xi, gamma)).all()  # E₁ > 0


def test_ratios_are_limited_at_any_scale():
    power = np.array([1e300, 1.0, 1e-200, 0.0, 0.0])
    noise = np.array([0.0, 1e-300, 1e-200, 1.0, 0.0])
    np.testing.assert_allclose(ratio(power, noise), [1e12, 1e12, 1.0, 0.0, 0.0])


def test_the_a_priori_snr_follows_its_recursion():
    rng = np.random.default_rng(5)
    power, noise = rng.exponential(3, (6, 2, 4)), rng.uniform(0.5, 2, (6, 2, 4))
    step = decision_directed(log_stsa_gain, 0.9, -10.0)
    before = np.ones((2, 4))
    for m in range(6):
        xi, gamma, gain = step(power[m], noise[m])
        expected = 0.9 * before + 0.1 * np.maximum(power[m] / noise[m] - 1, 0)
        np.testing.assert_allclose(xi, np.maximum(expected, 0.1))
        np.testing.assert_allclose(gain, log_stsa_gain(xi, gamma))
        if m < 5:
            before = gain**2 * power[m] / noise[m + 1]


# OM-LSA


def test_the_probability_of_speech_is_bayes_rule():
    rng = np.random.default_rng(2)
    xi, gamma = 10 ** rng.uniform(-2, 1, (2, 50))
    q = rng.uniform(0, 0.95, 50)
    speech = np.exp(-gamma / (1 + xi)) / (1 + xi)  # |Y|² is exponential with mean λ(1 + ξ)
    noise = np.exp(-gamma)
    expected = (1 - q) * speech / ((1 - q) * speech + q * noise)
    np.testing.assert_allclose(speech_probability(xi, gamma, q), expected)


def test_speech_is_absent_where_the_snr_is_low():
    absence = speech_absence()
    xi = np.full((1, 129), 10**-2.5)
    assert (absence(xi) == 0.95).all()
    xi[:, 20:60] = 100.0
    for _ in range(10):
        q = absence(xi)
    assert (q[:, 22:58] == 0).all()
    assert (q[:, 100:] == 0.95).all()  # farther than the wide window reaches


def test_a_single_bin_does_not_count_as_speech_beyond_its_window():
    absence = speech_absence()
    xi = np.full((1, 129), 10**-2.5)
    xi[:, 64] = 50.0
    q = absence(xi)
    assert (q[:, [64]] < 0.95).all()
    assert (q[:, [40, 90]] == 0.95).all()


# subtraction


def test_oversubtraction_follows_the_snr_of_the_frame():
    noise = np.ones((3, 129))
    snr_db = np.array([-10.0, 0.0, 30.0])
    power = noise * 10 ** (snr_db[:, None] / 10)
    power[:, 0] = 1e3  # one strong bin shows the factor
    total_db = np.clip(10 * np.log10(power.sum(axis=1) / 129), -5, 20)
    factor = 4 - 3 / 20 * total_db
    gain = BeroutiSubtraction(fs=FS)._gain(power, noise)
    np.testing.assert_allclose(gain[:, 0], np.sqrt(1 - factor / 1e3))
    np.testing.assert_allclose(gain[0, 1], np.sqrt(0.01 / 0.1))  # the floor


@pytest.mark.parametrize("average_ms", [0, 48])
def test_boll_subtracts_the_mean_magnitude_from_a_steady_spectrum(average_ms):
    frames = framing(FS)
    step = BollSubtraction(average_ms=average_ms, fs=FS).rule(frames)
    for _ in range(5):
        gain = step(np.full((1, 129), 25.0), np.full((1, 129), 4.0))
    np.testing.assert_allclose(gain, 1 - np.sqrt(np.pi) / 5)  # μ = √(π/4·4)


def test_boll_attenuates_frames_without_speech():
    step = BollSubtraction(fs=FS).rule(framing(FS))
    gain = step(np.full((1, 129), 0.7), np.ones((1, 129)))
    np.testing.assert_allclose(gain, 10**-1.5)


# all rules


def test_without_noise_the_gain_is_one(rule):
    _, noisy = mixture()
    denoise = rule(tracker=ConstantNoise(), fs=FS)
    np.testing.assert_allclose(denoise(noisy), noisy, atol=1e-9)


@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_rules_are_equivariant(rule, scale):
    _, noisy = mixture()
    denoise = rule(fs=FS)
    np.testing.assert_allclose(denoise(scale * noisy), scale * denoise(noisy), atol=1e-9 * scale)


@pytest.mark.parametrize("scale", [2.0**-80, 2.0**80])
def test_powers_beyond_float32_do_not_matter(rule, scale):
    noisy = mixture()[1][..., :3000].astype(np.float32)
    scaled = rule(fs=FS)(np.float32(scale) * noisy)
    np.testing.assert_array_equal(scaled, np.float32(scale) * rule(fs=FS)(noisy))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["zeros", "constant", "clipped", "silence first", "silence later"])
def test_degenerate_signals_stay_finite(rule, kind, dtype):
    _, noisy = mixture()
    n = noisy.shape[-1]
    signal = {
        "zeros": np.zeros_like(noisy),
        "constant": np.full_like(noisy, 0.3),
        "clipped": np.sign(noisy),
        "silence first": noisy * (np.arange(n) >= n // 2),
        "silence later": noisy * (np.arange(n) < n // 2),
    }[kind].astype(dtype)
    estimate = rule(fs=FS)(signal)
    assert estimate.dtype == dtype
    assert np.isfinite(estimate).all()
    assert np.abs(estimate).max() <= 2 * np.abs(signal).max()
    if kind == "zeros":
        assert (estimate == 0).all()


@pytest.mark.parametrize("length", [1, 2, 31, 257])
def test_any_length_is_accepted(rule, length):
    noisy = np.random.default_rng(1).standard_normal((2, 1, length))
    assert rule(fs=FS)(noisy).shape == noisy.shape


def test_later_samples_do_not_change_the_past(rule):
    _, noisy = mixture()
    denoise = rule(fs=FS)
    start = 5000
    other = noisy.copy()
    other[..., start:] = np.random.default_rng(9).standard_normal(noisy.shape[-1] - start)
    latency = round(denoise.latency_ms * FS / 1e3)
    first, second = denoise(noisy), denoise(other)
    np.testing.assert_array_equal(
        first[..., : start - latency + 1], second[..., : start - latency + 1]
    )
    assert (first[..., start:] != second[..., start:]).any()


def test_noise_is_reduced_and_speech_is_kept(rule):
    clean, noisy = mixture()
    denoise = rule(tracker=LeadingNoise(2000), fs=FS)
    before, after = (score(clean, x) for x in (noisy, denoise(noisy)))
    assert after > before + 5
    quiet = slice(400, 1600)  # no speech yet
    assert np.std(denoise(noisy)[..., quiet]) < 0.5 * np.std(noisy[..., quiet])


def test_the_latency_is_a_frame(rule):
    assert rule(fs=FS, window_ms=20, overlap=2).latency_ms == 20.0
    assert rule(fs=16_000.0).latency_ms == 40.0


VALUES = {"window_ms": 0.5, "overlap": 1, "alpha": 1.0, "floor": -0.1, "gain_min_db": 1.0}


@pytest.mark.parametrize("name", VALUES)
def test_parameters_outside_their_range_are_refused(name):
    rules = [rule for rule in RULES if name in rule.__dataclass_fields__]
    assert rules
    for rule in rules:
        with pytest.raises(InputError, match=f"{name}={VALUES[name]:g} must be >= "):
            rule(**{name: VALUES[name]})


def test_the_sampling_rate_is_required(rule):
    with pytest.raises(InputError, match="fs=None: the sampling rate in Hz must be given"):
        rule()(np.ones((1, 1, 800)))


def test_other_shapes_are_refused(rule):
    with pytest.raises(InputError, match=r"signals have shape \(1, 2, 800\)"):
        rule(fs=FS)(np.ones((1, 2, 800)))


# masks


@pytest.mark.parametrize("mask", MASKS)
def test_the_mask_of_a_clean_signal_is_one(mask):
    clean, _ = mixture()
    np.testing.assert_allclose(mask(fs=FS).bind(clean)(clean), clean, atol=1e-9)


@pytest.mark.parametrize("mask", MASKS)
def test_the_mask_is_better_than_noisy(mask):
    clean, noisy = mixture()
    before, after = (score(clean, x) for x in (noisy, mask(fs=FS).bind(clean)(noisy)))
    assert after > before + 6


def test_masks_of_the_same_exponent_agree():
    clean, noisy = mixture()
    one = OracleWienerMask(fs=FS).bind(clean)(noisy)
    two = replace(IdealRatioMask(fs=FS), power=1.0).bind(clean)(noisy)
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("mask", MASKS)
def test_a_mask_refuses_other_items(mask):
    clean, noisy = mixture()
    with pytest.raises(InputError, match=r"shape \(1, 1, 7999\): it must be \(1, 1, 8000\)"):
        mask(fs=FS).bind(clean)(noisy[..., 1:])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"fs": float("inf")}, "fs=inf must be > 0 and finite"),
        ({"fs": float("nan")}, "fs=nan must be > 0 and finite"),
        ({"fs": 8000.0, "overlap": 1_000_000}, "overlap=1000000 must be >= 2 and <= 64"),
        ({"fs": 8000.0, "window_ms": 1e9}, "window_ms=1e+09 at fs=8000 must be at most 1048576"),
        ({"fs": 1e12}, "window_ms=32 at fs=1e+12 must be at most 1048576 samples"),
    ],
)
def test_frames_that_no_memory_can_hold_are_refused(values, message):
    with pytest.raises(InputError, match=re.escape(message)):
        framing(**values)
