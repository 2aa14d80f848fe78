"""Networks of the reports on images: parameter counts, and comparison with torch modules."""

import itertools

import numpy as np
import pytest

from sigbench import N2N, InputError, Strided
from sigbench.cli import list as listing
from sigbench.config.registry import build
from sigbench.networks import nn
from sigbench.networks.models import NETWORKS
from sigbench.networks.models.base import first_weights, run
from sigbench.networks.pretrained.denoiser import NetworkDenoiser
from sigbench.networks.pretrained.weights import Weights, load, save

# As printed in the reports, or computed from their descriptions of the layers.
COUNTS = {
    N2N("original"): 488_739,
    N2N("deeper"): 675_795,
    N2N("truncated"): 320_211,
    N2N("hls"): 535_059,
    N2N("fft"): 572_979,
    N2N("inception"): 1_889_331,
    Strided("nearest"): 11_739,
    Strided("transposed"): 85_731,
}


def test_counts_are_those_of_the_reports():
    networks = listing.networks()
    rows = {row["name"]: row for row in listing.methods()}
    found = {networks[typed]: rows[f"trained[network={typed}]"] for typed in networks}
    assert all(build("network", NETWORKS, typed) == networks[typed] for typed in networks)
    for network, count in COUNTS.items():
        row = found[network]
        assert row["n_params"] == count
        assert (row["family"], row["domains"]) == ("network", ["image"])


# Independent implementations in torch, with our names of layers


def in_torch():
    """Return a torch class for each network."""
    import torch
    from torch import nn as tnn
    from torch.nn import functional as F

    def conv(inputs, outputs, kernel=3, stride=1):
        return tnn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2)

    def stage(*channels):
        pairs = itertools.pairwise(channels)
        return tnn.ModuleDict({f"conv{i}": conv(*pair) for i, pair in enumerate(pairs, 1)})

    def leaky(x):
        return F.leaky_relu(x, 0.1)

    def through(layers, x):
        for layer in layers.values():
            x = leaky(layer(x))
        return x

    class Original(tnn.Module):
        def __init__(self):
            super().__init__()
            self.down1, self.down2, self.down3 = (
                stage(3, 48, 48),
                stage(48, 48, 48),
                stage(48, 48, 48),
            )
            self.down4, self.down5 = stage(48, 48, 48), stage(48, 48, 48)
            self.middle1 = conv(48, 48, 1)
            self.up1, self.up2 = stage(96, 48, 48), stage(96, 48, 48)
            self.up3, self.up4 = stage(96, 48, 48), stage(96, 48, 48)
            self.up5, self.out = stage(51, 64, 32), conv(32, 3)

        def down(self, layers, x):
            return F.max_pool2d(through(layers, x), 2)

        def up(self, layers, x, skip):
            return through(layers, torch.cat([F.interpolate(x, scale_factor=2), skip], 1))

        def forward(self, y):
            x = y / 255
            pool1 = self.down(self.down1, x)
            pool2 = self.down(self.down2, pool1)
            pool3 = self.down(self.down3, pool2)
            pool4 = self.down(self.down4, pool3)
            pool5 = self.down(self.down5, pool4)
            up = self.up(self.up1, leaky(self.middle1(pool5)), pool4)
            up = self.up(self.up2, up, pool3)
            up = self.up(self.up3, up, pool2)
            up = self.up(self.up4, up, pool1)
            return 255 * self.out(self.up(self.up5, up, x))

    class Deeper(Original):
        def __init__(self):
            super().__init__()
            self.down1 = stage(3, 48, 48, 48)
            for i in (2, 3, 4, 5):
                setattr(self, f"down{i}", stage(48, 48, 48, 48))
            for i in (1, 2, 3, 4):
                setattr(self, f"up{i}", stage(96, 48, 48, 48))

    class Truncated(Original):
        def __init__(self):
            super().__init__()
            del self.down4, self.down5, self.up4, self.up5
            self.middle1, self.middle2 = conv(48, 48), conv(48, 48)
            self.up3 = stage(51, 64, 32)

        def forward(self, y):
            x = y / 255
            pool1 = self.down(self.down1, x)
            pool2 = self.down(self.down2, pool1)
            pool3 = self.down(self.down3, pool2)
            up = leaky(self.middle2(leaky(self.middle1(pool3))))
            up = self.up(self.up2, self.up(self.up1, up, pool2), pool1)
            return 255 * self.out(self.up(self.up3, up, x))

    class HLS(Original):
        def __init__(self):
            super().__init__()
            for layers in (self.up1, self.up2, self.up3, self.up4, self.up5):
                layers["grow"] = tnn.ConvTranspose2d(48, 48, 2)

        def down(self, layers, x):
            return F.max_pool2d(through(layers, x), 2, 1)

        def up(self, layers, x, skip):
            x = torch.cat([leaky(layers["grow"](x)), skip], 1)
            return leaky(layers["conv2"](leaky(layers["conv1"](x))))

    class FFT(Original):
        def __init__(self):
            super().__init__()
            self.down1 = stage(6, 48, 48)
            for i in (2, 3, 4, 5):
                setattr(self, f"down{i}", stage(96, 48, 48))

        def down(self, layers, x):
            rows, columns = (n * torch.fft.fftfreq(n, dtype=x.dtype) for n in x.shape[2:])
            slow = (rows.abs() < len(rows) / 4)[:, None] & (columns.abs() < len(columns) / 4)
            low = torch.fft.ifft2(torch.fft.fft2(x) * slow).real
            return super().down(layers, torch.cat([low, x - low], 1))

    class Inception(Original):
        def __init__(self):
            super().__init__()
            for i, inputs in enumerate((3, 192, 192, 192, 192), 1):
                module = {f"conv{k}": conv(inputs, 48, k) for k in (1, 3, 5)}
                module["average"] = conv(inputs, 48, 1)
                setattr(self, f"down{i}", tnn.ModuleDict(module))
            self.middle1 = conv(192, 48, 1)
            for i in (1, 2, 3, 4):
                setattr(self, f"up{i}", stage(240, 48, 48))

        def down(self, layers, x):
            mean = F.avg_pool2d(x, 3, 1, 1)
            branches = [layers["conv1"](x), layers["conv3"](x), layers["conv5"](x)]
            return F.max_pool2d(leaky(torch.cat([*branches, layers["average"](mean)], 1)), 2)

    class Nearest(tnn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = conv(3, 24, 3, 2), conv(24, 24, 3, 2)
            self.conv3, self.conv4 = conv(24, 24), conv(24, 3)

        def forward(self, y):
            x = F.relu(self.conv2(F.relu(self.conv1(y / 255))))
            x = F.relu(self.conv3(F.interpolate(x, scale_factor=2)))
            return 255 * torch.sigmoid(self.conv4(F.interpolate(x, scale_factor=2)))

    class Transposed(tnn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = conv(3, 48, 3, 2), conv(48, 96, 3, 2)
            self.conv3 = tnn.ConvTranspose2d(96, 48, 3, 2, 1, 1)
            self.conv4 = tnn.ConvTranspose2d(48, 3, 3, 2, 1, 1)

        def forward(self, y):
            x = F.relu(self.conv2(F.relu(self.conv1(y / 255))))
            return 255 * torch.sigmoid(self.conv4(F.relu(self.conv3(x))))

    kinds = Original, Deeper, Truncated, HLS, FFT, Inception, Nearest, Transposed
    return dict(zip(COUNTS, kinds, strict=True))


def module_of(network, weights):
    """Return the torch module of a network with our weights, in their dtype."""
    import torch

    module = in_torch()[network]()
    tensors = {name: torch.from_numpy(w.copy()) for name, w in weights.items()}
    module = module.to(next(iter(tensors.values())).dtype)
    module.load_state_dict(tensors)  # strict: all names must match
    return module


def images(rng, items, size, dtype):
    """Return images of a single color with noise."""
    colours = rng.uniform(50, 200, (items, 3, 1, 1))
    return (colours + 40 * rng.standard_normal((items, 3, *size))).astype(dtype)


def weights_of(network, dtype):
    return {k: w.astype(dtype) for k, w in first_weights(network, initial="kaiming").items()}


@pytest.mark.parametrize(("dtype", "relative"), [(np.float32, 1e-5), (np.float64, 1e-10)])
@pytest.mark.parametrize("network", COUNTS, ids=str)
def test_networks_are_those_that_one_writes_in_torch(rng, network, dtype, relative):
    torch = pytest.importorskip("torch")
    weights = weights_of(network, dtype)
    module = module_of(network, weights)
    size = (9, 7) if network.multiple == 1 else (network.multiple, 2 * network.multiple)
    for noisy in (images(rng, 2, (32, 32), dtype), images(rng, 1, size, dtype)):
        with torch.no_grad():
            wanted = module(torch.from_numpy(noisy)).numpy()
        assert wanted.std() > 1
        for engine in ("numpy", "torch"):
            y = run(network, weights, noisy, engine=engine)
            assert y.dtype == dtype
            np.testing.assert_allclose(y, wanted, rtol=0, atol=relative * np.abs(wanted).max())


def loss_and_gradients(network, weights, noisy, clean):
    variables = {name: nn.Var(w) for name, w in weights.items()}
    loss = nn.mse(network.forward(nn.Net(nn, variables, "batch"), noisy), clean)
    loss.backward()
    return loss.value, {name: var.grad for name, var in variables.items()}


@pytest.mark.parametrize("network", COUNTS, ids=str)
def test_gradients_are_those_of_torch(rng, network):
    torch = pytest.importorskip("torch")
    weights = weights_of(network, np.float64)
    module = module_of(network, weights)
    noisy, clean = images(rng, 2, [network.least] * 2, np.float64), np.full((2, 3, 1, 1), 100.0)
    clean = np.broadcast_to(clean, noisy.shape)
    loss, gradients = loss_and_gradients(network, weights, noisy, clean)
    wanted = torch.nn.functional.mse_loss(module(torch.tensor(noisy)), torch.tensor(clean))
    wanted.backward()
    assert loss == pytest.approx(wanted.item(), rel=1e-12)
    for name, parameter in module.named_parameters():
        theirs = parameter.grad.numpy()
        assert theirs.any(), name
        np.testing.assert_allclose(gradients[name], theirs, atol=1e-10 * np.abs(theirs).max())


@pytest.mark.parametrize("upsampling", ["nearest", "transposed"])
@pytest.mark.parametrize("initial", ["uniform", "xavier"])
def test_strided_networks_train_without_torch(rng, upsampling, initial):
    """SGD on noisy single-color images in 0..1; the steps agree with torch."""
    network = Strided(upsampling, scale=1.0)
    first = first_weights(network, initial=initial, seed=1)
    weights = {name: w.astype(np.float64) for name, w in first.items()}
    noisy = images(rng, 8, (16, 16), np.float64) / 255
    clean = np.broadcast_to(noisy.mean(axis=(2, 3), keepdims=True), noisy.shape)
    optimizer, state, losses = nn.SGD(lr=0.5, momentum=0.9), {}, []
    start = {name: w.copy() for name, w in weights.items()}
    for _ in range(120):
        loss, gradients = loss_and_gradients(network, weights, noisy, clean)
        optimizer.step(weights, gradients, state, optimizer.lr)
        losses.append(loss)
    assert losses[-1] < 0.6 * losses[0]
    torch = pytest.importorskip("torch")
    module = module_of(Strided(upsampling), start)
    theirs = torch.optim.SGD(module.parameters(), 0.5, 0.9)
    for loss in losses[:20]:
        theirs.zero_grad()
        value = torch.nn.functional.mse_loss(
            module(torch.from_numpy(255 * noisy)) / 255, torch.tensor(clean)
        )
        value.backward()
        theirs.step()
        assert loss == pytest.approx(value.item(), rel=1e-9)


@pytest.mark.parametrize("network", COUNTS, ids=str)
def test_weights_come_back_from_a_file_and_images_of_any_size_pass(rng, network, tmp_path):
    weights = Weights(network, first_weights(network), {"name": "mine"})
    save(tmp_path / "mine.safetensors", weights)
    again = load(tmp_path / "mine.safetensors")
    assert again == weights
    assert again.network == network
    noisy = images(rng, 1, (19, 33), np.float32)
    y = NetworkDenoiser(again, engine="numpy")(noisy)
    assert (y.shape, y.dtype) == (noisy.shape, noisy.dtype)
    assert np.isfinite(y).all()
    np.testing.assert_array_equal(NetworkDenoiser(weights, engine="numpy")(noisy), y)


def test_strided_stays_within_the_scale(rng):
    network = Strided("transposed", scale=2.0)
    y = run(network, first_weights(network), 100 * images(rng, 1, (8, 8), "f8"), engine="numpy")
    assert y.min() >= 0
    assert y.max() <= 2


def test_what_there_is_not_is_refused(rng):
    with pytest.raises(InputError, match=r"variant='wide' must be one of: original, deeper, trunc"):
        N2N("wide")
    with pytest.raises(InputError, match=r"n2n: variant=wide must be one of: original, deeper"):
        build("network", NETWORKS, "n2n[variant=wide]")
    with pytest.raises(InputError, match=r"upsampling='cubic' must be one of: nearest, transposed"):
        Strided("cubic")
    for cls in (N2N, Strided):
        with pytest.raises(InputError, match="scale=0 must be >= 1e-300"):
            cls(scale=0.0)
        weights = Weights(cls(), first_weights(cls()))
        with pytest.raises(InputError, match=f"{cls.info.name} takes 3 channels, not 1"):
            NetworkDenoiser(weights)(np.zeros((1, 1, 32, 32)))
