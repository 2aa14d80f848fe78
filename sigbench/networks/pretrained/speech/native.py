"""Shared libraries inside packages that process frames of floats, called by ctypes."""

from __future__ import annotations

import ctypes
import functools
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

STATE, FLOATS = ctypes.c_void_p, ctypes.POINTER(ctypes.c_float)
FILES = {"darwin": "lib{}.dylib", "win32": "{}.dll"}

Signature = tuple[str, Any, tuple[Any, ...]]
"""Name of a function, type of its result, types of its arguments."""


def library_name(stem: str) -> str:
    """Return the file name of a shared library on this system, for example ``libdf.so``.

    Examples
    --------
    >>> library_name("df") in ("libdf.so", "libdf.dylib", "df.dll")
    True
    """
    return FILES.get(sys.platform, "lib{}.so").format(stem)


@functools.cache
def loaded(path: Path, *signatures: Signature) -> Any:
    """Return a library whose functions have these signatures, one per file and process."""
    library = ctypes.CDLL(str(path))
    for name, result, arguments in signatures:
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def pointer(samples: NDArray[np.float32]) -> Any:
    """Return the pointer to samples that a library reads or writes."""
    return samples.ctypes.data_as(FLOATS)
