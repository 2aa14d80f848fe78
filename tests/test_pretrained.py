"""Shipped weights and weight files."""

import dataclasses
import json
import re
import subprocess
import sys

import numpy as np
import pytest

import sigbench
from sigbench import ICNN, InputError, Pretrained, ShrinkNet
from sigbench.analysis.jacobian import linearize
from sigbench.benchmark.methods.describe import describe
from sigbench.benchmark.methods.resolve import resolve
from sigbench.cli.main import main
from sigbench.cli.model_card import Figures, as_markdown
from sigbench.core.fingerprint import identity
from sigbench.networks.models.base import first_weights, run
from sigbench.networks.pretrained.denoiser import NetworkDenoiser
from sigbench.networks.pretrained.weights import FOLDER, SHIPPED, Weights, load, save, shipped
from sigbench.networks.training.recipe import load_recipe

SINGLE = 1e-5  # float32, relative to the largest value of a feature map


@pytest.fixture(scope="module")
def signals():
    (block,) = sigbench.load("table1").select(items=100).problems[0].blocks(1, 100)
    return block.noisy.astype(np.float32)


@pytest.fixture(scope="module")
def images():
    suite = sigbench.load("images32").select(problems=["gaussian-25"], items=20)
    return next(iter(suite.problems[0].blocks(1, 20))).noisy


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.safetensors"
    network = ShrinkNet(width=3)
    save(path, Weights(network, first_weights(network), {"name": "mine"}))
    return path


# Shipped weights


def typed(name):
    """Return the recipe of weights as in `make weights`."""
    found = re.fullmatch(r"(dncnn|unet)(-bias)?-0-(\d+)", name)
    if not found:
        return name
    network = f"{found[1]}[center=true{',bias=true' * bool(found[2])}]"
    noise = f"gaussian[sigma=0,sigma_to={found[3]}]"
    return f"{found[1]}[name={name},network={network},degradation={noise},limit=sliding-dct]"


@pytest.mark.parametrize("statistics", ["running", "input"])
@pytest.mark.parametrize("name", SHIPPED)
def test_both_engines_agree_in_every_feature_map(name, statistics, signals, images):
    pytest.importorskip("torch")
    weights = shipped(name)
    items = images[:, : weights.network.channels[0]] if weights.network.axes == 2 else signals

    maps = {"numpy": {}, "torch": {}}
    estimates = [
        run(weights.network, weights.arrays, items, engine=e, statistics=statistics, maps=kept)
        for e, kept in maps.items()
    ]
    assert maps["numpy"].keys() == maps["torch"].keys()
    for one, other in [estimates, *((maps["numpy"][k], maps["torch"][k]) for k in maps["numpy"])]:
        assert np.abs(one - other).max() <= SINGLE * np.abs(one).max()


@pytest.mark.parametrize("name", SHIPPED)
def test_the_card_says_where_they_come_from(name):
    weights = shipped(name)
    card = weights.card
    recipe = load_recipe(typed(name))
    assert card["name"] == recipe.name == name
    assert recipe.network == weights.network
    assert card["recipe"] == recipe.in_steps(card["steps"])
    source = recipe.source
    if source.dataset.kind == "speech-training":  # the version is a digest of synthesized clips
        version = re.fullmatch(r"speech-training v(1\.[0-9a-f]{16})", card["data"]["dataset"])[1]
    else:
        version = source.dataset.version
    assert card["data"] == {
        "dataset": f"{source.dataset.kind} v{version}",
        "degradation": f"{source.degradation.kind} v{source.degradation.version}",
    }
    assert {"numpy", "sigbench"} <= card["versions"].keys()
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert text == as_markdown(weights, Figures(**card["figures"]), SHIPPED[name])
    json.dumps(card, allow_nan=False)


def test_no_file_of_weights_is_forgotten():
    assert {path.stem for path in FOLDER.glob("*.safetensors")} == set(SHIPPED)


def test_they_are_small():
    """3 MB each for table1 and images32, for bias-free, and for speech (0.5 MB per network)."""
    files = {path for path in FOLDER.iterdir() if path.suffix not in (".png", ".py", "")}
    series = {path for path in files if re.match("(dncnn|unet)-", path.name)}
    speech = {path for path in files if "speech" in path.name}
    for own in (series, speech, files - series - speech):
        assert 0 < sum(path.stat().st_size for path in own) < 3e6
    assert max(path.stat().st_size for path in speech) <= 500_000


def test_no_torch_is_needed():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import numpy as np, sigbench\n"
        "y = np.random.default_rng(0).normal(size=(2, 1, 100))\n"
        "print(*(sigbench.Pretrained(name)(y).shape for name in ('icnn', 'shrinknet')))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "(2, 1, 100) (2, 1, 100)\n"


def test_torch_that_is_not_there_is_said():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import numpy as np, sigbench\n"
        "sigbench.Pretrained('shrinknet', engine='torch')(np.zeros((1, 1, 5)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "InputError: engine='torch' needs torch: pip install" in done.stderr


def test_shrinknet_counts(signals):
    """A sample is less likely to be a spike if others are; the limit agrees."""
    first = np.full((1, 1, 100), 0.0)
    first[0, 0, 0] = 6.0
    crowd = first.copy()
    crowd[0, 0, 1:40] = 8.0
    net = Pretrained("shrinknet")
    limit = sigbench.SpikesPosteriorMean(draws=20, low=2, high=10)
    for method in (net, lambda y: limit(y, sigma=3.0)):
        assert method(crowd)[0, 0, 0] < method(first)[0, 0, 0] - 0.5


# As a method


OF_IMAGES = [name for name in SHIPPED if shipped(name).network.axes == 2]
WITH_CONSTANTS = [name for name in OF_IMAGES if "-bias-" in name]
WITHOUT = [name for name in OF_IMAGES if name not in WITH_CONSTANTS]


@pytest.mark.parametrize("name", OF_IMAGES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_size_of_images(name, dtype, images):
    for size in ((1, 1), (5, 32), (31, 18)):
        noisy = images[:3, :, : size[0], : size[1]].astype(dtype)
        estimate = Pretrained(name)(noisy)
        assert (estimate.shape, estimate.dtype) == (noisy.shape, dtype)
        each = np.concatenate([Pretrained(name)(noisy[i : i + 1]) for i in range(3)])
        np.testing.assert_allclose(estimate, each, atol=1e-3)
    if shipped(name).network.channels == (3,):
        with pytest.raises(InputError, match="resnet takes 3 channels"):
            Pretrained(name)(images[:, :1])


@pytest.mark.parametrize("name", OF_IMAGES)
def test_what_has_constants_is_called_so(name):
    constants = [w for w in shipped(name).arrays if w.endswith((".bias", ".running_mean"))]
    assert bool(constants) == (name in WITH_CONSTANTS)


@pytest.mark.parametrize("name", WITHOUT)
@pytest.mark.parametrize("a", [0.0, 0.1, 9.0])
def test_without_constants_they_are_homogeneous(name, a, images):
    """Mohan et al. 2020, section 4: f(a·y) = a·f(y)."""
    y = images[:4].astype(np.float64)
    net = Pretrained(name, engine="numpy")
    np.testing.assert_allclose(net(a * y), a * net(y), atol=1e-8)


@pytest.mark.parametrize("name", WITHOUT)
def test_without_constants_they_are_their_jacobian(name, images):
    """Mohan et al. 2020, section 4: f(y) = A_y·y."""
    item = images[5, : shipped(name).network.channels[0], :10, :12].astype(np.float64)
    around = linearize(Pretrained(name), item)
    assert around.by == "autograd"
    np.testing.assert_allclose(around.constant, 0, atol=1e-9)
    assert np.abs(around.estimate - item).max() > 0.1


@pytest.mark.parametrize("name", WITH_CONSTANTS)
def test_with_constants_they_are_not(name, images):
    around = linearize(Pretrained(name), images[5, :1, :10, :12].astype(np.float64))
    assert np.abs(around.constant).max() > 1


@pytest.mark.parametrize("name", WITHOUT)
def test_images_pass_their_contrast_and_brightness_through(name, images):
    """x̂(a·y + b) = a·x̂(y) + b: of the definition, whatever was learned."""
    y = images[:4].astype(np.float64)
    net = Pretrained(name, engine="numpy")
    np.testing.assert_allclose(net(0.5 * y + 20), 0.5 * net(y) + 20, atol=1e-6)


@pytest.mark.parametrize("length", [1, 5, 71, 72, 100, 257])
@pytest.mark.parametrize("name", [name for name in SHIPPED if name not in OF_IMAGES])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_length_and_number_of_channels(name, length, dtype):
    noisy = np.random.default_rng(1).normal(size=(2, 3, length)).astype(dtype)
    estimate = Pretrained(name)(noisy)
    assert estimate.shape == noisy.shape
    assert estimate.dtype == dtype
    each = [Pretrained(name)(noisy[i : i + 1, c : c + 1]) for i in range(2) for c in range(3)]
    np.testing.assert_allclose(
        estimate.reshape(6, length), np.concatenate(each)[:, 0], rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("statistics", ["running", "input"])
def test_what_torch_is_particular_about(statistics):
    """Negative strides, and statistics of a single sample."""
    network = ShrinkNet(norm="batch")
    weights = Weights(network, first_weights(network))
    both = [NetworkDenoiser(weights, statistics, engine) for engine in ("numpy", "torch")]
    for noisy in (np.arange(12.0).reshape(2, 1, 6)[:, :, ::-1], np.ones((2, 1, 1))):
        one, other = (denoise(noisy) for denoise in both)
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_images_are_refused():
    with pytest.raises(
        InputError, match=r"shrinknet takes signals \(N, C, L\), not \(1, 3, 8, 8\)"
    ):
        Pretrained("shrinknet")(np.zeros((1, 3, 8, 8)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("network[weights=shrinkne]", "unknown weights 'shrinkne': did you mean 'shrinknet'"),
        ("network[weights=no/such.safetensors]", "no/such.safetensors: weight file not found"),
        (
            "network[weights=mine.csv]",
            "weights=mine.csv must end in .safetensors or be one of: icnn",
        ),
        ("network[weights=shrinknet,statistics=batch]", "must be one of: running, input"),
        ("network[weights=shrinknet,engine=jax]", "must be one of: auto, numpy, torch"),
        ("network", r"network: weights must be set, as in network\[weights=\.\.\.\]"),
    ],
)
def test_a_wrong_one_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        resolve(text)


def test_its_key_follows_the_values_not_the_file(file, tmp_path):
    method = f"network[weights={file}]"
    (first,) = resolve(method)
    (copied,) = resolve(f"network[weights={file.rename(tmp_path / 'other.safetensors')}]")
    assert first.key == copied.key
    assert resolve(f"network[weights={tmp_path / 'other.safetensors'},engine=torch]")[0].key == (
        first.key
    )
    assert resolve(f"network[weights={tmp_path / 'other.safetensors'},statistics=input]")[
        0
    ].key != (first.key)
    weights = load(tmp_path / "other.safetensors")
    changed = {**weights.arrays, "conv1.bias": weights.arrays["conv1.bias"] + 1e-3}
    save(file, Weights(weights.network, changed))
    assert resolve(method)[0].key != first.key


def test_it_says_what_it_is():
    net = Pretrained("shrinknet")
    assert "pairs=fresh" in describe(net)
    assert net == Pretrained("shrinknet")
    assert hash(net) == hash(Pretrained("shrinknet"))
    assert identity(net) == identity(Pretrained("shrinknet", engine="numpy"))
    assert net.n_params == 1219
    (method,) = resolve("network[weights=shrinknet]")
    assert method.knowledge(sigma_known=True) == "fitted"


# Files


def test_there_and_back(file):
    weights = load(file)
    assert weights.network == ShrinkNet(width=3)
    assert weights.card == {"name": "mine"}
    again = Weights(weights.network, first_weights(weights.network))
    assert weights == again
    assert hash(weights) == hash(again)
    assert "sha256" in repr(weights)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.02, 0.5, 0.999])
def test_a_cut_file_is_named(file, share):
    whole = file.read_bytes()
    file.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match=r"mine\.safetensors cannot be read as safetensors"):
        load(file)


def test_a_flipped_bit_is_found(file):
    data = bytearray(file.read_bytes())
    data[-3] ^= 1
    file.write_bytes(data)
    with pytest.raises(InputError, match=r"mine\.safetensors is damaged: its content has sha256"):
        load(file)


def test_another_definition_of_the_same_shapes_is_found(file):
    """The scale of the input does not follow from the shapes of the weights."""
    data = file.read_bytes()
    assert data.count(b"scale=4.0") == 1
    file.write_bytes(data.replace(b"scale=4.0", b"scale=8.0"))
    with pytest.raises(InputError, match="is damaged"):
        load(file)


def test_all_digits_of_a_definition_come_back(file):
    network = ShrinkNet(width=3, scale=4.123456789012345)
    save(file, Weights(network, first_weights(network)))
    assert load(file).network == network


def test_a_network_of_absurd_size_is_refused_before_it_is_made():
    with pytest.raises(InputError, match=r"has shape \(3, 1, 1\), not \(10000"):
        Weights(ShrinkNet(width=10**9), first_weights(ShrinkNet(width=3)))


def test_a_foreign_file_is_named(file, capsys):
    from safetensors.numpy import save_file

    save_file({"weight": np.zeros(3, np.float32)}, file)
    with pytest.raises(InputError, match="is not a sigbench weight file: it does not name its"):
        load(file)
    assert main(["run", "table1", "-m", f"network[weights={file}]"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("sigbench: error: ")


def test_weights_of_another_network_are_refused(file):
    weights = load(file)
    with pytest.raises(InputError, match=r"'conv1\.weight' has shape \(3, 1, 1\), not \(4, 1, 1\)"):
        Weights(ShrinkNet(width=4), weights.arrays)
    with pytest.raises(InputError, match=r"weight 'down1\.conv1\.weight' of shape .* is missing"):
        Weights(ICNN(), weights.arrays)
    with pytest.raises(InputError, match=r"unknown weight of shrinknet.* 'more': one of: "):
        Weights(ShrinkNet(width=3), {**weights.arrays, "more": np.zeros(1)})


@pytest.mark.parametrize("value", [np.array([0, np.nan, 0], np.float32), np.zeros(3, complex)])
def test_what_is_no_weight_is_refused(file, value):
    weights = load(file)
    broken = {**weights.arrays, "conv1.bias": value}
    with pytest.raises(InputError, match=r"'conv1\.bias' must be finite numbers of float32 or"):
        dataclasses.replace(weights, arrays=broken)


def test_a_shipped_file_that_was_exchanged_is_refused(monkeypatch):
    monkeypatch.setitem(SHIPPED, "shrinknet", "0" * 64)
    shipped.cache_clear()
    with pytest.raises(InputError, match=r"shrinknet\.safetensors has sha256 .*, not 000000000000"):
        Pretrained("shrinknet")
    monkeypatch.undo()
    shipped.cache_clear()


def test_a_file_is_denoised(here):
    y = np.random.default_rng(2).normal(size=100)
    np.savetxt("noisy.csv", y)
    assert (
        main(["denoise", "noisy.csv", "-o", "clean.csv", "-m", "network[weights=shrinknet]"]) == 0
    )
    estimate = NetworkDenoiser(shipped("shrinknet"))(y.reshape(1, 1, -1)).ravel()
    np.testing.assert_allclose(np.loadtxt("clean.csv"), estimate, rtol=1e-6, atol=1e-9)


def test_a_negative_variance_is_refused():
    network = ICNN()
    arrays = dict(first_weights(network))
    name = next(name for name in arrays if name.endswith("running_var"))
    arrays[name] = arrays[name] - 2
    with pytest.raises(InputError, match="must be >= 0, because it is a variance"):
        Weights(network, arrays)
