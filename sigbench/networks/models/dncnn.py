"""DnCNN, with and without additive constants."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from sigbench.core.protocols import Info
from sigbench.core.validation import check_field
from sigbench.networks.nn import Net


@dataclass(frozen=True)
class DnCNN:
    """x̂ = y − r(y), r a row of 3×3 convolutions with batch norm and ReLU between them.

    r begins at zero, and x̂ at y. Without additive constants, and batch norm only scaling, x̂ is
    homogeneous: x̂(a·y) = a·x̂(y) for a ≥ 0. Around each y it is then a linear map, x̂ = A_y·y, and
    what it has learned of one noise level holds for others, on images of another contrast.

    Parameters
    ----------
    layers : int
        Convolutions: the first has no batch norm, the last neither norm nor ReLU. 20 in the paper
        of 2020.
    width : int
        Channels between them; 64 in the paper.
    bias : bool
        Whether convolutions and batch norm add constants.
    center : bool
        Whether r sees y without the mean of each item, so that x̂(y + b) = x̂(y) + b: noise is then
        large or small beside the contrast of an image, however bright it is.
    scale : float
        What the input is divided by, and the output multiplied.

    References
    ----------
    Zhang, Zuo, Chen, Meng and Zhang, "Beyond a Gaussian denoiser", IEEE TIP 26 (7), 2017. Without
    constants: Mohan, Kadkhodaie, Simoncelli and Fernandez-Granda, "Robust and interpretable blind
    image denoising via bias-free convolutional neural networks", ICLR 2020, sections 4 and 5.

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
        return y - net.conv(f"conv{self.layers}", x, 1, 3, bias=bias, begin=0.0) * self.scale
