"""The network for speech, its STFT and its loss."""

import numpy as np
import pytest
import soundfile

from sigbench import InputError, Pretrained
from sigbench.benchmark.methods.describe import bind_problem_info
from sigbench.cli.main import main
from sigbench.core.fingerprint import identity
from sigbench.networks import nn
from sigbench.networks.models import SpeechNet
from sigbench.networks.models.base import first_weights, is_learned, n_params, run
from sigbench.networks.pretrained.denoiser import NetworkDenoiser
from sigbench.networks.pretrained.weights import Weights
from sigbench.networks.training.engines import open_engine
from sigbench.networks.training.learner import Trained
from sigbench.networks.training.loop import train
from sigbench.networks.training.recipe import load_recipe
from sigbench.transforms.frames import STFT

SMALL = {"fs": 1000.0, "width": 8, "blocks": 3}  # frames of 32 samples, 8 apart

RECIPE = """
network = "speech-net[fs=16000,width=8,blocks=2,causal=true]"
optimizer = "adam[lr=0.005]"
loss = "speech"
batch = 2
steps = 12
engine = "{engine}"
[data]
dataset = "{dataset}"
degradation = "gaussian[snr_db=5]"
pairs = "fresh"
validation = 1
metric = "si_sdr"
"""


def made(rng, **sizes):
    """Return a network and weights that all matter: its own, and running statistics of noise."""
    network = SpeechNet(**{**SMALL, **sizes})
    weights = {name: w.astype(np.float64) for name, w in first_weights(network, seed=1).items()}
    for name, weight in weights.items():
        if not is_learned(name):
            weight += rng.uniform(0, 0.5, weight.shape)
    return network, weights


# Operations


@pytest.mark.parametrize(("window", "hop"), [(32, 8), (32, 16), (256, 64)])
@pytest.mark.parametrize("length", [1, 31, 200])
def test_the_stft_is_that_of_the_package_and_is_inverted(rng, window, hop, length):
    x = rng.standard_normal((3, 1, length))
    y = nn.stft(x, window=window, hop=hop)
    wanted = STFT(window, hop).analysis(x)[:, 0].swapaxes(1, 2)
    np.testing.assert_array_equal(y, np.concatenate([wanted.real, wanted.imag], axis=1))
    back = nn.istft(y, window=window, hop=hop, length=length)
    np.testing.assert_allclose(back, x, atol=1e-12)
    np.testing.assert_allclose(nn.power(y), np.abs(wanted) ** 2, atol=1e-12)


def test_depthwise_conv_is_a_conv_with_a_diagonal_kernel(rng):
    x, weight, bias = rng.standard_normal((2, 3, 20)), rng.standard_normal((3, 1, 3)), np.ones(3)
    full = weight * np.eye(3)[:, :, None]
    wanted = nn.conv(x, full, bias, padding=4, dilation=4)
    np.testing.assert_allclose(nn.depthwise_conv(x, weight, bias, dilation=4), wanted, atol=1e-12)
    shifted = np.pad(x, ((0, 0), (0, 0), (8, 0)))
    wanted = nn.conv(shifted, full, bias, dilation=4)
    causal = nn.depthwise_conv(x, weight, bias, dilation=4, causal=True)
    np.testing.assert_allclose(causal, wanted, atol=1e-12)


def test_wrong_convolutions_are_refused():
    x = np.zeros((1, 2, 5))
    with pytest.raises(InputError, match="dilation=0 must be >= 1"):
        nn.depthwise_conv(x, np.zeros((2, 1, 3)), dilation=0)
    with pytest.raises(InputError, match="kernel=4 must be odd if it is centered"):
        nn.depthwise_conv(x, np.zeros((2, 1, 4)))


def test_cumulative_means_of_long_float32_signals_are_accurate():
    """The mean of 0.1: a sum in float32 would be off by about 1e-4 after two million samples."""
    x = np.full((1, 1, 2_000_000), 0.1, np.float32)
    np.testing.assert_allclose(nn.cumulative_mean(x)[0, 0, -1], 0.1, rtol=1e-6)


# The network


def test_it_is_small():
    """At most 100,000 parameters at both sampling rates."""
    assert n_params(SpeechNet()) <= 100_000
    assert n_params(SpeechNet(fs=16_000.0, width=60)) <= 100_000


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("norm", ["none", "batch"])
def test_it_is_equivariant_to_the_level(rng, causal, norm):
    network, weights = made(rng, causal=causal, norm=norm)
    y = rng.standard_normal((2, 1, 500))
    y[0, :, :90] = 0
    x = run(network, weights, y, engine="numpy")
    for factor in (-1e-6, 1e-6, 3.0, 1e6):
        scaled = run(network, weights, factor * y, engine="numpy")
        np.testing.assert_allclose(scaled / factor, x, rtol=0, atol=1e-12)
    narrow = run(network, weights, (1e-6 * y).astype(np.float32), engine="numpy")
    np.testing.assert_allclose(narrow * 1e6, x, rtol=0, atol=1e-5)


@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_a_causal_network_does_not_see_the_future(rng, engine):
    """Samples up to t depend on no input from t + window on, and depend on all up to that."""
    if engine == "torch":
        pytest.importorskip("torch")
    network, weights = made(rng, causal=True, blocks=7)  # all dilations
    y = rng.standard_normal((1, 1, 800))
    x = run(network, weights, y, engine=engine)
    window = network.frames.window
    for t in (1, 8, 301, 700):
        changed = y.copy()
        changed[..., t + window - 1 :] = 100 * rng.standard_normal(y.shape)[..., t + window - 1 :]
        other = run(network, weights, changed, engine=engine)
        np.testing.assert_array_equal(other[..., :t], x[..., :t])
    y[..., 300:] *= -2
    assert np.abs(run(network, weights, y, engine=engine) - x)[..., 276:300].max() > 1e-3


def test_a_network_that_is_not_causal_sees_the_future(rng):
    network, weights = made(rng)
    y = rng.standard_normal((1, 1, 800))
    x = run(network, weights, y, engine="numpy")
    y[..., 400:] = 0
    assert np.abs(run(network, weights, y, engine="numpy") - x)[..., :300].max() > 1e-3


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("length", [1, 2, 7, 33, 100])
def test_every_length_is_accepted(rng, causal, length):
    network, weights = made(rng, causal=causal)
    denoiser = NetworkDenoiser(Weights(network, weights))
    y = rng.standard_normal((2, 1, length)).astype(np.float32)
    before = y.copy()
    x = denoiser(y)
    assert x.shape == y.shape
    assert x.dtype == np.float32
    np.testing.assert_array_equal(y, before)
    assert (denoiser(np.zeros_like(y)) == 0).all()
    assert np.isfinite(denoiser(np.ones_like(y))).all()


@pytest.mark.parametrize("engine", ["numpy", "torch"])
@pytest.mark.parametrize("causal", [False, True])
def test_derivatives_are_finite_differences(rng, causal, engine):
    if engine == "torch":
        pytest.importorskip("torch")
    network, weights = made(rng, causal=causal)
    denoiser = NetworkDenoiser(Weights(network, weights), engine=engine)
    y, g, move = rng.standard_normal((3, 1, 1, 120))
    up, down = denoiser(y + 1e-6 * move), denoiser(y - 1e-6 * move)
    back = denoiser.pull_back(y, g)
    assert np.sum(back * move) == pytest.approx(np.sum(g * (up - down)) / 2e-6, rel=1e-5)
    silent = denoiser.pull_back(np.zeros((1, 1, 120), np.float32), g.astype(np.float32))
    assert np.isfinite(silent).all()


def test_latency_and_sampling_rate(rng):
    network, weights = made(rng, causal=True)
    denoiser = NetworkDenoiser(Weights(network, weights))
    assert denoiser.latency_ms == 32.0
    assert NetworkDenoiser(denoiser.weights, "input").latency_ms is None
    assert NetworkDenoiser(Weights(*made(rng))).latency_ms is None
    bound = bind_problem_info(denoiser, {"fs": 1000.0})
    assert bound.fs == 1000
    assert identity(bound) == identity(denoiser)
    with pytest.raises(InputError, match="speech-net is for fs=1000 Hz, but the signals have 8000"):
        bind_problem_info(denoiser, {"fs": 8000.0})
    with pytest.raises(
        InputError, match="speech-net is for fs=8000 Hz, but the signals have 16000"
    ):
        bind_problem_info(Trained("icnn", network=SpeechNet()), {"fs": 16_000.0})


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"fs": -1.0}, "fs=-1 must be > 0"),
        ({"width": 0}, "width=0 must be >= 1"),
        ({"overlap": 1}, "overlap=1 must be >= 2"),
        ({"kernel": 2}, "kernel=2 must be odd if causal=False"),
    ],
)
def test_wrong_sizes_are_refused(sizes, message):
    with pytest.raises(InputError, match=message):
        SpeechNet(**sizes)


# The loss


def test_the_loss_is_its_formula(rng):
    x, s = rng.standard_normal((2, 3, 1, 700))
    s[1] *= 0.01
    level = np.sqrt(np.mean(s**2, axis=(1, 2), keepdims=True) + 1e-4)
    a, b = (STFT(256, 128).analysis(signal / level) for signal in (x, s))
    a, b = ((np.abs(u) ** 2 + 1e-6) ** 0.15 for u in (a, b))
    ratio = np.mean(((x - s) / level) ** 2, axis=(1, 2))
    wanted = np.mean(np.where(a < b, 2, 1) * (a - b) ** 2)
    wanted += 0.1 * np.mean(np.log1p(1000 * ratio))
    assert float(nn.compressed_magnitudes(x, s)) == pytest.approx(wanted, rel=1e-3)


def test_the_loss_does_not_depend_on_the_level(rng):
    """Except for levels near -40 dB of full scale and below."""
    x, s = 100 * rng.standard_normal((2, 3, 1, 700))
    loss = float(nn.compressed_magnitudes(x, s))
    assert float(nn.compressed_magnitudes(10 * x, 10 * s)) == pytest.approx(loss, rel=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_losses_of_silence_are_finite_and_the_same_in_torch(rng, dtype):
    torch = pytest.importorskip("torch")
    from sigbench.networks.nn import torch_ops

    noise = (0.05 * rng.standard_normal((1, 1, 500))).astype(dtype)
    silence = np.zeros_like(noise)
    for estimate, target in ((silence, noise), (noise, silence), (silence, silence)):
        ours = nn.Var(estimate)
        loss = nn.compressed_magnitudes(ours, target)
        loss.backward()
        tensor = torch.from_numpy(estimate).requires_grad_()
        theirs = torch_ops.LOSSES["speech"](tensor, torch.from_numpy(target))
        theirs.backward()
        assert float(loss.value) == pytest.approx(theirs.item(), rel=1e-5, abs=1e-12)
        assert ours.grad.dtype == dtype
        peak = np.abs(ours.grad).max()
        np.testing.assert_allclose(ours.grad, tensor.grad.numpy(), rtol=0, atol=1e-5 * peak)
        assert float(loss.value) < 3  # silence in a batch does not outweigh everything else
    assert float(loss.value) == 0


# Training


@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_it_trains_on_speech_in_noise(tmp_path, engine):
    if engine == "torch":
        pytest.importorskip("torch")
    path = tmp_path / "small.toml"
    path.write_text(RECIPE.format(engine=engine, dataset="speech-smoke"), encoding="utf-8")
    recipe = load_recipe(str(path))
    result = train(recipe, recipe.source.training(recipe.pairs), open_engine(recipe))
    losses = [row.validation for row in result.log]
    assert losses[-1] < 0.95 * losses[0]


def test_training_on_data_of_another_rate_is_refused(tmp_path, capsys):
    path = tmp_path / "small.toml"
    text = RECIPE.format(engine="numpy", dataset="speech-smoke").replace("fs=16000", "fs=8000")
    path.write_text(text, encoding="utf-8")
    assert main(["train", str(path), "-o", str(tmp_path / "net.safetensors")]) == 2
    error = "error: speech-net is for fs=8000 Hz, but the signals have 16000 Hz"
    assert error in capsys.readouterr().err


def test_weights_are_trained_and_denoise_a_file_at_their_rate_only(tmp_path, capsys):
    path, weights = tmp_path / "small.toml", tmp_path / "net.safetensors"
    path.write_text(RECIPE.format(engine="numpy", dataset="speech-smoke"), encoding="utf-8")
    assert main(["train", str(path), "-o", str(weights), "--quiet"]) == 0
    assert Pretrained(str(weights)).latency_ms == 32
    noisy = np.random.default_rng(1).uniform(-0.1, 0.1, 4000)
    for fs, code in ((16_000, 0), (8000, 2)):
        soundfile.write(tmp_path / f"{fs}.wav", noisy, fs)
        call = ["denoise", f"{tmp_path}/{fs}.wav", "-o", f"{tmp_path}/{fs}-out.wav"]
        assert main([*call, "-m", f"network[weights={weights}]"]) == code
    assert "speech-net is for fs=16000 Hz, but the signals have 8000 Hz" in capsys.readouterr().err
