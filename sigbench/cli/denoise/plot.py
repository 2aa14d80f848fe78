"""The figure of a denoised file: before and after, the residual, and whether that looks like noise."""

from __future__ import annotations

import io
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sigbench.cli.denoise.plot_images import image_panels
from sigbench.cli.denoise.plot_signals import signal_panels
from sigbench.cli.denoise.residual import parts, verdict
from sigbench.core.atomic import write_atomically
from sigbench.core.errors import InputError
from sigbench.core.escape import cut, printable
from sigbench.core.media import Content
from sigbench.core.protocols import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 4  # items
DPI = 130
MAX_TITLE = 110  # characters
ITEMS = {"speech": "channel", "image": "page", "signal": "column"}
SUFFIXES = (".png", ".svg", ".pdf")


def save_plot(path: Path, content: Content, estimate: Array, title: str) -> None:
    """Draw a denoised file.

    Parameters
    ----------
    path : Path
        The figure: PNG, SVG or PDF, by its suffix. It is replaced if it exists.
    content : Content
        The noisy file.
    estimate : array
        Its estimate, of the shape of ``content.batch``. The first four items are drawn.
    title : str
        Title, such as the names of the file and of the method.

    Raises
    ------
    InputError
        If Matplotlib is not installed, or for another suffix.
    """
    check_plot(path)
    figure = draw(content, estimate, title)
    buffer = io.BytesIO()
    stamp = {".png": "Software", ".svg": "Date", ".pdf": "CreationDate"}[path.suffix.lower()]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # names of files in any script
        figure.savefig(buffer, format=path.suffix[1:].lower(), dpi=DPI, metadata={stamp: None})
    write_atomically(path, buffer.getvalue())


def check_plot(path: Path) -> None:
    """Check that a figure can be drawn.

    Raises
    ------
    InputError
        If Matplotlib is not installed, or for a suffix that is not supported.

    Examples
    --------
    >>> check_plot(Path("a.gif"))
    Traceback (most recent call last):
    sigbench.core.errors.InputError: a.gif: a figure must be one of .png, .svg, .pdf
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: a figure must be one of {', '.join(SUFFIXES)}")
    if find_spec("matplotlib") is None:
        raise InputError(f"{path}: figures need Matplotlib: pip install 'sigbench[plots]'")


def draw(content: Content, estimate: Array, title: str) -> Figure:
    """Return the figure of `save_plot`."""
    from matplotlib.figure import Figure

    items, shown = len(content.batch), min(len(content.batch), SHOWN)
    image = content.domain == "image"
    heights = (7.4, 3.0) if image else (8.6, 2.6)
    size = (10.0, heights[0]) if shown == 1 else (16.0, heights[1] * shown + 0.5)
    figure = Figure(size, layout="constrained")
    name = "array" if items == 1 else ITEMS[content.domain]
    lines = np.atleast_1d(np.array(figure.subfigures(shown, 1), dtype=object))
    for number in range(shown):
        noisy, clean = content.batch[number], estimate[number]
        present = None if content.missing is None else ~content.missing[number]
        text = judged(noisy, clean, present)
        line = lines[number]
        if shown > 1:
            line.suptitle(f"{name} {number + 1} · {text}", fontsize=10, parse_math=False)
        if image:
            image_panels(line, noisy, clean, content.peak, single=shown == 1)
        else:
            signal_panels(line, content, number, estimate[number, 0], single=shown == 1)
    heading = cut(printable(title), MAX_TITLE)
    if shown == 1:
        heading += "\n" + text.replace("; ", "\n")
    if items > shown:
        more = items - shown
        heading += f" ({more} more {name}{'s are' if more > 1 else ' is'} not shown)"
    figure.suptitle(heading, fontsize=11, parse_math=False)
    return figure


def judged(noisy: Array, estimate: Array, present: NDArray[np.bool_] | None = None) -> str:
    """Return the verdict on one item, shape ``(C, *space)``; colors are averaged.

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal((1, 500))
    >>> judged(noise, np.zeros((1, 500)))
    'residual: white'
    """
    residual = noisy - estimate
    if present is not None:
        residual = np.where(present, residual - residual[present].mean(), 0)
    return verdict(parts(residual.mean(axis=0)), parts(estimate.mean(axis=0)))
