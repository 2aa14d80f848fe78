"""Bias-free networks and networks with additive constants."""

import numpy as np
import pytest

from sigbench import DnCNN, InputError, UNet
from sigbench.networks.models.base import first_weights, is_learned, n_params, run

NETWORKS = [
    DnCNN(layers=4, width=6),
    DnCNN(layers=4, width=6, center=True),
    UNet(width=4),
    UNet(width=4, center=True),
]


def some_weights(network, seed=3):
    """Return weights as after some training, none of them zero, variances positive."""
    rng = np.random.default_rng(seed)
    first = first_weights(network, seed=1)
    moved = {name: 0.05 * rng.standard_normal(w.shape) for name, w in first.items()}
    return {
        name: w + (moved[name] if is_learned(name) else np.abs(moved[name]))
        for name, w in first.items()
    }


def estimate(network, y, engine="numpy"):
    return run(network, some_weights(network), y, engine=engine)


@pytest.mark.parametrize("network", NETWORKS, ids=str)
@pytest.mark.parametrize("a", [0.0, 0.1, 9.0])
def test_without_constants_it_is_homogeneous(rng, network, a):
    """Mohan et al. 2020, section 4: f(a·y) = a·f(y)."""
    y = rng.uniform(0, 255, (2, 1, 8, 12))
    x = estimate(network, y)
    assert np.abs(x - y).max() > 1
    np.testing.assert_allclose(estimate(network, a * y), a * x, atol=1e-10)


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_centered_it_keeps_brightness(rng, network):
    y = rng.uniform(0, 255, (2, 1, 8, 12))
    shifted = estimate(network, y + 50) - 50
    if network.center:
        np.testing.assert_allclose(shifted, estimate(network, y), atol=1e-9)
    else:
        assert np.abs(shifted - estimate(network, y)).max() > 0.1


@pytest.mark.parametrize("cls", [DnCNN, UNet])
def test_what_has_constants(cls):
    free, with_constants = first_weights(cls()), first_weights(cls(bias=True))
    assert not any(name.endswith(("bias", "running_mean")) for name in free)
    added = {name for name in with_constants if name.endswith(("bias", "running_mean"))}
    assert set(with_constants) - set(free) == added
    assert any(name.endswith("bias") for name in added)


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_it_begins_at_the_noisy_item(rng, network):
    y = rng.uniform(0, 255, (2, 1, 8, 8))
    np.testing.assert_array_equal(run(network, first_weights(network), y, engine="numpy"), y)


def test_counts():
    """3×3 layers (U-Net: also two 5×5 and one 4×4), gains of batch norm, constants."""
    width, inner = 32, 6 * 9 * 32 * 32
    assert n_params(DnCNN()) == 2 * 9 * width + inner + 6 * width
    assert n_params(DnCNN(bias=True)) == n_params(DnCNN()) + 7 * width + 1 + 6 * width
    w = 16
    sides, middle = 2 * 25 * w, 9 * (w * w + w * 2 * w + 3 * 4 * w * w) + 16 * 4 * w * w
    assert n_params(UNet()) == sides + middle + 9 * 3 * w * w
    assert n_params(UNet(bias=True)) == n_params(UNet()) + 3 * w + 5 * 2 * w + 1


# Independent implementations in torch


def in_torch(network):
    import torch
    from torch import nn as tnn
    from torch.nn import functional as F

    def conv(inputs, outputs, kernel=3, **options):
        padding = options.get("dilation", 1) * (kernel // 2)
        return tnn.Conv2d(inputs, outputs, kernel, padding=padding, bias=network.bias, **options)

    class Scaled(tnn.Module):
        """Batch norm that only scales."""

        def __init__(self, channels):
            super().__init__()
            self.weight = tnn.Parameter(torch.ones(channels))
            self.register_buffer("running_var", torch.ones(channels))

        def forward(self, x):
            factor = self.weight / torch.sqrt(self.running_var + 1e-5)
            return x * factor.view(1, -1, 1, 1)

    class Torch(tnn.Module):
        def __init__(self):
            super().__init__()
            w = network.width
            if isinstance(network, DnCNN):
                last = network.layers
                for i in range(1, last + 1):
                    setattr(self, f"conv{i}", conv(1 if i == 1 else w, 1 if i == last else w))
                for i in range(2, last):
                    setattr(self, f"norm{i}", tnn.BatchNorm2d(w) if network.bias else Scaled(w))
                return
            self.conv1, self.conv2 = conv(1, w, 5), conv(w, w)
            self.conv3 = conv(w, 2 * w, stride=2)
            self.conv4 = conv(2 * w, 2 * w)
            self.conv5 = conv(2 * w, 2 * w, dilation=2)
            self.conv6 = conv(2 * w, 2 * w, dilation=4)
            self.conv7 = tnn.ConvTranspose2d(2 * w, 2 * w, 4, 2, 1, bias=network.bias)
            self.conv8, self.conv9 = conv(3 * w, w), conv(w, 1, 5)

        def forward(self, y):
            x = y - y.mean((2, 3), keepdim=True) if network.center else y
            x = F.relu(self.conv1(x / 255))
            if isinstance(network, DnCNN):
                for i in range(2, network.layers):
                    x = F.relu(getattr(self, f"norm{i}")(getattr(self, f"conv{i}")(x)))
                return y - 255 * getattr(self, f"conv{network.layers}")(x)
            skip = F.relu(self.conv2(x))
            x = skip
            for layer in (self.conv3, self.conv4, self.conv5, self.conv6, self.conv7):
                x = F.relu(layer(x))
            x = F.relu(self.conv8(torch.cat([x, skip], dim=1)))
            return y - 255 * self.conv9(x)

    return Torch().double().eval()


@pytest.mark.parametrize("engine", ["numpy", "torch"])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("cls", [DnCNN, UNet])
def test_it_is_what_one_writes_in_torch(rng, cls, center, bias, engine):
    torch = pytest.importorskip("torch")
    network = cls(width=5, bias=bias, center=center)
    weights = some_weights(network)
    module = in_torch(network)
    known = {name: torch.from_numpy(w) for name, w in weights.items()}
    missing, unexpected = module.load_state_dict(known, strict=False)
    assert all(name.endswith("num_batches_tracked") for name in missing)
    assert not unexpected
    y = rng.uniform(0, 255, (2, 1, 12, 10))
    with torch.no_grad():
        wanted = module(torch.from_numpy(y)).numpy()
    np.testing.assert_allclose(run(network, weights, y, engine=engine), wanted, atol=1e-9)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DnCNN(layers=1), "layers=1 must be >= 2"),
        (lambda: DnCNN(width=0), "width=0 must be >= 1"),
        (lambda: UNet(width=0), "width=0 must be >= 1"),
        (lambda: UNet(scale=0), "scale=0 must be >= 1e-300"),
    ],
)
def test_bad_sizes_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
