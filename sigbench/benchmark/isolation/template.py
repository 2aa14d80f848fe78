"""A process that has imported sigbench and nothing of a user, and is forked for every method call.

It has one thread and no data. Its owner is a worker, which asks for one method process at a time.
"""

from __future__ import annotations

import functools
import gc
import importlib
import os
import random
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

# What a method process runs, and what is imported before it is forked.
SERVERS = ("sigbench.benchmark.engine.method_process", "sigbench.benchmark.methods.building")
LIBRARIES = ("OMP", "OPENBLAS", "MKL")
FORK, END, DERIVE = b"f", b"e", b"d"
NUMBER = struct.Struct("<i")
MAX_NAMES = 1000  # bytes
_CHILDREN = Path("/proc/thread-self/children")
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def serve(control: socket.socket, preload: Sequence[str] = ()) -> None:
    """Answer requests until the owner closes the connection or ends.

    ``FORK`` comes with the descriptors of a channel and of a log, and is answered by the ID of a
    method process; ``END`` kills this process with all that it has started, and is answered by its
    exit code. ``DERIVE`` comes with the descriptor of a connection, on which a copy of the template
    serves that imports more packages.

    Parameters
    ----------
    control : socket.socket
        The connection to the owner.
    preload : sequence of str
        Packages that are imported once, because they are slow to import.
    """
    os.setsid()  # no signal from a terminal, and no output to one
    _detach(control.fileno())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for library in LIBRARIES:  # that a method loads later
        os.environ[f"{library}_NUM_THREADS"] = "1"
    for name in (*SERVERS, *preload):
        importlib.import_module(name)
    from threadpoolctl import threadpool_limits

    from sigbench.core.distributions import prepare

    threadpool_limits(1)
    gc.freeze()  # a collection in a method process would copy these objects
    if _CHILDREN.exists():
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    pid, derived = 0, set()
    try:
        while True:
            request, descriptors, _, _ = socket.recv_fds(control, 1, 2)
            if request == FORK:
                prepare()  # once; the processes that are forked then need not do it
                pid = _forked(control, functools.partial(_be_method_process, *descriptors))
                control.sendall(NUMBER.pack(pid))
            elif request == DERIVE:
                names = control.recv(MAX_NAMES).decode().split()
                other = socket.socket(fileno=os.dup(descriptors[0]))
                derived.add(_forked(control, functools.partial(serve, other, names)))
                other.close()
            elif request == END:
                code, pid = _end(pid, derived), 0
                control.sendall(NUMBER.pack(code))
            else:
                break
            for descriptor in descriptors:
                os.close(descriptor)
    except OSError:  # the owner has ended
        pass
    finally:
        if pid:
            _end(pid, derived)


def _forked(control: socket.socket, work: Callable[[], None]) -> int:
    """Return the ID of a new process that does some work and ends.

    It does not run what a user registers for the exit.
    """
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        control.close()
        work()
        code = 0
    except BaseException:  # a user's module may have changed what the server uses
        traceback.print_exc()
    finally:
        os._exit(code)


def _be_method_process(channel: int, log: int) -> None:
    """Run a server on a channel."""
    os.setsid()
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for target in (1, 2):
        os.dup2(log, target)
    os.close(log)
    os.set_inheritable(channel, False)
    run(socket.socket(fileno=channel))


def _detach(kept: int) -> None:
    """Redirect all descriptors to the null device, except one and the output.

    A template has the connections of multiprocessing; writing to them would end the run.
    """
    null = os.open(os.devnull, os.O_RDWR)
    for name in os.listdir("/dev/fd"):
        descriptor = int(name)
        if descriptor not in (1, 2, kept):
            with suppress(OSError):  # that of the listing
                os.dup2(null, descriptor, inheritable=descriptor == 0)


def run(connection: socket.socket) -> None:
    """Run the server that the first message names, in its folder and with its path."""
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


def _end(pid: int, spared: Collection[int] = ()) -> int:
    """Kill a process and all that it has started; return its exit code, negative for a signal.

    Parameters
    ----------
    pid : int
        The process.
    spared : collection of int
        Other processes that this one has started.
    """
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    with suppress(ProcessLookupError):  # before it has its own group
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    # The children of a process that has ended become ours.
    while left := set(_children()) - {*spared}:
        for child in left:
            os.kill(child, signal.SIGKILL)
        for child in left:
            os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _children() -> list[int]:
    return [int(pid) for pid in _CHILDREN.read_text().split()] if _CHILDREN.exists() else []


def _prctl(option: int, value: int) -> None:
    """Call prctl, which only Linux has."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(option, value)


def _main(arguments: list[str]) -> None:
    """Serve in a new interpreter, as a template or, without fork, as a method process."""
    if sys.platform == "win32":
        connection = socket.fromshare(sys.stdin.buffer.read())
    else:
        connection = socket.socket(fileno=os.dup(0))
    if not arguments:
        return serve(connection)
    from threadpoolctl import threadpool_limits

    for name in SERVERS:
        importlib.import_module(name)
    threadpool_limits(1)
    return run(connection)


if __name__ == "__main__":
    _main(sys.argv[1:])
