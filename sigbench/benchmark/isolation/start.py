"""How processes are started: clean, without the caller's script and data."""

from __future__ import annotations

import multiprocessing
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sigbench.benchmark.isolation.template import SERVERS
from sigbench.core.interrupts import blocked

WORKER_MODULES = (
    "sigbench.benchmark.engine.executors.pool",
    "sigbench.benchmark.engine.evaluate",
    *SERVERS,
)


def context() -> Any:
    """Return the start method: fork from a server that has imported the modules, if available.

    Forking this process could copy a lock that one of its threads holds.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    method = multiprocessing.get_context("forkserver")
    method.set_forkserver_preload(list(WORKER_MODULES))
    return method


@contextmanager
def without_main() -> Iterator[None]:
    """Prevent a new process from running the caller's script again, as multiprocessing would.

    The parts of the script that a call needs are sent with the call.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def prepare() -> None:
    """Start the server of workers, so that it imports modules while this process does.

    Signals do not disturb its imports; it ends with this process.
    """
    if context().get_start_method() == "forkserver":
        from multiprocessing import forkserver, resource_tracker

        resource_tracker.ensure_running()  # it would unblock the signals
        with without_main(), blocked():
            forkserver.ensure_running()
