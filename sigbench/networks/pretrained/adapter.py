"""`TorchModule`: any ``torch.nn.Module`` as a denoiser."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError, NoDerivative, unknown
from sigbench.core.fingerprint import digest, identity
from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check, check_field
from sigbench.denoisers.noise_level import given_or_estimated
from sigbench.networks.models.base import check_cuda
from sigbench.networks.models.padding import Mode, folded, padded, padded_lengths

Layout = Literal["channels-first", "channels-last", "no-channels"]
Convention = Literal["none", "argument", "broadcast", "map"]
Device = Literal["cpu", "cuda"]

PADDING: Mode = "reflect"
RECTIFIERS = ("relu", "leaky_relu", "prelu")  # names of torch functions


@dataclass(frozen=True)
class TorchModule:
    """A torch module f as a denoiser: ``x̂ = (f(s·y + t, |s|·σ) − t)/s``, in the layout of f.

    The map ``s·y + t`` takes ``data_range`` to ``module_range``; nothing is clipped. The denoiser
    works on a copy of the module, in float32, in evaluation mode and without gradients; the module
    itself is never changed. Two denoisers are equal if their parameters and the classes, plain
    attributes and weights of their modules are.

    Parameters
    ----------
    module : torch.nn.Module
        Takes a batch and returns the estimate as one tensor of the same shape.
    layout : {"channels-first", "channels-last", "no-channels"}
        Layout of a batch: ``(N, C, *space)``, ``(N, *space, C)``, or ``(N, *space)`` for one
        channel.
    sigma : {"none", "argument", "broadcast", "map"}
        How the module receives the noise level: not at all; as ``module(y, sigma)`` with sigma of
        shape ``(N,)`` or, to broadcast, ``(N, 1, ...)``; or as the last channel of the input. If
        the noise level is not given, it is estimated from the noisy items.
    data_range, module_range : (float, float)
        Two values in the units of the problem and the corresponding values of the module: (0, 255)
        and (0, 1) for a network that was trained on images in 0..1.
    multiple : int
        Each space axis is padded by reflection to a multiple of this and cropped afterwards.
    device : {"cpu", "cuda"}
        Where the module runs.

    Examples
    --------
    >>> import torch
    >>> halve = torch.nn.Conv1d(1, 1, 1, bias=False)
    >>> _ = torch.nn.init.constant_(halve.weight, 0.5)
    >>> TorchModule(halve)(np.array([[[2.0, 4.0]]]))
    array([[[1., 2.]]])
    >>> TorchModule(halve, data_range=(0, 8), module_range=(-1, 1))(np.array([[[2.0, 4.0]]]))
    array([[[3., 4.]]])
    """

    module: Any = field(repr=False, compare=False, metadata={"identity": False})
    layout: Layout = "channels-first"
    sigma: Convention = "none"
    data_range: tuple[float, float] = (0.0, 1.0)
    module_range: tuple[float, float] = (0.0, 1.0)
    multiple: int = 1
    device: Device = "cpu"
    network: str = field(init=False, default="")  # class and digest, which identify the module

    def __post_init__(self) -> None:
        torch = _torch()
        for name, legal in (("layout", Layout), ("sigma", Convention), ("device", Device)):
            if getattr(self, name) not in get_args(legal):
                raise unknown(name, str(getattr(self, name)), get_args(legal))
        if (self.layout, self.sigma) == ("no-channels", "map"):
            raise InputError("sigma=map adds a channel: layout=no-channels has none")
        for name in ("data_range", "module_range"):
            object.__setattr__(self, name, _range(name, getattr(self, name)))
        check_field("multiple", self.multiple, 1)
        if not isinstance(self.module, torch.nn.Module):
            raise InputError(f"module={self.module!r} must be an instance of torch.nn.Module")
        if self.device == "cuda":
            check_cuda()
        kind = type(self.module).__name__
        try:
            module = copy.deepcopy(self.module).float().to(self.device).eval()
            network = f"{kind}@{_digest(module)}"
        except Exception as error:  # user code may raise anything
            raise InputError(f"{kind} cannot be copied: {type(error).__name__}: {error}") from error
        object.__setattr__(self, "module", module)
        object.__setattr__(self, "network", network)

    @property
    def info(self) -> Info:
        """Name of the module's class; whether it uses sigma, and whether it has parameters."""
        return Info(
            type(self.module).__name__,
            "network",
            "a user's torch.nn.Module",
            uses_sigma=self.sigma != "none",
            fitted=self.n_params > 0,
        )

    @property
    def n_params(self) -> int:
        """Number of parameters of the module."""
        return sum(p.numel() for p in self.module.parameters())

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, with shape and dtype of ``noisy``.

        Raises
        ------
        InputError
            If the module does not return one real tensor of the shape of its batch.
        """
        inputs = self._inputs(noisy, sigma)
        # Not inference_mode: some modules compute the gradient of a network.
        with _torch().no_grad():
            result = self._result(inputs)
        slope, offset = self._affine()
        estimate = self._arranged_back(result.detach().float().cpu().numpy().astype(noisy.dtype))
        crop = tuple(slice(n) for n in noisy.shape)
        return (estimate[crop] - offset) / slope

    def pull_back(self, noisy: Array, gradient: Array, *, sigma: Sigma = None) -> Array:
        """Return Aᵀ·g for each item, A being the Jacobian at ``noisy``; shape and dtype of ``noisy``.

        Raises
        ------
        NoDerivative
            If the noise level would have to be estimated, or torch cannot differentiate the module.
        """
        if self.sigma != "none" and sigma is None:
            raise NoDerivative("sigma=None: a derivative needs the noise level; give sigma")
        torch = _torch()
        inputs = self._inputs(noisy, sigma)
        leaf = inputs[0].requires_grad_()
        result = self._result([leaf.clone(), *inputs[1:]])  # some modules change their input
        if not result.requires_grad:
            raise NoDerivative(f"torch cannot differentiate {type(self.module).__name__}")
        g = np.zeros((*noisy.shape[:2], *padded_lengths(noisy.shape[2:], self.multiple)), "f4")
        g[tuple(slice(n) for n in noisy.shape)] = gradient
        direction = torch.from_numpy(np.ascontiguousarray(self._arranged(g))).to(self.device)
        (back,) = torch.autograd.grad(result.float(), leaf, direction, allow_unused=True)
        if back is None:
            raise NoDerivative(f"torch cannot differentiate {type(self.module).__name__}")
        arranged = self._arranged_back(back.cpu().numpy().astype(noisy.dtype))
        return folded(arranged[:, : noisy.shape[1]], noisy.shape[2:], PADDING)

    def active(self, noisy: Array, *, sigma: Sigma = None) -> NDArray[np.bool_]:
        """Return which rectifiers are active for each item, shape ``(N, units)``."""
        torch = _torch()
        signs = []
        mode: Any = torch.overrides.TorchFunctionMode

        class Recorder(mode):
            def __torch_function__(
                self, function: Any, types: Any, args: Any = (), kwargs: Any = None
            ) -> Any:
                name = getattr(function, "__name__", "").rstrip("_")
                if name in RECTIFIERS and len(args[0]) == len(noisy):
                    signs.append((args[0] > 0).flatten(1).cpu().numpy())
                return function(*args, **(kwargs or {}))

        inputs = self._inputs(noisy, sigma)
        with torch.no_grad(), Recorder():
            self._result(inputs)
        return np.concatenate([np.empty((len(noisy), 0), np.bool_), *signs], axis=1)

    def _inputs(self, noisy: Array, sigma: Sigma) -> list[Any]:
        """Return the arguments of the module as tensors."""
        torch = _torch()
        levels = check(noisy, sigma)
        slope, offset = self._affine()
        lengths = padded_lengths(noisy.shape[2:], self.multiple)
        batch = padded(noisy * slope + offset, lengths, PADDING)
        inputs = [batch]
        if self.sigma != "none":
            inputs = self._with_level(batch, given_or_estimated(noisy, levels) * slope)
        return [
            torch.from_numpy(np.ascontiguousarray(self._arranged(array), dtype=np.float32)).to(
                self.device
            )
            for array in inputs
        ]

    def _result(self, inputs: list[Any]) -> Any:
        """Call the module and check its result."""
        shape = tuple(inputs[0].shape)
        if self.sigma == "map":  # the last channel is the noise level, which is not returned
            last = 1 if self.layout == "channels-first" else len(shape) - 1
            shape = tuple(n - (axis == last) for axis, n in enumerate(shape))
        result = self._copy()(*inputs)
        self._check(result, shape)
        return result

    def _affine(self) -> tuple[float, float]:
        """Return slope and offset of the map from the units of the problem to the module's."""
        (low, high), (module_low, module_high) = self.data_range, self.module_range
        slope = (module_high - module_low) / (high - low)
        return slope, module_low - slope * low

    def _with_level(self, batch: Array, level: NDArray[np.float64]) -> list[Array]:
        if self.sigma == "argument":
            return [batch, level]
        column = level.reshape(-1, *[1] * (batch.ndim - 1))
        if self.sigma == "broadcast":
            return [batch, column]
        channel = np.broadcast_to(column, (len(batch), 1, *batch.shape[2:]))
        return [np.concatenate([batch, channel], axis=1)]

    def _arranged(self, batch: Array) -> Array:
        """Return a batch ``(N, C, *space)`` in the module's layout, or levels ``(N,)`` unchanged."""
        if batch.ndim == 1 or self.layout == "channels-first":
            return batch
        if self.layout == "channels-last":
            return np.moveaxis(batch, 1, -1)
        if batch.shape[1] != 1:
            raise InputError(f"layout=no-channels takes one channel, not {batch.shape[1]}")
        return batch[:, 0]

    def _arranged_back(self, batch: Array) -> Array:
        if self.layout == "channels-last":
            return np.moveaxis(batch, -1, 1)
        return batch[:, None] if self.layout == "no-channels" else batch

    def _copy(self) -> Any:
        """Copy the module except its weights, because a call may change other attributes."""
        shared = {id(p): p for p in self.module.parameters()}
        return copy.deepcopy(self.module, shared)

    def _check(self, result: Any, shape: tuple[int, ...]) -> None:
        kind = type(self.module).__name__
        if not isinstance(result, _torch().Tensor):
            raise InputError(
                f"{kind} returned a {type(result).__name__}: it must be one tensor of shape {shape}"
            )
        if tuple(result.shape) != shape:
            raise InputError(f"{kind} returned shape {tuple(result.shape)}: it must be {shape}")
        if not result.is_floating_point():
            raise InputError(f"{kind} returned {result.dtype}: it must be floating point")


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise InputError(
            f"TorchModule needs torch ({error}): pip install 'sigbench[torch]'"
        ) from None
    return torch


def _range(name: str, value: Any) -> tuple[float, float]:
    try:
        low, high = map(float, value)
    except (TypeError, ValueError):
        low = high = 0.0
    if not (np.isfinite([low, high]).all() and low < high):
        raise InputError(f"{name}={value!r} must be two finite numbers, the lower first")
    return low, high


def _digest(module: Any) -> str:
    """Return a digest of a module's classes, plain attributes and weights."""
    internal = vars(_torch().nn.Module())
    parts = {}
    for name, part in module.named_modules():
        own = {k: v for k, v in vars(part).items() if k not in internal}
        values = _without_tensors({**own, **part._parameters, **part._buffers})
        parts[name] = [type(part).__module__, type(part).__qualname__, identity(values)]
    return digest(parts)[:16]


def _without_tensors(value: Any) -> Any:
    """Return a value with its tensors replaced by arrays."""
    if isinstance(value, dict):
        return {k: _without_tensors(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_without_tensors(v) for v in value]
    return value.detach().cpu().numpy() if isinstance(value, _torch().Tensor) else value
