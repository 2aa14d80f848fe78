"""Two small networks with strided convolutions, which NumPy trains in minutes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from sigbench.core.protocols import Info
from sigbench.core.validation import check_choice, check_field
from sigbench.networks.nn import Net

WIDTHS = {"nearest": (24, 24, 24), "transposed": (48, 96, 48)}


@dataclass(frozen=True)
class Strided:
    """Four 3×3 layers: two halve the size and two double it, with ReLU and a final sigmoid.

    Parameters
    ----------
    upsampling : {"nearest", "transposed"}
        ``nearest`` repeats pixels before a convolution and has 24 channels. ``transposed`` has
        transposed convolutions with 48, 96 and 48 channels.
    scale : float
        Divisor of the input and factor of the output, which lies within 0..scale.

    References
    ----------
    A course exercise in writing a framework: docs/images.md.

    Examples
    --------
    >>> from sigbench.networks.models.base import n_params
    >>> n_params(Strided()), n_params(Strided("transposed"))
    (11739, 85731)
    """

    upsampling: Literal["nearest", "transposed"] = field(
        default="nearest", metadata={"listed": True}
    )
    scale: float = 255.0

    info: ClassVar[Info] = Info(
        "strided", "network", "student reports: docs/networks.md", domains=("image",)
    )
    axes: ClassVar[int] = 2
    channels: ClassVar[tuple[int, ...]] = (3,)
    least: ClassVar[int] = 4
    multiple: ClassVar[int] = 4

    def __post_init__(self) -> None:
        check_choice("upsampling", self.upsampling, WIDTHS)
        check_field("scale", self.scale, 1e-300)

    def forward(self, net: Net, y: Any) -> Any:
        """Return the estimate of a batch ``(N, 3, H, W)``."""
        relu = net.ops.relu
        first, second, third = WIDTHS[self.upsampling]
        x = y * (1 / self.scale)
        x = relu(net.conv("conv1", x, first, 3, stride=2))
        x = relu(net.conv("conv2", x, second, 3, stride=2))
        x = relu(self._doubled(net, "conv3", x, third))
        x = self._doubled(net, "conv4", x, 3)
        return net.ops.sigmoid(x) * self.scale

    def _doubled(self, net: Net, name: str, x: Any, outputs: int) -> Any:
        if self.upsampling == "nearest":
            return net.conv(name, net.ops.upsample_nearest(x), outputs, 3)
        return net.conv_transpose(name, x, outputs, 3, stride=2, padding=1, output_padding=1)
