"""Gains over the noisy input and costs, read from the ``leaderboard.md`` of a speech suite."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sigbench.core.errors import InputError

METRIC_NAMES = {
    "si_sdr": "SI-SDR",
    "estoi": "ESTOI",
    "pesq_nb": "PESQ",
    "pesq_wb": "PESQ",
}


class Gain(NamedTuple):
    """A mean gain over the noisy input, and half its 95 % interval (NaN: not computed)."""

    mean: float
    half: float


class Cost(NamedTuple):
    """The cost of a method, and whether it is causal."""

    real_time_factor: float
    causal: bool


Gains = Mapping[str, Mapping[str, Mapping[str, Gain]]]
"""Gains by problem, method and metric."""


def _tables(text: str) -> Iterator[tuple[str, list[list[str]]]]:
    """Yield the first heading above each table of a Markdown text, and its rows."""
    heading, rows = "", []
    for line in [*text.splitlines(), ""]:
        if re.fullmatch(r"[|:\s-]+-[|:\s-]*", line):  # between header and rows
            continue
        if line.startswith("|"):
            # \| in a cell is not a border; marks of emphasis and of missing values do not matter
            cells = re.split(r"(?<!\\)\|", line)[1:-1]
            rows.append([re.sub(r"[*†\\]", "", cell).strip() for cell in cells])
        elif rows:
            yield heading, rows
            rows = []
        if line.startswith("#"):
            heading = line.lstrip("# ")


def _gain(text: str) -> Gain | None:
    found = re.match(r"([+-][\d.]+)(?: ± ([\d.]+))?", text)
    return Gain(float(found[1]), float(found[2] or "nan")) if found else None


def gains(text: str) -> Gains:
    """Return the gains over the noisy input that a ``leaderboard.md`` contains.

    The CSV file has only the absolute values, whose intervals include the differences between
    items that all methods share.

    Raises
    ------
    InputError
        If there are none.
    """
    found: dict[str, dict[str, dict[str, Gain]]] = {}
    for problem, (header, names, *rows) in _tables(text):
        columns = {i: name.split(" ")[0] for i, name in enumerate(names)}
        columns = {i: name for i, name in columns.items() if name in METRIC_NAMES}
        if "rank" not in header or not columns:
            continue
        for row in rows:
            own = {name: _gain(row[i]) for i, name in columns.items()}
            found.setdefault(problem, {})[row[header.index("method")]] = {
                name: gain for name, gain in own.items() if gain is not None
            }
    if not found:
        raise InputError("the leaderboard contains no gains over the noisy input")
    return found


def costs(text: str) -> dict[str, Cost]:
    """Return the cost of every method that a ``leaderboard.md`` contains.

    Raises
    ------
    InputError
        If there is no table of costs.
    """
    for _, (header, *rows) in _tables(text):
        if "real-time factor" in header:
            latency, factor = header.index("latency"), header.index("real-time factor")
            return {row[0]: Cost(float(row[factor]), row[latency].endswith("ms")) for row in rows}
    raise InputError("the leaderboard contains no table of costs")
