"""The two training engines, NumPy and torch: they take steps and hold weights and state."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any, Protocol

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array
from sigbench.networks import nn
from sigbench.networks.models.base import check_cuda, first_weights, is_learned, torch_engine
from sigbench.networks.nn import SGD, Adam, Net, Optimizer
from sigbench.networks.pretrained.denoiser import chosen_engine
from sigbench.networks.training.processor import Device, has_bfloat16, keep_memory
from sigbench.networks.training.recipe import HALF, Recipe

Arrays = dict[str, Array]

BLOCK = 256  # items denoised per pass
SCALER = "gradients"  # name of the scale of the gradients in the optimizer's state


class TrainingEngine(Protocol):
    """A network in training: its weights and the state of the optimizer."""

    name: str
    device: str
    precision: str

    def step(self, noisy: Array, target: Array, lr: float) -> Any:
        """Take a step on a batch and return its loss; convert it with ``float`` to read it."""
        ...

    def denoise(self, noisy: Array) -> Array:
        """Return the estimate with the current weights and running statistics."""
        ...

    def weights(self) -> Arrays:
        """Return a copy of the weights and running statistics by name."""
        ...

    def optimizer_state(self) -> Arrays:
        """Return a copy of the optimizer's state, keyed by ``weight/name``."""
        ...

    def load(self, weights: Mapping[str, Array], optimizer_state: Mapping[str, Array]) -> None:
        """Continue from these weights and this state."""
        ...


def settled(recipe: Recipe, device: Device = "cpu") -> Recipe:
    """Return a recipe in which ``auto`` is replaced by the engine and precision for this machine.

    The engine is NumPy for signals and torch for images (if installed); for a GPU and for mixed
    precision it is always torch.
    """
    engine, precision = chosen_engine(recipe.engine, recipe.network), recipe.precision
    if recipe.engine == "auto" and (device == "cuda" or precision in HALF):
        engine = "torch"
    if precision == "auto":
        half = engine == "torch" and has_bfloat16(device)
        precision = "bfloat16" if half else "float32"
    return dataclasses.replace(recipe, engine=engine, precision=precision)


def open_engine(recipe: Recipe, device: Device = "cpu") -> TrainingEngine:
    """Return a new engine with the initial weights of the recipe.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    device : {"cpu", "cuda"}
        Where torch computes.

    Raises
    ------
    InputError
        If torch, the device or the precision is not available.
    """
    recipe = settled(recipe, device)
    if recipe.engine == "numpy":
        if device == "cuda":
            raise InputError("device=cuda needs engine=torch: NumPy runs on the CPU only")
        return NumpyEngine(recipe)
    torch_engine()
    return TorchEngine(recipe, device)


class NumpyEngine:
    """Training in NumPy with `sigbench.networks.nn`.

    Parameters
    ----------
    recipe : Recipe
        The recipe; its precision is float32 or float64.
    """

    name = "numpy"
    device = "cpu"

    def __init__(self, recipe: Recipe) -> None:
        self._network = recipe.network
        self._loss = loss_of(recipe, nn.LOSSES)
        self._optimizer = recipe.optimizer
        self.precision: str = recipe.precision
        self._dtype = np.dtype(self.precision)
        self._state: Arrays = {}
        self._weights: Arrays = {}
        self.load(first_weights(recipe.network, initial=recipe.initial, seed=recipe.seed), {})

    def step(self, noisy: Array, target: Array, lr: float) -> Any:
        """Take a step on a batch and return its loss."""
        variables = {n: nn.Var(w) if is_learned(n) else w for n, w in self._weights.items()}
        estimate = self._network.forward(Net(nn, variables, "batch"), noisy.astype(self._dtype))
        loss = self._loss(estimate, target.astype(self._dtype))
        loss.backward()
        learned = {n: var.grad for n, var in variables.items() if isinstance(var, nn.Var)}
        gradients = {n: gradient for n, gradient in learned.items() if gradient is not None}
        self._optimizer.step(self._weights, gradients, self._state, lr)
        return loss.value

    def denoise(self, noisy: Array) -> Array:
        """Return the estimate with the current weights and running statistics."""
        net = Net(nn, self._weights, "running")
        parts = [
            self._network.forward(net, noisy[i : i + BLOCK].astype(self._dtype))
            for i in range(0, len(noisy), BLOCK)
        ]
        return np.concatenate(parts)

    def weights(self) -> Arrays:
        """Return a copy of the weights and running statistics by name."""
        return {name: weight.copy() for name, weight in self._weights.items()}

    def optimizer_state(self) -> Arrays:
        """Return a copy of the optimizer's state, keyed by ``weight/name``."""
        return {name: array.copy() for name, array in self._state.items()}

    def load(self, weights: Mapping[str, Array], optimizer_state: Mapping[str, Array]) -> None:
        """Continue from these weights and this state."""
        self._weights = {
            name: np.array(weight, self._dtype, order="C") for name, weight in weights.items()
        }
        self._state = {name: np.array(array, order="C") for name, array in optimizer_state.items()}


class TorchEngine:
    """Training in torch, on the CPU or a GPU.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    device : {"cpu", "cuda"}
        Where torch computes.
    """

    name = "torch"

    def __init__(self, recipe: Recipe, device: Device = "cpu") -> None:
        import torch

        if device == "cuda":
            check_cuda()
        self.precision: str = recipe.precision
        if self.precision == "bfloat16" and not has_bfloat16(device):
            raise InputError(
                "precision=bfloat16 is not supported by this processor; use float32 or float64"
            )
        self.device: str = device
        if device == "cpu":
            keep_memory()
        self._torch: Any = torch
        self._ops = torch_engine()
        self._network = recipe.network
        self._loss = loss_of(recipe, self._ops.LOSSES)
        self._dtype = torch.float64 if self.precision == "float64" else torch.float32
        half = getattr(torch, self.precision) if self.precision in HALF else None
        self._precision = torch.autocast(device, dtype=half) if half else nullcontext()
        self._scaler = torch.amp.GradScaler(device, enabled=self.precision == "float16")
        first = first_weights(recipe.network, initial=recipe.initial, seed=recipe.seed)
        self._weights = {
            name: self._tensor(w).requires_grad_(is_learned(name)) for name, w in first.items()
        }
        self._learned = [name for name in first if is_learned(name)]
        parameters = [self._weights[name] for name in self._learned]
        self._optimizer = torch_optimizer(recipe.optimizer, parameters)

    def _tensor(self, array: Array) -> Any:
        """Return a copy as a tensor; images and their kernels are channels-last in memory."""
        tensor = self._torch.from_numpy(np.ascontiguousarray(array))
        layout = self._torch.channels_last if array.ndim == 4 else self._torch.contiguous_format
        return tensor.to(self.device, self._dtype, copy=True, memory_format=layout)

    def _like(self, weight: Any, array: Array) -> Any:
        """Return a copy as a tensor that is laid out in memory as the weight that it belongs to.

        torch keeps the moments of a weight in the layout of the weight, and its fused optimizers
        go through the memory of both in step. The number of steps is a scalar without layout.
        """
        tensor = self._torch.from_numpy(np.array(array, order="C"))
        if tensor.shape != weight.shape:
            return tensor
        return self._torch.empty_like(weight, dtype=tensor.dtype).copy_(tensor)

    def step(self, noisy: Array, target: Array, lr: float) -> Any:
        """Take a step on a batch and return its loss as a tensor, without synchronizing."""
        for group in self._optimizer.param_groups:
            group["lr"] = lr
        self._optimizer.zero_grad(set_to_none=True)
        with self._precision:
            net = Net(self._ops, self._weights, "batch")
            estimate = self._network.forward(net, self._tensor(noisy))
        loss = self._loss(estimate.to(self._dtype), self._tensor(target))
        self._scaler.scale(loss).backward()
        self._scaler.step(self._optimizer)
        self._scaler.update()
        return loss.detach()

    def denoise(self, noisy: Array) -> Array:
        """Return the estimate with the current weights and running statistics."""
        net = Net(self._ops, self._weights, "running")
        with self._torch.no_grad():
            parts = [
                self._network.forward(net, self._tensor(noisy[i : i + BLOCK])).cpu().numpy()
                for i in range(0, len(noisy), BLOCK)
            ]
        return np.concatenate(parts)

    def weights(self) -> Arrays:
        """Return a copy of the weights and running statistics by name."""
        return {name: _array(weight) for name, weight in self._weights.items()}

    def optimizer_state(self) -> Arrays:
        """Return a copy of the optimizer's state, keyed by ``weight/name``."""
        state = self._optimizer.state_dict()["state"]
        arrays = {
            f"{self._learned[i]}/{name}": _array(tensor)
            for i, own in state.items()
            for name, tensor in own.items()
            if tensor is not None
        }
        scale = {f"{SCALER}/{k}": np.array(v) for k, v in self._scaler.state_dict().items()}
        return arrays | scale

    def load(self, weights: Mapping[str, Array], optimizer_state: Mapping[str, Array]) -> None:
        """Continue from these weights and this state."""
        with self._torch.no_grad():
            for name, weight in weights.items():
                self._weights[name].copy_(self._tensor(weight))
        state: dict[int, dict[str, Any]] = {}
        scale: dict[str, Any] = {}
        for key, array in optimizer_state.items():
            name, _, entry = key.rpartition("/")
            if name == SCALER:
                scale[entry] = array.item()
            else:
                own = state.setdefault(self._learned.index(name), {})
                own[entry] = self._like(self._weights[name], array)
        if scale:
            self._scaler.load_state_dict(scale)
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": state, "param_groups": groups})


def loss_of(recipe: Recipe, losses: Mapping[str, Callable[..., Any]]) -> Callable[..., Any]:
    """Return the loss of a recipe, in its unit, from the losses of an engine."""
    loss, unit = losses[recipe.loss], recipe.unit
    return loss if unit is None else lambda a, b: loss(a * (1 / unit), b * (1 / unit))


def _array(tensor: Any) -> Array:
    array: Array = tensor.detach().cpu().numpy().copy()
    return array


def torch_optimizer(optimizer: Optimizer, parameters: list[Any]) -> Any:
    """Return the torch optimizer with the same settings; ``fused`` updates all weights at once."""
    import torch

    if isinstance(optimizer, SGD):
        return torch.optim.SGD(
            parameters,
            lr=optimizer.lr,
            momentum=optimizer.momentum,
            dampening=optimizer.dampening,
            weight_decay=optimizer.weight_decay,
            fused=True,
        )
    assert isinstance(optimizer, Adam)
    return torch.optim.Adam(
        parameters,
        lr=optimizer.lr,
        betas=(optimizer.beta1, optimizer.beta2),
        eps=optimizer.eps,
        weight_decay=optimizer.weight_decay,
        fused=True,
    )
