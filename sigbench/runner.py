"""The runner: cells in, per-item values out. It gets objects and knows no table and no file."""

from __future__ import annotations

import dataclasses
import sys
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from sigbench.methods import Method, bind_facts, describe
from sigbench.metrics import Metric, Values
from sigbench.problems import Problem
from sigbench.rng import item_rng
from sigbench.types import Array, Block, Denoiser, Learner, Oracle

TRAINING_SEED = 0  # training has a seed of its own, never that of the data


@dataclass(frozen=True)
class Cell:
    """One problem, seed and method; ``key`` covers all that can change its values."""

    problem: Problem
    seed: int
    method: Method
    key: str


@dataclass(frozen=True)
class Result:
    """A finished cell: one value per metric and item, and what it cost.

    ``time_s`` is the time of the calls alone, for all items together, on one thread.
    """

    cell: Cell
    params: str
    knowledge: str
    items: np.ndarray
    groups: tuple[str, ...]
    values: Mapping[str, Values]
    time_s: float
    n_params: int
    contended: bool = False
    device: str = "cpu"
    peak_rss_mb: float = float("nan")


@dataclass(frozen=True)
class Failure:
    """A cell that raised, with its error in one line and the traceback."""

    cell: Cell
    error: str
    trace: str


class BadEstimate(Exception):
    """A method broke the protocol: wrong shape, dtype, not finite, or it changed its input."""


def run(
    cells: Iterable[Cell], metrics: Mapping[str, Metric], block: int
) -> Iterator[Result | Failure]:
    """Run cells one after the other.

    Data of one (problem, seed) are made once for the cells that follow each other on it; a
    learner is fitted once per problem.

    Parameters
    ----------
    cells : iterable of Cell
        What to run, best grouped by problem and seed.
    metrics : mapping of str to Metric
        What to score.
    block : int
        Items a call.

    Yields
    ------
    Result or Failure
        In the order of the cells.
    """
    data = _Data(block)
    fits = _Fits()
    with threadpool_limits(1):
        for cell in cells:
            try:
                yield _run_cell(cell, metrics, data, fits)
            except (Exception, SystemExit) as error:
                line = " ".join(f"{type(error).__name__}: {error}".split())
                yield Failure(cell, line, traceback.format_exc())


def _run_cell(cell: Cell, metrics: Mapping[str, Metric], data: _Data, fits: _Fits) -> Result:
    problem, method = cell.problem, cell.method
    entry = fits.ready(problem, method)
    blocks = data.blocks(problem, cell.seed)
    scores: dict[str, list[Values]] = {name: [] for name in metrics}
    items: list[np.ndarray] = []
    groups: list[str] = []
    time_s = 0.0
    for number, block in enumerate(blocks):
        if number == 0:
            _call(problem, entry, _first_item(block), method.told)  # warm-up
        estimate, seconds = _call(problem, entry, block, method.told)
        time_s += seconds
        for name, metric in metrics.items():
            scores[name].append(problem.score(metric, block, estimate))
        items.append(block.items)
        groups.extend(block.groups)
    return Result(
        cell,
        describe(entry),
        method.knowledge(problem.sigma_known),
        np.concatenate(items),
        tuple(groups),
        {name: np.concatenate(parts) for name, parts in scores.items()},
        time_s,
        int(getattr(entry, "n_params", 0)),
        peak_rss_mb=_peak_rss_mb(),
    )


def _call(problem: Problem, entry: Any, block: Block, told: bool) -> tuple[Array, float]:
    """Return the checked estimate and the seconds that the call took."""
    denoiser: Denoiser = entry.bind(block.clean.copy()) if isinstance(entry, Oracle) else entry
    sigma = None if block.sigma is None else block.sigma.copy()
    shown = dataclasses.replace(block, noisy=block.noisy.copy(), sigma=sigma)
    start = time.perf_counter()
    estimate = problem.apply(denoiser, shown, told=told)
    seconds = time.perf_counter() - start
    same_sigma = sigma is None or bool((sigma == block.sigma).all())
    if not (same_sigma and np.array_equal(shown.noisy, block.noisy)):
        raise BadEstimate("the method changed its input")
    if not isinstance(estimate, np.ndarray):
        raise BadEstimate(f"the estimate is a {type(estimate).__name__}, not a NumPy array")
    if estimate.shape != block.clean.shape:
        raise BadEstimate(f"the estimate has shape {estimate.shape}, not {block.clean.shape}")
    if estimate.dtype != block.noisy.dtype:
        raise BadEstimate(f"the estimate has dtype {estimate.dtype}, not {block.noisy.dtype}")
    if not np.isfinite(estimate).all():
        bad = np.argwhere(~np.isfinite(estimate))[0]
        raise BadEstimate(
            f"the estimate holds {estimate[tuple(bad)]} in item {block.items[bad[0]]}"
        )
    return estimate, seconds


def _first_item(block: Block) -> Block:
    sigma = None if block.sigma is None else block.sigma[:1]
    return Block(block.items[:1], block.groups[:1], block.clean[:1], block.noisy[:1], sigma)


class _Data:
    """The blocks of the latest (problem, seed), kept while they are small."""

    limit_bytes = 256 * 2**20

    def __init__(self, size: int) -> None:
        self.size = size
        self.of: tuple[Problem, int] | None = None
        self.kept: Sequence[Block] = ()

    def blocks(self, problem: Problem, seed: int) -> Iterable[Block]:
        if self.of == (problem, seed):
            return self.kept
        return self._made(problem, seed)

    def _made(self, problem: Problem, seed: int) -> Iterator[Block]:
        kept: list[Block] = []
        total = 0
        self.of = None
        for block in problem.blocks(seed, self.size):
            total += block.clean.nbytes + block.noisy.nbytes
            if total <= self.limit_bytes:
                kept.append(block)
            else:
                kept.clear()
            yield block
        if total <= self.limit_bytes:
            self.of, self.kept = (problem, seed), kept


class _Fits:
    """Methods ready to run, learners fitted: once per (problem, method), never per seed."""

    def __init__(self) -> None:
        self.done: dict[tuple[str, str], Any] = {}

    def ready(self, problem: Problem, method: Method) -> Any:
        key = (problem.name, method.name)
        if key not in self.done:
            try:
                self.done[key] = self._fit(problem, method)
            except (Exception, SystemExit) as error:
                self.done[key] = error
        if isinstance(self.done[key], BaseException):
            raise self.done[key]
        return self.done[key]

    def _fit(self, problem: Problem, method: Method) -> Any:
        entry = bind_facts(method.entry, problem.facts)
        if isinstance(entry, Learner):
            rng = item_rng(0, "fit", TRAINING_SEED)
            return entry.fit(problem.training(told=method.told), rng=rng)
        return entry


def _peak_rss_mb() -> float:
    """Return the process's largest resident memory so far, in MiB; NaN where it isn't known."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
