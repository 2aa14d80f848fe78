"""The torch versions of the operations on spectra, with the same arguments."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from sigbench.core.errors import InputError
from sigbench.networks.nn.depthwise import shift_before
from sigbench.networks.nn.losses import (
    COMPRESSION,
    LOSS_HOP,
    LOSS_WINDOW,
    LOST,
    MIN_BIN,
    MIN_ERROR,
    MIN_LEVEL,
    TIME_WEIGHT,
)
from sigbench.transforms.frames import STFT


def _coefficients(x: Tensor, window: int, hop: int) -> Tensor:
    """Return complex coefficients ``(N, frames, bins)`` of signals ``(N, 1, L)``."""
    transform = STFT(window, hop)
    wide = x[:, 0].to(torch.promote_types(x.dtype, torch.float32))
    frames = F.pad(wide, transform.padding(x.shape[2])).unfold(1, window, hop)
    tapered = frames * torch.from_numpy(transform.taper).to(wide)
    spectra: Tensor = _HalfSpectrum.apply(tapered)
    return spectra


class _HalfSpectrum(torch.autograd.Function):
    """rfft; torch's own derivative takes the time of a transform of full complex length."""

    @staticmethod
    def forward(ctx: Any, frames: Tensor) -> Tensor:
        ctx.window = frames.shape[-1]
        return torch.fft.rfft(frames, norm="ortho")

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        half = g.clone()
        half[..., 1:-1] *= 0.5  # irfft counts them twice, for a conjugate pair
        return torch.fft.irfft(half, n=ctx.window, norm="ortho")


def stft(x: Tensor, *, window: int, hop: int) -> Tensor:
    """Return the short-time Fourier transform; see `sigbench.networks.nn.stft`."""
    spectrum = _coefficients(x, window, hop).transpose(1, 2)
    return torch.cat([spectrum.real, spectrum.imag], dim=1)


def istft(spectrum: Tensor, *, window: int, hop: int, length: int) -> Tensor:
    """Return the signals of spectra; see `sigbench.networks.nn.istft`."""
    transform = STFT(window, hop)
    wide = spectrum.to(torch.promote_types(spectrum.dtype, torch.float32)).transpose(1, 2)
    real, imaginary = wide.chunk(2, dim=2)
    frames = torch.fft.irfft(torch.complex(real, imaginary), n=window, norm="ortho")
    frames = frames * torch.from_numpy(transform.taper).to(frames)
    n, count, overlap = len(frames), frames.shape[1], window // hop
    parts = frames.reshape(n, count, overlap, hop)
    # Part r of a frame is r hops after its beginning.
    shifted = [F.pad(parts[:, :, r], (0, 0, r, overlap - 1 - r)) for r in range(overlap)]
    signal = torch.stack(shifted).sum(dim=0).reshape(n, 1, -1)
    before, _ = transform.padding(length)
    return signal[..., before : before + length]


def power(spectrum: Tensor) -> Tensor:
    """Return squared magnitudes; see `sigbench.networks.nn.power`."""
    real, imaginary = spectrum.chunk(2, dim=1)
    return real * real + imaginary * imaginary


def masked(spectrum: Tensor, mask: Tensor) -> Tensor:
    """Return products of masks and spectra; see `sigbench.networks.nn.masked`."""
    return (spectrum.unflatten(1, (2, -1)) * mask[:, None]).flatten(1, 2)


def channel_mean(x: Tensor) -> Tensor:
    """Return the mean over the channels; see `sigbench.networks.nn.channel_mean`."""
    return x.mean(dim=1, keepdim=True)


def cumulative_mean(x: Tensor) -> Tensor:
    """Return the mean up to each sample; see `sigbench.networks.nn.cumulative_mean`."""
    count = torch.arange(1, x.shape[-1] + 1, dtype=torch.float64, device=x.device)
    return (x.double().cumsum(dim=-1) / count).to(x)


def depthwise_conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    dilation: int = 1,
    causal: bool = False,
) -> Tensor:
    """Convolve each channel with its kernel; see `sigbench.networks.nn.depthwise_conv`."""
    before = shift_before(weight.shape[2], dilation, causal)
    y: Tensor = _Depthwise.apply(x, weight, dilation, before)
    return y if bias is None else y + bias[:, None].to(y)


class _Depthwise(torch.autograd.Function):
    """A sum over taps; on CPUs the derivative of F.conv1d with groups takes several times as long."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, dilation: int, before: int) -> Tensor:
        n, taps = x.shape[2], weight.shape[2]
        padded = F.pad(x, (before, dilation * (taps - 1) - before))
        ctx.save_for_backward(padded, weight)
        ctx.dilation, ctx.before = dilation, before
        factors = weight.to(x)
        y = padded[..., :n] * factors[:, :, 0]
        for k in range(1, taps):
            y.addcmul_(padded[..., dilation * k : dilation * k + n], factors[:, :, k])
        return y

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        padded, weight = ctx.saved_tensors
        n, dilation, factors = g.shape[2], ctx.dilation, weight.to(g)
        d_padded, d_weight = torch.zeros_like(padded), torch.empty_like(weight)
        for k in range(weight.shape[2]):
            part = slice(dilation * k, dilation * k + n)
            d_padded[..., part].addcmul_(g, factors[:, :, k])
            d_weight[:, 0, k] = (g * padded[..., part]).sum(dim=(0, 2))
        return d_padded[..., ctx.before : ctx.before + n], d_weight, None, None


def compressed_magnitudes(estimate: Tensor, target: Tensor) -> Tensor:
    """Return the loss of compressed magnitudes; see `sigbench.networks.nn.compressed_magnitudes`."""
    if estimate.shape != target.shape:
        raise InputError(f"estimate {estimate.shape} and target {target.shape} differ in shape")
    level = target.square().mean(dim=(1, 2), keepdim=True) + MIN_LEVEL
    factor = level.rsqrt()
    error = ((estimate - target) * factor).square().mean(dim=(1, 2))
    magnitudes = []
    for signal in (estimate, target):
        real = torch.view_as_real(_coefficients(signal * factor, LOSS_WINDOW, LOSS_HOP))
        log_size = (real.square().sum(dim=-1) + MIN_BIN).log()  # faster than powers
        magnitudes.append((log_size * (COMPRESSION / 2)).exp())
    difference = magnitudes[0] - magnitudes[1]
    weight = torch.where(difference < 0, LOST, 1.0)
    spectral = (weight * difference.square()).mean()
    return spectral + TIME_WEIGHT * torch.log1p(error / MIN_ERROR).mean()
