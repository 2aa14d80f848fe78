"""The image networks in plain torch; weights have the same names as in sigbench."""

import torch
from torch import nn
from torch.nn import functional as F


def conv(inputs, outputs):
    """Return a 3×3 convolution that preserves the size."""
    return nn.Conv2d(inputs, outputs, 3, padding=1)


class N2N(nn.Module):
    """The Noise2Noise U-Net: five stages down and up, 48 channels."""

    def __init__(self):
        super().__init__()
        for i in range(1, 6):
            self.add_module(f"down{i}", Pair(3 if i == 1 else 48, 48, 48))
        self.middle1 = nn.Conv2d(48, 48, 1)
        for i in range(1, 5):
            self.add_module(f"up{i}", Pair(96, 48, 48))
        self.up5 = Pair(51, 64, 32)
        self.out = conv(32, 3)

    def forward(self, y):
        """Return the estimate of a batch (N, 3, H, W) in gray levels."""
        x = y / 255
        skips = []
        for i in range(1, 6):
            skips.append(x)
            x = F.max_pool2d(self.get_submodule(f"down{i}")(x), 2)
        x = leaky(self.middle1(x))
        for i in range(1, 6):
            x = torch.cat([F.interpolate(x, scale_factor=2), skips.pop()], 1)
            x = self.get_submodule(f"up{i}")(x)
        return self.out(x) * 255


class Pair(nn.Module):
    """Two convolutions, each with a leaky ReLU."""

    def __init__(self, inputs, middle, outputs):
        super().__init__()
        self.conv1, self.conv2 = conv(inputs, middle), conv(middle, outputs)

    def forward(self, x):
        """Apply both."""
        return leaky(self.conv2(leaky(self.conv1(x))))


def leaky(x):
    """Return max(x, x/10)."""
    return F.leaky_relu(x, 0.1)


class Strided(nn.Module):
    """Two strided convolutions and two that double the size, with nearest or transposed upsampling."""

    def __init__(self, upsampling):
        super().__init__()
        a, b, c = {"nearest": (24, 24, 24), "transposed": (48, 96, 48)}[upsampling]
        self.nearest = upsampling == "nearest"
        self.conv1 = nn.Conv2d(3, a, 3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(a, b, 3, stride=2, padding=1)
        if self.nearest:
            self.conv3, self.conv4 = conv(b, c), conv(c, 3)
        else:
            options = {"stride": 2, "padding": 1, "output_padding": 1}
            self.conv3 = nn.ConvTranspose2d(b, c, 3, **options)
            self.conv4 = nn.ConvTranspose2d(c, 3, 3, **options)

    def forward(self, y):
        """Return the estimate of a batch (N, 3, H, W) in gray levels."""
        x = F.relu(self.conv2(F.relu(self.conv1(y / 255))))
        for layer, last in ((self.conv3, F.relu), (self.conv4, torch.sigmoid)):
            x = last(layer(F.interpolate(x, scale_factor=2) if self.nearest else x))
        return x * 255
