"""The small drawing of a mean and its interval in a table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sigbench.benchmark.report.page.rendering import render

if TYPE_CHECKING:
    from markupsafe import Markup

WIDTH, MARGIN = 160, 5  # pixels


@dataclass(frozen=True)
class IntervalAxis:
    """The values at the two ends of the drawings in a table."""

    low: float
    high: float

    def pixel(self, value: float) -> int | None:
        """Return where a value is drawn; None if it is not finite."""
        if not math.isfinite(value):
            return None
        low = self.low / 2  # the difference of halves never overflows
        share = (value / 2 - low) / ((self.high / 2 - low) or 1.0)
        return round(MARGIN + (WIDTH - 2 * MARGIN) * share)


def interval_axis(values: Iterable[float]) -> IntervalAxis:
    """Return the axis on which all finite values can be drawn.

    Examples
    --------
    >>> axis = interval_axis([1.0, 3.0, math.inf])
    >>> axis.pixel(1.0), axis.pixel(2.0), axis.pixel(3.0), axis.pixel(math.inf)
    (5, 80, 155, None)
    >>> interval_axis([-1.7e308, 1.7e308]).pixel(0.0)
    80
    """
    finite = [value for value in values if math.isfinite(value)]
    return IntervalAxis(min(finite, default=0.0), max(finite, default=1.0))


def interval_drawing(ends: Sequence[int | None], limit: int | None = None) -> Markup:
    """Return the drawing of a left end, mean and right end, with a limit if there is one."""
    return render("interval", width=WIDTH, ends=ends, limit=limit)
