"""Writing of files: completely, or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

UNFINISHED = ".sigbench-unfinished"  # suffix of a file that is being written


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file completely, or leave it as it was."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=UNFINISHED)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except OSError as error:  # some, such as a full disk, carry no file name
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:  # remove the temporary file if it was not renamed, also on Ctrl-C
        Path(name).unlink(missing_ok=True)


def append(path: Path, text: str) -> None:
    """Append text to a file."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
