"""Weights know the kind and range of their training data; files that are probably misread."""

import dataclasses
import warnings

import numpy as np
import pytest
import soundfile
from PIL import Image

from sigbench import InputError
from sigbench.benchmark.methods.describe import bind_problem_info
from sigbench.benchmark.methods.resolve import resolve
from sigbench.benchmark.suites.suite import load
from sigbench.cli.denoise.file import denoise_file
from sigbench.cli.main import main
from sigbench.core.cautions import cautions
from sigbench.core.errors import Caution
from sigbench.datasets import DATASETS
from sigbench.networks.pretrained.denoiser import NetworkDenoiser, Pretrained
from sigbench.networks.pretrained.trained_on import is_far_off, trained_on
from sigbench.networks.pretrained.weights import SHIPPED, shipped


@pytest.mark.parametrize("name", SHIPPED)
def test_every_card_tells_kind_and_range(name):
    card = shipped(name).card
    domain, peak = trained_on(card)
    kind = card["data"]["dataset"].partition(" ")[0]
    assert domain == DATASETS[kind].domain
    assert peak == {"image": 255.0, "speech": 1.0, "signal": 10.0}[domain]
    assert Pretrained(name).info.domains == (domain,)


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ({"domain": "smell"}, "domain='smell' must be one of: signal, speech"),
        ({"peak": 0}, "peak=0 must be > 0"),
        ({"peak": "255"}, "peak='255' must be > 0"),
        ({"peak": True}, "peak=True must be > 0"),
        ({"peak": float("inf")}, "peak=inf must be > 0"),
    ],
)
def test_an_impossible_card_is_refused(card, message):
    with pytest.raises(InputError, match=message):
        trained_on(card)


def test_a_card_may_tell_nothing():
    assert trained_on({}) == (None, None)
    assert trained_on({"data": 3}) == (None, None)
    assert trained_on({"domain": "image", "peak": 4095}) == ("image", 4095)


def photograph():
    """Return a smooth picture with edges, gray levels 0..255, and a noisy version."""
    x = np.add.outer(np.sin(np.arange(64) / 9), np.cos(np.arange(64) / 7)) * 50 + 128
    x[20:40, 20:40] = 30
    return x[None, None], x + 25 * np.random.default_rng(0).standard_normal((1, 1, 64, 64))


def psnr(x, estimate):
    return 10 * np.log10(255**2 / np.mean((estimate - x) ** 2))


@pytest.mark.parametrize("name", ["unet-bias-0-55", "dncnn-bias-0-55"])
def test_values_on_another_range_are_a_caution(name):
    """Values of 0..1 for a network of 0..255 cost 10 dB."""
    x, y = photograph()
    network = Pretrained(name, engine="numpy")
    with cautions() as found:
        good = psnr(x, network(y))
    assert found == []
    with pytest.warns(Caution, match=f"{name} was trained on values up to 255, but .* is 1.1"):
        bad = psnr(x, 255 * network(y / 255))
    assert bad < good - 5
    with pytest.warns(Caution, match="the largest magnitude"):
        network(y * 257)


@pytest.mark.parametrize("name", ["unet-0-55", "dncnn-0-55"])
def test_a_network_without_constants_takes_any_range(name):
    _, y = photograph()
    network = Pretrained(name, engine="numpy", peak=1.0)
    with cautions() as found:
        np.testing.assert_allclose(255 * network(y / 255), network(y), rtol=1e-9)
    assert found == []


@pytest.mark.parametrize("brightest", [6, 20, 255, 400, 1000])
def test_dark_and_noisy_pictures_are_no_false_alarm(brightest):
    y = np.random.default_rng(1).uniform(0, brightest, (1, 1, 64, 64))
    y[0, 0, 0, 0] = brightest
    assert not is_far_off(255.0, y)
    assert not is_far_off(255.0, np.zeros((1, 1, 4, 4)))


def test_a_known_peak_of_another_range_is_refused():
    with pytest.raises(InputError, match="unet-bias-0-55 was trained on data with peak 255, but "):
        bind_problem_info(Pretrained("unet-bias-0-55"), {"peak": 1.0})
    bound = bind_problem_info(Pretrained("unet-bias-0-55"), {"peak": 256.0})
    _, y = photograph()
    with cautions() as found:  # the peak is known, so a dark item is dark
        bound(y / 100)
    assert found == []


def test_the_peak_of_a_problem_is_known_to_methods():
    problem = load("table1").problems[0]
    assert problem.problem_info["peak"] == 10.0
    assert bind_problem_info(Pretrained("shrinknet"), problem.problem_info).peak == 10.0


def test_kind_and_range_are_not_part_of_the_key():
    one, two = Pretrained("shrinknet"), Pretrained("shrinknet", peak=10.0)
    assert (one, hash(one), repr(one)) == (two, hash(two), repr(two))
    weights = shipped("shrinknet")
    more = dataclasses.replace(weights, card={**weights.card, "peak": 10.0, "domain": "signal"})
    assert NetworkDenoiser(weights) == NetworkDenoiser(more)
    assert (
        resolve("network[weights=shrinknet]")[0].key == resolve("network[weights=shrinknet]")[0].key
    )


def test_a_network_for_another_kind_of_data_is_refused_before_the_run(in_folder, capsys):
    for method, suite, kinds in (
        ("network[weights=speech-8k]", "table1", "speech data, but table1 has signal data"),
        ("network[weights=unet-0-55]", "table1", "image data, but table1 has signal data"),
    ):
        assert main(["run", suite, "-m", method, "-o", "out"]) == 2
        assert kinds in capsys.readouterr().err


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def save_png(path, dtype=np.uint8, factor=1):
    _, y = photograph()
    Image.fromarray((np.clip(y[0, 0], 0, 255) * factor).astype(dtype)).save(path)


def test_denoise_refuses_a_picture_of_16_bits_and_another_kind_of_data(in_folder, capsys):
    save_png("deep.png", np.uint16, 257)
    save_png("plain.png")
    soundfile.write("sound.wav", np.random.default_rng(0).uniform(-0.1, 0.1, 8000), 8000)
    method = "network[weights=unet-bias-0-55,engine=numpy]"
    for source, spec, message in (
        ("deep.png", method, "trained on data with peak 255, but these have 65535"),
        ("sound.wav", method, "is a method for image data, but sound.wav has speech data"),
        ("sound.wav", "network[weights=shrinknet]", "for signal data, but sound.wav has speech"),
        ("plain.png", "network[weights=speech-8k]", "for speech data, but plain.png has image"),
    ):
        target = f"out{source[-4:]}"
        assert main(["denoise", source, "-o", target, "-m", spec]) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
        assert not (in_folder / target).exists()
    assert main(["denoise", "plain.png", "-o", "out.png", "-m", method]) == 0
    assert "caution" not in capsys.readouterr().err


def test_denoise_prints_a_caution_for_a_range_that_is_far_off(in_folder, capsys):
    np.save("small.npy", photograph()[1][0, 0] / 255)
    method = "network[weights=unet-bias-0-55,engine=numpy]"
    assert main(["denoise", "small.npy", "-o", "out.npy", "-m", method]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if line.startswith("caution: unet-bias-0-55 was trained on ")]


def test_denoise_cautions_about_a_rate_that_is_not_known(in_folder, capsys):
    np.save("speech.npy", 0.1 * np.random.default_rng(0).standard_normal(8000))
    spec = "network[weights=speech-8k]"
    assert main(["denoise", "speech.npy", "-o", "out.npy", "-m", spec]) == 0
    assert (
        "caution: network[weights=speech-8k] is for signals sampled at 8000 Hz; the rate of "
        in (capsys.readouterr().err)
    )


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((2, 8000), 1), ((800, 3), 1), ((1, 200), 1), ((64, 64), 0), ((40, 600), 0), ((400,), 0)],
)
def test_an_array_of_several_signals_is_a_caution(in_folder, shape, expected):
    np.save("in.npy", np.random.default_rng(0).standard_normal(shape))
    done = denoise_file(in_folder / "in.npy", in_folder / "out.npy", "median")
    assert len(done.cautions) == expected
    if expected:
        assert f"an array of shape {shape} is taken as an image" in done.cautions[0]


def test_denoise_prints_a_caution_for_a_level_of_zero(in_folder, capsys):
    samples = np.zeros(8000)
    samples[:2000] = 0.1 * np.random.default_rng(0).standard_normal(2000)
    soundfile.write("gaps.wav", samples, 8000, subtype="FLOAT")
    for extra in ([], ["--sigma", "auto"]):
        call = ["denoise", "gaps.wav", "-o", "out.wav", "-m", "wavelet", "--force", *extra]
        assert main(call) == 0
        error = capsys.readouterr().err
        assert error.count("caution: the noise level of 1 of 1 items is estimated as 0") == 1


@pytest.mark.parametrize("shape", [(20,), (28, 28)])
def test_auto_denoises_items_that_are_too_short_for_some_wavelets(in_folder, shape):
    np.save("in.npy", np.random.default_rng(0).standard_normal(shape))
    done = denoise_file(in_folder / "in.npy", in_folder / "out.npy", "auto")
    methods = [expected.method for expected in done.choices[0].expected]
    assert not [name for name in methods if "sym8" in name]
    assert [name for name in methods if "haar" in name]


def mixed_warnings():
    with cautions() as found:
        warnings.simplefilter("always")
        for text, category in (("mine", Caution), ("mine", Caution), ("other", RuntimeWarning)):
            warnings.warn(text, category, stacklevel=1)
    return found


def test_other_warnings_pass_through_the_collection_of_cautions():
    with pytest.warns(RuntimeWarning, match="other"):
        found = mixed_warnings()
    assert found == ["mine"]
