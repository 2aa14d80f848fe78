"""TIFF files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from sigbench.core.errors import InputError
from sigbench.core.media.content import DEFLATE, MAX_PIXELS, Content, check_size, decoding
from sigbench.core.media.image import image_content

PHOTOMETRIC = ("MINISBLACK", "RGB")
# Largest number of bytes that a byte unpacks to. LZW: 4096 codes of 12 bits, each a byte longer.
COMPRESSIONS = {
    "NONE": 1,
    "PACKBITS": 64,
    "LZW": 1400,
    "DEFLATE": DEFLATE,
    "ADOBE_DEFLATE": DEFLATE,
}
SIZES = (
    "imagewidth",
    "imagelength",
    "imagedepth",
    "tilewidth",
    "tilelength",
    "tiledepth",
    "samplesperpixel",
    "bitspersample",
)


def read_tiff(path: Path) -> Content:
    """Read a TIFF file with one frame.

    Raises
    ------
    InputError
        If it is damaged, or has several frames or an unsupported layout.
    """
    import tifffile

    size = path.stat().st_size
    with decoding(path, "TIFF"), path.open("rb") as file, tifffile.TiffFile(file) as tiff:
        page: Any = tiff.pages.first
        frames, photometric = len(tiff.pages), _name(page.photometric)
        if frames > 1:
            raise InputError(f"{path} has {frames} frames: it must have one")
        if photometric not in PHOTOMETRIC:
            raise InputError(
                f"{path} has photometric type {photometric}: it must be {' or '.join(PHOTOMETRIC)}"
            )
        _check_sizes(path, page, size)
        pixels = page.asarray(maxworkers=1)
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (1, 2, 3, 4)):
        raise InputError(f"{path} has shape {pixels.shape}: it must be (H, W) or (H, W, 1 to 4)")
    return image_content(pixels, path)


def _name(value: Any) -> str:
    """Return the name of an enumerated value; an unknown value is a number."""
    return str(getattr(value, "name", value))


def _check_sizes(path: Path, page: Any, size: int) -> None:
    """Compare the sizes of the image and of its tiles or strips with the size of the file."""
    compression = _name(page.compression)
    if compression not in COMPRESSIONS:
        raise InputError(
            f"{path} has compression {compression}: it must be one of {', '.join(COMPRESSIONS)}"
        )
    numbers = {name: getattr(page, name) for name in SIZES}
    for name, value in numbers.items():
        if not isinstance(value, int):
            raise InputError(f"{path} has {name} {str(value)[:40]!r}: it must be a whole number")
    width, length, depth, *tiles, samples, bits = numbers.values()
    pixels, tile = width * length * depth, math.prod(tiles)
    ratio = COMPRESSIONS[compression]
    if ratio > 1:
        check_size(path, max(pixels, tile), MAX_PIXELS, "pixels")
    check_size(path, max(pixels, tile) * samples * bits // 8, ratio * size, "bytes of pixels")
    check_size(path, math.prod(page.chunked), len(page.dataoffsets), "tiles or strips")
    check_size(path, sum(page.databytecounts), size, "bytes of tiles or strips")
