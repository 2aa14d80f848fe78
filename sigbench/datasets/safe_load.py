"""Safe reading of untrusted archives and pickles: nothing is extracted or executed."""

from __future__ import annotations

import contextlib
import gzip
import pickletools
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from sigbench.core.errors import InputError

# Opcodes that import or call without GLOBAL; protocol-2 pickles of plain data contain none.
CALLS = {"INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "STACK_GLOBAL", "EXT1", "EXT2", "EXT4", "PERSID"}
BROKEN = (  # what the decoders raise for a broken file
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    ArithmeticError,
    RuntimeError,
)
# The records at the end of a zip archive; a comment of at most 65,535 bytes may follow the last.
_END, _LOCATOR = b"PK\5\6", b"PK\6\7"
_END_BYTES = 20 + 22 + 2**16


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
    with (
        _decoding("the archive cannot be read"),
        gzip.open(path) as plain,
        _tar(_Bounded(plain, max_bytes)) as archive,
    ):
        for member in archive:
            _check_member(member)
            if member.name not in wanted or member.isdir():
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
    if missing:
        raise InputError(f"the archive does not contain {min(missing)!r}")


@contextlib.contextmanager
def _decoding(message: str) -> Iterator[None]:
    """Report what a decoder raises for a broken file as an `InputError`."""
    try:
        yield
    except InputError:
        raise
    except BROKEN as error:
        raise InputError(f"{message}: {' '.join(str(error).split())[:200]}") from None


def _tar(stream: Any) -> tarfile.TarFile:
    return tarfile.open(fileobj=stream, mode="r|")


def _check_member(member: tarfile.TarInfo) -> None:
    name = member.name
    _check_name(name)
    if not (member.isreg() or member.isdir()) or member.issparse():
        raise InputError(f"the archive contains {name!r}, a link or a device: refused")


def _check_name(name: str) -> None:
    if not name or name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or ":" in name:
        raise InputError(
            f"the archive contains {name[:100]!r}, which leads outside its folder: refused"
        )


def check_directory(path: Path, max_bytes: int) -> None:
    """Check the size of the directory of a zip archive, which zipfile reads as a whole.

    A file of 250 MiB can list five million files, which take gigabytes of memory.

    Parameters
    ----------
    path : Path
        Path of the archive.
    max_bytes : int
        Maximum size of its directory.

    Raises
    ------
    InputError
        If the directory is larger, or has the form for more than 65,535 files or 4 GiB (ZIP64).
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _END_BYTES))
        tail = file.read(_END_BYTES)
    # The end record is found as by zipfile: at the very end, otherwise before a comment.
    plain = tail[-22:-18] == _END and tail[-2:] == b"\0\0"
    at = len(tail) - 22 if plain else tail.rfind(_END)
    if at < 0 or len(tail) - at < 22:
        return  # it is not a zip archive, as zipfile will say
    if tail[max(0, at - 20) : at].startswith(_LOCATOR):
        raise InputError("it is a zip archive in the form for very large files (ZIP64): refused")
    (length,) = struct.unpack_from("<I", tail, at + 12)
    if length > max_bytes:
        raise InputError(f"its directory has {length:,} bytes: the limit is {max_bytes:,}")


def zip_members(path: Path, max_bytes: int) -> list[zipfile.ZipInfo]:
    """Return the files in a zip archive, without reading them.

    Parameters
    ----------
    path : Path
        Path of the archive.
    max_bytes : int
        Maximum unpacked size of the whole archive.

    Raises
    ------
    InputError
        If the file is not such an archive or is truncated, if its files are larger, encrypted or
        compressed by another method than deflate, or if any member is duplicated, is a link, or
        has a path that leads outside the folder.
    """
    with _decoding("it is not a zip archive, or it is truncated"), zipfile.ZipFile(path) as archive:
        found = archive.infolist()
    seen: set[str] = set()
    for member in found:
        name = member.filename
        _check_name(name)
        if name in seen:
            raise InputError(f"the archive contains {name!r} twice")
        seen.add(name)
        if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise InputError(f"the archive contains {name!r}, a link or a device: refused")
        if member.flag_bits & 1 or member.compress_type not in (
            zipfile.ZIP_STORED,
            zipfile.ZIP_DEFLATED,
        ):
            raise InputError(
                f"the archive contains {name!r}, which is encrypted or not compressed by deflate"
            )
    if sum(member.file_size for member in found) > max_bytes:
        raise InputError("it unpacks to more bytes than declared: refused")
    return [member for member in found if not member.is_dir()]


def zip_content(path: Path, member: zipfile.ZipInfo, max_bytes: int) -> bytes:
    """Return the content of a file in a zip archive.

    Raises
    ------
    InputError
        If it is damaged or larger than ``max_bytes``, whatever size the archive declares.
    """
    name = member.filename
    with (
        _decoding(f"{name} cannot be read"),
        zipfile.ZipFile(path) as archive,
        archive.open(member) as stream,
    ):
        content = stream.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise InputError(f"{name} unpacks to more than {max_bytes} bytes: refused")
    return content


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
