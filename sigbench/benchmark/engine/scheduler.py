"""Run cells on an executor: learners are fitted first, and workers reuse the data they created."""

from __future__ import annotations

import dataclasses
import itertools
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sigbench.benchmark.engine.evaluate import Cell, Fit, Measure, Result
from sigbench.benchmark.engine.executors.base import Executor, Serial
from sigbench.benchmark.engine.executors.calls import CallResult, one_line
from sigbench.benchmark.methods.resolve import Method, sealed
from sigbench.scoring.metrics import Metric


@dataclass(frozen=True)
class Failure:
    """A failed cell: its error in one line, the traceback if there is one, and what it printed."""

    cell: Cell
    error: str
    trace: str = ""
    log: str = ""


def run(
    cells: Iterable[Cell],
    metrics: Mapping[str, Metric],
    block: int,
    executor: Executor | None = None,
    progress: Callable[[Cell | Fit, Any], None] | None = None,
    example_seed: int | None = None,
) -> Iterator[Result | Failure]:
    """Run cells, in parallel if the executor has several slots.

    A worker that has created the data of a problem and seed runs the other cells on them next.
    A learner is fitted once per problem, before its cells. Values depend neither on the executor
    nor on the order of the cells. A cell whose worker died is submitted again, at most
    ``executor.retries`` times.

    Parameters
    ----------
    cells : iterable of Cell
        The cells to run, grouped by problem and seed.
    metrics : mapping of str to Metric
        The metrics to compute.
    block : int
        Items per call.
    executor : Executor, optional
        Where to run; by default in this process. The caller closes it.
    progress : callable, optional
        Called with a `Cell` or `Fit` and None when it starts; with a `Fit` and its `CallResult`
        when it ends.
    example_seed : int, optional
        The seed whose first items are kept as examples.

    Yields
    ------
    Result or Failure
        In the order in which the cells finish.
    """
    executor = executor or Serial()
    schedule = _Schedule(cells, metrics, block, example_seed, executor)
    running: dict[int, tuple[_Task, int]] = {}  # with how many of its workers died
    since: dict[int, float] = {}
    numbers = itertools.count()
    last = None  # the data that the free worker has created
    while True:
        while len(running) < executor.slots and (task := schedule.next(last)):
            last = None
            if progress:
                progress(task.subject, None)
            number = next(numbers)
            running[number], since[number] = (task, 0), time.monotonic()
            executor.submit(number, task.work)
        yield from schedule.finished()  # while the workers are busy
        if not running:
            return
        ended = executor.next()
        task, deaths = running.pop(ended.number)
        if ended.lost and deaths < executor.retries:
            running[ended.number] = (task, deaths + 1)
            executor.submit(ended.number, task.work)
        else:
            schedule.take(task, ended, time.monotonic() - since.pop(ended.number))
            if progress and isinstance(task.work, Fit):
                progress(task.work, ended)
            last = task.data


_Data = tuple[str, int]  # problem and seed

LONG_FIT_S = 5.0  # cells that waited for a longer fit run before the next fit


@dataclass(frozen=True)
class _Task:
    work: Fit | Measure
    data: _Data | None  # the data that the worker has afterwards

    @property
    def subject(self) -> Cell | Fit:
        """The cell that is run, or the fit."""
        return self.work if isinstance(self.work, Fit) else self.work.cell


class _Schedule:
    """The order of the tasks; the cells of a learner wait until it is fitted."""

    def __init__(
        self,
        cells: Iterable[Cell],
        metrics: Mapping[str, Metric],
        block: int,
        example_seed: int | None,
        executor: Executor,
    ) -> None:
        self._groups = itertools.groupby(cells, key=_data_of)
        self._metrics, self._block, self._example_seed = metrics, block, example_seed
        self._ready: dict[_Data, deque[Measure]] = {}
        self._in_use: Counter[_Data] = Counter()
        self._to_fit: deque[Fit] = deque()
        self._fits: dict[tuple[str, str], CallResult] = {}
        self._waiting: dict[tuple[str, str], list[Cell]] = {}
        self._due: set[_Data] = set()
        self._finished: list[Result | Failure] = []
        self._isolates, self._timeout = executor.isolates, executor.timeout
        self._sealed: dict[str, Method] = {}
        self._logs: dict[tuple[str, str], str] = {}  # of fits

    def next(self, last: _Data | None) -> _Task | None:
        """Return the next task, or None if nothing is left or everything must wait.

        In this order: a cell on the data ``last`` that the free worker has; a cell that waited for a
        long fit; a fit; a cell on data that no worker uses; any other cell.
        """
        while not (last in self._ready or self._to_fit or self._unused()):
            _, group = next(self._groups, (None, None))
            if group is None:
                break
            for cell in group:
                self._add(cell)
        due = next((data for data in self._ready if data in self._due), None)
        if last not in self._ready and not due and self._to_fit:
            return _Task(self._to_fit.popleft(), last)
        other = due or self._unused() or next(iter(self._ready), None)
        data = last if last in self._ready else other
        if data is None:
            return None
        work = self._ready[data].popleft()
        if not self._ready[data]:
            del self._ready[data]
            self._due.discard(data)
        self._in_use[data] += 1
        return _Task(work, data)

    def take(self, task: _Task, ended: CallResult, seconds: float) -> None:
        """Record the result of a task and its duration."""
        work = task.work
        if isinstance(work, Fit):
            key = (work.problem.name, work.method.name)
            self._fits[key], self._logs[key] = ended, ended.log
            for cell in self._waiting.pop(key):
                self._add(cell)
                if seconds > LONG_FIT_S:
                    self._due.add(_data_of(cell))
            return
        self._in_use[_data_of(work.cell)] -= 1
        log = self._logs.pop((work.cell.problem.name, work.cell.method.name), "") + ended.log
        if ended.error:
            self._finished.append(Failure(work.cell, ended.error, ended.trace, log))
        else:
            fit = self._fits.get((work.cell.problem.name, work.cell.method.name), ended)
            result = dataclasses.replace(
                ended.value,
                cell=work.cell,
                contended=ended.contended,
                log=log,
                cautions=tuple(dict.fromkeys([*fit.cautions, *ended.cautions])),
            )
            self._finished.append(result)

    def finished(self) -> Iterator[Result | Failure]:
        """Yield the finished cells, each once."""
        while self._finished:
            yield self._finished.pop(0)

    def _unused(self) -> _Data | None:
        return next((data for data in self._ready if not self._in_use[data]), None)

    def _add(self, cell: Cell) -> None:
        key = (cell.problem.name, cell.method.name)
        try:
            cell = self._safe(cell)
        except Exception as error:
            what = f"cannot be sent to a worker process: {one_line(error)}"
            self._finished.append(Failure(cell, what, traceback.format_exc()))
            return
        if not cell.method.is_learner:
            self._add_ready(cell, cell.method.entry)
        elif key in self._waiting:
            self._waiting[key].append(cell)
        elif key not in self._fits:
            self._waiting[key] = [cell]
            self._to_fit.append(Fit(cell.problem, cell.method, self._timeout))
        elif self._fits[key].error:
            fit, log = self._fits[key], self._logs.pop(key, "")
            self._finished.append(Failure(cell, fit.error, fit.trace, log))
        else:
            self._add_ready(cell, self._fits[key].value)

    def _safe(self, cell: Cell) -> Cell:
        """Return a cell whose method no worker can load, if it is a user's; see `sealed`."""
        if not self._isolates:
            return cell
        name = cell.method.name
        if name not in self._sealed:
            self._sealed[name] = sealed(cell.method)
        return dataclasses.replace(cell, method=self._sealed[name])

    def _add_ready(self, cell: Cell, entry: Any) -> None:
        keep = cell.seed == self._example_seed
        work = Measure(cell, entry, self._metrics, self._block, keep, self._timeout)
        self._ready.setdefault(_data_of(cell), deque()).append(work)


def _data_of(cell: Cell) -> _Data:
    return cell.problem.name, cell.seed
