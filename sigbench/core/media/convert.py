"""Pictures that are written in another format than that of the input."""

from __future__ import annotations

import io
import warnings
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import Caution, InputError
from sigbench.core.media.png_chunks import IEND, image_chunks, png_file

ORIENTATION = 0x0112  # tag of EXIF and of TIFF
INCH = 0.0254  # meters


@dataclass(frozen=True)
class Metadata:
    """What can be kept when a picture is written in another format.

    Attributes
    ----------
    icc : bytes or None
        ICC profile.
    dpi : tuple of float, optional
        Pixels per inch, horizontally and vertically.
    orientation : int
        How the picture is to be turned for display, as in EXIF; 1 is upright.
    others : tuple of str
        Names of what is lost.
    """

    icc: bytes | None = None
    dpi: tuple[float, float] | None = None
    orientation: int = 1
    others: tuple[str, ...] = ()


def converted(
    colors: NDArray[Any],
    alpha: NDArray[Any] | None,
    premultiplied: bool,
    suffix: str,
    metadata: Metadata,
) -> bytes:
    """Return a PNG, JPEG or TIFF file.

    Parameters
    ----------
    colors, alpha : array, shape (pages, H, W, C)
        Pixels and opacity, of the type that is written.
    premultiplied : bool
        Whether the colors were multiplied by the opacity.
    suffix : str
        Suffix of the output.
    metadata : Metadata
        What is kept; a `Caution` names what is lost.

    Raises
    ------
    InputError
        If the format cannot store the pixels.
    """
    pixels = colors if alpha is None else np.concatenate([colors, alpha], axis=-1)
    if suffix in (".tif", ".tiff"):
        out = _tiff(pixels, alpha is not None, premultiplied, metadata)
    else:
        wide = pixels.dtype == np.uint16 and suffix == ".png"
        if not (pixels.dtype == np.uint8 or wide) or pixels.shape[-1] > 4:
            raise InputError(
                f"{suffix} cannot store {pixels.dtype} pixels of shape {pixels.shape[1:]}: use .tif"
            )
        if len(pixels) > 1:
            raise InputError(f"{suffix} cannot store {len(pixels)} pages: use .tif")
        if premultiplied:
            raise InputError(f"{suffix} cannot store premultiplied transparency: use .tif")
        if suffix == ".png":
            out = _png(pixels[0], metadata)
        elif alpha is not None:
            raise InputError(f"{suffix} cannot store transparency: use .png")
        else:
            out = _jpeg(pixels[0], metadata)
    if metadata.others:
        warnings.warn(f"not kept: {', '.join(metadata.others)}", Caution, stacklevel=2)
    return out


def exif_of(orientation: int) -> bytes:
    """Return EXIF data with the orientation only; empty if the picture is upright.

    Examples
    --------
    >>> exif_of(1)
    b''
    """
    from PIL import Image

    if orientation == 1:
        return b""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif.tobytes()


def _png(pixels: NDArray[Any], metadata: Metadata) -> bytes:
    header, *image = image_chunks(pixels)
    out = [header]
    if metadata.icc:
        out.append((b"iCCP", b"profile\0\0" + zlib.compress(metadata.icc)))
    if metadata.dpi:
        x, y = (round(value / INCH) for value in metadata.dpi)
        out.append((b"pHYs", x.to_bytes(4, "big") + y.to_bytes(4, "big") + b"\1"))
    exif = exif_of(metadata.orientation)
    if exif:
        out.append((b"eXIf", exif.removeprefix(b"Exif\0\0")))
    return png_file([*out, *image, (IEND, b"")])


def _jpeg(pixels: NDArray[Any], metadata: Metadata) -> bytes:
    from PIL import Image

    if pixels.shape[-1] == 2:
        raise InputError(".jpg cannot store 2 samples per pixel: use .tif")
    buffer = io.BytesIO()
    options: dict[str, Any] = {"exif": exif_of(metadata.orientation)}
    if metadata.icc:
        options["icc_profile"] = metadata.icc
    if metadata.dpi:
        options["dpi"] = tuple(round(value) for value in metadata.dpi)
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    image.save(buffer, "JPEG", quality=95, subsampling=0, **options)
    return buffer.getvalue()


def _tiff(pixels: NDArray[Any], alpha: bool, premultiplied: bool, metadata: Metadata) -> bytes:
    import tifffile

    rgb = pixels.shape[-1] - alpha == 3
    buffer = io.BytesIO()
    options: dict[str, Any] = {}
    if alpha:
        options["extrasamples"] = ["ASSOCALPHA" if premultiplied else "UNASSALPHA"]
    if metadata.dpi:
        options |= {"resolution": metadata.dpi, "resolutionunit": "INCH"}
    if metadata.orientation != 1:
        options["extratags"] = [(ORIENTATION, 3, 1, metadata.orientation, True)]
    with tifffile.TiffWriter(buffer) as file:
        for page in pixels:
            file.write(
                page[..., 0] if page.shape[-1] == 1 else page,
                photometric="rgb" if rgb else "minisblack",
                planarconfig="contig" if page.shape[-1] > 1 else None,
                iccprofile=metadata.icc,
                metadata=None,
                **options,
            )
    return buffer.getvalue()
