"""Comparison of two methods of a run, paired by item, with the test that gives the ranks."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from sigbench.benchmark.report.plots import shortened
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.config.registry import lookup
from sigbench.core.errors import InputError, unknown
from sigbench.core.escape import printable
from sigbench.scoring.aggregate import compare_all, compare_pair
from sigbench.scoring.inference import LEVEL, MIN_GROUPS, PairedTest
from sigbench.scoring.leaderboard import ranked_methods
from sigbench.scoring.metrics import METRICS
from sigbench.scoring.scores import Scores

TIE = "tie"
TESTS = {"t": "paired t test", "sign": "sign test"}
MIN_NAME = 10  # characters of a metric that are shown in any case


@dataclass(frozen=True)
class Comparison:
    """The comparison of methods A and B on one problem and metric.

    Attributes
    ----------
    problem, metric, unit : str
        What is compared.
    mean_a, mean_b : float
        The means of the metric over the common items.
    test : PairedTest
        The difference A − B, its interval and its p-value, not adjusted for other comparisons.
        Without common items, the numbers are NaN.
    better : str
        The better method; "tie" if the difference is not significant alone; empty without common
        items.
    pairs : int
        The number of pairs of methods that the leaderboard tests together, or 0 if one of the two
        has no rank. It is only counted if the difference is significant alone.
    adjusted : float
        The p-value with Holm's correction over these pairs, or pairs·p if that is below 5 %, which
        is never smaller; NaN without pairs.
    missing : tuple of str
        For each of the two methods with values that could not be computed, how many and why: such
        items are left out.
    """

    problem: str
    metric: str
    unit: str
    mean_a: float
    mean_b: float
    test: PairedTest
    better: str
    pairs: int = 0
    adjusted: float = math.nan
    missing: tuple[str, ...] = ()

    @property
    def alone(self) -> bool:
        """Whether the difference is significant alone, but not on the leaderboard."""
        return self.pairs > 0 and self.adjusted >= LEVEL


@dataclass(frozen=True)
class Comparisons:
    """All comparisons of two methods, and what could not be compared.

    Attributes
    ----------
    a, b : str
        The methods.
    pairs : tuple of Comparison
        One per problem and metric.
    left_out : tuple of str
        Failed cells, and problems on which a method was not run.
    """

    a: str
    b: str
    pairs: tuple[Comparison, ...]
    left_out: tuple[str, ...]


def compare(path: Path, a: str, b: str, *, problems: Sequence[str] | None = None) -> Comparisons:
    """Compare two methods of a run on all common problems and metrics.

    Parameters
    ----------
    path : Path
        The run folder.
    a, b : str
        Two of its methods.
    problems : sequence of str, optional
        Names or patterns (``*-snr7``) of the problems to compare on; by default all.

    Raises
    ------
    InputError
        If the folder contains no run, the run does not have one of the methods or problems, or the
        methods are the same or have no items in common.
    """
    folder = RunFolder(path)
    about = folder.manifest.require()["suite"]
    cells = set(folder.cells.all())
    _check_methods(folder, a, b)
    chosen = _selected(list(about["problems"]), problems)
    pairs = []
    for problem in chosen:
        for metric in about["metrics"]:
            scores = folder.scores(problem, metric)
            if scores is not None and {a, b} <= set(scores.methods):
                pairs += _pair(scores, a, b)
    left_out = [
        f"{f['method']} failed on {f['problem']}, seed {f['seed']}: {f['error']}"
        for f in folder.failures()
        if f["method"] in (a, b) and f["problem"] in chosen
    ]
    for method in (a, b):
        run = {problem for problem, _, name in cells if name == method}
        failed = {f["problem"] for f in folder.failures() if f["method"] == method}
        absent = [problem for problem in chosen if problem not in run | failed]
        if absent:
            left_out.append(f"{method} was not run on {', '.join(absent)}")
    if not pairs:
        reasons = f" ({'; '.join(left_out)})" if left_out else ""
        raise InputError(f"{path}: {a} and {b} have no items in common{reasons}")
    return Comparisons(a, b, tuple(pairs), tuple(left_out))


def _check_methods(folder: RunFolder, a: str, b: str) -> None:
    methods = sorted({method for _, _, method in folder.cells.all()})
    for name in (a, b):
        if name not in methods:
            for failure in folder.failures():
                if failure["method"] == name:
                    raise InputError(f"{folder.path}: {name!r} failed: {failure['error']}")
            if not methods:
                raise InputError(f"{folder.path} has no finished cells to compare")
            raise unknown("method of the run", name, methods)
    if a == b:
        raise InputError(f"{a!r} cannot be compared with itself: name two methods")


def _selected(names: Sequence[str], patterns: Sequence[str] | None) -> list[str]:
    """Return the names that are equal to a pattern or match it, in their order."""
    if patterns is None:
        return list(names)
    found = set()
    for pattern in patterns:
        own = {name for name in names if name == pattern or fnmatchcase(name, pattern)}
        if not own:
            raise unknown("problem of the run", pattern, names)
        found |= own
    return [name for name in names if name in found]


def _pair(scores: Scores, a: str, b: str) -> list[Comparison]:
    """Return the comparison, or nothing if the methods were not run on common items."""
    i, j = (scores.methods.index(name) for name in (a, b))
    own, other = scores.values[i], scores.values[j]
    both = ~np.isnan(own) & ~np.isnan(other)
    metric = lookup("metric", METRICS, scores.metric)
    missing = tuple(f"{m} {scores.missing[m].text}" for m in (a, b) if m in scores.missing)
    labels = (scores.problem, scores.metric, metric.unit)
    test = compare_pair(metric, own, other, scores.groups)
    if not both.any():
        empty = Comparison(*labels, math.nan, math.nan, test, "", missing=missing)
        return [empty] if missing else []
    means = (metric.mean(own[both]), metric.mean(other[both]))
    if not test.significant:
        return [Comparison(*labels, *means, test, TIE, missing=missing)]
    better = a if (test.difference.mean > 0) == metric.higher_is_better else b
    pairs, adjusted = 0, math.nan
    ranked = ranked_methods(scores)
    if i in ranked and j in ranked:
        pairs = math.comb(len(ranked), 2)
        adjusted = pairs * test.p_value
        if adjusted >= LEVEL:
            tests = compare_all(metric, scores.values[ranked], scores.groups)
            first, second = sorted((ranked.index(i), ranked.index(j)))
            adjusted = tests.adjusted[first, second]
    return [Comparison(*labels, *means, test, better, pairs, adjusted, missing)]


def as_text(found: Comparisons, columns: int = 80) -> str:
    """Return comparisons as a table for a terminal.

    Parameters
    ----------
    found : Comparisons
        The comparisons.
    columns : int
        The width of the text.
    """
    rows = [_row(pair, found) for pair in found.pairs]
    header = ["metric", "A", "B", "A - B [95 % interval]", "p", "better"]
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    spare = columns - sum(widths[1:]) - 2 * (len(widths) - 1)
    widths[0] = max(MIN_NAME, min(widths[0], spare))
    lines = _wrapped(printable(f"A: {found.a}"), columns)
    lines += _wrapped(printable(f"B: {found.b}"), columns)
    tables: dict[str, list[str]] = {}
    for pair, row in zip(found.pairs, rows, strict=True):
        tables.setdefault(_title(pair), []).append(_line(row, widths))
    for title, table in tables.items():
        lines += ["", *_wrapped(title, columns), _line(header, widths), *table]
    for note in _notes(found):
        lines += _wrapped(note, columns)
    return "\n".join(lines)


def _title(pair: Comparison) -> str:
    """Return what was compared, how, and on how many items."""
    n, groups = pair.test.difference.n, pair.test.groups
    if not n:
        return printable(f"{pair.problem}: no items with both values")
    size = f"{n:,} item{'s' * (n != 1)}"
    if groups != n:
        size = f"{groups:,} group{'s' * (groups != 1)} of {size}"
    if groups < MIN_GROUPS:
        return printable(f"{pair.problem}: {size}, too few for a test")
    return printable(f"{pair.problem}: {TESTS[pair.test.test]} over {size}")


def _row(pair: Comparison, found: Comparisons) -> list[str]:
    d = pair.test.difference
    metric = f"{pair.metric} (dB)" if pair.unit == "dB" else pair.metric
    if not d.n:
        return [metric, "-", "-", "-", "-", "-"]
    half = (d.high - d.low) / 2
    figures = [_figure(number, half) for number in (d.mean, d.low, d.high)]
    interval = f"{figures[0]} [{figures[1]}, {figures[2]}]" if not math.isnan(d.low) else figures[0]
    better = {found.a: "A", found.b: "B"}.get(pair.better, pair.better)
    better += " (alone)" if pair.alone else ""
    p = "< 0.0001" if pair.test.p_value < 1e-4 else f"{pair.test.p_value:.4f}"
    tested = [p, better] if pair.test.groups >= MIN_GROUPS else ["-", "-"]
    return [metric, f"{pair.mean_a:.4g}", f"{pair.mean_b:.4g}", interval, *tested]


def _figure(number: float, half: float) -> str:
    """Return a number with two digits of half the interval, if it is neither large nor small."""
    if 1e-4 <= half < 1e4 and abs(number) < 1e6:
        return f"{number:+.{max(0, 1 - math.floor(math.log10(half)))}f}"
    return f"{number:+.3g}" if number else "0"


def _notes(found: Comparisons) -> Iterator[str]:
    yield ""
    yield (
        "A - B: mean difference over the common items. p and interval are of the same test and of "
        "each comparison alone: p < 0.05 if the interval excludes 0."
    )
    if any(pair.test.test == "sign" for pair in found.pairs):
        yield (
            "Sign test: differences that are infinite, equal, or much larger on a few items than "
            "on the others. Its interval is that of the median."
        )
    errors = dict.fromkeys(
        pair.metric
        for pair in found.pairs
        if lookup("metric", METRICS, pair.metric).averages == "errors"
    )
    if errors:
        yield f"{', '.join(errors)}: the difference is linearized (delta method)."
    for pair in found.pairs:
        if pair.alone:
            yield printable(
                f"{pair.problem}, {pair.metric}: significant alone, not after Holm over "
                f"{pair.pairs} pairs (p = {pair.adjusted:.2g}): a tie on the leaderboard."
            )
    notes = [
        f"{pair.problem}, {pair.metric}: {text}" for pair in found.pairs for text in pair.missing
    ]
    yield from map(printable, [*dict.fromkeys(notes), *found.left_out])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first = shortened(cells[0], widths[0]).ljust(widths[0])
    numbers = [cell.rjust(width) for cell, width in zip(cells[1:5], widths[1:5], strict=True)]
    return "  ".join([first, *numbers, cells[5]])


def _wrapped(text: str, columns: int) -> list[str]:
    return textwrap.wrap(text, columns, subsequent_indent="  ", break_on_hyphens=False) or [""]
