"""What a format gives to the harness."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MB = 2**20


@dataclass(frozen=True)
class Target:
    """A reader and good files for it.

    Parameters
    ----------
    file : str
        Name of the file that is read; its suffix selects the reader.
    read : callable
        ``read(path)``. The file is alone in a folder, in which the reader may write.
    good : callable
        Returns good files: they must be read without an error.
    tokens : tuple of bytes
        Parts of the format that are inserted and repeated, such as names of chunks.
    strategy : hypothesis strategy of bytes, optional
        Makes whole files; every fourth case is one of them.
    repair : callable, optional
        ``repair(data)`` corrects checksums, so that a damaged file reaches the inner reader.
    modules : tuple of str
        Modules that the reader imports; they are imported once, before the cases.
    memory, per_byte : int
        A read may use ``memory + per_byte * len(data)`` bytes.
    """

    file: str
    read: Callable[[Path], Any]
    good: Callable[[], list[bytes]]
    tokens: tuple[bytes, ...] = ()
    strategy: Any = None
    repair: Callable[[bytes], bytes] | None = None
    modules: tuple[str, ...] = ()
    memory: int = 64 * MB
    per_byte: int = 100
