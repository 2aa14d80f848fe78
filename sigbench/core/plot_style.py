"""Colors, width and label placement shared by all figures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# The palette of Okabe and Ito for all types of color vision, without yellow.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
WIDTH = 9.0  # inches


def spread(values: Sequence[float], gap: float) -> list[float]:
    """Move values to a distance of at least ``gap``, keeping their order.

    The sum of squared displacements is minimal (isotonic regression).


    Examples
    --------
    >>> spread([0.0, 5.0, 0.0], 1.0)
    [-0.5, 5.0, 0.5]
    """
    order = np.argsort(values, kind="stable")
    wanted = np.asarray(values, np.float64)[order] - gap * np.arange(len(values))
    blocks: list[list[float]] = []  # of touching values; the mean of a block does not move
    for value in wanted:
        blocks.append([float(value)])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            last = blocks.pop()
            blocks[-1] += last
    level = np.concatenate([np.full(len(block), np.mean(block)) for block in blocks])
    moved = np.empty(len(values))
    moved[order] = level + gap * np.arange(len(values))
    return [float(value) for value in moved]


def inside(places: Sequence[float], gap: float) -> NDArray[np.float64]:
    """Move positions that are ``gap`` apart into 0..1, keeping their order and distance.

    Examples
    --------
    >>> inside([0.75, 1.25, 0.0, 1.0], 0.25).tolist()
    [0.5, 1.0, 0.0, 0.75]
    """
    order = np.argsort(places, kind="stable")
    steps = gap * np.arange(len(places))
    moved = np.empty(len(places))
    moved[order] = np.maximum(np.minimum(np.asarray(places)[order], 1 - steps[::-1]), steps)
    return moved
