"""The torch engine: the operations of `sigbench.networks.nn` on tensors, with the same arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sigbench.core.errors import NoDerivative
from sigbench.networks.nn.losses import MIN_POWER
from sigbench.networks.nn.norm import EPS, MOMENTUM, Statistics
from sigbench.networks.nn.sparse import (
    LARGE,
    MAX_STEPS,
    NO_EXPONENT_GRADIENT,
    close_enough,
    shape_of,
)
from sigbench.networks.nn.torch_stft import channel_mean as channel_mean
from sigbench.networks.nn.torch_stft import compressed_magnitudes
from sigbench.networks.nn.torch_stft import cumulative_mean as cumulative_mean
from sigbench.networks.nn.torch_stft import depthwise_conv as depthwise_conv
from sigbench.networks.nn.torch_stft import istft as istft
from sigbench.networks.nn.torch_stft import masked as masked
from sigbench.networks.nn.torch_stft import power as power
from sigbench.networks.nn.torch_stft import stft as stft

log = torch.log
relu = F.relu
sigmoid = torch.sigmoid
softplus = F.softplus

_CONV = {3: F.conv1d, 4: F.conv2d}
_CONV_TRANSPOSE = {3: F.conv_transpose1d, 4: F.conv_transpose2d}
_MAX_POOL = {3: F.max_pool1d, 4: F.max_pool2d}
_AVG_POOL = {3: F.avg_pool1d, 4: F.avg_pool2d}
_LINEAR = {3: "linear", 4: "bilinear"}


def conv(x: Tensor, weight: Tensor, bias: Tensor | None = None, **options: int) -> Tensor:
    """Return a convolution; see `sigbench.networks.nn.conv`."""
    return _CONV[x.ndim](x, weight, bias, **options)


def conv_transpose(x: Tensor, weight: Tensor, bias: Tensor | None = None, **options: int) -> Tensor:
    """Return a transposed convolution; see `sigbench.networks.nn.conv_transpose`."""
    return _CONV_TRANSPOSE[x.ndim](x, weight, bias, **options)


def modulated_conv(x: Tensor, weight: Tensor, bias: Tensor, factors: Tensor) -> Tensor:
    """Convolve with item-dependent kernels; see `sigbench.networks.nn.modulated_conv`."""
    items, _, length = x.shape  # one grouped convolution, a group of channels per item
    kernels = (factors[:, :, None] * weight).flatten(0, 1)
    y = F.conv1d(x.reshape(1, -1, length), kernels, padding=weight.shape[2] // 2, groups=items)
    return y.reshape(items, -1, length) + bias[:, None]


def batch_norm(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor,
    gain: Tensor | None = None,
    shift: Tensor | None = None,
    *,
    statistics: Statistics,
) -> Tensor:
    """Apply batch normalization; see `sigbench.networks.nn.batch_norm`."""
    if running_mean is None:
        return _scaled_by_deviation(x, running_var, gain, shift, statistics)
    if statistics == "input" and x[0, 0].numel() == 1:  # instance_norm refuses it; here x − m = 0
        zero = x - x
        return zero if shift is None else zero + shift.reshape(1, -1, *[1] * (x.ndim - 2))
    if statistics == "input":
        return F.instance_norm(x, weight=gain, bias=shift, eps=EPS)
    training = statistics == "batch"
    return F.batch_norm(x, running_mean, running_var, gain, shift, training, MOMENTUM, EPS)


def _scaled_by_deviation(
    x: Tensor,
    running_var: Tensor,
    gain: Tensor | None,
    shift: Tensor | None,
    statistics: Statistics,
) -> Tensor:
    shape = (-1, *[1] * (x.ndim - 2))
    factor = torch.ones_like(running_var) if gain is None else gain
    if statistics == "batch":
        y, precision = _OverDeviation.apply(x, factor)
        n = x.numel() / x.shape[1]
        with torch.no_grad():
            var = precision.to(running_var) ** -2 - EPS
            running_var += MOMENTUM * (var * (n / max(n - 1, 1)) - running_var)
    else:
        space = tuple(range(2, x.ndim))
        own = statistics == "input"
        var = x.var(dim=space, correction=0, keepdim=True) if own else running_var.view(shape)
        y = x * ((var + EPS).rsqrt() * factor.view(shape)).to(x)
    return y if shift is None else y + shift.view(shape).to(y)


class _OverDeviation(torch.autograd.Function):
    """y = gain·p·x and p, with p = 1/√(v + ε) for each channel of the batch.

    As a single function it passes over ``x`` several times less often than its parts would.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, gain: Tensor) -> tuple[Tensor, Tensor]:
        one, zero = torch.ones_like(gain), torch.zeros_like(gain)  # they set the statistics' dtype
        _, mean, precision = torch.native_batch_norm(x, one, zero, None, None, True, 0.0, EPS)
        ctx.save_for_backward(x, gain, mean, precision)
        ctx.mark_non_differentiable(precision)
        return x * _per_channel(gain * precision, x), precision

    @staticmethod
    def backward(ctx: Any, g: Tensor, _: Tensor) -> tuple[Tensor, Tensor]:
        x, gain, mean, precision = ctx.saved_tensors
        n = x.numel() / x.shape[1]
        along = (g * x).sum(dim=(0, *range(2, x.ndim)), dtype=precision.dtype)
        slope = -gain * precision**3 * along / n  # derivative through p: slope·(x − m)
        near = mean.to(x)  # in bfloat16, x − near is exact where x − m would cancel
        rest = _per_channel(gain * precision, x) * g + _per_channel(slope * (near - mean), x)
        d_x = torch.addcmul(rest, _per_channel(slope, x), x - _per_channel(near, x))
        return d_x, (along * precision).to(gain)


def _per_channel(values: Tensor, x: Tensor) -> Tensor:
    return values.view(-1, *[1] * (x.ndim - 2)).to(x)


def scale(x: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    """Return gain·x + shift per channel; see `sigbench.networks.nn.scale`."""
    shape = (1, -1, *[1] * (x.ndim - 2))
    return torch.addcmul(shift.view(shape), gain.view(shape), x)


def sparseness(x: Tensor, running_ratio: Tensor, *, statistics: Statistics) -> Tensor:
    """Return the exponent of a layer; see `sigbench.networks.nn.sparseness`."""
    if statistics == "input" and x.requires_grad:
        raise NoDerivative(NO_EXPONENT_GRADIENT)
    with torch.no_grad():
        if statistics == "running":
            ratio = running_ratio
        elif statistics == "input":
            ratio = x.abs().mean(dim=tuple(range(1, x.ndim)))
        else:
            ratio = x.abs().mean().reshape(1)
            running_ratio += MOMENTUM * (ratio - running_ratio)
        p = torch.from_numpy(shape_of(ratio.double().cpu().numpy())).to(x)
    return p.reshape(-1, *[1] * (x.ndim - 1))


def shrink(x: Tensor, lam: Tensor, p: Tensor) -> Tensor:
    """Return the proximal step of λ|x|ᵖ; see `sigbench.networks.nn.shrink`."""
    given = lam.reshape(1, -1, *[1] * (x.ndim - 2))
    with torch.no_grad():
        weight = given.clamp_min(torch.finfo(lam.dtype).tiny)
        soft, size = p == 1, x.abs()
        u, rest = _shares(size, weight, torch.where(soft, 2.0, p))
        magnitude = torch.where(soft, F.relu(size - weight), size * u)
        slope = torch.where(soft, (magnitude > 0).to(x), u / (u + (p - 1) * rest))
        pull = torch.where(soft, 1.0, size * rest / weight) * x.sign()
    # `moved` is zero; it only carries the derivatives of the implicit function.
    moved = (x - x.detach()) - (given - given.detach()) * pull
    return torch.copysign(magnitude, x) + slope * moved


def _shares(size: Tensor, weight: Tensor, p: Tensor) -> tuple[Tensor, Tensor]:
    q, kind = p - 1, torch.finfo(size.dtype)
    close = close_enough(kind.eps, float(q.min()))
    log_kappa = (weight * p).log() - (1 - q) * size.clamp_min(kind.tiny).log()
    v = -torch.maximum(torch.log1p(q * log_kappa.clamp_max(LARGE).exp()), log_kappa) / q
    for _ in range(MAX_STEPS):
        u, rest = v.exp(), (log_kappa + q * v).exp()
        slope = u + q * rest
        newton = (u + rest - 1) / slope
        step = newton / (1 - 0.5 * newton * (u + q * q * rest) / slope)
        v = v - step
        if step.abs().max() < close:
            break
    return v.exp(), (log_kappa + q * v).exp()


def max_pool(x: Tensor, kernel: int, *, stride: int | None = None) -> Tensor:
    """Return the maximum of each window; see `sigbench.networks.nn.max_pool`."""
    return _MAX_POOL[x.ndim](x, kernel, stride or kernel)


def avg_pool(x: Tensor, kernel: int, *, stride: int | None = None, padding: int = 0) -> Tensor:
    """Return the mean of each window; see `sigbench.networks.nn.avg_pool`."""
    return _AVG_POOL[x.ndim](x, kernel, stride or kernel, padding)


def upsample_nearest(x: Tensor) -> Tensor:
    """Repeat each sample twice; see `sigbench.networks.nn.upsample_nearest`."""
    return F.interpolate(x, scale_factor=2, mode="nearest")


def upsample_linear(x: Tensor, *, align_corners: bool) -> Tensor:
    """Double the size by linear interpolation; see `sigbench.networks.nn.upsample_linear`."""
    return F.interpolate(x, scale_factor=2, mode=_LINEAR[x.ndim], align_corners=align_corners)


def pixel_unshuffle(x: Tensor, factor: int) -> Tensor:
    """Turn blocks into channels; see `sigbench.networks.nn.pixel_unshuffle`."""
    if x.ndim == 3:
        n, channels, length = x.shape
        blocks = x.reshape(n, channels, length // factor, factor)
        return blocks.transpose(2, 3).reshape(n, channels * factor, -1)
    return F.pixel_unshuffle(x, factor)


def pixel_shuffle(x: Tensor, factor: int) -> Tensor:
    """Turn channels into blocks; see `sigbench.networks.nn.pixel_shuffle`."""
    if x.ndim == 3:
        n, channels, length = x.shape
        blocks = x.reshape(n, channels // factor, factor, length)
        return blocks.transpose(2, 3).reshape(n, channels // factor, -1)
    return F.pixel_shuffle(x, factor)


def fit(x: Tensor, space: tuple[int, ...]) -> Tensor:
    """Zero-pad to the lengths ``space``; see `sigbench.networks.nn.fit`."""
    widths: list[int] = []
    for n, m in zip(reversed(space), reversed(x.shape[2:]), strict=True):
        widths += [(n - m) // 2, (n - m) - (n - m) // 2]
    return F.pad(x, widths)


def concat(*parts: Tensor) -> Tensor:
    """Concatenate along the channel axis; see `sigbench.networks.nn.concat`."""
    return torch.cat(parts, dim=1)


def mean(x: Tensor) -> Tensor:
    """Return the mean over all space axes; see `sigbench.networks.nn.mean`."""
    return x.mean(dim=tuple(range(2, x.ndim)), keepdim=True)


def low_pass(x: Tensor) -> Tensor:
    """Keep the lower half of the frequencies; see `sigbench.networks.nn.low_pass`."""
    axes = tuple(range(2, x.ndim))
    wide = x.to(torch.promote_types(x.dtype, torch.float32))  # torch.fft does not accept bfloat16
    spectrum = torch.fft.rfftn(wide, dim=axes)
    for axis, n in zip(axes, x.shape[2:], strict=True):
        k = torch.arange(spectrum.shape[axis], device=x.device)
        slow = torch.minimum(k, n - k) < n / 4
        spectrum = spectrum * slow.view(-1, *[1] * (x.ndim - 1 - axis))
    return torch.fft.irfftn(spectrum, s=x.shape[2:], dim=axes).to(x)


def leaky_relu(x: Tensor, *, slope: float) -> Tensor:
    """Return the leaky ReLU; see `sigbench.networks.nn.leaky_relu`."""
    return F.leaky_relu(x, slope)


def constant(function: Any, x: Tensor) -> Tensor:
    """Apply a NumPy function without derivative; see `sigbench.networks.nn.constant`."""
    if x.requires_grad:
        raise NoDerivative(f"no gradient passes through {function.__name__}")
    return torch.from_numpy(np.ascontiguousarray(function(x.cpu().numpy()))).to(x)


def log_mse(estimate: Tensor, target: Tensor) -> Tensor:
    """Return the mean over items of log MSE; see `sigbench.networks.nn.log_mse`."""
    power = (estimate - target).square().flatten(1).mean(1) + MIN_POWER
    return power.log().mean()


LOSSES = {
    "mse": F.mse_loss,
    "smooth-l1": F.smooth_l1_loss,
    "log-mse": log_mse,
    "speech": compressed_magnitudes,
}
