"""Padding by reflection to sizes that a network accepts, and its adjoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from sigbench.core.protocols import Array

Mode = Literal["symmetric", "reflect"]  # as in numpy.pad: the border sample appears twice or once


def padded_lengths(space: Sequence[int], multiple: int, *, least: int = 1) -> list[int]:
    """Return each length rounded up to a multiple of ``multiple``, at least ``least``.

    Examples
    --------
    >>> padded_lengths([5, 8], 4)
    [8, 8]
    """
    return [max(least, -(-n // multiple) * multiple) for n in space]


def padded(x: Array, lengths: Sequence[int], mode: Mode) -> Array:
    """Pad a batch by reflection at the end of each space axis, to the given lengths.

    Examples
    --------
    >>> padded(np.array([[[1.0, 2.0, 3.0]]]), [5], "symmetric")
    array([[[1., 2., 3., 3., 2.]]])
    """
    widths = [(0, n - m) for n, m in zip(lengths, x.shape[2:], strict=True)]
    if not any(width for _, width in widths):
        return x
    return np.pad(x, [(0, 0), (0, 0), *widths], mode=mode)


def folded(g: Array, lengths: Sequence[int], mode: Mode) -> Array:
    """Apply the adjoint of `padded`: add padded samples to the samples that they are copies of.

    Examples
    --------
    >>> folded(np.array([[[1.0, 2.0, 3.0, 10.0, 20.0]]]), [3], "symmetric")
    array([[[ 1., 22., 13.]]])
    """
    for axis, n in enumerate(lengths, 2):
        if g.shape[axis] > n:
            origin = np.pad(np.arange(n), (0, g.shape[axis] - n), mode=mode)
            sums = np.zeros((n, *np.delete(g.shape, axis)), g.dtype)
            np.add.at(sums, origin, np.moveaxis(g, axis, 0))
            g = np.moveaxis(sums, 0, axis)
    return g
