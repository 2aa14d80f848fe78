"""Writing of files: completely, or not at all."""

from __future__ import annotations

import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from sigbench.core.errors import InputError

if sys.platform != "win32":
    import fcntl

UNFINISHED = ".sigbench-unfinished"  # suffix of a file that is being written
MAX_NAME = 40  # characters of the name of a file that its temporary file repeats


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file completely, or leave it as it was.

    The data go to a temporary file in the same folder, which is renamed when it is complete. A
    symbolic link stays: the file that it points to is written. An existing file keeps its mode; a new
    one gets that of the umask. Hard links are separated: other names keep the old content.
    Temporary files that killed processes have left in the folder are deleted.

    Parameters
    ----------
    path : Path
        The file.
    data : bytes
        Its new content.

    Raises
    ------
    InputError
        If there is something else than a file, such as a folder or a pipe.
    OSError
        If the file cannot be written. The error names ``path``.
    """
    with atomic_file(path) as file:
        file.write(data)


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that replaces ``path`` when the ``with`` block ends without an error.

    The rules of `write_atomically` apply. After an error, or Ctrl-C, ``path`` is as it was.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    InputError
        If there is something else than a file, such as a folder or a pipe.
    OSError
        If the file cannot be written. The error names ``path``.
    """
    check_replaceable(path)
    try:
        target = Path(os.path.realpath(path))
        remove_unfinished(target.parent)
        with _renamed_at_end(target) as file:
            yield file
    except OSError as error:  # some, such as a full disk, carry no file name
        raise OSError(error.errno, error.strerror, str(path)) from error


def check_replaceable(path: Path) -> None:
    """Check that there is a regular file, or nothing, at a path that is going to be written.

    Raises
    ------
    InputError
        If there is something else, such as a folder, a pipe or a device.

    Examples
    --------
    >>> check_replaceable(Path(os.sep))
    Traceback (most recent call last):
    sigbench.core.errors.InputError: / is a folder
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:  # also a link to a file that does not exist yet
        return
    if stat.S_ISDIR(mode):
        raise InputError(f"{path} is a folder")
    if not stat.S_ISREG(mode):
        raise InputError(f"{path} is not a regular file")


def check_own(path: Path, marker: str, otherwise: str) -> None:
    """Check that a path can be written: nothing is there, or a file that sigbench wrote.

    Parameters
    ----------
    path : Path
        The file.
    marker : str
        The first characters of a file that sigbench wrote.
    otherwise : str
        What another file is, for the error.

    Raises
    ------
    InputError
        If there is something else.
    """
    check_replaceable(path)
    data = marker.encode()
    if path.exists():
        with path.open("rb") as file:
            if file.read(len(data)) != data:
                raise InputError(f"{path} exists and {otherwise}: choose another file")


def append(path: Path, text: str) -> None:
    """Append text to a file."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def remove_unfinished(folder: Path) -> None:
    """Delete the temporary files in a folder that no process is writing any more.

    Parameters
    ----------
    folder : Path
        The folder; it may not exist.
    """
    if sys.platform == "win32" or not folder.is_dir():  # Windows: a lock would prevent renaming
        return
    with suppress(PermissionError):  # a folder that may be written but not listed
        for name in os.listdir(folder):
            if name.startswith(".") and name.endswith(UNFINISHED):
                _remove_if_unlocked(folder / name)


@contextmanager
def _renamed_at_end(target: Path) -> Iterator[BinaryIO]:
    try:
        mode = stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        mode = None
    handle, temporary = _create(target, 0o666 if mode is None else 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            if mode is not None:
                os.chmod(temporary, mode)
            os.fsync(handle)
            if sys.platform != "win32":  # while it is locked
                os.replace(temporary, target)
        if sys.platform == "win32":  # an open file cannot be renamed
            os.replace(temporary, target)
    finally:  # remove the temporary file if it was not renamed, also on Ctrl-C
        temporary.unlink(missing_ok=True)


def _create(target: Path, mode: int) -> tuple[int, Path]:
    """Create and lock the temporary file of a target; return its descriptor and path.

    The umask reduces the mode. The system releases the lock when the process ends, even if it is
    killed.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        name = f".{target.name[:MAX_NAME]}.{secrets.token_hex(6)}{UNFINISHED}"
        temporary = target.with_name(name)
        handle = os.open(temporary, flags, mode)
        if sys.platform == "win32":
            return handle, temporary
        with suppress(OSError):  # a file system without locks: its files are never removed
            fcntl.flock(handle, fcntl.LOCK_EX)
        if temporary.exists():
            return handle, temporary
        os.close(handle)  # before it was locked, another process has removed it


def _remove_if_unlocked(path: Path) -> None:
    """Delete a temporary file unless a process is writing it."""
    assert sys.platform != "win32"
    with suppress(OSError):  # locked, renamed in the meantime, or the file of another user
        handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        finally:
            os.close(handle)
