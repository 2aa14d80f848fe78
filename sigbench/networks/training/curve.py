"""The training curve; Matplotlib is imported when it is drawn."""

from __future__ import annotations

import io
from collections.abc import Sequence

from sigbench.core.plot_style import COLORS
from sigbench.networks.training.checkpoint import ValidationRow


def curve(log: Sequence[ValidationRow], metric: str, unit: str, lines: dict[str, float]) -> bytes:
    """Draw training loss and validation metric over the number of samples.

    Parameters
    ----------
    log : sequence of ValidationRow
        The training log.
    metric, unit : str
        Name and unit of the validation metric.
    lines : dict of str to float
        Reference values by name, drawn as lines: the noisy input, the limit.

    Returns
    -------
    bytes
        A PNG file.
    """
    from matplotlib.figure import Figure

    figure = Figure((9.0, 3.4), layout="constrained", dpi=130)
    left, right = figure.subplots(1, 2)
    samples = [row.samples for row in log]
    losses = [row.loss for row in log]
    left.plot(samples, losses, color=COLORS[0], lw=1.4)
    left.set_yscale("log" if min(losses) > 0 else "linear")  # log-mse is already logarithmic
    left.set_title("training loss, mean since the previous point", loc="left", fontsize=9.5)
    right.plot(samples, [row.figure for row in log], "o-", color=COLORS[0], lw=1.4, markersize=3)
    for (name, value), style in zip(lines.items(), (":", "--", "-."), strict=False):
        right.axhline(value, color="0.3", ls=style, lw=1)
        right.annotate(f"{name} {value:.2f}", (samples[0], value), fontsize=8, va="bottom")
    right.set_title(f"{metric} in {unit} on the validation pairs", loc="left", fontsize=9.5)
    for axes in (left, right):
        axes.set_xlabel("training samples", fontsize=8.5)
        axes.tick_params(labelsize=7.5)
        axes.grid(axis="y", color="0.9", lw=0.8)
        axes.spines[["top", "right"]].set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
