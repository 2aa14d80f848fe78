"""DnCNN, bias-free or with additive constants."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from sigbench.core.protocols import Info
from sigbench.core.validation import check_field
from sigbench.networks.nn import Net


@dataclass(frozen=True)
class DnCNN:
    """x̂ = y − r(y), where r is a chain of 3×3 convolutions with batch norm and ReLU.

    Initially r = 0 and x̂ = y. Without additive constants x̂ is homogeneous: x̂(a·y) = a·x̂(y) for
    a ≥ 0. It is then locally linear, x̂ = A_y·y, and generalizes from one noise level to others, on
    images of correspondingly different contrast.

    Parameters
    ----------
    layers : int
        Number of convolutions; the first has no batch norm, the last neither norm nor ReLU. 20 in
        Mohan et al.
    width : int
        Number of channels; 64 in Mohan et al.
    bias : bool
        Whether convolutions and batch norm have additive constants.
    center : bool
        Whether the mean of each item is subtracted from the input of r, so that
        x̂(y + b) = x̂(y) + b and brightness does not matter.
    scale : float
        Divisor of the input of r and factor of its output.

    References
    ----------
    Zhang, Zuo, Chen, Meng and Zhang, "Beyond a Gaussian denoiser", IEEE TIP 26 (7), 2017. Bias-free:
    Mohan, Kadkhodaie, Simoncelli and Fernandez-Granda, "Robust and interpretable blind image
    denoising via bias-free convolutional neural networks", ICLR 2020, sections 4 and 5.

    Examples
    --------
    >>> from sigbench.networks.models.base import n_params
    >>> n_params(DnCNN()), n_params(DnCNN(bias=True)), n_params(DnCNN(layers=20, width=64))
    (56064, 56481, 665856)
    """

    layers: int = 8
    width: int = 32
    bias: bool = field(default=False, metadata={"listed": True})
    center: bool = False
    scale: float = 255.0

    info: ClassVar[Info] = Info(
        "dncnn", "network", "Zhang et al. 2017; Mohan et al. 2020", domains=("image",)
    )
    axes: ClassVar[int] = 2
    channels: ClassVar[tuple[int, ...]] = (1,)
    least: ClassVar[int] = 1
    multiple: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_field("layers", self.layers, 2)
        check_field("width", self.width, 1)
        check_field("scale", self.scale, 1e-300)

    def forward(self, net: Net, y: Any) -> Any:
        """Return the estimate of a batch ``(N, 1, H, W)``."""
        relu, bias = net.ops.relu, self.bias
        x = (y - net.ops.mean(y) if self.center else y) * (1 / self.scale)
        x = relu(net.conv("conv1", x, self.width, 3, bias=bias))
        for i in range(2, self.layers):
            x = net.conv(f"conv{i}", x, self.width, 3, bias=bias)
            x = relu(net.norm(f"norm{i}", x, "batch", bias=bias))
        return y - net.conv(f"conv{self.layers}", x, 1, 3, bias=bias, init=0.0) * self.scale
