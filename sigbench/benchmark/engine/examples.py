"""Examples: the first items of a problem, kept with their estimates to be shown and played."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from sigbench.core.protocols import Array, Block, Domain
from sigbench.scoring.metrics import Values

MAX_SAMPLES = 2**20  # larger items are not kept


class Limit(NamedTuple):
    """How much may be kept: a number of items, and of samples in all of them."""

    items: int
    samples: int


LIMITS: dict[Domain, Limit] = {
    "image": Limit(4, 2**22),
    "signal": Limit(4, 2**16),
    "system": Limit(4, 2**16),
    "speech": Limit(2, 2**18),
}
"""What is kept of a problem."""


class Example(NamedTuple):
    """An item with an estimate, float32 arrays ``(C, *space)``, and its value of each metric.

    ``noisy`` is what the method is given: for system identification the input and the output of
    the system, two channels.
    """

    item: int
    noisy: Array
    clean: Array
    estimate: Array
    values: Mapping[str, float]


def first_examples(
    block: Block, estimate: Array, values: Mapping[str, Values], limit: Limit
) -> list[Example]:
    """Return the first items of a block, unless they are too large to keep.

    Parameters
    ----------
    block : Block
        Items of equal size.
    estimate : array, shape (N, C, *space)
        Their estimates.
    values : mapping of str to array, shape (N,)
        Their values by metric.
    limit : Limit
        How much may be kept.

    Examples
    --------
    >>> y = np.zeros((3, 1, 8))
    >>> block = Block(np.arange(3), ("a", "b", "c"), y, y, None)
    >>> [one.item for one in first_examples(block, y, {"rmse": np.zeros(3)}, Limit(4, 16))]
    [0, 1]
    """
    size = max(block.clean[0].size, block.noisy[0].size)
    count = min(limit.items, limit.samples // size) if size <= MAX_SAMPLES else 0
    with np.errstate(over="ignore"):  # values beyond float32 become infinite
        noisy, clean, estimate = (
            array[:count].astype(np.float32) for array in (block.noisy, block.clean, estimate)
        )
    return [
        Example(
            int(block.items[i]),
            noisy[i],
            clean[i],
            estimate[i],
            {name: float(one[i]) for name, one in values.items()},
        )
        for i in range(len(clean))
    ]


def remaining(limit: Limit, kept: list[Example]) -> Limit:
    """Return what may still be kept after some examples.

    Examples
    --------
    >>> y = np.zeros((1, 8))
    >>> remaining(Limit(4, 20), [Example(0, y, y, y, {})])
    Limit(items=3, samples=12)
    """
    samples = sum(max(one.clean.size, one.noisy.size) for one in kept)
    return Limit(limit.items - len(kept), limit.samples - samples)
