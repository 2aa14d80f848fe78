"""Per-item values of one problem and metric, for all methods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sigbench.config.registry import lookup
from sigbench.scoring.metrics import METRICS


@dataclass(frozen=True)
class MissingValues:
    """Values of a method that could not be computed.

    Attributes
    ----------
    computed : int
        The number of items whose value could be computed.
    reasons : mapping of str to int
        The number of the other items for every reason.

    Examples
    --------
    >>> MissingValues(12, {"the estimate is silent": 12}).text
    'computed for 12 of 24 items: the estimate is silent (12)'
    """

    computed: int
    reasons: Mapping[str, int]

    @property
    def items(self) -> int:
        """The number of all items."""
        return self.computed + sum(self.reasons.values())

    @property
    def text(self) -> str:
        """How many values could be computed, and why others could not."""
        reasons = ", ".join(f"{reason} ({count:,})" for reason, count in self.reasons.items())
        return f"computed for {self.computed:,} of {self.items:,} items: {reasons}"


@dataclass(frozen=True)
class Summary:
    """A summary of `Scores` for reports.

    Attributes
    ----------
    dataset, degradation : str
        The data of the problem.
    seeds, items : tuple of int
        The seeds, and the number of items of each seed.
    groups : int
        Number of groups over all seeds.
    means : mapping of (str, int) to float
        The metric's mean by (method, seed); NaN if a method has no value for an item of the seed.
    missing : mapping of str to MissingValues
        The methods with values that could not be computed.
    """

    dataset: str
    degradation: str
    seeds: tuple[int, ...]
    items: tuple[int, ...]
    groups: int
    means: Mapping[tuple[str, int], float]
    missing: Mapping[str, MissingValues] = field(default_factory=dict)

    @property
    def independent(self) -> bool:
        """Whether every item is its own group."""
        return self.groups == sum(self.items)


@dataclass(frozen=True)
class Scores:
    """Per-item values of one metric on one problem.

    Attributes
    ----------
    suite, problem, dataset, degradation, metric : str
        Names, as in the columns of the results.
    methods, params, knowledge : tuple of str, length K
        Name, settings and knowledge of each method.
    seeds, items, groups : array, shape (n,)
        Seed, index and group number of each item.
    values : array, shape (K, n), float64
        One row per method; NaN marks items that a method was not run on, or whose value could not
        be computed.
    missing : mapping of str to MissingValues
        The methods with values that could not be computed.
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
    missing: Mapping[str, MissingValues] = field(default_factory=dict)

    def of(self, method: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the values of a method and the groups of their items, without NaN."""
        values = self.values[self.methods.index(method)]
        present = ~np.isnan(values)
        return values[present], self.groups[present]

    def summary(self) -> Summary:
        """Return the summary for reports."""
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
            self.missing,
        )
