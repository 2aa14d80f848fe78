"""The leaderboard on a terminal: one compact table per problem, and a sentence per added method."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sigbench.benchmark.report.markdown import INFORMATION, partial_run, unranked_note
from sigbench.benchmark.report.plots import shortened
from sigbench.benchmark.report.tables import (
    digits,
    heading,
    is_best,
    is_ranked,
    mean_text,
    rank,
    two_digits,
)
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.config.registry import lookup
from sigbench.core.escape import printable
from sigbench.scoring.aggregate import compare_all
from sigbench.scoring.leaderboard import LIMITS, LeaderboardRow, from_csv, ranked_methods
from sigbench.scoring.metrics import METRICS
from sigbench.scoring.ranks import PairTests
from sigbench.scoring.scores import Scores

MAX_WIDTH = 100
MIN_ROWS = 10
MAX_FAILURES = 10
OVERHEAD = 12  # lines besides the methods: title, header, notes, prompt


def board_text(
    folder: RunFolder,
    added: Collection[str] = (),
    *,
    columns: int = MAX_WIDTH,
    lines: int | None = None,
    bold: bool = False,
    failures: bool = True,
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
    failures : bool
        Whether to list the failed cells.
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
        shown = [name for name in added if name in scores.methods]
        if shown:
            tests = _tests(scores)
            for name in shown:
                parts += _wrapped(_sentence(name, rows, scores, tests), width)
    parts += _wrapped(_legend(all_rows), width)
    partial = partial_run(suite, board_seeds(folder), {row["problem"] for row in all_rows})
    parts += _wrapped(partial, width)
    missing = folder.cells.missing_values()
    if missing:
        values = f"{missing:,} value{'s' * (missing != 1)}"
        parts += _wrapped(f"{values} could not be computed: see leaderboard.md", width)
    if failures:
        parts += _failed(folder.failures(), width)
    return "\n".join(parts)


def _wrapped(text: str, width: int, max_lines: int | None = None) -> list[str]:
    return textwrap.wrap(
        text, width, subsequent_indent="  ", break_on_hyphens=False, max_lines=max_lines
    )


def _legend(rows: Sequence[LeaderboardRow]) -> str:
    used = [
        f"{knowledge} = {text}"
        for knowledge, text in INFORMATION.items()
        if any(row["knowledge"] == knowledge for row in rows)
    ]
    return f"A rank such as 2-4 is a range: some differences are not significant. Information used: {', '.join(used)}."


def _failed(failures: Sequence[Mapping[str, Any]], width: int) -> Iterator[str]:
    """Yield the first failures, those with the same error on several seeds together."""
    seeds: dict[tuple[str, str, str], list[int]] = {}
    for failure in failures:
        key = (failure["method"], failure["problem"], failure["error"])
        seeds.setdefault(key, []).append(failure["seed"])
    for (method, problem, error), own in list(seeds.items())[:MAX_FAILURES]:
        cells = f"{method} on {problem}, seed {', '.join(map(str, own))}"
        yield from _wrapped(f"failed: {printable(cells)}: {printable(error)}", width, max_lines=3)
    if len(seeds) > MAX_FAILURES:
        yield f"... and {len(seeds) - MAX_FAILURES} more: see leaderboard.md"


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
    lines = [header, *(_cells(row, places, has_limit, added) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    widths[1] = max(10, min(widths[1], columns - sum(widths) + widths[1] - 2 * (len(widths) - 1)))
    best, summary_items = is_ranked(rows), sum(summary.items)
    size = _size(summary.seeds, summary.items, summary.groups)
    title = f"{printable(first['problem'])}: {size}, mean ± 95 % interval"
    text = textwrap.wrap(title, columns)
    for i, line in _shown(lines, rows, added, max_rows):
        if line is None:
            text.append(f"      ... {i} more method{'s' * (i != 1)}: see leaderboard.md")
            continue
        name = shortened(line[1], widths[1])
        cells = [line[0].ljust(widths[0]), name.ljust(widths[1])]
        cells += [c.rjust(w) for c, w in zip(line[2:], widths[2:], strict=True)]
        cells[-2] = line[-2].ljust(widths[-2])
        row = "  ".join(cells).rstrip()
        shown_bold = bold and best and i > 0 and is_best(rows[i - 1])
        text.append(f"\x1b[1m{row}\x1b[0m" if shown_bold else row)
    run = {row["method"]: row["n"] for row in rows}
    run |= {method: missing.items for method, missing in summary.missing.items()}
    fewer = [f"{name} ({items:,})" for name, items in run.items() if items < summary_items]
    if fewer:
        text += _wrapped(
            f"Fewer than {summary_items:,} items: {', '.join(map(printable, fewer))}; ranks compare "
            "common items.",
            columns,
        )
    if not best:
        text += _wrapped(unranked_note(rows, summary), columns)
    return "\n".join(text) + "\n"


def _size(seeds: Sequence[int], items: Sequence[int], groups: int) -> str:
    count = f"{items[0]:,}" if len(set(items)) == 1 else f"{min(items):,} to {max(items):,}"
    text = f"{len(seeds)} seed{'s' * (len(seeds) != 1)} × {count} items"
    return text if groups == sum(items) else f"{text} in {groups:,} groups"


def _cells(row: LeaderboardRow, places: int, has_limit: bool, added: Collection[str]) -> list[str]:
    half = (row["ci_high"] - row["ci_low"]) / 2
    gap = "" if math.isnan(row["gap_to_limit"]) else f"{round(row['gap_to_limit'], 2) + 0.0:.2f}"
    return [
        rank(row),
        "> " * (row["method"] in added) + printable(row["method"]),
        mean_text(row["mean"], half, places),
        *([gap] if has_limit else []),
        row["knowledge"],
        two_digits(row["ms_per_item"]),
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


@dataclass(frozen=True)
class BoardTests:
    """The tests of all pairs of ranked methods, and the names of these methods."""

    pairs: PairTests
    methods: Sequence[str]


def _tests(scores: Scores) -> BoardTests:
    """Return the tests that give the ranks of a problem and metric."""
    metric = lookup("metric", METRICS, scores.metric)
    ranked = ranked_methods(scores)
    pairs = compare_all(metric, scores.values[ranked], scores.groups)
    return BoardTests(pairs, [scores.methods[i] for i in ranked])


def _sentence(
    name: str,
    rows: Sequence[LeaderboardRow],
    scores: Scores,
    tests: BoardTests,
) -> str:
    """Return the rank of a method, its gap to the limit and its difference to a neighbor.

    The neighbor is the next method below it, or the one above if it is the last.
    """
    if name in scores.missing:
        return printable(
            f"{name}: not ranked, because {scores.metric} is {scores.missing[name].text}"
        )
    ranked = [row for row in rows if row["rank_low"] is not None]
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
        other = ranked[index + 1 if index + 1 < len(ranked) else index - 1]["method"]
        parts.append(_comparison(name, other, tests, unit))
    return ", ".join(part for part in parts if part)


def _comparison(name: str, other: str, tests: BoardTests, unit: str) -> str:
    """Return how a method compares with another, by the test that gives the ranks."""
    i, j = tests.methods.index(name), tests.methods.index(other)
    test = tests.pairs.tests[min(i, j), max(i, j)]
    d = test.difference
    if not d.n:
        return ""
    sign = 1 if i < j else -1
    mean, low, high = sign * d.mean, *sorted((sign * d.low, sign * d.high))
    better = tests.pairs.better(i, j) or tests.pairs.better(j, i)
    places = 2
    half = (high - low) / 2
    if math.isfinite(half) and half > 0:
        places = min(4, max(2, 1 - math.floor(math.log10(half))))
    named = printable(other)
    if not test.significant:
        text = f"{mean:+.{places}f}{unit}" if math.isfinite(mean) else ""
        if text and math.isfinite(half):
            text += f" [{low:+.{places}f}, {high:+.{places}f}]"
        return f"tied with {named}" + f" ({text})" * bool(text)
    side = "above"
    if mean < 0:
        side, mean, low, high = "below", -mean, -high, -low
    text = f"{mean:.{places}f}{unit}"
    if math.isfinite(half):
        text += f" [{low:.{places}f}, {high:.{places}f}]"
    if math.isinf(mean):
        text = "infinitely far"
    text += f" {side} {named}" + " (sign test)" * (test.test == "sign")
    pairs = len(tests.pairs.tests)
    return text if better else f"{text} (significant alone, not after Holm over {pairs} pairs)"
