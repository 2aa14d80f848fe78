"""Put a page together: what is read from run folders becomes one HTML file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sigbench.benchmark.report.charts import Chart, page_css
from sigbench.benchmark.report.level_charts import level_charts
from sigbench.benchmark.report.page import texts
from sigbench.benchmark.report.page.boards import MetricView, board_data, board_table, metric_view
from sigbench.benchmark.report.page.collect import RunData
from sigbench.benchmark.report.page.details import detail_tables
from sigbench.benchmark.report.page.document import Section, document
from sigbench.benchmark.report.page.drawings import Drawings, chosen
from sigbench.benchmark.report.page.libraries import SLIDER, SORTABLE, UPLOT, own_file
from sigbench.benchmark.report.page.media import BUDGET, Media, fill, material
from sigbench.benchmark.report.page.pairs import comparison_data, most_compared
from sigbench.benchmark.report.page.rendering import render
from sigbench.benchmark.report.page.writing import MAX_BYTES
from sigbench.benchmark.report.run_charts import problem_charts

if TYPE_CHECKING:
    from markupsafe import Markup

VALUE_BUDGET = 350_000  # values of items in a page, each of 2.7 bytes
PAIR_BUDGET = 30_000  # tests of pairs of methods in a page, each of about 45 bytes
SPARE = 20_000  # bytes for the notes on what was left out
CHARTS = ("intervals", "over_time", "ecdf", "critical_difference", "differences")
MEDIA = {
    "image": ("Images", "images.js"),
    "signal": ("Signals", "signals.js"),
    "system": ("Impulse responses", "signals.js"),
    "speech": ("Sounds", "sounds.js"),
}


@dataclass(frozen=True)
class Page:
    """A page, and the bytes of media in it."""

    html: str
    media_bytes: int


@dataclass(frozen=True)
class _Problem:
    """A problem of a run, with the id of its part of the page."""

    run: RunData
    name: str
    anchor: str
    views: Sequence[MetricView]

    @property
    def rows(self) -> Sequence[Any]:
        """The rows of its first metric."""
        return self.run.rows(self.name, self.views[0].name)


@dataclass(frozen=True)
class _Content:
    """What a page shows besides its media, by the id of its part."""

    runs: Mapping[str, RunData]
    problems: Sequence[_Problem]
    charts: Mapping[str, Drawings]
    comparisons: Mapping[str, Any]


def make_page(
    runs: Sequence[RunData],
    *,
    advance: Callable[[], None] = lambda: None,
) -> Page:
    """Return the page of one or several runs.

    Parameters
    ----------
    runs : sequence of RunData
        The runs.
    advance : callable
        Called after each part of the work, to report progress.

    Returns
    -------
    Page
        The HTML. The same runs give the same text.
    """
    named = {f"r{number + 1}": run for number, run in enumerate(runs)}
    problems = [problem for anchor, run in named.items() for problem in _problems(run, anchor)]
    drawn = _charts(named, problems, advance)
    comparisons = dict(_comparisons(problems, advance))
    charts = chosen(drawn)
    content = _Content(named, problems, charts, comparisons)
    sources = {
        problem.anchor: found
        for problem in problems
        if problem.run.has_cells and (found := material(problem.run, problem.name)) is not None
    }
    without = len(_assembled(content, fill(sources, 0)).encode())
    excess = without + SPARE - MAX_BYTES
    if excess > 0:  # fewer charts; the list of those left out takes room, too
        used = sum(len(c.inline().encode()) for own in charts.values() for c in own.shown)
        content = replace(content, charts=chosen(drawn, max(0, used - 2 * excess)))
        without = len(_assembled(content, fill(sources, 0)).encode())
    budget = max(0, min(BUDGET, MAX_BYTES - without - SPARE))
    html = _assembled(content, fill(sources, budget, advance))
    while budget and (excess := len(html.encode()) - MAX_BYTES) > 0:  # players and notes, too
        budget = max(0, budget - excess - SPARE)
        html = _assembled(content, fill(sources, budget, advance))
    return Page(html, len(html.encode()) - without)


def _problems(run: RunData, anchor: str) -> Iterator[_Problem]:
    for number, name in enumerate(run.problems):
        views = []
        for metric in run.metrics(name):
            summary = run.summaries.get((name, metric))
            views.append(metric_view(run.rows(name, metric), summary.missing if summary else {}))
        yield _Problem(run, name, f"{anchor}-p{number + 1}", views)


def _charts(
    runs: Mapping[str, RunData], problems: Sequence[_Problem], advance: Callable[[], None]
) -> dict[str, list[Chart]]:
    """Return the charts of every run and problem, the most important first."""
    found = {}
    for anchor, run in runs.items():
        first = run.suite["metrics"][0]
        found[anchor] = level_charts(run.board, run.suite["problems"], metric=first)
    for problem in problems:
        own = problem_charts(problem.rows, problem.run.scores.get(problem.name))
        found[problem.anchor] = [own[kind] for kind in CHARTS if kind in own]
        advance()
    return found


def _comparisons(
    problems: Sequence[_Problem], advance: Callable[[], None]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the data for comparisons of two methods, for problems with at least two."""
    rows = sum(len(p.views[0].order) for p in problems if p.run.has_cells) or 1
    most = most_compared(PAIR_BUDGET // max(1, sum(p.run.has_cells for p in problems)))
    for problem in problems:
        scores = problem.run.scores.get(problem.name)
        methods = list(problem.views[0].order[:most])
        if scores is not None and len(methods) > 1:
            share = VALUE_BUDGET * len(methods) // rows
            yield problem.anchor, comparison_data(scores, methods, share)
        advance()


def _assembled(content: _Content, media: Mapping[str, Media]) -> str:
    shown = {anchor: own for anchor, own in media.items() if own.examples}
    domains = {own.domain for own in shown.values()}
    curves = bool(content.comparisons) or bool(domains & {"signal", "system"})
    scripts = ["tools.js", "boards.js"]
    scripts += ["curves.js"] if curves else []
    scripts += ["compare.js"] if content.comparisons else []
    scripts += sorted({MEDIA[domain][1] for domain in domains})
    names = [run.suite["name"] for run in content.runs.values()]
    return document(
        f"Benchmark of denoisers: {', '.join(names)}",
        [_section(content, anchor, media) for anchor in content.runs],
        lead="Results of denoisers on the same noisy items: means with confidence intervals, "
        "ranks by paired tests, and the gap to the limit.",
        libraries=[SORTABLE, *[UPLOT] * curves, *[SLIDER] * ("image" in domains)],
        scripts=scripts,
        styles=page_css() + own_file("report.css"),
        data={
            "boards": {problem.anchor: board_data(problem.views) for problem in content.problems},
            "comparisons": content.comparisons,
            "media": {
                anchor: {"domain": own.domain, "metric": own.metric, "examples": own.examples}
                for anchor, own in shown.items()
            },
        },
    )


def _section(content: _Content, anchor: str, media: Mapping[str, Media]) -> Section:
    run = content.runs[anchor]
    problems = [problem for problem in content.problems if problem.run is run]
    body = render(
        "run",
        anchor=anchor,
        citation=run.citation,
        description=run.suite["description"],
        warnings=texts.warnings(run),
        facts=texts.facts(run),
        meaning=texts.meaning(run),
        charts=content.charts[anchor].html(),
        problems=[
            {
                "anchor": problem.anchor,
                "name": problem.name,
                "summary": texts.summary_line(problem.rows),
                "body": _problem_body(content, problem, media.get(problem.anchor)),
            }
            for problem in problems
        ],
        tables=detail_tables(run, anchor),
    )
    parts = [(problem.anchor, problem.name) for problem in problems]
    return Section(anchor, run.suite["name"], body, parts)


def _problem_body(content: _Content, problem: _Problem, media: Media | None) -> Markup:
    anchor, run, name = problem.anchor, problem.run, problem.name
    line = texts.data_line(run, name)
    return render(
        "problem",
        anchor=anchor,
        board=board_table(run, name, problem.views, f"{anchor}-board", line),
        notes=texts.notes(run, name, problem.views),
        charts=content.charts[anchor].html(),
        compared=anchor in content.comparisons,
        media=media and {"title": MEDIA[media.domain][0], "note": media.left_out},
    )
