"""The U-Net of Noise2Noise for small images, and variants of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple

from sigbench.core.errors import InputError
from sigbench.core.protocols import Info
from sigbench.core.validation import check_field
from sigbench.networks.nn import Net

WIDTH = 48
LAST = (64, 32)  # of the last stage, before the three channels of the output
SLOPE = 0.1

Variant = Literal["original", "deeper", "truncated", "hls", "fft", "inception"]


@dataclass(frozen=True)
class N2N:
    """A U-Net of 48 channels: convolutions and pooling down, upsampling and skips up.

    A skip is what a stage down takes in: the pooled output of the one before, at last the image.
    Every convolution but the last has a leaky ReLU of slope 0.1.

    Parameters
    ----------
    variant : {"original", "deeper", "truncated", "hls", "fft", "inception"}
        ``original``: five stages of two 3×3 convolutions each way, 1×1 in the middle. ``deeper``:
        three convolutions, but in the last stage. ``truncated``: three stages each way, two 3×3
        convolutions in the middle. The others are our reading: ``hls`` pools at stride 1 and
        grows back by transposed convolutions; ``fft`` splits the input of each stage down into
        the slower half of its waves and the rest; ``inception`` has, for a stage down, one module
        of 1×1, 3×3, 5×5 and averages of 3×3.
    scale : float
        What the input is divided by, and the output multiplied.

    References
    ----------
    J. Lehtinen et al., "Noise2Noise: Learning Image Restoration without Clean Data", ICML 2018.

    Examples
    --------
    >>> from sigbench.networks.models.base import n_params
    >>> n_params(N2N()), N2N("truncated").multiple
    (488739, 8)
    """

    variant: Variant = field(default="original", metadata={"listed": True})
    scale: float = 255.0

    info: ClassVar[Info] = Info(
        "n2n", "network", "Lehtinen et al. 2018; docs/networks.md", domains=("image",)
    )
    axes: ClassVar[int] = 2
    channels: ClassVar[tuple[int, ...]] = (3,)

    def __post_init__(self) -> None:
        if self.variant not in SHAPES:
            raise InputError(f"variant={self.variant!r} must be one of: {', '.join(SHAPES)}")
        check_field("scale", self.scale, 1e-300)

    @property
    def least(self) -> int:
        """Sides of which the middle still has one pixel."""
        shape = SHAPES[self.variant]
        return shape.depth + 1 if shape.stride == 1 else self.multiple

    @property
    def multiple(self) -> int:
        """What sides are multiples of, so that what is pooled grows back to them."""
        shape = SHAPES[self.variant]
        return int(shape.stride**shape.depth)

    def forward(self, net: Net, y: Any) -> Any:
        """Return the estimate of a batch ``(N, 3, H, W)``."""
        ops, shape = net.ops, SHAPES[self.variant]
        x, skips = y * (1 / self.scale), []
        for i in range(1, shape.depth + 1):
            skips.append(x)
            x = shape.encode(net.part(f"down{i}"), x, [WIDTH] * shape.convs)
            x = ops.max_pool(x, 2, stride=shape.stride)
        for i, kernel in enumerate(shape.middle, 1):
            x = leaky_conv(net, f"middle{i}", x, WIDTH, kernel)
        for i in range(1, shape.depth + 1):
            part = net.part(f"up{i}")
            x = ops.concat(shape.enlarge(part, x), skips.pop())
            x = plain(part, x, [WIDTH] * shape.convs if skips else LAST)
        return net.conv("out", x, 3, 3) * self.scale


def leaky_conv(net: Net, name: str, x: Any, width: int = WIDTH, kernel: int = 3) -> Any:
    """Return a convolution's leaky ReLU."""
    return net.ops.leaky_relu(net.conv(name, x, width, kernel), slope=SLOPE)


def plain(net: Net, x: Any, widths: Sequence[int]) -> Any:
    """Return what 3×3 convolutions of these channels make of ``x``, one after the other."""
    for i, width in enumerate(widths, 1):
        x = leaky_conv(net, f"conv{i}", x, width)
    return net.keep(x)


def of_low_and_high(net: Net, x: Any, widths: Sequence[int]) -> Any:
    """Return convolutions of the slower half of the waves beside the rest."""
    low = net.ops.low_pass(x)
    return plain(net, net.ops.concat(low, x - low), widths)


def inception(net: Net, x: Any, widths: Sequence[int]) -> Any:
    """Return one module, whatever ``widths`` are: four branches beside each other."""
    around = net.ops.avg_pool(x, 3, stride=1, padding=1)
    branches = [leaky_conv(net, f"conv{k}", x, kernel=k) for k in (1, 3, 5)]
    return net.keep(net.ops.concat(*branches, leaky_conv(net, "average", around, kernel=1)))


def nearest(net: Net, x: Any) -> Any:
    """Return ``x`` of twice the size."""
    return net.ops.upsample_nearest(x)


def grown(net: Net, x: Any) -> Any:
    """Return ``x`` larger by one pixel."""
    return net.ops.leaky_relu(net.conv_transpose("grow", x, WIDTH, 2), slope=SLOPE)


class Shape(NamedTuple):
    """What the variants differ in: stages each way, their convolutions, the middle's kernels, ..."""

    depth: int = 5
    convs: int = 2
    middle: tuple[int, ...] = (1,)
    stride: int = 2
    encode: Callable[[Net, Any, Sequence[int]], Any] = plain
    enlarge: Callable[[Net, Any], Any] = nearest


SHAPES = {
    "original": Shape(),
    "deeper": Shape(convs=3),
    "truncated": Shape(depth=3, middle=(3, 3)),
    "hls": Shape(stride=1, enlarge=grown),
    "fft": Shape(encode=of_low_and_high),
    "inception": Shape(encode=inception),
}
