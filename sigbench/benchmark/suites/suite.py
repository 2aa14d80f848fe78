"""Suites: problems × methods × seeds × metrics, defined in TOML files."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sigbench.benchmark.engine.evaluate import Cell
from sigbench.benchmark.engine.secret import Secret
from sigbench.benchmark.methods.resolve import KINDS, METHODS, Method, resolve
from sigbench.benchmark.suites.definition import Definition
from sigbench.benchmark.suites.entries import (
    AnyProblem,
    checked_seeds,
    experiments_of,
    methods_of,
    problems_of,
)
from sigbench.config.registry import lookup
from sigbench.config.spec import MAX_SWEEP, parse
from sigbench.config.toml import check_keys, find_toml, read_toml
from sigbench.core.errors import InputError, unknown
from sigbench.core.fingerprint import digest, identity, source_digest
from sigbench.core.schema import (
    ANYTHING,
    FILE_NAME,
    LINE,
    MAX_ITEMS,
    TEXT,
    List,
    Number,
    Record,
    Schema,
    check,
)
from sigbench.denoisers import Noisy
from sigbench.scoring.metrics import METRICS, Metric

FOLDER = Path(__file__).parent

MAX_CELLS = 10**6

# The valid keys of a suite file, with their values.
SUITE_KEYS: dict[str, Schema] = {
    "name": FILE_NAME,
    "description": TEXT,
    "seeds": List(ANYTHING),
    "metrics": List(LINE, shortest=1, distinct=True),
    "block": Number(1, MAX_ITEMS, whole=True),
    "problems": List(ANYTHING, shortest=1, longest=MAX_SWEEP),
    "methods": List(ANYTHING, shortest=1, longest=MAX_SWEEP),
    "experiments": Record({}),
}


@dataclass(frozen=True)
class Suite:
    """Problems, methods, seeds and metrics that are run together; see `load`.

    ``experiments`` adds a section to the report in the layout of a printed table, with one column
    per seed: its ``metrics``, the ``printed`` values by method, and their ``source``. ``full`` is the
    suite from which this one was selected. The data seeds are derived from ``secret``, if it is set.
    ``definition`` has the entries of the suite file.
    """

    name: str
    description: str
    seeds: tuple[int, ...]
    metrics: Mapping[str, Metric]
    block: int
    problems: tuple[AnyProblem, ...]
    methods: tuple[Method, ...]
    experiments: Mapping[str, Any] | None = None
    full: Suite | None = field(default=None, repr=False)
    secret: Secret | None = None
    definition: Definition = field(default=Definition(), repr=False, compare=False)

    def __post_init__(self) -> None:
        cells = len(self.problems) * len(self.methods) * len(self.seeds)
        if cells > MAX_CELLS:
            raise InputError(
                f"{len(self.problems)} problems × {len(self.methods)} methods × {len(self.seeds)} "
                f"seeds are more than {MAX_CELLS} cells"
            )
        for problem in self.problems:
            check("problem name", problem.name, LINE)
        for method in self.methods:
            check("method name", method.name, LINE)
        for problem, method in itertools.product(self.problems, self.methods):
            if not method.is_for(problem.name):
                continue
            if method.task != problem.task:
                needed, names = KINDS[problem.task]
                raise InputError(
                    f"{method.name} is {KINDS[method.task][0]}, but {problem.name} is a "
                    f"{problem.task} problem, which needs {needed} (one of: {', '.join(names)})"
                )

    def cells(self) -> list[Cell]:
        """Return all cells; cells on the same data are consecutive."""
        return [
            Cell(problem, seed, method, self._key(problem, seed, method), self.secret)
            for problem in self.problems
            for seed in self.seeds
            for method in self.methods
            if method.is_for(problem.name)
        ]

    def _key(self, problem: AnyProblem, seed: int, method: Method) -> str:
        metrics = {name: metric.key for name, metric in self.metrics.items()}
        own = [self.secret.digest] if self.secret else []
        modules = [type(problem.dataset).__module__]
        modules += [metric.function.__module__ for metric in self.metrics.values()]
        own += [code_of_others(name) for name in modules if name.partition(".")[0] != "sigbench"]
        return digest([self.problem_key(problem), seed, method.key, metrics, self.block, *own])

    def problem_key(self, problem: AnyProblem) -> str:
        """Return a digest of everything in a problem that can change values."""
        return digest(identity(problem))

    @property
    def full_size(self) -> dict[str, Any]:
        """The problems with their number of items, the methods and the seeds of the full suite."""
        full = self.full or self
        return {
            "problems": {problem.name: problem.items for problem in full.problems},
            "methods": [method.name for method in full.methods],
            "seeds": list(full.seeds),
        }

    @property
    def added(self) -> list[str]:
        """The names of the methods that were added to the full suite."""
        known = self.full_size["methods"]
        return [method.name for method in self.methods if method.name not in known]

    def select(
        self,
        *,
        methods: list[str] | None = None,
        problems: list[str] | None = None,
        seeds: list[int] | None = None,
        items: int | None = None,
    ) -> Suite:
        """Return a part of the suite, optionally with other seeds or items and additional methods.

        Parameters
        ----------
        methods : list of str, optional
            Names of methods to keep, and methods to add (specs or ``module:attribute``). All methods
            are kept if none is named. The noisy input and the limits are always kept.
        problems : list of str, optional
            Problems to keep.
        seeds : list of int, optional
            The data seeds.
        items : int, optional
            The number of test items per seed; limited to the items of the dataset.

        Raises
        ------
        InputError
            For an unknown name or an invalid number.
        """
        suite = self
        for name in [*(methods or ()), *(problems or ())]:
            if not isinstance(name, str):
                raise InputError(
                    f"{name!r} is not a name or spec; add an object with "
                    "dataclasses.replace(suite, methods=(*suite.methods, Method(name, object)))"
                )
        if problems is not None:
            known = {problem.name: problem for problem in self.problems}
            for name in problems:
                if name not in known:
                    raise unknown("problem", name, known)
            suite = dataclasses.replace(
                suite, problems=tuple(known[n] for n in dict.fromkeys(problems))
            )
        if items is not None:
            suite = dataclasses.replace(
                suite, problems=tuple(_resized(p, items) for p in suite.problems)
            )
        if seeds is not None:
            suite = dataclasses.replace(suite, seeds=checked_seeds(seeds))
        if methods is not None:
            chosen_methods, entries = self._selected(methods)
            definition = suite.definition.adding(entries)
            suite = dataclasses.replace(suite, methods=chosen_methods, definition=definition)
            chosen = [problem.name for problem in suite.problems]
            for method in suite.methods:
                if method.name in methods and not any(map(method.is_for, chosen)):
                    raise InputError(
                        f"{method.name} is not run on {', '.join(chosen)}, "
                        f"only on {', '.join(method.problems)}"
                    )
        return dataclasses.replace(suite, full=self.full or self)

    def find(self, wanted: Sequence[str]) -> list[Method]:
        """Return methods by their name in the suite, or by their spec.

        Raises
        ------
        InputError
            For a text that is neither.
        """
        own = {method.name: method for method in self.methods}
        wanted = list(dict.fromkeys(wanted))
        return [
            m
            for name in wanted
            for m in ([own[name]] if name in own else resolve_or_explain(name, own))
        ]

    def _selected(self, wanted: list[str]) -> tuple[tuple[Method, ...], dict[str, dict[str, Any]]]:
        """Return the methods, and the entries of those that are added."""
        own = {method.name for method in self.methods}
        named = [name for name in wanted if name in own]
        specs = dict.fromkeys(name for name in wanted if name not in own)
        found = [(method, {"method": spec}) for spec in specs for method in self.find([spec])]
        added = [method for method, _ in found]
        for method in added:
            self._check_domain(method)
        kept = [
            m
            for m in self.methods
            if not named
            or m.name in named
            or isinstance(m.entry, Noisy)
            or m.knowledge(sigma_known=True) in ("prior", "oracle")
        ]
        return _unique([*kept, *added]), {method.name: entry for method, entry in found}

    def _check_domain(self, method: Method) -> None:
        """Check that a method accepts the items of at least one problem."""
        own = method.info.domains
        domains = sorted({problem.dataset.domain for problem in self.problems})
        if method.task != "denoising" or "system" in domains:  # checked for the whole suite
            return
        if not set(own) & set(domains):
            raise InputError(
                f"{method.name} is a method for {' and '.join(own)} data, but {self.name} has "
                f"{' and '.join(domains)} data"
            )


@functools.cache
def code_of_others(module: str) -> str:
    """Return a digest of the code of a dataset or metric of another package."""
    return source_digest(module)


def suite_names() -> list[str]:
    """Return the names of the suites that are part of sigbench."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def method_specs(suite: str) -> dict[str, str]:
    """Return the specs of the named methods in a suite's file, without building the methods."""
    methods = read_toml(find_toml("suite", suite, FOLDER))["methods"]
    return {entry["name"]: entry["method"] for entry in methods if "name" in entry}


def resolve_or_explain(text: str, names: Iterable[str] = ()) -> list[Method]:
    """Return the methods of a spec; explain an unknown name that belongs to a suite.

    Parameters
    ----------
    text : str
        The spec.
    names : iterable of str
        Further valid names, for the error.

    Raises
    ------
    InputError
        As `resolve`.
    """
    try:
        return resolve(text)
    except InputError as error:
        if not str(error).startswith("unknown method"):
            raise
        name = parse(text).name
        module = name.removesuffix(".py")
        if module.isidentifier() and Path(f"{module}.py").is_file():
            raise InputError(
                f"unknown method {name!r}: a function of {module}.py is named {module}:FUNCTION"
            ) from None
        for suite in suite_names():
            if name in (specs := method_specs(suite)):
                raise InputError(
                    f"method {name!r} is not defined here; in the suite {suite} it is {specs[name]}"
                ) from None
        raise unknown("method", name, [*names, *METHODS]) from None


def load(name: str) -> Suite:
    """Read and check a suite.

    Parameters
    ----------
    name : str
        One of `suite_names`, or the path of a TOML file.

    Raises
    ------
    InputError
        For an unknown suite, an unreadable file, or an invalid entry.

    Examples
    --------
    >>> load("table1").seeds
    (1, 2, 3)
    """
    path = find_toml("suite", name, FOLDER)
    table = read_toml(path)
    try:
        return _suite(table, path)
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from error.__cause__


def _suite(table: dict[str, Any], path: Path) -> Suite:
    check_keys("the suite", table, SUITE_KEYS, required=("metrics", "problems", "methods"))
    check("name", table.get("name", path.stem), SUITE_KEYS["name"])  # also that of the file
    defined = [(problem, entry) for entry in table["problems"] for problem in problems_of(entry)]
    problems = [problem for problem, _ in defined]
    names = [problem.name for problem in problems]
    made = [(m, e) for e in table["methods"] for m in methods_of(names, e, path.parent)]
    methods = [method for method, _ in made]
    if len(set(names)) < len(names):
        raise InputError("problem names must be distinct")
    metrics = {metric: lookup("metric", METRICS, metric) for metric in table["metrics"]}
    return Suite(
        table.get("name", path.stem),
        table.get("description", ""),
        checked_seeds(table.get("seeds", [1, 2, 3])),
        metrics,
        table.get("block", 500),
        tuple(problems),
        _with_noisy(methods) if problems[0].task == "denoising" else _unique(methods),
        experiments_of(table["experiments"], metrics) if "experiments" in table else None,
        definition=Definition(
            {problem.name: entry for problem, entry in defined},
            {method.name: entry for method, entry in made},
        ),
    )


def _unique(methods: list[Method]) -> tuple[Method, ...]:
    seen: dict[str, Method] = {}
    for method in methods:
        if method.name in seen:
            raise InputError(f"duplicate method name {method.name!r}")
        seen[method.name] = method
    return tuple(methods)


def _with_noisy(methods: list[Method]) -> tuple[Method, ...]:
    """Add the noisy input if it is missing."""
    if any(isinstance(method.entry, Noisy) for method in methods):
        return _unique(methods)
    return _unique([Method("noisy", Noisy()), *methods])


def _resized(problem: AnyProblem, items: int) -> AnyProblem:
    check("items", items, Number(1, MAX_ITEMS, whole=True))
    size = problem.dataset.size("test")
    return dataclasses.replace(problem, items=items if size is None else min(items, size))
