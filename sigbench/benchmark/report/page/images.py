"""Images as PNG, each pixel as it is, and maps of their errors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigbench.benchmark.report.page.packing import palette, png
from sigbench.benchmark.store.examples import Originals
from sigbench.core.protocols import Array

QUANTILE = 0.995  # of the noise: the largest error that a map distinguishes
SHADES = 31  # of a map of errors, on each side of 0
# A map shows values that are too dark in blue and values that are too bright in orange.
COLORS = ((12, 68, 124), (120, 178, 222), (247, 247, 247), (240, 160, 92), (140, 58, 4))


def image_pair(originals: Originals, item: int) -> dict[str, Any]:
    """Return the clean and the noisy image of an item, with the map of the noise.

    Parameters
    ----------
    originals : Originals
        The first items of a problem.
    item : int
        The index of the item in them.
    """
    clean, noisy = originals.clean[item], originals.noisy[item]
    return {
        "clean": _png(clean, originals.peak),
        "noisy": _png(noisy, originals.peak),
        "error": _map_of(noisy, clean, _range(originals, item)),
        "range": f"{_range(originals, item):.3g}",
        "width": clean.shape[-1],
        "height": clean.shape[-2],
    }


def image_of_error(originals: Originals, item: int, estimate: Array) -> dict[str, Any]:
    """Return an estimate and the map of its error; the parameters are as for `image_pair`."""
    error = _map_of(estimate, originals.clean[item], _range(originals, item))
    return {"image": _png(estimate, originals.peak), "error": error}


def _range(originals: Originals, item: int) -> float:
    """Return the largest error that the maps of an item distinguish."""
    noise = np.abs(_errors(originals.noisy[item], originals.clean[item]))
    noise = noise[np.isfinite(noise)]
    if not noise.any():
        return originals.peak / 10
    # With noise on very few values, the quantile is 0.
    return float(np.quantile(noise, QUANTILE)) or float(noise.max())


def _errors(image: Array, clean: Array) -> NDArray[np.float64]:
    """Return image - clean; where both are equal and infinite, it is 0."""
    with np.errstate(invalid="ignore"):  # inf - inf
        return np.where(image == clean, 0.0, image.astype(np.float64) - clean)


def _png(image: Array, peak: float) -> str:
    """Return an image with 8 bits per value; values outside 0..peak are clipped."""
    with np.errstate(over="ignore"):  # an infinite value is clipped, too
        scaled = np.clip(image.astype(np.float64) / peak, 0, 1) * 255
    pixels = np.rint(scaled).astype(np.uint8)
    return png(pixels[0] if len(pixels) != 3 else np.moveaxis(pixels, 0, -1))


def _map_of(image: Array, clean: Array, largest: float) -> str:
    """Return the error of an image, averaged over colors, as a PNG with a palette."""
    # Errors are clipped first: infinite ones of both signs have no mean.
    limit = largest * len(image)
    error = np.clip(_errors(image, clean), -limit, limit).mean(axis=0)
    levels = np.rint(np.clip(error / largest, -1, 1) * SHADES) + SHADES
    return png(levels.astype(np.uint8), palette(COLORS, 2 * SHADES + 1))
