"""A U-Net of nine convolutions, bias-free or with additive constants."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from sigbench.core.protocols import Info
from sigbench.core.validation import check_field
from sigbench.networks.nn import Net


@dataclass(frozen=True)
class UNet:
    """x̂ = y − r(y), where r is a U-Net of nine convolutions without batch norm.

    r has two convolutions at full resolution, one with stride 2, three at half the resolution with
    dilations 1, 2 and 4, one transposed, and two at full resolution after the skip connection.
    Initially r = 0 and x̂ = y. Without additive constants x̂(a·y) = a·x̂(y) for a ≥ 0, as in `DnCNN`.

    Parameters
    ----------
    width : int
        Number of channels at full resolution; twice as many at half the resolution. 32 in the
        paper.
    bias : bool
        Whether convolutions have additive constants.
    center : bool
        Whether the mean of each item is subtracted from the input of r, as in `DnCNN`.
    scale : float
        Divisor of the input of r and factor of its output.

    References
    ----------
    Mohan, Kadkhodaie, Simoncelli and Fernandez-Granda, "Robust and interpretable blind image
    denoising via bias-free convolutional neural networks", ICLR 2020, appendix A.

    Examples
    --------
    >>> from sigbench.networks.models.base import n_params
    >>> n_params(UNet()), n_params(UNet(bias=True)), n_params(UNet(width=32))
    (58656, 58865, 233024)
    """

    width: int = 16
    bias: bool = field(default=False, metadata={"listed": True})
    center: bool = False
    scale: float = 255.0

    info: ClassVar[Info] = Info(
        "unet", "network", "Mohan et al. 2020, appendix A", domains=("image",)
    )
    axes: ClassVar[int] = 2
    channels: ClassVar[tuple[int, ...]] = (1,)
    least: ClassVar[int] = 2
    multiple: ClassVar[int] = 2

    def __post_init__(self) -> None:
        check_field("width", self.width, 1)
        check_field("scale", self.scale, 1e-300)

    def forward(self, net: Net, y: Any) -> Any:
        """Return the estimate of a batch ``(N, 1, H, W)``."""
        relu, bias, wide = net.ops.relu, self.bias, 2 * self.width
        x = (y - net.ops.mean(y) if self.center else y) * (1 / self.scale)
        x = relu(net.conv("conv1", x, self.width, 5, bias=bias))
        skip = relu(net.conv("conv2", x, self.width, 3, bias=bias))
        x = relu(net.conv("conv3", skip, wide, 3, stride=2, bias=bias))
        for i, dilation in enumerate((1, 2, 4), 4):
            x = relu(net.conv(f"conv{i}", x, wide, 3, dilation=dilation, bias=bias))
        x = relu(net.conv_transpose("conv7", x, wide, 4, stride=2, padding=1, bias=bias))
        x = relu(net.conv("conv8", net.ops.concat(x, skip), self.width, 3, bias=bias))
        return y - net.conv("conv9", x, 1, 5, bias=bias, init=0.0) * self.scale
