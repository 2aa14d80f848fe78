"""Put a page together: what is read from run folders becomes one HTML file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sigbench.benchmark.report.charts import Chart, page_css
from sigbench.benchmark.report.page import texts
from sigbench.benchmark.report.page.boards import MetricView, board_data, board_table, metric_view
from sigbench.benchmark.report.page.collect import RunData
from sigbench.benchmark.report.page.details import detail_tables
from sigbench.benchmark.report.page.document import Section, document
from sigbench.benchmark.report.page.libraries import SLIDER, SORTABLE, UPLOT, own_file
from sigbench.benchmark.report.page.media import BUDGET, Media, fill, material
from sigbench.benchmark.report.page.pairs import comparison_data
from sigbench.benchmark.report.page.rendering import render, safe
from sigbench.benchmark.report.page.writing import MAX_BYTES
from sigbench.benchmark.report.run_charts import problem_charts

if TYPE_CHECKING:
    from markupsafe import Markup

CHART_BUDGET = 1_200_000  # bytes of all charts
VALUE_BUDGET = 350_000  # values of items in a page, each of 2.7 bytes
SPARE = 20_000  # bytes for what is written after the media were chosen
SHOWN_CHARTS = ("intervals", "over_time", "ecdf", "critical_difference", "differences")
MEDIA_TITLES = {
    "image": "Images",
    "signal": "Signals",
    "system": "Impulse responses",
    "speech": "Sounds",
}
MEDIA_SCRIPTS = {
    "image": "images.js",
    "signal": "signals.js",
    "system": "signals.js",
    "speech": "sounds.js",
}


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
class Page:
    """A page, and the bytes of media in it."""

    html: str
    media_bytes: int


def make_page(
    runs: Sequence[RunData], *, citations: Sequence[str] = (), advance: Callable[[], None] = lambda: None
) -> Page:
    """Return the page of one or several runs.

    Parameters
    ----------
    runs : sequence of RunData
        The runs.
    citations : sequence of str
        How to cite each run.
    advance : callable
        Called after each part of the work, to report progress.

    Returns
    -------
    Page
        The HTML. The same runs give the same text.
    """
    problems = [p for number, run in enumerate(runs) for p in _problems(run, f"r{number + 1}")]
    charts, no_charts = _charts(problems, advance)
    boards = {problem.anchor: board_data(problem.views) for problem in problems}
    comparisons = dict(_comparisons(problems, advance))
    sources = {
        problem.anchor: found
        for problem in problems
        if problem.run.has_cells and (found := material(problem.run, problem.name)) is not None
    }

    def assembled(media: Mapping[str, Media]) -> str:
        return _assembled(runs, problems, charts, no_charts, boards, comparisons, media, citations)

    empty = fill(sources, 0)
    spare = MAX_BYTES - len(assembled(empty).encode()) - SPARE
    media = fill(sources, max(0, min(BUDGET, spare)), advance)
    html = assembled(media)
    return Page(html, len(html.encode()) - len(assembled(empty).encode()))


def _problems(run: RunData, anchor: str) -> Iterator[_Problem]:
    for number, name in enumerate(run.problems):
        views = [
            metric_view(run.rows(name, metric), _incomplete(run, name, metric))
            for metric in run.metrics(name)
        ]
        yield _Problem(run, name, f"{anchor}-p{number + 1}", views)


def _incomplete(run: RunData, problem: str, metric: str) -> Mapping[str, Any]:
    summary = run.summaries.get((problem, metric))
    return summary.missing if summary else {}


def _charts(
    problems: Sequence[_Problem], advance: Callable[[], None]
) -> tuple[dict[str, list[Chart]], dict[str, list[str]]]:
    """Return the charts of each problem that fit into the budget, and the kinds that do not.

    Every problem gets its first charts before any gets the next.
    """
    found = {}
    for problem in problems:
        found[problem.anchor] = problem_charts(problem.rows, problem.run.scores.get(problem.name))
        advance()
    budget = CHART_BUDGET
    kept: dict[str, list[Chart]] = {problem.anchor: [] for problem in problems}
    left_out: dict[str, list[str]] = {problem.anchor: [] for problem in problems}
    for kind in SHOWN_CHARTS:
        for anchor, charts in found.items():
            if kind in charts:
                size = len(charts[kind].inline().encode())
                (kept if size <= budget else left_out)[anchor].append(charts[kind])  # type: ignore[arg-type]
                budget -= size if size <= budget else 0
    titles = {anchor: [chart.title for chart in charts] for anchor, charts in left_out.items()}  # type: ignore[attr-defined]
    return kept, titles


def _comparisons(
    problems: Sequence[_Problem], advance: Callable[[], None]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the data for comparisons of two methods, for problems with at least two."""
    rows = sum(len(p.views[0].order) for p in problems if p.run.has_cells) or 1
    for problem in problems:
        scores = problem.run.scores.get(problem.name)
        methods = list(problem.views[0].order)
        if scores is not None and len(methods) > 1:
            share = VALUE_BUDGET * len(methods) // rows
            yield problem.anchor, comparison_data(scores, methods, share)
        advance()


def _assembled(
    runs: Sequence[RunData],
    problems: Sequence[_Problem],
    charts: Mapping[str, Sequence[Chart]],
    no_charts: Mapping[str, Sequence[str]],
    boards: Mapping[str, Any],
    comparisons: Mapping[str, Any],
    media: Mapping[str, Media],
    citations: Sequence[str],
) -> str:
    sections = []
    for number, run in enumerate(runs):
        own = [problem for problem in problems if problem.run is run]
        bodies = [
            {
                "anchor": problem.anchor,
                "name": problem.name,
                "summary": texts.summary_line(problem.rows),
                "body": _problem_body(problem, charts, no_charts, comparisons, media),
            }
            for problem in own
        ]
        anchor = f"r{number + 1}"
        body = render(
            "run",
            description=run.suite["description"],
            warnings=texts.warnings(run),
            facts=texts.facts(run),
            meaning=texts.meaning(run),
            charts="",
            problems=bodies,
            tables=detail_tables(run, anchor),
        )
        parts = [(problem.anchor, problem.name) for problem in own]
        sections.append(Section(anchor, run.suite["name"], body, parts))
    domains = {own.domain for own in media.values() if own.examples}
    scripts = ["boards.js", "tools.js"]
    scripts += ["curves.js"] if comparisons or domains & {"signal", "system"} else []
    scripts += ["compare.js"] if comparisons else []
    scripts += sorted({MEDIA_SCRIPTS[domain] for domain in domains})
    libraries = [SORTABLE]
    libraries += [UPLOT] if "curves.js" in scripts else []
    libraries += [SLIDER] if "image" in domains else []
    names = [run.suite["name"] for run in runs]
    return document(
        f"Benchmark of denoisers: {', '.join(names)}",
        sections,
        lead="What denoisers reach on the same noisy items, with confidence intervals, ranks and limits.",
        facts=[("suites", str(len(runs))), ("problems", str(len(problems)))],
        citation="\n".join(citations),
        libraries=libraries,
        scripts=scripts,
        styles=page_css() + own_file("report.css"),
        data={
            "boards": boards,
            "comparisons": comparisons,
            "media": {
                anchor: {"domain": own.domain, "metric": own.metric, "examples": own.examples}
                for anchor, own in media.items()
                if own.examples
            },
        },
    )


def _problem_body(
    problem: _Problem,
    charts: Mapping[str, Sequence[Chart]],
    no_charts: Mapping[str, Sequence[str]],
    comparisons: Mapping[str, Any],
    media: Mapping[str, Media],
) -> Markup:
    anchor, run = problem.anchor, problem.run
    drawn = [{"title": chart.title, "svg": safe(chart.inline())} for chart in charts[anchor]]
    missing = "; ".join(no_charts[anchor])
    own = media.get(anchor)
    shown = None
    if own is not None:
        shown = {"title": MEDIA_TITLES[own.domain], "note": own.left_out}
    return render(
        "problem",
        anchor=anchor,
        board=board_table(run, problem.name, problem.views, f"{anchor}-board", texts.data_line(run, problem.name)),
        notes=texts.notes(run, problem.name, problem.views),
        charts=render(
            "charts",
            charts=drawn,
            left_out=f"Left out, to keep the page small: {missing}." if missing else "",
        ),
        compared=anchor in comparisons,
        media=shown,
    )
