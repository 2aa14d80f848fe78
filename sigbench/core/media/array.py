"""NumPy arrays."""

from __future__ import annotations

import ast
import io
import math
import re
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.media.content import Content, check_size, peak_of, to_float
from sigbench.core.protocols import Array, Domain

MAGIC = b"\x93NUMPY"
MAX_HEADER = 1000  # bytes; that of a simple array has 128
KEYS = {"descr", "fortran_order", "shape"}


def read_array(path: Path) -> Content:
    """Read a NumPy array ``(L,)`` or ``(H, W)``.

    Raises
    ------
    InputError
        If it is not such an array, or is truncated.

    References
    ----------
    NumPy, "NEP 1: a simple file format for NumPy arrays".
    """
    with path.open("rb") as file:
        dtype, order, shape = _header(file, path)
        if len(shape) not in (1, 2):
            raise InputError(
                f"{path} has shape {shape}: it must be (L,), a signal, or (H, W), an image; "
                f"{_advice(shape)}"
            )
        size, left = math.prod(shape) * dtype.itemsize, path.stat().st_size - file.tell()
        check_size(path, size, left, "bytes of values")
        if size < left:
            raise InputError(f"{path} has {left - size} bytes after the array of shape {shape}")
        values = np.fromfile(file, dtype, math.prod(shape)).reshape(shape, order=order)
    batch, restore = to_float(values[None, None], path)

    def encode(estimate: Array, suffix: str) -> bytes:
        buffer = io.BytesIO()
        np.save(buffer, restore(estimate)[0, 0], allow_pickle=False)
        return buffer.getvalue()

    domain: Domain = "signal" if values.ndim == 1 else "image"
    return Content(batch, domain, peak_of(dtype), None, encode)


def _advice(shape: tuple[int, ...]) -> str:
    """Return what to do with an array of another shape."""
    if len(shape) == 3 and shape[2] in (3, 4):
        return "save a color image as PNG or TIFF"
    long = max(shape, default=0)
    if len(shape) == 3 and shape[0] in (3, 4):
        return "save a color image as PNG or TIFF, with the channels last"
    if long and math.prod(shape) == long:
        return f"save a signal with shape ({long},)"
    return "save several signals as the columns of a CSV file, and images one by one"


def _header(file: BinaryIO, path: Path) -> tuple[np.dtype[Any], Any, tuple[int, ...]]:
    """Return dtype, order and shape, after checking that the header has only these."""

    def invalid(reason: str) -> InputError:
        return InputError(f"{path} cannot be read as an array: {reason}")

    magic = file.read(8)
    if not magic.startswith(MAGIC) or len(magic) < 8 or magic[6] not in (1, 2, 3):
        raise invalid("it does not begin as an NPY file of version 1, 2 or 3")
    length = int.from_bytes(file.read(2 if magic[6] == 1 else 4), "little")
    if length > MAX_HEADER:
        raise invalid(f"its header has {length} bytes: the limit is {MAX_HEADER}")
    try:
        text = file.read(length).decode("utf-8" if magic[6] == 3 else "latin-1")
        text = re.sub(r"(?<=\d)L(?=[,)])", "", text)  # Python 2 wrote 3L
        header = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        raise invalid("its header is not a dictionary of literals") from None
    if not isinstance(header, dict) or set(header) != KEYS:
        raise invalid(f"its header must have the keys {', '.join(sorted(KEYS))}")
    descr, fortran, shape = (header[key] for key in ("descr", "fortran_order", "shape"))
    if not isinstance(descr, str) or not re.fullmatch(r"[<>|=]?[a-zA-Z?]\d{0,3}", descr):
        raise InputError(f"{path} has dtype {str(descr)[:40]!r}: it must be a number")
    if "O" in descr:
        raise invalid("it contains Python objects")
    if not isinstance(fortran, bool):
        raise invalid("fortran_order must be True or False")
    whole = isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape)
    if not whole:
        raise invalid(f"its shape {str(shape)[:40]} must be a tuple of numbers >= 0")
    try:
        dtype = np.dtype(descr)
    except TypeError:
        raise InputError(f"{path} has dtype {descr!r}: it must be a number") from None
    return dtype, "F" if fortran else "C", shape
