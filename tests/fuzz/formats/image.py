"""PNG, JPEG and TIFF images."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from fuzz.target import Target
from sigbench.core.errors import Caution
from sigbench.core.media import read, write

RAMP = np.arange(48, dtype=np.uint8).reshape(6, 8)
COLOR = np.stack([RAMP, RAMP + 50, RAMP + 100], axis=-1)
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def saved(pixels: np.ndarray, form: str, mode: str | None = None, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(buffer, form, **options)
    return buffer.getvalue()


def changed(path: Path) -> None:
    """Read a picture, and write other pixels in its place."""
    content = read(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Caution)
        write(path.with_name(f"out{path.suffix}"), content, content.batch / 2)


def good_png() -> list[bytes]:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "x" * 300, zip=True)
    profile = {"pnginfo": info, "icc_profile": b"profile", "dpi": (72, 72)}
    modes = [saved(COLOR, "PNG", mode) for mode in ("P", "1", "RGBA", "LA")]
    return [
        saved(RAMP, "PNG"),
        saved(COLOR, "PNG", **profile),
        saved(RAMP.astype(np.uint16) * 999, "PNG"),
        saved(RAMP, "PNG", transparency=0),
        imagecodecs.png_encode(COLOR.astype(np.uint16) * 99),
        *modes,
    ]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_checksums(data: bytes) -> bytes:
    """Correct the checksums of the chunks."""
    out, at = bytearray(data), 8
    while at + 8 <= len(out):
        (length,) = struct.unpack(">I", out[at : at + 4])
        end = at + 8 + length
        if end + 4 > len(out):
            break
        out[end : end + 4] = struct.pack(">I", zlib.crc32(bytes(out[at + 4 : end])))
        at = end + 4
    return bytes(out)


SIDES = st.sampled_from([0, 1, 8, 255, 4000, 2**16, 2**31 - 1, 2**31, 2**32 - 1]) | st.integers(
    0, 40
)
CHUNKS = (
    b"IHDR,PLTE,IDAT,IEND,tRNS,gAMA,cHRM,sRGB,iCCP,tEXt,zTXt,iTXt,pHYs,acTL,fcTL,fdAT,eXIf".split(
        b","
    )
)
HEADERS = st.builds(
    lambda w, h, depth, color, lace: struct.pack(">IIBBBBB", w, h, depth, color, 0, 0, lace),
    SIDES,
    SIDES,
    st.sampled_from([1, 2, 4, 8, 16, 3, 0]),
    st.sampled_from([0, 2, 3, 4, 6, 1, 255]),
    st.sampled_from([0, 1, 2]),
)
PIXELS = st.integers(0, 1 << 22).map(lambda n: zlib.compress(bytes(n)))
BODIES = st.lists(st.tuples(st.sampled_from(CHUNKS), st.binary(max_size=40) | PIXELS), max_size=5)
PNG_FILES = st.builds(
    lambda header, body, pixels: (
        SIGNATURE
        + chunk(b"IHDR", header)
        + b"".join(chunk(*part) for part in body)
        + chunk(b"IDAT", pixels)
        + chunk(b"IEND", b"")
    ),
    HEADERS,
    BODIES,
    PIXELS | st.binary(max_size=50),
)

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
OTHERS = (
    EPS,
    b"BM",
    b"GIF89a",
    b"II*\x00",
    b"8BPS",
    b"\x00\x00\x02\x00",
    b"P5\n9 9\n255\n",
    b"RIFF",
)

PILLOW = ("PIL.PngImagePlugin", "PIL.JpegImagePlugin", "PIL.MpoImagePlugin")
PNG = Target(
    "case.png",
    changed,
    good_png,
    tokens=(*CHUNKS, SIGNATURE, *OTHERS),
    strategy=PNG_FILES,
    repair=with_checksums,
    modules=("imagecodecs", *PILLOW),
    per_byte=30 * 8 * 1032,  # a pixel of one bit; 30 bytes while a pixel of color is read
)


def good_jpeg() -> list[bytes]:
    exif = Image.Exif()
    exif[0x0112] = 6
    return [
        saved(RAMP, "JPEG"),
        saved(COLOR, "JPEG", exif=exif, quality=30),
        saved(COLOR, "JPEG", progressive=True, comment=b"x"),
        saved(COLOR, "JPEG", optimize=True, subsampling=0, icc_profile=b"profile"),
        saved(COLOR, "MPO", save_all=True, append_images=[Image.fromarray(COLOR)]),
    ]


MARKERS = tuple(bytes((0xFF, code)) for code in (*range(0xC0, 0xFF), 0xFF))
JPEG = Target(
    "case.jpg",
    changed,
    good_jpeg,
    tokens=(*MARKERS, b"JFIF\0", b"Exif\0\0", b"MPF\0", b"ICC_PROFILE\0", b"Adobe", *OTHERS),
    modules=("imagecodecs", *PILLOW),
    per_byte=30 * 512,
)


def good_tiff() -> list[bytes]:
    def written(pixels: np.ndarray, **options: Any) -> bytes:
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, pixels, **options)
        return buffer.getvalue()

    tiles = np.tile(RAMP, (6, 4))
    return [
        written(RAMP),
        written(COLOR, photometric="rgb"),
        written(RAMP.astype(np.float32), byteorder=">"),
        written(RAMP.astype(np.uint16), rowsperstrip=2),
        written(RAMP, compression="zlib"),
        written(tiles, tile=(16, 16), compression="zlib", bigtiff=True),
        written(COLOR, photometric="rgb", planarconfig="contig", metadata={"x": "y" * 50}),
        saved(RAMP, "TIFF"),
        saved(COLOR, "TIFF", compression="packbits"),
        saved(COLOR, "TIFF", compression="tiff_lzw"),
        saved(COLOR, "TIFF", "P"),
        saved(COLOR, "TIFF", "1"),
        written(RAMP, photometric="miniswhite", compression="lzw", predictor=2),
        written(np.stack([RAMP, RAMP, RAMP]), photometric="minisblack", imagej=True),
        written(RAMP / 9, compression="zlib", predictor=3),
        written(np.stack([RAMP] * 4, -1), photometric="rgb", extrasamples=["assocalpha"]),
    ]


TAGS = (254, 256, 257, 258, 259, 262, 270, 273, 277, 278, 279, 284, 317, 322, 323, 324, 325, 339)
TIFF = Target(
    "case.tif",
    changed,
    good_tiff,
    tokens=(
        *(struct.pack("<HH", tag, kind) for tag in TAGS for kind in (3, 4, 16)),
        b"II*\0",
        b"MM\0*",
        b"II+\0\x08\0\0\0",
        b"<OME xmlns='http://www.openmicroscopy.org/Schemas/OME/2016-06'>",
        b'{"shape": [6, 8]}',
        b"ImageJ=1.11a\nimages=99999999\n",
        *OTHERS,
    ),
    modules=("tifffile", "imagecodecs", "imagecodecs._imcd", "imagecodecs._shared"),
    per_byte=30 * 1400,
)
