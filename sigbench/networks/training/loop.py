"""The training loop: steps, validation, checkpoints and selection of the best weights."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from sigbench.config.registry import lookup
from sigbench.core.errors import InputError
from sigbench.core.fingerprint import digest, identity
from sigbench.core.interrupts import deferred
from sigbench.core.protocols import Array, LogEntry, Pairs, Training, TrainingHistory
from sigbench.networks.models.base import Network
from sigbench.networks.nn import LOSSES
from sigbench.networks.training.batches import Batches
from sigbench.networks.training.checkpoint import Arrays, Checkpoint, TrainingState, ValidationRow
from sigbench.networks.training.engines import TrainingEngine, loss_of, open_engine
from sigbench.networks.training.recipe import Recipe
from sigbench.scoring.metrics import METRICS

VALIDATIONS = 40  # number of validations if they are not at the ends of epochs
MIN_EPOCHS, MAX_VALIDATIONS = 20, 50  # limits for validations at the ends of epochs
READ_S, MAX_UNREAD = 0.5, 50  # how often losses are read, which synchronizes with a GPU
SAVE_S = 30.0  # time between checkpoints
SHARE = 0.95  # share of a time budget that is spent on steps and validations
PROBE_SHARE, MAX_PROBE_S = 0.1, 5.0  # limits of the time for measuring a step


class Diverged(ArithmeticError):
    """The loss is not finite."""


class Stopped(KeyboardInterrupt):
    """A signal such as Ctrl-C; raised after the current step, when the checkpoint is written.

    Parameters
    ----------
    step : int
        The number of finished steps.
    number : int
        The signal.
    """

    def __init__(self, step: int, number: int) -> None:
        super().__init__(step)
        self.number = number


@dataclass(frozen=True)
class TrainingResult:
    """The result of a training.

    Attributes
    ----------
    weights : dict of str to array
        The weights with the least validation loss.
    best : ValidationRow
        Their line of the log.
    log : tuple of ValidationRow
        The training log.
    samples : int
        Number of pairs used.
    per_epoch : int
        Steps per epoch.
    """

    weights: Arrays
    best: ValidationRow
    log: tuple[ValidationRow, ...]
    samples: int
    per_epoch: int

    @property
    def steps(self) -> int:
        """Number of steps."""
        return self.log[-1].step

    def history(self, metric: str) -> TrainingHistory:
        """Return the training history; ``metric`` is the name of the log's metric."""
        last = self.log[-1]
        log = tuple(
            LogEntry(row.step, row.seconds, row.loss, row.validation, row.figure)
            for row in self.log
        )
        return TrainingHistory(last.seconds, last.step, last.epoch, self.samples, metric, log)


Report = Callable[[TrainingState, float, "ValidationRow | None"], None]


def no_report(state: TrainingState, loss: float, row: ValidationRow | None) -> None:
    """Report nothing."""


def key_of(recipe: Recipe, engine: TrainingEngine) -> str:
    """Return a digest of everything that the values of a training depend on."""
    parts = [identity(recipe), engine.name, engine.device]
    return digest(parts if recipe.precision != "auto" else [*parts, engine.precision])


def train(
    recipe: Recipe,
    training: Training,
    engine: TrainingEngine,
    *,
    limit: float = math.nan,
    checkpoint: Checkpoint | None = None,
    report: Report = no_report,
) -> TrainingResult:
    """Train a network; the same recipe, pairs and engine give the same weights.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    training : Training
        Training and validation pairs.
    engine : TrainingEngine
        A new engine, with the initial weights.
    limit : float
        Metric of the limit on the validation pairs, for the gap in the log.
    checkpoint : Checkpoint, optional
        Resume from this checkpoint if its file exists, and keep it up to date.
    report : callable
        ``report(state, loss, row)`` is called about twice a second with the latest loss and
        ``row=None``, and after each validation with the new line of the log.

    Returns
    -------
    TrainingResult

    Raises
    ------
    InputError
        If the network does not accept items of this kind, or the checkpoint cannot be used.
    Diverged
        If the loss is not finite.
    Stopped
        On Ctrl-C, SIGTERM or SIGHUP, if there is a checkpoint.
    """
    _check_fits(recipe.network, training.validation.noisy)
    batches = Batches(recipe, training)
    saved_before = checkpoint.load() if checkpoint else None
    if saved_before:
        state = saved_before.state
        engine.load(saved_before.weights, saved_before.optimizer_state)
    else:
        state = TrainingState(steps=_budget(recipe, batches, training.validation, engine.device))
        if checkpoint and recipe.time is not None:  # a resumed run must have the same steps
            checkpoint.save(state, engine.weights(), engine.optimizer_state())
    validation = _Validation(recipe, training, limit)
    every = interval(state.steps, batches)
    epochs = state.steps / batches.per_epoch
    began = time.perf_counter() - state.seconds
    saved = read = time.perf_counter()
    unread: list[tuple[float, Any]] = []
    defer = deferred() if checkpoint else nullcontext(lambda: 0)
    with defer as stop, np.errstate(over="ignore", invalid="ignore"):
        while state.step < state.steps:
            lr = recipe.optimizer.lr * recipe.schedule(state.step / batches.per_epoch, epochs)
            unread.append((lr, engine.step(*batches(state.step), lr)))
            state.step += 1
            now = time.perf_counter()
            due = state.step % every == 0 or state.step == state.steps
            save = checkpoint is not None and (stop() or now - saved > SAVE_S)
            if due or save or len(unread) >= MAX_UNREAD or now - read > READ_S:
                loss = _read(unread, state)
                row = None
                if due:
                    row = validation.row(state, engine, batches, lr, began)
                state.seconds = time.perf_counter() - began
                report(state, loss, row)
                read = time.perf_counter()
            if checkpoint is not None and save:
                checkpoint.save(state, engine.weights(), engine.optimizer_state())
                saved = time.perf_counter()
                if stop() and state.step < state.steps:
                    raise Stopped(state.step, stop())
    if checkpoint:
        checkpoint.save(state, engine.weights(), engine.optimizer_state())
    best = validation.best(state.log)
    return TrainingResult(
        state.best, best, tuple(state.log), batches.samples(state.steps), batches.per_epoch
    )


def _check_fits(network: Network, noisy: Array) -> None:
    """Check that the network accepts the items without padding; raise InputError otherwise."""
    channels, space = noisy.shape[1], noisy.shape[2:]
    fits = len(space) == network.axes and channels in network.channels
    if not fits or any(n < network.least or n % network.multiple for n in space):
        legal = " or ".join(map(str, network.channels))
        raise InputError(
            f"{network.info.name} cannot be trained on items of shape {noisy.shape[1:]}: it needs "
            f"{legal} channels and {network.axes} axes of length >= {network.least}, "
            f"multiples of {network.multiple}"
        )


def interval(steps: int, batches: Batches) -> int:
    """Return the number of steps between validations.

    With fixed pairs and at least 20 epochs, validation is at the ends of epochs, at most 50 times;
    otherwise there are 40 validations.
    """
    epochs = steps // batches.per_epoch
    if batches.pairs is not None and epochs >= MIN_EPOCHS:
        return batches.per_epoch * math.ceil(epochs / MAX_VALIDATIONS)
    return math.ceil(steps / VALIDATIONS)


class _Validation:
    """Loss and metric on the validation pairs.

    If the training targets are noisy, those of the validation loss are too, so that clean items do
    not influence the selection. The metric, which is only shown, uses the clean items.
    """

    def __init__(self, recipe: Recipe, training: Training, limit: float) -> None:
        self._metric = lookup("metric", METRICS, recipe.metric)
        self._sign = 1 if self._metric.higher_is_better else -1
        self._loss = loss_of(recipe, LOSSES)
        self._pairs, self._peak, self._limit = training.validation, training.peak, limit
        self._target = training.validation.target
        if recipe.target == "noisy" and training.second is not None:
            self._target = training.second()[: len(self._target)]

    def row(
        self,
        state: TrainingState,
        engine: TrainingEngine,
        batches: Batches,
        lr: float,
        began: float,
    ) -> ValidationRow:
        """Add a line to the log, and store the weights if they are the best so far."""
        pairs = self._pairs
        estimate = engine.denoise(pairs.noisy)
        loss = float(self._loss(estimate, self._target))
        if not math.isfinite(loss):
            raise Diverged(
                f"diverged: the validation loss at step {state.step} is {loss} (lr={lr:.3g})"
            )
        figure = self._metric.mean(self._metric(pairs.target, estimate, self._peak))
        row = ValidationRow(
            state.step,
            state.step / batches.per_epoch,
            batches.samples(state.step),
            time.perf_counter() - began,
            lr,
            state.loss / state.count,
            loss,
            figure,
            self._sign * (self._limit - figure),
        )
        state.loss, state.count = 0.0, 0
        state.log.append(row)
        if self.best(state.log) is row:
            state.best = engine.weights()
        return row

    def best(self, log: list[ValidationRow]) -> ValidationRow:
        """Return the first line with the least validation loss."""
        return min(log, key=lambda row: row.validation)


def _read(unread: list[tuple[float, Any]], state: TrainingState) -> float:
    """Add the losses of the latest steps to the sum, and return the last one."""
    first = state.step - len(unread) + 1
    loss = math.nan
    for step, (lr, value) in enumerate(unread, first):
        loss = float(value)
        if not math.isfinite(loss):
            raise Diverged(f"diverged: the loss of step {step} is {loss} (lr={lr:.3g})")
        state.loss += loss
        state.count += 1
    unread.clear()
    return loss


def _budget(recipe: Recipe, batches: Batches, validation: Pairs, device: str) -> int:
    """Return the number of steps that the recipe's budget allows."""
    if recipe.steps is not None:
        return recipe.steps
    if recipe.epochs is not None:
        return recipe.epochs * batches.per_epoch
    assert recipe.time is not None
    return _steps_within(recipe.time, recipe, batches, validation.noisy, device)


def _steps_within(
    seconds: float, recipe: Recipe, batches: Batches, noisy: Array, device: Any
) -> int:
    """Return the number of steps that fit into a time, measured with a second engine."""
    began = time.perf_counter()
    probe: TrainingEngine = open_engine(recipe, device)
    for step in range(2):  # the first calls are slower
        float(probe.step(*batches(step), 0.0))
        start = time.perf_counter()
        probe.denoise(noisy)
        validation = time.perf_counter() - start
    times: list[float] = []
    while len(times) < 3 or sum(times) < min(MAX_PROBE_S, PROBE_SHARE * seconds):
        start = time.perf_counter()
        float(probe.step(*batches(len(times)), 0.0))
        times.append(time.perf_counter() - start)
    left = SHARE * seconds - (time.perf_counter() - began) - VALIDATIONS * validation
    return max(1, int(left / statistics.median(times)))  # the median ignores short interruptions
