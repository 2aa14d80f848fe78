"""The Noise2Noise U-Net for small images, and variants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple

from sigbench.core.protocols import Info
from sigbench.core.validation import check_choice, check_field
from sigbench.networks.nn import Net

WIDTH = 48
LAST = (64, 32)  # channels of the last stage
SLOPE = 0.1

Variant = Literal["original", "deeper", "truncated", "hls", "fft", "inception"]


@dataclass(frozen=True)
class N2N:
    """A U-Net with 48 channels: convolutions and pooling, then upsampling with skips.

    A skip carries the input of an encoder stage, which for the first stage is the image. Each
    convolution but the last is followed by a leaky ReLU with slope 0.1.

    Parameters
    ----------
    variant : {"original", "deeper", "truncated", "hls", "fft", "inception"}
        ``original`` has five encoder and five decoder stages of two 3×3 convolutions, and a 1×1
        convolution between them. ``deeper`` has three convolutions per stage, except in the last.
        ``truncated`` has three stages each, and two 3×3 convolutions between them. The others are
        our interpretation of reports: ``hls`` pools with stride 1 and enlarges by transposed
        convolutions; ``fft`` splits the input of each encoder stage into low and high frequencies;
        the encoder stages of ``inception`` are modules of 1×1, 3×3 and 5×5 convolutions and a 3×3
        average.
    scale : float
        Divisor of the input and factor of the output.

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
        check_choice("variant", self.variant, SHAPES)
        check_field("scale", self.scale, 1e-300)

    @property
    def least(self) -> int:
        """The side length at which one pixel is left in the middle."""
        shape = SHAPES[self.variant]
        return shape.depth + 1 if shape.stride == 1 else self.multiple

    @property
    def multiple(self) -> int:
        """The number that side lengths must be multiples of, so that upsampling restores them."""
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
    """Apply a convolution and a leaky ReLU."""
    return net.ops.leaky_relu(net.conv(name, x, width, kernel), slope=SLOPE)


def plain(net: Net, x: Any, widths: Sequence[int]) -> Any:
    """Apply a chain of 3×3 convolutions with the given numbers of channels."""
    for i, width in enumerate(widths, 1):
        x = leaky_conv(net, f"conv{i}", x, width)
    return net.keep(x)


def of_low_and_high(net: Net, x: Any, widths: Sequence[int]) -> Any:
    """Split ``x`` into low and high frequencies as channels and apply `plain`."""
    low = net.ops.low_pass(x)
    return plain(net, net.ops.concat(low, x - low), widths)


def inception(net: Net, x: Any, widths: Sequence[int]) -> Any:
    """Apply one inception module of four parallel branches; ``widths`` is not used."""
    around = net.ops.avg_pool(x, 3, stride=1, padding=1)
    branches = [leaky_conv(net, f"conv{k}", x, kernel=k) for k in (1, 3, 5)]
    return net.keep(net.ops.concat(*branches, leaky_conv(net, "average", around, kernel=1)))


def nearest(net: Net, x: Any) -> Any:
    """Double the size by repeating pixels."""
    return net.ops.upsample_nearest(x)


def grown(net: Net, x: Any) -> Any:
    """Enlarge ``x`` by one pixel with a transposed convolution."""
    return net.ops.leaky_relu(net.conv_transpose("grow", x, WIDTH, 2), slope=SLOPE)


class Shape(NamedTuple):
    """The differences between variants: stages, convolutions per stage, kernels in the middle, ..."""

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
