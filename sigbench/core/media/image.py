"""PNG and JPEG files, and what they share with TIFF."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.media.content import (
    DEFLATE,
    MAX_PIXELS,
    Content,
    check_size,
    decoding,
    peak_of,
    to_float,
)
from sigbench.core.protocols import Array

MODES = ("L", "RGB", "LA", "RGBA", "I;16")
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of the color types of PNG
JPEG_PIXELS = 512  # pixels of a byte of JPEG: at least one bit for each block of 8×8
MAX_SCANS = 64  # of a progressive JPEG; usually 10. Each takes a pass over all pixels


def read_image(path: Path) -> Content:
    """Read a PNG or JPEG file.

    Raises
    ------
    InputError
        If it is neither, is damaged, has several frames or an unsupported color mode.
    """
    from PIL import Image

    data = path.read_bytes()
    # Only these two decoders are used: others start programs, such as Ghostscript.
    with decoding(path, "an image"), Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
        frames = getattr(image, "n_frames", 1)
        if frames > 1:
            raise InputError(f"{path} has {frames} frames: it must have one")
        if image.format == "PNG":
            _check_png(path, data, image.size)
        else:
            _check_jpeg(path, data, image.size)
        transparent = "transparency" in image.info
        modes = {"P": "RGB", "RGB": "RGB", "L": "L", "1": "L"}
        opened: Image.Image = image
        if image.mode in ("P", "1") or (transparent and image.mode in modes):
            opened = image.convert(modes[image.mode] + ("A" if transparent else ""))
        if opened.mode not in MODES:
            raise InputError(
                f"{path} has color mode {opened.mode}: it must be one of {', '.join(MODES)}, P"
            )
        return image_content(np.asarray(opened), path, image.info.get("exif", b""))


def _check_png(path: Path, data: bytes, size: tuple[int, int]) -> None:
    width, height, depth, color = struct.unpack(">IIBB", data[16:26])
    if data[12:16] != b"IHDR" or (width, height) != size or color not in CHANNELS:
        raise InputError(f"{path} cannot be read as an image: its header is damaged")
    if depth == 16 and color in (2, 6):
        raise InputError(f"{path} has 16 bits per color channel: save it as TIFF")
    check_size(path, width * height, MAX_PIXELS, "pixels")
    row = (width * depth * CHANNELS[color] + 7) // 8
    check_size(path, height * (1 + row), DEFLATE * len(data), "bytes of pixels")


def _check_jpeg(path: Path, data: bytes, size: tuple[int, int]) -> None:
    check_size(path, size[0] * size[1], min(MAX_PIXELS, JPEG_PIXELS * len(data)), "pixels")
    check_size(path, data.count(b"\xff\xda"), MAX_SCANS, "scans")


def image_content(pixels: NDArray[Any], path: Path, exif: bytes = b"") -> Content:
    """Return the content of an image from its pixels, ``(H, W)`` or ``(H, W, 1 to 4)``."""
    alpha = None
    if pixels.ndim == 3 and pixels.shape[2] in (2, 4):  # transparency is not denoised
        pixels, alpha = pixels[..., :-1], pixels[..., -1:]
    planes = pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)
    batch, restore = to_float(planes[None], path)

    def encode(estimate: Array, suffix: str) -> bytes:
        out = np.moveaxis(restore(estimate)[0], 0, -1)
        if alpha is not None:
            out = np.concatenate([out, alpha], axis=-1)
        return _encode(out[..., 0] if out.shape[2] == 1 else out, suffix, exif)

    return Content(batch, "image", peak_of(planes.dtype), None, encode)


def _encode(pixels: NDArray[Any], suffix: str, exif: bytes) -> bytes:
    buffer = io.BytesIO()
    if suffix in (".tif", ".tiff"):
        import tifffile

        tifffile.imwrite(
            buffer,
            pixels,
            photometric="rgb" if pixels.ndim == 3 and pixels.shape[2] > 2 else "minisblack",
        )
        return buffer.getvalue()
    from PIL import Image

    if pixels.dtype != np.uint8 and not (
        pixels.dtype == np.uint16 and pixels.ndim == 2 and suffix == ".png"
    ):
        raise InputError(
            f"{suffix} cannot store {pixels.dtype} pixels of shape {pixels.shape}: use .tif"
        )
    if suffix in (".jpg", ".jpeg"):
        if pixels.ndim == 3 and pixels.shape[2] in (2, 4):
            raise InputError(f"{suffix} cannot store transparency: use .png")
        Image.fromarray(pixels).save(buffer, "JPEG", quality=95, subsampling=0, exif=exif)
    else:
        Image.fromarray(pixels).save(buffer, "PNG", exif=exif)
    return buffer.getvalue()
