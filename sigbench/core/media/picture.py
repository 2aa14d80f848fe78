"""The pictures of a file, and what PNG, JPEG and TIFF share."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import Caution
from sigbench.core.media.content import Content, peak_of, to_float
from sigbench.core.media.convert import Metadata, converted
from sigbench.core.protocols import Array

ROWS = 256  # of a block that is rounded at once
HALF = float(np.finfo(np.float16).max)


@dataclass(frozen=True)
class Picture:
    """The pixels of a file, its bytes, and how to write other pixels in the same format.

    Attributes
    ----------
    colors : array, shape (pages, H, W, C)
        The pixels without transparency, of the type of the file.
    alpha : array, shape (pages, H, W, 1), optional
        Opacity, of the type of the file. It is not denoised.
    premultiplied : bool
        Whether ``colors`` were multiplied by the opacity.
    peak : float or None
        Largest value that the file can represent.
    data : bytes
        The file. It is returned if no pixel has changed.
    suffixes : tuple of str
        Suffixes of the format of the file.
    save : callable
        ``save(colors)`` returns a file with new colors and all else as in ``data``.
    metadata : Metadata
        What can be written in another format.
    """

    colors: NDArray[Any]
    alpha: NDArray[Any] | None
    premultiplied: bool
    peak: float | None
    data: bytes
    suffixes: tuple[str, ...]
    save: Callable[[NDArray[Any]], bytes]
    metadata: Metadata

    def content(self, path: Path) -> Content:
        """Return the content of the file: one item per page.

        Raises
        ------
        InputError
            If the type of the pixels is not supported.
        """
        half = self.colors.dtype == np.float16
        planes = np.moveaxis(self.colors.astype(np.float32) if half else self.colors, -1, 1)
        batch, restore = to_float(planes, path)
        if self.premultiplied:
            batch = np.moveaxis(self._divided(np.moveaxis(batch, 1, -1)), -1, 1)

        def stored(estimate: Array, part: tuple[int, slice]) -> NDArray[Any]:
            """Return pixels ``(rows, W, C)`` as they are stored, from ``(C, rows, W)``."""
            # The values of a picture of 12 bits are stored in 16.
            limited = estimate if self.peak is None else np.clip(estimate, 0, self.peak)
            new = np.moveaxis(limited, 0, -1)
            if self.premultiplied:
                new = new * self._opacity(new.dtype, part)
            if half:
                new = np.clip(new, -HALF, HALF)
            new = restore(new).astype(self.colors.dtype, copy=False)
            if self.alpha is not None:  # transparent pixels are not seen: they keep their values
                new = np.where(self.alpha[part] == 0, self.colors[part], new)
            return new

        def encode(estimate: Array, suffix: str) -> bytes:
            new = np.empty_like(self.colors, order="C")
            for page, image in enumerate(estimate):  # in blocks, which need little memory
                for top in range(0, image.shape[1], ROWS):
                    rows = slice(top, top + ROWS)
                    new[page, rows] = stored(image[:, rows], (page, rows))
            if suffix not in self.suffixes:
                return converted(new, self.alpha, self.premultiplied, suffix, self.metadata)
            return self.data if np.array_equal(new, self.colors) else self.save(new)

        pages = len(self.colors)
        notes = (f"{pages} pages, each denoised on its own",) if pages > 1 else ()
        return Content(np.ascontiguousarray(batch), "image", self.peak, None, encode, notes)

    def _opacity(self, dtype: np.dtype[Any], part: Any = ...) -> NDArray[Any]:
        """Return the opacity from 0 to 1."""
        assert self.alpha is not None
        return self.alpha[part].astype(dtype) / dtype.type(peak_of(self.alpha.dtype) or 1)

    def _divided(self, colors: NDArray[Any]) -> NDArray[Any]:
        """Return colors that are not multiplied by the opacity."""
        opacity = self._opacity(colors.dtype)
        out: NDArray[Any] = colors / np.where(opacity == 0, 1, opacity)
        return out


def not_kept(what: list[str] | tuple[str, ...]) -> None:
    """Warn that parts of a file are not in the output."""
    if what:
        warnings.warn(f"not kept: {', '.join(dict.fromkeys(what))}", Caution, stacklevel=2)
