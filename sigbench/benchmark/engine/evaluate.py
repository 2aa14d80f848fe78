"""The work of a worker: fit a learner, or run a method on the items of a cell and score it."""

from __future__ import annotations

import dataclasses
import math
import statistics
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sigbench.benchmark.methods.ensemble import SelfEnsembleLearner
from sigbench.benchmark.methods.resolve import Method, bind_problem_info, check_source, describe
from sigbench.benchmark.methods.tuning import Tuned
from sigbench.core.protocols import (
    Array,
    Block,
    Certified,
    Denoiser,
    LogEntry,
    Oracle,
    TrainingHistory,
)
from sigbench.core.rng import item_rng
from sigbench.core.validation import estimate_error
from sigbench.networks.training.learner import Trained
from sigbench.problems.denoising import Problem
from sigbench.scoring.metrics import METRICS, Measured, Metric, Values

TRAINING_SEED = 0  # independent of the data seeds
REPEATS = 3  # passes over a cell that takes less than BRIEF_S; their median is its time
BRIEF_S = 0.1
MAX_SAMPLES = 2**20  # larger images are not kept for display


class BadEstimate(Exception):
    """A method violated the protocol: wrong shape or dtype, not finite, or its input changed."""


@dataclass(frozen=True)
class Cell:
    """One problem, seed and method; ``key`` covers everything that can change its values."""

    problem: Problem
    seed: int
    method: Method
    key: str


class Picture(NamedTuple):
    """A noisy and clean image ``(C, H, W)``, float32, with an estimate and its PSNR in dB."""

    item: int
    noisy: Array
    clean: Array
    estimate: Array
    psnr: float


@dataclass(frozen=True)
class Result:
    """A finished cell: one value per metric and item, and its cost.

    ``time_s`` is the time of the calls alone, for all items, on one thread: the median of three
    passes if one takes less than 0.1 s. ``contended`` is True if other cells ran at the same time.
    ``peak_rss_mb`` is the peak resident memory of the process in MiB while the cell ran (outside
    Linux: since the process started). ``relative_gap`` is the largest relative duality gap of the
    items if the method certifies its solutions, otherwise NaN. ``history`` is the training history
    of a trained method, ``pictures`` are the first images if requested, and ``grid_edges`` the
    tuned parameters whose value is at the edge of the grid. ``audio_s`` is the duration of all
    items in seconds, or NaN if the dataset has no sampling rate. ``latency_ms`` is the algorithmic
    latency of the method, or NaN if it needs the whole item. ``missing`` lists the items whose
    value could not be computed (NaN), by metric and reason.
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
    pictures: tuple[Picture, ...] = ()
    grid_edges: tuple[str, ...] = ()
    audio_s: float = float("nan")
    latency_ms: float = float("nan")
    missing: Mapping[str, Mapping[str, list[int]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Fit:
    """Fit a learner on the training split of a problem: once per problem, not per data seed."""

    problem: Problem
    method: Method

    @property
    def retires_worker(self) -> bool:
        """Whether a worker ends after the fit.

        Training changes the memory management of the process, and so the times of later calls.
        """
        learner = self.method.entry
        inner = learner.denoiser if isinstance(learner, SelfEnsembleLearner) else learner
        return isinstance(inner, Trained)

    def __call__(self) -> Denoiser:
        """Return the fitted denoiser or estimator."""
        check_source(self.method)
        entry = bind_problem_info(self.method.entry, self.problem.problem_info)
        training = self.problem.training(sigma_given=self.method.sigma_given)
        ready: Denoiser = entry.fit(training, rng=item_rng(0, "fit", TRAINING_SEED))
        if isinstance(ready, Oracle):
            raise BadEstimate("fit returned an oracle, which would use the clean items")
        return ready


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
    pictures : int
        How many images to keep if the items are images.
    """

    cell: Cell
    entry: Any
    metrics: Mapping[str, Metric]
    block: int
    pictures: int = 0

    def __call__(self) -> Result:
        """Return the values of all items.

        Raises
        ------
        BadEstimate
            If the method violated the protocol.
        """
        problem, method = self.cell.problem, self.cell.method
        check_source(method)
        _forget_peak_rss()
        entry = bind_problem_info(self.entry, problem.problem_info)
        scores: dict[str, list[Values]] = {name: [] for name in self.metrics}
        items: list[np.ndarray] = []
        groups: list[np.ndarray] = []
        pictures: list[Picture] = []
        missing: dict[str, dict[str, list[int]]] = {}
        time_s = audio_s = 0.0
        fs = problem.problem_info.get("fs", math.nan)
        for number, block in enumerate(self._blocks()):
            if number == 0:
                _call(problem, entry, _first_item(block), method.sigma_given)  # warm-up
            estimate, seconds = _call(problem, entry, block, method.sigma_given)
            time_s += seconds
            audio_s += len(block.items) * block.noisy.shape[-1] / fs
            for name, metric in self.metrics.items():
                measured = _scored(name, metric, problem, block, estimate)
                scores[name].append(measured.values)
                for index, reason in measured.missing.items():
                    by_reason = missing.setdefault(name, {})
                    by_reason.setdefault(reason, []).append(int(block.items[index]))
            items.append(block.items)
            groups.append(np.array(block.groups))
            if len(pictures) < self.pictures and problem.image_peak is not None:
                pictures += _pictures(problem, block, estimate, self.pictures - len(pictures))
        passes = [time_s]
        while time_s < BRIEF_S and len(passes) < REPEATS:
            calls = (_call(problem, entry, block, method.sigma_given) for block in self._blocks())
            passes.append(sum(seconds for _, seconds in calls))
        check_source(method)  # also what the calls have imported
        gap = float("nan")
        if isinstance(entry, Certified):
            gap = max(_largest_gap(entry, block, method.sigma_given) for block in self._blocks())
        return Result(
            self.cell,
            describe(entry),
            method.knowledge(problem.sigma_known),
            np.concatenate(items),
            np.concatenate(groups),
            {name: np.concatenate(parts) for name, parts in scores.items()},
            statistics.median(passes),
            int(getattr(entry, "n_params", 0)),
            device=str(getattr(entry, "device", "cpu")),
            peak_rss_mb=_peak_rss_mb(),
            relative_gap=gap,
            history=_history(getattr(entry, "history", None)),
            pictures=tuple(pictures),
            grid_edges=method.entry.grid_edges(entry) if isinstance(method.entry, Tuned) else (),
            audio_s=audio_s,
            latency_ms=_latency_ms(entry),
            missing=missing,
        )

    def _blocks(self) -> Iterable[Block]:
        return _DATA.blocks(self.cell.problem, self.cell.seed, self.block)


def _call(problem: Problem, entry: Any, block: Block, sigma_given: bool) -> tuple[Array, float]:
    """Return the checked estimate and the duration of the call in seconds."""
    ready = entry.bind(block.clean.copy()) if isinstance(entry, Oracle) else entry
    sigma = None if block.sigma is None else block.sigma.copy()
    shown = dataclasses.replace(block, noisy=block.noisy.copy(), sigma=sigma)
    start = time.perf_counter()
    estimate = problem.apply(ready, shown, sigma_given=sigma_given)
    seconds = time.perf_counter() - start
    same_sigma = sigma is None or bool((sigma == block.sigma).all())
    if not (same_sigma and np.array_equal(shown.noisy, block.noisy)):
        raise BadEstimate("the method changed its input")
    error = estimate_error(estimate, block.clean.shape, block.noisy.dtype, block.items.tolist())
    if error:
        raise BadEstimate(error)
    return estimate, seconds


def _scored(name: str, metric: Metric, problem: Problem, block: Block, estimate: Array) -> Measured:
    """Return the values of a block; NaN without a reason is an error."""
    measured = problem.score(metric.measure, block, estimate)
    wrong = np.isnan(measured.values)
    wrong[list(measured.missing)] = False
    if wrong.any():
        raise BadEstimate(f"{name} of item {block.items[np.argmax(wrong)]} is nan")
    return measured


def _latency_ms(entry: Any) -> float:
    """Return the algorithmic latency of a method in ms; NaN if it needs the whole item."""
    latency = getattr(entry, "latency_ms", None)
    if latency is None:
        return math.nan
    if not isinstance(latency, int | float) or not 0 <= latency < math.inf:
        raise BadEstimate(f"latency_ms={latency!r} must be a number >= 0, or None")
    return float(latency)


def _pictures(problem: Problem, block: Block, estimate: Array, most: int) -> list[Picture]:
    """Return the first images of a block, unless they are too large to keep."""
    if block.clean[0].size > MAX_SAMPLES:
        return []
    psnr = problem.score(METRICS["psnr"], block, estimate)
    with np.errstate(over="ignore"):  # values beyond float32 become infinite: white or black
        noisy, clean, estimate = (
            array[:most].astype(np.float32) for array in (block.noisy, block.clean, estimate)
        )
    return [
        Picture(int(block.items[i]), noisy[i], clean[i], estimate[i], float(psnr[i]))
        for i in range(len(clean))
    ]


def _history(history: Any) -> TrainingHistory | None:
    """Return a training history with plain numbers; None for any other object."""
    if not isinstance(history, TrainingHistory):
        return None
    try:
        return TrainingHistory(
            float(history.seconds),
            int(history.steps),
            float(history.epochs),
            int(history.samples),
            str(history.metric),
            tuple(LogEntry(int(step), *map(float, rest)) for step, *rest in history.log),
        )
    except (TypeError, ValueError) as error:
        raise BadEstimate(f"its training history is invalid: {error}") from None


def _largest_gap(entry: Certified, block: Block, sigma_given: bool) -> float:
    sigma = block.sigma if sigma_given else None
    gaps = np.asarray(entry.certificate(block.noisy.copy(), sigma=sigma), dtype=np.float64)
    if gaps.shape != block.items.shape:
        raise BadEstimate(f"the certificate has shape {gaps.shape}, not {block.items.shape}")
    if not np.isfinite(gaps).all():
        bad = int(np.flatnonzero(~np.isfinite(gaps))[0])
        raise BadEstimate(f"the certificate is {gaps[bad]} for item {block.items[bad]}")
    return float(gaps.max())


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


def _forget_peak_rss() -> None:
    """Reset the peak of the resident memory; possible on Linux only."""
    refs = Path("/proc/self/clear_refs")
    if refs.exists():
        try:
            refs.write_text("5")
        except OSError:  # not permitted: the earlier peak is still an upper bound
            return


def _peak_rss_mb() -> float:
    """Return the peak resident memory of the process in MiB, or NaN if it is unknown."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 2**10
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
