"""The cautions about the noise of a file."""

import numpy as np
import pytest
from PIL import Image

from sigbench import DemoSignals
from sigbench.cli.denoise.noise_checks import doubts, findings, noise_level
from sigbench.denoisers.noise_level import estimate_sigma

SIGNALS = ("blocks", "bumps", "heavisine", "doppler")


def clean(name="heavisine", n=1024):
    return DemoSignals(name, n).item("test", 1, 0)


def autoregressive(shape, rng):
    from scipy.signal import lfilter

    noise = rng.standard_normal(shape)
    for axis in range(1, len(shape)):
        noise = lfilter([1], [1, -0.7], noise, axis=axis)
    return noise / noise.std()


def impulsive(shape, rng):
    return rng.standard_normal(shape) * np.where(rng.random(shape) < 0.05, 10, 1)


NOISES = {
    "not white": autoregressive,
    "not Gaussian: ": lambda shape, rng: rng.laplace(size=shape) / np.sqrt(2),
    "not Gaussian": impulsive,
}


def said(y, sigma=None):
    return " | ".join(doubts(y, noise_level(y) if sigma is None else sigma))


def test_white_gaussian_noise_raises_few_alarms(rng):
    """At most 6 in 100 of 400; at a ratio of 15 the beginning of Doppler is as rough as noise."""
    alarms = 0
    for name in SIGNALS:
        for i in range(100):
            x = clean(name)
            y = x + x.std() / (3, 5, 7, 10)[i % 4] * rng.standard_normal(x.shape)
            alarms += bool(said(y))
    assert alarms <= 24


@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize("message", NOISES)
def test_noise_that_is_not_white_or_gaussian_is_found(rng, name, message):
    x = clean(name)
    made = [x + x.std() / 7 * NOISES[message](x.shape, rng) for _ in range(25)]
    assert sum(message.strip(": ") in said(y) for y in made) >= 22


def tones(rng, n, count):
    """Return tones of random frequencies, −5 to 30 dB above white noise of level 1."""
    t = np.arange(n)
    x = sum(np.cos(2 * np.pi * rng.uniform(0.005, 0.5) * t + i) for i in range(count))
    return x / x.std() * 10 ** (rng.uniform(-5, 30) / 20)


@pytest.mark.parametrize(("n", "most"), [(512, 8), (1024, 5), (4096, 2), (16_000, 1)])
@pytest.mark.parametrize("count", [1, 3])
def test_tones_in_white_noise_are_not_taken_for_colored_noise(rng, count, n, most):
    """At most ``most`` alarms of 40; without the test of the spectrum, 20 to 30 for a single tone."""
    made = [tones(rng, n, count) + rng.standard_normal(n) for _ in range(40)]
    assert sum("not white" in said(y[None], 1.0) for y in made) <= most


def test_tones_are_not_taken_for_noise():
    """A tone of 20 dB at 0.2 of the rate makes the level from details 10 times too large."""
    rng = np.random.default_rng(0)
    y = 10 * np.sqrt(2) * np.cos(0.4 * np.pi * np.arange(4096)) + rng.standard_normal(4096)
    assert estimate_sigma(y[None, None])[0] > 10
    assert noise_level(y[None]) == pytest.approx(1, rel=0.03)
    assert said(y[None]) == ""
    assert said(y[None], 10.2) == (
        "the noise level is 10.2 times the floor of the spectrum, as with tones; "
        "to use the floor, set --sigma 1"
    )


@pytest.mark.parametrize(("n", "fewest"), [(512, 18), (1024, 33), (4096, 39), (16_000, 39)])
@pytest.mark.parametrize("colour", ["weak", "strong", "mean of 3", "1/f"])
def test_colored_noise_is_found_in_records_of_any_length(rng, colour, n, fewest):
    """At least ``fewest`` of 40: autoregressive with 0.5 and 0.9, moving mean, and 1/f."""
    from scipy.signal import lfilter

    def noise():
        e = rng.standard_normal(n + 100)
        if colour == "1/f":
            return np.fft.irfft(np.fft.rfft(e)[1:] / np.sqrt(np.arange(1, len(e) // 2 + 1)))[:n]
        b, a = {
            "weak": ([1], [1, -0.5]),
            "strong": ([1], [1, -0.9]),
            "mean of 3": ([1, 1, 1], [1]),
        }[colour]
        return lfilter(b, a, e)[100:]

    assert sum("not white" in said(noise()[None]) for _ in range(40)) >= fewest


def test_digital_silence_is_not_a_floor(rng):
    y = np.zeros((1, 20_000))
    y[:, :7000] = rng.standard_normal(7000)
    assert "floor" not in said(y, 1.0)


def test_long_records_are_analyzed_in_segments(rng):
    y = rng.standard_normal((1, 1_000_001))
    assert said(y) == ""
    assert "not white" in said(y[:, 1:] + y[:, :-1])


@pytest.mark.parametrize("name", SIGNALS)
def test_varying_levels_clipping_and_rounding_are_found(rng, name):
    x = clean(name)
    found = {"not constant": 0, "clipped": 0, "rounded": 0}
    for _ in range(25):
        noise = rng.standard_normal(x.shape)
        sigma = x.std() / 7
        y = x + sigma * noise
        found["not constant"] += "not constant" in said(x + 0.2 * np.abs(x) * noise)
        found["clipped"] += "5.1% of the samples are clipped" in said(
            np.clip(y, *np.quantile(y, [0.025, 0.975]))
        )
        stepped = np.round(y / (2 * sigma)) * 2 * sigma
        found["rounded"] += any(w in said(stepped) for w in ("coarser than the noise", "is zero"))
    assert min(found.values()) >= 22, found


@pytest.mark.parametrize("sigma", [25.0, 50.0])
def test_photographs(rng, real_data, sigma):
    """Crops of 128×128: few alarms for white noise, few misses of other noise."""
    alarms, missed = 0, dict.fromkeys(NOISES, 0)
    for i in range(1, 16):
        x = np.asarray(Image.open(real_data / "bsd400" / f"test_{i:03}.png"), float)[
            None, :128, :128
        ]
        alarms += bool(said(x + sigma * rng.standard_normal(x.shape)))
        for message, noise in NOISES.items():
            missed[message] += message.strip(": ") not in said(x + sigma * noise(x.shape, rng))
    assert alarms <= 1
    assert max(missed.values()) <= 2, missed


def test_the_noise_level_of_photographs_depends_less_on_texture(rng, real_data):
    by_median, where_smooth = [], []
    for i in range(1, 16):
        x = np.asarray(Image.open(real_data / "bsd400" / f"test_{i:03}.png"), float)[None]
        y = x + 15 * rng.standard_normal(x.shape)
        by_median.append(estimate_sigma(y[None])[0] / 15 - 1)
        where_smooth.append(noise_level(y) / 15 - 1)
    assert np.mean(np.abs(where_smooth)) < 0.6 * np.mean(np.abs(by_median))


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 20), (200, 1), (99, 2), (50, 5), (1, 3, 3), (3, 1, 40), (1, 9, 200)]
)
def test_small_items(rng, shape):
    y = rng.standard_normal(shape)
    assert isinstance(said(y, 1.0), str)
    assert noise_level(y) >= 0
    assert said(np.ones(shape)).startswith("the noise level is zero")


# What a finding contains. benchmarks/cautions.py counts misses and false alarms.


def found(y, fs=None):
    return {one.kind: one for one in findings(y, noise_level(y), fs)}


def test_hum_is_found_with_its_remedy(rng):
    t = np.arange(4000) / 1000
    y = clean(n=4096)[:, :4000] + 0.5 * rng.standard_normal(4000) + np.cos(2 * np.pi * 50.02 * t)
    hum = found(y, 1000.0)["hum"]
    remedy = "without-lines[method=...,frequency=50]"
    assert hum.text == f"the noise has a line at 50.02 Hz (mains hum): use {remedy}"
    assert hum.remedy == remedy
    assert hum.p_value < 1e-6
    assert "hum" not in found(y)  # without a sampling rate, a tone may be the signal


@pytest.mark.parametrize("name", SIGNALS)
def test_rare_large_impulses_are_found(name, rng):
    x = clean(name)
    y = x + x.std() / 7 * (rng.standard_normal(x.shape))
    y[0, rng.choice(1024, 5, replace=False)] += 8 * x.std() / 7
    one = found(y)["impulses"]
    assert one.remedy == "despiked[method=...]"
    assert one.text.startswith("the noise is not Gaussian: 0.")


@pytest.mark.parametrize("name", SIGNALS)
def test_a_level_that_doubles_half_way_is_found(name, rng):
    x = clean(name)
    y = x + x.std() / 10 * np.where(np.arange(1024) < 512, 1, 2) * rng.standard_normal(x.shape)
    one = found(y)["varying"]
    assert one.remedy == "level-normalized[method=...]"
    assert "after 50% of the signal" in one.text


def test_photon_noise_is_found(rng):
    x = 60 + 40 * np.sin(np.arange(4000) / 300)
    one = found(rng.poisson(x)[None] + 0.5 * rng.standard_normal((1, 4000)))["signal-dependent"]
    assert one.remedy == "stabilized[method=...]"
    assert one.p_value < 1e-6


def test_a_level_of_zero_is_the_only_finding():
    (one,) = findings(np.ones((1, 100)), 0.0)
    assert (one.kind, one.p_value, one.remedy) == ("level", 0.0, "")


def test_every_caution_names_a_remedy(rng):
    """Clipping cannot be undone, and a short record cannot be tested."""
    y = rng.standard_normal((1, 2000))
    made = [
        2 * np.round(y / 2),
        y[:, 1:] + y[:, :-1],
        np.where(rng.random(y.shape) < 0.005, 12.0, y),
        rng.laplace(size=y.shape),
        y * np.repeat([1, 2], 1000),
        rng.poisson(60 + 40 * np.sin(np.arange(2000) / 300))[None] + 0.1 * y,
    ]
    cautions = [one for item in made for one in findings(item, noise_level(item))]
    assert len({one.kind for one in cautions}) == 6
    for one in cautions:
        assert one.remedy.endswith("]")
        assert one.text.endswith(one.remedy)
        assert one.text.count(". ") == 0
