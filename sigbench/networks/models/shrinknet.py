"""ShrinkNet: a learned shrinkage that depends on the mean of features over the signal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sigbench.core.protocols import Info
from sigbench.core.validation import check_field
from sigbench.networks.nn import Net, Norm

CONTEXT = 5.0  # mean features vary little between signals; scaled up, their weight learns faster


@dataclass(frozen=True)
class ShrinkNet:
    """x̂_i = sigmoid(u(y_i) + g)·v(y_i), with g linear in the mean of features over the signal.

    The posterior mean of sparse signals has this form: the probability that a sample is not zero
    times its mean if it is not. The other samples inform about the number of nonzero ones, which
    adds a term to the log-odds. u and v are outputs of one network on single samples (convolutions
    with kernel 1), whose features are averaged for g.

    Parameters
    ----------
    width : int
        Channels of both hidden layers.
    scale : float
        Divisor of the input and factor of the output, in the units of the signal.
    norm : {"none", "batch", "sparse"}
        Normalization after each hidden convolution.

    References
    ----------
    The exact posterior mean: docs/table1.md.

    Examples
    --------
    >>> ShrinkNet(width=16)
    ShrinkNet(width=16, scale=4.0, norm='none')
    """

    width: int = 32
    scale: float = 4.0
    norm: Norm = "none"

    info: ClassVar[Info] = Info(
        "shrinknet", "network", "sigbench: docs/networks.md", domains=("signal", "speech")
    )
    axes: ClassVar[int] = 1
    channels: ClassVar[tuple[int, ...]] = (1,)
    least: ClassVar[int] = 1
    multiple: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_field("width", self.width, 1)
        check_field("scale", self.scale, 1e-300)

    def forward(self, net: Net, y: Any) -> Any:
        """Return the estimate of a batch ``(N, 1, L)``."""
        ops = net.ops
        x = y * (1 / self.scale)
        for layer in ("1", "2"):
            x = net.conv(f"conv{layer}", x, self.width, 1)
            x = net.keep(ops.relu(net.norm(f"norm{layer}", x, self.norm)), f"features{layer}")
        context = net.conv("context", CONTEXT * ops.mean(x), 1, 1)
        presence = net.keep(ops.sigmoid(net.conv("presence", x, 1, 1) + context), "probability")
        amplitude = net.conv("amplitude", x, 1, 1)
        return presence * amplitude * self.scale
