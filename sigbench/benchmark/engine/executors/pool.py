"""A pool of worker processes with a time limit; a worker that dies is replaced."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from typing import Any

import cloudpickle
from threadpoolctl import threadpool_limits

from sigbench.benchmark.engine.executors.calls import CallResult, answer, one_line, pack
from sigbench.benchmark.engine.isolated import GRACE_S
from sigbench.benchmark.isolation.process import fork_template
from sigbench.benchmark.isolation.start import context, prepare, without_main
from sigbench.core.interrupts import how_it_ended, leave_to_parent

CALL = b"?"  # announces a call: sending a large call to a worker that hangs would block
STARTED = b"!"  # the reply of a worker that is ready
MAX_WAIT_S = 1.0  # Python does not see a Ctrl-C that arrives just before a wait


@dataclass
class _Worker:
    process: Any
    connection: Connection
    number: int | None = None  # of the call that it runs
    call: bytes | None = None  # until the worker has started it
    deadline: float = float("inf")
    alone: bool = True  # whether no other call has run at the same time
    retired: bool = False  # whether it ends after its call
    grace_s: float = 0.0  # after the time limit, if the call keeps to it by itself


@dataclass
class Pool:
    """Runs calls in worker processes, which are started when needed.

    Parameters
    ----------
    slots : int
        The number of workers.
    timeout : float, optional
        Time limit of a call in seconds; its worker is then killed.
    patience_s : float
        Seconds within which a worker must start a call; otherwise it counts as dead.
    """

    slots: int
    timeout: float | None = None
    retries: int = 2
    isolates: bool = True
    patience_s: float = 60.0
    _workers: list[_Worker] = field(default_factory=list)
    _ended: deque[CallResult] = field(default_factory=deque)

    def submit(self, number: int, work: Callable[[], Any]) -> None:
        """Send a call to a free worker; there is one if fewer than ``slots`` calls are running."""
        try:
            packed = pack(work)
        except Exception as error:
            what = f"cannot be sent to a worker process: {one_line(error)}"
            self._ended.append(CallResult(error=what, trace=traceback.format_exc(), number=number))
            return
        worker = next((w for w in self._workers if w.number is None), None) or self._start()
        busy = self._busy()
        worker.number, worker.alone = number, not busy
        worker.retired = getattr(work, "retires_worker", False)
        worker.grace_s = GRACE_S if getattr(work, "limits_itself", False) else 0.0
        worker.call, worker.deadline = packed, time.monotonic() + self.patience_s
        for other in busy:
            other.alone = False
        with suppress(OSError):  # the worker has just died: `next` will detect it
            worker.connection.send_bytes(CALL)

    def next(self) -> CallResult:
        """Wait until a worker has answered, died or exceeded the time limit."""
        while not self._ended:
            busy = self._busy()
            ends = [end for w in busy for end in (w.connection, w.process.sentinel)]
            left = min(w.deadline for w in busy) - time.monotonic()
            signalled = wait(ends, min(max(left, 0), MAX_WAIT_S))
            for worker in busy:
                if worker.connection in signalled or worker.process.sentinel in signalled:
                    self._listen(worker)
                elif worker.deadline <= time.monotonic():
                    self._drop(worker, self._late(worker))
        return self._ended.popleft()

    def close(self) -> None:
        """Kill all workers; nothing can be lost."""
        for worker in self._workers:
            _kill(worker.process)
        for worker in self._workers:
            worker.process.join()
            worker.connection.close()
        self._workers.clear()

    def _busy(self) -> list[_Worker]:
        return [w for w in self._workers if w.number is not None]

    def _start(self) -> _Worker:
        ours, theirs = context().Pipe()
        process = context().Process(target=_serve, args=(theirs,))
        prepare()
        with without_main():
            process.start()
        theirs.close()
        self._workers.append(_Worker(process, ours))
        return self._workers[-1]

    def _listen(self, worker: _Worker) -> None:
        try:
            message = worker.connection.recv_bytes() if worker.connection.poll() else None
        except (EOFError, OSError):
            message = None
        if message is None:
            worker.process.join()
            how = how_it_ended(worker.process.exitcode)
            self._drop(worker, CallResult(error=f"WorkerDied: {how}", lost=True))
        elif message == STARTED:
            call, worker.call = worker.call, None
            assert call is not None
            with suppress(OSError):
                worker.connection.send_bytes(call)
            limit_s = (self.timeout or float("inf")) + worker.grace_s
            worker.deadline = time.monotonic() + limit_s
        else:
            ended = replace(_loaded(message), contended=not worker.alone)
            (self._drop if worker.retired else self._end)(worker, ended)

    def _late(self, worker: _Worker) -> CallResult:
        if worker.call is None:
            return CallResult(error=f"TimeoutError: longer than {self.timeout:g} s")
        # An earlier call may have left threads behind.
        what = f"did not start a call within {self.patience_s:g} s"
        return CallResult(error=f"WorkerDied: {what}", lost=True)

    def _end(self, worker: _Worker, ended: CallResult) -> None:
        assert worker.number is not None
        self._ended.append(replace(ended, number=worker.number))
        worker.number, worker.deadline = None, float("inf")

    def _drop(self, worker: _Worker, ended: CallResult) -> None:
        self._end(worker, ended)
        self._workers.remove(worker)
        _kill(worker.process)
        worker.process.join()
        worker.connection.close()


def _loaded(message: bytes) -> CallResult:
    try:
        ended: CallResult = cloudpickle.loads(message)
    except Exception as error:
        what = f"the result cannot be read: {one_line(error)}"
        return CallResult(error=what, trace=traceback.format_exc())
    return ended


def _kill(process: Any) -> None:
    """Kill a worker and its child processes."""
    process.kill()
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _serve(connection: Connection) -> None:
    """Answer calls in a worker, one at a time, on one thread, while the parent runs."""
    leave_to_parent()
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)
        # Child processes of a call must not answer.
        os.register_at_fork(after_in_child=connection.close)
    fork_template()
    for library in ("OMP", "OPENBLAS", "MKL"):  # for libraries that a call loads later
        os.environ[f"{library}_NUM_THREADS"] = "1"
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with threadpool_limits(1), suppress(EOFError, OSError):  # the parent has ended
        while True:
            connection.recv_bytes()
            connection.send_bytes(STARTED)
            connection.send_bytes(answer(connection.recv_bytes()))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    if sys.platform == "linux":  # a signal also ends a call that blocks all threads
        import fcntl

        fcntl.fcntl(parent.sentinel, fcntl.F_SETOWN, -os.getpgrp())
        flags = fcntl.fcntl(parent.sentinel, fcntl.F_GETFL)
        fcntl.fcntl(parent.sentinel, fcntl.F_SETFL, flags | os.O_ASYNC)
    parent.join()
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
