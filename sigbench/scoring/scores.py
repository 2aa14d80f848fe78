"""All values of one problem and metric, as tables, comparisons and floors need them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sigbench.config.registry import lookup
from sigbench.scoring.metrics import METRICS


@dataclass(frozen=True)
class Summary:
    """Seeds, the items of each, groups in all, and the means by (method, seed); NaN: not run."""

    dataset: str
    degradation: str
    seeds: tuple[int, ...]
    items: tuple[int, ...]
    groups: int
    means: Mapping[tuple[str, int], float]

    @property
    def independent(self) -> bool:
        """Whether every item stands alone."""
        return self.groups == sum(self.items)


@dataclass(frozen=True)
class Scores:
    """Values by method and item.

    Attributes
    ----------
    suite, problem, dataset, degradation, metric : str
        What they are values of.
    methods, params, knowledge : tuple of str, length K
        The methods, what they were set or tuned to, what they knew.
    seeds, items, groups : array, shape (n,)
        Seed, index and group of each item; groups are numbered.
    values : array, shape (K, n), float64
        NaN where a method has not seen an item.
    """

    suite: str
    problem: str
    dataset: str
    degradation: str
    metric: str
    methods: tuple[str, ...]
    params: tuple[str, ...]
    knowledge: tuple[str, ...]
    seeds: NDArray[np.int64]
    items: NDArray[np.int64]
    groups: NDArray[np.int64]
    values: NDArray[np.float64]

    def of(self, method: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return a method's values and their groups."""
        values = self.values[self.methods.index(method)]
        seen = ~np.isnan(values)
        return values[seen], self.groups[seen]

    def summary(self) -> Summary:
        """Return what a report says of them all."""
        metric = lookup("metric", METRICS, self.metric)
        seeds, counts = np.unique(self.seeds, return_counts=True)
        by_seed = {
            (method, int(seed)): metric.mean(row[self.seeds == seed])
            for method, row in zip(self.methods, self.values, strict=True)
            for seed in seeds
        }
        return Summary(
            self.dataset,
            self.degradation,
            tuple(int(seed) for seed in seeds),
            tuple(int(count) for count in counts),
            len(np.unique(self.groups)),
            by_seed,
        )
