"""A pool of worker processes with a time limit; a worker that dies is replaced."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
import types
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from typing import Any

import cloudpickle
from threadpoolctl import threadpool_limits

from sigbench.benchmark.engine.executors.calls import CallResult, answer, one_line, pack
from sigbench.core.interrupts import blocked, leave_to_parent

CALL = b"?"  # announces a call: sending a large call to a worker that hangs would block
STARTED = b"!"  # the reply of a worker that is ready
MAX_WAIT_S = 1.0  # Python does not see a Ctrl-C that arrives just before a wait


def context() -> Any:
    """Return the start method: fork from a server that has imported the modules, if available.

    Forking this process could copy a lock that one of its threads holds.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    method = multiprocessing.get_context("forkserver")
    method.set_forkserver_preload(
        ["sigbench.benchmark.engine.executors.pool", "sigbench.benchmark.engine.evaluate"]
    )
    return method


def prepare() -> None:
    """Start the server of workers, so that it imports modules while this process does.

    Signals do not disturb its imports; it ends with this process.
    """
    if context().get_start_method() == "forkserver":
        from multiprocessing import forkserver, resource_tracker

        resource_tracker.ensure_running()  # it would unblock the signals
        with _without_main(), blocked():
            forkserver.ensure_running()


@dataclass
class _Worker:
    process: Any
    connection: Connection
    number: int | None = None  # of the call that it runs
    call: bytes | None = None  # until the worker has started it
    deadline: float = float("inf")
    alone: bool = True  # whether no other call has run at the same time
    retired: bool = False  # whether it ends after its call


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
        with _without_main():
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
            how = _how_it_ended(worker.process.exitcode)
            self._drop(worker, CallResult(error=f"WorkerDied: {how}", lost=True))
        elif message == STARTED:
            call, worker.call = worker.call, None
            assert call is not None
            with suppress(OSError):
                worker.connection.send_bytes(call)
            worker.deadline = time.monotonic() + (self.timeout or float("inf"))
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


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


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


@contextmanager
def _without_main() -> Iterator[None]:
    """Prevent a new process from running the caller's script again, as multiprocessing would.

    The parts of the script that a call needs are sent with the call.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
