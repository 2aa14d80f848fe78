"""Image files: the first images of a problem, and their estimates by a method."""

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

MAX_BYTES = 2**26  # sigbench writes no larger file
UNREADABLE = (  # errors of NumPy for a damaged or foreign file
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
    """The first images of a problem: item numbers, and arrays ``(C, H, W)`` with values 0..peak."""

    items: tuple[int, ...]
    noisy: tuple[Array, ...]
    clean: tuple[Array, ...]
    peak: float


class Estimates(NamedTuple):
    """The estimates of the images ``items`` by the method of a cell, and their PSNR in dB."""

    items: tuple[int, ...]
    images: tuple[Array, ...]
    psnr: tuple[float, ...]
    cell_key: str


def encode_originals(pictures: Sequence[Picture], peak: float) -> bytes:
    """Return the content of the file of the noisy and clean images of a problem."""
    noisy = {f"noisy{i}": picture.noisy for i, picture in enumerate(pictures)}
    clean = {f"clean{i}": picture.clean for i, picture in enumerate(pictures)}
    return _encode(pictures, peak=np.float64(peak), **noisy, **clean)


def encode_estimates(pictures: Sequence[Picture], cell_key: str) -> bytes:
    """Return the content of the file of their estimates by the method of a cell."""
    psnr = np.array([picture.psnr for picture in pictures])
    images = {f"estimate{i}": picture.estimate for i, picture in enumerate(pictures)}
    return _encode(pictures, cell_key=np.array(cell_key), psnr=psnr, **images)


def _encode(pictures: Sequence[Picture], **arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, items=np.array([picture.item for picture in pictures]), **arrays)
    return buffer.getvalue()


def read_originals(path: Path) -> Originals:
    """Read the noisy and clean images of a problem.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    items, file = _read(path, ("noisy", "clean"), ("peak",))
    noisy, clean = ([file[f"{name}{i}"] for i in range(len(items))] for name in ("noisy", "clean"))
    return Originals(items, tuple(noisy), tuple(clean), float(file["peak"]))


def read_estimates(path: Path) -> Estimates:
    """Read the estimates of a method.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    items, file = _read(path, ("estimate",), ("psnr", "cell_key"))
    images = tuple(file[f"estimate{i}"] for i in range(len(items)))
    return Estimates(items, images, tuple(file["psnr"].tolist()), str(file["cell_key"]))


def _read(
    path: Path, images: Sequence[str], others: Sequence[str]
) -> tuple[tuple[int, ...], dict[str, Any]]:
    """Return the item numbers and the required arrays of a file."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES} bytes")
        with path.open("rb") as data, np.load(data, allow_pickle=False) as file:
            items = tuple(file["items"].tolist())
            names = [f"{name}{i}" for name in images for i in range(len(items))]
            found = {name: file[name] for name in (*names, *others)}
        if not names or not all(_is_image(found[name]) for name in names):
            raise ValueError("it does not contain images of shape (C, H, W)")
        if "psnr" in found and found["psnr"].shape != (len(items),):
            raise ValueError("it does not contain one PSNR per image")
    except FileNotFoundError:
        raise
    except UNREADABLE as error:
        raise InputError(f"{path} cannot be read as images of a run: {error}") from None
    return items, found


def _is_image(array: Any) -> bool:
    kind = array.ndim == 3 and array.size > 0 and array.dtype.kind == "f"
    return bool(kind and not np.isnan(array).any())
