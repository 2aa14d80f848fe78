"""What there is: suites, methods, datasets, metrics."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, get_args, get_type_hints

from sigbench.benchmark.methods.resolve import METHODS
from sigbench.benchmark.suites.suite import load, suite_names
from sigbench.config.registry import build, lookup, names
from sigbench.config.spec import Spec, expand, format_value
from sigbench.core.protocols import Info, Learner, Oracle, info_of
from sigbench.datasets import DATASETS
from sigbench.networks.models import NETWORKS
from sigbench.networks.models.base import Network, n_params
from sigbench.networks.pretrained.weights import SHIPPED, shipped
from sigbench.scoring.metrics import METRICS

Record = dict[str, Any]


def suites() -> list[Record]:
    """Return name, description, number of problems, methods and seeds of every suite."""
    rows = []
    for name in suite_names():
        suite = load(name)
        rows.append(
            {
                "name": name,
                "problems": [problem.name for problem in suite.problems],
                "methods": [method.name for method in suite.methods],
                "seeds": list(suite.seeds),
                "metrics": list(suite.metrics),
                "description": suite.description,
            }
        )
    return rows


def methods() -> list[Record]:
    """Return name, family, domains, knowledge, parameters with defaults, source of every method.

    ``knowledge`` is what it has when it is not told the noise level and ``n_params`` the number
    of values it learns; both of the defaults. Networks follow, to be trained or with the weights
    that come with sigbench: as they are typed, with their parameters.
    """
    rows = []
    for name in names("method", METHODS):
        cls = lookup("method", METHODS, name)
        rows.append(_method(name, cls, info_of(cls), _n_params(cls)))
    for typed, network in networks().items():
        rows.append(_method(f"trained[network={typed}]", network, network.info, n_params(network)))
    for name in SHIPPED:
        network = shipped(name).network
        rows.append(_method(f"network[weights={name}]", network, network.info, n_params(network)))
    return rows


def networks() -> dict[str, Network]:
    """Return every network as it is typed, one for each value of a field that says ``listed``."""
    found: dict[str, Network] = {}
    for name, cls in NETWORKS.items():
        hints = get_type_hints(cls)
        choices = [f.name for f in dataclasses.fields(cls) if f.metadata.get("listed")]
        every = Spec(name, tuple((choice, _values(hints[choice])) for choice in choices))
        found |= {str(spec): build("network", NETWORKS, spec) for spec in expand(every)}
    return found


def _values(hint: Any) -> tuple[Any, ...]:
    return (False, True) if hint is bool else get_args(hint)


def _method(name: str, thing: Any, info: Info, count: int) -> Record:
    return {
        "name": name,
        "family": info.family,
        "domains": list(info.domains),
        "knowledge": "fitted" if info.family == "network" else _knowledge(thing),
        "n_params": count,
        "parameters": _parameters(thing),
        "source": info.source,
    }


def _knowledge(cls: Any) -> str:
    info = info_of(cls)
    if isinstance(cls, type) and issubclass(cls, Oracle):
        return "oracle"
    if info.prior:
        return "prior"
    if info.fitted or (isinstance(cls, type) and issubclass(cls, Learner)):
        return "fitted"
    return "blind" if info.uses_sigma else "none"


def _n_params(cls: Any) -> int:
    """Return how many values a class learns; 0 where that depends on its parameters."""
    count = getattr(cls, "n_params", 0)
    return count if isinstance(count, int) else 0


def _parameters(cls: Any) -> dict[str, Any]:
    if not dataclasses.is_dataclass(cls):
        return {}
    return {
        f.name: None
        if f.default is dataclasses.MISSING
        else _plain(getattr(cls, f.name, f.default))
        for f in dataclasses.fields(cls)
        if f.init
    }


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def datasets() -> list[Record]:
    """Return name, parameters with defaults and the first line of what every dataset is."""
    rows = []
    for name in names("dataset", DATASETS):
        cls = lookup("dataset", DATASETS, name)
        first = (cls.__doc__ or "").strip().partition("\n")[0]
        rows.append({"name": name, "parameters": _parameters(cls), "description": first})
    return rows


def metrics() -> list[Record]:
    """Return name, unit and direction of every metric."""
    rows = []
    for name in names("metric", METRICS):
        metric = lookup("metric", METRICS, name)
        first = (metric.function.__doc__ or "").strip().partition("\n")[0]
        rows.append(
            {
                "name": name,
                "unit": metric.unit,
                "higher_is_better": metric.higher_is_better,
                "description": first,
            }
        )
    return rows


LISTS: dict[str, Callable[[], list[Record]]] = {
    "suites": suites,
    "methods": methods,
    "datasets": datasets,
    "metrics": metrics,
}


def as_text(rows: list[Record]) -> str:
    """Return rows as a plain table; the last column is not padded."""
    if not rows:
        return ""
    lines = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{k}={format_value(v)}" for k, v in value.items()) or "-"
    if isinstance(value, list):
        return f"{len(value)}" if len(value) > 4 else ",".join(map(str, value))
    return str(value)
