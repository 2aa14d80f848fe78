"""A bias-free residual network at half the resolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sigbench.core.protocols import Info
from sigbench.core.validation import check_field
from sigbench.networks.nn import Net

FACTOR = 2  # blocks of 2×2 pixels become channels
COLORS = 3


@dataclass(frozen=True)
class ResNet:
    """x̂ = y − r(y − ȳ), where r is a residual network without additive constants.

    ȳ is the mean of each channel of an item. Without constants r is homogeneous, so that
    x̂(a·y + b) = a·x̂(y) + b for a > 0 and any b per channel: the network is equivariant to
    contrast and brightness, and its errors are small on smooth items. Initially r = 0 and x̂ = y.

    Parameters
    ----------
    width : int
        Number of channels.
    blocks : int
        Number of residual blocks x + W₂ relu(W₁ x) with 3×3 kernels.

    References
    ----------
    Residual blocks: He et al., CVPR 2016; without batch norm: Lim et al., EDSR, CVPRW 2017. Half
    the resolution: Zhang, Zuo and Zhang, FFDNet, IEEE TIP 27 (9), 2018. Bias-free: Mohan et al.,
    ICLR 2020.

    Examples
    --------
    >>> ResNet(width=32)
    ResNet(width=32, blocks=4)
    """

    width: int = 64
    blocks: int = 4

    info: ClassVar[Info] = Info(
        "resnet", "network", "sigbench: docs/networks.md", domains=("image",)
    )
    axes: ClassVar[int] = 2
    channels: ClassVar[tuple[int, ...]] = (COLORS,)
    least: ClassVar[int] = FACTOR
    multiple: ClassVar[int] = FACTOR

    def __post_init__(self) -> None:
        check_field("width", self.width, 1)
        check_field("blocks", self.blocks, 0)

    def forward(self, net: Net, y: Any) -> Any:
        """Return the estimate of a batch ``(N, 3, H, W)``."""
        ops = net.ops
        x = ops.pixel_unshuffle(y - ops.mean(y), FACTOR)
        x = net.conv("in", x, self.width, 3, bias=False)
        for number in range(1, self.blocks + 1):
            block = net.part(f"block{number}")
            inner = ops.relu(block.conv("conv1", x, self.width, 3, bias=False))
            x = block.keep(x + block.conv("conv2", inner, self.width, 3, bias=False))
        r = net.conv("out", ops.relu(x), COLORS * FACTOR**2, 3, bias=False, init=0.0)
        return y - ops.pixel_shuffle(r, FACTOR)
