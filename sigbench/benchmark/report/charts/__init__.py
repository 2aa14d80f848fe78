"""Charts of statistics as SVG, from small records; `run_charts` makes them from a run."""

from sigbench.benchmark.report.charts.critical_difference import critical_difference
from sigbench.benchmark.report.charts.differences import PairDifference, differences
from sigbench.benchmark.report.charts.ecdf import Distances, ecdf
from sigbench.benchmark.report.charts.intervals import IntervalRow, intervals
from sigbench.benchmark.report.charts.items import items
from sigbench.benchmark.report.charts.over_level import LevelLine, LevelPoint, over_level
from sigbench.benchmark.report.charts.over_time import Level, TimedMethod, over_time
from sigbench.benchmark.report.charts.style import page_css
from sigbench.benchmark.report.charts.svg import Chart

__all__ = [
    "Chart",
    "Distances",
    "IntervalRow",
    "Level",
    "LevelLine",
    "LevelPoint",
    "PairDifference",
    "TimedMethod",
    "critical_difference",
    "differences",
    "ecdf",
    "intervals",
    "items",
    "over_level",
    "over_time",
    "page_css",
]
