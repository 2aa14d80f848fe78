"""Tables of gains over the noisy input, in families of metrics, and notes on control methods."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from sigbench.benchmark.report.tables import (
    MISSING,
    Columns,
    heading,
    is_ranked,
    markdown_table,
    marked,
    mean_text,
    problems_text,
)
from sigbench.config.registry import lookup
from sigbench.core import escape
from sigbench.scoring.inference import Mean
from sigbench.scoring.leaderboard import LIMITS, LeaderboardRow
from sigbench.scoring.metrics import METRICS
from sigbench.scoring.scores import Summary

BASELINE = "noisy"
FAMILIES = {
    "waveform": "waveform",
    "intelligibility": "intelligibility",
    "perception": "perception",
    "": "other",
}

GAINS = """\
The figures are gains over the noisy input, paired by item: positive is better, also for metrics of \
which lower values are better. The row `noisy` contains the absolute values; those of all methods are \
in `leaderboard.csv`. Metrics of one family (waveform, intelligibility, perception) do not replace \
those of another, so there is no common score; the rank is that of `{first}`."""

SUMMARY = """\
Mean gain over the noisy input, over all {count} problems, by the first metric of each family. In \
parentheses: in how many problems the whole 95 % interval is above zero. `-`: not available in every \
problem."""

PREFERENCES = """\
Some metrics rate a control method above the noisy input (significantly) or above every other \
method (by the mean):"""

Gains = Mapping[tuple[str, str], Mapping[str, Mean]]
"""Mean gains by method, by (problem, metric)."""


class Preference(NamedTuple):
    """A control method that a metric prefers: to the noisy input, or to every other method."""

    metric: str
    control: str
    rival: str
    problem: str


def in_families(metrics: Sequence[str]) -> dict[str, list[str]]:
    """Return the metrics of each family; empty if no metric has one.

    Examples
    --------
    >>> in_families(["rmse", "si_sdr"])
    {'waveform': ['si_sdr'], '': ['rmse']}
    >>> in_families(["rmse"])
    {}
    """
    family = {metric: lookup("metric", METRICS, metric).family for metric in metrics}
    found = {name: [m for m in metrics if family[m] == name] for name in FAMILIES}
    found = {name: own for name, own in found.items() if own}
    return found if set(found) != {""} else {}


def gain_columns(
    table: Sequence[LeaderboardRow],
    metrics: Sequence[str],
    gains: Mapping[str, Mapping[str, Mean]],
    summaries: Mapping[str, Summary],
) -> Columns:
    """Return one column for every metric, under the heading of its family.

    Parameters
    ----------
    table : sequence of LeaderboardRow
        The rows of one problem.
    metrics : sequence of str
        The metrics of the suite.
    gains : mapping of str to mapping
        The gains of the methods, by metric.
    summaries : mapping of str to Summary
        The summaries of the problem, by metric.
    """
    families = in_families(metrics)
    shown = [metric for own in families.values() for metric in own]
    cells = {}
    for metric in shown:
        rows = [row for row in table if row["metric"] == metric]
        ranked, places = is_ranked(rows), _places(rows)
        for row in rows:
            if row["method"] == BASELINE:
                half = (row["ci_high"] - row["ci_low"]) / 2
                text = mean_text(row["mean"], half, places)
            else:
                gain = gains.get(metric, {}).get(row["method"])
                text = "-" if gain is None else _gain_text(gain, places)
            if BASELINE in summaries[metric].missing and row["method"] != BASELINE:
                text = f"{text} {MISSING}"
            else:
                text = marked(text, row, ranked, summaries[metric])
            cells[row["method"], metric] = text
    header = [
        FAMILIES[name] if number == 0 else ""
        for name, own in families.items()
        for number in range(len(own))
    ]
    return Columns(shown, header, [f"*{heading(metric)}*" for metric in shown], cells)


def _signed(gain: float, places: int) -> str:
    """Return a gain with its sign; there is no negative zero."""
    return f"{round(gain, places) + 0.0:+.{places}f}"


def _gain_text(gain: Mean, places: int) -> str:
    half = (gain.high - gain.low) / 2
    return _signed(gain.mean, places) + (f" ± {half:.{places}f}" if math.isfinite(half) else "")


def _places(rows: Sequence[LeaderboardRow]) -> int:
    """Return the decimals of gains: 2 for dB, else three significant digits of the noisy input."""
    mean = next((row["mean"] for row in rows if row["method"] == BASELINE), math.nan)
    if rows[0]["unit"] == "dB" or not math.isfinite(mean) or mean == 0:
        return 2
    return max(0, 2 - math.floor(math.log10(abs(mean))))


def labels_text(metrics: Sequence[str]) -> str:
    """Return package, version and mode of the metrics that other packages compute."""
    known = {metric: lookup("metric", METRICS, metric) for metric in metrics}
    named = [f"`{name}`: {metric.label}" for name, metric in known.items() if metric.requires]
    return f"{'; '.join(named)}." if named else ""


def summary_table(
    board: Sequence[LeaderboardRow],
    metrics: Sequence[str],
    gains: Gains,
    incomplete: AbstractSet[tuple[str, str]],
    controls: Collection[str],
) -> str:
    """Return the mean gain of every method over all problems; empty if there is only one.

    Parameters
    ----------
    board : sequence of LeaderboardRow
        The leaderboard.
    metrics : sequence of str
        The metrics of the suite.
    gains : mapping
        The gains.
    incomplete : set of (str, str)
        Methods and metrics with values that could not be computed.
    controls : collection of str
        The control methods.
    """
    problems = list(dict.fromkeys(row["problem"] for row in board))
    families = {name: own for name, own in in_families(metrics).items() if name}
    shown = [own[0] for own in families.values()]
    if len(problems) < 2:
        return ""
    places = {m: _places([row for row in board if row["metric"] == m]) for m in shown}
    lines = []
    knowledge = {row["method"]: row["knowledge"] for row in board if row["method"] != BASELINE}
    for method in knowledge:
        name = (
            f"*{escape.markdown(method)}*"
            if knowledge[method] in LIMITS
            else escape.markdown(method)
        )
        line = [name + (" (control)" if method in controls else "")]
        means = []
        for metric in shown:
            found = [gains.get((problem, metric), {}).get(method) for problem in problems]
            own = [gain for gain in found if gain is not None]
            partial = not incomplete.isdisjoint({(method, metric), (BASELINE, metric)})
            known = len(own) == len(problems) and not partial
            mean = sum(gain.mean for gain in own) / len(own) if known else -math.inf
            above = sum(gain.low > 0 for gain in own)
            line.append(f"{_signed(mean, places[metric])} ({above})" if known else "-")
            means.append(mean)
        lines.append((means[0], line))
    lines.sort(key=lambda line: -line[0])
    header = ["method", *(FAMILIES[name] for name in families)]
    names = ["", *(f"*{heading(metric)}*" for metric in shown)]
    table = markdown_table(header, [names, *(line for _, line in lines)], right=header[1:])
    return f"{SUMMARY.format(count=len(problems))}\n\n{table}"


def preferences(
    board: Sequence[LeaderboardRow],
    gains: Gains,
    controls: Collection[str],
    incomplete: AbstractSet[tuple[str, str, str]],
) -> Iterator[Preference]:
    """Yield where a control method is significantly above the noisy input, or above every method.

    Parameters
    ----------
    board : sequence of LeaderboardRow
        The leaderboard.
    gains : mapping
        The gains.
    controls : collection of str
        The control methods.
    incomplete : set of (str, str, str)
        Problems, methods and metrics with values that could not be computed.
    """
    for (problem, metric), own in gains.items():
        if (problem, BASELINE, metric) in incomplete:
            continue
        rows = [
            row
            for row in board
            if (row["problem"], row["metric"]) == (problem, metric)
            and (problem, row["method"], metric) not in incomplete
        ]
        methods = [
            own[row["method"]].mean
            for row in rows
            if row["method"] not in {*controls, BASELINE} and row["knowledge"] not in LIMITS
        ]
        for row in rows:
            control = row["method"]
            if control not in controls or control == BASELINE or control not in own:
                continue
            if own[control].low > 0:
                yield Preference(metric, control, "the noisy input", problem)
            if methods and own[control].mean > max(methods):
                yield Preference(metric, control, "every other method", problem)


def preferences_text(found: Sequence[Preference], problems: int) -> str:
    """Return a list of the control methods that a metric prefers; empty if there are none.

    Parameters
    ----------
    found : sequence of Preference
        The preferences.
    problems : int
        The number of problems.

    Examples
    --------
    >>> print(preferences_text([Preference("stoi", "gamer", "the noisy input", "babble")], 3))
    Some metrics rate a control method above the noisy input (significantly) or above every other \
    method (by the mean):
    <BLANKLINE>
    - stoi prefers the control method gamer to the noisy input in babble
    """
    where: dict[tuple[str, str, str], list[str]] = {}
    for metric, control, rival, problem in found:
        where.setdefault((metric, control, rival), []).append(problem)
    lines = [
        f"- {metric} prefers the control method {escape.markdown(control)} to {rival} in "
        + problems_text(own, problems)
        for (metric, control, rival), own in where.items()
    ]
    return "\n".join([PREFERENCES, "", *lines]) if lines else ""
