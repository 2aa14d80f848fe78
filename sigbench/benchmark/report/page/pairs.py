"""The data with which the page compares two methods item by item."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from sigbench.benchmark.report.page.packing import packed
from sigbench.config.registry import lookup
from sigbench.scoring.aggregate import compare_all, compare_pair
from sigbench.scoring.inference import LEVEL, MIN_GROUPS, PairedTest
from sigbench.scoring.leaderboard import ranked_methods
from sigbench.scoring.metrics import METRICS
from sigbench.scoring.scores import Scores

MAX_ITEMS = 1000  # of a problem, of which the values are in the page


def comparison_data(scores: Scores, methods: list[str], max_values: int) -> dict[str, Any]:
    """Return the values of the items and the tests of all pairs of methods.

    Parameters
    ----------
    scores : Scores
        The values of one problem and metric.
    methods : list of str
        The methods that can be compared, in their order.
    max_values : int
        How many values may be in the page, over all methods.

    Returns
    -------
    dict
        The values of these methods, one method after the other, as `packed`. ``tests`` has, for
        every pair of them, the mean difference, its interval, the p-value adjusted for all pairs
        of ranked methods (None if a method has no rank), and whether it is a sign test. ``all``
        is the number of all methods.
    """
    metric = lookup("metric", METRICS, scores.metric)
    place = [scores.methods.index(method) for method in methods]
    chosen = sampled(scores.values.shape[1], min(MAX_ITEMS, max_values // len(methods)))
    values = scores.values[place][:, chosen]
    ranked = ranked_methods(scores)
    found = compare_all(metric, scores.values[ranked], scores.groups)
    tests = []
    for a, b in itertools.combinations(range(len(methods)), 2):
        i, j = place[a], place[b]
        if i in ranked and j in ranked:
            first, second = sorted((ranked.index(i), ranked.index(j)))
            sign = 1 if ranked.index(i) < ranked.index(j) else -1
            pair = found.tests[first, second], found.adjusted[first, second]
            tests.append(_numbers(*pair, sign))
        else:
            test = compare_pair(metric, scores.values[i], scores.values[j], scores.groups)
            tests.append(_numbers(test, math.nan, 1))
    return {
        "metric": scores.metric,
        "unit": metric.unit,
        "higher": metric.higher_is_better,
        "methods": methods,
        "all": len(scores.methods),
        "items": scores.values.shape[1],
        "seed": scores.seeds[chosen].tolist(),
        "item": scores.items[chosen].tolist(),
        **packed(values),
        "ranked": len(ranked),
        "tests": tests,
        "first": _first_two(methods, [scores.methods[i] for i in ranked]),
        "enough": len(np.unique(scores.groups)) >= MIN_GROUPS,
    }


def most_compared(pairs: int) -> int:
    """Return the number of methods that have at most so many pairs, and at least two.

    Examples
    --------
    >>> most_compared(3), most_compared(5), most_compared(6), most_compared(0)
    (3, 3, 4, 2)
    """
    return max(2, (1 + math.isqrt(1 + 8 * pairs)) // 2)


def sampled(count: int, most: int) -> list[int]:
    """Return the indices of at most ``most`` of ``count`` items, evenly spaced.

    Examples
    --------
    >>> sampled(5, 9), sampled(10, 4)
    ([0, 1, 2, 3, 4], [0, 2, 5, 7])
    """
    if count <= most:
        return list(range(count))
    return [i * count // most for i in range(most)]


def _first_two(methods: list[str], ranked: list[str]) -> list[int]:
    """Return the indices of the methods to compare first: the best two that have a rank."""
    own = [i for i, method in enumerate(methods) if method in ranked]
    return own[:2] if len(own) > 1 else [0, 1]


def _numbers(test: PairedTest, adjusted: float, sign: int) -> list[Any]:
    d = test.difference
    low, high = sorted((sign * d.low, sign * d.high))
    ends = [_rounded(number) for number in (sign * d.mean, low, high)]
    return [*ends, shown_p(adjusted), int(test.test == "sign")]


def shown_p(adjusted: float) -> float | None:
    """Return a p-value with three digits, or all if these would change whether it is significant.

    Examples
    --------
    >>> shown_p(0.012345), shown_p(0.04998), shown_p(math.nan)
    (0.0123, 0.04998, None)
    """
    if math.isnan(adjusted):
        return None
    rounded = float(f"{adjusted:.3g}")
    return rounded if (rounded < LEVEL) == (adjusted < LEVEL) else float(adjusted)


def _rounded(number: float) -> float | str | None:
    """Return a number with six digits; an infinite one as text, and NaN as None."""
    if math.isnan(number):
        return None
    return float(f"{number:.6g}") if math.isfinite(number) else str(number)
