"""The training loop: steps, validation, checkpoints and selection of the best weights."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from sigbench.config.registry import lookup
from sigbench.core import environment
from sigbench.core.fingerprint import digest, identity
from sigbench.core.interrupts import deferred
from sigbench.core.protocols import LogEntry, Training, TrainingHistory
from sigbench.networks.nn import LOSSES
from sigbench.networks.training.batches import Batches
from sigbench.networks.training.checkpoint import Arrays, Checkpoint, TrainingState, ValidationRow
from sigbench.networks.training.engines import TrainingEngine, loss_of
from sigbench.networks.training.plan import Plan, planned
from sigbench.networks.training.recipe import Recipe
from sigbench.networks.training.threads import limited_threads, thread_count
from sigbench.scoring.metrics import METRICS

READ_S, MAX_UNREAD = 0.5, 50  # how often losses are read, which synchronizes with a GPU
SAVE_S = 30.0  # time between checkpoints


class Diverged(ArithmeticError):
    """The loss is not finite."""


class Stopped(KeyboardInterrupt):
    """A signal such as Ctrl-C; raised after the current step, when the checkpoint is written.

    Parameters
    ----------
    step : str
        The number of finished steps, of how many.
    number : int
        The signal.
    """

    def __init__(self, step: str, number: int) -> None:
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
    steps, every, per_epoch : int
        Number of steps, steps between validations and steps per epoch.
    """

    weights: Arrays
    best: ValidationRow
    log: tuple[ValidationRow, ...]
    samples: int
    steps: int
    every: int
    per_epoch: int

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
    """Return everything that the values of a training depend on, as ``name=value`` words."""
    versions = environment.versions()
    packages = ["sigbench", "numpy", "scipy", *(["torch"] if engine.name == "torch" else [])]
    words = {
        "recipe": digest(identity(recipe)),
        "engine": engine.name,
        "device": engine.device,
        "precision": engine.precision,
        **{name: versions[name] for name in packages},
    }
    return " ".join(f"{name}={value}" for name, value in words.items())


def train(
    recipe: Recipe,
    training: Training,
    engine: TrainingEngine,
    *,
    plan: Plan | None = None,
    limit: float = math.nan,
    checkpoint: Checkpoint | None = None,
    report: Report = no_report,
) -> TrainingResult:
    """Train a network; the same recipe, pairs, engine and number of threads give the same weights.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    training : Training
        Training and validation pairs.
    engine : TrainingEngine
        A new engine, with the initial weights.
    plan : Plan, optional
        The plan of a training that is not resumed; by default that of the recipe's budget.
    limit : float
        Metric of the limit on the validation pairs, for the gap in the log.
    checkpoint : Checkpoint, optional
        Resume from this checkpoint if its file exists, and keep it up to date. A resumed training
        has the plan and the number of threads of the checkpoint.
    report : callable
        ``report(state, loss, row)`` is called about twice a second with the latest loss and
        ``row=None``, and after each validation with the new line of the log.

    Returns
    -------
    TrainingResult

    Raises
    ------
    InputError
        If the network does not accept items of this kind, the checkpoint cannot be used, or the
        time budget is too small.
    Diverged
        If the loss is not finite.
    Stopped
        On Ctrl-C, SIGTERM or SIGHUP, if there is a checkpoint.
    """
    saved_before = checkpoint.load() if checkpoint else None
    if saved_before:
        state = saved_before.state
        engine.load(saved_before.weights, saved_before.optimizer_state)
    else:
        plan = plan or planned(recipe, training, engine.device)
        state = TrainingState(plan.steps, plan.every, thread_count(engine.name))
        if checkpoint and recipe.time is not None:  # a resumed run must have the same steps
            checkpoint.save(state, engine.weights(), engine.optimizer_state())
    batches = Batches(recipe, training)
    validation = _Validation(recipe, training, limit)
    epochs = state.steps / batches.per_epoch
    began = time.perf_counter() - state.seconds
    saved = read = time.perf_counter()
    unread: list[tuple[float, Any]] = []
    defer = deferred() if checkpoint else nullcontext(lambda: 0)
    threads = limited_threads(engine.name, state.threads)
    with threads, defer as stop, np.errstate(over="ignore", invalid="ignore"):
        while state.step < state.steps:
            lr = recipe.optimizer.lr * recipe.schedule(state.step / batches.per_epoch, epochs)
            unread.append((lr, engine.step(*batches(state.step), lr)))
            state.step += 1
            now = time.perf_counter()
            due = state.step % state.every == 0 or state.step == state.steps
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
                    raise Stopped(f"{state.step} of {state.steps}", stop())
    if checkpoint:
        checkpoint.save(state, engine.weights(), engine.optimizer_state())
    best = validation.best(state.log)
    return TrainingResult(
        state.best,
        best,
        tuple(state.log),
        batches.samples(state.steps),
        state.steps,
        state.every,
        batches.per_epoch,
    )


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
