"""The entries of a suite file: problems, methods, and values of a printed table."""

from __future__ import annotations

import dataclasses
import fnmatch
import functools
import itertools
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sigbench.benchmark.methods.resolve import (
    METHODS,
    Method,
    depending_on,
    is_given,
    resolve,
    with_seed,
)
from sigbench.benchmark.methods.tuning import SureTuned, Tuned
from sigbench.config.registry import build, lookup, parameter
from sigbench.config.spec import MAX_SWEEP, Spec, expand, format_value, parse, words
from sigbench.config.toml import check_keys
from sigbench.core.dependencies import declared
from sigbench.core.errors import InputError, shown, unknown
from sigbench.core.protocols import Estimator
from sigbench.core.schema import (
    ANYTHING,
    COUNT,
    FLAG,
    LINE,
    MAX_ITEMS,
    MAX_SEEDS,
    SPEC,
    TEXT,
    List,
    Number,
    Schema,
    Table,
    check,
)
from sigbench.core.validation import check_choice
from sigbench.datasets import DATASETS
from sigbench.problems.degradations import DEGRADATIONS
from sigbench.problems.denoising import Denoising
from sigbench.problems.noise_estimation import NoiseEstimation
from sigbench.problems.noise_tracking import NoiseTracking
from sigbench.problems.system_id import SystemFunction
from sigbench.scoring.metrics import Metric

# The valid keys of each table, with their values.
_COUNT = Number(1, MAX_ITEMS, whole=True)
PROBLEM_KEYS: dict[str, Schema] = {
    "name": LINE,
    "dataset": SPEC,
    "degradation": SPEC,
    "items": _COUNT,
    "train_items": _COUNT,
    "clip_estimates": FLAG,
    "on_bad_item": LINE,
}
TASK_KEYS: dict[str, Schema] = {
    "name": LINE,
    "task": LINE,
    "dataset": SPEC,
    "degradation": SPEC,
    "items": _COUNT,
    "on_bad_item": LINE,
}
SYSTEM_KEYS: dict[str, Schema] = {
    "name": LINE,
    "system": SPEC,
    "length": List(Number(1, MAX_ITEMS, whole=True), shortest=1),
    "snr_db": List(Number(), shortest=1),
    "coloration": List(Number(), shortest=1),
    "items": _COUNT,
    "train_items": _COUNT,
}
METHOD_KEYS: dict[str, Schema] = {
    "name": LINE,
    "method": SPEC,
    "sigma": LINE,
    "tune": Table(List(ANYTHING)),
    "tuned_by": LINE,
    "training_seeds": List(ANYTHING),
    "problems": List(LINE, shortest=1, longest=MAX_SWEEP),
    "depends_on": List(ANYTHING),
}
POOLED_PROBES = 5  # all items use the same probes, so pooling does not reduce their error
TUNED_BY: dict[str, Callable[..., Tuned | SureTuned]] = {
    "truth": Tuned,
    "sure": SureTuned,
    "sure-pooled": functools.partial(SureTuned, pooled=True, probes=POOLED_PROBES),
}
EXPERIMENT_KEYS: dict[str, Schema] = {
    "metrics": List(LINE, shortest=1, distinct=True),
    "source": TEXT,
    "printed": Table(List(Number())),
}

# The problems of an entry with the key "task", by its value.
TASKS: dict[str, type[NoiseTracking] | type[NoiseEstimation]] = {
    NoiseTracking.kind: NoiseTracking,
    NoiseEstimation.kind: NoiseEstimation,
}

AnyProblem = Denoising | NoiseTracking | NoiseEstimation | SystemFunction


def problems_of(entry: Any) -> list[AnyProblem]:
    """Return the problems of an entry, one per combination of listed values."""
    if isinstance(entry, dict) and "system" in entry:
        return _system_functions(entry)
    has_task = isinstance(entry, dict) and "task" in entry
    keys = TASK_KEYS if has_task else PROBLEM_KEYS
    check_keys("a problem", entry, keys, required=("dataset", "degradation"))
    if has_task:
        check_choice("task", entry["task"], TASKS)
    combinations = _product(expand(_dataset(entry)), expand(parse(entry["degradation"])))
    rest = {k: entry[k] for k in ("train_items", "clip_estimates") if k in entry}
    problems: list[AnyProblem] = []
    for data, noise in combinations:
        own = {**dict(data.params), **dict(noise.params)}
        name = _filled("problem", entry.get("name", data.name), own)
        dataset = build("dataset", DATASETS, data)
        degradation = build("degradation", DEGRADATIONS, noise)
        items = entry.get("items", dataset.size("test"))
        if items is None:
            raise InputError(
                f"{name}: the dataset {data.name} is unlimited, so the problem needs the key 'items'"
            )
        if has_task:
            problems.append(TASKS[entry["task"]](name, dataset, degradation, items))
        else:
            problems.append(Denoising(name, dataset, degradation, items, **rest))
    return problems


def _product(data: list[Spec], noise: list[Spec]) -> list[tuple[Spec, Spec]]:
    """Return all combinations, of which there must be at most ``MAX_SWEEP``."""
    if len(data) * len(noise) > MAX_SWEEP:
        raise InputError(
            f"{data[0].name}: {len(data)} × {len(noise)} problems are more than {MAX_SWEEP}"
        )
    return list(itertools.product(data, noise))


def _dataset(entry: dict[str, Any]) -> Spec:
    """Return the dataset of a problem; ``on_bad_item`` is a parameter of it."""
    spec = parse(entry["dataset"])
    if "on_bad_item" not in entry:
        return spec
    return Spec(spec.name, (*spec.params, ("on_bad_item", entry["on_bad_item"])))


def _system_functions(entry: dict[str, Any]) -> list[AnyProblem]:
    """Return a problem for every combination of the listed values."""
    required = ("system", "length", "snr_db", "items")
    check_keys("a problem", entry, SYSTEM_KEYS, required=required)
    swept = Spec("problem", tuple((k, v) for k, v in entry.items() if isinstance(v, list)))
    rest = {k: entry[k] for k in ("items", "train_items") if k in entry}
    problems: list[AnyProblem] = []
    for data, record in _product(expand(parse(entry["system"])), expand(swept)):
        own = {k: parameter(SystemFunction, data.name, k, v) for k, v in record.params}
        name = _filled("problem", entry.get("name", data.name), {**dict(data.params), **own})
        dataset = build("dataset", DATASETS, data)
        problems.append(SystemFunction(name, dataset, **own, **rest))
    return problems


def _filled(kind: str, template: str, values: Mapping[str, Any]) -> str:
    """Return a name in which ``{parameter}`` is replaced by its value."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise InputError(
                f"{kind} name {template!r}: no parameter {match[1]!r} (one of: {', '.join(values)})"
            )
        return format_value(values[match[1]])

    return re.sub(r"\{([^{}]*)\}", value, template)


def methods_of(problems: list[str], entry: Any, folder: Path) -> list[Method]:
    """Return the methods of an entry, restricted to the problems that it names.

    Files in ``depends_on`` are relative to ``folder``.
    """
    methods = _methods(entry)
    if "depends_on" in entry:
        listed = declared(entry["depends_on"], folder)
        methods = [depending_on(method, listed) for method in methods]
    if "training_seeds" in entry:
        methods = [one for m in methods for one in _trained(m, entry["training_seeds"])]
    if "problems" not in entry:
        return methods
    patterns = tuple(entry["problems"])
    for pattern in patterns:
        if not fnmatch.filter(problems, pattern):
            raise unknown("problem", pattern, problems)
    return [dataclasses.replace(method, problems=patterns) for method in methods]


def _methods(entry: Any) -> list[Method]:
    check_keys("a method", entry, METHOD_KEYS, required=("method",))
    text, name = entry["method"], entry.get("name")
    sigma_given = is_given(entry.get("sigma"))
    by = entry.get("tuned_by", "truth")
    check_choice("tuned_by", by, TUNED_BY)
    if "tune" in entry:
        suffix = "tuned" if by == "truth" else f"{by}-tuned"
        full_name = name or f"{text}-{suffix}"
        return [_tuned(parse(text), entry["tune"], full_name, sigma_given, TUNED_BY[by])]
    if "tuned_by" in entry:
        raise InputError(f"{name or text}: tuned_by={by!r} needs the key 'tune'")
    methods = resolve(text, sigma_given=sigma_given)
    if name is None:
        return methods
    if "{" in name:
        own = [_filled("method", name, words(spec)) for spec in expand(parse(text))]
        return [dataclasses.replace(m, name=n) for m, n in zip(methods, own, strict=True)]
    if len(methods) == 1:
        return [dataclasses.replace(methods[0], name=name)]
    values = [method.name.partition("[")[2].removesuffix("]") for method in methods]
    return [
        dataclasses.replace(method, name=f"{name} {value}")
        for method, value in zip(methods, values, strict=True)
    ]


def _trained(method: Method, seeds: list[Any]) -> list[Method]:
    """Return one method per training seed of a learner."""
    methods = []
    for seed in checked_seeds(seeds):
        one = with_seed(method, seed)
        name = f"{method.name} #{seed}"
        methods.append(dataclasses.replace(one, name=name, trainings=method.name))
    return methods


def checked_seeds(seeds: list[Any]) -> tuple[int, ...]:
    """Return seeds after checking that they are distinct whole numbers.

    Raises
    ------
    InputError
        For an invalid or repeated seed, or an empty list.
    """
    for seed in seeds:
        if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**63:
            raise InputError(f"seed {shown(seed)} must be a whole number >= 0 and < 2**63")
    check("seeds", seeds, List(COUNT, shortest=1, longest=MAX_SEEDS, distinct=True))
    return tuple(seeds)


def _tuned(
    spec: Spec,
    tune: Mapping[str, Any],
    name: str,
    sigma_given: bool,
    tuner: Callable[..., Tuned | SureTuned],
) -> Method:
    """Return a tuned method; ``tune`` has the values to try by parameter."""
    cls = lookup("method", METHODS, spec.name)
    grid = {}
    for key, values in tune.items():
        if not values:
            raise InputError(f"{name}: tune.{key}=[] must be a list of values")
        grid[key] = [
            parameter(cls, spec.name, key, parse(v) if isinstance(v, str) and "[" in v else v)
            for v in values
        ]
    first = tuple((key, values[0]) for key, values in tune.items())
    start = build("method", METHODS, Spec(spec.name, (*spec.params, *first)))
    if tuner is not Tuned and isinstance(start, Estimator):
        raise InputError(f"{name}: tuned_by='sure' requires a denoiser, which {spec.name} is not")
    tuned = tuner(start, grid)
    for _ in tuned.candidates():  # report an invalid value before the run
        pass
    return Method(name, tuned, sigma_given)


def experiments_of(table: Any, metrics: Mapping[str, Metric]) -> dict[str, Any]:
    """Return the checked table ``experiments``."""
    check_keys("experiments", table, EXPERIMENT_KEYS, required=("metrics",))
    for name in table["metrics"]:
        if name not in metrics:
            raise unknown("metric of the suite", name, metrics)
    for method, figures in table.get("printed", {}).items():
        if len(figures) != len(table["metrics"]):
            raise InputError(
                f"experiments.printed.{method}={shown(figures)} must contain one number per metric"
            )
    return {"source": "", "printed": {}, **table}
