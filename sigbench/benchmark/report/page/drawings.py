"""The charts of a page: chosen in a fair order until their budget is used up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sigbench.benchmark.report.charts import Chart
from sigbench.benchmark.report.page.rendering import render, safe

if TYPE_CHECKING:
    from markupsafe import Markup

BUDGET = 1_200_000  # bytes of all charts
READING = {  # how a chart is read, by its kind
    "intervals": "A point is a mean, and the bar through it its interval, which can be shorter than "
    "the point; an arrow leads beyond the axis. Blue: the best methods.",
    "over_time": "Bold, on the dashed line: methods that are better than all faster ones.",
    "ecdf": "The higher a curve, the more items are within this distance. Left of 0 are items on "
    "which the method is better than the reference.",
    "critical_difference": "A black bar joins the methods at its dots, which do not differ "
    "significantly. A short bar looks like one dot.",
}


@dataclass
class Drawings:
    """The charts of a part of a page.

    Attributes
    ----------
    shown : list of Chart
        Those in the page.
    left_out : list of str
        The titles of those that did not fit.
    """

    shown: list[Chart] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def html(self) -> Markup | str:
        """Return the charts as HTML; empty if there are none."""
        if not self.shown and not self.left_out:
            return ""
        titles = "; ".join(self.left_out)
        note = f"Left out, to keep the page small: {titles}." if titles else ""
        return framed(self.shown, note)


def framed(charts: Sequence[Chart], left_out: str) -> Markup:
    """Return charts with their titles, how they are read, and a note on those left out."""
    drawn = [
        {
            "title": chart.title,
            "svg": safe(chart.inline()),
            "reading": READING.get(chart.name, ""),
        }
        for chart in charts
    ]
    return render("charts", charts=drawn, left_out=left_out)


def chosen(charts: Mapping[str, Sequence[Chart]], budget: int = BUDGET) -> dict[str, Drawings]:
    """Return the charts of every part that fit: the first of each part, then the second, ...

    Parameters
    ----------
    charts : mapping of str to sequence of Chart
        The charts of each part, the most important first.
    budget : int
        Bytes of all charts together.
    """
    found = {part: Drawings() for part in charts}
    for turn in range(max(map(len, charts.values()), default=0)):
        for part, own in charts.items():
            if turn < len(own):
                size = len(own[turn].inline().encode())
                if size <= budget:
                    budget -= size
                    found[part].shown.append(own[turn])
                else:
                    found[part].left_out.append(own[turn].title)
    return found
