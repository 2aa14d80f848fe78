"""Ranks of methods from paired tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigbench.scoring.inference import Floats, holm, paired_difference, paired_p_value


def significantly_better(
    values: Floats, groups: Sequence[Any] | NDArray[Any], *, higher_is_better: bool
) -> NDArray[np.bool_]:
    """Return which methods are significantly better than which, from all paired tests.

    The p-values of all pairs are adjusted together by Holm's method, at 5 %.

    Parameters
    ----------
    values : array, shape (K, n)
        One row per method and one column per item; NaN marks items that a method was not run on.
        Two methods are compared on their common items.
    groups : sequence, length n
        Group of each item.
    higher_is_better : bool
        Direction of the metric.

    Returns
    -------
    array of bool, shape (K, K)
        Entry (a, b) is True if method a is significantly better than method b.

    Examples
    --------
    >>> v = np.random.default_rng(0).normal(size=(2, 50)) + [[0.0], [9.0]]
    >>> significantly_better(v, range(50), higher_is_better=True)
    array([[False, False],
           [ True, False]])
    """
    k = len(values)
    better = np.zeros((k, k), dtype=bool)
    pairs = [(a, b) for a in range(k) for b in range(a + 1, k)]
    if not pairs:
        return better
    groups = np.asarray(groups)
    differences = [paired_difference(values[a], values[b]) for a, b in pairs]
    p_values = []
    for difference in differences:
        common = ~np.isnan(difference)
        p_values.append(paired_p_value(difference[common], groups[common]) if common.any() else 1.0)
    adjusted = holm(np.array(p_values))
    for (a, b), p_value, difference in zip(pairs, adjusted, differences, strict=True):
        if p_value < 0.05:
            a_wins = (np.nanmean(difference) > 0) == higher_is_better
            better[(a, b) if a_wins else (b, a)] = True
    return better


def ranks(
    values: Floats, groups: Sequence[Any] | NDArray[Any], *, higher_is_better: bool
) -> list[tuple[int, int]]:
    """Return (rank_low, rank_high) of every method.

    rank_low is 1 + the number of significantly better methods, and rank_high is K − the number of
    significantly worse methods. The parameters are those of `significantly_better`.

    Examples
    --------
    >>> v = np.random.default_rng(0).normal(size=(3, 50)) + [[0.0], [0.0], [9.0]]
    >>> ranks(v, range(50), higher_is_better=True)
    [(2, 3), (2, 3), (1, 1)]
    """
    better = significantly_better(values, groups, higher_is_better=higher_is_better)
    k = len(values)
    return [(1 + int(better[:, i].sum()), k - int(better[i].sum())) for i in range(k)]
