"""The leaderboards of runs as LaTeX: a table with booktabs for each problem."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

from sigbench.benchmark.report.citation import citation
from sigbench.benchmark.report.page.collect import collect
from sigbench.benchmark.report.tables import digits, heading, is_best, is_ranked, rank
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.config.registry import lookup
from sigbench.core.atomic import check_own, write_atomically
from sigbench.core.escape import latex
from sigbench.scoring.leaderboard import LIMITS, LeaderboardRow
from sigbench.scoring.metrics import METRICS
from sigbench.scoring.scores import Summary

MARKER = "% Tables of sigbench"  # the first line of a file that may be replaced
MAX_LARGE = 3  # tables of more metrics are set in a smaller font
DAGGER = r"$^\dagger$"  # marks the mean of a method with values that could not be computed

BOLD = (
    "Bold: no ranked method is significantly better "
    r"(paired tests; Holm, 5\,\%); a rank such as 2--4 is a range."
)


def write_latex(folders: Sequence[Path], path: Path) -> str:
    """Write the leaderboards of runs as LaTeX, and return what was written, in one line.

    Parameters
    ----------
    folders : sequence of Path
        The run folders. A folder without cells has what is in its ``leaderboard.csv``.
    path : Path
        The file; an existing one is replaced only if its first line says that sigbench wrote it.

    Raises
    ------
    InputError
        If there is another file, or a run has neither cells nor a ``leaderboard.csv``.
    """
    check_target(path)
    text = latex_tables([RunFolder(folder) for folder in folders])
    write_atomically(path, text.encode())
    count = text.count(r"\begin{table}")
    return f"{path}: {count} table{'s' * (count != 1)}"


def check_target(path: Path) -> None:
    """Check that a file does not exist, or was written by `write_latex`.

    Raises
    ------
    InputError
        If it is another file.
    """
    check_own(
        path,
        MARKER,
        f"was not written by report --latex (its first line does not begin with {MARKER!r})",
    )


def latex_tables(folders: Sequence[RunFolder]) -> str:
    """Return the leaderboards of runs as LaTeX: one table for each problem.

    A metric has a column with means ± half the interval; the best are in bold. Limits are in
    italics, below a rule.
    """
    lines = [f"{MARKER}: \\usepackage{{booktabs}}. A new report --latex replaces this file."]
    lines += [f"% {citation(folder)}" for folder in folders]
    labels: set[str] = set()
    for folder in folders:
        suite = folder.manifest.require()["suite"]
        board = collect(folder.path).board
        for problem in dict.fromkeys(row["problem"] for row in board):
            rows = [row for row in board if row["problem"] == problem]
            metrics = [metric for metric in suite["metrics"] if _of(rows, metric)]
            lines += ["", *_table(folder, rows, metrics, _label(suite["name"], problem, labels))]
    return "\n".join(lines) + "\n"


def _of(rows: Sequence[LeaderboardRow], metric: str) -> list[LeaderboardRow]:
    return [row for row in rows if row["metric"] == metric]


def _label(suite: str, problem: str, taken: set[str]) -> str:
    """Return a label that no other table has, of letters, digits and hyphens."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", f"{suite} {problem}").strip("-")
    label, number = f"tab:{words}", 2
    while label in taken:
        label, number = f"tab:{words}-{number}", number + 1
    taken.add(label)
    return label


def _table(
    folder: RunFolder, rows: Sequence[LeaderboardRow], metrics: Sequence[str], label: str
) -> list[str]:
    """Return the lines of the table of a problem."""
    problem, first = rows[0]["problem"], _of(rows, metrics[0])
    found = {metric: folder.scores(problem, metric) for metric in metrics}
    summaries = {metric: one.summary() for metric, one in found.items() if one is not None}
    cells = {metric: _column(_of(rows, metric), summaries.get(metric)) for metric in metrics}
    ranked = [row for row in first if row["knowledge"] not in LIMITS]
    limits = [row for row in first if row["knowledge"] in LIMITS]
    header = ["Method", *map(_heading, metrics), "Rank"]
    body = [_line(row["method"], cells, rank(row).replace("-", "--")) for row in ranked]
    if limits:
        body.append(r"\midrule")
        body += [_line(row["method"], cells, "", italic=True) for row in limits]
    return [
        r"\begin{table}",
        r"\centering\setlength{\belowcaptionskip}{6pt}",
        rf"\caption{{{_caption(first, summaries, cells)}}}",
        rf"\label{{{label}}}",
        *([r"\footnotesize\setlength{\tabcolsep}{4pt}"] if len(metrics) > MAX_LARGE else []),
        rf"\begin{{tabular}}{{l{'r' * len(metrics)}c}}",
        r"\toprule",
        rf"{' & '.join(header)} \\",
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]


def _column(rows: Sequence[LeaderboardRow], summary: Summary | None) -> dict[str, str]:
    """Return the text of a metric by method."""
    places, ranked = digits(rows), is_ranked(rows)
    missing = {} if summary is None else summary.missing
    texts = {}
    for row in rows:
        text = _number(row["mean"], places)
        if ranked and is_best(row) and row["method"] not in missing:
            text = rf"\mathbf{{{text}}}"
        half = (row["ci_high"] - row["ci_low"]) / 2
        interval = rf" \pm {half:.{places}f}" if math.isfinite(half) else ""
        mark = DAGGER if row["method"] in missing else ""
        texts[row["method"]] = (
            f"--{mark}" if math.isnan(row["mean"]) else f"${text}{interval}${mark}"
        )
    return texts


def _number(value: float, places: int) -> str:
    if math.isinf(value):
        return r"\infty" if value > 0 else r"-\infty"
    return f"{value:.{places}f}"


def _heading(metric: str) -> str:
    """Return the name of a metric with its unit, and an arrow to its better values."""
    about = lookup("metric", METRICS, metric)
    arrow = r"$\uparrow$" if about.higher_is_better else r"$\downarrow$"
    return f"{latex(heading(metric))} {arrow}"


def _line(
    method: str, cells: dict[str, dict[str, str]], ranks: str, *, italic: bool = False
) -> str:
    """Return a row of a table; a limit has a method in italics."""
    name = latex(method)
    # After \\, a bracket or an asterisk would be an argument of it.
    name = rf"\textit{{{name}}}" if italic else f"{{}}{name}" if name[:1] in ("[", "*") else name
    texts = [column.get(method, "") for column in cells.values()]
    return rf"{' & '.join([name, *texts, ranks])} \\"


def _caption(
    first: Sequence[LeaderboardRow],
    summaries: dict[str, Summary],
    cells: dict[str, dict[str, str]],
) -> str:
    """Return the caption: the data, and how to read the table."""
    row = first[0]
    summary = summaries.get(row["metric"])
    size = f"{max(one['n'] for one in first):,} items" if summary is None else _size(summary)
    parts = [
        f"{latex(row['problem'])} (suite {latex(row['suite'])}): {size}.",
        r"Means $\pm$ half the 95\,\% confidence interval.",
    ]
    if is_ranked(first):
        parts.append(BOLD)
    else:
        parts.append(f"No method is significantly better than another in {latex(row['metric'])}.")
    if len(cells) > 1:
        parts.append(f"Ranks are by {latex(row['metric'])}.")
    if any(one["knowledge"] in LIMITS for one in first):
        parts.append("Italics: the method uses the clean item or the true prior and is not ranked.")
    if any(DAGGER in text for column in cells.values() for text in column.values()):
        parts.append(f"{DAGGER} Could not be computed for every item; not ranked.")
    return " ".join(parts)


def _size(summary: Summary) -> str:
    """Return the number of items, seeds and groups."""
    items, seeds = sum(summary.items), ", ".join(map(str, summary.seeds))
    text = f"{items:,} item{'s' * (items != 1)}"
    if not summary.independent:
        text += f" in {summary.groups:,} group{'s' * (summary.groups != 1)}"
    return f"{text}, seed{'s' * (len(summary.seeds) != 1)} {seeds}"
