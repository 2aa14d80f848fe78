"""``sigbench analyze jacobian``: from a suite and methods to tables and figures of what they do."""

from __future__ import annotations

import dataclasses
import functools
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from sigbench.analysis import figures
from sigbench.analysis.jacobian import FINEST, By
from sigbench.analysis.study import VERSION, SampleIndex, Study, check_place, prepared, study
from sigbench.analysis.tables import Done, as_text, sweeps, write_tables
from sigbench.benchmark.methods.resolve import Method
from sigbench.benchmark.report.plots import png
from sigbench.benchmark.store.gallery import legal
from sigbench.benchmark.suites.suite import Suite, load
from sigbench.core.durations import duration
from sigbench.core.errors import InputError
from sigbench.core.fingerprint import digest, identity
from sigbench.core.media import write_atomically
from sigbench.core.validation import check_field
from sigbench.problems.denoising import Denoising

STUDIES = "studies"
MAX_PLACES = len(figures.MARKS)
LINE_EVERY_S = 30.0  # where nobody sees a bar


class Failed(Exception):
    """A method that failed on a problem."""


class Analysis(NamedTuple):
    """What was found, as a table where there is any, and a line for each method that failed."""

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

    What is finished of an item is kept, and not computed again. A method that fails is left out.

    Parameters
    ----------
    suite : str
        Whose problems have the items: a suite's name, or the path of a TOML file.
    methods : sequence of str
        Rows of the suite, or methods as they are written.
    problems : list of str, optional
        By default all.
    items, start : int
        How many items of each problem, and from which on; figures are of the first of them.
    seed : int
        Of the items.
    places : sequence of tuple of int
        Samples whose filters are wanted; see `sigbench.analysis.study.study`.
    by, step
        See `sigbench.analysis.jacobian.linearize`.
    out : Path, optional
        The folder, by default ``analysis/SUITE``.
    quiet : bool
        Whether nothing is said on the way.

    Raises
    ------
    InputError
        For anything wrong with the question or the folder.
    """
    for name, count, least in (("items", items, 1), ("from", start, 0)):
        if count < least:
            raise InputError(f"{name}={count} must be >= {least}")
    if len(places) > MAX_PLACES:
        raise InputError(f"{len(places)} samples are too many to show: at most {MAX_PLACES}")
    if step is not None:
        check_field("step", step, FINEST)
    chosen = load(suite).select(problems=problems, seeds=[seed], items=start + items)
    plan = _plan(chosen, methods, start)
    for problem in dict.fromkeys(problem for problem, _ in plan if places):
        for place in places:  # told now, not after all the work
            check_place(place, problem.dataset.item("test", seed, start).shape[1:])
    folder = _folder(out or Path("analysis") / chosen.name)
    done, failures = [], []
    question: dict[str, Any] = {"seed": seed, "by": by, "step": step}
    total = sum(problem.items - start for problem, _ in plan)
    with _Progress(total, quiet=quiet) as progress:
        for problem, method in plan:
            span = range(start, problem.items)
            ready = functools.cache(functools.partial(prepared, problem, method))
            studies = []
            try:
                for item in span:
                    progress(f"{problem.name}: {method.name}")
                    own = question | {"item": item, "portrait": item == start}
                    own |= {"places": places if item == start else ()}
                    studies.append(_studied(folder, problem, method, own, ready))
            except Failed as error:
                failures.append(str(error))
                progress.skip(len(span) - len(studies) - 1)
            else:
                done.append(Done(problem, method, studies))
    if not done:
        return Analysis("", failures)
    write_tables(folder, chosen.name, done)
    text = f"{as_text(done)}\n\n{folder}: tables (CSV){_drawn(folder, done)}"
    return Analysis(text, failures)


def _plan(suite: Suite, methods: Sequence[str], start: int) -> list[tuple[Denoising, Method]]:
    """Return what is to be looked at."""
    wanted = suite.find(methods)
    plan = []
    for problem in suite.problems:
        if not isinstance(problem, Denoising):
            raise InputError(f"{problem.name} asks for system functions: it has no noisy items")
        if start >= problem.items:
            raise InputError(f"from={start} must be < {problem.items}, the items of {problem.name}")
        plan += [(problem, method) for method in wanted if method.is_for(problem.name)]
    if not plan:
        names = ", ".join(problem.name for problem in suite.problems)
        raise InputError(f"none of the methods is for {names}")
    return plan


def _folder(path: Path) -> Path:
    """Return the folder, made; one that holds anything else is refused."""
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is no folder")
    if path.is_dir() and any(path.iterdir()) and not (path / STUDIES).is_dir():
        raise InputError(f"{path} holds something else: -o takes another folder")
    (path / STUDIES).mkdir(parents=True, exist_ok=True)
    return path


def _studied(
    folder: Path,
    problem: Denoising,
    method: Method,
    question: dict[str, Any],
    ready: Callable[[], Any],
) -> Study:
    """Return a study from its file, or made and written."""
    same = identity(dataclasses.replace(problem, items=1))  # of however many it is one
    key = digest([same, method.key, question, VERSION])
    path = folder / STUDIES / f"{key}.study"
    if path.is_file():
        try:
            return Study.decoded(path.read_bytes())
        except InputError as error:
            raise InputError(f"{path}: {error}: delete it") from None
    try:
        found = study(problem, ready(), sigma_given=method.sigma_given, **question)
    except InputError as error:
        raise Failed(f"{method.name} on {problem.name}: {error}") from error
    except (Exception, SystemExit) as error:  # somebody's own method may raise anything
        what = f"{type(error).__name__}: {error}".removesuffix(": ")
        raise Failed(f"{method.name} failed on {problem.name}: {what}") from error
    write_atomically(path, found.encoded())
    return found


def _drawn(folder: Path, done: Sequence[Done]) -> str:
    """Draw the figures and return their names, in words."""
    if find_spec("matplotlib") is None:
        return "; figures need Matplotlib: pip install 'sigbench[plots]'"
    for old in folder.glob("jacobian-*.png"):  # of another question
        old.unlink()
    names = []
    for problem in dict.fromkeys(one.problem for one in done):
        own = [one for one in done if one.problem is problem]
        shown = {one.method.name: one.portrait for one in own}
        figure = figures.portraits(shown, problem.image_peak)
        names.append(f"jacobian-{legal([problem.name])}.png")
        write_atomically(folder / names[-1], png(figure))
    if over := sweeps(done):
        samples = int(max(one.values("samples").max() for one in done))
        names.append("effective-dimension.png")
        figure = figures.effective_dimensions(over, samples)
        write_atomically(folder / names[-1], png(figure))
    return ", " + ", ".join(names)


class _Progress:
    """A bar on a terminal, elsewhere a line now and then."""

    def __init__(self, total: int, *, quiet: bool) -> None:
        terminal = sys.stderr.isatty()
        self.bar = tqdm(total=total, unit="item", disable=quiet or not terminal, leave=False)
        self.lines = not quiet and not terminal
        self.total, self.begun = total, -1
        self.began = self.sigma_given = time.monotonic()

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def skip(self, count: int) -> None:
        """Tell that so many more are not looked at."""
        self.begun += count

    def __call__(self, what: str) -> None:
        """Tell that one is done and the next begins."""
        self.begun += 1
        self.bar.update(self.begun - self.bar.n)
        self.bar.set_description(what)
        if self.lines and time.monotonic() - self.sigma_given >= LINE_EVERY_S:
            self.sigma_given = time.monotonic()
            took = duration(self.sigma_given - self.began)
            done = f"{took}: {self.begun} of {self.total} items done, next {what}"
            print(done, file=sys.stderr, flush=True)
