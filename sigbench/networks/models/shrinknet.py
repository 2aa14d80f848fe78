"""ShrinkNet: a learned shrinkage that counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sigbench.core.protocols import Info
from sigbench.core.validation import check_field
from sigbench.networks.nn import Net, Norm

CONTEXT = 5.0  # the mean features vary little from signal to signal: their weight learns as fast


@dataclass(frozen=True)
class ShrinkNet:
    """x̂_i = sigmoid(u(y_i) + g)·v(y_i), with g linear in the mean of features over the signal.

    The posterior mean of sparse signals has this form: the probability that a sample is not
    zero, times the mean that it has then. What the other samples say of how many there are is
    added to the log-odds. u and v are two outputs of one network of single samples (convolutions
    of kernel 1), whose features are averaged for g.

    Parameters
    ----------
    width : int
        Channels of both hidden layers.
    scale : float
        What the input is divided by, in the signal's units, so that features begin where samples are.
    norm : {"none", "batch", "sparse"}
        After each hidden convolution.

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
