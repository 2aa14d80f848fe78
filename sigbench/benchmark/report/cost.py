"""The table of latency, real-time factor, memory and parameters of the methods."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from sigbench.benchmark.report.tables import markdown_table, two_digits
from sigbench.core import escape
from sigbench.scoring.leaderboard import uncontended

COST = """\
*latency*: the algorithmic delay of a causal method; *whole item*: the method needs the whole item. \
*real-time factor*: the processing time on one thread divided by the duration of the audio, the \
median over problems and seeds. *memory*: the peak resident memory of the process."""


def cost_table(timings: Sequence[Mapping[str, Any]]) -> str:
    """Return the cost of every method on data with a sampling rate; empty if there are none.

    Parameters
    ----------
    timings : sequence of mapping
        The cost of each cell: rows of ``timings.parquet``.
    """
    of_method: dict[str, list[Mapping[str, Any]]] = {}
    for timing in timings:
        if timing["audio_s"] > 0:
            of_method.setdefault(timing["method"], []).append(timing)
    rows = []
    for method, own in of_method.items():
        latencies = [timing["latency_ms"] for timing in own]
        whole = any(math.isnan(latency) for latency in latencies)
        factor = median(t["time_s"] / t["audio_s"] for t in uncontended(own))
        memory = [t["peak_rss_mb"] for t in own if not math.isnan(t["peak_rss_mb"])]
        rows.append(
            (
                escape.markdown(method),
                "whole item" if whole else f"{max(latencies):.4g} ms",
                two_digits(factor),
                f"{max(memory):,.0f}" if memory else "",
                f"{max(t['n_params'] for t in own):,}",
            )
        )
    header = ("method", "latency", "real-time factor", "memory (MiB)", "parameters")
    return markdown_table(header, rows, right=header[1:]) if rows else ""
