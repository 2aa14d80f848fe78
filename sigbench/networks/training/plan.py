"""The plan of a training: its number of steps, and how often it validates.

A time budget is turned into a plan before the first step, and the plan is never changed: the card
records it, and steps repeat the training exactly. The time includes everything from the start of
the command: the data, the measurement, validations, the results of the best weights and the files.

The time of a step is the mean over at least `MIN_PROBE` steps of a second network, after
`WARM_UP` slower ones. Validations take at most `VALIDATION_SHARE` of the time that is left: if they
are slow, there are fewer. A machine that becomes slower after the measurement exceeds the budget.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

from sigbench.core.durations import duration
from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Training
from sigbench.networks.models.base import Network
from sigbench.networks.training.batches import Batches
from sigbench.networks.training.engines import open_engine
from sigbench.networks.training.recipe import Recipe

VALIDATIONS = 40  # number of validations if they are not at the ends of epochs
MIN_EPOCHS, MAX_VALIDATIONS = 20, 50  # limits for validations at the ends of epochs
VALIDATION_SHARE = 0.2  # largest share of a time budget for validations
MIN_STEPS = 100  # a time budget for fewer steps is refused
SHORT = 0.1  # a smaller share of the recipe's own steps is called short
WARM_UP, MIN_PROBE = 2, 5  # steps before, and least number of steps of a measurement
PROBE_SHARE, MAX_PROBE_S = 0.1, 5.0  # limits of the time of a measurement
END_SHARE, END_S, END_VALIDATIONS = 0.05, 1.5, 10  # time that is kept for the end of a training


@dataclass(frozen=True)
class Plan:
    """The plan of a training.

    Attributes
    ----------
    steps : int
        Number of steps.
    every : int
        Steps between validations; the last step is always followed by one.
    per_epoch : int
        Steps per epoch.
    """

    steps: int
    every: int
    per_epoch: int


@dataclass(frozen=True)
class Speed:
    """The measured seconds of a step and of a validation."""

    step: float
    validation: float


def planned(recipe: Recipe, training: Training, device: Any, *, spent: float = 0.0) -> Plan:
    """Return the plan of a training.

    Parameters
    ----------
    recipe : Recipe
        The recipe with its budget.
    training : Training
        Training and validation pairs.
    device : {"cpu", "cuda"}
        The device of the torch engine.
    spent : float
        Seconds of a time budget that have passed already.

    Returns
    -------
    Plan

    Raises
    ------
    InputError
        If the network does not accept items of this kind, or a time budget is too small for a
        useful training.
    """
    _check_fits(recipe.network, training.validation.noisy)
    batches = Batches(recipe, training)
    if recipe.time is None:
        steps = recipe.steps or (recipe.epochs or 0) * batches.per_epoch
        every = recipe.validate_every or interval(steps, batches)
        return Plan(steps, every, batches.per_epoch)
    began = time.perf_counter()
    speed = measured(recipe, batches, training.validation.noisy, device)
    steps, validations = within(recipe, speed, spent + time.perf_counter() - began)
    every = math.ceil(steps / validations)
    if batches.pairs is not None and steps >= MIN_EPOCHS * batches.per_epoch:
        every = batches.per_epoch * math.ceil(every / batches.per_epoch)
    return Plan(steps, max(every, recipe.validate_every or 1), batches.per_epoch)


def interval(steps: int, batches: Batches) -> int:
    """Return the number of steps between validations, unless a recipe or a time budget sets it.

    With fixed pairs and at least 20 epochs, validation is at the ends of epochs, at most 50 times;
    otherwise there are 40 validations.
    """
    epochs = steps // batches.per_epoch
    if batches.pairs is not None and epochs >= MIN_EPOCHS:
        return batches.per_epoch * math.ceil(epochs / MAX_VALIDATIONS)
    return math.ceil(steps / VALIDATIONS)


def within(recipe: Recipe, speed: Speed, spent: float) -> tuple[int, int]:
    """Return the numbers of steps and validations that fit into the rest of a time budget.

    Parameters
    ----------
    recipe : Recipe
        A recipe with a time budget.
    speed : Speed
        The measured times.
    spent : float
        Seconds that have passed already.

    Raises
    ------
    InputError
        If fewer than `MIN_STEPS` steps fit (or all of the recipe's own steps, if they are fewer),
        or not even one validation.
    """
    assert recipe.time is not None
    end = END_S + END_VALIDATIONS * speed.validation
    left = recipe.time - spent - max(END_SHARE * recipe.time, end)
    most = math.floor(VALIDATION_SHARE * left / speed.validation)
    validations = max(0, min(VALIDATIONS, most))
    steps = max(0, math.floor((left - validations * speed.validation) / speed.step))
    least = min(MIN_STEPS, recipe.own_steps or MIN_STEPS)
    if steps >= least and validations:
        return steps, validations
    needed = max(least * speed.step / (1 - VALIDATION_SHARE), speed.validation / VALIDATION_SHARE)
    enough = max((spent + needed) / (1 - END_SHARE), spent + needed + end)
    raise InputError(
        f"a budget of {duration(recipe.time)} is too small for {recipe.name}: after "
        f"{duration(spent)} for the start and with {duration(end)} for the end, {steps} steps of "
        f"{speed.step:.2g} s and {validations} validations of {speed.validation:.2g} s fit, but at "
        f"least {least} steps and 1 validation are needed: use --budget {math.ceil(1.2 * enough)}s"
    )


def caution(recipe: Recipe, steps: int, per_epoch: int) -> str | None:
    """Return a text if a time budget of so many steps is short, otherwise None.

    Examples
    --------
    >>> from sigbench.networks.training.recipe import load_recipe
    >>> caution(load_recipe("shrinknet").within("20s"), 300, per_epoch=8)
    "the budget of 20 s is short: 300 steps, 5 % of the recipe's 6,000"
    """
    if recipe.time is None:
        return None
    start = f"the budget of {duration(recipe.time)} is short: {steps:,} steps"
    if recipe.own_steps is not None and steps < SHORT * recipe.own_steps:
        percent = 100 * steps / recipe.own_steps
        return f"{start}, {percent:.2g} % of the recipe's {recipe.own_steps:,}"
    if recipe.pairs is not None and steps < per_epoch:
        return f"{start}, less than an epoch of {per_epoch:,}, so that some pairs are not used"
    return None


def measured(recipe: Recipe, batches: Batches, noisy: Array, device: Any) -> Speed:
    """Measure the times of a step and of a validation with a second engine."""
    probe = open_engine(recipe, device)
    for step in range(WARM_UP):  # the first calls are slower
        float(probe.step(*batches(step), 0.0))
        start = time.perf_counter()
        probe.denoise(noisy)
        validation = time.perf_counter() - start
    assert recipe.time is not None
    enough = min(MAX_PROBE_S, PROBE_SHARE * recipe.time)
    steps, start = 0, time.perf_counter()
    while steps < MIN_PROBE or time.perf_counter() - start < enough:
        float(probe.step(*batches(WARM_UP + steps), 0.0))
        steps += 1
    return Speed((time.perf_counter() - start) / steps, validation)


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
