"""The chunks of a PNG file."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
IHDR, PLTE, IDAT, IEND, TRNS = b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS"

Chunk = tuple[bytes, bytes]


def parts(data: bytes) -> tuple[list[Chunk], int]:
    """Return the kind and content of each chunk up to ``IEND``, and where the file goes on.

    Checksums are not checked; a chunk that is cut off is the last.

    References
    ----------
    W3C, "Portable Network Graphics (PNG) Specification", 3rd edition, section 5.

    Examples
    --------
    >>> parts(png_file([(b"IEND", b"")]))
    ([(b'IEND', b'')], 20)
    """
    out, at = list[Chunk](), len(SIGNATURE)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, start = data[at + 4 : at + 8], at + 8
        out.append((kind, data[start : start + length]))
        at = start + length + 4
        if kind == IEND:
            break
    return out, min(at, len(data))


def png_file(chunks: Iterable[Chunk]) -> bytes:
    """Return a PNG file of chunks.

    Examples
    --------
    >>> png_file([(b"IEND", b"")]).hex()
    '89504e470d0a1a0a0000000049454e44ae426082'
    """
    out = [SIGNATURE]
    for kind, body in chunks:
        checksum = zlib.crc32(body, zlib.crc32(kind))
        out += [struct.pack(">I", len(body)), kind, body, struct.pack(">I", checksum)]
    return b"".join(out)


def image_chunks(pixels: NDArray[Any]) -> list[Chunk]:
    """Return the header and the compressed pixels of an image.

    Parameters
    ----------
    pixels : array of uint8 or uint16, shape (H, W, 1 to 4)
        Gray or RGB, with or without opacity.

    Examples
    --------
    >>> [kind for kind, _ in image_chunks(np.zeros((2, 3, 4), np.uint16))]
    [b'IHDR', b'IDAT']
    """
    import imagecodecs

    image = np.ascontiguousarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    chunks, _ = parts(bytes(imagecodecs.png_encode(image, level=6)))
    return [chunk for chunk in chunks if chunk[0] in (IHDR, IDAT)]
