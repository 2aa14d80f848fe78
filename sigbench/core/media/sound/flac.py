"""The metadata blocks of FLAC files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sigbench.core.errors import InputError

STREAMINFO, PADDING, APPLICATION, SEEKTABLE, COMMENTS, CUESHEET, PICTURE = range(7)
MAX_METADATA = 2**26  # bytes


@dataclass(frozen=True)
class Flac:
    """What a FLAC file contains besides its samples.

    Attributes
    ----------
    prefix : bytes
        What comes before the mark ``fLaC``: an ID3 tag, or nothing.
    blocks : tuple of (int, bytes)
        Type and content of each metadata block, the first of which describes the samples.
    audio : int
        Where the samples begin in the file.
    """

    prefix: bytes
    blocks: tuple[tuple[int, bytes], ...]
    audio: int

    def contents(self, kind: int) -> list[bytes]:
        """Return the contents of the blocks of a type."""
        return [content for found, content in self.blocks if found == kind]


def parse_flac(file: BinaryIO, path: Path) -> Flac:
    """Read the metadata blocks of a FLAC file.

    Parameters
    ----------
    file : binary file
        The file, at its beginning.
    path : Path
        Its name, for errors.

    Raises
    ------
    InputError
        If they are damaged.

    References
    ----------
    van Beurden, Weaver, "Free Lossless Audio Codec (FLAC)", RFC 9639 (2024), section 8.
    """
    prefix = b""
    mark = file.read(4)
    if mark[:3] == b"ID3":
        head = mark + file.read(6)
        if len(head) < 10 or any(byte > 127 for byte in head[6:10]):
            raise _invalid(path, "its ID3 tag is damaged")
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        _check(path, size)
        prefix = head + file.read(size)
        mark = file.read(4)
    if mark != b"fLaC":
        raise _invalid(path, "it does not begin as a FLAC file")
    blocks, last, total = [], False, 0
    while not last:
        head = file.read(4)
        size = int.from_bytes(head[1:], "big")
        total += size
        _check(path, total)
        content = file.read(size)
        if len(head) < 4 or len(content) < size:
            raise _invalid(path, "its metadata are truncated")
        blocks.append((head[0] & 127, content))
        last = bool(head[0] & 128)
    if blocks[0][0] != STREAMINFO or len(blocks[0][1]) < 34:
        raise _invalid(path, "it has no block that describes the samples")
    return Flac(prefix, tuple(blocks), file.tell())


def metadata(prefix: bytes, blocks: list[tuple[int, bytes]]) -> bytes:
    """Return the part of a FLAC file before the samples."""
    parts = [prefix, b"fLaC"]
    for number, (kind, content) in enumerate(blocks, 1):
        last = 128 if number == len(blocks) else 0
        parts += [bytes([kind | last]), len(content).to_bytes(3, "big"), content]
    return b"".join(parts)


def _check(path: Path, size: int) -> None:
    if size > MAX_METADATA:
        raise InputError(f"{path} has more than {MAX_METADATA} bytes of metadata")


def _invalid(path: Path, reason: str) -> InputError:
    return InputError(f"{path} cannot be read as sound: {reason}")
