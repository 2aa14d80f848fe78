"""A lock that prevents two runs from writing to one folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from sigbench.core.errors import InputError

if sys.platform != "win32":
    import fcntl

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


@contextmanager
def unchanged(path: Path) -> Iterator[None]:
    """Prevent runs from writing to a run folder while its cells are read.

    Several processes can read a folder at the same time. A folder that the user may not write to
    cannot be locked; it is read as it is.

    Parameters
    ----------
    path : Path
        The run folder.

    Raises
    ------
    InputError
        If a run is writing to the folder.
    """
    if sys.platform == "win32" or not os.access(path / LOCK, os.R_OK | os.W_OK):
        yield
        return
    with (path / LOCK).open("r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{path} is being written by a run: wait until it has finished"
            ) from None
        yield
