"""The charts of a run as files: SVG, and PDF and PNG if vl-convert-python is installed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from sigbench.benchmark.report.charts import Chart
from sigbench.benchmark.report.level_charts import level_charts
from sigbench.benchmark.report.page.collect import RunData, run_data
from sigbench.benchmark.report.run_charts import problem_charts
from sigbench.benchmark.store.gallery import legal
from sigbench.benchmark.store.run_folder import RunFolder, read_run
from sigbench.core.atomic import write_atomically
from sigbench.core.errors import InputError

PNG_SCALE = 2.0  # pixels per unit of a chart
HINT = "PDF and PNG need vl-convert-python: pip install 'sigbench[figures]'"


def check_target(runs: Sequence[Path], out: Path) -> None:
    """Check that the charts of runs can be written into a folder.

    Raises
    ------
    InputError
        If ``out`` is a file, or two runs have the same suite.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"--figures {out} is a file: it must be a folder")
    suites = [_suite(run) for run in runs]
    if len(set(suites)) < len(suites):
        twice = next(name for name in suites if suites.count(name) > 1)
        raise InputError(f"--figures: several runs of {twice}: write them into different folders")


def write_chart_files(runs: Sequence[Path], out: Path) -> str:
    """Write the charts of runs into a folder and return a sentence about them.

    Other files in the folder stay as they are. With several runs, file names begin with the suite.

    Parameters
    ----------
    runs : sequence of Path
        Run folders; they are only read.
    out : Path
        The folder; it is created if it does not exist.

    Raises
    ------
    InputError
        See `check_target`.
    """
    check_target(runs, out)
    drawn = {_suite(run): run_charts(run) for run in runs}
    out.mkdir(parents=True, exist_ok=True)
    formats = ("svg", "pdf", "png") if find_spec("vl_convert") else ("svg",)
    count, taken = 0, set[str]()
    for suite, own in drawn.items():
        for words, chart in own:
            name = file_name([suite, *words] if len(runs) > 1 else words, taken)
            taken.add(name.casefold())
            for kind in formats:
                write_atomically(out / f"{name}.{kind}", convert(chart, kind))
                count += 1
    text = f"{count:,} files written to {out}"
    return text if len(formats) > 1 else f"{text}. {HINT}"


def _suite(run: Path) -> str:
    name: str = RunFolder(run).manifest.require()["suite"]["name"]
    return name


def run_charts(path: Path) -> list[tuple[list[str], Chart]]:
    """Return all charts of a run folder, with the words of their names.

    Parameters
    ----------
    path : Path
        The run folder; another process may be combining its files.

    Raises
    ------
    InputError
        If it contains no run, or neither cells nor a leaderboard.
    """
    return read_run(path, lambda folder: list(_charts(run_data(folder))))


def _charts(run: RunData) -> Iterator[tuple[list[str], Chart]]:
    for problem in run.problems:
        for metric in run.metrics(problem):
            scores = run.folder.scores(problem, metric)
            for kind, chart in problem_charts(run.rows(problem, metric), scores).items():
                yield [problem, metric, kind], chart
    for chart in level_charts(run.board, run.suite["problems"]):
        yield [chart.name], chart


def file_name(words: Sequence[str], taken: Collection[str] = ()) -> str:
    """Return a file name without suffix, which every file system accepts.

    Parameters
    ----------
    words : sequence of str
        The name is these words, joined by dots. A digest follows if characters were replaced.
    taken : collection of str
        Other names in lower case; the digest also follows if the name is among them.

    Examples
    --------
    >>> file_name(["white-5dB", "psnr", "ecdf"]), file_name(["a/b", "psnr", "ecdf"])
    ('white-5dB.psnr.ecdf', 'a_b.psnr.ecdf.26addefd')
    """
    plain = ".".join(words)
    safe = all(re.fullmatch(r"[A-Za-z0-9=_-][A-Za-z0-9=_.-]{0,79}", word) for word in words)
    if safe and plain.casefold() not in taken:
        return plain
    unique = hashlib.sha256("\x1f".join(words).encode()).hexdigest()[:8]
    return f"{legal(words)}.{unique}"


def convert(chart: Chart, kind: str) -> bytes:
    """Return a chart as the content of a file.

    Parameters
    ----------
    chart : Chart
        The chart.
    kind : {"svg", "pdf", "png"}
        The format; other formats than SVG need vl-convert-python.
    """
    svg = chart.standalone()
    if kind == "svg":
        return svg.encode()
    import vl_convert

    if kind == "pdf":
        return bytes(vl_convert.svg_to_pdf(svg))
    return bytes(vl_convert.svg_to_png(svg, scale=PNG_SCALE))
