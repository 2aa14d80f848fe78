"""Executors: they run calls in this process, in worker processes, or on a Dask cluster.

An executor gets calls without arguments and returns their results in the order in which they end.
It knows nothing about cells and methods. An error in a call is a result, not an exception.
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
    """Runs calls, possibly in parallel.

    ``slots`` is the number of calls that may run at the same time, and ``retries`` how often a call
    is submitted again after its worker died. ``timeout`` is the time limit of a call in seconds, and
    ``isolates`` tells whether objects of a user are sent to processes of their own.
    """

    slots: int
    retries: int
    timeout: float | None
    isolates: bool

    def submit(self, number: int, work: Work) -> None:
        """Start a call; `next` returns its result with the same ``number``."""
        ...

    def next(self) -> CallResult:
        """Wait until a call has ended and return its result."""
        ...

    def close(self) -> None:
        """Stop all running calls immediately."""
        ...


class Serial:
    """Runs calls in this process, one after the other, on one thread and without a time limit.

    For tests and debugging: an object of a user runs here, too, and can change the values of others.

    Examples
    --------
    >>> executor = Serial()
    >>> executor.submit(0, lambda: 1 + 1)
    >>> executor.next().value
    2
    """

    slots = 1
    retries = 0
    timeout: float | None = None
    isolates = False

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, Work]] = deque()
        self._loaded = 0
        self._threads = ThreadpoolController()

    def submit(self, number: int, work: Work) -> None:
        """Queue a call; it runs in `next`."""
        self._waiting.append((number, work))

    def next(self) -> CallResult:
        """Run the oldest call in the queue."""
        number, work = self._waiting.popleft()
        if len(sys.modules) != self._loaded:  # new libraries may have thread pools
            self._loaded = len(sys.modules)
            self._threads = ThreadpoolController()
        with self._threads.limit(limits=1):
            return replace(attempt(work), number=number)

    def close(self) -> None:
        """Empty the queue."""
        self._waiting.clear()


@dataclass(frozen=True)
class ExecutorConfig:
    """Settings of an executor.

    Parameters
    ----------
    executor : str
        ``"local"`` for this machine, or ``"dask://HOST:PORT"``.
    jobs : int, optional
        Worker processes; None runs methods of sigbench in this process, and those of users in one
        worker. Ignored on a cluster.
    timeout : float, optional
        Time limit of a call in seconds; its worker is then stopped.

    Raises
    ------
    InputError
        For an unknown executor or an invalid number.
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

    def open(self, *, own: bool = False) -> Executor:
        """Return a new executor; the caller closes it.

        Parameters
        ----------
        own : bool
            Whether there are methods of users, which never share a process with others.

        Raises
        ------
        InputError
            If a cluster does not answer.
        """
        if self.executor != "local":
            from sigbench.benchmark.engine.executors.cluster import Cluster

            return Cluster(self.executor.removeprefix("dask://"), self.timeout)
        if self.jobs is None and self.timeout is None and not own:
            return Serial()
        from sigbench.benchmark.engine.executors.pool import Pool

        return Pool(self.jobs or 1, self.timeout)


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
