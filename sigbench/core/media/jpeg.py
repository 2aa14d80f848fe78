"""JPEG files."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.media.content import MAX_PIXELS, check_size
from sigbench.core.media.convert import ORIENTATION, Metadata
from sigbench.core.media.picture import Picture, not_kept

PIXELS = 512  # of a byte of the file: at least one bit for each block of 8×8
MAX_SCANS = 64  # of a progressive JPEG; usually 10. Each takes a pass over all pixels
START = b"\xff\xd8"
SCAN, END = 0xDA, 0xD9
APP2, APP14, COMMENT = 0xE2, 0xEE, 0xFE
APPLICATION = range(0xE0, 0xF0)
MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])", re.S)  # not those within a scan
NAMES = {0xE1: "EXIF or XMP", 0xED: "IPTC", COMMENT: "comment"}

Segment = tuple[int, bytes]  # marker, and the segment with its marker


def read_jpeg(path: Path, data: bytes) -> Picture:
    """Read a JPEG file; of several pictures (MPO) the first.

    Raises
    ------
    InputError
        If it is damaged, neither gray nor RGB, or declares more than it can contain.
    """
    from PIL import Image, JpegImagePlugin

    head, start = _head(data)
    several = any(_is_index(segment) for segment in head)
    single = START + b"".join(one for _, one in _kept(head, APP14)) + data[start:]
    with Image.open(io.BytesIO(single), formats=("JPEG",)) as image:
        assert isinstance(image, JpegImagePlugin.JpegImageFile)
        width, height = image.size
        check_size(path, width * height, min(MAX_PIXELS, PIXELS * len(data)), "pixels")
        check_size(path, data.count(b"\xff\xda"), MAX_SCANS, "scans")
        if image.mode not in ("L", "RGB"):
            raise InputError(f"{path} has color mode {image.mode}: it must be one of L, RGB")
        pixels = np.asarray(image).reshape(height, width, -1)
        sampling = JpegImagePlugin.get_sampling(image)
        options = {
            "qtables": [table for _, table in sorted(image.quantization.items())],
            "subsampling": max(sampling, 0),  # -1: neither 4:4:4, 4:2:2 nor 4:2:0
            "progressive": bool(image.info.get("progressive")),
        }
        metadata = _metadata(image, head)
    lost = []
    if several:
        lost.append("the other pictures of the file (MPO)")
    elif _end(data) < len(data):
        lost.append("data after the end of the picture")

    def save(colors: NDArray[Any]) -> bytes:
        buffer = io.BytesIO()
        new = colors[0, ..., 0] if colors.shape[-1] == 1 else colors[0]
        Image.fromarray(new).save(buffer, "JPEG", **options)
        encoded = buffer.getvalue()
        segments, start = _head(encoded)
        tables = b"".join(one for kind, one in segments if not _is_metadata(kind))
        texts = b"".join(one for kind, one in _kept(head) if _is_metadata(kind))
        not_kept(lost)
        return START + texts + tables + encoded[start:]

    return Picture(pixels[None], None, False, 255.0, data, (".jpg", ".jpeg"), save, metadata)


def _head(data: bytes) -> tuple[list[Segment], int]:
    """Return the segments before the first scan, and where that begins.

    References
    ----------
    ITU-T Recommendation T.81, annex B.
    """
    out, at = list[Segment](), len(START)
    while True:
        found = MARKER.match(data, at)
        if found is None or found[1][0] in (SCAN, END):
            return out, at
        end = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
        if end > len(data) or end < found.end() + 2:
            return out, at
        out.append((found[1][0], data[at:end]))
        at = end


def _end(data: bytes) -> int:
    """Return where the first picture of the file ends."""
    at = _head(data)[1]
    while found := MARKER.search(data, at):
        if found[1][0] == END:
            return found.end()
        at = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
    return len(data)


def _is_metadata(marker: int) -> bool:
    return marker in APPLICATION or marker == COMMENT


def _is_index(segment: Segment) -> bool:
    """Return whether a segment is the index of a file with several pictures."""
    return segment[0] == APP2 and segment[1][4:8] == b"MPF\0"


def _kept(head: list[Segment], *color: int) -> list[Segment]:
    """Return the segments that are valid for the first picture alone.

    The one of Adobe (APP14) says how colors are stored; it is valid for the pixels of the input
    only.
    """
    return [one for one in head if not _is_index(one) and (one[0] != APP14 or one[0] in color)]


def _metadata(image: Any, head: list[Segment]) -> Metadata:
    orientation = image.getexif().get(ORIENTATION, 1)
    dpi = image.info.get("dpi")
    return Metadata(
        image.info.get("icc_profile"),
        dpi if dpi and min(dpi) > 0 else None,
        orientation if orientation in range(1, 9) else 1,
        tuple(dict.fromkeys(NAMES[kind] for kind, _ in head if kind in NAMES)),
    )
