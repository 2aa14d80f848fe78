"""Figures of Jacobians at one item, and of the effective dimension over the noise level."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sigbench.analysis.study import Portrait
from sigbench.benchmark.report.plots import shortened
from sigbench.core.escape import printable_lines
from sigbench.core.plot_style import COLORS, WIDTH, spread
from sigbench.core.protocols import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 130
MARKS = ("o", "s", "^", "D")  # for the samples whose filters are shown
VECTORS = 4  # singular vectors that are drawn
STYLES = ("-", "--", ":", "-.")
MAX_LABEL = 30  # characters of a name next to a curve
MIN_SHOWN = 1e-4  # smaller errors are drawn at this value
MAX_LINEAR = 4.0  # larger singular values make the axis logarithmic above this value
MIN_RELATIVE_S = 0.05  # the vectors of smaller singular values are nearly arbitrary


def portraits(shown: Mapping[str, Portrait], peak: float | None) -> Figure:
    """Draw the portraits of methods: a row of panels for each, and the spectra below.

    Parameters
    ----------
    shown : mapping of str to Portrait
        The portraits by name of the method, all of the same item.
    peak : float, optional
        The white level of images; None for signals.
    """
    from matplotlib.figure import Figure

    lines = len(shown)
    height = 1.3 if peak is not None else 1.75
    figure = Figure((WIDTH, height * lines + 3.1), layout="constrained", dpi=DPI)
    halves: Any = figure.subfigures(2, 1, height_ratios=[height * lines, 3.1])
    upper, lower = halves
    if peak is not None:
        _images(upper, shown, peak)
    else:
        _signals(upper, shown)
    _spectra(lower, shown)
    return figure


def _images(figure: Any, shown: Mapping[str, Portrait], peak: float) -> None:
    first = next(iter(shown.values()))
    columns = 3 + len(first.places) + VECTORS
    axes = figure.subplots(len(shown), columns, squeeze=False)
    for line, (row, (name, one)) in enumerate(zip(axes, shown.items(), strict=True)):
        panels = [("clean", one.clean), ("noisy", one.noisy), ("estimate", one.estimate)]
        for ax, (title, image) in zip(row, panels, strict=False):
            _picture(ax, image, peak)
            ax.set_title(title if line == 0 else "", fontsize=8)
        for ax, mark, place, own in zip(row[3:], MARKS, one.places, one.filters, strict=False):
            _signed(ax, own)
            row[2].plot(place[1], place[0], mark, color=COLORS[1], mfc="none", ms=5, mew=1.2)
            ax.set_title(f"filter at {_mark(mark)}" if line == 0 else "", fontsize=8)
            _put(ax, f"largest {np.abs(own).max():.2g}")
        rest = row[3 + len(one.places) :]
        for i, (ax, vector, s) in enumerate(zip(rest, one.vectors, one.s, strict=False), 1):
            _signed(ax, vector)
            ax.set_title(f"u{_subscript(i)}" if line == 0 else "", fontsize=8)
            _put(ax, f"s = {s:.2f}")
        for ax in row:
            ax.set_xticks([])
            ax.set_yticks([])
        row[0].set_ylabel(_wrapped(name), fontsize=8, fontweight="bold")


def _signals(figure: Any, shown: Mapping[str, Portrait]) -> None:
    axes = figure.subplots(len(shown), 4, squeeze=False, width_ratios=[1.5, 0.9, 1.3, 1.3])
    for line, (row, (name, one)) in enumerate(zip(axes, shown.items(), strict=True)):
        signal, matrix, filters, vectors = row
        signal.plot(one.noisy[0], ".", color="0.6", ms=2.5)
        signal.plot(one.clean[0], color="0.75", lw=2)
        signal.plot(one.estimate[0], color=COLORS[0], lw=0.9)
        if one.jacobian.size:
            _signed(matrix, one.jacobian[None])
        else:
            matrix.set_visible(False)
        for mark, color, place, own in zip(MARKS, COLORS, one.places, one.filters, strict=False):
            filters.plot(own[0], color=color, lw=1)
            signal.plot(place[0], one.estimate[0, place[0]], mark, color=color, mfc="none", ms=6)
            filters.plot(place[0], own[0, place[0]], mark, color=color, mfc="none", ms=5)
        for i, (vector, s) in enumerate(zip(one.vectors[:VECTORS], one.s, strict=False)):
            vectors.plot(vector[0] - i, color=COLORS[i], lw=0.9)
            vectors.annotate(
                f"{s:.2f}",
                (1.02, -i),
                xycoords=("axes fraction", "data"),
                fontsize=7,
                va="center",
                color=COLORS[i],
            )
        vectors.set_yticks([])
        titles = (
            "gray: clean, dots: noisy",
            "Jacobian A",
            "filters (rows of A)",
            "first uᵢ and sᵢ",
        )
        for ax, title in zip(row, titles, strict=True):
            ax.set_title(title if line == 0 else "", fontsize=8)
            ax.tick_params(labelsize=6.5)
            ax.spines[["top", "right"]].set_visible(False)
        signal.set_ylabel(_wrapped(name), fontsize=8, fontweight="bold")


def _spectra(figure: Any, shown: Mapping[str, Portrait]) -> None:
    spectrum, symmetry, near = figure.subplots(1, 3)
    rectifying = False
    for (name, one), (color, style) in zip(shown.items(), _looks(len(shown)), strict=True):
        look: dict[str, Any] = {"color": color, "ls": style, "lw": 1.4}
        spectrum.plot(
            np.arange(1, len(one.s) + 1),
            one.s,
            label=f"{_plain(name)}: Σs² = {np.sum(one.s**2):.1f} of {len(one.s)}",
            **look,
        )
        large = one.s > MIN_RELATIVE_S * one.s[0] if one.s[0] > 0 else one.s > 0
        symmetry.plot(one.s[large], one.symmetry[large], ".", color=color, ms=4)
        near.plot(one.moves, np.maximum(one.linear_error, MIN_SHOWN), marker="o", ms=3.5, **look)
        if np.isfinite(one.switched).any():
            rectifying = True
            near.plot(one.moves, one.switched, marker="^", ms=3.5, mfc="none", alpha=0.5, **look)
    spectrum.set_xscale("log")
    spectrum.set_xlabel("i", fontsize=8)
    spectrum.set_title("singular values sᵢ", loc="left", fontsize=8.5)
    symmetry.set_xlabel("sᵢ", fontsize=8)
    symmetry.set_ylim(-0.03, 1.03)
    symmetry.set_title("|uᵢ·vᵢ|: 1 if A is symmetric", loc="left", fontsize=8.5)
    if (most := max(one.s[0] for one in shown.values())) > MAX_LINEAR:
        spectrum.set_yscale("symlog", linthresh=MAX_LINEAR, linscale=3)
        symmetry.set_xscale("symlog", linthresh=MAX_LINEAR, linscale=3)
        ticks = [*range(math.ceil(MAX_LINEAR)), *(10**k for k in range(1, 9) if 10**k <= most)]
        spectrum.set_ylim(-0.1, 1.2 * most)
        symmetry.set_xlim(-0.1, 1.2 * most)
        for axis in (spectrum.yaxis, symmetry.xaxis):
            axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
    near.set_xscale("log")
    near.set_yscale("log")
    near.set_ylim(MIN_SHOWN, 5)
    near.set_xlabel("distance from the item (noise levels)", fontsize=8)
    near.set_title("○ error of the linearization", loc="left", fontsize=8.5)
    if rectifying:
        near.set_title("△ ReLUs switched", loc="right", fontsize=8.5)
    for ax in (spectrum, symmetry, near):
        ax.tick_params(labelsize=7)
        ax.spines[["top", "right"]].set_visible(False)
    figure.legend(
        loc="outside lower center", ncols=2, frameon=False, fontsize=8, handles=spectrum.lines
    )


@dataclass(frozen=True, eq=False)
class Sweep:
    """The effective dimension of a method over the noise level: means and 95 % intervals."""

    sigma: Sequence[float]
    mean: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    slope: float = math.nan


def effective_dimensions(methods: Mapping[str, Sweep], samples: int) -> Figure:
    """Draw the effective dimension of the Jacobian over the noise level, both logarithmic.

    Parameters
    ----------
    methods : mapping of str to Sweep
        The curves by name of the method.
    samples : int
        The number of samples of an item, the largest dimension of a projection.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

    figure = Figure((WIDTH, max(3.6, 0.24 * len(methods) + 1.2)), layout="constrained", dpi=DPI)
    ax = figure.subplots()
    methods = {name: one for name, one in methods.items() if max(one.mean) > 0}
    for one, (color, style) in zip(methods.values(), _looks(len(methods)), strict=True):
        ax.plot(one.sigma, _positive(one.mean), style, color=color, lw=1.5, marker="o", ms=3.5)
        ax.fill_between(one.sigma, one.low, one.high, color=color, alpha=0.12, lw=0)
    if not methods:
        return figure
    ax.set_xscale("log")
    ax.set_yscale("log")
    ends = [math.log(next(m for m in reversed(one.mean) if m > 0)) for one in methods.values()]
    low, high = (math.log(end) for end in ax.get_ylim())
    places = spread(ends, 0.055 * (high - low))
    for (name, one), (color, _), end, at in zip(
        methods.items(), _looks(len(methods)), ends, places, strict=True
    ):
        slope = "" if math.isnan(one.slope) else f", slope {round(one.slope, 2) + 0.0:.2f}"
        ax.annotate(
            f"{_plain(shortened(name, MAX_LABEL))}{slope.replace('-', '−')}",
            (one.sigma[-1], math.exp(end)),
            (1.03, (at - low) / (high - low)),
            textcoords="axes fraction",
            color=color,
            fontsize=8,
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": color, "lw": 0.6, "shrinkB": 4},
        )
    ticks = sorted({s for one in methods.values() for s in one.sigma})
    ax.set_xticks(ticks, [f"{t:g}" for t in ticks])
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(ScalarFormatter())
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.minorticks_off()
    ax.tick_params(labelsize=8)
    ax.grid(axis="y", color="0.93", lw=0.8)
    ax.set_xlabel("noise level σ", fontsize=8.5)
    ax.set_ylabel(f"effective dimension Σ sᵢ², of {samples}", fontsize=8.5)
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def _positive(values: Sequence[float]) -> NDArray[np.float64]:
    """Return values with NaN for those that are not positive."""
    return np.array([value if value > 0 else math.nan for value in values])


def _looks(count: int) -> list[tuple[str, str]]:
    """Return a color and a line style for each of ``count`` curves."""
    return [(COLORS[i % len(COLORS)], STYLES[i // len(COLORS) % len(STYLES)]) for i in range(count)]


def _picture(ax: Axes, image: Array, peak: float) -> None:
    pixels = np.clip(np.moveaxis(image, 0, -1) / peak, 0, 1)
    pixels = pixels if pixels.shape[-1] == 3 else pixels[..., 0]
    ax.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest")


def _signed(ax: Axes, values: NDArray[np.float64]) -> None:
    """Draw an array ``(C, H, W)`` with zero in white, or in gray if it has three colors."""
    from matplotlib.colors import LinearSegmentedColormap

    most = np.abs(values).max() or 1.0
    if len(values) == 3:
        ax.imshow(0.5 + np.moveaxis(values, 0, -1) / (2 * most), interpolation="nearest")
        return
    colors = LinearSegmentedColormap.from_list("signs", [COLORS[1], "white", COLORS[0]])
    ax.imshow(values[0], cmap=colors, vmin=-most, vmax=most, interpolation="nearest")


def _put(ax: Axes, text: str) -> None:
    ax.set_xlabel(text.replace("-", "−"), fontsize=6.5, labelpad=2)


def _mark(mark: str) -> str:
    return {"o": "○", "s": "□", "^": "△", "D": "◇"}[mark]


def _subscript(i: int) -> str:
    return str(i).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def _wrapped(name: str, width: int = 16) -> str:
    """Break a name after punctuation into at most four lines of about ``width`` characters.

    Examples
    --------
    >>> _wrapped("wavelet[level=2,shifts=4]").splitlines()
    ['wavelet[level=2,', 'shifts=4]']
    """
    lines = [""]
    for word in re.findall(r"[^\[,=/ ]+[\[,=/ ]*|.", name):
        if lines[-1] and len(lines[-1] + word) > width:
            lines.append("")
        lines[-1] += word
    return _plain("\n".join(lines[:4]))


def _plain(name: str) -> str:
    """Escape a name so that Matplotlib does not read it as a formula."""
    return printable_lines(name).replace("$", r"\$")
