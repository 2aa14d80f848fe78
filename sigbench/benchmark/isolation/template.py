"""A process that has imported sigbench and nothing of a user, and is forked for every method call.

It has one thread and no data. Its owner is a worker, which asks for one method process at a time.
"""

from __future__ import annotations

import importlib
import os
import random
import signal
import socket
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

# What a method process runs, and what is imported before it is forked.
SERVERS = ("sigbench.benchmark.engine.method_process", "sigbench.benchmark.methods.building")
FORK, END = b"f", b"e"
NUMBER = struct.Struct("<i")
_CHILDREN = Path("/proc/thread-self/children")
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def serve(control: socket.socket, preload: Sequence[str] = ()) -> None:
    """Fork method processes until the owner closes the connection or ends.

    ``FORK`` comes with the descriptors of a channel and of a log, and is answered by a process ID;
    ``END`` kills this process with all that it has started, and is answered by its exit code.

    Parameters
    ----------
    control : socket.socket
        The connection to the owner.
    preload : sequence of str
        Packages that are imported once, because they are slow to import.
    """
    os.setsid()  # no signal from a terminal, and no output to one
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for library in ("OMP", "OPENBLAS", "MKL"):  # for libraries that a method loads later
        os.environ[f"{library}_NUM_THREADS"] = "1"
    for name in (*SERVERS, *preload):
        importlib.import_module(name)
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
    if _CHILDREN.exists():
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    pid = 0
    try:
        while True:
            request, descriptors, _, _ = socket.recv_fds(control, 1, 2)
            if request == FORK:
                pid = os.fork()
                if not pid:
                    control.close()
                    _be_method_process(*descriptors)
                for descriptor in descriptors:
                    os.close(descriptor)
                control.sendall(NUMBER.pack(pid))
            elif request == END:
                code = _end(pid)
                pid = 0
                control.sendall(NUMBER.pack(code))
            else:
                break
    except OSError:  # the owner has ended
        pass
    finally:
        if pid:
            _end(pid)


def _be_method_process(channel: int, log: int) -> None:
    """Run a server on a channel, and end without running what a user registered for the exit."""
    try:
        os.setsid()
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        null = os.open(os.devnull, os.O_RDWR)
        for source, target in ((null, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        for descriptor in (null, log):
            os.close(descriptor)
        os.set_inheritable(channel, False)
        run(socket.socket(fileno=channel))
    finally:
        os._exit(0)


def run(connection: socket.socket) -> None:
    """Run the server that the first message names, in the folder and with the path that it gives."""
    import numpy as np

    from sigbench.benchmark.isolation.channel import Channel

    channel = Channel(connection)
    # Child processes of a method must not answer.
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=connection.close)
    random.seed(0)  # a method that uses a global generator gets the same numbers in every process
    np.random.seed(0)  # noqa: NPY002
    with suppress(EOFError, OSError):  # the worker has ended
        start = channel.receive(0).header
        os.environ.update(start["environ"])
        with suppress(FileNotFoundError):  # on a cluster
            os.chdir(start["folder"])
        sys.path[:] = start["path"]
        server: Any = importlib.import_module(start["server"])
        server.serve(channel)


def _end(pid: int) -> int:
    """Kill a process and all that it has started; return its exit code, negative for a signal."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    with suppress(ProcessLookupError):  # before it has its own group
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    with suppress(ChildProcessError):  # none are left
        while True:
            # The children of a process that has ended become ours.
            for child in _children():
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            os.waitpid(-1, 0)
    return os.waitstatus_to_exitcode(status)


def _children() -> list[int]:
    return [int(pid) for pid in _CHILDREN.read_text().split()] if _CHILDREN.exists() else []


def _prctl(option: int, value: int) -> None:
    """Call prctl, which only Linux has."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(option, value)


if __name__ == "__main__":  # in a process that may not use multiprocessing: see `process`
    serve(socket.socket(fileno=os.dup(0)), sys.argv[1:])
