"""``sigbench denoise`` on sound: the method ``auto`` without a noise level, and speech methods."""

import numpy as np
import pytest
import soundfile
from scipy.signal import resample_poly

from sigbench import InputError
from sigbench.cli.denoise import blocks, speech
from sigbench.cli.denoise.file import denoise_file
from sigbench.cli.denoise.speech import NETWORKS, denoise_speech
from sigbench.cli.main import main
from sigbench.datasets import Fsdd, SpeechSmoke
from sigbench.denoisers import DENOISERS
from sigbench.problems.base import Context
from sigbench.problems.mixing import Mix
from sigbench.problems.noises import Babble, Pink, White
from sigbench.scoring.error_metrics import si_sdr
from sigbench.scoring.speech_metrics import estoi, pesq_nb


def spoken(fs=16_000, item=0, snr_db=5.0):
    """Return a clip of synthetic speech, clean and with pink noise."""
    data = SpeechSmoke()
    mix = Mix(Pink(), snr_db).in_context(Context(data, "test", item))
    made = mix(data.item("test", 1, item)[None], np.random.default_rng(item), peak=1.0)
    return [resample_poly(one[0, 0], fs, 16_000) for one in (made.clean, made.noisy)]


# --- which method, and the parts of it ----------------------------------------------------------


@pytest.mark.parametrize(
    ("fs", "method"),
    [
        (8000, "network[weights=speech-8k], for speech at 8000 Hz; "),
        (11_025, "network[weights=speech-8k] below 4 kHz and om-lsa above, for speech at 11025 Hz"),
        (16_000, "network[weights=speech-16k], for speech at 16000 Hz; "),
        (22_050, "network[weights=speech-16k] below 8 kHz and om-lsa above, "),
        (44_100, "network[weights=speech-16k] below 8 kHz and om-lsa above, "),
        (48_000, "network[weights=speech-16k] below 8 kHz and om-lsa above, "),
        (44_101, "om-lsa, for speech at 44101 Hz; "),  # cannot be resampled to 16 kHz
        (6000, "om-lsa, for speech at 6000 Hz; "),
    ],
)
def test_the_method_depends_on_the_sampling_rate(rng, fs, method):
    y = 0.1 * rng.standard_normal((1, 1, 500))
    estimate, choice = denoise_speech(y, float(fs))
    assert str(choice).startswith(method)
    assert estimate.shape == y.shape
    assert np.sum(estimate**2) < np.sum(y**2)


def test_blocks_join_without_a_trace(rng, monkeypatch):
    y = rng.standard_normal((1, 1, 40_000))
    whole, choice = denoise_speech(y, 6000.0)
    monkeypatch.setattr(blocks, "BLOCK_S", 4)
    monkeypatch.setattr(blocks, "OVERLAPS", 2)
    parts, by_parts = denoise_speech(y, 6000.0)
    assert np.std(parts - whole) < 0.1 * np.std(whole)
    assert by_parts.snr_db == pytest.approx(choice.snr_db, abs=1)
    monkeypatch.setattr(speech, "_enhancer", lambda fs, rate: lambda noisy: noisy)
    np.testing.assert_allclose(denoise_speech(y, 6000.0)[0], y)


@pytest.mark.parametrize("fs", [22_050, 44_100, 48_000])
def test_the_network_replaces_the_lower_band_only(monkeypatch, fs):
    """A network that returns its input changes nothing; one that returns zeros removes its band."""
    t = np.arange(fs // 4) / fs
    low, high = (np.sin(2 * np.pi * f * t)[None, None] for f in (6000, 10_000))
    monkeypatch.setattr(speech, "OMLSA", lambda **_: np.copy)
    monkeypatch.setattr(speech, "Pretrained", lambda *_, **__: np.copy)
    np.testing.assert_allclose(denoise_speech(low + high, float(fs))[0], low + high)
    monkeypatch.setattr(speech, "Pretrained", lambda *_, **__: np.zeros_like)
    estimate = denoise_speech(low + high, float(fs))[0]
    inner = slice(fs // 50, -fs // 50)
    assert np.abs(estimate - high)[..., inner].max() < 0.02


@pytest.mark.parametrize("fs", NETWORKS)
def test_a_printed_method_can_be_typed(here, capsys, fs):
    soundfile.write("a.wav", spoken(fs)[1], fs)
    assert main(["denoise", "a.wav", "-o", "b.wav", "-m", "auto"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert out.endswith("for other sounds choose a method with -m\n")
    method = out.partition(", for speech at")[0]
    assert method == f"network[weights={NETWORKS[fs]}]"
    denoise_file(here / "a.wav", here / "c.wav", method)
    assert (here / "b.wav").read_bytes() == (here / "c.wav").read_bytes()


# --- how good it is ------------------------------------------------------------------------------


@pytest.mark.parametrize("fs", [8000, 16_000, 44_100])
def test_synthetic_speech_becomes_cleaner_and_more_intelligible(here, fs):
    gains = []
    for item in range(2):
        clean, noisy = spoken(fs, item)
        soundfile.write("a.wav", noisy, fs)
        denoise_file(here / "a.wav", here / "b.wav", "auto", force=True)
        pair = [soundfile.read(name)[0][None] for name in ("a.wav", "b.wav")]
        ratio = [si_sdr(clean[None], one, 1.0)[0] for one in pair]
        intelligible = [estoi(clean[None], one, float(fs))[0] for one in pair]
        gains.append([np.diff(ratio)[0], np.diff(intelligible)[0]])
    gain_db, gain = np.mean(gains, axis=0)
    assert gain_db > 4
    assert gain > 0


@pytest.fixture
def digits(real_data, tmp_path, monkeypatch):
    """The sequences of digits of the test speakers, from the real recordings."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "fsdd").symlink_to(real_data / "fsdd" / "recordings")
    monkeypatch.setenv("SIGBENCH_DATA", str(tmp_path / "data"))
    return Fsdd()


@pytest.mark.parametrize(
    ("noise", "gain_db"), [("white", 6), ("babble", 2), ("rain", 4), ("helicopter", 3)]
)
def test_real_speech_in_real_noise(here, rng, real_data, digits, noise, gain_db):
    """By recordings of ESC-10 in fold 4 and talkers, at 5 dB; the networks have heard neither."""
    pytest.importorskip("pesq")
    gains = []
    for item in range(2):
        clean = digits.item("test", 1, item)
        if noise in ("white", "babble"):
            kind = {"white": White(), "babble": Babble()}[noise]
            added = kind.draw(1, clean.shape[1], rng, Context(digits, "test", item))
        else:
            path = sorted((real_data / "noise").glob(f"{noise}-4-*-A.flac"))[item]
            added = np.resize(resample_poly(soundfile.read(path)[0], 1, 2), clean.shape)
        noisy = clean + added * np.sqrt(np.mean(clean**2) / np.mean(added**2)) * 10 ** (-5 / 20)
        soundfile.write("a.wav", noisy[0], 8000, subtype="FLOAT")
        denoise_file(here / "a.wav", here / "b.wav", "auto", force=True)
        estimate = soundfile.read("b.wav")[0][None]
        gains.append(
            [
                metric(clean, estimate, arg)[0] - metric(clean, noisy, arg)[0]
                for metric, arg in ((si_sdr, 1.0), (estoi, 8000.0), (pesq_nb, 8000.0))
            ]
        )
    mean = np.mean(gains, axis=0)
    assert mean[0] > gain_db
    assert mean[1] > 0.02
    assert mean[2] > 0


@pytest.mark.parametrize("snr_db", [0.0, 5.0, 10.0])
def test_the_snr_of_white_noise_is_estimated(snr_db):
    data = SpeechSmoke()
    mix = Mix(White(), snr_db).in_context(Context(data, "test", 0))
    clean = np.concatenate([data.item("test", 1, i) for i in range(3)], axis=1)
    noisy = mix(clean[None], np.random.default_rng(0), peak=1.0).noisy
    assert denoise_speech(noisy, 16_000.0)[1].snr_db == pytest.approx([snr_db], abs=1)


# --- unusual files -------------------------------------------------------------------------------


@pytest.mark.parametrize("fs", [4000, 8000, 11_025, 16_000, 44_100])
@pytest.mark.parametrize("length", [1, 2, 100, 399])
def test_short_silent_and_constant_files(here, capsys, fs, length):
    for value, shown in ((0.0, "silence"), (0.25, "dB"), (1.0, "dB")):
        soundfile.write("a.wav", np.full(length, value), fs, subtype="FLOAT")
        assert main(["denoise", "a.wav", "-o", "b.wav", "-m", "auto", "--force"]) == 0
        assert f"{shown}; for other sounds" in capsys.readouterr().out
        estimate = soundfile.read("b.wav")[0]
        assert estimate.shape == (length,)
        assert np.isfinite(estimate).all()
        assert value or not estimate.any()


def test_channels_are_denoised_separately(here, capsys):
    voices = [spoken(8000, item, snr_db)[1] for item, snr_db in ((0, 10.0), (1, 0.0))]
    soundfile.write("both.wav", np.stack([*voices, 0 * voices[0]], axis=1), 8000, subtype="FLOAT")
    assert main(["denoise", "both.wav", "-o", "out.wav", "-m", "auto"]) == 0
    assert " dB, silence; for other sounds" in capsys.readouterr().out
    both = soundfile.read("out.wav")[0]
    assert not both[:, 2].any()
    for number, voice in enumerate(voices):
        soundfile.write("one.wav", voice, 8000, subtype="FLOAT")
        denoise_file(here / "one.wav", here / "out1.wav", "auto", force=True)
        np.testing.assert_allclose(soundfile.read("out1.wav")[0], both[:, number], atol=1e-6)


def test_an_estimate_is_not_clipped_and_scales_with_the_file(here):
    noisy = spoken(8000)[1]
    soundfile.write("a.wav", noisy, 8000, subtype="FLOAT")
    soundfile.write("b.wav", 20 * noisy, 8000, subtype="FLOAT")
    for name in ("a", "b"):
        denoise_file(here / f"{name}.wav", here / f"{name}2.wav", "auto")
    loud = soundfile.read("b2.wav")[0]
    assert np.abs(loud).max() > 1
    np.testing.assert_allclose(loud, 20 * soundfile.read("a2.wav")[0], atol=1e-4)


# --- other methods -------------------------------------------------------------------------------

SPEECH_METHODS = [name for name, cls in DENOISERS.items() if cls.info.domains == ("speech",)]


@pytest.mark.parametrize("method", [*SPEECH_METHODS, "log-mmse[tracker=mcra]", "dtln"])
def test_speech_methods_are_given_the_rate_of_the_file(here, speech_packages, method):
    _, noisy = spoken(8000)
    soundfile.write("a.wav", noisy[:8000], 8000, subtype="FLOAT")
    try:
        denoise_file(here / "a.wav", here / "b.wav", method)
    except InputError as error:  # masks know the clean speech
        assert "needs the clean signal: it is a reference" in str(error)  # noqa: PT017
    else:
        assert soundfile.info("b.wav").frames == 8000
        assert np.abs(soundfile.read("b.wav")[0] - noisy[:8000]).max() > 1e-3


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("mcra", "error: mcra is a noise tracker, not a denoiser\n"),
        (
            "network[weights=speech-8k]",
            "error: speech-net is for fs=8000 Hz, but the signals have 16000 Hz\n",
        ),
    ],
)
def test_what_cannot_denoise_a_file_is_refused_in_one_line(here, capsys, method, message):
    soundfile.write("a.wav", np.ones(800), 16_000)
    assert main(["denoise", "a.wav", "-o", "b.wav", "-m", method]) == 2
    assert capsys.readouterr().err.endswith(message)
    assert not (here / "b.wav").exists()
