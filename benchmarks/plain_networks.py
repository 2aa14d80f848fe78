"""The networks of Table 1 in plain torch; weights have the same names as in sigbench."""

import torch
from torch import nn
from torch.nn import functional as F


class Stage(nn.Module):
    """Two convolutions with batch norm and ReLU."""

    def __init__(self, inputs, middle, outputs):
        super().__init__()
        self.conv1 = nn.Conv1d(inputs, middle, 3, padding=1)
        self.norm1 = nn.BatchNorm1d(middle)
        self.conv2 = nn.Conv1d(middle, outputs, 3, padding=1)
        self.norm2 = nn.BatchNorm1d(outputs)

    def forward(self, x, factors=None):
        """Apply both; ``factors`` scale the taps of the first kernel per item."""
        x = self.conv1(x) if factors is None else self.modulated(x, factors)
        return F.relu(self.norm2(self.conv2(F.relu(self.norm1(x)))))

    def modulated(self, x, factors):
        """Apply the first convolution with one kernel per item, as groups of one batch."""
        items, channels, length = x.shape
        kernels = (factors[:, :, None] * self.conv1.weight).flatten(0, 1)
        y = F.conv1d(x.reshape(1, -1, length), kernels, padding=1, groups=items)
        return y.reshape(items, channels, length) + self.conv1.bias[:, None]


class UNet(nn.Module):
    """U-Net with five stages down and four up, with or without the prior branch."""

    def __init__(self, prior):
        super().__init__()
        self.down1, self.down2, self.down3 = Stage(1, 2, 2), Stage(2, 4, 4), Stage(4, 8, 8)
        self.down4, self.down5 = Stage(8, 16, 16), Stage(16, 16, 16)
        self.up1, self.up2 = Stage(32, 16, 8), Stage(16, 8, 4)
        self.up3, self.up4 = Stage(8, 4, 2), Stage(4, 2, 2)
        self.out = nn.Conv1d(2, 1, 1)
        if prior:
            self.prior1, self.prior2 = Stage(1, 2, 2), Stage(2, 4, 4)
            self.prior3, self.prior4 = Stage(4, 8, 8), Stage(8, 16, 16)
            self.prior = nn.Module()
            self.prior.beta = nn.Parameter(torch.tensor([0.5]))

    def forward(self, y):
        """Return the estimate of a batch (N, 1, L)."""
        skips = [self.down1(y)]
        for stage in (self.down2, self.down3, self.down4):
            skips.append(stage(F.max_pool1d(skips[-1], 2)))
        factors = self.factors(y) if hasattr(self, "prior") else None
        x = self.down5(F.max_pool1d(skips[-1], 2), factors)
        for stage in (self.up1, self.up2, self.up3, self.up4):
            skip = skips.pop()
            x = F.interpolate(x, scale_factor=2, mode="linear", align_corners=True)
            short = skip.shape[2] - x.shape[2]
            x = F.pad(x, (short // 2, short - short // 2))
            x = stage(torch.cat([skip, x], 1))
        return self.out(x)

    def factors(self, y):
        """Return 1 + β·h, where h is the branch's output for the response of the local-mean filter."""
        h = self.prior1(response(y))
        for stage in (self.prior2, self.prior3, self.prior4):
            h = stage(F.max_pool1d(h, 2))
        return 1 + self.prior.beta * F.max_pool1d(h, h.shape[2] // 3)


def response(y):
    """Return |F⁻¹[F(ŷ)/F(y)]|, where ŷ is the local-mean Wiener filter of y with window 3."""
    wide = y.double()
    mean = F.avg_pool1d(wide, 3, 1, 1)
    variance = F.avg_pool1d(wide * wide, 3, 1, 1) - mean * mean
    noise = variance.mean(dim=2, keepdim=True)
    filtered = mean + (variance - noise).clamp_min(0) / torch.maximum(variance, noise) * (
        wide - mean
    )
    ratio = torch.fft.rfft(filtered) / torch.fft.rfft(wide)
    return torch.fft.irfft(ratio, y.shape[2]).abs().to(y)


class Shrink(nn.Module):
    """ShrinkNet without norms."""

    def __init__(self, width, scale):
        super().__init__()
        self.scale = scale
        self.conv1, self.conv2 = nn.Conv1d(1, width, 1), nn.Conv1d(width, width, 1)
        self.context, self.presence = nn.Conv1d(width, 1, 1), nn.Conv1d(width, 1, 1)
        self.amplitude = nn.Conv1d(width, 1, 1)

    def forward(self, y):
        """Return the estimate of a batch (N, 1, L)."""
        x = F.relu(self.conv2(F.relu(self.conv1(y / self.scale))))
        context = self.context(5 * x.mean(dim=2, keepdim=True))
        return torch.sigmoid(self.presence(x) + context) * self.amplitude(x) * self.scale


def plain(network, weights):
    """Return the module of a network with our weights."""
    if network.info.name == "icnn":
        module = UNet(network.prior)
    else:
        module = Shrink(network.width, network.scale)
    tensors = {name: torch.from_numpy(array.copy()) for name, array in weights.items()}
    found = module.load_state_dict(tensors, strict=False)
    assert not found.unexpected_keys
    assert all(name.endswith("num_batches_tracked") for name in found.missing_keys)
    return module
