"""Ranks of methods from all paired tests, adjusted together."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from sigbench.scoring.inference import LEVEL, Floats, Groups, PairedTest, holm, paired_test


@dataclass(frozen=True)
class PairTests:
    """The tests of all pairs of methods, for one problem and metric.

    Attributes
    ----------
    tests : mapping of (int, int) to PairedTest
        The test of every pair of rows (a, b) with a < b.
    adjusted : mapping of (int, int) to float
        Its p-value, adjusted for all pairs by Holm's method.
    higher_is_better : bool
        Direction of the metric.
    """

    tests: Mapping[tuple[int, int], PairedTest]
    adjusted: Mapping[tuple[int, int], float]
    higher_is_better: bool

    def better(self, a: int, b: int) -> bool:
        """Return whether method a is significantly better than method b, at 5 % after Holm."""
        pair = (min(a, b), max(a, b))
        if a == b or not self.adjusted[pair] < LEVEL:
            return False
        return ((self.tests[pair].difference.mean > 0) == self.higher_is_better) == (a < b)

    def ranks(self, k: int) -> list[tuple[int, int]]:
        """Return (rank_low, rank_high) of each of the k methods.

        rank_low is 1 + the number of significantly better methods, and rank_high is k − the number
        of significantly worse methods.
        """
        return [
            (
                1 + sum(self.better(other, own) for other in range(k)),
                k - sum(self.better(own, other) for other in range(k)),
            )
            for own in range(k)
        ]


def pair_tests(
    values: Floats,
    groups: Groups,
    *,
    higher_is_better: bool,
    difference: Callable[[Floats, Floats], Floats] | None = None,
) -> PairTests:
    """Test all pairs of methods.

    Parameters
    ----------
    values : array, shape (K, n)
        One row per method and one column per item; NaN marks items that a method was not run on.
        Two methods are compared on their common items.
    groups : sequence, length n
        Group of each item.
    higher_is_better : bool
        Direction of the metric.
    difference : callable, optional
        Returns the differences of the values of common items; see `paired_test`.

    Examples
    --------
    >>> v = np.random.default_rng(0).normal(size=(3, 50)) + [[0.0], [9.0], [9.0]]
    >>> found = pair_tests(v, range(50), higher_is_better=True)
    >>> found.better(1, 0), found.better(0, 1), found.better(1, 2)
    (True, False, False)
    """
    groups = np.asarray(groups)
    pairs = list(itertools.combinations(range(len(values)), 2))
    tests = [
        paired_test(
            values[a],
            values[b],
            groups,
            higher_is_better=higher_is_better,
            difference=difference,
        )
        for a, b in pairs
    ]
    adjusted = holm(np.array([test.p_value for test in tests]))
    return PairTests(
        dict(zip(pairs, tests, strict=True)),
        dict(zip(pairs, adjusted.tolist(), strict=True)),
        higher_is_better,
    )


def ranks(values: Floats, groups: Groups, *, higher_is_better: bool) -> list[tuple[int, int]]:
    """Return (rank_low, rank_high) of every method; the parameters are those of `pair_tests`.

    Examples
    --------
    >>> v = np.random.default_rng(0).normal(size=(3, 50)) + [[0.0], [0.0], [9.0]]
    >>> ranks(v, range(50), higher_is_better=True)
    [(2, 3), (2, 3), (1, 1)]
    """
    return pair_tests(values, groups, higher_is_better=higher_is_better).ranks(len(values))
