"""Arrays, images and files as text inside the page."""

from __future__ import annotations

import base64
import io
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVELS = 32_766  # of a number; three more stand for a missing and for infinite values
MISSING, INFINITE = -32_768, 32_767


def packed(values: NDArray[np.float64]) -> dict[str, Any]:
    """Return values as 16-bit numbers in base64: a value is ``low + step * number``.

    The error is at most half of ``step``, 1/131,064 of the range of the values.

    Examples
    --------
    >>> found = packed(np.array([1.0, 3.0]))
    >>> found["values"], round(found["low"], 9), round(found["step"] * LEVELS, 9)
    ('AoD+fw==', 2.0, 1.0)
    """
    numbers, low, step = quantized(values)
    text = base64.b64encode(numbers.astype("<i2").tobytes()).decode()
    return {"values": text, "low": low, "step": step}


def quantized(values: NDArray[np.float64]) -> tuple[NDArray[np.int16], float, float]:
    """Return values as 16-bit numbers, their offset and their step.

    Examples
    --------
    >>> numbers, low, step = quantized(np.array([1.0, 3.0, np.nan, np.inf]))
    >>> numbers.tolist(), round(low + step * int(numbers[1]), 9)
    ([-32766, 32766, -32768, 32767], 3.0)
    """
    values = np.asarray(values, np.float64)
    known = np.isfinite(values)
    finite = values[known]
    least, most = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    step = (most / (2 * LEVELS) - least / (2 * LEVELS)) or 1.0  # the difference could overflow
    low = least + LEVELS * step
    numbers = np.full(values.shape, MISSING, np.int16)
    numbers[known] = np.clip(np.rint((finite - low) / step), -LEVELS, LEVELS)
    numbers[np.isposinf(values)] = INFINITE
    numbers[np.isneginf(values)] = -INFINITE
    return numbers, low, step


def png(pixels: NDArray[np.uint8], colors: bytes | None = None) -> str:
    """Return an image as a PNG in a data URI.

    Parameters
    ----------
    pixels : array of uint8, shape (H, W) or (H, W, 3)
        Gray values or colors; indices if there is a palette.
    colors : bytes, optional
        The palette, from `palette`.
    """
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(pixels))
    if colors is not None:
        picture.putpalette(colors)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return data_uri("image/png", buffer.getvalue())


@cache
def palette(colors: tuple[tuple[int, int, int], ...], shades: int) -> bytes:
    """Return evenly spaced shades between colors, three bytes each.

    Examples
    --------
    >>> list(palette(((0, 0, 0), (10, 20, 30)), 3))
    [0, 0, 0, 5, 10, 15, 10, 20, 30]
    """
    at = np.linspace(0, len(colors) - 1, shades)
    channels = [np.interp(at, range(len(colors)), c) for c in np.transpose(colors)]
    return np.rint(np.stack(channels, axis=1)).astype(np.uint8).tobytes()


def data_uri(kind: str, content: bytes) -> str:
    """Return a file as a data URI.

    Examples
    --------
    >>> data_uri("image/png", b"png")
    'data:image/png;base64,cG5n'
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
