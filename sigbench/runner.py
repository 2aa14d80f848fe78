"""The runner: cells in, per-item values out. It gets objects and knows no table and no file."""

from __future__ import annotations

import dataclasses
import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sigbench.executors import Executor, Serial
from sigbench.executors.calls import Ended
from sigbench.metrics import Metric
from sigbench.types import Learner
from sigbench.work import Cell, Fit, Measure, Result


@dataclass(frozen=True)
class Failure:
    """A cell without values: its error in one line, and the traceback where there is one."""

    cell: Cell
    error: str
    trace: str = ""


def run(
    cells: Iterable[Cell],
    metrics: Mapping[str, Metric],
    block: int,
    executor: Executor | None = None,
) -> Iterator[Result | Failure]:
    """Run cells, side by side where the executor can.

    A learner is fitted once per problem, and its cells wait for that. Values depend neither on
    the executor nor on the order of the cells. A cell whose worker died is submitted again as
    often as the executor says.

    Parameters
    ----------
    cells : iterable of Cell
        What to run, best grouped by problem and seed, whose data are made once in a row. A cell
        is taken from it when there is room to run it.
    metrics : mapping of str to Metric
        What to score.
    block : int
        Items a call.
    executor : Executor, optional
        Where to run; by default in this process. It is not closed.

    Yields
    ------
    Result or Failure
        In the order in which the cells end.
    """
    executor = executor or Serial()
    schedule = _Schedule(cells, metrics, block)
    under_way: dict[int, tuple[Fit | Measure, int]] = {}  # with how often its worker has died
    numbers = itertools.count()
    while True:
        while len(under_way) < executor.slots and (work := schedule.next()):
            number = next(numbers)
            under_way[number] = (work, 0)
            executor.submit(number, work)
        yield from schedule.finished()  # while the workers are at what comes next
        if not under_way:
            return
        ended = executor.next()
        work, deaths = under_way.pop(ended.number)
        if ended.lost and deaths < executor.retries:
            under_way[ended.number] = (work, deaths + 1)
            executor.submit(ended.number, work)
        else:
            schedule.take(work, ended)


class _Schedule:
    """What to do next: the cells in their order, those of a learner once it is fitted."""

    def __init__(self, cells: Iterable[Cell], metrics: Mapping[str, Metric], block: int) -> None:
        self._cells = iter(cells)
        self._metrics, self._block = metrics, block
        self._ready: deque[Fit | Measure] = deque()
        self._fits: dict[tuple[str, str], Ended] = {}
        self._waiting: dict[tuple[str, str], list[Cell]] = {}
        self._finished: list[Result | Failure] = []

    def next(self) -> Fit | Measure | None:
        """Return what can be started now, None where there is nothing left or all must wait."""
        while not self._ready:
            cell = next(self._cells, None)
            if cell is None:
                return None
            self._add(cell)
        return self._ready.popleft()

    def take(self, work: Fit | Measure, ended: Ended) -> None:
        """Take in what has ended."""
        if isinstance(work, Fit):
            key = (work.problem.name, work.method.name)
            self._fits[key] = ended
            for cell in self._waiting.pop(key):
                self._add(cell)
        elif ended.error:
            self._finished.append(Failure(work.cell, ended.error, ended.trace))
        else:
            result = dataclasses.replace(ended.value, cell=work.cell, contended=ended.contended)
            self._finished.append(result)

    def finished(self) -> Iterator[Result | Failure]:
        """Give out, once, what is finished."""
        while self._finished:
            yield self._finished.pop(0)

    def _add(self, cell: Cell) -> None:
        key = (cell.problem.name, cell.method.name)
        if not isinstance(cell.method.entry, Learner):
            self._ready.append(self._measure(cell, cell.method.entry))
        elif key in self._waiting:
            self._waiting[key].append(cell)
        elif key not in self._fits:
            self._waiting[key] = [cell]
            self._ready.append(Fit(cell.problem, cell.method))
        elif self._fits[key].error:
            self._finished.append(Failure(cell, self._fits[key].error, self._fits[key].trace))
        else:
            self._ready.append(self._measure(cell, self._fits[key].value))

    def _measure(self, cell: Cell, entry: Any) -> Measure:
        return Measure(cell, entry, self._metrics, self._block)
