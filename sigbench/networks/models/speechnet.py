"""A small network for noisy speech, which estimates a mask for the STFT."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from sigbench.core.errors import InputError
from sigbench.core.protocols import Info
from sigbench.core.validation import check_field
from sigbench.denoisers.speech.frames import Framing, framing
from sigbench.networks.nn import Net, Norm

DILATIONS = (1, 2, 4, 8, 16, 32)  # in frames; blocks use them in turn
SLOPE = 0.1  # of leaky ReLU
MIN_POWER = 1e-5  # added to |Y|² relative to the level: -50 dB
TINY = 1e-30  # added to powers, so that the logarithm of silence is finite
CENTER, SPREAD = -5.0, 4.0  # about the mean and deviation of log-power features


@dataclass(frozen=True)
class SpeechNet:
    """X̂ = M·Y, with a mask M in 0..1 for the STFT Y from a chain of dilated convolutions.

    The input features are log(|Y|²/P + 1e-5), where P is the mean power of the signal. So M does
    not depend on the level, and x̂(a·y) = a·x̂(y) for a ≠ 0. Each of the residual blocks has two
    convolutions with kernel 1 and between them one over time, of each channel with its own kernel.

    A causal network uses no later frame, and P is the mean power up to the current frame. Its
    output then depends on the input up to one window later.

    Parameters
    ----------
    fs : float
        Sampling rate of the signals in Hz. Frames have 32 ms.
    overlap : int
        Number of frames that contain a sample.
    width : int
        Number of channels.
    blocks : int
        Number of residual blocks; their dilations are 1, 2, 4, 8, 16 and 32 frames in turn.
    kernel : int
        Taps of the convolutions over time; odd if the network is not causal.
    norm : {"batch", "sparse", "none"}
        Normalization before each activation.
    causal : bool
        Whether the network uses no later frame.

    References
    ----------
    Blocks: Luo and Mesgarani, "Conv-TasNet", IEEE/ACM TASLP 27 (8), 2019, figure 1C.

    Examples
    --------
    >>> from sigbench.networks.models.base import n_params
    >>> n_params(SpeechNet()), n_params(SpeechNet(fs=16_000, width=60))
    (87361, 93557)
    >>> SpeechNet(causal=True).latency_ms
    32.0
    """

    fs: float = 8000.0
    overlap: int = 4
    width: int = 64
    blocks: int = 8
    kernel: int = 3
    norm: Norm = "batch"
    causal: bool = field(default=False, metadata={"listed": True})

    info: ClassVar[Info] = Info(
        "speech-net", "network", "sigbench: docs/networks.md", domains=("speech",)
    )
    axes: ClassVar[int] = 1
    channels: ClassVar[tuple[int, ...]] = (1,)
    least: ClassVar[int] = 1
    multiple: ClassVar[int] = 1

    def __post_init__(self) -> None:
        for name in ("width", "blocks", "kernel"):
            check_field(name, getattr(self, name), 1)
        check_field("overlap", self.overlap, 2)
        if not self.causal and self.kernel % 2 == 0:
            raise InputError(f"kernel={self.kernel} must be odd if causal=False")
        framing(self.fs, overlap=self.overlap)

    @property
    def frames(self) -> Framing:
        """Length and distance of the frames."""
        return framing(self.fs, overlap=self.overlap)

    @property
    def latency_ms(self) -> float | None:
        """The length of a frame if the network is causal; None if it needs the whole signal."""
        return self.frames.latency_ms if self.causal else None

    def forward(self, net: Net, y: Any) -> Any:
        """Return the estimate of a batch ``(N, 1, L)``."""
        ops, frames = net.ops, self.frames
        spectrum = ops.stft(y, window=frames.window, hop=frames.hop)
        # Reusing the name frees the noisy spectrum, which is large for long signals.
        spectrum = ops.masked(spectrum, self._mask(net, spectrum))
        return ops.istft(spectrum, window=frames.window, hop=frames.hop, length=y.shape[2])

    def _mask(self, net: Net, spectrum: Any) -> Any:
        """Return the mask, shape ``(N, bins, frames)``."""
        features = net.keep(self._features(net.ops, spectrum), "features")
        x = net.conv("in", features, self.width, 1)
        for number in range(self.blocks):
            x = self._block(net.part(f"block{number + 1}"), x, DILATIONS[number % len(DILATIONS)])
        return net.keep(net.ops.sigmoid(net.conv("out", x, self.frames.bins, 1)), "mask")

    def _features(self, ops: Any, spectrum: Any) -> Any:
        """Return log(|Y|²/P + 1e-5), centered and scaled, as a difference of logarithms."""
        power = ops.power(spectrum)
        level = ops.channel_mean(power)
        level = ops.cumulative_mean(level) if self.causal else ops.mean(level)
        relative = ops.log(power + (level * MIN_POWER + TINY)) - ops.log(level + TINY)
        return relative * (1 / SPREAD) + (-CENTER / SPREAD)

    def _block(self, block: Net, x: Any, dilation: int) -> Any:
        """Return x + W₂·a(c(a(W₁·x))), with activations a and a convolution c over time."""
        activate = block.ops.leaky_relu
        inner = block.norm("norm1", block.conv("conv1", x, self.width, 1), self.norm)
        inner = block.depthwise_conv(
            "over_time",
            activate(inner, slope=SLOPE),
            self.kernel,
            dilation=dilation,
            causal=self.causal,
        )
        inner = activate(block.norm("norm2", inner, self.norm), slope=SLOPE)
        return block.keep(x + block.conv("conv2", inner, self.width, 1))
