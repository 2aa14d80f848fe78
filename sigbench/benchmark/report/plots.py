"""Figures of a run: images and their estimates, and the metric during training."""

from __future__ import annotations

import io
import itertools
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sigbench.core.escape import printable
from sigbench.core.plot_style import COLORS, WIDTH, inside, spread
from sigbench.core.protocols import Array, LogEntry, TrainingHistory
from sigbench.scoring.metrics import METRICS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 130
MAX_LARGE_STRIPS = 8  # more strips have smaller tiles
TILE = {True: 128, False: 96}  # pixels per side, for few strips and for many
TILES = {True: 8, False: 12}  # tiles per line
# Pixels between tiles, between strips, above and below a tile.
PAD, MARGIN, HEAD, FOOT = 6, 30, 28, 30
LABEL = 0.19  # inches, height of a label at the end of a line
SHORTEST = 1e-3  # seconds, on the log axis
STYLES = ("-", "--", ":")
TICKS: dict[float, str] = {
    **{n: f"{n} s" for n in (0.1, 0.3, 1, 3, 10, 30)},
    **{60 * n: f"{n} min" for n in (1, 3, 10, 30)},
    **{3600 * n: f"{n} h" for n in (1, 3, 10, 30)},
}


@dataclass(frozen=True, eq=False)
class Strip:
    """Images ``(C, H, W)`` with a name, their PSNR in dB, and the mean over all items."""

    name: str
    images: Sequence[Array]
    psnr: Sequence[float] = ()
    mean: float | None = None


def estimates(strips: Sequence[Strip], peak: float) -> Figure:
    """Draw strips of images with values 0..peak, in lines from left to right.

    Small images are enlarged by an integer factor, large ones are reduced.

    Parameters
    ----------
    strips : sequence of Strip
        Each with the same number of images, of the same sizes.
    peak : float
        The value of white; values are clipped to 0..peak.
    """
    from matplotlib.figure import Figure

    few = len(strips) <= MAX_LARGE_STRIPS
    tiles = [[_tile(image, peak, TILE[few]) for image in strip.images] for strip in strips]
    height = max(tile.shape[0] for tile in tiles[0])
    width = max(tile.shape[1] for tile in tiles[0])
    count = len(tiles[0])
    columns = min(len(strips), max(1, TILES[few] // count))
    lines = -(-len(strips) // columns)
    across, down = count * (width + PAD) - PAD, HEAD + height + FOOT
    canvas = np.full(
        (lines * down + PAD, columns * (across + MARGIN) + PAD - MARGIN + PAD, 3), 255, np.uint8
    )
    figure = Figure((canvas.shape[1] / DPI, canvas.shape[0] / DPI), dpi=DPI)

    def text(x: int, y: int, words: str, **style: Any) -> None:
        figure.text(x / canvas.shape[1], 1 - y / canvas.shape[0], words, parse_math=False, **style)

    for place, (strip, own) in enumerate(zip(strips, tiles, strict=True)):
        line, column = divmod(place, columns)
        left, top = PAD + column * (across + MARGIN), line * down + HEAD
        mean = "" if strip.mean is None else f"mean {strip.mean:.2f} dB"
        name = shortened(printable(strip.name), (across - 9 * len(mean)) // 11)
        text(left, top - 8, name, fontsize=9, fontweight="bold")
        text(left + across, top - 8, mean, fontsize=8, color="0.4", ha="right")
        for number, tile in enumerate(own):
            x, bottom = left + number * (width + PAD), top + tile.shape[0]
            canvas[top:bottom, x : x + tile.shape[1]] = tile
            if strip.psnr:
                words = f"{strip.psnr[number]:.2f} dB".replace("-", "−")
                text(x + tile.shape[1] // 2, bottom + 16, words, fontsize=8, ha="center")
    figure.figimage(canvas, origin="upper")
    return figure


def _tile(image: Array, peak: float, side: int) -> NDArray[np.uint8]:
    """Return an image as pixels ``(H, W, 3)``, resized to about ``side``."""
    from PIL import Image

    pixels = np.rint(np.clip(image / peak, 0, 1) * 255).astype(np.uint8)
    if len(pixels) != 3:
        pixels = np.repeat(pixels[:1], 3, axis=0)  # the first channel of other images
    pixels = np.moveaxis(pixels, 0, -1)
    longest = max(pixels.shape[:2])
    if longest <= side:
        factor = side // longest
        return pixels.repeat(factor, axis=0).repeat(factor, axis=1)
    height, width = (max(1, round(n * side / longest)) for n in pixels.shape[:2])
    return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).resize((width, height)))


def shortened(name: str, most: int) -> str:
    """Return a name shortened to at most ``most`` characters.

    Examples
    --------
    >>> shortened("trained[recipe=n2n,seed=3]", 15)
    'trained…seed=3]'
    """
    half = max(1, (most - 1) // 2)
    return name if len(name) <= most else f"{name[:half]}…{name[-half:]}"


def trainings(
    histories: Mapping[str, TrainingHistory], groups: Mapping[str, str] | None = None
) -> Figure:
    """Draw the validation metric over the training time, one panel per metric.

    Parameters
    ----------
    histories : mapping of str to TrainingHistory
        Histories by name; the last logged value must be finite.
    groups : mapping, optional
        The group of each name; the trainings of a group have the same color.
    """
    from matplotlib.figure import Figure

    panels: dict[str, dict[str, TrainingHistory]] = {}
    for name, history in histories.items():
        panels.setdefault(history.metric, {})[name] = history
    group_of = {name: (groups or {}).get(name, name) for name in histories}
    looks = itertools.cycle(itertools.product(STYLES, COLORS))
    look_of = dict(zip(dict.fromkeys(group_of.values()), looks, strict=False))
    heights = [max(3.2, LABEL * len(own) + 0.7) for own in panels.values()]
    figure = Figure((WIDTH, sum(heights) + 0.3), layout="constrained", dpi=DPI)
    axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights).ravel()
    for ax, (metric, own), height in zip(axes, panels.items(), heights, strict=True):
        _lines(ax, metric, own, {name: look_of[group_of[name]] for name in own}, LABEL / height)
    figure.supxlabel("training time, validation included", fontsize=8.5)
    return figure


def _lines(
    ax: Axes,
    metric: str,
    histories: Mapping[str, TrainingHistory],
    looks: Mapping[str, tuple[str, str]],
    gap: float,
) -> None:
    """Draw the trainings of one metric; labels are at least ``gap`` of the height apart."""
    known = METRICS.get(metric)
    unit = f" in {known.unit}" if known and known.unit else ""
    ax.set_title(f"{metric}{unit} on the validation pairs", loc="left", fontsize=9.5)
    for name, history in histories.items():
        style, color = looks[name]
        x, y = [_time(p) for p in history.log], [p.figure for p in history.log]
        ax.plot(x, y, style, color=color, lw=1.4)
        ax.plot(x[-1], y[-1], "o", color=color, ms=3.5)
    low, high = _range(histories, 1 if known is None or known.higher_is_better else -1)
    seen = [_time(p) for c in histories.values() for p in c.log if low <= p.figure <= high]
    left, right = min(seen), max(seen)
    ax.set_xscale("log")
    ax.set_xlim(left / 1.2, right * 1.2)
    ax.set_ylim(low, high)
    ticks = {at: label for at, label in TICKS.items() if left / 1.2 <= at <= right * 1.2}
    ax.set_xticks(list(ticks), list(ticks.values()))
    ax.minorticks_off()
    ax.tick_params(labelsize=7.5)
    ax.grid(axis="y", color="0.9", lw=0.8)
    ax.spines[["top", "right"]].set_visible(False)
    ends = [history.log[-1] for history in histories.values()]
    labels = inside(spread([(end.figure - low) / (high - low) for end in ends], gap), gap)
    for name, end, label in zip(histories, ends, labels, strict=True):
        color = looks[name][1]
        ax.annotate(
            f"{shortened(printable(name), 34)} {end.figure:.2f}",
            (_time(end), end.figure),
            (1.03, label),
            textcoords="axes fraction",
            color=color,
            fontsize=8,
            va="center",
            annotation_clip=False,
            parse_math=False,  # a name may contain "$"
            arrowprops={
                "arrowstyle": "-",
                "color": color,
                "lw": 0.6,
                "shrinkB": 4,
                "relpos": (0, 0.5),
            },
        )


def _time(point: LogEntry) -> float:
    return max(point.seconds, SHORTEST)


def _range(histories: Mapping[str, TrainingHistory], sign: int) -> tuple[float, float]:
    """Return the limits of the value axis: the final values, and the better part of the curves.

    The range is three times the distance from the best value to the median, which omits the steep
    beginning.
    """
    every = sign * np.array(
        [point.figure for history in histories.values() for point in history.log]
    )
    every = every[np.isfinite(every)]
    top, last = every.max(), [sign * history.log[-1].figure for history in histories.values()]
    bottom = max(every.min(), min(top - 3 * (top - np.median(every)), *last))
    margin = 0.05 * (top - bottom) or 1.0
    low, high = sorted((sign * (bottom - margin), sign * (top + margin)))
    return float(low), float(high)


def png(figure: Figure) -> bytes:
    """Return a figure as a reproducible PNG file."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # drawn as a box
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
