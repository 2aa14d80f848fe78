"""The 1-D network of Table 1: a U-Net with a branch that adds a Wiener prior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from sigbench.core.protocols import Info
from sigbench.estimators.local_mean import local_mean_response
from sigbench.networks.nn import Net, Norm

DOWN = (2, 4, 8, 16, 16)
UP = (8, 4, 2, 2)
PRIOR = (2, 4, 8, 16)
FACTOR = {"s": 1, "m": 2, "l": 4}
TAPS = 3


@dataclass(frozen=True)
class ICNN:
    """A U-Net of five stages with two convolutions each, and a prior branch.

    The branch takes h = |F⁻¹[F(ŷ)/F(y)]|, where ŷ is the local-mean Wiener filter of y, through
    four stages of its own and max-pools it to three taps. These scale the taps k of the first
    kernel of the deepest stage, per output channel: k ← k + β·h·k, where β is learned.

    Each item has its own h, so that its estimate does not depend on the rest of the batch. The
    report averages h over the batch, which is the same for its batch size of one.

    Parameters
    ----------
    size : {"s", "m", "l"}
        ``s`` is the report's network, ``m`` has twice the channels, and ``l`` is our
        interpretation of "a plain encoder-decoder": four times the channels, no skips.
    prior : bool
        Whether the network has the prior branch.
    norm : {"batch", "sparse", "none"}
        After each convolution.

    References
    ----------
    H. Fang, 2021 (report): "ICNN".

    Examples
    --------
    >>> ICNN(size="m")
    ICNN(size='m', prior=True, norm='batch')
    """

    size: Literal["s", "m", "l"] = "s"
    prior: bool = True
    norm: Norm = "batch"

    info: ClassVar[Info] = Info(
        "icnn", "network", "H. Fang, 2021 (report)", domains=("signal", "speech")
    )
    axes: ClassVar[int] = 1
    channels: ClassVar[tuple[int, ...]] = (1,)
    least: ClassVar[int] = 72  # from this length on, h is pooled to exactly three taps
    multiple: ClassVar[int] = 1

    def forward(self, net: Net, y: Any) -> Any:
        """Return the estimate of a batch ``(N, 1, L)``."""
        ops, factor = net.ops, FACTOR[self.size]
        skips = []
        x = y
        for i, width in enumerate(DOWN, 1):
            x = x if i == 1 else ops.max_pool(x, 2)
            factors = self._modulation(net, y) if self.prior and i == len(DOWN) else None
            x = self._stage(net.part(f"down{i}"), x, width * factor, width * factor, factors)
            skips.append(x)
        for i, width in enumerate(UP, 1):
            skip = skips[-1 - i]
            x = ops.fit(ops.upsample_linear(x, align_corners=True), skip.shape[2:])
            x = x if self.size == "l" else ops.concat(skip, x)
            x = self._stage(net.part(f"up{i}"), x, x.shape[1] // 2, width * factor)
        return net.conv("out", x, 1, 1)

    def _stage(self, net: Net, x: Any, middle: int, outputs: int, factors: Any = None) -> Any:
        for i, channels in enumerate((middle, outputs), 1):
            if i == 1 and factors is not None:
                x = net.modulated_conv("conv1", x, channels, TAPS, factors)
            else:
                x = net.conv(f"conv{i}", x, channels, TAPS)
            x = net.ops.relu(net.norm(f"norm{i}", x, self.norm))
        return net.keep(x)

    def _modulation(self, net: Net, y: Any) -> Any:
        """Return 1 + β·h for each item, output channel and tap."""
        h = net.constant(local_mean_response, y)
        for i, width in enumerate(PRIOR, 1):
            h = h if i == 1 else net.ops.max_pool(h, 2)
            width *= FACTOR[self.size]
            h = self._stage(net.part(f"prior{i}"), h, width, width)
        h = net.ops.max_pool(h, h.shape[2] // TAPS)
        return 1 + net.part("prior").weight("beta", (1,), 0.5) * h
