"""``sigbench analyze jacobian``: tables and figures of Jacobians for methods on a suite."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from sigbench.analysis import figures
from sigbench.analysis.jacobian import MIN_STEP, By
from sigbench.analysis.study import VERSION, SampleIndex, Study, check_place, prepared, study
from sigbench.analysis.tables import MethodStudies, as_text, sweeps, write_tables
from sigbench.benchmark.methods.resolve import Method
from sigbench.benchmark.report.plots import png
from sigbench.benchmark.store.gallery import legal
from sigbench.benchmark.suites.suite import Suite, load
from sigbench.core.atomic import write_atomically
from sigbench.core.errors import InputError
from sigbench.core.fingerprint import digest, identity
from sigbench.core.progress import Progress
from sigbench.core.validation import check_field
from sigbench.problems.denoising import Denoising

STUDIES = "studies"
MAX_PLACES = len(figures.MARKS)


class Failed(Exception):
    """A method that failed on a problem."""


class Analysis(NamedTuple):
    """The results as text (empty if there are none), and one line per method that failed."""

    text: str
    failures: list[str]


def analyze(
    suite: str,
    methods: Sequence[str],
    *,
    problems: list[str] | None = None,
    items: int = 1,
    start: int = 0,
    seed: int = 1,
    places: Sequence[SampleIndex] = (),
    by: By = "auto",
    step: float | None = None,
    out: Path | None = None,
    quiet: bool = False,
) -> Analysis:
    """Compute the Jacobians of methods on the items of a suite.

    The result of each item is stored and reused by later calls. A method that fails is left out.

    Parameters
    ----------
    suite : str
        The suite with the problems: a name, or the path of a TOML file.
    methods : sequence of str
        Names of methods in the suite, or specs of methods.
    problems : list of str, optional
        The problems; by default all.
    items, start : int
        The number of items of each problem, and the first one, which is drawn.
    seed : int
        The seed of the items.
    places : sequence of tuple of int
        Samples whose filters are shown; see `sigbench.analysis.study.study`.
    by, step
        See `sigbench.analysis.jacobian.linearize`.
    out : Path, optional
        The output folder, by default ``analysis/SUITE``.
    quiet : bool
        Whether to suppress the progress bar.

    Raises
    ------
    InputError
        If an argument or the folder is invalid.
    """
    for name, count, low in (("items", items, 1), ("from", start, 0)):
        if count < low:
            raise InputError(f"{name}={count} must be >= {low}")
    if len(places) > MAX_PLACES:
        raise InputError(f"{len(places)} samples are too many: at most {MAX_PLACES} can be shown")
    if step is not None:
        check_field("step", step, MIN_STEP)
    chosen = load(suite).select(problems=problems, seeds=[seed], items=start + items)
    plan = _plan(chosen, methods, start)
    for problem in dict.fromkeys(problem for problem, _ in plan if places):
        for place in places:  # check all before any computation
            check_place(place, problem.dataset.item("test", seed, start).shape[1:])
    folder = _folder(out or Path("analysis") / chosen.name)
    results, failures = [], []
    settings: dict[str, Any] = {"seed": seed, "by": by, "step": step}
    total = sum(problem.items - start for problem, _ in plan)
    with Progress(total, "item", quiet=quiet) as progress:
        for problem, method in plan:
            span = range(start, problem.items)
            ready = functools.cache(functools.partial(prepared, problem, method))
            studies = []
            try:
                for item in span:
                    progress.describe(f"{method.name} on {problem.name}")
                    own = settings | {"item": item, "portrait": item == start}
                    own |= {"places": places if item == start else ()}
                    studies.append(_stored_study(folder, problem, method, own, ready))
            except Failed as error:
                failures.append(str(error))
                progress.advance(len(span) - len(studies))
            else:
                results.append(MethodStudies(problem, method, studies))
    if not results:
        return Analysis("", failures)
    write_tables(folder, chosen.name, results)
    text = f"{as_text(results)}\n\n{folder}: tables (CSV){_draw(folder, results)}"
    return Analysis(text, failures)


def _plan(suite: Suite, methods: Sequence[str], start: int) -> list[tuple[Denoising, Method]]:
    """Return the pairs of problem and method to analyze."""
    wanted = suite.find(methods)
    plan = []
    for problem in suite.problems:
        if not isinstance(problem, Denoising):
            raise InputError(f"{problem.name} is system identification: it has no noisy items")
        if start >= problem.items:
            raise InputError(
                f"from={start} must be < {problem.items}, the number of items of {problem.name}"
            )
        plan += [(problem, method) for method in wanted if method.is_for(problem.name)]
    if not plan:
        names = ", ".join(problem.name for problem in suite.problems)
        raise InputError(f"none of the methods applies to {names}")
    return plan


def _folder(path: Path) -> Path:
    """Create and return the folder; raise InputError if it has other contents."""
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is not a folder")
    if path.is_dir() and any(path.iterdir()) and not (path / STUDIES).is_dir():
        raise InputError(f"{path} is not empty and not an analysis: choose another folder with -o")
    (path / STUDIES).mkdir(parents=True, exist_ok=True)
    return path


def _stored_study(
    folder: Path,
    problem: Denoising,
    method: Method,
    settings: dict[str, Any],
    ready: Callable[[], Any],
) -> Study:
    """Return a study from its file, or compute and write it."""
    same = identity(dataclasses.replace(problem, items=1))  # the number of items does not matter
    key = digest([same, method.key, settings, VERSION])
    path = folder / STUDIES / f"{key}.study"
    if path.is_file():
        try:
            return Study.decoded(path.read_bytes())
        except InputError as error:
            raise InputError(f"{path}: {error}: delete it") from None
    try:
        found = study(problem, ready(), sigma_given=method.sigma_given, **settings)
    except InputError as error:
        raise Failed(f"{method.name} on {problem.name}: {error}") from error
    except (Exception, SystemExit) as error:  # user methods may raise anything
        what = f"{type(error).__name__}: {error}".removesuffix(": ")
        raise Failed(f"{method.name} failed on {problem.name}: {what}") from error
    write_atomically(path, found.encoded())
    return found


def _draw(folder: Path, results: Sequence[MethodStudies]) -> str:
    """Draw the figures and return their names as the end of a sentence."""
    if find_spec("matplotlib") is None:
        return "; figures need Matplotlib: pip install 'sigbench[plots]'"
    for old in folder.glob("jacobian-*.png"):  # of other settings
        old.unlink()
    names = []
    for problem in dict.fromkeys(one.problem for one in results):
        own = [one for one in results if one.problem is problem]
        shown = {one.method.name: one.portrait for one in own}
        info = problem.item_info
        peak = info.peak if info is not None and info.domain == "image" else None
        figure = figures.portraits(shown, peak)
        names.append(f"jacobian-{legal([problem.name])}.png")
        write_atomically(folder / names[-1], png(figure))
    if over := sweeps(results):
        samples = int(max(one.values("samples").max() for one in results))
        names.append("effective-dimension.png")
        figure = figures.effective_dimensions(over, samples)
        write_atomically(folder / names[-1], png(figure))
    return ", " + ", ".join(names)
