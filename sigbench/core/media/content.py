"""The content of a file, and what the readers of all formats share."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Domain

Family = Literal["sound", "image", "table", "array"]

# Limits of compressed files, because a small file can declare much. Files without compression
# are limited by their own length.
MAX_SAMPLES = 2**29  # of a sound, over all channels: 3 hours at 48 kHz
MAX_PIXELS = 2**29 // 3  # of an image; the limit of Pillow
DEFLATE = 1032  # largest number of bytes that a byte of deflate unpacks to
MAX_REASON = 200  # characters of a decoder's error
MAX_WHOLE = 2**53  # the whole numbers up to here are exact in float64


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
        Largest value that the file can represent: 1 for sound, 255 or 65535 for unsigned integers
        of 8 or 16 bits; None for floating-point data, signed integers and tables.
    fs : float or None
        Sampling rate in Hz.
    encode : callable
        ``encode(batch, suffix)`` returns the bytes of a file of the same kind. What the format
        cannot keep is reported by a `Caution`.
    notes : tuple of str
        How the file was read, where that had to be guessed; one line each.
    missing : array of bool, optional
        Which samples of the batch are missing in the file, shape of ``batch``. They are interpolated
        in ``batch``, and missing again in what ``encode`` returns, unless they are to be filled.
    positions : array, shape (L,), optional
        Where the samples of a table are on its axis, if they are unevenly spaced.
    labels : tuple of str
        The name of each column of a table, in the order of ``batch``.
    """

    batch: Array
    domain: Domain
    peak: float | None
    fs: float | None
    encode: Callable[[Array, str], bytes]
    notes: tuple[str, ...] = ()
    missing: NDArray[np.bool_] | None = None
    positions: NDArray[np.float64] | None = None
    labels: tuple[str, ...] = ()

    @property
    def item(self) -> Array:
        """The file as one item, shape ``(C, *space)``."""
        return self.batch[0] if self.domain == "image" else self.batch[:, 0]


@contextlib.contextmanager
def decoding(path: Path, kind: str) -> Iterator[None]:
    """Report what a decoder raises for a broken file as an `InputError` that names the file.

    Warnings of decoders concern metadata, which are not used.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (InputError, MemoryError):
        raise
    except Exception as error:  # decoders raise many types of error for a broken file
        reason = " ".join(str(error).split())[:MAX_REASON] or type(error).__name__
        raise InputError(f"{path} cannot be read as {kind}: {reason}") from None


def check_size(path: Path, declared: int, most: int, unit: str) -> None:
    """Check that a header declares no more than the file can contain, or than is read.

    Raises
    ------
    InputError
        With both numbers.

    Examples
    --------
    >>> check_size(Path("a.npy"), 800, 48, "bytes")
    Traceback (most recent call last):
    sigbench.core.errors.InputError: a.npy declares 800 bytes: it can have at most 48
    """
    if declared > most:
        raise InputError(f"{path} declares {declared} {unit}: it can have at most {most}")


def peak_of(dtype: np.dtype[Any]) -> float | None:
    """Return the largest value of an unsigned integer type, or None for other types and 64 bits."""
    return float(np.iinfo(dtype).max) if dtype.kind == "u" and dtype.itemsize <= 4 else None


def to_float(values: NDArray[Any], path: Path) -> tuple[Array, Callable[[Array], NDArray[Any]]]:
    """Return values as floats, without loss, and a function that returns floats in their dtype.

    That function rounds to integers, and clips to the range of the dtype: for integers of 64 bits to
    that of float64, ±2⁵³.

    Raises
    ------
    InputError
        If the dtype is another one, or an integer is beyond ±2⁵³.
    """
    dtype = values.dtype
    if dtype.kind not in "uif" or dtype.itemsize > 8:
        raise InputError(
            f"{path} has dtype {dtype}: it must be float16, float32, float64 or an integer type"
        )
    if dtype.kind == "f":
        exact = np.float64 if dtype.itemsize == 8 else np.float32
        low, high = (float(limit) for limit in (np.finfo(dtype).min, np.finfo(dtype).max))
    else:
        exact = np.float32 if dtype.itemsize <= 2 else np.float64
        low = float(max(np.iinfo(dtype).min, -MAX_WHOLE))
        high = float(min(np.iinfo(dtype).max, MAX_WHOLE))
        extremes = [int(values.min()), int(values.max())] if values.size else []
        for value in extremes:
            if abs(value) > MAX_WHOLE:  # only 64 bits
                raise InputError(f"{path} contains {value}: integers must be within ±2^53")

    def restore(estimate: Array) -> NDArray[Any]:
        if dtype.kind == "f" and dtype.itemsize >= estimate.dtype.itemsize:
            return estimate.astype(dtype)
        return np.clip(estimate if dtype.kind == "f" else np.round(estimate), low, high).astype(
            dtype
        )

    return np.ascontiguousarray(values, exact), restore
