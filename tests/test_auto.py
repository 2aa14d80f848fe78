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
from sigbench.cli.main import main
from sigbench.core.media import Content, read

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


@pytest.mark.parametrize("scale", [1e160, 1e300])
def test_values_whose_squares_overflow_are_refused(here, rng, scale, capsys):
    np.save("huge.npy", scale * rng.standard_normal(100))
    assert main(["denoise", "huge.npy", "-o", "out.npy", "-m", "auto"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "are too large for auto" in err
