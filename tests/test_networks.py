"""Networks: both engines compute the same values; training in NumPy agrees with torch."""

import functools

import numpy as np
import pytest

from sigbench import InputError
from sigbench.cli import list as listing
from sigbench.networks import nn
from sigbench.networks.models import ICNN, NETWORKS, ShrinkNet, SpeechNet, base
from sigbench.networks.models.base import first_weights, is_learned, run
from sigbench.networks.pretrained.weights import Weights

SETTINGS = [
    ICNN(), ICNN("m"), ICNN("l"), ICNN(prior=False), ICNN(norm="sparse"), ICNN(norm="none"),
    ShrinkNet(), ShrinkNet(width=8, norm="batch"), ShrinkNet(width=8, norm="sparse"),
    SpeechNet(), SpeechNet(causal=True), SpeechNet(fs=1000.0, width=8, blocks=2, norm="none"),
    *[network for network in listing.networks().values() if network.axes == 2],
]  # fmt: skip
SGD = nn.SGD(lr=1e-3, momentum=0.9, weight_decay=1e-6)
ADAM = nn.Adam(lr=1e-3)


def pairs(rng, items, length, dtype):
    """Draw sparse signals and noisy versions of them: (clean, noisy)."""
    spikes = rng.integers(2, 11, (items, 1, length)) * (rng.random((items, 1, length)) < 0.2)
    return spikes.astype(dtype), (spikes + 3 * rng.standard_normal(spikes.shape)).astype(dtype)


def batches(network, steps, items, dtype):
    """Return the same batches at each call: signals as in Table 1, images of the minimum size."""
    rng = np.random.default_rng(11)
    if network.axes == 2:
        side = max(network.least, 16)
        shape = (steps, min(items, 3), network.channels[0], side, side)
        clean = rng.uniform(0, 255, shape).astype(dtype)
        return list(zip(clean, clean + 25 * rng.standard_normal(shape).astype(dtype), strict=True))
    return [pairs(rng, items, max(network.least, 100), dtype) for _ in range(steps)]


def train(network, weights, loss, optimizer, data):
    """Train in NumPy, changing the weights in place; return the loss of each step."""
    state, losses = {}, []
    for clean, noisy in data:
        variables = {k: nn.Var(w) if is_learned(k) else w for k, w in weights.items()}
        y = network.forward(nn.Net(nn, variables, "batch"), noisy)
        value = nn.LOSSES[loss](y, clean)
        value.backward()
        gradients = {k: v.grad for k, v in variables.items() if is_learned(k)}
        assert {g.dtype for g in gradients.values()} == {noisy.dtype}
        optimizer.step(weights, gradients, state, optimizer.lr)
        losses.append(float(value.value))
    return losses


@functools.cache
def trained(network):
    """Return weights after 200 steps: with fewer, some channels are almost constant.

    Divided by a deviation of next to nothing, the rounding of float32 shows in either engine.
    Networks of images are large and divide by none: theirs are the first.
    """
    if network.axes == 2:
        return first_weights(network, initial="kaiming", seed=3)
    weights = first_weights(network, seed=3)
    train(network, weights, "mse", nn.Adam(lr=1e-2), batches(network, 200, 16, np.float32))
    return weights


def test_every_network_has_settings_here():
    assert {type(network) for network in SETTINGS} == set(NETWORKS.values())
    assert set(listing.networks().values()) <= set(SETTINGS)


# One definition, two engines


@pytest.mark.parametrize("statistics", ["running", "input"])
@pytest.mark.parametrize("network", SETTINGS, ids=str)
def test_both_engines_agree_in_every_feature_map(network, statistics):
    pytest.importorskip("torch")
    weights = trained(network)
    _, noisy = batches(network, 1, 20, np.float32)[0]
    ours, theirs = {}, {}
    y = run(network, weights, noisy, engine="numpy", statistics=statistics, maps=ours)
    same = run(network, weights, noisy, engine="torch", statistics=statistics, maps=theirs)
    assert y.dtype == same.dtype == np.float32
    assert ours.keys() == theirs.keys()
    assert len(ours) >= 3
    for name, (a, b) in {"result": (y, same), **{k: (ours[k], theirs[k]) for k in ours}}.items():
        assert np.abs(a - b).max() <= 1e-5 * np.abs(b).max(), name


@pytest.mark.parametrize("statistics", ["running", "input"])
@pytest.mark.parametrize("network", SETTINGS, ids=str)
def test_in_numpy_float64_stays_and_items_are_apart(network, statistics):
    weights = trained(network)
    before = {k: w.copy() for k, w in weights.items()}
    _, noisy = batches(network, 1, 5, np.float64)[0]
    maps = {}
    y = run(network, weights, noisy, engine="numpy", statistics=statistics, maps=maps)
    assert {m.dtype for m in maps.values()} | {y.dtype} == {np.dtype("f8")}
    assert y.shape == noisy.shape
    assert y.flags.c_contiguous
    alone = run(network, weights, noisy[2:3], engine="numpy", statistics=statistics)
    np.testing.assert_allclose(alone, y[2:3], rtol=0, atol=1e-9 * np.abs(y).max())
    for name, weight in before.items():
        np.testing.assert_array_equal(weights[name], weight)


@pytest.mark.parametrize("network", SETTINGS, ids=str)
def test_float32_is_float64_but_for_rounding(network):
    """Constants, exponents and statistics keep float64 precision."""
    weights = trained(network)
    _, noisy = batches(network, 1, 20, np.float32)[0]
    narrow = run(network, weights, noisy, engine="numpy")
    wide = run(network, weights, noisy.astype(np.float64), engine="numpy")
    assert np.abs(narrow - wide).max() <= 1e-4 * np.abs(wide).max()


def test_weights_of_another_network_are_refused():
    network = ICNN()
    weights = first_weights(network)
    _, noisy = batches(network, 1, 2, np.float32)[0]
    missing = {k: w for k, w in weights.items() if k != "up1.conv2.bias"}
    with pytest.raises(InputError, match=r"^weight 'up1.conv2.bias' of shape \(8,\) is missing$"):
        run(network, missing, noisy, engine="numpy")
    with pytest.raises(InputError, match=r"^icnn\[.*: weight 'up1.conv2.bias' of shape \(8,\) is"):
        Weights(network, missing)
    with pytest.raises(InputError, match=r"^unknown weight of icnn.* 'prior5.beta': did you mean "):
        Weights(network, {**weights, "prior5.beta": np.zeros(1)})
    wrong = {**weights, "out.weight": np.zeros((1, 2, 3), np.float32)}
    with pytest.raises(InputError, match=r"'out.weight' has shape \(1, 2, 3\), not \(1, 2, 1\)$"):
        run(network, wrong, noisy, engine="numpy")
    with pytest.raises(InputError, match=r"has shape \(1, 2, 3\), not \(1, 2, 1\)$"):
        Weights(network, wrong)


def test_large_batches_go_in_blocks(monkeypatch):
    """Blocks do not change values; `batch` statistics are those of the whole batch."""
    network = ICNN(norm="sparse")
    weights = trained(network)
    _, noisy = batches(network, 1, 20, np.float64)[0]
    whole, parts = {}, {}
    y = run(network, weights, noisy, engine="numpy", maps=whole)
    of_the_batch = run(network, weights, noisy, engine="numpy", statistics="batch")
    before = {k: w.copy() for k, w in weights.items()}
    monkeypatch.setattr(base, "BLOCK", 700)
    np.testing.assert_allclose(
        run(network, weights, noisy, engine="numpy", maps=parts), y, rtol=0, atol=1e-10
    )
    assert whole.keys() == parts.keys()
    for name, kept in whole.items():
        np.testing.assert_allclose(parts[name], kept, rtol=0, atol=1e-9 * np.abs(kept).max())
    again = run(network, weights, noisy, engine="numpy", statistics="batch")
    np.testing.assert_array_equal(again, of_the_batch)
    for name, weight in before.items():
        np.testing.assert_array_equal(weights[name], weight)


def test_an_unknown_engine_is_refused():
    with pytest.raises(InputError, match="engine='jax' must be one of: numpy, torch"):
        run(ICNN(), {}, np.zeros((1, 1, 100)), engine="jax")
    with pytest.raises(InputError, match="statistics='runing' must be one of: batch, running, in"):
        run(ICNN(), {}, np.zeros((1, 1, 100)), engine="numpy", statistics="runing")


# An independent implementation of the network of Table 1


def plain_unet():
    """Return ICNN(prior=False) as a torch module, with the same names."""
    import torch
    from torch import nn as tnn
    from torch.nn import functional as F

    class Stage(tnn.Module):
        def __init__(self, inputs, middle, outputs):
            super().__init__()
            self.conv1, self.norm1 = (
                tnn.Conv1d(inputs, middle, 3, padding=1),
                tnn.BatchNorm1d(middle),
            )
            self.conv2 = tnn.Conv1d(middle, outputs, 3, padding=1)
            self.norm2 = tnn.BatchNorm1d(outputs)

        def forward(self, x):
            x = F.relu(self.norm1(self.conv1(x)))
            return F.relu(self.norm2(self.conv2(x)))

    class UNet(tnn.Module):
        def __init__(self):
            super().__init__()
            self.down1, self.down2, self.down3 = Stage(1, 2, 2), Stage(2, 4, 4), Stage(4, 8, 8)
            self.down4, self.down5 = Stage(8, 16, 16), Stage(16, 16, 16)
            self.up1, self.up2 = Stage(32, 16, 8), Stage(16, 8, 4)
            self.up3, self.up4 = Stage(8, 4, 2), Stage(4, 2, 2)
            self.out = tnn.Conv1d(2, 1, 1)
            self.up = tnn.Upsample(scale_factor=2, mode="linear", align_corners=True)

        def forward(self, y):
            skips = [self.down1(y)]
            for stage in (self.down2, self.down3, self.down4, self.down5):
                skips.append(stage(F.max_pool1d(skips[-1], 2)))
            x = skips.pop()
            for stage in (self.up1, self.up2, self.up3, self.up4):
                skip, x = skips.pop(), self.up(x)
                short = skip.shape[2] - x.shape[2]
                x = F.pad(x, (short // 2, short - short // 2))
                x = stage(torch.cat([skip, x], 1))
            return self.out(x)

    return UNet()


def with_weights(module, weights):
    """Load all our weights into a module by name."""
    import torch

    module = module.double() if weights["out.weight"].dtype == np.float64 else module
    tensors = {name: torch.from_numpy(w.copy()) for name, w in weights.items()}
    found = module.load_state_dict(tensors, strict=False)
    assert not found.unexpected_keys
    assert all(name.endswith("num_batches_tracked") for name in found.missing_keys)
    return module


@pytest.mark.parametrize("length", [72, 100, 113])
def test_the_network_is_the_one_that_one_writes_in_torch(length):
    torch = pytest.importorskip("torch")
    weights = {k: w.astype(np.float64) for k, w in trained(ICNN(prior=False)).items()}
    module = with_weights(plain_unet(), weights).eval()
    _, noisy = pairs(np.random.default_rng(2), 10, length, np.float64)
    with torch.no_grad():
        wanted = module(torch.from_numpy(noisy)).numpy()
    y = run(ICNN(prior=False), weights, noisy, engine="numpy")
    np.testing.assert_allclose(y, wanted, rtol=0, atol=1e-12 * np.abs(wanted).max())


# Training


def train_by_torch(network, weights, loss, optimizer, data):
    """Train with torch's gradients and optimizers; return the loss of each step."""
    import torch

    from sigbench.networks.nn import torch_ops

    tensors = {k: torch.from_numpy(w.copy()) for k, w in weights.items()}
    learned = [t.requires_grad_() for k, t in tensors.items() if is_learned(k)]

    def forward(noisy):
        return network.forward(nn.Net(torch_ops, tensors, "batch"), noisy)

    if network == ICNN(prior=False):
        forward = with_weights(plain_unet(), weights).train()
        learned = list(forward.parameters())
    if isinstance(optimizer, nn.SGD):
        decay = optimizer.weight_decay
        theirs = torch.optim.SGD(learned, optimizer.lr, optimizer.momentum, weight_decay=decay)
    else:
        theirs = torch.optim.Adam(learned, optimizer.lr)
    function = {"mse": torch.nn.MSELoss(), "smooth-l1": torch.nn.SmoothL1Loss()}[loss]
    losses = []
    for clean, noisy in data:
        theirs.zero_grad()
        value = function(forward(torch.from_numpy(noisy)), torch.from_numpy(clean))
        value.backward()
        theirs.step()
        losses.append(value.item())
    return losses


@pytest.mark.parametrize(("loss", "optimizer"), [("smooth-l1", SGD), ("mse", ADAM)])
@pytest.mark.parametrize("items", [1, 8])
@pytest.mark.parametrize(
    "network",
    [ICNN(), ICNN(prior=False), ICNN(norm="sparse"), ShrinkNet(), ShrinkNet(norm="sparse")],
    ids=str,
)
def test_training_in_numpy_follows_torch_step_by_step(network, items, loss, optimizer):
    pytest.importorskip("torch")
    weights = {k: w.astype(np.float64) for k, w in first_weights(network, seed=1).items()}
    data = batches(network, 50, items, np.float64)
    wanted = train_by_torch(network, weights, loss, optimizer, data)
    losses = train(network, weights, loss, optimizer, data)
    np.testing.assert_allclose(losses, wanted, rtol=1e-6)
    if items > 1:
        assert np.mean(losses[-10:]) < np.mean(losses[:10])
