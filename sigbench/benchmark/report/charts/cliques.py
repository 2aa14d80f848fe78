"""Maximal groups of methods that do not differ significantly."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

MAX_GROUPS = 200


def maximal_groups(
    count: int, differ: Callable[[int, int], bool], most: int = MAX_GROUPS
) -> list[tuple[int, ...]]:
    """Return the maximal sets of at least two elements of which no two differ.

    "Not significantly different" is not transitive, so an element can be in several groups, and a
    group need not contain all elements between its ends.

    Parameters
    ----------
    count : int
        Number of elements.
    differ : callable
        ``differ(i, j)`` for i < j: whether two elements differ.
    most : int
        The number of groups after which the search ends: there can be 3^(count/3).

    References
    ----------
    Bron, Kerbosch, Algorithm 457, Commun. ACM 16 (1973); the pivot is that of Tomita, Tanaka,
    Takahashi, Theor. Comput. Sci. 363 (2006).

    Examples
    --------
    >>> maximal_groups(4, lambda i, j: j - i > 1)
    [(0, 1), (1, 2), (2, 3)]
    """
    neighbors: list[set[int]] = [set() for _ in range(count)]
    for i, j in itertools.combinations(range(count), 2):
        if not differ(i, j):
            neighbors[i].add(j)
            neighbors[j].add(i)
    found = _cliques(neighbors, (), set(range(count)), set())
    large = (tuple(sorted(clique)) for clique in found if len(clique) > 1)
    return sorted(itertools.islice(large, most))


def _cliques(
    neighbors: list[set[int]], chosen: tuple[int, ...], candidates: set[int], seen: set[int]
) -> Iterator[tuple[int, ...]]:
    if not candidates and not seen:
        yield chosen
        return
    pivot = max(sorted(candidates | seen), key=lambda i: len(neighbors[i] & candidates))
    for i in sorted(candidates - neighbors[pivot]):
        near = neighbors[i]
        yield from _cliques(neighbors, (*chosen, i), candidates & near, seen & near)
        candidates = candidates - {i}
        seen = seen | {i}
