"""The panels of a signal, sound or column of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sigbench.cli.denoise.residual import autocorrelation, parts
from sigbench.core.media import Content
from sigbench.core.plot_style import COLORS
from sigbench.core.protocols import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NOISY, ESTIMATE, RESIDUAL, SHADE = "#A9A9A9", COLORS[0], COLORS[1], COLORS[4]
BINS = 1500  # of a long signal, each drawn by its smallest and largest value
LONG = 3000  # samples; longer signals have a panel with a part of them
PART = 1000  # samples of that part
LAGS = 50
SEGMENT, MIN_SEGMENT = 1024, 128  # samples of a segment of the spectrum
DEPTH = 1e-6  # of the spectrum that is drawn, below the largest value
BAND = 1.96  # standard deviations of 95 % of a normal distribution


def signal_panels(
    figure: Any, content: Content, number: int, estimate: Array, single: bool
) -> None:
    """Draw one item into a figure of its own, or into a line of panels.

    Parameters
    ----------
    figure : SubFigure
        Where to draw.
    content : Content
        The noisy file.
    number : int
        Which item.
    estimate : array, shape (L,)
        The estimate of the item.
    single : bool
        Whether the item has the whole figure.
    """
    noisy, after = content.batch[number, 0].astype(np.float64), estimate.astype(np.float64)
    gaps = np.zeros(len(noisy), bool) if content.missing is None else content.missing[number, 0]
    noisy = np.where(gaps, np.nan, noisy)
    residual = noisy - after
    axis, label = _axis(content, len(noisy))
    panels = _layout(figure, single, len(noisy) > LONG)
    _trace(panels["whole"], axis, noisy, NOISY, "noisy")
    _trace(panels["whole"], axis, after, ESTIMATE, "estimate")
    panels["whole"].set_title("noisy and estimate", fontsize=9)
    panels["whole"].legend(loc="upper right", fontsize=8, framealpha=0.9, ncols=2)
    if "part" in panels:
        where = liveliest(after)
        _trace(panels["part"], axis[where], noisy[where], NOISY, "noisy")
        _trace(panels["part"], axis[where], after[where], ESTIMATE, "estimate")
        panels["part"].set_title("the shaded part", fontsize=9)
        panels["whole"].axvspan(
            axis[where][0], axis[where][-1], color=SHADE, alpha=0.5, lw=0, zorder=0
        )
        panels["part"].set_xlabel(label, fontsize=8)
    _trace(panels["residual"], axis, residual, RESIDUAL, "residual")
    panels["residual"].axhline(0, color="black", lw=0.6)
    panels["residual"].set_title("residual = noisy − estimate", fontsize=9)
    for name in ("whole", "residual"):
        panels[name].set_xlabel(label, fontsize=8)
    mean = np.nanmean(residual) if not gaps.all() else 0.0
    centered = np.nan_to_num(residual - mean)
    signals = {
        "noisy": (content.batch[number, 0] - content.batch[number, 0].mean(), NOISY),
        "estimate": (after - after.mean(), ESTIMATE),
        "residual": (centered, RESIDUAL),
    }
    _spectrum(panels["spectrum"], signals, content.fs)
    _autocorrelation(panels["lags"], centered)
    for axes in panels.values():
        tidy(axes)


def tidy(axes: Axes) -> None:
    """Apply the style of all panels."""
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def liveliest(estimate: NDArray[np.float64]) -> slice:
    """Return the part of a signal that varies most.

    Examples
    --------
    >>> signal = np.zeros(5000)
    >>> signal[3400] = 1
    >>> part = liveliest(signal)
    >>> part.start < 3400 < part.stop
    True
    """
    step = PART // 4
    starts = np.arange(0, len(estimate) - PART + 1, step)
    sums = np.concatenate([[0], np.cumsum(np.diff(estimate, prepend=estimate[0]) ** 2)])
    energy = sums[starts + PART] - sums[starts]
    best = starts[energy >= energy.max() * (1 - 1e-9)]
    start = int(best[len(best) // 2])  # of several, so that an event is in the middle
    return slice(start, start + PART)


def _axis(content: Content, length: int) -> tuple[NDArray[np.float64], str]:
    """Return the axis of a signal, and its label."""
    if content.positions is not None:
        return content.positions, "axis of the table"
    if content.fs is None:
        return np.arange(length, dtype=np.float64), "sample"
    return np.arange(length) / content.fs, "time in s"


def _layout(figure: Any, single: bool, long: bool) -> dict[str, Axes]:
    names = ["whole", *(["part"] if long else []), "residual"]
    if not single:
        widths = [2.2, *([1.4] if long else []), 1.4, 1.2, 1.0]
        axes = figure.subplots(1, len(widths), width_ratios=widths)
        return dict(zip([*names, "spectrum", "lags"], axes, strict=True))
    grid = figure.add_gridspec(len(names) + 1, 2)
    panels = {name: figure.add_subplot(grid[row, :]) for row, name in enumerate(names)}
    panels["spectrum"] = figure.add_subplot(grid[-1, 0])
    panels["lags"] = figure.add_subplot(grid[-1, 1])
    return panels


def _trace(
    axes: Axes, axis: NDArray[np.float64], values: NDArray[np.float64], color: str, label: str
) -> None:
    """Draw a signal; a long one by the smallest and largest value of each of many bins."""
    width = 0.9 if color != ESTIMATE else 1.3
    if len(values) <= 2 * BINS:
        axes.plot(axis, values, color=color, lw=width, label=label)
    else:
        edges = np.linspace(0, len(values), BINS + 1).astype(int)[:-1]
        low, high = np.fmin.reduceat(values, edges), np.fmax.reduceat(values, edges)
        axes.fill_between(
            axis[edges], low, high, color=color, lw=0.5, label=label, alpha=0.9, rasterized=True
        )
    axes.margins(x=0.005)


def _spectrum(
    axes: Axes, signals: dict[str, tuple[NDArray[np.float64], str]], fs: float | None
) -> None:
    """Draw Welch's spectra, and the level of white noise with the variance of the residual."""
    from scipy.signal import welch

    largest = 0.0
    for name, (signal, color) in signals.items():
        blocks = parts(signal)
        length = min(SEGMENT, max(blocks.shape[1] // 8, MIN_SEGMENT), blocks.shape[1])
        frequencies, power = welch(blocks, fs or 1.0, nperseg=length, axis=-1)
        power = power.mean(axis=0)[1:]
        largest = max(largest, float(power.max(initial=0)))
        if power.any():
            width = 2.4 if name == "noisy" else 1.2
            axes.loglog(frequencies[1:], power, color=color, lw=width, label=name)
    level = 2 * float(np.mean(signals["residual"][0] ** 2)) / (fs or 1.0)
    mark_white(axes, level, largest)
    axes.set_title("spectra", fontsize=9)
    axes.set_xlabel("frequency in Hz" if fs else "cycles per sample", fontsize=8)


def _autocorrelation(axes: Axes, residual: NDArray[np.float64]) -> None:
    blocks = parts(residual)
    lags = range(1, 1 + max(1, min(LAGS, blocks.shape[1] // 4)))
    if residual.any():
        values = autocorrelation(blocks - blocks.mean(), [(lag,) for lag in lags])
        axes.vlines(list(lags), 0, values, color=RESIDUAL, lw=2)
    band = BAND / np.sqrt(blocks.size)
    limits(axes, band)
    axes.set_xlabel("distance in samples", fontsize=8)


def mark_white(axes: Axes, level: float, largest: float) -> None:
    """Draw the level of white noise in a spectrum, and leave out what is far below the largest."""
    if level > 0:
        axes.axhline(level, color="black", lw=0.9, ls="--", label="white")
    if largest > 0:
        bottom, top = axes.get_ylim()
        axes.set_ylim(max(bottom, DEPTH * largest), top)
        axes.legend(fontsize=7, loc="best", framealpha=0.8)


def limits(axes: Axes, band: float) -> None:
    """Draw where 95 % of the autocorrelations of white noise are, and set the range."""
    axes.axhspan(-band, band, color="#D9D9D9", lw=0, label="95 % of white noise", zorder=0)
    axes.axhline(0, color="black", lw=0.6)
    bottom, top = axes.get_ylim()
    reach = max(abs(bottom), abs(top), 3 * band, 0.1)
    axes.set_ylim(-min(1, reach), min(1, reach))
    axes.set_title("autocorrelation of the residual", fontsize=9)
    axes.legend(fontsize=7, loc="upper right", framealpha=0.8)
