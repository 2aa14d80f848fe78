"""Suites: problems × methods × seeds × metrics, written in TOML."""

from __future__ import annotations

import dataclasses
import fnmatch
import functools
import itertools
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sigbench.datasets import DATASETS
from sigbench.degradations import DEGRADATIONS
from sigbench.denoisers import DENOISERS, Noisy
from sigbench.errors import InputError, unknown
from sigbench.estimators import ESTIMATORS
from sigbench.identity import digest, identity
from sigbench.methods import METHODS, Method, resolve
from sigbench.metrics import METRICS, Metric
from sigbench.problems import Denoising
from sigbench.registry import build, lookup, parameter
from sigbench.spec import Spec, expand, format_value, parse
from sigbench.system_function import SystemFunction
from sigbench.tuning import SureTuned, Tuned
from sigbench.types import Estimator
from sigbench.work import Cell

FOLDER = Path(__file__).parent

# Legal keys of each table, with the type of each.
SUITE_KEYS = {
    "name": str,
    "description": str,
    "seeds": list,
    "metrics": list,
    "block": int,
    "problems": list,
    "methods": list,
    "experiments": dict,
}
PROBLEM_KEYS = {
    "name": str,
    "dataset": str,
    "degradation": str,
    "items": int,
    "train_items": int,
    "clip_estimates": bool,
}
SYSTEM_KEYS = {
    "name": str,
    "system": str,
    "length": list,
    "snr_db": list,
    "coloration": list,
    "items": int,
    "train_items": int,
}
METHOD_KEYS = {
    "name": str,
    "method": str,
    "sigma": str,
    "tune": dict,
    "tuned_by": str,
    "problems": list,
}
POOLED_PROBES = 5  # items share them, so that pooling does not average their error out
TUNED_BY: dict[str, Callable[..., Tuned | SureTuned]] = {
    "truth": Tuned,
    "sure": SureTuned,
    "sure-pooled": functools.partial(SureTuned, pooled=True, probes=POOLED_PROBES),
}
EXPERIMENT_KEYS = {"metrics": list, "source": str, "printed": dict}

AnyProblem = Denoising | SystemFunction


@dataclass(frozen=True)
class Suite:
    """What is run; see `load`.

    ``experiments`` asks for a block of the report in the shape of a printed table, one column a
    seed: its ``metrics``, and the figures ``printed`` by row, from ``source``.
    """

    name: str
    description: str
    seeds: tuple[int, ...]
    metrics: Mapping[str, Metric]
    block: int
    problems: tuple[AnyProblem, ...]
    methods: tuple[Method, ...]
    experiments: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        for problem, method in itertools.product(self.problems, self.methods):
            if not method.is_for(problem.name):
                continue
            if isinstance(problem, SystemFunction) and not method.is_estimator:
                raise InputError(
                    f"{method.name} denoises, and {problem.name} asks for a system function: "
                    f"it takes estimators (one of: {', '.join(ESTIMATORS)})"
                )
            if isinstance(problem, Denoising) and method.is_estimator:
                raise InputError(
                    f"{method.name} estimates system functions, and {problem.name} is to be "
                    f"denoised: it takes denoisers (one of: {', '.join(DENOISERS)})"
                )

    def cells(self) -> list[Cell]:
        """Return all cells, those on the same data next to each other."""
        return [
            Cell(problem, seed, method, self._key(problem, seed, method))
            for problem in self.problems
            for seed in self.seeds
            for method in self.methods
            if method.is_for(problem.name)
        ]

    def _key(self, problem: AnyProblem, seed: int, method: Method) -> str:
        metrics = {name: metric.version for name, metric in self.metrics.items()}
        return digest([self.problem_key(problem), seed, method.key, metrics, self.block])

    def problem_key(self, problem: AnyProblem) -> str:
        """Return a digest of all of a problem that can change values."""
        return digest(identity(problem))

    def select(
        self,
        *,
        methods: list[str] | None = None,
        problems: list[str] | None = None,
        seeds: list[int] | None = None,
        items: int | None = None,
    ) -> Suite:
        """Return the part of the suite that is asked for.

        Parameters
        ----------
        methods : list of str, optional
            Rows of the suite to keep, and methods to add to it (specs or ``module:attribute``).
            Where no row is named, all are kept. The noisy input and the limits always are.
        problems : list of str, optional
            Problems to keep.
        seeds : list of int, optional
            Other seeds.
        items : int, optional
            Another number of test items a seed; a dataset with fewer gives all it has.

        Raises
        ------
        InputError
            For a name that does not exist or a number that is not legal.
        """
        suite = self
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
            suite = dataclasses.replace(suite, seeds=_checked_seeds(seeds))
        if methods is not None:
            suite = dataclasses.replace(suite, methods=self._selected(methods))
        return suite

    def _selected(self, wanted: list[str]) -> tuple[Method, ...]:
        rows = {method.name: method for method in self.methods}
        named = [name for name in wanted if name in rows]
        added = [method for name in wanted if name not in rows for method in self._resolved(name)]
        kept = [
            m
            for m in self.methods
            if not named
            or m.name in named
            or isinstance(m.entry, Noisy)
            or m.knowledge(sigma_known=True) in ("prior", "oracle")
        ]
        return _unique([*kept, *added])

    def _resolved(self, text: str) -> list[Method]:
        try:
            return resolve(text)
        except InputError as error:
            if str(error).startswith("unknown method"):
                rows = [method.name for method in self.methods]
                raise unknown("method", parse(text).name, [*rows, *METHODS]) from None
            raise


def suite_names() -> list[str]:
    """Return the names of the suites that come with sigbench."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str) -> Suite:
    """Read and check a suite.

    Parameters
    ----------
    name : str
        One of `suite_names`, or the path of a TOML file.

    Raises
    ------
    InputError
        For an unknown suite, a file that cannot be read, or anything illegal in it.

    Examples
    --------
    >>> load("table1").seeds
    (1, 2, 3)
    """
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file():
        if name.endswith(".toml"):
            raise InputError(f"{name}: no such file")
        raise unknown("suite", name, suite_names())
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name}: {error}") from None
    try:
        return _suite(table, default_name=path.stem)
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from error.__cause__


def _suite(table: dict[str, Any], default_name: str) -> Suite:
    _check_keys("the suite", table, SUITE_KEYS, required=("metrics", "problems", "methods"))
    problems = [problem for entry in table["problems"] for problem in _problems(entry)]
    names = [problem.name for problem in problems]
    methods = [method for entry in table["methods"] for method in _for(names, entry)]
    block = table.get("block", 500)
    if block < 1:
        raise InputError(f"block={block} must be >= 1")
    if len({problem.name for problem in problems}) < len(problems):
        raise InputError("two problems have the same name")
    for metric in table["metrics"]:
        if not isinstance(metric, str):
            raise InputError(f"metrics: {metric!r} must be one of: {', '.join(METRICS)}")
    metrics = {metric: lookup("metric", METRICS, metric) for metric in table["metrics"]}
    name = table.get("name", default_name)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise InputError(f"name={name!r} must be made of letters, digits, '.', '_' and '-'")
    if not (problems and methods and metrics):
        raise InputError("problems, methods and metrics must not be empty")
    return Suite(
        name,
        table.get("description", ""),
        _checked_seeds(table.get("seeds", [1, 2, 3])),
        metrics,
        block,
        tuple(problems),
        _unique(methods) if isinstance(problems[0], SystemFunction) else _with_noisy(methods),
        _experiments(table["experiments"], metrics) if "experiments" in table else None,
    )


def _check_keys(
    what: str, table: Any, legal: Mapping[str, type], required: tuple[str, ...] = ()
) -> None:
    if not isinstance(table, dict):
        raise InputError(f"{what} must be a table, not {table!r}")
    for key, value in table.items():
        if key not in legal:
            raise unknown(f"key of {what}", key, legal)
        if not isinstance(value, legal[key]) or (legal[key] is int and isinstance(value, bool)):
            raise InputError(f"{what}: {key}={value!r} must be of type {legal[key].__name__}")
    for key in required:
        if key not in table:
            raise InputError(f"{what} needs the key {key!r}")


def _checked_seeds(seeds: list[Any]) -> tuple[int, ...]:
    for seed in seeds:
        if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**63:
            raise InputError(f"seed {seed!r} must be a whole number >= 0 and < 2**63")
    if not seeds or len(set(seeds)) < len(seeds):
        raise InputError(f"seeds={seeds} must hold at least one, and none twice")
    return tuple(seeds)


def _problems(entry: Any) -> list[Denoising] | list[SystemFunction]:
    if isinstance(entry, dict) and "system" in entry:
        return _system_functions(entry)
    _check_keys("a problem", entry, PROBLEM_KEYS, required=("dataset", "degradation"))
    combinations = [
        (data, noise)
        for data in expand(parse(entry["dataset"]))
        for noise in expand(parse(entry["degradation"]))
    ]
    rest = {k: entry[k] for k in ("train_items", "clip_estimates") if k in entry}
    problems = []
    for data, noise in combinations:
        words = {**dict(data.params), **dict(noise.params)}
        name = _filled(entry.get("name", data.name), words)
        dataset = build("dataset", DATASETS, data)
        degradation = build("degradation", DEGRADATIONS, noise)
        items = entry.get("items", dataset.size("test"))
        if items is None:
            raise InputError(
                f"{name}: {data.name} has no end, so the problem needs the key 'items'"
            )
        problems.append(Denoising(name, dataset, degradation, items, **rest))
    return problems


def _system_functions(entry: dict[str, Any]) -> list[SystemFunction]:
    """Return a problem for every combination of the listed lengths, levels and colorations."""
    required = ("system", "length", "snr_db", "items")
    _check_keys("a problem", entry, SYSTEM_KEYS, required=required)
    swept = Spec("problem", tuple((k, v) for k, v in entry.items() if isinstance(v, list)))
    rest = {k: entry[k] for k in ("items", "train_items") if k in entry}
    problems = []
    for data, record in itertools.product(expand(parse(entry["system"])), expand(swept)):
        own = {k: parameter(SystemFunction, data.name, k, v) for k, v in record.params}
        name = _filled(entry.get("name", data.name), {**dict(data.params), **own})
        dataset = build("dataset", DATASETS, data)
        problems.append(SystemFunction(name, dataset, **own, **rest))
    return problems


def _filled(template: str, words: Mapping[str, Any]) -> str:
    """Return a name with ``{parameter}`` filled in."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in words:
            raise InputError(
                f"problem name {template!r}: no parameter {match[1]!r} (one of: {', '.join(words)})"
            )
        return format_value(words[match[1]])

    return re.sub(r"\{([^{}]*)\}", value, template)


def _for(problems: list[str], entry: Any) -> list[Method]:
    """Return the methods of an entry, for those of the problems that it names."""
    methods = _methods(entry)
    if "problems" not in entry:
        return methods
    patterns = tuple(entry["problems"])
    if not patterns:
        raise InputError("problems=[] must name at least one")
    for pattern in patterns:
        if not isinstance(pattern, str) or not fnmatch.filter(problems, pattern):
            raise unknown("problem", str(pattern), problems)
    return [dataclasses.replace(method, problems=patterns) for method in methods]


def _methods(entry: Any) -> list[Method]:
    _check_keys("a method", entry, METHOD_KEYS, required=("method",))
    text, name = entry["method"], entry.get("name")
    told = entry.get("sigma", "none")
    if told not in ("given", "none"):
        raise InputError(f"sigma={told!r} must be one of: given, none")
    by = entry.get("tuned_by", "truth")
    if by not in TUNED_BY:
        raise InputError(f"tuned_by={by!r} must be one of: {', '.join(TUNED_BY)}")
    if "tune" in entry:
        suffix = "tuned" if by == "truth" else f"{by}-tuned"
        row = name or f"{text}-{suffix}"
        return [_tuned(parse(text), entry["tune"], row, told == "given", TUNED_BY[by])]
    if "tuned_by" in entry:
        raise InputError(f"{name or text}: tuned_by={by!r} needs the key 'tune'")
    methods = resolve(text, name=name, told=told == "given")
    if name and len(methods) > 1:
        methods = [
            dataclasses.replace(m, name=f"{name} {m.name.partition('[')[2].rstrip(']')}")
            for m in methods
        ]
    return methods


def _tuned(
    spec: Spec,
    tune: Mapping[str, Any],
    name: str,
    told: bool,
    tuner: Callable[..., Tuned | SureTuned],
) -> Method:
    """Return the method that tries a grid, written as parameter = [values]."""
    cls = lookup("method", METHODS, spec.name)
    grid = {}
    for key, values in tune.items():
        if not isinstance(values, list) or not values:
            raise InputError(f"{name}: tune.{key}={values!r} must be a list of values")
        grid[key] = [
            parameter(cls, spec.name, key, parse(v) if isinstance(v, str) and "[" in v else v)
            for v in values
        ]
    first = tuple((key, values[0]) for key, values in tune.items())
    start = build("method", METHODS, Spec(spec.name, (*spec.params, *first)))
    if tuner is not Tuned and isinstance(start, Estimator):
        raise InputError(f"{name}: tuned_by='sure' is for denoisers, which {spec.name} is not")
    tuned = tuner(start, grid)
    for _ in tuned.candidates():  # an illegal value is told now, not in every cell
        pass
    return Method(name, tuned, told)


def _unique(methods: list[Method]) -> tuple[Method, ...]:
    seen: dict[str, Method] = {}
    for method in methods:
        if method.name in seen:
            raise InputError(f"two methods are called {method.name!r}")
        seen[method.name] = method
    return tuple(methods)


def _with_noisy(methods: list[Method]) -> tuple[Method, ...]:
    """Return the methods with the noisy input among them."""
    if any(isinstance(method.entry, Noisy) for method in methods):
        return _unique(methods)
    return _unique([Method("noisy", Noisy()), *methods])


def _resized(problem: AnyProblem, items: int) -> AnyProblem:
    if items < 1:
        raise InputError(f"items={items} must be >= 1")
    size = problem.dataset.size("test")
    return dataclasses.replace(problem, items=items if size is None else min(items, size))


def _experiments(table: Any, metrics: Mapping[str, Metric]) -> dict[str, Any]:
    _check_keys("experiments", table, EXPERIMENT_KEYS, required=("metrics",))
    if not table["metrics"]:
        raise InputError("experiments.metrics must not be empty")
    for name in table["metrics"]:
        if not isinstance(name, str) or name not in metrics:
            raise unknown("metric of the suite", str(name), metrics)
    for row, figures in table.get("printed", {}).items():
        numbers = isinstance(figures, list) and all(isinstance(f, int | float) for f in figures)
        if not numbers or len(figures) != len(table["metrics"]):
            raise InputError(f"experiments.printed.{row}={figures!r} must hold one number a metric")
    return {"source": "", "printed": {}, **table}
