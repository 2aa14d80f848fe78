"""``denoise -m auto``: the choice, the expected errors, and the cautions."""

import numpy as np
import pytest
import soundfile
from PIL import Image

from sigbench import DemoSignals, InputError
from sigbench.benchmark.methods.resolve import resolve
from sigbench.benchmark.methods.sure import sure
from sigbench.cli.denoise.auto import CANDIDATES, as_text, denoise_automatically
from sigbench.cli.denoise.file import denoise_file
from sigbench.cli.denoise.noise_checks import doubts, noise_level
from sigbench.cli.main import main
from sigbench.core.media import Content, read
from sigbench.denoisers.noise_level import estimate_sigma

SIGNALS = ("blocks", "bumps", "heavisine", "doppler")


def clean(name="heavisine", n=1024):
    return DemoSignals(name, n).item("test", 1, 0)


def noisy_table(path, rng, sigma=0.5):
    x = clean()[0]
    y = x + sigma * rng.standard_normal(x.shape)
    np.savetxt(path, y, header="height", comments="")
    return x, y


@pytest.mark.parametrize("domain", CANDIDATES)
def test_the_weights_of_the_table_are_relative_to_the_noise_level(domain):
    for text in CANDIDATES[domain]:
        swept = resolve(text)
        assert 1 < len(swept) <= 16
        out = swept[0].entry(
            np.ones((1, 1, 32, 32) if domain == "image" else (1, 1, 256)), sigma=0.5
        )
        assert np.isfinite(out).all()


def test_it_uses_and_prints_the_best_of_the_table(here, rng, capsys):
    x, y = noisy_table("a.csv", rng)
    assert main(["denoise", "a.csv", "-o", "b.csv", "-m", "auto", "--sigma", "0.5"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0] == "noise level 0.5 (given); expected error by method:"
    shown = [line.split() for line in lines if "RMSE" in line and "interval" not in line]
    assert len(shown) == len(CANDIDATES["signal"]) + 1
    expected = [float(words[2]) for words in shown]
    assert expected == sorted(expected)
    assert ["noisy", "RMSE", "0.5"] in shown
    assert "caution" not in out
    assert "b.csv: auto" in err
    estimate = np.genfromtxt("b.csv", skip_header=1)
    true = np.sqrt(np.mean((estimate - x) ** 2))
    assert true < 0.35 * 0.5
    best = resolve(shown[0][0], sigma_given=True)[0].entry
    np.testing.assert_allclose(best(y[None, None], sigma=0.5)[0, 0], estimate, atol=1e-9)


def test_a_printed_line_can_be_typed_as_a_method(here, rng):
    noisy_table("a.csv", rng)
    (choice,) = denoise_file(here / "a.csv", here / "b.csv", "auto", sigma="0.5").choices
    denoise_file(here / "a.csv", here / "c.csv", choice.expected[0].method, sigma="0.5")
    assert (here / "b.csv").read_text() == (here / "c.csv").read_text()


def test_the_interval_of_the_expected_error_contains_the_true_error(rng):
    x, sigma, inside = clean("bumps"), 0.1, 0
    batch = x + sigma * rng.standard_normal((40, 1, 1024))
    content = Content(batch, "signal", None, None, lambda batch, suffix: b"")
    estimate, choices = denoise_automatically(content, np.full(40, sigma))
    for one, choice in zip(estimate, choices, strict=True):
        inside += choice.low <= np.sqrt(np.mean((one - x) ** 2)) <= choice.high
    assert inside >= 34


def test_the_expected_error_is_that_of_unclipped_estimates(here, rng):
    """A file of bytes has the range 0..255; clipping an estimate would change its SURE."""
    x = np.where(np.arange(512) // 32 % 2, 255, 0)
    y = np.clip(np.round(x + 60 * rng.standard_normal(512)), 0, 255).astype(np.uint8)
    np.save("a.npy", y)
    content = read(here / "a.npy")
    estimate, (choice,) = denoise_automatically(content, np.array([30.0]))
    clipped = []
    for expected in choice.expected:
        if expected.method == "noisy":
            continue
        method = resolve(expected.method, sigma_given=True)[0].entry
        judged = sure(method, content.batch, 30.0)
        assert expected.rmse == pytest.approx(np.sqrt(judged.mse[0]), rel=1e-6)
        if expected == choice.expected[0]:
            np.testing.assert_allclose(estimate, judged.estimate, atol=1e-3)
        by_range = sure(
            lambda z, *, sigma, f=method: np.clip(f(z, sigma=sigma), 0, 255), content.batch, 30.0
        )
        clipped.append(np.sqrt(by_range.mse[0]) / expected.rmse)
    assert min(clipped) < 0.98  # it makes a difference for some


def negative(choice):
    return [expected for expected in choice.expected if np.isnan(expected.rmse)]


def test_an_error_that_sure_cannot_estimate_is_unknown_not_zero(rng):
    """8-bit noise of level 60 on black and white has lost half of its power by clipping."""
    x = np.where(np.arange(32)[:, None] // 8 % 2, 255.0, 0.0) * np.ones((32, 32))
    y = np.clip(np.round(x + 60 * rng.standard_normal(x.shape)), 0, 255)
    content = Content(y[None, None], "image", 255.0, None, lambda batch, suffix: b"")
    estimate, (choice,) = denoise_automatically(content, np.array([60.0]))
    assert len(negative(choice)) == len(CANDIDATES["image"])
    assert np.isnan([choice.low, choice.high]).all()
    scores = [expected.sure for expected in choice.expected]  # the ranking is still that of SURE
    assert scores == sorted(scores)
    assert scores[-1] == 60.0**2
    best = resolve(choice.expected[0].method, sigma_given=True)[0].entry
    np.testing.assert_array_equal(best(content.batch, sigma=60.0), estimate)
    text = as_text((choice,), content)
    assert "RMSE 0" not in text
    assert text.count("RMSE unknown, SURE -") == 7
    assert "is negative for 7 of 8: their errors are unknown" in text
    assert "caution: these expected errors are not reliable" in text
    assert "interval" not in text


def test_sure_that_is_negative_by_chance_bounds_the_error(rng):
    """The error of a flat image is small, so about half of the estimates of its square are negative."""
    content = Content(
        128 + 25 * rng.standard_normal((4, 1, 24, 24)), "image", 255.0, None, lambda *_: b""
    )
    estimate, choices = denoise_automatically(content, np.full(4, 25.0))
    assert any(map(negative, choices))
    for one, choice in zip(estimate, choices, strict=True):
        assert choice.low <= np.sqrt(np.mean((one - 128) ** 2)) <= choice.high
    text = as_text(choices, content)
    assert text.count("95 % interval of the best RMSE, by chance alone: ") == 4
    assert "not reliable" not in text


def test_channels_and_columns_have_choices_of_their_own(here, rng):
    loud, quiet = clean("blocks")[0], clean("doppler")[0]
    y = np.stack([loud + 0.4 * rng.standard_normal(1024), quiet + 0.06 * rng.standard_normal(1024)])
    np.savetxt("a.csv", y.T, delimiter=",")
    done = denoise_file(here / "a.csv", here / "b.csv", "auto")
    assert done.choices[0].expected[0].method != done.choices[1].expected[0].method
    assert done.sigma == tuple(choice.sigma for choice in done.choices)
    assert "column 2: noise level" in as_text(done.choices, done.content)


def test_a_photograph_and_a_recording(here, rng, real_data):
    photo = np.asarray(Image.open(real_data / "bsd400" / "test_001.png"), float)
    noisy = np.clip(np.round(photo + 20 * rng.standard_normal(photo.shape)), 0, 255)
    Image.fromarray(noisy.astype(np.uint8)).save("a.png")
    done = denoise_file(here / "a.png", here / "b.png", "auto")
    rmse = np.sqrt(np.mean((np.asarray(Image.open("b.png"), float) - photo) ** 2))
    assert done.sigma[0] == pytest.approx(20, rel=0.05)
    assert done.choices[0].expected[0].rmse == pytest.approx(rmse, rel=0.1)
    assert "PSNR" in as_text(done.choices, done.content)

    clip, fs = soundfile.read(real_data / "fsdd" / "recordings" / "7_lucas_5.wav")
    soundfile.write("a.wav", clip + 0.02 * rng.standard_normal(len(clip)), fs)
    denoise_file(here / "a.wav", here / "b.wav", "auto", sigma="0.02")
    assert np.sqrt(np.mean((soundfile.read("b.wav")[0] - clip) ** 2)) < 0.012


def test_white_noise_in_sound_is_declared_by_a_level(here, rng):
    """With ``--sigma S`` or ``--sigma auto`` the choice is by SURE; without it, sound is speech."""
    soundfile.write("a.wav", 0.05 * rng.standard_normal(800), 8000, subtype="FLOAT")
    for sigma in ("0.05", "auto"):
        done = denoise_file(here / "a.wav", here / "b.wav", "auto", sigma=sigma, force=True)
        (choice,) = done.choices
        assert (choice.sigma_given, done.speech) == (sigma != "auto", None)
        assert choice.sigma == pytest.approx(0.05, rel=0.1)
        assert len(choice.expected) == len(CANDIDATES["speech"]) + 1
    done = denoise_file(here / "a.wav", here / "b.wav", "auto", force=True)
    assert done.choices == ()
    assert done.speech.network_hz == 8000


def test_sure_of_long_files_uses_excerpts(here, rng):
    np.save("a.npy", np.sin(np.arange(400_000) / 50) + 0.3 * rng.standard_normal(400_000))
    done = denoise_file(here / "a.npy", here / "b.npy", "auto")
    assert done.choices[0].expected[0].rmse < 0.06
    assert np.std(np.load("b.npy") - np.sin(np.arange(400_000) / 50)) < 0.06


def test_without_noise_the_input_is_returned(here, capsys):
    np.save("a.npy", clean("blocks")[0])
    assert main(["denoise", "a.npy", "-o", "b.npy", "-m", "auto"]) == 0
    assert "caution: the noise level is zero, so the item is not changed" in capsys.readouterr().out
    np.testing.assert_array_equal(np.load("b.npy"), np.load("a.npy"))


def test_existing_files_and_invalid_levels_are_rejected(here, rng):
    noisy_table("a.csv", rng)
    denoise_file(here / "a.csv", here / "b.csv", "auto")
    with pytest.raises(InputError, match=r"b\.csv exists; use --force to replace it"):
        denoise_file(here / "a.csv", here / "b.csv", "auto")
    with pytest.raises(InputError, match="sigma=much must be a number >= 0, or auto"):
        denoise_file(here / "a.csv", here / "c.csv", "auto", sigma="much")
    assert not (here / "c.csv").exists()
    assert read(here / "b.csv").batch.shape == (1, 1, 1024)


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


def test_a_tone_that_was_taken_for_noise_is_reported():
    """A tone of 20 dB at 0.2 of the rate makes the level from details 10 times too large."""
    rng = np.random.default_rng(0)
    y = 10 * np.sqrt(2) * np.cos(0.4 * np.pi * np.arange(4096)) + rng.standard_normal(4096)
    assert noise_level(y[None]) > 10
    assert said(y[None]) == (
        "the noise level is 10.2 times the floor of the spectrum, as with tones; "
        "to use the floor, set --sigma 1"
    )
    assert said(y[None], 1.0) == ""


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


@pytest.mark.parametrize("scale", [1e160, 1e300])
def test_values_whose_squares_overflow_are_refused(here, rng, scale, capsys):
    np.save("huge.npy", scale * rng.standard_normal(100))
    assert main(["denoise", "huge.npy", "-o", "out.npy", "-m", "auto"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "are too large for auto" in err
