"""Safe reading of untrusted archives and pickles: nothing is extracted or executed."""

from __future__ import annotations

import gzip
import pickletools
import re
import tarfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from sigbench.core.errors import InputError

# Opcodes that import or call without GLOBAL; protocol-2 pickles of plain data contain none.
CALLS = {"INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "STACK_GLOBAL", "EXT1", "EXT2", "EXT4", "PERSID"}


def members(path: Path, wanted: Mapping[str, int], max_bytes: int) -> Iterator[tuple[str, bytes]]:
    """Yield the wanted members of a ``.tar.gz`` archive, in archive order.

    Parameters
    ----------
    path : Path
        Path of the archive.
    wanted : mapping of str to int
        Names, and the maximum size of each in bytes.
    max_bytes : int
        Maximum unpacked size of the whole archive.

    Raises
    ------
    InputError
        If the file is not such an archive or is truncated, if a wanted member is missing,
        duplicated or too large, or if any member is a link, a device, or has a path that leads
        outside the folder.
    """
    missing = set(wanted)
    try:
        with gzip.open(path) as plain, _tar(_Bounded(plain, max_bytes)) as archive:
            for member in archive:
                _check_member(member)
                if member.name not in wanted:
                    continue
                if member.name not in missing:
                    raise InputError(f"the archive contains {member.name!r} twice")
                if member.size > wanted[member.name]:
                    raise InputError(
                        f"the archive contains {member.name!r} with {member.size} bytes: "
                        f"the limit is {wanted[member.name]}"
                    )
                missing.remove(member.name)
                content = archive.extractfile(member)
                assert content is not None  # it is a regular file
                yield member.name, content.read()
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise InputError(f"the archive cannot be read: {error}") from None
    if missing:
        raise InputError(f"the archive does not contain {min(missing)!r}")


def _tar(stream: Any) -> tarfile.TarFile:
    return tarfile.open(fileobj=stream, mode="r|")


def _check_member(member: tarfile.TarInfo) -> None:
    name = member.name
    if name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or ":" in name:
        raise InputError(f"the archive contains {name!r}, which leads outside its folder: refused")
    if not (member.isreg() or member.isdir()) or member.issparse():
        raise InputError(f"the archive contains {name!r}, a link or a device: refused")


class _Bounded:
    """A stream that raises an error if it is longer than ``max_bytes``."""

    def __init__(self, stream: gzip.GzipFile, max_bytes: int) -> None:
        self.stream, self.left = stream, max_bytes

    def read(self, size: int) -> bytes:
        data = self.stream.read(min(size, self.left + 1))
        self.left -= len(data)
        if self.left < 0:
            raise InputError("the archive unpacks to more bytes than declared: refused")
        return data


def opcodes(pickle: bytes, allowed: Collection[str]) -> Iterator[tuple[str, object]]:
    r"""Yield the name and argument of each opcode of a pickle, without executing it.

    Parameters
    ----------
    pickle : bytes
        Content of the pickle.
    allowed : collection of str
        Names that it may import, such as ``numpy.dtype``.

    Raises
    ------
    InputError
        If it imports any other name or is not a pickle.

    Examples
    --------
    >>> [name for name, _ in opcodes(b"I1\n.", ())]
    ['INT', 'STOP']
    >>> list(opcodes(b"cposix\nsystem\n.", ()))
    Traceback (most recent call last):
    sigbench.core.errors.InputError: the pickle contains code, 'posix.system': refused
    """
    try:
        for opcode, argument, _ in pickletools.genops(pickle):
            imported = str(argument).replace(" ", ".")
            if opcode.name == "GLOBAL" and imported not in allowed:
                raise InputError(f"the pickle contains code, {imported!r}: refused")
            if opcode.name in CALLS:
                raise InputError(f"the pickle contains code, the opcode {opcode.name}: refused")
            yield opcode.name, argument
    except InputError:
        raise
    except (ValueError, IndexError, OverflowError) as error:
        raise InputError(f"the pickle cannot be read: {error}") from None
