"""Reading archives and pickles of which nothing is believed: nothing is written, nothing is run."""

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

# Opcodes that import or call without the name in GLOBAL; pickles of protocol 2 of data have none.
CALLS = {"INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "STACK_GLOBAL", "EXT1", "EXT2", "EXT4", "PERSID"}


def members(path: Path, wanted: Mapping[str, int], most: int) -> Iterator[tuple[str, bytes]]:
    """Yield members of a ``.tar.gz`` by name, in the archive's order.

    Parameters
    ----------
    path : Path
        The archive.
    wanted : mapping of str to int
        Names, and how many bytes each may have at most.
    most : int
        How many bytes the whole archive may unpack to.

    Raises
    ------
    InputError
        For a file that is no such archive, or cut; for members that are missing, there twice or
        too large; and where any member is a link or a device or would lie outside of a folder
        that the archive were unpacked into.
    """
    missing = set(wanted)
    try:
        with gzip.open(path) as plain, _tar(_Bounded(plain, most)) as archive:
            for member in archive:
                _refuse(member)
                if member.name not in wanted:
                    continue
                if member.name not in missing:
                    raise InputError(f"the archive holds {member.name!r} twice")
                if member.size > wanted[member.name]:
                    raise InputError(
                        f"the archive's {member.name!r} has {member.size} bytes: "
                        f"it may have {wanted[member.name]}"
                    )
                missing.remove(member.name)
                content = archive.extractfile(member)
                assert content is not None  # it is a plain file
                yield member.name, content.read()
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise InputError(f"the archive cannot be read: {error}") from None
    if missing:
        raise InputError(f"the archive holds no {min(missing)!r}")


def _tar(stream: Any) -> tarfile.TarFile:
    return tarfile.open(fileobj=stream, mode="r|")


def _refuse(member: tarfile.TarInfo) -> None:
    name = member.name
    if name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or ":" in name:
        raise InputError(f"the archive holds {name!r}, which leads out of its folder: refused")
    if not (member.isreg() or member.isdir()) or member.issparse():
        raise InputError(f"the archive holds {name!r}, a link or a device: refused")


class _Bounded:
    """A stream that ends with an error where it is longer than it may be."""

    def __init__(self, stream: gzip.GzipFile, most: int) -> None:
        self.stream, self.left = stream, most

    def read(self, size: int) -> bytes:
        data = self.stream.read(min(size, self.left + 1))
        self.left -= len(data)
        if self.left < 0:
            raise InputError("the archive unpacks to more than the declared bytes: refused")
        return data


def opcodes(pickle: bytes, admitted: Collection[str]) -> Iterator[tuple[str, object]]:
    r"""Yield name and argument of a pickle's opcodes, none of which is executed.

    Parameters
    ----------
    pickle : bytes
        The pickle.
    admitted : collection of str
        The names that it may import, such as ``numpy.dtype``.

    Raises
    ------
    InputError
        Where it imports anything else, or is no pickle.

    Examples
    --------
    >>> [name for name, _ in opcodes(b"I1\n.", ())]
    ['INT', 'STOP']
    >>> list(opcodes(b"cposix\nsystem\n.", ()))
    Traceback (most recent call last):
    sigbench.core.errors.InputError: the pickle holds code, 'posix.system': refused
    """
    try:
        for opcode, argument, _ in pickletools.genops(pickle):
            imported = str(argument).replace(" ", ".")
            if opcode.name == "GLOBAL" and imported not in admitted:
                raise InputError(f"the pickle holds code, {imported!r}: refused")
            if opcode.name in CALLS:
                raise InputError(f"the pickle holds code, the opcode {opcode.name}: refused")
            yield opcode.name, argument
    except InputError:
        raise
    except (ValueError, IndexError, OverflowError) as error:
        raise InputError(f"the pickle cannot be read: {error}") from None
