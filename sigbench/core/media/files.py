"""Reading and writing of files of all formats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from sigbench.core.atomic import write_atomically
from sigbench.core.errors import InputError
from sigbench.core.media.array import read_array
from sigbench.core.media.content import Content, Family
from sigbench.core.media.image import read_image
from sigbench.core.media.sound import read_sound
from sigbench.core.media.table import read_table
from sigbench.core.media.tiff import read_tiff
from sigbench.core.protocols import Array

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
READERS: dict[str, Callable[[Path], Content]] = {
    ".wav": read_sound,
    ".flac": read_sound,
    ".png": read_image,
    ".jpg": read_image,
    ".jpeg": read_image,
    ".tif": read_tiff,
    ".tiff": read_tiff,
    ".csv": read_table,
    ".npy": read_array,
}


def family(path: Path) -> Family:
    """Return the family of a file from its suffix.

    Raises
    ------
    InputError
        For an unknown suffix; the message lists the supported ones.
    """
    if path.suffix.lower() not in FAMILIES:
        raise InputError(f"{path}: unknown suffix {path.suffix!r}: one of {', '.join(FAMILIES)}")
    return FAMILIES[path.suffix.lower()]


def read(path: Path) -> Content:
    """Read a WAV, FLAC, PNG, JPG, TIFF, CSV or NPY file.

    The sizes in a header are compared with the length of the file before memory is allocated. A
    file needs at most three times the memory of its batch, and of its own bytes.

    Raises
    ------
    InputError
        If the file is missing, unreadable, broken or empty, has an unsupported layout, declares
        more than it can contain, or contains values that are not finite.
    """
    family(path)
    try:
        if not path.exists():
            raise InputError(f"{path}: no such file")
        if not path.is_file():
            raise InputError(f"{path} is not a file")
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty: it contains no samples")
        content = READERS[path.suffix.lower()](path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None
    if content.batch.size == 0:
        raise InputError(f"{path} is empty: it contains no samples")
    finite = np.isfinite(content.batch)
    if not finite.all():
        where = np.unravel_index(int(np.argmin(finite)), finite.shape)
        raise InputError(
            f"{path} contains {content.batch[where]} at index {tuple(map(int, where))}: "
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
