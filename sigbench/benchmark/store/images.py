"""Files of pictures: a problem's first images, and what a method made of them."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sigbench.benchmark.engine.evaluate import Picture
from sigbench.core.errors import InputError
from sigbench.core.protocols import Array

MAX_BYTES = 2**26  # of a file that is read; larger ones are none of ours
UNREADABLE = (  # what a file that is no archive of arrays, or a broken one, may lead to
    OSError,
    EOFError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    MemoryError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


class Originals(NamedTuple):
    """A problem's first images: their numbers, noisy and clean ``(C, H, W)``, values 0..peak."""

    items: tuple[int, ...]
    noisy: tuple[Array, ...]
    clean: tuple[Array, ...]
    peak: float


class Estimates(NamedTuple):
    """What the method of a cell made of the images ``items``, and how good that is in dB."""

    items: tuple[int, ...]
    images: tuple[Array, ...]
    psnr: tuple[float, ...]
    cell_key: str


def encode_originals(pictures: Sequence[Picture], peak: float) -> bytes:
    """Return the file of a problem's images."""
    noisy = {f"noisy{i}": picture.noisy for i, picture in enumerate(pictures)}
    clean = {f"clean{i}": picture.clean for i, picture in enumerate(pictures)}
    return _encode(pictures, peak=np.float64(peak), **noisy, **clean)


def encode_estimates(pictures: Sequence[Picture], cell_key: str) -> bytes:
    """Return the file of what the method of a cell made of them."""
    psnr = np.array([picture.psnr for picture in pictures])
    images = {f"estimate{i}": picture.estimate for i, picture in enumerate(pictures)}
    return _encode(pictures, cell_key=np.array(cell_key), psnr=psnr, **images)


def _encode(pictures: Sequence[Picture], **arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, items=np.array([picture.item for picture in pictures]), **arrays)
    return buffer.getvalue()


def read_originals(path: Path) -> Originals:
    """Read the file of a problem's images.

    Raises
    ------
    InputError
        Where it cannot be read as such.
    """
    items, file = _read(path, ("noisy", "clean"), ("peak",))
    noisy, clean = ([file[f"{name}{i}"] for i in range(len(items))] for name in ("noisy", "clean"))
    return Originals(items, tuple(noisy), tuple(clean), float(file["peak"]))


def read_estimates(path: Path) -> Estimates:
    """Read the file of what a method made of them.

    Raises
    ------
    InputError
        Where it cannot be read as such.
    """
    items, file = _read(path, ("estimate",), ("psnr", "cell_key"))
    images = tuple(file[f"estimate{i}"] for i in range(len(items)))
    return Estimates(items, images, tuple(file["psnr"].tolist()), str(file["cell_key"]))


def _read(
    path: Path, images: Sequence[str], others: Sequence[str]
) -> tuple[tuple[int, ...], dict[str, Any]]:
    """Return the numbers of the images in a file, and all of it that there must be."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES} bytes")
        with path.open("rb") as data, np.load(data, allow_pickle=False) as file:
            items = tuple(file["items"].tolist())
            names = [f"{name}{i}" for name in images for i in range(len(items))]
            found = {name: file[name] for name in (*names, *others)}
        if not names or not all(_is_image(found[name]) for name in names):
            raise ValueError("it does not hold images (C, H, W)")
        if "psnr" in found and found["psnr"].shape != (len(items),):
            raise ValueError("it does not hold one figure an image")
    except FileNotFoundError:
        raise
    except UNREADABLE as error:
        raise InputError(f"{path} cannot be read as pictures of a run: {error}") from None
    return items, found


def _is_image(array: Any) -> bool:
    kind = array.ndim == 3 and array.size > 0 and array.dtype.kind == "f"
    return bool(kind and not np.isnan(array).any())
