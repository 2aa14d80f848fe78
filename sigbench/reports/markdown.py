"""The leaderboard for people."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from sigbench.metrics import METRICS
from sigbench.registry import lookup
from sigbench.reports.leaderboard import LIMITS
from sigbench.scores import Summary

LEGEND = """\
Means over all items of all seeds, ± half the 95 % interval over {units}. **Bold**: nothing that \
is ranked is significantly better (paired tests, Holm, 5 %); `2-4` is a tie over these ranks. \
Rows in *italics* know more than a method can (the true prior, or the clean item) and have no \
rank.{gap} *knows*: `prior` the true prior, \
`oracle` the clean item, `fitted` the training split, `sigma` the noise level, `blind` sets \
itself from the noisy item, `none` fixed settings."""


def markdown(
    board: pd.DataFrame,
    summaries: Mapping[tuple[str, str], Summary],
    *,
    name: str,
    description: str,
    metrics: Sequence[str],
    failures: Sequence[Mapping[str, Any]] = (),
    experiments: Mapping[str, Any] | None = None,
) -> str:
    """Return the leaderboard as Markdown: a table a problem, best first.

    Parameters
    ----------
    board : DataFrame
        The leaderboard.
    summaries : mapping
        By (problem, metric), what the values of the leaderboard were.
    name, description : str
        Of the suite.
    metrics : sequence of str
        Columns; the first one orders the rows.
    failures : sequence of mapping
        Cells that failed.
    experiments : mapping, optional
        The block in the shape of a printed table.
    """
    independent = all(summary.independent for summary in summaries.values())
    units = "items" if independent else "groups of items that belong together"
    known = board["gap_to_limit"].notna().any()
    gap = " *gap* is the distance to the limit in the first metric." if known else ""
    parts = [f"# {name}", description, LEGEND.format(units=units, gap=gap)]
    for problem, table in board.groupby("problem", sort=False, observed=True):
        own = {m: s for (p, m), s in summaries.items() if p == problem}
        parts.append(f"## {_text(problem)}")
        parts.append(_summary(own[metrics[0]]))
        parts.append(_problem_table(table, metrics))
        if experiments is not None:
            parts.append(_experiments_table(table, own, experiments))
    if failures:
        parts.append("## Failed")
        parts.append("The tracebacks are in `failures.log`.")
        rows = [(f["problem"], f["seed"], f["method"], f["error"]) for f in failures]
        parts.append(markdown_table(("problem", "seed", "method", "error"), rows, right=["seed"]))
    return "\n\n".join(part for part in parts if part) + "\n"


def _summary(own: Summary) -> str:
    dependent = "" if own.independent else f", {own.groups:,} groups"
    same = len(set(own.items)) == 1
    count = f"{own.items[0]:,}" if same else "differently many"
    seeds = ", ".join(map(str, own.seeds))
    return f"{own.dataset}, {own.degradation}: seeds {seeds}, {count} items each{dependent}."


def _problem_table(table: pd.DataFrame, metrics: Sequence[str]) -> str:
    first = table[table["metric"] == metrics[0]]
    has_limit = first["gap_to_limit"].notna().any()
    most = first["n"].max()
    digits = {m: _digits(table[table["metric"] == m]) for m in metrics}
    header = [
        "rank",
        "method",
        *(_heading(m) for m in metrics),
        "gap",
        "knows",
        "ms/item",
        "settings",
    ]
    rows = []
    for row in first.itertuples():
        known = row.knowledge in LIMITS
        name = f"*{_text(row.method)}*" if known else _text(row.method)
        name += f" ({row.n:,} of {most:,} items)" if row.n < most else ""
        line = ["" if known else _rank(row.rank_low, row.rank_high), name]
        for metric in metrics:
            own = table[(table["metric"] == metric) & (table["method"] == row.method)]
            line.append(_figure(own, digits[metric]))
        line.append("" if math.isnan(row.gap_to_limit) else f"{row.gap_to_limit + 0.0:.2f}")
        line += [row.knowledge, _time(row.ms_per_item), f"`{row.params}`" if row.params else ""]
        rows.append(line)
    if not has_limit:
        gap = header.index("gap")
        header.pop(gap)
        for line in rows:
            line.pop(gap)
    return markdown_table(header, rows, right=[*map(_heading, metrics), "gap", "ms/item"])


def _heading(metric: str) -> str:
    unit = lookup("metric", METRICS, metric).unit
    return f"{metric} (dB)" if unit == "dB" else metric


def _figure(row: pd.DataFrame, digits: int) -> str:
    if row.empty:
        return ""
    one = row.iloc[0]
    half = (one["ci_high"] - one["ci_low"]) / 2
    text = f"{one['mean']:.{digits}f}"
    text += f" ± {half:.{digits}f}" if math.isfinite(half) else ""
    return f"**{text}**" if one["rank_low"] is not pd.NA and one["rank_low"] == 1 else text


def _digits(column: pd.DataFrame) -> int:
    """Decimals of a metric: 2 for dB, else what shows four figures of the smallest mean."""
    smallest = column["mean"].abs().min()
    if column["unit"].iloc[0] == "dB" or not math.isfinite(smallest) or smallest == 0:
        return 2
    return max(0, 3 - math.floor(math.log10(smallest)))


def _rank(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"


def _time(ms: float) -> str:
    return "" if math.isnan(ms) else f"{ms:.2g}" if ms < 10 else f"{ms:.0f}"


def _experiments_table(
    table: pd.DataFrame, own: Mapping[str, Summary], experiments: Mapping[str, Any]
) -> str:
    """Return experiments (seeds), their average, and the printed figures beside them."""
    first = experiments["metrics"][0]
    order = table.loc[table["metric"] == first, "method"]
    header = ["method"]
    for metric in experiments["metrics"]:
        header += [f"{metric}, seed {seed}" for seed in own[metric].seeds] + [f"{metric}, average"]
        header += [f"{metric}, printed"] if experiments["printed"] else []
    rows = []
    for method in order:
        line = [_text(method)]
        for number, metric in enumerate(experiments["metrics"]):
            values = [own[metric].means[method, seed] for seed in own[metric].seeds]
            line += [f"{v:.2f}" if math.isfinite(v) else "" for v in values]
            average = sum(values) / len(values)
            line.append(f"{average:.2f}" if math.isfinite(average) else "")
            if experiments["printed"]:
                printed = experiments["printed"].get(method)
                line.append(f"{printed[number]:.2f}" if printed else "")
        rows.append(line)
    source = f" Printed figures: {experiments['source']}." if experiments["source"] else ""
    title = f"### In the shape of the printed table\n\nOne experiment a seed.{source}"
    return f"{title}\n\n{markdown_table(header, rows, right=header[1:])}"


def markdown_table(
    header: Sequence[str], rows: Iterable[Sequence[Any]], right: Sequence[str]
) -> str:
    """Return a Markdown table padded for reading as text; columns ``right`` align right."""
    lines = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    widths = [
        max(3, *(len(line[i]) for line in [list(header), *lines])) for i in range(len(header))
    ]
    numeric = [name in right for name in header]

    def join(cells: Sequence[str]) -> str:
        padded = (
            c.rjust(w) if n else c.ljust(w) for c, w, n in zip(cells, widths, numeric, strict=True)
        )
        return f"| {' | '.join(padded)} |"

    rule = [("-" * (w - 1) + ":") if n else "-" * w for w, n in zip(widths, numeric, strict=True)]
    return "\n".join([join(list(header)), join(rule), *map(join, lines)])


def _text(value: Any) -> str:
    """Escape what Markdown or HTML would read as more than text."""
    text = str(value).replace("\\", "\\\\").replace("*", "\\*").replace("`", "\\`")
    return text.replace("<", "&lt;").replace(">", "&gt;")
