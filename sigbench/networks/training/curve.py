"""The curve of a training; Matplotlib is loaded when it is drawn."""

from __future__ import annotations

import io
from collections.abc import Sequence

from sigbench.core.plot_style import COLORS
from sigbench.networks.training.checkpoint import ValidationRow


def curve(log: Sequence[ValidationRow], metric: str, unit: str, lines: dict[str, float]) -> bytes:
    """Draw loss and validation figure over the samples seen, as a PNG file.

    Parameters
    ----------
    log : sequence of Row
        One a validation.
    metric, unit : str
        What the figure is.
    lines : dict of str to float
        Figures of others, by name: the noisy input, the limit.
    """
    from matplotlib.figure import Figure

    figure = Figure((9.0, 3.4), layout="constrained", dpi=130)
    left, right = figure.subplots(1, 2)
    samples = [row.samples for row in log]
    losses = [row.loss for row in log]
    left.plot(samples, losses, color=COLORS[0], lw=1.4)
    left.set_yscale("log" if min(losses) > 0 else "linear")  # a logarithm of errors is one already
    left.set_title("loss, mean since the point before", loc="left", fontsize=9.5)
    right.plot(samples, [row.figure for row in log], "o-", color=COLORS[0], lw=1.4, markersize=3)
    for (name, value), style in zip(lines.items(), (":", "--", "-."), strict=False):
        right.axhline(value, color="0.3", ls=style, lw=1)
        right.annotate(f"{name} {value:.2f}", (samples[0], value), fontsize=8, va="bottom")
    right.set_title(f"{metric} in {unit} on the validation pairs", loc="left", fontsize=9.5)
    for axes in (left, right):
        axes.set_xlabel("samples seen", fontsize=8.5)
        axes.tick_params(labelsize=7.5)
        axes.grid(axis="y", color="0.9", lw=0.8)
        axes.spines[["top", "right"]].set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
