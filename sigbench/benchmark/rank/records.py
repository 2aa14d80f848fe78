"""The records of a ranking: methods and pairs, within datasets and over datasets."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sigbench.benchmark.rank.over_datasets import Friedman
from sigbench.benchmark.rank.read import ScoreTable
from sigbench.scoring.inference import Floats, Mean, PairedTest


@dataclass(frozen=True)
class MethodRanks:
    """A method on one dataset: its mean with its 95 % interval, and its tied ranks."""

    method: str
    mean: Mean
    rank_low: int
    rank_high: int


@dataclass(frozen=True)
class ItemPair:
    """Two methods on one dataset: the paired test over groups of items.

    Attributes
    ----------
    a, b : str
        The methods; a is listed before b.
    test : PairedTest
        The difference a − b, its interval and its p-value, of this pair alone.
    adjusted : float
        The p-value with Holm's correction over all pairs of the dataset.
    better : str
        The significantly better method after the correction, or empty.
    """

    a: str
    b: str
    test: PairedTest
    adjusted: float
    better: str


@dataclass(frozen=True)
class DatasetRanks:
    """The ranks on one dataset; the methods and pairs are ordered by the mean, the best first."""

    name: str
    items: int
    groups: int
    methods: tuple[MethodRanks, ...]
    pairs: tuple[ItemPair, ...]
    cautions: tuple[str, ...]


@dataclass(frozen=True)
class OverallMethod:
    """A method over all datasets.

    Attributes
    ----------
    method : str
        The method.
    average_rank : float
        The mean of its ranks on the datasets; 1 is the best.
    best_on : int
        On how many datasets no method has a better score.
    rank_low, rank_high : int
        Its tied ranks.
    """

    method: str
    average_rank: float
    best_on: int
    rank_low: int
    rank_high: int


@dataclass(frozen=True)
class DatasetsPair:
    """Two methods over datasets: the Wilcoxon signed-rank test.

    Attributes
    ----------
    a, b : str
        The methods; a is listed before b.
    wins, losses, ties : int
        On how many datasets a has the better, the worse and the same score.
    p_value, adjusted : float
        The p-value, alone and with Holm's correction over all pairs.
    better : str
        The significantly better method after the correction, or empty.
    """

    a: str
    b: str
    wins: int
    losses: int
    ties: int
    p_value: float
    adjusted: float
    better: str


@dataclass(frozen=True)
class OverallRanks:
    """The ranks over datasets; the methods and pairs are ordered by the average rank.

    Attributes
    ----------
    datasets : tuple of str
        The datasets that all methods have.
    scores : array, shape (datasets, methods)
        The mean score of each method on each dataset, in the order of ``methods``.
    methods : tuple of OverallMethod
        The methods.
    pairs : tuple of DatasetsPair
        All pairs of methods.
    friedman : Friedman or None
        The test whether any methods differ; None for two methods.
    cautions : tuple of str
        What limits the result.
    """

    datasets: tuple[str, ...]
    scores: Floats
    methods: tuple[OverallMethod, ...]
    pairs: tuple[DatasetsPair, ...]
    friedman: Friedman | None
    cautions: tuple[str, ...]


@dataclass(frozen=True)
class Ranking:
    """All ranks of a table.

    Attributes
    ----------
    table : ScoreTable
        The scores.
    overall : OverallRanks or None
        The ranks over datasets; None for one dataset.
    datasets : tuple of DatasetRanks
        The ranks on each dataset that has several items of at least two methods.
    """

    table: ScoreTable
    overall: OverallRanks | None
    datasets: tuple[DatasetRanks, ...]


def told_apart(methods: Sequence[str], pairs: Iterable[ItemPair | DatasetsPair]) -> tuple[int, int]:
    """Return how many neighbors on a list differ significantly, and how many neighbors there are.

    Parameters
    ----------
    methods : sequence of str
        The methods in the order of the list.
    pairs : iterable of ItemPair or DatasetsPair
        The tests of all pairs.
    """
    neighbors = set(itertools.pairwise(methods))
    found = [bool(pair.better) for pair in pairs if (pair.a, pair.b) in neighbors]
    return sum(found), len(found)
