"""`sigbench list`: suites, methods, datasets and metrics."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Callable, Collection, Mapping
from typing import Any, get_args, get_type_hints

from sigbench.benchmark.methods.resolve import METHODS
from sigbench.benchmark.suites.suite import load, suite_names
from sigbench.config.registry import build, usable
from sigbench.config.spec import Spec, expand, format_value
from sigbench.core.protocols import Info, Learner, Oracle, info_of
from sigbench.datasets import DATASETS
from sigbench.networks.models import NETWORKS
from sigbench.networks.models.base import Network, n_params
from sigbench.networks.pretrained.weights import SHIPPED, shipped
from sigbench.scoring.metrics import METRICS

Record = dict[str, Any]


def suites() -> list[Record]:
    """Return name, problems, methods, seeds, metrics and description of every suite."""
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
    """Return name, family, domains, knowledge, n_params, parameters and source of every method.

    ``knowledge`` is that of a method that is not given the noise level, ``n_params`` the number of
    learned values; both are those of the default parameters. The last records are the networks
    that can be trained and those whose weights come with sigbench, named by their specs.
    """
    rows = []
    for name, cls in usable("method", METHODS).items():
        rows.append(_method(name, cls, info_of(cls), _n_params(cls)))
    for spec, network in networks().items():
        rows.append(_method(f"trained[network={spec}]", network, network.info, n_params(network)))
    for name in SHIPPED:
        network = shipped(name).network
        rows.append(_method(f"network[weights={name}]", network, network.info, n_params(network)))
    return rows


def networks() -> dict[str, Network]:
    """Return every network by its spec, one for each value of the fields marked ``listed``."""
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
    return "blind" if info.uses_sigma or info.adapts else "none"


def _n_params(cls: Any) -> int:
    """Return the number of values that a class learns; 0 if it depends on the parameters."""
    count = getattr(cls, "n_params", 0)
    return count if isinstance(count, int) else 0


def _parameters(cls: Any) -> dict[str, Any]:
    if not dataclasses.is_dataclass(cls):
        return {}
    return {
        f.name: None
        if f.default is dataclasses.MISSING
        else _plain(getattr(cls, f.name, f.default), f.metadata.get("table", {}))
        for f in dataclasses.fields(cls)
        if f.init
    }


def _plain(value: Any, table: Mapping[str, Any]) -> Any:
    """Return a default value as it is written in a spec; ``table`` has the names of objects."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    name = next((name for name, cls in table.items() if type(value) is cls), None)
    if name is None:
        return str(value)
    own = dataclasses.fields(value)
    changed = {f.name: getattr(value, f.name) for f in own if getattr(value, f.name) != f.default}
    return str(Spec(name, tuple(changed.items())))


def datasets() -> list[Record]:
    """Return name, parameters with defaults and description of every dataset."""
    rows = []
    for name, cls in usable("dataset", DATASETS).items():
        first = (cls.__doc__ or "").strip().partition("\n")[0]
        rows.append({"name": name, "parameters": _parameters(cls), "description": first})
    return rows


def metrics() -> list[Record]:
    """Return name, unit, direction, family and description of every metric."""
    rows = []
    for name, metric in usable("metric", METRICS).items():
        rows.append(
            {
                "name": name,
                "unit": metric.label,
                "higher_is_better": metric.higher_is_better,
                "family": metric.family,
                "description": metric.description,
            }
        )
    return rows


LISTS: dict[str, Callable[[], list[Record]]] = {
    "suites": suites,
    "methods": methods,
    "datasets": datasets,
    "metrics": metrics,
}
OWN: dict[str, Collection[str]] = {
    "methods": METHODS,
    "datasets": DATASETS,
    "metrics": METRICS,
}  # not those of plugins
WIDTH = 100  # columns of a table, or fewer
COUNTED = ("problems", "methods", "metrics")  # lists of which a table shows the length
BELOW = {
    "description": "",
    "problems": "problems: ",
    "metrics": "metrics: ",
    "parameters": "parameters: ",
    "origin": "origin: ",
}
JSON_ONLY = {"methods": "the methods of each suite", "source": "the source of each method"}
MAX_LINES = 3  # for a value below a row


def as_text(records: list[Record], width: int = WIDTH) -> str:
    """Return records as a plain table, with lines of at most ``width`` columns below its rows.

    Descriptions, parameters and the names of problems and metrics are wrapped below each row. Names with
    parameters, ``name[...]``, are long and have a separate table.

    Examples
    --------
    >>> print(as_text([{"name": "a", "unit": "dB", "description": "An error."}]))
    name  unit
    a     dB
        An error.
    """
    plain = [record for record in records if "[" not in record["name"]]
    specs = [record for record in records if "[" in record["name"]]
    blocks = [_table(group, min(width, WIDTH)) for group in (plain, specs) if group]
    if more := [what for key, what in JSON_ONLY.items() if records and key in records[0]]:
        blocks.append(f"--json also prints {' and '.join(more)}.")
    return "\n\n".join(blocks)


def _table(records: list[Record], width: int) -> str:
    first = records[0]
    columns = [key for key in first if key in COUNTED or key not in {*BELOW, *JSON_ONLY}]
    rows = [columns, *([_cell(key, record[key]) for key in columns] for record in records)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    below: list[list[str]] = [[], *([_below(record, width) for record in records])]
    return "\n".join(
        "\n".join(["  ".join(map(str.ljust, row, widths)).rstrip(), *lines])
        for row, lines in zip(rows, below, strict=True)
    )


def _cell(key: str, value: Any) -> str:
    if isinstance(value, list):
        return str(len(value)) if key in COUNTED else ",".join(map(str, value))
    return str(value)


def _below(record: Record, width: int) -> list[str]:
    """Return the lines below a row."""
    lines = []
    for key, label in BELOW.items():
        value = record.get(key)
        if isinstance(value, dict):
            value = ", ".join(f"{k}={format_value(v)}" for k, v in value.items())
        elif isinstance(value, list):
            value = ", ".join(value)
        if value:
            lines += textwrap.wrap(
                f"{label}{value}",
                width,
                initial_indent="    ",
                subsequent_indent="    ",
                break_on_hyphens=False,
                max_lines=MAX_LINES,
                placeholder=" …",
            )
    return lines
