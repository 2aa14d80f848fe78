"""A lock that prevents two runs from writing to one folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from sigbench.core.errors import InputError

LOCK = ".lock"


@contextmanager
def locked(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Lock a run folder for writing; create the folder if it does not exist.

    The operating system releases the lock when the process ends, even if it is killed.

    Parameters
    ----------
    path : Path
        The run folder.
    wait : bool
        Wait until another run has finished, instead of raising an error.

    Raises
    ------
    InputError
        If another run is using the folder and ``wait`` is False.
    """
    path.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path / LOCK, timeout=-1 if wait else 0)
    try:
        lock.acquire()
    except Timeout:
        raise InputError(f"{path} is in use by another run: wait until it has finished") from None
    try:
        yield
    finally:
        lock.release()
