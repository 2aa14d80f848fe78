"""The panels of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sigbench.cli.denoise.plot_signals import (
    BAND,
    ESTIMATE,
    NOISY,
    RESIDUAL,
    limits,
    mark_white,
    tidy,
)
from sigbench.cli.denoise.residual import autocorrelation, parts
from sigbench.core.plot_style import COLORS
from sigbench.core.protocols import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIDE = 320  # pixels of the part of a large image that is shown
LAGS = 15
RANGE = 3.5  # standard deviations of the residual, from the middle to the end of the color map


def image_panels(
    figure: Any, noisy: Array, estimate: Array, peak: float | None, single: bool
) -> None:
    """Draw one image into a figure of its own, or into a line of panels.

    Parameters
    ----------
    figure : SubFigure
        Where to draw.
    noisy, estimate : array, shape (C, H, W)
        The image before and after.
    peak : float or None
        Largest value that the file can represent.
    single : bool
        Whether the image has the whole figure.
    """
    if single:
        grid = figure.add_gridspec(2, 6, height_ratios=[1.25, 1])
        columns = [grid[0, :2], grid[0, 2:4], grid[0, 4:], grid[1, :3], grid[1, 3:]]
        panels = [figure.add_subplot(one) for one in columns]
    else:
        panels = list(figure.subplots(1, 5))
    down, across = most_detailed(estimate.mean(axis=0))
    height, width = noisy.shape[1:]
    whole = (down.stop - down.start, across.stop - across.start) == (height, width)
    part = "" if whole else f", a part of {width} × {height} pixels"
    extent = (across.start - 0.5, across.stop - 0.5, down.stop - 0.5, down.start - 0.5)
    low, high = _range(noisy, peak)
    titles = (f"noisy{part}", "estimate")
    for axes, image, title in zip(panels, (noisy, estimate), titles, strict=False):
        shown = np.clip((_as_shown(image[:, down, across]) - low) / (high - low), 0, 1)
        axes.imshow(shown, cmap="gray", vmin=0, vmax=1, extent=extent, interpolation="nearest")
        axes.set_title(title, fontsize=9)
    residual = (noisy - estimate).mean(axis=0, dtype=np.float64)
    limit = RANGE * float(residual.std()) or 1.0
    drawn = panels[2].imshow(
        residual[down, across],
        cmap="RdBu_r",
        vmin=-limit,
        vmax=limit,
        extent=extent,
        interpolation="nearest",
    )
    panels[2].set_title("residual = noisy − estimate", fontsize=9)
    figure.colorbar(drawn, ax=panels[2], shrink=0.8, pad=0.02).ax.tick_params(labelsize=8)
    images = {"noisy": (noisy.mean(axis=0), NOISY), "estimate": (estimate.mean(axis=0), ESTIMATE)}
    _spectrum(panels[3], images | {"residual": (residual, RESIDUAL)})
    _autocorrelation(panels[4], residual)
    for axes in panels:
        tidy(axes)


def most_detailed(image: Array) -> tuple[slice, slice]:
    """Return the part of an image that varies most; all of a small image.

    Examples
    --------
    >>> most_detailed(np.zeros((300, 200)))
    (slice(0, 300, None), slice(0, 200, None))
    """
    detail = np.zeros(image.shape)
    detail[1:] += np.abs(np.diff(image, axis=0))
    detail[:, 1:] += np.abs(np.diff(image, axis=1))
    sums = np.pad(detail.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    if max(image.shape) <= 2 * SIDE:
        return slice(0, image.shape[0]), slice(0, image.shape[1])
    sides = [min(SIDE, side) for side in image.shape]
    tops, lefts = (
        np.arange(0, side - part + 1, max(1, part // 4))
        for side, part in zip(image.shape, sides, strict=True)
    )
    corner = [np.ix_(tops + y, lefts + x) for y in (0, sides[0]) for x in (0, sides[1])]
    energy = sums[corner[3]] - sums[corner[2]] - sums[corner[1]] + sums[corner[0]]
    row, column = np.unravel_index(int(np.argmax(energy)), energy.shape)
    return (
        slice(int(tops[row]), int(tops[row]) + sides[0]),
        slice(int(lefts[column]), int(lefts[column]) + sides[1]),
    )


def _range(noisy: Array, peak: float | None) -> tuple[float, float]:
    """Return the values that are black and white."""
    if peak == 255:
        return 0.0, 255.0
    low, high = np.percentile(noisy, (0.1, 99.9))
    return float(low), float(high) if high > low else float(low) + 1


def _as_shown(image: Array) -> Array:
    """Return RGB as ``(H, W, 3)``, and the mean of any other number of channels."""
    return np.moveaxis(image, 0, -1) if len(image) == 3 else image.mean(axis=0)


def _spectrum(axes: Axes, images: dict[str, tuple[Array, str]]) -> None:
    """Draw power spectra, averaged over directions."""
    largest = 0.0
    for name, (image, color) in images.items():
        block = parts(image)[0]
        window = np.outer(*(np.hanning(side + 2)[1:-1] for side in block.shape))
        power = np.abs(np.fft.fft2(window * (block - block.mean()))) ** 2 / np.sum(window**2)
        radius = np.hypot(np.fft.fftfreq(block.shape[0])[:, None], np.fft.fftfreq(block.shape[1]))
        edges = np.geomspace(1 / max(block.shape), 0.5, 40)
        place = np.digitize(radius.ravel(), edges)
        count = np.bincount(place, minlength=41)[1:40]
        total = np.bincount(place, power.ravel(), minlength=41)[1:40]
        middle, mean = (
            np.sqrt(edges[1:] * edges[:-1])[count > 0],
            (total[count > 0] / count[count > 0]),
        )
        if mean.any():
            width = 2.4 if name == "noisy" else 1.2
            axes.loglog(middle, mean, color=color, lw=width, label=name)
            largest = max(largest, float(mean.max()))
    level = float(np.var(images["residual"][0]))
    mark_white(axes, level, largest)
    axes.set_title("spectra, averaged over directions", fontsize=9)
    axes.set_xlabel("cycles per pixel", fontsize=8)


def _autocorrelation(axes: Axes, residual: NDArray[np.float64]) -> None:
    blocks = parts(residual)
    blocks = blocks - blocks.mean()
    for direction, color in enumerate((COLORS[2], RESIDUAL)):
        side = blocks.shape[1 + direction]
        lags = np.arange(1, 1 + max(1, min(LAGS, side // 4)))
        shifts = [(lag, 0) if direction == 0 else (0, lag) for lag in lags.tolist()]
        if residual.any():
            values = autocorrelation(blocks, shifts)
            label = ("down", "across")[direction]
            axes.vlines(lags + 0.3 * direction, 0, values, color=color, lw=3, label=label)
    limits(axes, BAND / np.sqrt(blocks.size))
    axes.set_xlabel("distance in pixels", fontsize=8)
