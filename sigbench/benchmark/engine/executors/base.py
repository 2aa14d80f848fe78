"""Where work runs: in this process, in worker processes, or on a Dask cluster.

An executor gets calls without arguments and gives back what came of each, in the order in which
they end. It knows nothing of cells and methods, and it never raises for what a call did.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from threadpoolctl import ThreadpoolController

from sigbench.benchmark.engine.executors.calls import CallResult, attempt
from sigbench.core.errors import InputError

Work = Callable[[], Any]


class Executor(Protocol):
    """Runs calls, some side by side.

    ``slots`` is how many calls may be under way at once, ``retries`` how often a call is to be
    submitted again whose worker died.
    """

    slots: int
    retries: int

    def submit(self, number: int, work: Work) -> None:
        """Start a call; ``number`` names it in what `next` returns."""
        ...

    def next(self) -> CallResult:
        """Wait until a call has ended and return what came of it."""
        ...

    def close(self) -> None:
        """Drop what is under way, at once."""
        ...


class Serial:
    """In this process, one call after the other, on one thread; nothing can end a call early.

    Examples
    --------
    >>> executor = Serial()
    >>> executor.submit(0, lambda: 1 + 1)
    >>> executor.next().value
    2
    """

    slots = 1
    retries = 0

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, Work]] = deque()
        self._loaded = 0
        self._threads = ThreadpoolController()

    def submit(self, number: int, work: Work) -> None:
        """Keep the call until `next`."""
        self._waiting.append((number, work))

    def next(self) -> CallResult:
        """Run the call that waits longest."""
        number, work = self._waiting.popleft()
        if len(sys.modules) != self._loaded:  # libraries with threads of their own, perhaps
            self._loaded = len(sys.modules)
            self._threads = ThreadpoolController()
        with self._threads.limit(limits=1):
            return replace(attempt(work), number=number)

    def close(self) -> None:
        """Forget what waits."""
        self._waiting.clear()


@dataclass(frozen=True)
class ExecutorConfig:
    """Where to run: how a command or a script says it.

    Parameters
    ----------
    executor : str
        ``"local"`` for worker processes here, or ``"dask://HOST:PORT"``.
    jobs : int, optional
        Worker processes; None runs everything in this process. A cluster has its own.
    timeout : float, optional
        Seconds after which a call's worker is ended; needs a worker.

    Raises
    ------
    InputError
        For an unknown executor or a number that is not legal.
    """

    executor: str = "local"
    jobs: int | None = None
    timeout: float | None = None

    def __post_init__(self) -> None:
        if self.executor != "local" and not self.executor.startswith("dask://"):
            raise InputError(f"executor={self.executor!r} must be one of: local, dask://HOST:PORT")
        if self.jobs is not None and self.jobs < 1:
            raise InputError(f"jobs={self.jobs} must be >= 1")
        if self.timeout is not None and not self.timeout > 0:
            raise InputError(f"timeout={self.timeout:g} s must be > 0")

    def open(self) -> Executor:
        """Return a new executor; the caller closes it.

        Raises
        ------
        InputError
            For a cluster that does not answer.
        """
        if self.executor != "local":
            from sigbench.benchmark.engine.executors.cluster import Cluster

            return Cluster(self.executor.removeprefix("dask://"), self.timeout)
        if self.jobs is None and self.timeout is None:
            return Serial()
        from sigbench.benchmark.engine.executors.pool import Pool

        return Pool(self.jobs or 1, self.timeout)


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
