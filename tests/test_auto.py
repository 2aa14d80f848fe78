"""``denoise -m auto``: the choice, the expected errors, and the cautions."""

import io
import json

import numpy as np
import pytest
import soundfile
from PIL import Image
from scipy.ndimage import gaussian_filter

from sigbench import DemoSignals, InputError
from sigbench.benchmark.methods.resolve import resolve
from sigbench.benchmark.methods.sure import sure
from sigbench.cli.denoise.auto import as_json, as_text, denoise_automatically
from sigbench.cli.denoise.auto.candidates import ABSOLUTE, CANDIDATES, candidates
from sigbench.cli.denoise.auto.choose import Expected
from sigbench.cli.denoise.auto.possible import (
    PossibleNoise,
    Weighed,
    Weighing,
    in_signal,
    plausible_levels,
)
from sigbench.cli.denoise.auto.treatment import has_such_levels, method_of, treatment_of
from sigbench.cli.denoise.file import denoise_file
from sigbench.cli.denoise.noise_checks import noise_level
from sigbench.cli.main import main
from sigbench.core.media import Content, read
from sigbench.denoisers.noise import Varying
from sigbench.denoisers.noise.models import StationaryNoise

SIGNALS = ("blocks", "bumps", "heavisine", "doppler")


def clean(name="heavisine", n=1024):
    return DemoSignals(name, n).item("test", 1, 0)


def content(batch, domain="signal", peak=None, fs=None):
    return Content(batch, domain, peak, fs, lambda batch, suffix: b"")


def rmse(estimate, x):
    return float(np.sqrt(np.mean((estimate - x) ** 2)))


FEW = {
    "signal": (
        "gaussian-blur[width=[1,3,8]]",
        "wavelet[wavelet=sym8,rule=bayes,shifts=4]",
        "sliding-dct[window=32,threshold_over_sigma=[2.7,3.2]]",
    ),
    "speech": (
        "gaussian-blur[width=[0.4,1]]",
        "sliding-dct[window=64,threshold_over_sigma=2.7]",
    ),
    "image": (
        "gaussian-blur[width=[0.5,1]]",
        "sliding-dct[window=8,threshold_over_sigma=[2.6,3]]",
    ),
}


@pytest.fixture
def few(monkeypatch):
    """Few candidates, so that tests are fast."""
    for domain, texts in FEW.items():
        monkeypatch.setitem(CANDIDATES, domain, texts)


@pytest.mark.parametrize("domain", CANDIDATES)
def test_the_weights_of_the_table_are_relative_to_the_noise_level(domain, rng):
    y = rng.standard_normal((1, 1, 32, 32) if domain == "image" else (1, 1, 300))
    for text in CANDIDATES[domain]:
        swept = resolve(text)
        assert 1 <= len(swept) <= 16
        method = swept[0].entry
        np.testing.assert_allclose(method(4 * y, sigma=2.0), 4 * method(y, sigma=0.5), atol=1e-4)


@pytest.mark.parametrize("domain", CANDIDATES)
def test_weights_in_the_units_of_the_item_give_the_same_estimate(domain, rng):
    y = rng.standard_normal((1, 1, 32, 32) if domain == "image" else (1, 1, 300))
    seen = set()
    for one in candidates(domain):
        text = one.at_level(0.25)
        if text is None or one.family in seen:
            continue
        seen.add(one.family)
        relative = resolve(str(one.spec))[0].entry(y, sigma=0.25)
        np.testing.assert_allclose(resolve(text)[0].entry(y), relative, atol=1e-6)
        assert not any(name in text for name in ABSOLUTE)
    assert len(seen) >= 3


def white(x, sigma, rng):
    return x + sigma * rng.standard_normal(x.shape)


def moving_average(x, sigma, rng):
    e = rng.standard_normal(x.size + 1)
    return x + sigma * (e[1:] + 0.9 * e[:-1]) / np.sqrt(1.81)


def spiked(x, sigma, rng):
    return white(x, sigma, rng) + 15 * sigma * (rng.random(x.shape) < 0.02)


def humming(x, sigma, rng):
    t = np.arange(x.size) / 1000
    return white(x, sigma, rng) + 1.5 * sigma * np.sin(2 * np.pi * 50 * t)


def photons(x, sigma, rng):
    gain = 1.0
    return gain * rng.poisson(np.maximum(x, 0) / gain).astype(float)


def doubled(x, sigma, rng):
    return white(x, sigma * np.repeat([0.5, 2.0], x.size // 2), rng)


SMOOTH = 60 + 50 * np.sin(np.linspace(0, 20, 4096))[None]
KINDS = {  # noise: the kind of the treatment, how its text begins, and the least gain in dB
    "white": (white, "white", "", 12),
    "moving average": (moving_average, "colored", "", 8),
    "spikes": (spiked, "white", "despiked[method=", 16),
    "hum": (humming, "white", "without-lines[method=", 12),
    "photons": (photons, "signal-dependent", "stabilized[method=", 12),
    "doubled": (doubled, "varying", "level-normalized[method=", 12),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_noise_gets_its_treatment(few, kind, tmp_path, rng):
    """The text of the choice gives the same output again, and the range holds the true error."""
    degrade, treatment, begins, gain_db = KINDS[kind]
    y = degrade(SMOOTH, 5.0, rng)[None]
    estimate, (choice,) = denoise_automatically(content(y, fs=1000.0), None)
    best = choice.expected[0]
    assert choice.treatment.kind == treatment
    assert best.method.startswith(begins)
    np.testing.assert_array_equal(method_of(best.method, fs=1000.0)(y.copy()), estimate)
    assert rmse(y, SMOOTH) / rmse(estimate, SMOOTH) > 10 ** (gain_db / 20)
    assert (best.low or 0.0) <= rmse(estimate, SMOOTH) <= best.high


def test_it_uses_and_prints_the_best(few, here, rng, capsys):
    x = clean()[0]
    np.savetxt("a.csv", white(x, 0.5, rng), header="height", comments="")
    assert main(["denoise", "a.csv", "-o", "b.csv", "-m", "auto"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].startswith("noise: white, level 0.")
    assert lines[1].startswith("method: ")
    assert lines[2].startswith("expected RMSE ")
    assert len(lines) == 3 + len(FEW["signal"])
    assert max(map(len, lines[2:])) <= 80
    assert "b.csv: auto" in err
    assert rmse(np.genfromtxt("b.csv", skip_header=1), x) < 0.35 * 0.5
    used = lines[1].removeprefix("method: ")
    assert main(["denoise", "a.csv", "-o", "c.csv", "-m", used]) == 0
    assert (here / "b.csv").read_text() == (here / "c.csv").read_text()


def test_a_given_level_is_used_as_it_is(few, here, rng):
    np.savetxt("a.csv", white(clean()[0], 0.5, rng))
    (choice,) = denoise_file(here / "a.csv", here / "b.csv", "auto", sigma="0.5").choices
    assert (choice.sigma, choice.sigma_given) == (0.5, True)
    denoise_file(here / "a.csv", here / "c.csv", choice.expected[0].method, sigma="0.5")
    assert (here / "b.csv").read_text() == (here / "c.csv").read_text()


def test_the_ranges_contain_the_true_error(few, rng):
    x, inside = clean("bumps"), 0
    batch = np.stack([white(x, 0.1, rng) for _ in range(36)])
    estimate, choices = denoise_automatically(content(batch), np.full(36, 0.1))
    for one, choice in zip(estimate, choices, strict=True):
        best = choice.expected[0]
        inside += (best.low or 0.0) <= rmse(one, x) <= best.high
    assert inside >= 33


def test_a_lower_end_that_is_not_known_is_not_printed_as_zero():
    unknown, known = Expected("a", -0.1, -0.5, 0.4), Expected("b", 1.0, 0.8, 1.2)
    assert (unknown.low, unknown.high) == (None, pytest.approx(np.sqrt(0.4)))
    assert (known.low, known.high) == (pytest.approx(np.sqrt(0.8)), pytest.approx(np.sqrt(1.2)))


def test_clipped_noise_has_errors_that_are_neither_zero_nor_nan(few, rng):
    """8-bit noise of level 60 on black and white has lost half of its power by clipping."""
    x = np.where(np.arange(32)[:, None] // 8 % 2, 255.0, 0.0) * np.ones((32, 32))
    y = np.clip(np.round(white(x, 60, rng)), 0, 255)[None, None]
    file = content(y, "image", 255.0)
    _, choices = denoise_automatically(file, np.array([60.0]))
    text = as_text(choices, file)
    assert "RMSE at most" in text
    assert "RMSE 0 " not in text
    assert "nan" not in text
    json.dumps(as_json(choices, file), allow_nan=False)


def test_the_record_names_method_noise_errors_cautions_and_alternatives(few, rng):
    y = spiked(SMOOTH, 5.0, rng)[None]
    file = content(y, peak=255.0)
    _, choices = denoise_automatically(file, None)
    (record,) = json.loads(json.dumps(as_json(choices, file), allow_nan=False))["items"]
    assert set(record) == {
        "method", "sigma", "noise", "expected", "cautions", "alternatives",
    }  # fmt: skip
    assert record["sigma"] is None
    assert record["noise"]["level"] == pytest.approx(5.0, rel=0.1)
    assert record["noise"]["removed"] == ["despiked[method=...]"]
    assert record["noise"]["spectrum"][0]["power"] == pytest.approx(25, rel=0.2)
    assert set(record["expected"]) == {"rmse", "psnr_db"}
    assert any("impulses" in line for line in record["cautions"])
    assert len(record["alternatives"]) == len(CANDIDATES["signal"])
    assert resolve(record["alternatives"][0]["method"])


def test_channels_and_columns_have_choices_of_their_own(few, here, rng):
    loud, quiet = clean("blocks")[0], clean("doppler")[0]
    np.savetxt("a.csv", np.stack([white(loud, 0.4, rng), white(quiet, 0.06, rng)]).T, delimiter=",")
    done = denoise_file(here / "a.csv", here / "b.csv", "auto")
    assert done.choices[0].expected[0].method != done.choices[1].expected[0].method
    assert done.sigma == tuple(choice.sigma for choice in done.choices)
    assert "column 2: noise: white" in as_text(done.choices, done.content)


def test_later_columns_only_try_what_was_good_before(few, rng):
    batch = np.stack([white(clean(n=256), 1.0, rng) for _ in range(10)])
    _, choices = denoise_automatically(content(batch), np.ones(10))
    assert len(choices[0].expected) == len(CANDIDATES["signal"]) + 1
    assert len(choices[9].expected) <= len(choices[0].expected)
    assert rmse(choices[9].expected[0].high, 0) < 1.0


def test_a_photograph_and_a_recording(few, here, rng, real_data):
    photo = np.asarray(Image.open(real_data / "bsd400" / "test_001.png"), float)[:96, :96]
    noisy = np.clip(np.round(white(photo, 20, rng)), 0, 255)
    Image.fromarray(noisy.astype(np.uint8)).save("a.png")
    done = denoise_file(here / "a.png", here / "b.png", "auto")
    best = done.choices[0].expected[0]
    assert done.sigma[0] == pytest.approx(20, rel=0.1)
    assert best.low <= rmse(np.asarray(Image.open("b.png"), float), photo) <= best.high
    assert "PSNR" in as_text(done.choices, done.content)

    clip, fs = soundfile.read(real_data / "fsdd" / "recordings" / "7_lucas_5.wav")
    soundfile.write("a.wav", white(clip, 0.02, rng), fs)
    denoise_file(here / "a.wav", here / "b.wav", "auto", sigma="0.02")
    assert rmse(soundfile.read("b.wav")[0], clip) < 0.012


def filtered(gain):
    """Return a linear denoiser: a circular filter with this gain at the frequencies of fftn."""

    def denoiser(noisy, *, sigma=None):
        axes = tuple(range(2, noisy.ndim))
        return np.fft.ifftn(gain * np.fft.fftn(noisy, axes=axes), axes=axes).real

    return denoiser


@pytest.mark.parametrize("space", [(32,), (6, 8)])
def test_the_error_in_other_noise_is_that_of_sure_in_this_noise(space, rng):
    """With a probe for every sample, the divergence of a linear filter is exact."""
    axes = np.meshgrid(*map(np.fft.fftfreq, space), indexing="ij")
    radius = np.sqrt(sum(axis**2 for axis in axes))
    colors = StationaryNoise(np.stack([1 + radius, np.exp(-4 * radius), np.ones(space)]))
    gain, noisy = 1 / (1 + 9 * radius**2), rng.standard_normal((1, 2, *space))
    own = StationaryNoise(2 + radius[None])
    weight = np.array([0.5, 0.3, 0.2])
    possible = PossibleNoise(weight, colors, weight)
    judged = sure(filtered(gain), noisy, own, probes=noisy.size, epsilon=1.0)
    weighed = Weighing.of(possible, own, space).weighed(judged, noisy)
    for k in range(3):
        one = StationaryNoise(colors.power[k : k + 1])
        same = sure(filtered(gain), noisy, one, probes=noisy.size, epsilon=1.0)
        mse = weighed.mse(np.zeros(1))[k, 0]
        assert mse == pytest.approx(same.mse[0], rel=1e-6)
        exact = np.mean((judged.estimate - noisy) ** 2) + np.mean(one.power * (2 * gain - 1))
        assert mse == pytest.approx(exact, rel=1e-6)


def test_noise_without_power_at_some_frequencies(rng):
    """As after JPEG: what a denoiser does there is not known, and counts as nothing."""
    gain = np.ones(64)
    own = StationaryNoise(np.where(np.abs(np.fft.fftfreq(64)) < 0.25, 1.0, 1e-300)[None])
    possible = PossibleNoise(np.ones(1), StationaryNoise(np.ones((1, 1))), np.ones(1))
    noisy = rng.standard_normal((1, 1, 64))
    judged = sure(filtered(gain), noisy, own, probes=64, epsilon=1.0)
    weighed = Weighing.of(possible, own, (64,)).weighed(judged, noisy)
    share = own.level[0] ** 2
    assert weighed.mse(np.zeros(1))[0, 0] == pytest.approx(2 * share - 1, abs=1e-6)


ONE = StationaryNoise(np.ones((1, 1)))
TWO = StationaryNoise(np.array([[1.0], [5.0]]))


def test_the_range_of_two_kinds_of_noise():
    power = np.array([1.0, 5.0])
    possible = PossibleNoise(np.array([1.0, 0.0]), TWO, np.array([0.7, 0.3]))
    weighed = Weighed(possible, 0.0, power, power, 0.0)
    plausible = plausible_levels([weighed])
    assert weighed.range(plausible, 0.0) == (1.0, 1.0, 5.0)
    low, middle, high = weighed.range(plausible, 0.1)
    assert low < 0.85 < 0.95 < middle < 1.15
    assert 5.0 < high < 5.2
    assert weighed.score == 0


def test_an_error_of_the_level_widens_the_range():
    ends = []
    for sd in (0.0, 0.1):
        possible = PossibleNoise(np.ones(1), ONE, np.ones(1), sd)
        weighed = Weighed(possible, 1.5, np.ones(1), np.full(1, 0.1), 0.01)
        np.testing.assert_allclose(
            weighed.mse(np.array([0.0, 1.0]))[0], 1.5 - 0.8 * np.exp([0, sd])
        )
        ends.append(weighed.range(plausible_levels([weighed]), 0.01))
    assert ends[1][0] < ends[0][0] - 0.1
    assert ends[1][2] > ends[0][2] + 0.1


def test_levels_with_negative_errors_of_some_method_are_not_plausible():
    possible = PossibleNoise(np.ones(1), ONE, np.ones(1), 0.1)
    bad, good = (
        Weighed(possible, misfit, np.ones(1), np.full(1, 0.1), 0.001) for misfit in (1.0, 0.7)
    )
    plausible = plausible_levels([bad, good])
    assert (plausible[0] > 0).tolist() == [True] * 14 + [False] * 35  # log(0.7 / 0.8) = −0.134
    assert bad.range(plausible, 0.001)[1] > 0.25
    assert good.score < bad.score
    never = PossibleNoise(np.ones(1), ONE, np.ones(1), 0.0)
    weighed = Weighed(never, 0.5, np.ones(1), np.zeros(1), 0.0)
    assert np.flatnonzero(plausible_levels([weighed])).tolist() == [0]


def test_signals_may_have_noise_of_several_colors(rng):
    y = moving_average(SMOOTH, 5.0, rng)
    found = in_signal(y)
    assert found.white < 0.01
    assert found.noise.weight.sum() == pytest.approx(1)
    best = found.noise.weight.argmax()
    assert found.noise.noise.level[best] == pytest.approx(5, rel=0.15)
    assert in_signal(white(SMOOTH, 5.0, rng)).white > 0.8
    assert in_signal(np.ones((1, 500))) is None


def test_compressed_images_have_the_noise_of_coarser_details(rng):
    """JPEG removes most of the finest details, by which the level of white noise is estimated."""
    x = np.add.outer(np.linspace(60, 180, 96), np.linspace(-20, 20, 96))
    noise = gaussian_filter(rng.standard_normal(x.shape), 0.8)
    y = x + 5 * noise / noise.std()
    file = io.BytesIO()
    Image.fromarray(np.round(y).astype(np.uint8)).save(file, "jpeg", quality=90)
    batch = np.asarray(Image.open(file), float)[None]
    assert noise_level(batch) < 1
    treatment = treatment_of(batch, None, None, 255.0)
    assert treatment.kind == "colored"
    assert treatment.level > 2


def test_the_quiet_parts_tell_a_varying_level_from_a_chirp(rng):
    """By its finest details, the second half of a chirp has much louder noise."""
    t = np.arange(4096) / 4096
    chirp = white(np.sin(2 * np.pi * 900 * t**2)[None], 0.1, rng)[None]
    model = Varying().estimate_noise(chirp)
    assert model.level[0] > 0.3
    assert not has_such_levels(chirp, model)
    noise = doubled(SMOOTH, 1.0, rng)[None]
    assert has_such_levels(noise, Varying().estimate_noise(noise))


def test_a_tone_that_is_most_of_the_record_is_not_hum(rng):
    t = np.arange(4096) / 1000
    for hertz in (50, 100):
        y = white(np.sin(2 * np.pi * hertz * t)[None], 0.2, rng)
        assert treatment_of(y, None, 1000.0, None).outer == ()


def test_one_harmonic_alone_is_not_hum(rng):
    """The louder slow signal has more power than the tone at 100 Hz."""
    t = np.arange(4096) / 1000
    y = SMOOTH + 10 * np.sin(2 * np.pi * 100 * t)
    assert treatment_of(white(y, 5, rng), None, 1000.0, None).outer == ()
    y += 10 * np.sin(2 * np.pi * 50 * t)
    assert treatment_of(white(y, 5, rng), None, 1000.0, None).outer


def test_the_level_of_short_records(rng):
    """They have too few quiet parts; those of 256 samples are the whole record."""
    y = white(20 * np.sin(np.linspace(0, 20, 256))[None], 1.0, rng)
    assert treatment_of(y, None, None, None).level == pytest.approx(1, rel=0.2)


@pytest.mark.parametrize("shape", [(1, 1, 20, 30), (1, 3, 8, 8), (1, 1, 1, 1)])
def test_flat_images_are_returned(few, shape):
    image = np.full(shape, 3.0)
    one_bit = (np.indices(shape)[-1] < 4).astype(float)
    for batch in (image, one_bit):
        estimate, (choice,) = denoise_automatically(
            content(batch, domain="image", peak=255.0), None
        )
        assert np.isfinite(estimate).all()
        assert np.isfinite(choice.expected[0].high)
    np.testing.assert_array_equal(denoise_automatically(content(image), None)[0], image)


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 1, 5), (1, 1, 40)])
def test_short_records(rng, shape):
    estimate, choices = denoise_automatically(content(rng.standard_normal(shape), fs=1.0), None)
    assert np.isfinite(estimate).all()
    assert len(choices) == len(estimate)


def test_white_noise_in_sound_is_declared_by_a_level(few, here, rng):
    """With ``--sigma S`` the choice is by SURE; without it, sound is speech."""
    soundfile.write("a.wav", 0.05 * rng.standard_normal(800), 8000, subtype="FLOAT")
    done = denoise_file(here / "a.wav", here / "b.wav", "auto", sigma="0.05", force=True)
    assert done.choices[0].sigma == pytest.approx(0.05)
    assert done.speech is None
    done = denoise_file(here / "a.wav", here / "b.wav", "auto", force=True)
    assert done.choices == ()
    assert done.speech.network_hz == 8000


def test_sure_of_long_files_uses_excerpts(few, here, rng):
    np.save("a.npy", white(np.sin(np.arange(100_000) / 50), 0.3, rng))
    done = denoise_file(here / "a.npy", here / "b.npy", "auto")
    (best, *_) = done.choices[0].expected
    true = np.std(np.load("b.npy") - np.sin(np.arange(100_000) / 50))
    assert true < 0.06
    assert (best.low or 0.0) <= true <= best.high < 0.15


def test_without_noise_the_input_is_returned(here, capsys):
    np.save("a.npy", np.repeat([1.0, 5.0], 500))
    assert main(["denoise", "a.npy", "-o", "b.npy", "-m", "auto"]) == 0
    assert "caution: the noise level is zero, so the item is not changed" in capsys.readouterr().out
    np.testing.assert_array_equal(np.load("b.npy"), np.load("a.npy"))


def test_existing_files_and_invalid_levels_are_rejected(here, rng):
    np.savetxt("a.csv", white(clean()[0], 0.5, rng))
    (here / "b.csv").write_text("1\n")
    with pytest.raises(InputError, match=r"b\.csv exists; use --force to replace it"):
        denoise_file(here / "a.csv", here / "b.csv", "auto")
    with pytest.raises(InputError, match="sigma=much must be a number >= 0, or auto"):
        denoise_file(here / "a.csv", here / "c.csv", "auto", sigma="much")
    assert not (here / "c.csv").exists()
    assert read(here / "a.csv").batch.shape == (1, 1, 1024)


@pytest.mark.parametrize("scale", [1e160, 1e300])
def test_values_whose_squares_overflow_are_refused(here, rng, scale, capsys):
    np.save("huge.npy", scale * rng.standard_normal(100))
    assert main(["denoise", "huge.npy", "-o", "out.npy", "-m", "auto"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "are too large for auto" in err
