"""Figures of leaderboards and of denoised items; Matplotlib is imported when one is drawn."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.plot_style import COLORS, WIDTH, spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BOUND = "cramer-rao"

Board = Sequence[Mapping[str, Any]]
Curve = list[tuple[int, float]]

# Color, marker and label of a row by its column ``knowledge``.
KNOWLEDGE = {
    "fitted": (COLORS[0], "o", "tuned or trained on the training split"),
    "sigma": (COLORS[1], "s", "adaptive, noise level given"),
    "blind": (COLORS[2], "^", "adaptive, noise level not given"),
    "none": (COLORS[3], "D", "fixed settings"),
    "oracle": ("black", "*", "uses the clean signal"),
    "prior": ("black", "P", "knows the true prior"),
}
LIMITS = ("oracle", "prior")
INPUT = ("0.45", "|", "noisy input")


def system_function(board: Board) -> Figure:
    """Draw the error of the response against the record length, one panel per noise level.

    Parameters
    ----------
    board : sequence of mapping
        Rows of a leaderboard, as computed or as read from its CSV file. Rows with the metric
        ``system_error`` and a problem named ``...LENGTH-SNRdB`` are drawn.

    Returns
    -------
    matplotlib.figure.Figure
        The figure, not shown or saved.

    Raises
    ------
    InputError
        If no row has that metric and such a problem.

    References
    ----------
    Okabe and Ito, Color Universal Design (2008): the colors.
    """
    from matplotlib.figure import Figure

    panels = _panels(board)
    columns = min(2, len(panels))
    lines = -(-len(panels) // columns)
    figure = Figure((WIDTH / 2 * columns, 3.4 * lines), layout="constrained", dpi=130)
    axes = figure.subplots(lines, columns, squeeze=False, sharex=True).ravel()
    methods = dict.fromkeys(m for curves in panels.values() for m in curves if m != BOUND)
    color_of = {m: COLORS[i % len(COLORS)] for i, m in enumerate(sorted(methods))}
    for ax, (snr_db, curves) in zip(axes, sorted(panels.items()), strict=False):
        _draw(ax, curves, {**color_of, BOUND: "black"})
        ax.set_title(f"SNR {snr_db:g} dB", loc="left", fontsize=9.5, fontweight="bold")
    for ax in axes[len(panels) :]:
        ax.set_visible(False)
    for ax in axes[::columns]:
        ax.set_ylabel("mean error ‖ĥ − h‖²/‖h‖² in dB", fontsize=8.5)
    figure.supxlabel(
        "record length in samples (dashed: Cramér-Rao bound of unbiased estimators)", fontsize=8.5
    )
    return figure


def _panels(board: Board) -> dict[float, dict[str, Curve]]:
    """Return mean errors by noise level and method, sorted by length."""
    panels: dict[float, dict[str, Curve]] = {}
    for row in board:
        setting = re.search(r"(\d+)-(-?[\d.]+)dB$", row["problem"])
        if row["metric"] == "system_error" and setting:
            curves = panels.setdefault(float(setting[2]), {})
            point = (int(setting[1]), float(row["mean"]))
            curves.setdefault(row["method"], []).append(point)
    if not panels:
        raise InputError("no row has the metric system_error and a problem named ...LENGTH-SNRdB")
    return {
        snr_db: {m: sorted(curve) for m, curve in curves.items()}
        for snr_db, curves in panels.items()
    }


def _draw(ax: Axes, curves: Mapping[str, Curve], color_of: Mapping[str, str]) -> None:
    """Draw one panel: each curve labeled at its end, the bound dashed."""
    names = sorted(curves, key=lambda m: m == BOUND)
    for name in names:
        length, error = zip(*curves[name], strict=True)
        style = "--" if name == BOUND else "o-"
        ax.plot(length, error, style, color=color_of[name], linewidth=1.4, markersize=3.5)
    lengths = sorted({length for curve in curves.values() for length, _ in curve})
    ax.set_xscale("log", base=2)
    ax.set_xticks(lengths, [str(n) for n in lengths])
    ax.minorticks_off()
    ax.tick_params(labelsize=7.5)
    ax.grid(axis="y", color="0.9", lw=0.8)
    ax.spines[["top", "right"]].set_visible(False)
    low, high = ax.get_ylim()
    ends = [curves[name][-1][1] for name in names]
    for name, at, label in zip(names, ends, spread(ends, 0.065 * (high - low)), strict=True):
        ax.annotate(
            f"{name} {at:.1f}".replace(" -", " −"),
            (lengths[-1], at),
            (1.04, (label - low) / (high - low)),
            textcoords="axes fraction",
            color=color_of[name],
            fontsize=8,
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": color_of[name], "lw": 0.6, "shrinkB": 4},
        )


def family(
    board: Board,
    methods: Sequence[str],
    problems: Sequence[str],
    *,
    metric: str = "psnr",
    columns: int = 4,
    printed: Mapping[str, float] | None = None,
) -> Figure:
    """Draw the means of methods with 95 % intervals, one panel per problem, best method on top.

    A mean far below the noisy input is drawn as an arrow with its value.

    Parameters
    ----------
    board : sequence of mapping
        Rows of leaderboards, as computed or as read from their CSV files.
    methods : sequence of str
        The methods to show; one without a row on a problem leaves a gap there.
    problems : sequence of str
        The problems to show.
    metric : str
        A metric of which larger values are better.
    columns : int
        Maximum number of panels per line.
    printed : mapping of str to float, optional
        Published values by method, drawn as open circles.

    Raises
    ------
    InputError
        If none of the methods has a row on one of the problems.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    shown = {p: _rows(board, methods, p, metric) for p in problems}
    names = _best_last(shown)
    columns = min(columns, len(problems))
    lines = -(-len(problems) // columns)
    figure = Figure((WIDTH, lines * (0.55 + 0.2 * len(names)) + 0.5), layout="constrained", dpi=130)
    axes = figure.subplots(lines, columns, squeeze=False, sharey=True).ravel()
    for ax, (problem, rows) in zip(axes, shown.items(), strict=False):
        _dots(ax, names, rows)
        ax.set_title(problem, loc="left", fontsize=9.5, fontweight="bold")
    for ax in axes[len(problems) :]:
        ax.set_visible(False)
    styles = {_style(row): None for rows in shown.values() for row in rows.values()}
    handles = [
        Line2D([], [], color=color, marker=marker, ls="", ms=5, label=label)
        for color, marker, label in (*KNOWLEDGE.values(), INPUT)
        if (color, marker, label) in styles
    ]
    values = {name: value for name, value in (printed or {}).items() if name in names}
    for ax in axes[: len(problems) if values else 0]:
        rings = ax.plot(
            list(values.values()),
            [names.index(name) for name in values],
            "o",
            color="black",
            mfc="none",
            ms=10,
            label="printed value",
        )
    handles += rings if values else []
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=4,
        frameon=False,
        fontsize=8.5,
        title=f"mean {metric.upper()} in dB with 95 % interval",
        title_fontsize=8.5,
    )
    return figure


def _rows(
    board: Board, methods: Sequence[str], problem: str, metric: str
) -> dict[str, Mapping[str, Any]]:
    rows = {
        row["method"]: row
        for row in board
        if row["problem"] == problem and row["metric"] == metric and row["method"] in methods
    }
    if not rows:
        raise InputError(f"problem={problem!r} has no {metric} of any of: {', '.join(methods)}")
    return rows


def _best_last(shown: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
    """Return the methods in ascending order of their mean relative rank, limits last."""
    places: dict[str, list[float]] = {}
    limits = set()
    for rows in shown.values():
        order = sorted(rows, key=lambda name: float(rows[name]["mean"]))
        for place, name in enumerate(order):
            places.setdefault(name, []).append(place / len(order))
            if rows[name]["knowledge"] in LIMITS:
                limits.add(name)
    return sorted(places, key=lambda name: (name in limits, float(np.mean(places[name]))))


def _style(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return INPUT if row["method"] == "noisy" else KNOWLEDGE[row["knowledge"]]


def _dots(ax: Axes, names: Sequence[str], rows: Mapping[str, Mapping[str, Any]]) -> None:
    """Draw one problem: a dot, an interval and a number per method."""
    means = {name: float(row["mean"]) for name, row in rows.items()}
    ends = {name: [float(row["ci_low"]), float(row["ci_high"])] for name, row in rows.items()}
    top, floor = max(high for _, high in ends.values()), means.get("noisy", min(means.values()))
    left = max(min(low for low, _ in ends.values()), floor - 0.25 * (top - floor))
    span = max(top - left, 0.1)
    ax.set_xlim(left - 0.06 * span, top + 0.3 * span)  # space for the numbers
    for y, name in enumerate(names):
        if name not in rows:
            continue
        color, marker, _ = _style(rows[name])
        x, text = means[name], f" {means[name]:.1f}".replace("-", "−")
        if x < left:
            ax.annotate(f"◂{text}", (left, y), color=color, fontsize=7.5, va="center", ha="left")
            continue
        if rows[name]["knowledge"] in LIMITS:
            ax.axvline(x, color=color, ls=":", lw=0.8, zorder=0.5)
        ax.plot(ends[name], [y, y], color=color, lw=2.5, solid_capstyle="butt", alpha=0.5)
        ax.plot([x], [y], marker, color=color, ms=5)
        ax.annotate(
            text,
            (max(x, ends[name][1]), y),
            (4, 0),
            textcoords="offset points",
            color=color,
            fontsize=7.5,
            va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4},
        )
    ax.set_yticks(range(len(names)), names, fontsize=8.5)
    ax.set_ylim(-0.6, len(names) - 0.4)
    ax.tick_params(axis="x", labelsize=7.5)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", color="0.93", lw=0.8)
    ax.spines[["top", "right", "left"]].set_visible(False)


@dataclass(frozen=True, eq=False)
class Example:
    """A signal or image with its title, and optionally the clean signal to draw behind it."""

    title: str
    item: NDArray[Any]
    clean: NDArray[Any] | None = None


def signals(examples: Sequence[Example], *, columns: int = 2, spikes: bool = False) -> Figure:
    """Draw signals ``(L,)`` over the clean ones, with equal axes in each line of panels.

    Parameters
    ----------
    examples : sequence of Example
        One panel each.
    columns : int
        Panels per line.
    spikes : bool
        Draw estimates as lines from zero, and nonzero samples of the clean signal as circles.
    """
    from matplotlib.figure import Figure

    lines = -(-len(examples) // columns)
    figure = Figure((WIDTH, 1.75 * lines), layout="constrained", dpi=130)
    axes = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey="row").ravel()
    for ax, example in zip(axes, examples, strict=False):
        if spikes:
            ax.vlines(np.arange(len(example.item)), 0, example.item, color=COLORS[0], lw=1.4)
            if example.clean is not None:
                (where,) = np.nonzero(example.clean)
                ax.plot(
                    where, example.clean[where], "o", color="black", mfc="none", ms=4.5, mew=0.9
                )
        else:
            if example.clean is not None:
                ax.plot(example.clean, color="0.7", lw=2.2)
            ax.plot(example.item, color=COLORS[0], lw=0.8)
        ax.set_title(example.title, loc="left", fontsize=9)
        ax.tick_params(labelsize=7.5)
        ax.spines[["top", "right"]].set_visible(False)
    for ax in axes[len(examples) :]:
        ax.set_visible(False)
    return figure


def pictures(examples: Sequence[Example], peak: float, *, columns: int = 4) -> Figure:
    """Draw images ``(C, H, W)`` with values 0..peak and one or three channels."""
    from matplotlib.figure import Figure

    lines = -(-len(examples) // columns)
    figure = Figure((WIDTH, lines * (WIDTH / columns + 0.2)), layout="constrained", dpi=110)
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for ax, example in zip(axes, examples, strict=False):
        pixels = np.clip(np.moveaxis(example.item, 0, -1) / peak, 0, 1)
        ax.imshow(
            pixels if pixels.shape[-1] == 3 else pixels[..., 0],
            cmap="gray",
            vmin=0,
            vmax=1,
            interpolation="nearest",
        )
        ax.set_title(example.title, loc="left", fontsize=9)
    for ax in axes:
        ax.set_axis_off()
    return figure


@dataclass(frozen=True, eq=False)
class Risk:
    """SURE and the true mean squared error for each value of a setting."""

    title: str
    settings: Sequence[float]
    expected: NDArray[np.float64]
    true: NDArray[np.float64]


def risks(panels: Sequence[Risk], setting: str) -> Figure:
    """Draw SURE and the true mean squared error against a setting, with both minima marked."""
    from matplotlib.figure import Figure

    figure = Figure((WIDTH, 3.3), layout="constrained", dpi=130)
    axes = figure.subplots(1, len(panels), squeeze=False, sharey=True).ravel()
    for ax, panel in zip(axes, panels, strict=True):
        for name, curve, color, style in (
            ("true error", panel.true, "black", "-"),
            ("SURE", panel.expected, COLORS[1], "o--"),
        ):
            best = int(np.argmin(curve))
            ax.plot(panel.settings, curve, style, color=color, lw=1.4, ms=3.5, label=name)
            ax.plot(panel.settings[best], curve[best], "o", color=color, mfc="none", ms=11)
        ax.set_xscale("log")
        ax.set_xticks(panel.settings, [f"{s:g}" for s in panel.settings], fontsize=7.5)
        ax.minorticks_off()
        ax.tick_params(axis="y", labelsize=7.5)
        ax.set_xlabel(setting, fontsize=8.5)
        ax.set_title(panel.title, loc="left", fontsize=9.5, fontweight="bold")
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("mean squared error / σ²", fontsize=8.5)
    axes[0].legend(frameon=False, fontsize=8.5, title="circle: the minimum", title_fontsize=8.5)
    return figure
