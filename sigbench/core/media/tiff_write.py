"""Other pixels in a TIFF file whose tags and pages stay as they are."""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError

OFFSETS, COUNTS = (273, 324), (279, 325)  # tags of strips and of tiles
TYPES = {3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}  # formats of whole numbers, by their code
HORIZONTAL, FLOATING = 2, 3  # predictors
SEPARATE = 2  # planar configuration: each sample is an image of its own
LSB_TO_MSB = 2  # fill order


class Entry(NamedTuple):
    """Where a tag is in the file."""

    offset: int
    values: int
    type: int
    length: int


@dataclass(frozen=True)
class Layout:
    """How the pixels of a page are stored.

    Attributes
    ----------
    byteorder : {"<", ">"}
        Byte order of the file.
    big : bool
        Whether offsets have 64 bits (BigTIFF).
    offsets, counts : tuple of int
        Where the strips or tiles are, and their numbers of bytes.
    entries : tuple of Entry
        The tags with these numbers.
    rows, columns : int
        Size of a strip or tile.
    tiled : bool
        Whether each segment has the full size, also at the edges of the image.
    separate : bool
        Whether each sample of a pixel has its own segments.
    bits : int
        Bits of a sample.
    compression : str
        Name of the compression.
    predictor : int
        1: none; 2: differences; 3: differences of the bytes of floats.
    reversed : bool
        Whether the bits of each byte are stored in reverse order.
    """

    byteorder: Literal["<", ">"]
    big: bool
    offsets: tuple[int, ...]
    counts: tuple[int, ...]
    entries: tuple[Entry, ...]
    rows: int
    columns: int
    tiled: bool
    separate: bool
    bits: int
    compression: str
    predictor: int
    reversed: bool


def layout_of(page: Any) -> Layout:
    """Return how the pixels of a page of tifffile are stored."""
    tags = [page.tags.get(code) for codes in (OFFSETS, COUNTS) for code in codes]
    entries = [
        Entry(tag.offset, tag.valueoffset, int(tag.dtype), tag.count)
        for tag in tags
        if tag is not None and int(tag.dtype) in TYPES
    ]
    length, width = page.imagelength, page.imagewidth
    return Layout(
        page.parent.byteorder,
        page.parent.is_bigtiff,
        tuple(page.dataoffsets),
        tuple(page.databytecounts),
        tuple(entries),
        page.tilelength if page.is_tiled else min(page.rowsperstrip or length, length),
        page.tilewidth if page.is_tiled else width,
        page.is_tiled,
        page.planarconfig == SEPARATE and page.samplesperpixel > 1,
        page.bitspersample,
        str(page.compression.name),
        int(page.predictor),
        page.fillorder == LSB_TO_MSB,
    )


def with_pixels(data: bytes, layouts: Sequence[Layout], samples: NDArray[Any]) -> bytes:
    """Return a TIFF file with other pixels.

    A strip or tile that needs no more bytes than before is written in its place, a larger one at
    the end of the file. Nothing else changes but the numbers that say where they are.

    Parameters
    ----------
    data : bytes
        The file.
    layouts : sequence of Layout
        How each page is stored.
    samples : array, shape (pages, H, W, S)
        The samples of all pages, as they are stored.

    Raises
    ------
    InputError
        If the file does not say where its strips are.

    References
    ----------
    Adobe, "TIFF Revision 6.0", sections 2, 13 to 15; "TIFF Technical Note 3".
    """
    out = bytearray(data)
    shared = _overlap(layouts)
    for layout, page in zip(layouts, samples, strict=True):
        offsets, counts = list(layout.offsets), list(layout.counts)
        for index, segment in enumerate(_segments(layout, page)):
            encoded = _encoded(layout, segment)
            if shared or len(encoded) > counts[index]:
                out += b"\0" * (len(out) % 2)  # offsets are even
                offsets[index] = len(out)
                out += encoded
            else:
                out[offsets[index] : offsets[index] + len(encoded)] = encoded
            if layout.compression != "NONE" or offsets[index] != layout.offsets[index]:
                counts[index] = len(encoded)
        changes = ((layout.offsets, offsets), (layout.counts, counts))
        for place, (old, new) in enumerate(changes):
            if tuple(new) != old:
                if len(layout.entries) != 2 or layout.entries[place].length != len(new):
                    raise InputError("the file does not say how long its strips or tiles are")
                _set(out, layout, layout.entries[place], new)
    return bytes(out)


def _overlap(layouts: Sequence[Layout]) -> bool:
    """Return whether strips or tiles share bytes: then none can be written in its place."""
    places = sorted(
        (offset, offset + count)
        for layout in layouts
        for offset, count in zip(layout.offsets, layout.counts, strict=False)
    )
    return any(one[1] > two[0] for one, two in itertools.pairwise(places))


def _segments(layout: Layout, page: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield the strips or tiles of a page, shape ``(rows, columns, samples)``, in their order."""
    planes = np.moveaxis(page, -1, 0)[..., None] if layout.separate else page[None]
    height, width = page.shape[:2]
    for plane in planes:
        for top in range(0, height, layout.rows):
            for left in range(0, width, layout.columns):
                part = plane[top : top + layout.rows, left : left + layout.columns]
                if layout.tiled:
                    missing = (layout.rows - part.shape[0], layout.columns - part.shape[1])
                    part = np.pad(part, ((0, missing[0]), (0, missing[1]), (0, 0)), "edge")
                yield np.ascontiguousarray(part)


def _encoded(layout: Layout, segment: NDArray[Any]) -> bytes:
    """Return a strip or tile as it is stored."""
    import imagecodecs

    rows = len(segment)
    stored = segment.dtype.newbyteorder(layout.byteorder)
    if layout.bits % 8:
        raw = packed(segment.reshape(rows, -1), layout.bits)
    elif layout.predictor == HORIZONTAL:
        whole = segment.view(f"u{segment.dtype.itemsize}")
        change = np.diff(whole, axis=1, prepend=np.zeros_like(whole[:, :1]))
        raw = change.astype(change.dtype.newbyteorder(layout.byteorder)).tobytes()
    elif layout.predictor == FLOATING:
        raw = _float_differences(segment)
    else:
        raw = segment.astype(stored).tobytes()
    if layout.compression == "PACKBITS":
        step = len(raw) // rows
        raw = b"".join(
            imagecodecs.packbits_encode(raw[start : start + step])
            for start in range(0, len(raw), step)
        )
    elif layout.compression == "LZW":
        raw = bytes(imagecodecs.lzw_encode(raw))
    elif layout.compression in ("DEFLATE", "ADOBE_DEFLATE"):
        raw = zlib.compress(raw)
    if layout.reversed:
        bits = np.unpackbits(np.frombuffer(raw, np.uint8))
        raw = np.packbits(bits, bitorder="little").tobytes()
    return bytes(raw)


def packed(rows: NDArray[Any], bits: int) -> bytes:
    """Return whole numbers of ``bits`` bits each, the most significant first; rows end with a byte.

    Examples
    --------
    >>> packed(np.array([[1, 0, 1], [0, 0, 1]]), 1).hex(), packed(np.array([[0xABC]]), 12).hex()
    ('a020', 'abc0')
    """
    places = np.arange(bits - 1, -1, -1, dtype=rows.dtype)
    single = (rows[..., None] >> places) & 1
    return np.packbits(single.reshape(len(rows), -1).astype(np.uint8), axis=1).tobytes()


def _float_differences(segment: NDArray[Any]) -> bytes:
    """Return floats in the form of predictor 3: the bytes of a row by significance, differenced."""
    rows, columns, samples = segment.shape
    size = segment.dtype.itemsize
    parts = segment.astype(segment.dtype.newbyteorder(">")).view(np.uint8)
    parts = parts.reshape(rows, columns * samples, size).transpose(0, 2, 1)
    whole = np.ascontiguousarray(parts).reshape(rows, -1, samples)
    return np.diff(whole, axis=1, prepend=np.zeros_like(whole[:, :1])).tobytes()


def _set(out: bytearray, layout: Layout, entry: Entry, values: Sequence[int]) -> None:
    """Replace the numbers of a tag; if its type is too small for them, by a larger type."""
    code = entry.type
    form = TYPES[code]
    if max(values) >= 256 ** struct.calcsize(form):
        code = 16 if layout.big else 4
        form = TYPES[code]
    if max(values) >= 256 ** struct.calcsize(form):
        raise InputError("the output would be larger than 4 GB: save the input as BigTIFF")
    packed = struct.pack(f"{layout.byteorder}{len(values)}{form}", *values)
    if code == entry.type:
        out[entry.values : entry.values + len(packed)] = packed
        return
    # An entry is the tag, the type, the number of values, and the values or where they are.
    word = "Q" if layout.big else "I"
    inline = struct.calcsize(word)
    struct.pack_into(f"{layout.byteorder}H", out, entry.offset + 2, code)
    if len(packed) > inline:
        out += b"\0" * (len(out) % 2)
        place = struct.pack(layout.byteorder + word, len(out))
        out += packed
    else:
        place = packed.ljust(inline, b"\0")
    at = entry.offset + 4 + inline
    out[at : at + inline] = place
