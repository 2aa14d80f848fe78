"""PNG files."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.media.content import DEFLATE, MAX_PIXELS, check_size, peak_of
from sigbench.core.media.convert import ORIENTATION, Metadata
from sigbench.core.media.picture import Picture, not_kept
from sigbench.core.media.png_chunks import (
    IDAT,
    IEND,
    IHDR,
    PLTE,
    TRNS,
    Chunk,
    image_chunks,
    parts,
    png_file,
)
from sigbench.core.media.tiff_write import packed

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of the color types
GRAY, RGB, PALETTE, GRAY_ALPHA, RGB_ALPHA = CHANNELS
# Chunks that stay valid when the pixels change, although their names do not say so.
KNOWN = (
    b"cHRM",
    b"gAMA",
    b"iCCP",
    b"sBIT",
    b"sRGB",
    b"cICP",
    b"mDCV",
    b"cLLI",
    b"bKGD",
    TRNS,
    b"tIME",
)
ABOUT_PALETTE = (PLTE, TRNS, b"bKGD", b"hIST", b"sBIT")
CONVERTED = (IHDR, PLTE, IDAT, IEND, TRNS, b"iCCP", b"pHYs")  # not lost in other formats


class _Header(NamedTuple):
    """The values of the chunk ``IHDR``."""

    width: int
    height: int
    depth: int
    color: int
    compression: int
    filter: int
    interlaced: int


def read_png(path: Path, data: bytes) -> Picture:
    """Read a PNG file.

    A pixel that a color key (``tRNS``) makes transparent has the opacity 0.

    Raises
    ------
    InputError
        If it has several frames, is damaged, or declares more than it can contain.
    """
    from PIL import Image

    chunks, end = parts(data)
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        frames = getattr(image, "n_frames", 1)
        if frames > 1:
            raise InputError(f"{path} has {frames} frames: it must have one")
        header = _checked_header(path, data, chunks, image.size)
        key = dict(chunks).get(TRNS)
        if header.depth == 16:
            pixels = _pixels_of_16_bits(header, chunks)
        else:
            opened: Image.Image = image
            if image.mode == "1":
                opened = image.convert("L")
            elif image.mode == "P":
                opened = image.convert("RGB" if key is None else "RGBA")
            pixels = np.asarray(opened).reshape(header.height, header.width, -1)
        metadata = _metadata(image, chunks)
    alpha = None
    if pixels.shape[-1] in (2, 4):
        pixels, alpha = pixels[..., :-1], pixels[..., -1:]
    elif key is not None:
        alpha = _opacity(pixels, _key(key, header))

    def save(colors: NDArray[Any]) -> bytes:
        lost = ["data after the end of the picture"] if end < len(data) else []
        return _changed(header, chunks, colors[0], alpha, lost)

    return Picture(
        pixels[None],
        None if alpha is None else alpha[None],
        False,
        peak_of(pixels.dtype),
        data,
        (".png",),
        save,
        metadata,
    )


def _checked_header(path: Path, data: bytes, chunks: list[Chunk], size: tuple[int, int]) -> _Header:
    kind, body = chunks[0]
    header = _Header(*struct.unpack(">IIBBBBB", body.ljust(13, b"\xff")[:13]))
    if kind != IHDR or header[:2] != size or header.color not in CHANNELS:
        raise InputError(f"{path} cannot be read as an image: its header is damaged")
    if sum(one == IHDR for one, _ in chunks) > 1:
        raise InputError(f"{path} cannot be read as an image: its header is damaged")
    check_size(path, header.width * header.height, MAX_PIXELS, "pixels")
    row = (header.width * header.depth * CHANNELS[header.color] + 7) // 8
    check_size(path, header.height * (1 + row), DEFLATE * len(data), "bytes of pixels")
    return header


def _pixels_of_16_bits(header: _Header, chunks: list[Chunk]) -> NDArray[np.uint16]:
    """Return all bits of the pixels; Pillow keeps 8 of colors and of gray with opacity."""
    import imagecodecs

    image = png_file(chunk for chunk in chunks if chunk[0] in (IHDR, IDAT, IEND))
    pixels = np.asarray(imagecodecs.png_decode(image))
    return pixels.reshape(header.height, header.width, CHANNELS[header.color])


def _levels(header: _Header) -> int:
    """Return by what gray levels of less than 8 bits are multiplied to be in 0..255."""
    return 255 // (2**header.depth - 1) if header.depth < 8 else 1


def _key(body: bytes, header: _Header) -> NDArray[np.int64]:
    """Return the color that is transparent."""
    n = CHANNELS[header.color]
    values = np.frombuffer(body.ljust(2 * n, b"\0")[: 2 * n], ">u2").astype(np.int64)
    return (values & (2**header.depth - 1)) * _levels(header)


def _opacity(pixels: NDArray[Any], key: NDArray[np.int64]) -> NDArray[Any]:
    opaque = (pixels != key).any(axis=-1, keepdims=True)
    return np.where(opaque, np.iinfo(pixels.dtype).max, 0).astype(pixels.dtype)


def _metadata(image: Any, chunks: list[Chunk]) -> Metadata:
    orientation = image.getexif().get(ORIENTATION, 1)
    others = [kind.decode("latin-1") for kind, _ in chunks if kind not in CONVERTED]
    return Metadata(
        image.info.get("icc_profile"),
        image.info.get("dpi"),
        orientation if orientation in range(1, 9) else 1,
        tuple(dict.fromkeys(others)),
    )


def _changed(
    header: _Header,
    chunks: list[Chunk],
    colors: NDArray[Any],
    alpha: NDArray[Any] | None,
    lost: list[str],
) -> bytes:
    """Return the file with other colors; all chunks that stay valid are copied."""
    new = header._replace(interlaced=0)
    dropped: set[bytes] = set()
    key = dict(chunks).get(TRNS)
    if header.color == PALETTE:
        new = new._replace(depth=8, color=RGB if alpha is None else RGB_ALPHA)
        dropped = set(ABOUT_PALETTE)
        lost = ["the palette (the output has RGB colors)", *lost]
    elif key is not None and alpha is not None:
        colors = _without_key(colors, alpha, _key(key, header), _levels(header))
    pixels = _image_data(new, colors, alpha)
    out, written = list[Chunk](), False
    for kind, body in chunks:
        unsafe = kind[:1].islower() and kind[3:].isupper() and kind not in KNOWN
        if kind == IHDR:
            out.append((IHDR, struct.pack(">IIBBBBB", *new)))
        elif kind == IDAT:
            out += [] if written else pixels
            written = True
        elif unsafe or kind in dropped:
            lost += [kind.decode("latin-1")] if kind not in (PLTE, TRNS) else []
        else:
            out.append((kind, body))
    not_kept(lost)
    return png_file(out)


def _without_key(
    colors: NDArray[Any], alpha: NDArray[Any], key: NDArray[np.int64], step: int
) -> NDArray[Any]:
    """Change opaque pixels of the transparent color by a level."""
    hit = ((colors == key).all(axis=-1, keepdims=True)) & (alpha != 0)
    other = key.copy()
    other[-1] += step if key[-1] + step <= np.iinfo(colors.dtype).max else -step
    out: NDArray[Any] = np.where(hit, other.astype(colors.dtype), colors)
    return out


def _image_data(header: _Header, colors: NDArray[Any], alpha: NDArray[Any] | None) -> list[Chunk]:
    """Return the chunks of the pixels."""
    if header.depth < 8:  # without filters, as the specification recommends
        levels = np.round(colors[..., 0] / _levels(header)).astype(np.uint8)
        rows = np.frombuffer(packed(levels, header.depth), np.uint8).reshape(header.height, -1)
        return [(IDAT, zlib.compress(np.pad(rows, ((0, 0), (1, 0))).tobytes(), 9))]
    if header.color in (GRAY_ALPHA, RGB_ALPHA):
        assert alpha is not None
        colors = np.concatenate([colors, alpha], axis=-1)
    return [chunk for chunk in image_chunks(colors) if chunk[0] == IDAT]
