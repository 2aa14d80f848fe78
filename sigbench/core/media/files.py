"""Reading and writing of files of all formats."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sigbench.core.atomic import write_atomically
from sigbench.core.errors import InputError
from sigbench.core.media.array import read_array
from sigbench.core.media.content import Content, Family
from sigbench.core.media.image import read_image
from sigbench.core.media.options import TableOptions
from sigbench.core.media.sound import read_sound
from sigbench.core.media.table import read_table, table_from_bytes
from sigbench.core.media.tiff import read_tiff
from sigbench.core.protocols import Array

FAMILIES: dict[str, Family] = {  # the files of a folder
    ".wav": "sound",
    ".flac": "sound",
    ".png": "image",
    ".jpg": "image",
    ".jpeg": "image",
    ".tif": "image",
    ".tiff": "image",
    ".csv": "table",
    ".tsv": "table",
    ".npy": "array",
}
NAMED: dict[str, Family] = {  # in a folder, such a file may be anything
    ".txt": "table",
    ".dat": "table",
}
READERS: dict[str, Callable[[Path], Content]] = {
    ".wav": read_sound,
    ".flac": read_sound,
    ".png": read_image,
    ".jpg": read_image,
    ".jpeg": read_image,
    ".tif": read_tiff,
    ".tiff": read_tiff,
    ".npy": read_array,
}


def family(path: Path) -> Family:
    """Return the family of a file from its suffix.

    Raises
    ------
    InputError
        For an unknown suffix; the message lists the supported ones.
    """
    known = {**FAMILIES, **NAMED}
    if path.suffix.lower() not in known:
        raise InputError(f"{path}: unknown suffix {path.suffix!r}: one of {', '.join(known)}")
    return known[path.suffix.lower()]


def read(path: Path, options: TableOptions | None = None) -> Content:
    """Read a WAV, FLAC, PNG, JPG, TIFF, CSV, TSV or NPY file.

    The sizes in a header are compared with the length of the file before memory is allocated. A
    file needs at most three times the memory of its batch, and of its own bytes.

    Parameters
    ----------
    path : Path
        The file; its suffix says what it is.
    options : TableOptions, optional
        How a table is read, where that is not to be guessed.

    Raises
    ------
    InputError
        If options of tables are given for another kind of file, or the file is missing, unreadable,
        broken or empty, has an unsupported layout, declares more than it can contain, or contains
        values that are not finite.
    """
    if family(path) != "table":
        _check_no_options(path, options)
    try:
        if not path.exists():
            raise InputError(f"{path}: no such file")
        if not path.is_file():
            raise InputError(f"{path} is not a file")
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty: it contains no samples")
        if family(path) == "table":
            content = read_table(path, options)
        else:
            content = READERS[path.suffix.lower()](path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None
    return _checked(content, str(path))


def read_table_bytes(data: bytes, name: str, options: TableOptions | None = None) -> Content:
    """Read a table from bytes, such as those of standard input.

    Parameters
    ----------
    data : bytes
        The content of a CSV file.
    name : str
        Its name, for errors.
    options : TableOptions, optional
        How it is read, where that is not to be guessed.

    Raises
    ------
    InputError
        As `read`.
    """
    if not data:
        raise InputError(f"{name} is empty: it contains no samples")
    return _checked(table_from_bytes(data, name, options), name)


def _check_no_options(path: Path, options: TableOptions | None) -> None:
    for field in dataclasses.fields(TableOptions):
        if options is not None and getattr(options, field.name) != field.default:
            raise InputError(
                f"{path}: the option {field.name} is for tables, not for {family(path)} files"
            )


def _checked(content: Content, path: str) -> Content:
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
