"""An executor on a Dask cluster."""

from __future__ import annotations

import itertools
import queue
import time
import traceback
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cloudpickle
from threadpoolctl import threadpool_limits

from sigbench.benchmark.engine.executors.calls import CallResult, answer, one_line, pack
from sigbench.benchmark.engine.isolated import GRACE_S
from sigbench.core.errors import InputError


class Cluster:
    """Runs calls on the workers of a running Dask scheduler.

    Each worker needs the same version of sigbench, and the user's modules at the same path. Dask
    itself repeats a call whose worker died, as set by ``distributed.scheduler.allowed-failures``.

    Parameters
    ----------
    address : str
        ``HOST:PORT`` of the scheduler.
    timeout : float, optional
        Time limit of a call in seconds; its nanny then restarts the worker.

    Raises
    ------
    InputError
        If ``distributed`` is not installed, or no scheduler with workers responds.
    """

    retries = 0
    isolates = True
    patience_s = 10.0  # to wait for the scheduler and its first worker

    def __init__(self, address: str, timeout: float | None = None) -> None:
        try:
            from distributed import Client
        except ModuleNotFoundError as error:
            raise InputError(
                f"dask://{address} needs Dask: pip install 'sigbench[dask]'"
            ) from error
        try:
            self._client = Client(f"tcp://{address}", timeout=self.patience_s, set_as_default=False)
            self._client.wait_for_workers(1, timeout=self.patience_s)
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(f"dask://{address}: no cluster responds: {one_line(error)}") from error
        self.slots: int = sum(self._client.nthreads().values())
        self.timeout = timeout
        self._run = uuid.uuid4().hex
        self._count = itertools.count()
        self._futures: dict[int, Any] = {}
        self._deadlines: dict[int, float] = {}
        self._done: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()

    def submit(self, number: int, work: Callable[[], Any]) -> None:
        """Send a call to the scheduler."""
        try:
            packed = pack(work)
        except Exception as error:
            what = f"cannot be sent to a worker: {one_line(error)}"
            self._done.put((number, CallResult(error=what, trace=traceback.format_exc())))
            return
        key = f"sigbench-{self._run}-{next(self._count)}"
        future = self._client.submit(_answer, packed, key=key, pure=False, retries=0)
        self._futures[number] = future
        grace_s = GRACE_S if getattr(work, "limits_itself", False) else 0.0
        self._deadlines[number] = time.monotonic() + (self.timeout or float("inf")) + grace_s
        future.add_done_callback(lambda done: self._done.put((number, done)))

    def next(self) -> CallResult:
        """Wait until a call has ended or exceeded the time limit."""
        while True:
            number, left = min(
                self._deadlines.items(), key=lambda entry: entry[1], default=(-1, float("inf"))
            )
            left -= time.monotonic()
            try:
                done = self._done.get(timeout=None if left == float("inf") else max(left, 0))
            except queue.Empty:
                self._restart_worker_of(number)
                self._forget(number)
                what = f"TimeoutError: longer than {self.timeout:g} s"
                return CallResult(error=what, contended=True, number=number)
            number, future = done
            if isinstance(future, CallResult):
                return replace(future, number=number)
            if self._futures.get(number) is future:
                self._forget(number)
                return replace(self._outcome(future), number=number, contended=self.slots > 1)

    def close(self) -> None:
        """Cancel all running calls and disconnect."""
        self._client.cancel(list(self._futures.values()), force=True)
        self._client.close()

    def _outcome(self, future: Any) -> CallResult:
        if future.status == "cancelled":
            raise ConnectionError("the Dask scheduler has stopped")
        error = future.exception()
        if error is not None:  # an error of the method itself is returned as a value
            return CallResult(error=f"WorkerDied: {one_line(error)}", lost=True)
        ended: CallResult = cloudpickle.loads(future.result())
        return ended

    def _restart_worker_of(self, number: int) -> None:
        future = self._futures[number]
        busy = [name for name, keys in self._client.processing().items() if future.key in keys]
        future.cancel(force=True)
        if busy:
            self._client.restart_workers(busy, raise_for_error=False)

    def _forget(self, number: int) -> None:
        del self._futures[number], self._deadlines[number]


def _answer(packed: bytes) -> bytes:
    with threadpool_limits(1):
        return answer(packed)
