"""The work of a worker: fit a learner, or run a method on the items of a cell and score it."""

from __future__ import annotations

import math
import statistics
import tempfile
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sigbench.benchmark.engine.examples import LIMITS, Example, Limit, first_examples, remaining
from sigbench.benchmark.engine.isolated import Remote, fitted, isolated
from sigbench.benchmark.engine.method_process import fit
from sigbench.benchmark.engine.secret import Secret
from sigbench.benchmark.engine.session import BadEstimate, Given, InProcess, Session
from sigbench.benchmark.methods.describe import bind_problem_info
from sigbench.benchmark.methods.ensemble import SelfEnsembleLearner
from sigbench.benchmark.methods.own import OwnMethod
from sigbench.benchmark.methods.resolve import Method, check_unchanged
from sigbench.benchmark.methods.tuning import Tuned
from sigbench.core.protocols import Array, Block, TrainingHistory
from sigbench.networks.training.learner import Trained
from sigbench.problems.denoising import Problem
from sigbench.scoring.metrics import Measured, Metric, Values

REPEATS = 3  # passes over a cell that takes less than BRIEF_S; their median is its time
BRIEF_S = 0.1
WARM_UP = REPEATS  # the number of the pass before the first


@dataclass(frozen=True)
class Cell:
    """One problem, seed and method; ``key`` covers everything that can change its values.

    The data seed is derived from ``secret``, if there is one.
    """

    problem: Problem
    seed: int
    method: Method
    key: str
    secret: Secret | None = None

    @property
    def id(self) -> tuple[str, int, str]:
        """The problem, seed and method, which identify a cell in a run."""
        return self.problem.name, self.seed, self.method.name

    @property
    def data_seed(self) -> int:
        """The seed of the data, which is private if there is a secret."""
        return self.seed if self.secret is None else self.secret.seed(self.seed)


@dataclass(frozen=True)
class Result:
    """A finished cell: one value per metric and item, and its cost.

    ``time_s`` is the time of the calls alone, for all items, on one thread: the median of three
    passes, over different data, if one takes less than 0.1 s. ``contended`` is True if other cells
    ran at the same time. ``peak_rss_mb`` is the peak resident memory of the process in MiB while the cell ran (outside
    Linux: since the process started). ``relative_gap`` is the largest relative duality gap of the
    items if the method certifies its solutions, otherwise NaN. ``history`` is the training history
    of a trained method, ``examples`` are the first items if requested, and ``grid_edges`` the
    tuned parameters whose value is at the edge of the grid. ``audio_s`` is the duration of all
    items in seconds, or NaN if the dataset has no sampling rate. ``latency_ms`` is the algorithmic
    latency of the method, or NaN if it needs the whole item. ``missing`` lists the items whose
    value could not be computed (NaN), by metric and reason.
    ``log`` is what a user's method printed, and ``cautions`` are reasons why the values are probably
    not what was meant.
    """

    cell: Cell
    params: str
    knowledge: str
    items: np.ndarray
    groups: np.ndarray
    values: Mapping[str, Values]
    time_s: float
    n_params: int
    contended: bool = False
    device: str = "cpu"
    peak_rss_mb: float = float("nan")
    relative_gap: float = float("nan")
    history: TrainingHistory | None = None
    examples: tuple[Example, ...] = ()
    grid_edges: tuple[str, ...] = ()
    audio_s: float = float("nan")
    latency_ms: float = float("nan")
    missing: Mapping[str, Mapping[str, list[int]]] = field(default_factory=dict)
    log: str = ""
    cautions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fit:
    """Fit a learner on the training split of a problem: once per problem, not per data seed.

    ``timeout`` is the time limit in seconds of a user's method, which is fitted in its own process.
    """

    problem: Problem
    method: Method
    timeout: float | None = None

    @property
    def retires_worker(self) -> bool:
        """Whether a worker ends after the fit.

        Training changes the memory management of the process, and so the times of later calls.
        """
        learner = self.method.entry
        inner = learner.denoiser if isinstance(learner, SelfEnsembleLearner) else learner
        return isinstance(inner, Trained)

    @property
    def limits_itself(self) -> bool:
        """Whether the call keeps to its time limit by itself."""
        return isinstance(self.method.entry, OwnMethod)

    def __call__(self) -> Any:
        """Return the fitted denoiser or estimator; of a user's method, a `CallResult` with it."""
        entry, problem = self.method.entry, self.problem
        check_unchanged(self.method)
        training = problem.training(sigma_given=self.method.sigma_given)
        if isinstance(entry, OwnMethod):
            return isolated(
                entry, self.timeout, lambda process: fitted(process, entry, problem, training)
            )
        return fit(bind_problem_info(entry, problem.problem_info), training)


@dataclass(frozen=True)
class Measure:
    """Run a method on all items of a cell, and score and time it.

    Parameters
    ----------
    cell : Cell
        Problem, seed and method.
    entry : Denoiser or Oracle
        The method; a learner has been fitted.
    metrics : mapping of str to Metric
        The metrics to compute.
    block : int
        Items per call.
    keep_examples : bool
        Whether to keep the first items with their estimates.
    timeout : float, optional
        Time limit in seconds of a user's method, which runs in its own process.
    """

    cell: Cell
    entry: Any
    metrics: Mapping[str, Metric]
    block: int
    keep_examples: bool = False
    timeout: float | None = None

    @property
    def limits_itself(self) -> bool:
        """Whether the call keeps to its time limit by itself."""
        return isinstance(self.entry, OwnMethod)

    def __call__(self) -> Any:
        """Return the `Result`; of a user's method, a `CallResult` with it.

        Raises
        ------
        BadEstimate
            If the method violated the protocol.
        """
        entry, problem = self.entry, self.cell.problem
        if isinstance(entry, OwnMethod):
            return isolated(
                entry,
                self.timeout,
                lambda process: self._result(Remote(process, entry, problem)),
            )
        return self._result(InProcess(entry, problem.problem_info, problem.caller))

    def _result(self, session: Session) -> Result:
        problem, method = self.cell.problem, self.cell.method
        check_unchanged(method)
        scores: dict[str, list[Values]] = {name: [] for name in self.metrics}
        items: list[np.ndarray] = []
        groups: list[np.ndarray] = []
        examples: list[Example] = []
        limit = self._limit()
        missing: dict[str, dict[str, list[int]]] = {}
        time_s = audio_s = 0.0
        fs = problem.problem_info.get("fs", math.nan)
        for number, block in enumerate(self._blocks()):
            if number == 0:
                session.call(self._given(_first_item(block), WARM_UP))
            estimate, seconds = session.call(self._given(block))
            time_s += seconds
            audio_s += len(block.items) * block.noisy.shape[-1] / fs
            values: dict[str, Values] = {}
            for name, metric in self.metrics.items():
                measured = _scored(name, metric, problem, block, estimate)
                values[name] = measured.values
                scores[name].append(measured.values)
                for index, reason in measured.missing.items():
                    by_reason = missing.setdefault(name, {})
                    by_reason.setdefault(reason, []).append(int(block.items[index]))
            items.append(block.items)
            groups.append(np.array(block.groups))
            examples += first_examples(block, estimate, values, remaining(limit, examples))
        passes = [time_s]
        while time_s < BRIEF_S and len(passes) < REPEATS:
            given = (self._given(block, len(passes)) for block in self._blocks())
            passes.append(sum(session.call(one)[1] for one in given))
        check_unchanged(method)
        about = session.about()
        gap = float("nan")
        if about.certified:
            given = (self._given(block) for block in self._blocks())
            gap = max(float(session.gaps(one).max()) for one in given)
        return Result(
            self.cell,
            about.params,
            method.knowledge(problem.sigma_known),
            np.concatenate(items),
            np.concatenate(groups),
            {name: np.concatenate(parts) for name, parts in scores.items()},
            statistics.median(passes),
            about.n_params,
            device=about.device,
            peak_rss_mb=about.peak_rss_mb,
            relative_gap=gap,
            history=about.history,
            examples=tuple(examples),
            grid_edges=self._grid_edges(),
            audio_s=audio_s,
            latency_ms=about.latency_ms,
            missing=missing,
        )

    def _limit(self) -> Limit:
        """Return how many examples are kept."""
        info = self.cell.problem.item_info
        kept = LIMITS.get(info.domain) if info and self.keep_examples else None
        return kept or Limit(0, 0)  # nothing of a domain that only another package knows

    def _grid_edges(self) -> tuple[str, ...]:
        if isinstance(self.entry, OwnMethod):
            return self.entry.traits.grid_edges
        learner = self.cell.method.entry
        return learner.grid_edges(self.entry) if isinstance(learner, Tuned) else ()

    def _blocks(self) -> Iterable[Block]:
        cell = self.cell
        blocks = _DATA.blocks(cell.problem, cell.data_seed, self.block)
        if cell.secret is None:
            return blocks
        return (cell.secret.hidden(block, cell.seed) for block in blocks)

    def _given(self, block: Block, number: int = 0) -> Given:
        """Return what the method gets in one pass: the block, or in later passes other data.

        A method that remembers its inputs gains nothing. Data that are slightly smaller take the
        same work, and stay within the range of the data type.
        """
        method = self.cell.method
        scale = 1 - number * 2.0**-10
        sigma = block.sigma if method.sigma_given else None
        clean = block.clean if method.is_oracle else None
        noisy, sigma, clean = (
            array if array is None or number == 0 else (array * scale).astype(array.dtype)
            for array in (block.noisy, sigma, clean)
        )
        assert noisy is not None
        return Given(noisy, sigma, clean, block.clean.shape, block.items.tolist())


def _scored(name: str, metric: Metric, problem: Problem, block: Block, estimate: Array) -> Measured:
    """Return the values of a block; NaN without a reason is an error."""
    measured = problem.score(metric.measure, block, estimate)
    wrong = np.isnan(measured.values)
    wrong[list(measured.missing)] = False
    if wrong.any():
        raise BadEstimate(f"{name} of item {block.items[np.argmax(wrong)]} is nan")
    return measured


def _first_item(block: Block) -> Block:
    sigma = None if block.sigma is None else block.sigma[:1]
    return Block(block.items[:1], block.groups[:1], block.clean[:1], block.noisy[:1], sigma)


class _Data(threading.local):
    """The blocks of a worker's latest problem and seed, in a file if they are large."""

    limit_bytes = 128 * 2**20
    source: tuple[Problem, int, int] | None = None
    kept: list[Block] | _Spool = []  # noqa: RUF012 - replaced, never changed

    def blocks(self, problem: Problem, seed: int, size: int) -> Iterable[Block]:
        if self.source == (problem, seed, size):
            return self.kept
        return self._create(problem, seed, size)

    def _create(self, problem: Problem, seed: int, size: int) -> Iterator[Block]:
        self.source, self.kept = None, []
        kept: list[Block] | _Spool = []
        total = 0
        for block in problem.blocks(seed, size):
            total += block.clean.nbytes + block.noisy.nbytes
            if total > self.limit_bytes and isinstance(kept, list):
                kept = _Spool(kept)
            kept.append(block)
            yield block
        self.source, self.kept = (problem, seed, size), kept


class _Spool:
    """Blocks in a temporary file, which is deleted when the process ends, even if it is killed."""

    def __init__(self, blocks: Iterable[Block]) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._count = 0
        for block in blocks:
            self.append(block)

    def append(self, block: Block) -> None:
        sigma = np.empty(0) if block.sigma is None else block.sigma
        for array in (block.items, np.array(block.groups), block.clean, block.noisy, sigma):
            np.save(self._file, array, allow_pickle=False)
        self._count += 1

    def __iter__(self) -> Iterator[Block]:
        self._file.seek(0)
        for _ in range(self._count):
            items, groups, clean, noisy, sigma = (
                np.load(self._file, allow_pickle=False) for _ in range(5)
            )
            levels = sigma if sigma.size else None
            yield Block(items, tuple(groups.tolist()), clean, noisy, levels)


_DATA = _Data()
