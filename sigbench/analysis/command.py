"""``sigbench analyze jacobian``: from a suite and methods to tables and figures of what they do."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tqdm import tqdm

from sigbench.analysis import figures
from sigbench.analysis.jacobian import STEP, By
from sigbench.analysis.study import VERSION, Place, Study, study
from sigbench.analysis.tables import Done, as_text, sweeps, write_tables
from sigbench.errors import InputError
from sigbench.executors import duration
from sigbench.files import write_atomically
from sigbench.gallery import legal
from sigbench.identity import digest
from sigbench.methods import Method
from sigbench.problems import Denoising
from sigbench.reports.pictures import png
from sigbench.suites.suite import load

STUDIES = "studies"
MOST_PLACES = len(figures.MARKS)
LINE_EVERY_S = 30.0  # where nobody sees a bar


def analyze(
    suite: str,
    methods: Sequence[str],
    *,
    problems: list[str] | None = None,
    items: int = 1,
    start: int = 0,
    seed: int = 1,
    places: Sequence[Place] = (),
    by: By = "auto",
    step: float = STEP,
    out: Path | None = None,
    quiet: bool = False,
) -> str:
    """Compute the Jacobians of methods on the items of a suite; return a table of them.

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
        The folder, by default ``analysis/SUITE``. What is in it of the same question is not
        computed again.
    quiet : bool
        Whether nothing is said on the way.

    Raises
    ------
    InputError
        For anything wrong with the question, the folder or a method.
    """
    for name, count, least in (("items", items, 1), ("start", start, 0)):
        if count < least:
            raise InputError(f"{name}={count} must be >= {least}")
    if len(places) > MOST_PLACES:
        raise InputError(f"{len(places)} samples are too many to show: at most {MOST_PLACES}")
    chosen = load(suite).select(problems=problems, seeds=[seed], items=start + items)
    wanted = chosen.called(methods)
    plan = []
    for problem in chosen.problems:
        if not isinstance(problem, Denoising):
            raise InputError(f"{problem.name} asks for system functions: it has no noisy items")
        plan += [(problem, method) for method in wanted if method.is_for(problem.name)]
    if not plan:
        names = ", ".join(problem.name for problem in chosen.problems)
        raise InputError(f"none of the methods is for {names}")
    folder = _folder(out or Path("analysis") / chosen.name)
    done = []
    with _Progress(len(plan), quiet=quiet) as progress:
        for problem, method in plan:
            progress(problem.name, method.name)
            question = {"seed": seed, "by": by, "step": step, "places": places, "start": start}
            key = digest([chosen.problem_key(problem), method.key, question, VERSION])
            path = folder / STUDIES / f"{key}.study"
            done.append(Done(problem, method, _studied(path, problem, method, question)))
    write_tables(folder, chosen.name, done)
    return f"{as_text(done)}\n\n{folder}: tables (CSV){_drawn(folder, done)}"


def _folder(path: Path) -> Path:
    """Return the folder, made; one that holds anything else is refused."""
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is no folder")
    if path.is_dir() and any(path.iterdir()) and not (path / STUDIES).is_dir():
        raise InputError(f"{path} holds something else: -o takes another folder")
    (path / STUDIES).mkdir(parents=True, exist_ok=True)
    return path


def _studied(path: Path, problem: Denoising, method: Method, question: dict[str, Any]) -> Study:
    """Return a study from its file, or made and written."""
    if path.is_file():
        try:
            return Study.decoded(path.read_bytes())
        except InputError as error:
            raise InputError(f"{path}: {error}: delete it") from None
    try:
        found = study(problem, method, **question)
    except InputError as error:
        raise InputError(f"{method.name} on {problem.name}: {error}") from error
    except (Exception, SystemExit) as error:  # somebody's own method may raise anything
        what = f"{type(error).__name__}: {error}"
        raise InputError(f"{method.name} failed on {problem.name}: {what}") from error
    write_atomically(path, found.encoded())
    return found


def _drawn(folder: Path, done: Sequence[Done]) -> str:
    """Draw the figures and return their names, in words."""
    if find_spec("matplotlib") is None:
        return "; figures need Matplotlib: pip install 'sigbench[plots]'"
    names = []
    for problem in dict.fromkeys(one.problem for one in done):
        own = [one for one in done if one.problem is problem]
        shown = {one.method.name: one.study for one in own}
        figure = figures.portraits(shown, problem.image_peak)
        names.append(f"jacobian-{legal([problem.name])}.png")
        write_atomically(folder / names[-1], png(figure))
    if over := sweeps(done):
        samples = int(max(one.study.samples.max() for one in done))
        names.append("effective-dimension.png")
        figure = figures.effective_dimensions(over, samples)
        write_atomically(folder / names[-1], png(figure))
    return ", " + ", ".join(names)


class _Progress:
    """A bar on a terminal, elsewhere a line now and then."""

    def __init__(self, total: int, *, quiet: bool) -> None:
        terminal = sys.stderr.isatty()
        self.bar = tqdm(total=total, unit="method", disable=quiet or not terminal, leave=False)
        self.lines = not quiet and not terminal
        self.total, self.begun = total, -1
        self.began = self.told = time.monotonic()

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def __call__(self, problem: str, method: str) -> None:
        """Tell that one is done and the next begins."""
        self.begun += 1
        self.bar.update(self.begun - self.bar.n)
        self.bar.set_description(f"{problem}: {method}")
        if self.lines and time.monotonic() - self.told >= LINE_EVERY_S:
            self.told = time.monotonic()
            took = duration(self.told - self.began)
            print(
                f"{took}: {self.begun} of {self.total} done, next {method} on {problem}",
                file=sys.stderr,
                flush=True,
            )
