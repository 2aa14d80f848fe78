"""The leaderboard on a terminal: one compact table per problem, and a sentence per added method."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from sigbench.benchmark.report.markdown import (
    digits,
    heading,
    is_ranked,
    milliseconds,
    partial_run,
    rank,
    unranked_note,
)
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.config.registry import lookup
from sigbench.scoring.aggregate import difference
from sigbench.scoring.inference import mean_interval
from sigbench.scoring.leaderboard import LIMITS, LeaderboardRow, from_csv
from sigbench.scoring.metrics import METRICS
from sigbench.scoring.scores import Scores

MAX_WIDTH = 100
MIN_ROWS = 12
MAX_FAILURES = 10
OVERHEAD = 9  # lines besides the methods: title, header, notes, prompt


def board_text(
    folder: RunFolder,
    added: Collection[str] = (),
    *,
    columns: int = MAX_WIDTH,
    lines: int | None = None,
    bold: bool = False,
) -> str:
    """Return the leaderboard of a run for a terminal.

    Parameters
    ----------
    folder : RunFolder
        The run, with its reports.
    added : collection of str
        Methods that the user has added to the suite. Each is always shown, with a sentence about
        it.
    columns : int
        Width of the terminal; at most 100 columns are used.
    lines : int, optional
        Height of the terminal: a longer table is cut in its middle.
    bold : bool
        Whether to print the best methods in bold (ANSI codes).
    """
    suite = folder.manifest.require()["suite"]
    metric = suite["metrics"][0]
    width = min(columns, MAX_WIDTH)
    parts = []
    text = (folder.path / "leaderboard.csv").read_text(encoding="utf-8")
    all_rows = [row for row in from_csv(text) if row["metric"] == metric]
    for problem in dict.fromkeys(row["problem"] for row in all_rows):
        rows = [row for row in all_rows if row["problem"] == problem]
        scores = folder.scores(problem, metric)
        assert scores is not None
        max_rows = None if lines is None else max(MIN_ROWS, lines - OVERHEAD - 2 * len(added))
        parts.append(_table(rows, scores, added, width, max_rows, bold))
        for name in added:
            if name in scores.methods:
                parts += textwrap.wrap(_sentence(name, rows, scores), width, subsequent_indent="  ")
    partial = partial_run(suite, board_seeds(folder), {row["problem"] for row in all_rows})
    parts += textwrap.wrap(partial, width)
    return "\n".join([*parts, *_failed(folder.failures(), width)])


def _failed(failures: Sequence[Mapping[str, Any]], width: int) -> Iterator[str]:
    """Yield a line for each of the first failed cells."""
    for failure in failures[:MAX_FAILURES]:
        cell = f"{failure['method']} on {failure['problem']}, seed {failure['seed']}"
        text = f"failed: {printable(cell)}: {printable(failure['error'])}"
        yield from textwrap.wrap(text, width, subsequent_indent="  ", max_lines=2)
    if len(failures) > MAX_FAILURES:
        yield f"... and {len(failures) - MAX_FAILURES} more failed cells: see leaderboard.md"


def board_seeds(folder: RunFolder) -> set[int]:
    """Return the seeds of the finished cells."""
    return {seed for _, seed, _ in folder.cells.all()}


def _table(
    rows: Sequence[LeaderboardRow],
    scores: Scores,
    added: Collection[str],
    columns: int,
    max_rows: int | None,
    bold: bool,
) -> str:
    summary = scores.summary()
    first = rows[0]
    has_limit = any(not math.isnan(row["gap_to_limit"]) for row in rows)
    places = digits(rows)
    header = ["rank", "method", heading(first["metric"])]
    header += ["gap to limit"] if has_limit else []
    header += ["information", "ms/item"]
    lines = [header, *(_cells(row, places, has_limit) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    widths[1] = max(10, min(widths[1], columns - sum(widths) + widths[1] - 2 * (len(widths) - 1)))
    best = is_ranked(rows)
    size = _size(summary.seeds, summary.items, summary.groups)
    text = [*textwrap.wrap(f"{first['problem']}: {size}, mean ± 95 % interval", columns)]
    for i, line in _shown(lines, rows, added, max_rows):
        if line is None:
            text.append(f"      ... {i} more methods: see leaderboard.md")
            continue
        name = line[1] if len(line[1]) <= widths[1] else line[1][: widths[1] - 1] + "…"
        cells = [line[0].ljust(widths[0]), name.ljust(widths[1])]
        cells += [c.rjust(w) for c, w in zip(line[2:], widths[2:], strict=True)]
        cells[-2] = line[-2].ljust(widths[-2])
        row = "  ".join(cells).rstrip()
        is_best = bold and best and i > 0 and rows[i - 1]["rank_low"] == 1
        text.append(f"\x1b[1m{row}\x1b[0m" if is_best else row)
    if not best:
        text += textwrap.wrap(unranked_note(rows, summary), columns)
    return "\n".join(text) + "\n"


def _size(seeds: Sequence[int], items: Sequence[int], groups: int) -> str:
    count = f"{items[0]:,}" if len(set(items)) == 1 else f"{min(items):,} to {max(items):,}"
    text = f"{len(seeds)} seed{'s' * (len(seeds) != 1)} × {count} items"
    return text if groups == sum(items) else f"{text} in {groups:,} groups"


def _cells(row: LeaderboardRow, places: int, has_limit: bool) -> list[str]:
    half = (row["ci_high"] - row["ci_low"]) / 2
    score = f"{row['mean']:.{places}f}" + (f" ± {half:.{places}f}" if math.isfinite(half) else "")
    gap = "" if math.isnan(row["gap_to_limit"]) else f"{round(row['gap_to_limit'], 2) + 0.0:.2f}"
    is_limit = row["knowledge"] in LIMITS
    return [
        "" if is_limit else rank(row),
        printable(row["method"]),
        score,
        *([gap] if has_limit else []),
        row["knowledge"],
        milliseconds(row["ms_per_item"]),
    ]


def _shown(
    lines: Sequence[list[str]],
    rows: Sequence[LeaderboardRow],
    added: Collection[str],
    max_rows: int | None,
) -> Iterator[tuple[int, list[str] | None]]:
    """Yield the lines of a table with their index; an omitted stretch is (its length, None)."""
    omitted: set[int] = set()
    if max_rows is not None and len(rows) > max_rows:
        always = {
            i
            for i, row in enumerate(rows)
            if row["method"] in added or row["knowledge"] in LIMITS or row["method"] == "noisy"
        }
        others = [i for i in range(len(rows)) if i not in always]
        keep = max(3, max_rows - len(always) - 1)
        omitted = set(others[keep:])
    i = 0
    yield 0, lines[0]
    while i < len(rows):
        if i not in omitted:
            yield i + 1, lines[i + 1]
            i += 1
            continue
        start = i
        while i in omitted:
            i += 1
        yield i - start, None


def _sentence(name: str, rows: Sequence[LeaderboardRow], scores: Scores) -> str:
    """Return the rank of a method, its gap to the limit and its difference to a neighbor.

    The neighbor is the next method below it, or the one above if it is the last.
    """
    ranked = [row for row in rows if row["knowledge"] not in LIMITS]
    index = next((i for i, row in enumerate(ranked) if row["method"] == name), None)
    if index is None:
        return f"{printable(name)}: not ranked, because it uses the clean signal or the true prior"
    row = ranked[index]
    unit = " dB" if row["unit"] == "dB" else ""
    parts = [f"{printable(name)}: rank {rank(row)} of {len(ranked)}"]
    if not math.isnan(row["gap_to_limit"]):
        gap = row["gap_to_limit"]
        side = "below" if (gap >= 0) == row["higher_is_better"] else "above"
        parts.append(f"{abs(gap):.2f}{unit} {side} the limit")
    if len(ranked) > 1:
        other = ranked[index + 1] if index + 1 < len(ranked) else ranked[index - 1]
        parts.append(_comparison(name, other["method"], scores, unit))
    return ", ".join(part for part in parts if part)


def _comparison(name: str, other: str, scores: Scores, unit: str) -> str:
    a, b = (scores.values[scores.methods.index(method)] for method in (name, other))
    both = ~np.isnan(a) & ~np.isnan(b)
    if not both.any():
        return ""
    metric = lookup("metric", METRICS, scores.metric)
    mean = mean_interval(difference(metric, a[both], b[both]), scores.groups[both])
    side, low, high = "above", mean.low, mean.high
    if mean.mean < 0:
        side, low, high = "below", -mean.high, -mean.low
    if not (math.isfinite(low) and math.isfinite(high)):
        return f"{abs(mean.mean):.2f}{unit} {side} {printable(other)}"
    half = (high - low) / 2
    places = min(4, max(2, 1 - math.floor(math.log10(half)))) if half > 0 else 2
    figures = f"{abs(mean.mean):.{places}f}{unit} [{low:.{places}f}, {high:.{places}f}]"
    return f"{figures} {side} {printable(other)}"


def printable(text: str) -> str:
    r"""Return a text with control characters escaped, so that it cannot change the terminal.

    Examples
    --------
    >>> printable("a" + chr(27) + "[2J")
    'a\\x1b[2J'
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
