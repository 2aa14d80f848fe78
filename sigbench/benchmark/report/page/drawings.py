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
        return charts_html(self.shown, note)


def charts_html(charts: Sequence[Chart], note: str) -> Markup:
    """Return charts as HTML, with a note on those that were left out; it may be empty."""
    drawn = [{"title": chart.title, "svg": safe(chart.inline())} for chart in charts]
    return render("charts", charts=drawn, left_out=note)


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
