"""The worker's side of a method process: start it, exchange messages, end it, keep its output."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sigbench.benchmark.isolation import template
from sigbench.benchmark.isolation.channel import BadMessage, Channel, Message
from sigbench.benchmark.isolation.start import context, prepare, without_main
from sigbench.core.interrupts import how_it_ended

CAN_FORK = hasattr(os, "fork")
MAX_LOG = 64 * 2**10  # bytes that are kept of what a method prints in one call
MAX_TEXT = 20_000  # characters of an error, and of a traceback
PATIENCE_S = 5.0  # for the rest of a log


class MethodFailed(Exception):
    """A method raised an error, ended its process, or was too late.

    Attributes
    ----------
    error, trace : str
        The error in one line, and the traceback.
    lost : bool
        Whether the process ended without an answer.
    """

    def __init__(self, error: str, trace: str = "", *, lost: bool = False) -> None:
        super().__init__(error)
        self.error, self.trace, self.lost = error, trace, lost


@dataclass
class MethodProcess:
    """A process for one call of a method, forked from a clean template.

    Parameters
    ----------
    server : str
        The module whose function ``serve(channel)`` runs in the process.
    timeout : float, optional
        Seconds after which the process is killed.
    preload : tuple of str
        Packages that its template has imported.
    environ : dict
        Environment variables to set.
    folder : str, optional
        Its working directory, if that exists; by default that of this process.
    """

    server: str
    timeout: float | None = None
    preload: tuple[str, ...] = ()
    environ: dict[str, str] = field(default_factory=dict)
    folder: str | None = None

    def __enter__(self) -> MethodProcess:
        """Start the process."""
        ours, theirs = socket.socketpair()
        self.channel = Channel(ours)
        self._output, log = os.pipe()
        self._kept, self._dropped = bytearray(), 0
        self._late = False
        try:
            made = (_forked if CAN_FORK else _spawned)(self.preload, theirs, log)
            self._template: _Template | _Interpreter = made[0]
            self._pid = made[1]
        finally:
            theirs.close()
            os.close(log)
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        self._timer = None
        if self.timeout is not None:
            self._timer = threading.Timer(max(self.timeout, 0), self._kill)
            self._timer.daemon = True
            self._timer.start()
        start = {"server": self.server, "folder": self.folder or os.getcwd(), "path": sys.path}
        with suppress(OSError):  # it has died already: the first request will tell
            self.channel.send({**start, "environ": self.environ})
        return self

    def __exit__(self, *error: object) -> None:
        """Kill the process and all that it has started."""
        self._end()

    def request(self, header: dict[str, Any], *arrays: np.ndarray, max_bytes: float = 0) -> Message:
        """Send a message and return the answer.

        Raises
        ------
        MethodFailed
            If the answer is an error, or the process was killed at its deadline or ended.
        """
        with suppress(OSError):  # it has died: receiving tells how
            self.channel.send(header, *arrays)
        return self.receive(max_bytes)

    def receive(self, max_bytes: float = 0) -> Message:
        """Return the next message, whose arrays have at most ``max_bytes`` bytes; see `request`."""
        try:
            answer = self.channel.receive(max_bytes)
        except BadMessage as bad:
            error = f"BadEstimate: the process of the method sent no valid answer: {bad}"
            raise MethodFailed(error) from None
        except (EOFError, OSError):
            how = self._end()
            if self._late:
                error = f"TimeoutError: longer than {self.timeout:g} s"
                raise MethodFailed(error) from None
            raise MethodFailed(f"WorkerDied: {how}", lost=True) from None
        if "error" in answer.header:
            error, trace = (str(answer.header.get(key, "")) for key in ("error", "trace"))
            raise MethodFailed(error[:MAX_TEXT], trace[-MAX_TEXT:])
        return answer

    @property
    def log(self) -> str:
        """What the process has printed, after it ended; of much output, the beginning."""
        text = self._kept.decode("utf-8", "replace")
        return f"{text}\n[{self._dropped} more bytes]\n" if self._dropped else text

    def _kill(self) -> None:
        self._late = True
        self._template.kill(self._pid)
        with suppress(OSError):  # a process that it has started may keep the connection open
            self.channel.socket.shutdown(socket.SHUT_RDWR)

    def _end(self) -> str:
        """End the process if it has not been ended; return how it ended."""
        if self._pid:
            if self._timer is not None:
                self._timer.cancel()
                self._timer.join()
            self.channel.close()
            self._how = how_it_ended(self._template.end(self._pid))
            self._pid = 0
            self._reader.join(PATIENCE_S)
        return self._how

    def _read_log(self) -> None:
        with suppress(OSError):
            while content := os.read(self._output, 2**16):
                kept = content[: max(MAX_LOG - len(self._kept), 0)]
                self._kept += kept
                self._dropped += len(content) - len(kept)
        os.close(self._output)


class _Template:
    """The owner's side of a template: see `sigbench.benchmark.isolation.template`."""

    def __init__(self, control: socket.socket, process: Any = None) -> None:
        self._control = control
        self._process = process  # kept, because multiprocessing waits for it
        atexit.register(self.close)  # before multiprocessing waits

    def fork(self, channel: socket.socket, log: int) -> int:
        socket.send_fds(self._control, [template.FORK], [channel.fileno(), log])
        return self._answer()

    def kill(self, pid: int) -> None:
        for kill in (os.killpg, os.kill):
            with suppress(ProcessLookupError, PermissionError):
                kill(pid, signal.SIGKILL)

    def derive(self, preload: tuple[str, ...]) -> _Template:
        """Return a copy that imports more packages."""
        ours, theirs = socket.socketpair()
        socket.send_fds(self._control, [template.DERIVE], [theirs.fileno()])
        self._control.sendall(" ".join(preload).encode())
        theirs.close()
        return _Template(ours)

    def end(self, pid: int) -> int:
        try:
            self._control.sendall(template.END)
            return self._answer()
        except (EOFError, OSError):  # the method has killed the template
            self.kill(pid)
            self.close()
            return -signal.SIGKILL

    def close(self) -> None:
        self._control.close()
        _TEMPLATES.forget(self)

    def _answer(self) -> int:
        answer = self._control.recv(template.NUMBER.size, socket.MSG_WAITALL)
        if not answer:
            raise EOFError
        number: int = template.NUMBER.unpack(answer)[0]
        return number


class _Interpreter:
    """A method process that is a new interpreter."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def kill(self, pid: int) -> None:
        self._process.kill()

    def end(self, pid: int) -> int:
        self._process.kill()
        return self._process.wait()


class _Templates(threading.local):
    """The templates of a thread, by what they have imported."""

    def __init__(self) -> None:
        self.ready: dict[tuple[str, ...], _Template] = {}

    def forget(self, gone: _Template) -> None:
        for key in [key for key, one in self.ready.items() if one is gone]:
            del self.ready[key]


_TEMPLATES = _Templates()


def fork_template() -> None:
    """Fork the template of a worker, while it has one thread and no data."""
    if not CAN_FORK:
        return
    ours, theirs = socket.socketpair()
    if not os.fork():
        try:
            ours.close()
            template.serve(theirs)
        finally:
            os._exit(0)
    theirs.close()
    _TEMPLATES.ready[()] = _Template(ours)


def _started() -> _Template:
    """Return a new template, from a process without threads and data."""
    ours, theirs = socket.socketpair()
    if multiprocessing.current_process().daemon:  # as workers of Dask; it starts no process
        command = [sys.executable, "-m", template.__name__]
        process: Any = subprocess.Popen(command, stdin=theirs.fileno())
    else:
        process = context().Process(target=template.serve, args=(theirs,))
        prepare()
        with without_main():
            process.start()
    theirs.close()
    return _Template(ours, process)


def _spawned(
    preload: tuple[str, ...], channel: socket.socket, log: int
) -> tuple[_Interpreter, int]:
    """Return a new interpreter, which imports what it needs, and its ID."""
    threads = {f"{library}_NUM_THREADS": "1" for library in template.LIBRARIES}
    shares = sys.platform == "win32"
    process = subprocess.Popen(
        [sys.executable, "-m", template.__name__, "method"],
        stdin=subprocess.PIPE if shares else channel.fileno(),
        stdout=log,
        stderr=log,
        env={**os.environ, **threads},
    )
    if sys.platform == "win32":
        assert process.stdin is not None
        process.stdin.write(channel.share(process.pid))
        process.stdin.close()
    return _Interpreter(process), process.pid


def _forked(preload: tuple[str, ...], channel: socket.socket, log: int) -> tuple[_Template, int]:
    """Return a template and the ID of a process that it has forked."""
    ready = _TEMPLATES.ready
    for _ in range(2):
        with suppress(EOFError, OSError):
            if () not in ready:
                ready[()] = _started()
            if preload not in ready:
                ready[preload] = ready[()].derive(preload)
            return ready[preload], ready[preload].fork(channel, log)
        for known in list(ready.values()):  # a method has killed a template
            known.close()
    raise MethodFailed("WorkerDied: no process can be started for the method", lost=True)
