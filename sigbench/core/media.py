"""Sound, image, table and array files: read into batches, written back in the same format."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sigbench.core.atomic import write_atomically
from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Domain

Family = Literal["sound", "image", "table", "array"]

FAMILIES: dict[str, Family] = {
    ".wav": "sound",
    ".flac": "sound",
    ".png": "image",
    ".jpg": "image",
    ".jpeg": "image",
    ".tif": "image",
    ".tiff": "image",
    ".csv": "table",
    ".npy": "array",
}


@dataclass(frozen=True)
class Content:
    """The content of a file, and how to write other data in the same format.

    Attributes
    ----------
    batch : array
        Sound: one item per channel, ``(channels, 1, L)``, full scale 1. Images: ``(1, C, H, W)``,
        in the units of the file. Tables: one item per column, ``(columns, 1, L)``.
    domain : {"signal", "speech", "image"}
        Kind of signal.
    peak : float or None
        Largest value that the file format can represent; None for floating-point data.
    fs : float or None
        Sampling rate in Hz.
    encode : callable
        ``encode(batch, suffix)`` returns the bytes of a file of the same kind.
    """

    batch: Array
    domain: Domain
    peak: float | None
    fs: float | None
    encode: Callable[[Array, str], bytes]

    @property
    def item(self) -> Array:
        """The file as one item, shape ``(C, *space)``."""
        return self.batch[0] if self.domain == "image" else self.batch[:, 0]


def family(path: Path) -> Family:
    """Return the family of a file from its suffix.

    Raises
    ------
    InputError
        For an unknown suffix; the message lists the supported ones.
    """
    if path.suffix.lower() not in FAMILIES:
        raise InputError(
            f"{path.name}: unknown suffix {path.suffix!r}: one of {', '.join(FAMILIES)}"
        )
    return FAMILIES[path.suffix.lower()]


def read(path: Path) -> Content:
    """Read a WAV, FLAC, PNG, JPG, TIFF, CSV or NPY file.

    Raises
    ------
    InputError
        If the file is missing, broken or empty, has an unsupported layout, or contains values
        that are not finite.
    """
    readers = {
        "sound": _read_sound,
        "image": _read_image,
        "table": _read_table,
        "array": _read_array,
    }
    reader = readers[family(path)]
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    content = reader(path)
    if content.batch.size == 0:
        raise InputError(f"{path.name} is empty: it contains no samples")
    if not np.isfinite(content.batch).all():
        where = np.argwhere(~np.isfinite(content.batch))[0]
        raise InputError(
            f"{path.name} contains {content.batch[tuple(where)]} at index {tuple(map(int, where))}: "
            "values must be finite"
        )
    return content


def write(path: Path, content: Content, batch: Array) -> None:
    """Write a batch in the format of ``content``, atomically.

    Raises
    ------
    InputError
        If the format cannot represent the batch.
    """
    try:
        data = content.encode(batch, path.suffix.lower())
    except (RuntimeError, ValueError, TypeError, OSError) as error:
        raise InputError(f"{path.name} cannot be written: {error}") from error
    write_atomically(path, data)


def _read_sound(path: Path) -> Content:
    import soundfile

    try:
        with soundfile.SoundFile(path) as sound:
            fs, subtype, form, endian = sound.samplerate, sound.subtype, sound.format, sound.endian
            samples = sound.read(dtype="float64", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise InputError(f"{path.name} cannot be read as sound: {error}") from None

    def encode(batch: Array, suffix: str) -> bytes:
        target = "FLAC" if suffix == ".flac" else "WAV" if form == "FLAC" else form
        buffer = io.BytesIO()
        soundfile.write(
            buffer,
            batch[:, 0].T,
            fs,
            subtype=subtype if soundfile.check_format(target, subtype) else None,
            endian=endian if target == form else None,
            format=target,
        )
        return buffer.getvalue()

    return Content(samples.T[:, None], "speech", 1.0, float(fs), encode)


IMAGE_MODES = ("L", "RGB", "LA", "RGBA", "I;16")


def _read_image(path: Path) -> Content:
    tiff = path.suffix.lower() in (".tif", ".tiff")
    pixels, exif = (_tiff_pixels(path), b"") if tiff else _pixels(path)
    alpha = None
    if pixels.ndim == 3 and pixels.shape[2] in (2, 4):  # transparency is not denoised
        pixels, alpha = pixels[..., :-1], pixels[..., -1:]
    planes = pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)
    batch, restore = _to_float(planes[None], path)

    def encode(estimate: Array, suffix: str) -> bytes:
        out = np.moveaxis(restore(estimate)[0], 0, -1)
        if alpha is not None:
            out = np.concatenate([out, alpha], axis=-1)
        return _encode_image(out[..., 0] if out.shape[2] == 1 else out, suffix, exif)

    peak = float(np.iinfo(planes.dtype).max) if planes.dtype.kind == "u" else None
    return Content(batch, "image", peak, None, encode)


def _pixels(path: Path) -> tuple[NDArray[Any], bytes]:
    """Return the pixels and the EXIF data, which contain the orientation."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            if path.suffix.lower() == ".png" and path.read_bytes()[24:26] in (
                b"\x10\x02",
                b"\x10\x06",
            ):
                raise InputError(f"{path.name} has 16 bits per color channel: save it as TIFF")
            frames = getattr(image, "n_frames", 1)
            if frames > 1:
                raise InputError(f"{path.name} has {frames} frames: it must have one")
            transparent = "transparency" in image.info
            modes = {"P": "RGB", "RGB": "RGB", "L": "L", "1": "L"}
            opened: Image.Image = image
            if image.mode in ("P", "1") or (transparent and image.mode in modes):
                opened = image.convert(modes[image.mode] + ("A" if transparent else ""))
            if opened.mode not in IMAGE_MODES:
                raise InputError(
                    f"{path.name} has color mode {opened.mode}: it must be one of {', '.join(IMAGE_MODES)}, P"
                )
            return np.asarray(opened), image.info.get("exif", b"")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise InputError(f"{path.name} cannot be read as an image: {error}") from None


def _tiff_pixels(path: Path) -> NDArray[Any]:
    import tifffile

    try:
        with tifffile.TiffFile(path) as tiff:
            frames, photometric = len(tiff.pages), tiff.pages.first.photometric.name
            pixels: NDArray[Any] = tiff.pages.first.asarray()
    except Exception as error:  # tifffile raises many types of error for a broken file
        raise InputError(f"{path.name} cannot be read as TIFF: {error}") from None
    if frames > 1:
        raise InputError(f"{path.name} has {frames} frames: it must have one")
    if photometric not in ("MINISBLACK", "RGB"):
        raise InputError(
            f"{path.name} has photometric type {photometric}: it must be MINISBLACK or RGB"
        )
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (1, 2, 3, 4)):
        raise InputError(
            f"{path.name} has shape {pixels.shape}: it must be (H, W) or (H, W, 1 to 4)"
        )
    return pixels


def _encode_image(pixels: NDArray[Any], suffix: str, exif: bytes) -> bytes:
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


def _to_float(values: NDArray[Any], path: Path) -> tuple[Array, Callable[[Array], NDArray[Any]]]:
    """Return values as floats, and a function that rounds and clips them back to their dtype."""
    dtype = values.dtype
    integer = dtype.kind in "ui" and dtype.itemsize <= 4
    real = dtype.kind == "f" and dtype.itemsize in (4, 8)
    if not (integer or real):
        raise InputError(
            f"{path.name} has dtype {dtype}: it must be float32, float64 or an integer type of at most 32 bits"
        )
    if real:
        native = dtype.newbyteorder("=")
        return np.ascontiguousarray(values, native), lambda estimate: estimate.astype(dtype)
    limits = np.iinfo(dtype)
    exact = np.float32 if dtype.itemsize <= 2 else np.float64

    def restore(estimate: Array) -> NDArray[Any]:
        return np.clip(np.round(estimate), limits.min, limits.max).astype(dtype)

    return np.ascontiguousarray(values, exact), restore


def _read_array(path: Path) -> Content:
    try:
        with path.open("rb") as file:  # np.load does not close a file that it cannot read
            values = np.load(file, allow_pickle=False)
    except (ValueError, OSError, EOFError, MemoryError, zipfile.BadZipFile) as error:
        raise InputError(f"{path.name} cannot be read as an array: {error}") from None
    if not isinstance(values, np.ndarray) or values.ndim not in (1, 2):
        shape = getattr(values, "shape", "several arrays")
        raise InputError(
            f"{path.name} has shape {shape}: it must be (L,), a signal, or (H, W), an image"
        )
    batch, restore = _to_float(values[None, None], path)

    def encode(estimate: Array, suffix: str) -> bytes:
        buffer = io.BytesIO()
        np.save(buffer, restore(estimate)[0, 0], allow_pickle=False)
        return buffer.getvalue()

    return Content(batch, "signal" if values.ndim == 1 else "image", None, None, encode)


def _read_table(path: Path) -> Content:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} cannot be read as text: {error}") from None
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise InputError(f"{path.name} is empty: it contains no samples")
    delimiter = next((mark for mark in ",;\t " if mark in lines[-1]), ",")
    try:
        rows = list(csv.reader(lines, delimiter=delimiter))
    except csv.Error as error:
        raise InputError(f"{path.name} cannot be read as a table: {error}") from None
    header = [] if all(_is_number(cell) for cell in rows[0]) else [lines[0]]
    rows = rows[len(header) :]
    if not rows:
        raise InputError(f"{path.name} is empty: it contains no samples")
    for number, row in enumerate(rows, len(header) + 1):
        if len(row) != len(rows[0]):
            raise InputError(
                f"{path.name}, line {number}: {len(row)} cells instead of {len(rows[0])}"
            )
        for cell in row:
            if not _is_number(cell):
                raise InputError(f"{path.name}, line {number}: {cell!r} is not a number")
    columns = np.array(rows, dtype=np.float64).T.reshape(-1, len(rows))
    n_axis = int(len(columns) > 1 and len(rows) > 2 and _is_monotonic(columns[0]))
    end = "\r\n" if "\r\n" in text else "\n"

    def encode(estimate: Array, suffix: str) -> bytes:
        out = list(header)
        for row, new in zip(rows, estimate[:, 0].T, strict=True):
            out.append(delimiter.join([*row[:n_axis], *(repr(float(value)) for value in new)]))
        return (end.join(out) + end).encode()

    return Content(columns[n_axis:, None], "signal", None, None, encode)


def _is_monotonic(column: NDArray[np.float64]) -> bool:
    """Return whether a column only increases or only decreases, as a time axis does."""
    step = np.diff(column)
    return bool((step > 0).all() or (step < 0).all())


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
