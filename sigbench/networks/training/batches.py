"""Training batches, a pure function of seed and step."""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Pairs, Training
from sigbench.core.rng import item_rng
from sigbench.networks.training.recipe import Recipe


class Batches:
    """The batch of each training step.

    Fixed pairs are used once per epoch, shuffled anew for each epoch; the last batch of an epoch
    may be smaller. Fresh pairs are drawn for each step.

    Parameters
    ----------
    recipe : Recipe
        Determines batch size, pairs, target and seed.
    training : Training
        Source of the pairs; if it has fewer than the recipe asks for, all are used.

    Attributes
    ----------
    pairs : int or None
        Number of fixed pairs; None if they are fresh.
    per_epoch : int
        Steps per epoch.
    """

    def __init__(self, recipe: Recipe, training: Training) -> None:
        self._recipe, self._draw = recipe, training.draw
        self._fixed = None if recipe.pairs is None else _fixed(recipe, recipe.pairs, training)
        self.pairs = None if self._fixed is None else len(self._fixed.noisy)
        self.per_epoch = math.ceil((self.pairs or recipe.epoch) / recipe.batch)
        self._order = functools.lru_cache(maxsize=1)(self._new_order)

    def __call__(self, step: int) -> tuple[Array, Array]:
        """Return noisy items and targets of a step; steps are counted from 0."""
        recipe = self._recipe
        if self._fixed is None:
            rng = item_rng(step, "draw", recipe.seed)
            fresh = self._draw(recipe.batch, rng, target=recipe.target)
            return fresh.noisy, fresh.target
        epoch, number = divmod(step, self.per_epoch)
        chosen = self._order(epoch)[number * recipe.batch : (number + 1) * recipe.batch]
        return self._fixed.noisy[chosen], self._fixed.target[chosen]

    def samples(self, step: int) -> int:
        """Return the number of pairs used in the first ``step`` steps."""
        if self.pairs is None:
            return step * self._recipe.batch
        epochs, rest = divmod(step, self.per_epoch)
        return epochs * self.pairs + rest * self._recipe.batch

    def _new_order(self, epoch: int) -> NDArray[np.intp]:
        assert self.pairs is not None
        return item_rng(epoch, "order", self._recipe.seed).permutation(self.pairs)


def _fixed(recipe: Recipe, count: int, training: Training) -> Pairs:
    """Return the first ``count`` pairs; for noisy targets, draw that many pairs once."""
    pairs = training.pairs
    count = min(count, len(pairs.noisy))
    if count < 1:
        raise InputError("there are no pairs to train on")
    if recipe.target == "noisy":
        rng = item_rng(0, "pairs", recipe.seed)
        return training.draw(count, rng, target="noisy")
    return Pairs(pairs.noisy[:count], pairs.target[:count])
