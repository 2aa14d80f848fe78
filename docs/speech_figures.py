"""Figures of speech: spectrograms, gains over the SNR, and quality over cost."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from result_figures import COLORS, WIDTH
from speech_results import METRIC_NAMES, Cost, Gain, Gains

from sigbench.core.errors import InputError
from sigbench.core.plot_style import spread
from sigbench.denoisers.speech.frames import framing, power_spectra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RANGE_DB = 60  # of spectrograms
LEVELS = 30  # colors in this range: few, so that the file is small
UNITS = {"si_sdr": " in dB"}
ORACLE = "0.35"

# Marker and color of a family of methods in `quality_over_cost`.
FAMILIES = {
    "network": ("D", COLORS[0], "network"),
    "speech": ("o", COLORS[1], "gain from a noise tracker"),
    "threshold": ("s", COLORS[2], "sparse or threshold"),
    "control": ("X", "0.55", "control"),
}


def spectrograms(signals: Mapping[str, NDArray[Any]], fs: float) -> Figure:
    """Draw spectrograms of signals ``(L,)`` one above the other, with one scale.

    Parameters
    ----------
    signals : mapping of str to array
        Title and signal of each panel. 0 dB is the maximum of the first.
    fs : float
        Sampling rate in Hz.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    frames = framing(fs, overlap=2)
    figure = Figure((WIDTH, 1.35 * len(signals) + 0.4), layout="constrained", dpi=130)
    axes = figure.subplots(len(signals), 1, squeeze=False, sharex=True).ravel()
    top = None
    for ax, (title, signal) in zip(axes, signals.items(), strict=True):
        power = power_spectra(signal[None, None], frames)[0].T
        top = power.max() if top is None else top
        level = 10 * np.log10(np.maximum(power / top, 10 ** (-RANGE_DB / 10)))
        image = ax.imshow(
            level,
            cmap=colormaps["magma"].resampled(LEVELS),
            vmin=-RANGE_DB,
            vmax=0,
            origin="lower",
            extent=(0, len(signal) / fs, 0, fs / 2000),
            aspect="auto",
            interpolation="nearest",
        )
        ax.set_title(title, loc="left", fontsize=9)
        ax.tick_params(labelsize=7.5)
        ax.set_ylabel("kHz", fontsize=8)
    axes[-1].set_xlabel("time in s", fontsize=8.5)
    bar = figure.colorbar(image, ax=axes, fraction=0.02, aspect=45, pad=0.01)
    bar.set_label("power in dB relative to the maximum of the clean signal", fontsize=8)
    bar.ax.tick_params(labelsize=7.5)
    return figure


@dataclass(frozen=True)
class Line:
    """Label and line style of a method."""

    label: str
    color: str
    style: str = "-"


def over_snr(
    found: Gains, noises: Mapping[str, str], lines: Mapping[str, Line], oracle: str
) -> Figure:
    """Draw gains over the SNR with 95 % intervals: a row per metric, a column per noise.

    Parameters
    ----------
    found : mapping
        See `speech_results.gains`; the problems are named ``NOISE-SNRdB``.
    noises : mapping of str to str
        The noises, and their titles.
    lines : mapping of str to Line
        The methods; one without gains is left out.
    oracle : str
        A method whose gains are drawn where they are not above those of all others, and written.

    Raises
    ------
    InputError
        If a noise has no gains.
    """
    from matplotlib.figure import Figure

    metrics = list(dict.fromkeys(m for of in found.values() for own in of.values() for m in own))
    figure = Figure((WIDTH + 1, 2.15 * len(metrics) + 0.4), layout="constrained", dpi=130)
    axes = figure.subplots(len(metrics), len(noises), squeeze=False, sharex=True, sharey="row")
    for row, metric in zip(axes, metrics, strict=True):
        curves = {
            noise: {m: _curve(found, noise, m, metric) for m in (*lines, oracle)}
            for noise in noises
        }
        drawn = {n: {m: c for m, c in of.items() if c and m != oracle} for n, of in curves.items()}
        if missing := [noise for noise, of in drawn.items() if not of]:
            raise InputError(f"noise={missing[0]!r} has no gains in {metric}")
        drawn_gains = [g for of in drawn.values() for curve in of.values() for g in curve.values()]
        ends = [(gain.mean, np.nan_to_num(gain.half)) for gain in drawn_gains]
        low = min(0.0, *(mean - half for mean, half in ends))
        high = max(mean + half for mean, half in ends)
        row[0].set_ylim(low - 0.05 * (high - low), high + 0.17 * (high - low))
        for ax, noise in zip(row, noises, strict=True):
            _gain_panel(ax, drawn[noise], lines)
            _oracle(ax, curves[noise][oracle])
        last = {m: next(reversed(c.values())).mean for m, c in drawn[noise].items()}
        _labels(row[-1], last, lines)
        row[0].set_ylabel(f"{METRIC_NAMES[metric]} gain{UNITS.get(metric, '')}", fontsize=8.5)
    for ax, title in zip(axes[0], noises.values(), strict=True):
        ax.set_title(title, loc="left", fontsize=9.5, fontweight="bold")
    figure.supxlabel("SNR of the noisy input in dB", fontsize=8.5)
    return figure


def _curve(found: Gains, noise: str, method: str, metric: str) -> dict[float, Gain]:
    """Return the gains of a method by SNR."""
    curve = {}
    for problem, of in found.items():
        setting = re.fullmatch(re.escape(noise) + r"-(-?[\d.]+)dB", problem)
        if setting and metric in of.get(method, {}):
            curve[float(setting[1])] = of[method][metric]
    return dict(sorted(curve.items()))


def _gain_panel(
    ax: Axes, curves: Mapping[str, Mapping[float, Gain]], lines: Mapping[str, Line]
) -> None:
    """Draw the curves of one noise, moved sideways a little so that intervals do not overlap."""
    ax.axhline(0, color="0.45", lw=0.9)
    for i, (method, curve) in enumerate(curves.items()):
        line, shift = lines[method], 0.35 * (i - (len(curves) - 1) / 2)
        bars = ax.errorbar(
            np.array(list(curve)) + shift,
            [gain.mean for gain in curve.values()],
            [np.nan_to_num(gain.half) for gain in curve.values()],
            color=line.color,
            ls=line.style,
            lw=1.4,
            elinewidth=0.8,
            marker="o",
            ms=2.6,
        )
        bars.set_label(line.label)
    ax.set_xticks(sorted({snr for curve in curves.values() for snr in curve}))
    ax.tick_params(labelsize=7.5)
    ax.grid(axis="y", color="0.93", lw=0.8)
    ax.spines[["top", "right"]].set_visible(False)


def _oracle(ax: Axes, curve: Mapping[float, Gain]) -> None:
    """Draw the oracle's gains where they are in the panel, and write the first and the last."""
    if not curve:
        return
    means = [gain.mean for gain in curve.values()]
    ax.plot(list(curve), means, ":", color=ORACLE, lw=1.2)
    places = 1 if abs(means[0]) >= 3 else 2
    text = f"oracle {means[0]:+.{places}f} … {means[-1]:+.{places}f}".replace("-", "−")
    ax.text(
        0.99,
        0.99,
        text,
        transform=ax.transAxes,
        ha="right",
        va="top",
        fontsize=7,
        color=ORACLE,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
    )


def _labels(ax: Axes, ends: Mapping[str, float], lines: Mapping[str, Line]) -> None:
    """Write the labels of curves next to their ends."""
    low, high = ax.get_ylim()
    right = ax.get_xticks()[-1]
    wanted = {**ends, "noisy": 0.0}
    for method, at in zip(wanted, spread(list(wanted.values()), 0.085 * (high - low)), strict=True):
        line = lines.get(method, Line("noisy", "0.45"))
        ax.annotate(
            line.label,
            (right + 1, wanted[method]),
            (1.12, (at - low) / (high - low)),
            textcoords="axes fraction",
            color=line.color,
            fontsize=7.5,
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": line.color, "lw": 0.6, "shrinkB": 3},
        )


def quality_over_cost(
    found: Gains, cost: Mapping[str, Cost], families: Mapping[str, str]
) -> Figure:
    """Draw the mean gain over all problems against the real-time factor, one panel per metric.

    Filled markers are causal methods. A method that lacks a gain is left out of that panel. The gains
    of the family ``limit`` are written above the panel.

    Parameters
    ----------
    found : mapping
        See `speech_results.gains`.
    cost : mapping of str to Cost
        See `speech_results.costs`.
    families : mapping of str to str
        The family of each method: ``limit`` or a key of ``FAMILIES``.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    metrics = list(dict.fromkeys(m for of in found.values() for own in of.values() for m in own))
    figure = Figure((WIDTH, 3.0 * len(metrics) + 0.6), layout="constrained", dpi=130)
    axes = figure.subplots(len(metrics), 1, squeeze=False, sharex=True).ravel()
    points: list[dict[str, tuple[float, float]]] = []
    for ax, metric in zip(axes, metrics, strict=True):
        own = {}
        for method in families:
            values = [of.get(method, {}).get(metric) for of in found.values()]
            known = [gain.mean for gain in values if gain is not None]
            if len(known) == len(found) and method in cost:
                own[method] = (cost[method].real_time_factor, float(np.mean(known)))
        references = [f"{m} {own.pop(m)[1]:+.2f}" for m in [*own] if families[m] == "limit"]
        text = "references: " + ", ".join(references) if references else ""
        ax.text(1, 1, text, transform=ax.transAxes, ha="right", fontsize=7.5, color=ORACLE)
        for method, (x, y) in own.items():
            marker, color, _ = FAMILIES[families[method]]
            fill = color if cost[method].causal else "white"
            ax.plot(x, y, marker, color=color, mfc=fill, ms=6.5, mew=1.3, clip_on=False, zorder=3)
        ax.axhline(0, color="0.45", lw=0.9)
        ax.axvline(1, color="0.8", lw=0.9, ls="--")
        ax.margins(x=0.13, y=0.15)
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter("{x:g}")
        ax.set_ylabel(f"mean {METRIC_NAMES[metric]} gain{UNITS.get(metric, '')}", fontsize=8.5)
        ax.tick_params(labelsize=8)
        ax.grid(axis="y", color="0.93", lw=0.8)
        ax.spines[["top", "right"]].set_visible(False)
        points.append(own)
    axes[-1].set_xlabel("real-time factor: processing time on one core / duration", fontsize=8.5)
    used = {families[method] for own in points for method in own}
    handles = [
        Line2D([], [], color=color, marker=marker, ls="", ms=6, label=label)
        for name, (marker, color, label) in FAMILIES.items()
        if name in used
    ]
    handles += [
        Line2D([], [], color="0.3", marker="o", ls="", ms=6, label="causal"),
        Line2D([], [], color="0.3", marker="o", ls="", ms=6, mfc="white", label="whole signal"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=7, frameon=False, fontsize=8.5)
    figure.draw_without_rendering()  # positions of labels need the layout
    figure.set_layout_engine("none")
    for ax, own in zip(axes, points, strict=True):
        _names(ax, own, {m: FAMILIES[families[m]][1] for m in own})
    return figure


# Where the name of a point can be, in points from it, with its alignment: nearest places first.
PLACES = sorted(
    [(x, y, "left") for x in (8, 25, 45) for y in range(-54, 55, 9)]
    + [(-x, y, "right") for x in (8, 25, 45) for y in range(-54, 55, 9)],
    key=lambda place: (abs(place[0]) + 1.5 * abs(place[1]), -place[0]),
)


def _names(ax: Axes, points: Mapping[str, tuple[float, float]], colors: Mapping[str, str]) -> None:
    """Write a name next to each point, at the first place that is free."""
    scale = 72 / ax.figure.dpi
    where = {m: tuple(scale * ax.transData.transform(point)) for m, point in points.items()}
    taken = [(x - 5, x + 5, y - 5, y + 5) for x, y in where.values()]
    bounds = ax.get_window_extent()
    left, right, bottom, top = (
        scale * edge for edge in (bounds.x0, bounds.x1, bounds.y0, bounds.y1)
    )
    for method, (x, y) in sorted(where.items(), key=lambda item: -item[1][1]):
        width = 4.1 * len(method)
        boxes = []
        for dx, dy, ha in PLACES:
            start = x + dx - (width if ha == "right" else 0)
            boxes.append((start, start + width, y + dy - 4, y + dy + 4))
        free = [
            i
            for i, box in enumerate(boxes)
            if left < box[0] < box[1] < right
            and bottom < box[2] < box[3] < top
            and not any(_overlap(box, t) for t in taken)
        ]
        best = free[0] if free else 0
        dx, dy, ha = PLACES[best]
        taken.append(boxes[best])
        ax.annotate(
            method,
            points[method],
            (dx, dy),
            textcoords="offset points",
            fontsize=7.5,
            color=colors[method],
            ha=ha,
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": "0.7", "lw": 0.5, "shrinkA": 0, "shrinkB": 3}
            if abs(dx) + abs(dy) > 8
            else None,
        )


def _overlap(one: Sequence[float], other: Sequence[float]) -> bool:
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]
