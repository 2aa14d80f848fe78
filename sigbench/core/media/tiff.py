"""TIFF files."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import Caution, InputError
from sigbench.core.media.content import (
    DEFLATE,
    MAX_PIXELS,
    Content,
    check_size,
    decoding,
)
from sigbench.core.media.convert import Metadata, converted
from sigbench.core.media.picture import Picture, not_kept
from sigbench.core.media.tiff_write import layout_of, with_pixels

PHOTOMETRIC = ("MINISBLACK", "MINISWHITE", "RGB", "PALETTE")
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
ASSOCIATED, UNASSOCIATED = 1, 2  # kinds of extra samples that are opacity
PREDICTORS = (1, 2, 3)
# Tags that describe the pixels, or that are written in other formats too.
CONVERTED = {
    *(254, 255, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283, 284),
    *(296, 317, 320, 322, 323, 324, 325, 338, 339, 34675),
}
INCHES = {2: 1.0, 3: 2.54}  # per unit of resolution


def read_tiff(path: Path) -> Content:
    """Read a TIFF file; each page is an item.

    Pages of another size or type than the first, and smaller copies of the picture, are kept as
    they are. White-is-zero values are inverted, and palettes replaced by their colors.

    Raises
    ------
    InputError
        If it is damaged, declares more than it can contain, or has an unsupported layout.
    """
    import tifffile

    data = path.read_bytes()
    with decoding(path, "TIFF"), path.open("rb") as file, tifffile.TiffFile(file) as tiff:
        return _picture(path, data, tiff).content(path)


def _picture(path: Path, data: bytes, tiff: Any) -> Picture:
    first: Any = tiff.pages.first
    photometric = _name(first.photometric)
    if photometric not in PHOTOMETRIC:
        raise InputError(
            f"{path} has photometric type {photometric}: it must be one of {', '.join(PHOTOMETRIC)}"
        )
    images, total = (tiff.imagej_metadata or {}).get("images", 1), len(tiff.pages)
    if isinstance(images, int) and images > total:
        raise InputError(f"{path} has {images} images, but {total} pages: save each as a page")
    kind = _kind(first)
    pages = [page.aspage() for page in tiff.pages if _kind(page) == kind]
    _check_pages(path, pages, len(data))
    stored = np.stack([_samples(page) for page in pages])
    n_colors, premultiplied = _colors(path, first, photometric)
    shown, restore, peak = _as_levels(first, photometric, stored[..., :n_colors])
    alpha = stored[..., n_colors:] if n_colors < stored.shape[-1] else None
    layouts = [layout_of(page) for page in pages]
    metadata = _metadata(first)
    noisy = _left_noisy(pages, total)

    def save(colors: NDArray[Any]) -> bytes:
        if photometric == "PALETTE":
            not_kept(["the palette (the output has RGB colors)", *metadata.others])
            kept = Metadata(metadata.icc, metadata.dpi, metadata.orientation)
            return converted(colors, alpha, premultiplied, ".tif", kept)
        if noisy:
            warnings.warn(f"kept without denoising: {', '.join(noisy)}", Caution, stacklevel=2)
        new = restore(colors)
        return with_pixels(
            data, layouts, new if alpha is None else np.concatenate([new, alpha], axis=-1)
        )

    suffixes = (".tif", ".tiff")
    return Picture(shown, alpha, premultiplied, peak, data, suffixes, save, metadata)


def _name(value: Any) -> str:
    """Return the name of an enumerated value; an unknown value is a number."""
    return str(getattr(value, "name", value))


def _kind(page: Any) -> tuple[Any, ...]:
    """Return what pages of one stack have in common."""
    kinds = (page.photometric, page.bitspersample, page.sampleformat, tuple(page.extrasamples))
    return (page.shaped, str(page.dtype), *kinds)


def _colors(path: Path, page: Any, photometric: str) -> tuple[int, bool]:
    """Return the number of samples that are denoised, and whether opacity was multiplied in."""
    samples, extra = page.samplesperpixel, tuple(int(kind) for kind in page.extrasamples)
    if photometric == "RGB":
        if samples not in (3, 4):
            raise InputError(f"{path} has {samples} samples per pixel: RGB must have 3 or 4")
        return 3, samples == 4 and extra == (ASSOCIATED,)
    if photometric == "PALETTE" and samples != 1:
        raise InputError(f"{path} has {samples} samples per pixel: a palette must have 1")
    opacity = samples > 1 and bool(extra) and extra[-1] in (ASSOCIATED, UNASSOCIATED)
    return samples - opacity, opacity and extra[-1] == ASSOCIATED


def _samples(page: Any) -> NDArray[Any]:
    """Return the samples of a page, shape ``(H, W, S)``."""
    planes = page.asarray(maxworkers=1).reshape(page.shaped)
    native = planes.astype(planes.dtype.newbyteorder("="), copy=False)
    return native[0, 0] if len(native) == 1 else np.moveaxis(native[:, 0, ..., 0], 0, -1)


def _as_levels(
    page: Any, photometric: str, stored: NDArray[Any]
) -> tuple[NDArray[Any], Callable[[NDArray[Any]], NDArray[Any]], float | None]:
    """Return gray levels or colors, how they are stored, and the largest that can be stored."""
    bits = page.bitspersample
    if photometric == "PALETTE":
        table = np.asarray(page.colormap).T  # of 16 bits, in old files of 8
        if table.max() > 255 and (table % 257).any():
            return table[stored[..., 0]], _unchanged, 65535.0
        table = (table // 257 if table.max() > 255 else table).astype(np.uint8)
        return table[stored[..., 0]], _unchanged, 255.0
    if stored.dtype.kind not in "bu":
        return stored, _unchanged, None
    largest = 2**bits - 1
    step = 255 // largest if bits < 8 else 1
    levels = stored.astype(np.uint8) * np.uint8(step) if bits < 8 else stored
    inverted = photometric == "MINISWHITE"
    top = levels.dtype.type(step * largest)

    def restore(new: NDArray[Any]) -> NDArray[Any]:
        levels = top - new if inverted else new
        return levels if step == 1 else np.round(levels / step).astype(np.uint8)

    return (top - levels if inverted else levels), restore, float(top)


def _unchanged(values: NDArray[Any]) -> NDArray[Any]:
    return values


def _metadata(page: Any) -> Metadata:
    icc, orientation = page.iccprofile, page.tags.valueof(274, 1)
    names = [tag.name for tag in page.tags.values() if tag.code not in CONVERTED]
    dpi = None
    unit = INCHES.get(int(page.tags.valueof(296, 2)))
    sides = [page.tags.valueof(code) for code in (282, 283)]
    if unit and all(isinstance(one, tuple) and len(one) == 2 and min(one) > 0 for one in sides):
        dpi = (sides[0][0] / sides[0][1] * unit, sides[1][0] / sides[1][1] * unit)
    upright = orientation not in range(1, 9)
    return Metadata(
        bytes(icc) if icc else None, dpi, 1 if upright else int(orientation), tuple(names)
    )


def _left_noisy(pages: list[Any], total: int) -> list[str]:
    """Return names of the pictures in the file that are not denoised."""
    other, smaller = total - len(pages), sum(len(page.subifds or ()) for page in pages)
    out = [f"{other} pages of another size or type"] if other else []
    return [*out, f"{smaller} smaller copies of the picture (SubIFDs)"] if smaller else out


def _check_pages(path: Path, pages: list[Any], size: int) -> None:
    """Compare the sizes of images and of their tiles or strips with the size of the file."""
    total = pixels = 0
    for page in pages:
        page_pixels, page_bytes = _check_sizes(path, page, size)
        pixels, total = pixels + page_pixels, total + page_bytes
    ratios = [COMPRESSIONS[_name(page.compression)] for page in pages]
    if max(ratios) > 1:
        check_size(path, pixels, MAX_PIXELS, "pixels")
    check_size(path, total, max(ratios) * size, "bytes of pixels")


def _check_sizes(path: Path, page: Any, size: int) -> tuple[int, int]:
    """Check one page; return its numbers of pixels and of bytes."""
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
    if depth != 1:
        raise InputError(f"{path} has imagedepth {depth}: it must be 1")
    if page.predictor not in PREDICTORS:
        raise InputError(f"{path} has predictor {_name(page.predictor)}: it must be 1, 2 or 3")
    pixels, tile = width * length, math.prod(tiles)
    ratio = COMPRESSIONS[compression]
    if ratio > 1:
        check_size(path, max(pixels, tile), MAX_PIXELS, "pixels")
    check_size(path, max(pixels, tile) * samples * bits // 8, ratio * size, "bytes of pixels")
    check_size(path, math.prod(page.chunked), len(page.dataoffsets), "tiles or strips")
    check_size(path, sum(page.databytecounts), size, "bytes of tiles or strips")
    if len(page.databytecounts) != len(page.dataoffsets):
        raise InputError(f"{path} does not say how long each of its tiles or strips is")
    return pixels, pixels * samples * bits // 8
