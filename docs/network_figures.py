"""Figures about networks: feature maps, engines, ShrinkNet, learning rates, noise levels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from result_figures import COLORS, WIDTH, Board, Example

from sigbench.core.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

CLOSE = (-2.2, 0.8)  # limits of differences in dB
SINGLE = float(np.finfo(np.float32).eps)


@dataclass(frozen=True, eq=False)
class Stage:
    """Feature maps ``(C, L)``; each value covers ``step`` samples, and ``neutral`` is white."""

    title: str
    maps: NDArray[Any]
    step: int = 1
    neutral: float = 0.0


@dataclass(frozen=True, eq=False)
class Branch:
    """A column of the figure: a signal and stages over the same axis, with the axis label."""

    signal: Example
    stages: Sequence[Stage]
    axis: str = "sample"


def feature_maps(branches: Sequence[Branch]) -> Figure:
    """Draw feature maps as images of channels over positions, one column per branch.

    Each image has its own scale, symmetric about white.

    Parameters
    ----------
    branches : sequence of Branch
        The columns; stages with the same index are in the same row.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    colors = LinearSegmentedColormap.from_list("signs", [COLORS[1], "white", COLORS[0]])
    rows = max(len(branch.stages) for branch in branches)
    channels = [
        max(b.stages[i].maps.shape[0] for b in branches if i < len(b.stages)) for i in range(rows)
    ]
    heights = [4.0, *np.sqrt(channels)]
    figure = Figure((WIDTH, 0.35 * sum(heights) + 0.28 * rows + 0.9), layout="constrained", dpi=130)
    axes = figure.subplots(
        rows + 1, len(branches), squeeze=False, sharex="col", height_ratios=heights
    )
    for column, branch in zip(axes.T, branches, strict=True):
        _stem(column[0], branch.signal)
        for ax, stage in zip(column[1:], branch.stages, strict=False):
            _image(ax, stage, colors)
        for ax in column[len(branch.stages) + 1 :]:
            ax.set_visible(False)
        lowest = column[len(branch.stages)]
        lowest.tick_params(labelbottom=True)
        lowest.set_xlim(-0.5, len(branch.signal.item) - 0.5)
        if len(branch.stages) == rows:
            lowest.set_xlabel(branch.axis, fontsize=8.5)
    bar = figure.colorbar(
        ScalarMappable(cmap=colors),
        ax=axes,
        location="bottom",
        fraction=0.02,
        aspect=50,
        shrink=0.5,
        pad=0.01,
    )
    bar.set_ticks([0, 0.5, 1], labels=["−max", "0 (factors: 1)", "+max of the image"])
    bar.ax.tick_params(labelsize=7.5, length=0)
    return figure


def _stem(ax: Axes, example: Example) -> None:
    """Draw a signal as vertical lines, with circles at the nonzero samples of the clean one."""
    ax.vlines(np.arange(len(example.item)), 0, example.item, color=COLORS[0], lw=1.2)
    if example.clean is not None:
        (where,) = np.nonzero(example.clean)
        ax.plot(where, example.clean[where], "o", color="black", mfc="none", ms=3.5, mew=0.8)
    _finish(ax, example.title)


def _image(ax: Axes, stage: Stage, colors: Colormap) -> None:
    channels, length = stage.maps.shape
    span = float(np.abs(stage.maps - stage.neutral).max()) or 1.0
    ax.imshow(
        stage.maps,
        cmap=colors,
        vmin=stage.neutral - span,
        vmax=stage.neutral + span,
        extent=(-0.5, length * stage.step - 0.5, channels - 0.5, -0.5),
        aspect="auto",
        interpolation="nearest",
    )
    _finish(ax, f"{stage.title}, ≤ {stage.maps.max():.2g}")
    ax.set_yticks([])


def _finish(ax: Axes, title: str) -> None:
    ax.set_title(title, loc="left", fontsize=8.5)
    ax.tick_params(labelsize=7.5)
    ax.spines[["top", "right"]].set_visible(False)


def engines(
    outputs: Mapping[str, NDArray[Any]], largest: Mapping[str, float], *, allowed: float = 1e-5
) -> Figure:
    """Draw the estimates of two engines for one signal, and their differences.

    Parameters
    ----------
    outputs : mapping of str to array, shape (L,)
        The two estimates by engine name.
    largest : mapping of str to float
        For each feature map ``stage.layer``, in order, the largest difference divided by the
        largest value.
    allowed : float
        The bound that tests use.
    """
    from matplotlib.figure import Figure

    (one, first), (other, second) = outputs.items()
    figure = Figure((WIDTH, 6.4), layout="constrained", dpi=130)
    top, middle, bottom = figure.subplots(3, 1, height_ratios=[3, 2, 2.6])
    top.plot(first, color=COLORS[5], lw=4, label=one)
    top.plot(second, "--", color="black", lw=1, label=other)
    top.legend(frameon=False, fontsize=8.5, ncols=2, loc="upper right")
    _finish(top, f"The same network and weights, run by {one} and by {other}")

    apart = np.abs(first.astype(np.float64) - second) / np.abs(first).max()
    _logarithmic(middle, np.arange(len(apart)), apart, allowed)
    middle.sharex(top)
    middle.set_xlabel("sample", fontsize=8.5)
    _finish(middle, "Relative difference of the two (lower edge: smaller or zero)")

    _logarithmic(bottom, np.arange(len(largest)), np.array(list(largest.values())), allowed)
    stages: dict[str, list[int]] = {}
    for place, name in enumerate(largest):
        stages.setdefault(name.partition(".")[0], []).append(place)
    for places in list(stages.values())[1:]:
        bottom.axvline(places[0] - 0.5, color="0.85", lw=0.8, zorder=0.5)
    bottom.set_xticks([float(np.mean(p)) for p in stages.values()], list(stages))
    bottom.tick_params(axis="x", length=0)
    bottom.margins(x=0.01)
    bottom.set_xlabel("stage (dots: its feature maps, in order)", fontsize=8.5)
    _finish(bottom, "Largest relative difference of each feature map in a batch")
    return figure


def _logarithmic(ax: Axes, x: NDArray[Any], apart: NDArray[Any], allowed: float) -> None:
    """Draw relative differences on a log scale; smaller ones are drawn at the lower edge."""
    low = SINGLE / 30
    ax.vlines(x, low, np.maximum(apart, low), color=COLORS[0], lw=1)
    ax.plot(x, np.maximum(apart, low), "o", color=COLORS[0], ms=3, clip_on=False)
    ax.set_yscale("log")
    ax.set_ylim(low, 3 * max(allowed, float(apart.max())))
    for level, label in ((allowed, "allowed\nby tests"), (SINGLE, "spacing\nof float32")):
        ax.axhline(level, color=COLORS[1], ls="--", lw=0.9)
        ax.annotate(
            label,
            (1.005, level),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=7.5,
            color=COLORS[1],
            annotation_clip=False,
        )


@dataclass(frozen=True, eq=False)
class Shrinkage:
    """Estimates of one sample over its noisy value, with all other samples fixed."""

    title: str
    network: NDArray[Any]
    limit: NDArray[Any]


def shrinkage(
    values: NDArray[Any],
    panels: Sequence[Shrinkage],
    *,
    threshold: NDArray[Any],
    samplewise: NDArray[Any],
) -> Figure:
    """Draw estimates of a sample over its value, and below the effect of the other samples.

    Parameters
    ----------
    values : array, shape (V,)
        Values of the noisy sample.
    panels : sequence of Shrinkage
        One column for each choice of the other samples.
    threshold : array, shape (V,)
        Estimates by a threshold, which do not depend on the other samples.
    samplewise : array, shape (V,)
        Posterior means given this sample alone, subtracted in the lower row.
    """
    from matplotlib.figure import Figure

    figure = Figure((WIDTH, 5.6), layout="constrained", dpi=130)
    axes = figure.subplots(
        2, len(panels), squeeze=False, sharex=True, sharey="row", height_ratios=[3, 2]
    )
    for (top, below), panel in zip(axes.T, panels, strict=True):
        top.plot(values, values, color="0.8", lw=0.8, label="identity: x̂ = y")
        top.plot(values, threshold, color=COLORS[1], lw=1.2, label="non-negative soft threshold")
        top.plot(values, samplewise, ":", color="0.45", lw=1.4, label="mean given the sample alone")
        below.axhline(0, color="0.45", ls=":", lw=1.4)
        for ax, less in ((top, 0), (below, samplewise)):
            ax.plot(values, panel.network - less, color=COLORS[5], lw=3.6, label="ShrinkNet")
            ax.plot(values, panel.limit - less, "--", color="black", lw=1.1, label="limit")
        top.set_ylim(-1, values[-1])
        _finish(top, panel.title)
        _finish(below, "")
        below.set_xlabel("noisy value y of the sample", fontsize=8.5)
    axes[0, 0].set_ylabel("estimate x̂ of the sample", fontsize=8.5)
    axes[1, 0].set_ylabel("effect of the other samples", fontsize=8.5)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, fontsize=8.5
    )
    return figure


def learning_rates(board: Board) -> Figure:
    """Draw the mean PSNR over learning rate and batch size, one panel per initialization.

    Parameters
    ----------
    board : sequence of mapping
        Rows of a leaderboard; rows with the metric ``psnr`` and a method named
        ``INITIAL-lrRATE-batchSIZE`` are used.

    Raises
    ------
    InputError
        If there is no such row.
    """
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    panels: dict[str, dict[tuple[float, int], float]] = {}
    for row in board:
        setting = re.fullmatch(r"(\w+)-lr([\d.e-]+)-batch(\d+)", row["method"])
        if row["metric"] == "psnr" and setting:
            own = panels.setdefault(setting[1], {})
            own[float(setting[2]), int(setting[3])] = float(row["mean"])
    if not panels:
        raise InputError("no row has the metric psnr and a method named INITIAL-lrRATE-batchSIZE")
    values = [value for own in panels.values() for value in own.values()]
    colors = LinearSegmentedColormap.from_list("values", ["white", COLORS[0]])
    figure = Figure((4.2 * len(panels), 3.4), layout="constrained", dpi=130)
    for axes, (initial, own) in zip(
        np.ravel(figure.subplots(1, len(panels))), panels.items(), strict=True
    ):
        rates, batches = sorted({lr for lr, _ in own}), sorted({n for _, n in own})
        grid = np.array([[own.get((lr, n), np.nan) for n in batches] for lr in rates])
        axes.imshow(
            grid, cmap=colors, vmin=min(values), vmax=max(values), origin="lower", aspect="auto"
        )
        for (i, j), value in np.ndenumerate(grid):
            dark = value > (min(values) + 2 * max(values)) / 3
            best = value == max(values)
            axes.text(
                j, i, "" if np.isnan(value) else f"{value:.2f}", ha="center", va="center",
                fontsize=9, color="white" if dark else "black", weight="bold" if best else "normal",
            )  # fmt: skip
        axes.set_xticks(range(len(batches)), [str(n) for n in batches])
        axes.set_yticks(range(len(rates)), [f"{lr:g}" for lr in rates])
        axes.set_title(f"{initial}: mean PSNR in dB", loc="left", fontsize=9.5)
        axes.set_xlabel("pairs per step", fontsize=8.5)
        axes.set_ylabel("learning rate", fontsize=8.5)
        axes.tick_params(labelsize=8, length=0)
        axes.spines[:].set_visible(False)
    return figure


@dataclass(frozen=True)
class ImageRow:
    """A method's curve: its name in the leaderboard, its label and its line style."""

    method: str
    label: str
    color: str
    style: str = "-"
    trained_to: float | None = None  # the largest noise level in training


def noise_levels(board: Board, panels: Mapping[str, Sequence[ImageRow]]) -> Figure:
    """Draw the PSNR over the noise level, and below the difference from the first method.

    There is one column per group of methods. Bars show the noise levels of training.

    Parameters
    ----------
    board : sequence of mapping
        Rows of a leaderboard, computed or read from its CSV file; the problems are named
        ``sigma-N``.
    panels : mapping of str to sequence of ImageRow
        Title and curves of each column.

    Raises
    ------
    InputError
        If a method has no such rows.
    """
    from matplotlib.figure import Figure

    figure = Figure((WIDTH, 5.6), layout="constrained", dpi=130)
    axes = figure.subplots(2, len(panels), squeeze=False, sharex=True, sharey="row")
    for (top, below), (title, rows) in zip(axes.T, panels.items(), strict=True):
        first = dict(_over_levels(board, rows[0].method))
        for row in rows:
            sigma, mean = zip(*_over_levels(board, row.method), strict=True)
            look: dict[str, Any] = {"color": row.color, "ls": row.style, "lw": 1.5}
            top.plot(sigma, mean, label=row.label, **look)
            below.plot(sigma, [m - first[s] for s, m in zip(sigma, mean, strict=True)], **look)
        below.set_ylim(*CLOSE)
        bars = {row.trained_to: row.color for row in rows if row.trained_to}
        for i, (end, color) in enumerate(sorted(bars.items())):
            at = CLOSE[0] + 0.08 * (len(bars) - i)
            below.plot([0, end], [at] * 2, color=color, lw=3, solid_capstyle="butt")
        top.set_title(title, loc="left", fontsize=9.5, fontweight="bold")
        below.set_title(f"difference from {rows[0].label}", loc="left", fontsize=8.5)
        below.set_xlim(0, max(first) + 2)
        below.set_xlabel("noise level σ of the test (bars: training)", fontsize=8.5)
        for ax in (top, below):
            ax.grid(axis="y", color="0.93", lw=0.8)
            ax.tick_params(labelsize=8)
            ax.spines[["top", "right"]].set_visible(False)
    axes[0, 0].set_ylabel("mean PSNR in dB", fontsize=8.5)
    axes[1, 0].set_ylabel("difference in dB", fontsize=8.5)
    handles = axes[0, 0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return figure


def _over_levels(board: Board, method: str) -> list[tuple[float, float]]:
    """Return pairs (noise level, mean PSNR) of a method, sorted by noise level."""
    found = [
        (float(level[1]), float(row["mean"]))
        for row in board
        if (row["method"], row["metric"]) == (method, "psnr")
        and (level := re.fullmatch(r"sigma-([\d.]+)", row["problem"]))
    ]
    if not found:
        raise InputError(f"method={method!r} has no rows of problems named sigma-N")
    return sorted(found)
