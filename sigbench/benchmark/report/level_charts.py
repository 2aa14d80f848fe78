"""Charts of a metric over the noise level, from problems that differ in one number."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sigbench.benchmark.report import charts
from sigbench.benchmark.report.charts import Chart, LevelLine, LevelPoint
from sigbench.benchmark.report.tables import heading
from sigbench.scoring.leaderboard import LIMITS, LeaderboardRow

NOT_LEVELS = ("name", "items", "train_items")
DATASET_LEVELS = ("dataset.snr", "dataset.snr_db", "dataset.sigma")
LABELS = {"snr": "SNR (dB)", "snr_db": "SNR (dB)", "sigma": "noise level sigma"}
MIN_LOG = 30.0  # ratio of the levels, for a logarithmic axis


@dataclass(frozen=True)
class Series:
    """Problems that differ in one number.

    Attributes
    ----------
    name : str
        The part that the names of the problems share, with ``*`` for the rest.
    parameter : str
        Name of the parameter; a ratio ``snr`` is converted to dB.
    levels : mapping of str to float
        The level of each problem, in increasing order.
    """

    name: str
    parameter: str
    levels: Mapping[str, float]


def level_charts(
    board: Sequence[LeaderboardRow],
    problems: Mapping[str, Mapping[str, Any]],
    *,
    metric: str | None = None,
) -> list[Chart]:
    """Return the charts of every series and metric: see `series`.

    Parameters
    ----------
    board : sequence of LeaderboardRow
        The leaderboard.
    problems : mapping of str to mapping
        What identifies each problem: ``suite.problems`` of the manifest.
    metric : str, optional
        Only this metric.

    Returns
    -------
    list of Chart
        The name of each contains those of the problems, so it may be no safe file name.
    """
    metrics = dict.fromkeys(row["metric"] for row in board)
    names = {row["problem"] for row in board}
    known = {name: problem for name, problem in problems.items() if name in names}
    return [
        _chart(own, [row for row in board if row["metric"] == name])
        for own in series(known)
        for name in metrics
        if metric is None or name == metric
    ]


def series(problems: Mapping[str, Mapping[str, Any]]) -> list[Series]:
    """Return the largest sets of problems that differ in one number only, and in their name.

    The number may be any parameter of the degradation or of the problem, or the noise level of a
    dataset that is noisy itself. The numbers of items may differ too.

    Parameters
    ----------
    problems : mapping of str to mapping
        What identifies each problem.

    Examples
    --------
    >>> one, two, other = (
    ...     {"dataset": {"is": "demo v1"}, "degradation": {"is": kind, "snr_db": snr}}
    ...     for kind, snr in [("white", 0.0), ("white", 10.0), ("babble", 0.0)]
    ... )
    >>> [own] = series({"white-10dB": two, "white-0dB": one, "babble-0dB": other})
    >>> own.name, own.parameter, own.levels
    ('white-*dB', 'snr_db', {'white-0dB': 0.0, 'white-10dB': 10.0})
    """
    found: dict[tuple[str, str], dict[str, float]] = {}
    for name, problem in problems.items():
        values = dict(_flat(problem))
        for key, value in values.items():
            if _is_number(value) and _is_level(key):
                others = repr(sorted((k, repr(v)) for k, v in values.items() if k != key))
                found.setdefault((key, others), {})[name] = float(value)
    result = []
    for (key, _), levels in found.items():
        parameter = key.rpartition(".")[2]
        if len(set(levels.values())) == len(levels) > 1:
            if parameter == "snr" and min(levels.values()) > 0:
                levels = {name: 20 * math.log10(level) for name, level in levels.items()}
            ordered = dict(sorted(levels.items(), key=lambda own: own[1]))
            result.append(Series(_shared(list(levels)), parameter, ordered))
    return result


def _flat(problem: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the parameters of a problem, with the path of nested ones, but not its size."""
    for key, value in problem.items():
        if not prefix and key in NOT_LEVELS:
            continue
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_level(key: str) -> bool:
    return not key.startswith("dataset.") or key in DATASET_LEVELS


def _shared(names: Sequence[str]) -> str:
    """Return the common beginning and end of names, without parts of numbers.

    Examples
    --------
    >>> _shared(["white-10dB", "white-15dB"]), _shared(["a", "b"])
    ('white-*dB', '*')
    """
    start = _beginning(names).rstrip("0123456789.")
    end = _beginning([name[len(start) :][::-1] for name in names])[::-1].lstrip("0123456789.")
    return f"{start}*{end}"


def _beginning(names: Sequence[str]) -> str:
    """Return the common beginning of texts."""
    letters = zip(*names, strict=False)
    same = itertools.takewhile(lambda column: len(set(column)) == 1, letters)
    return "".join(column[0] for column in same)


def _chart(own: Series, rows: Sequence[LeaderboardRow]) -> Chart:
    """Return the chart of one series and metric, whose rows these are."""
    metric = rows[0]["metric"]
    sign = 1 if rows[0]["higher_is_better"] else -1
    found: dict[str, dict[str, LeaderboardRow]] = {}
    for row in rows:
        if row["problem"] in own.levels:
            found.setdefault(row["method"], {})[row["problem"]] = row
    lines = []
    for method, of_problem in found.items():
        points = [
            LevelPoint(level, own_row["mean"], own_row["ci_low"], own_row["ci_high"])
            for problem, level in own.levels.items()
            if (own_row := of_problem.get(problem)) is not None
        ]
        reference = any(row["knowledge"] in LIMITS for row in of_problem.values())
        lines.append(LevelLine(method, points, reference))

    def order(line: LevelLine) -> tuple[int, float]:
        """Return the key that sorts complete lines first, then those with the best average."""
        means = [point.mean for point in line.points if math.isfinite(point.mean)]
        return -len(means), -sign * math.fsum(means) / max(1, len(means))

    levels = list(own.levels.values())
    log = (
        levels[0] > 0
        and levels[-1] >= MIN_LOG * levels[0]
        and own.parameter not in ("snr", "snr_db")
    )
    chart = charts.over_level(
        sorted(lines, key=order),
        level=LABELS.get(own.parameter, own.parameter),
        label=heading(metric),
        axis="log" if log else "linear",
        title=f"{own.name}: {metric} over {LABELS.get(own.parameter, own.parameter)}",
    )
    return replace(chart, name=f"{own.name.replace('*', '')}.{metric}.over_{own.parameter}")
