"""Pages about datasets, degradations, metrics, networks and recipes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from sigbench.benchmark.report.tables import markdown_table
from sigbench.cli import list as lists
from sigbench.config.spec import format_value
from sigbench.config.toml import read_toml
from sigbench.core import escape
from sigbench.datasets import DATASETS
from sigbench.networks.models import NETWORKS
from sigbench.networks.models.base import n_params
from sigbench.networks.pretrained.weights import SHIPPED, shipped
from sigbench.problems.degradations import DEGRADATIONS
from sigbench.problems.kernels import KERNELS
from sigbench.problems.mixing import NOISES
from sigbench.scoring.metrics import METRICS
from sigbench.transforms import TRANSFORMS
from sigbench_site.pages import (
    ROOT,
    Pages,
    autodoc,
    first_sentence,
    public_name,
    table,
)

RECIPES = ROOT / "sigbench/networks/training/recipes"


def write(pages: Pages) -> None:
    """Write one page per table."""
    pages.add("tables/metrics", "# Metrics", METRICS_INTRODUCTION, *_metrics())
    pages.add("tables/datasets", "# Datasets", DATASETS_INTRODUCTION, *_datasets())
    for title, introduction, entries in CLASSES:
        name = title.lower().replace(" ", "-")
        pages.add(f"tables/{name}", f"# {title}", introduction, *_classes(entries))
    pages.add("tables/networks", "# Networks", NETWORKS_INTRODUCTION, *_networks())
    pages.add("tables/recipes", "# Recipes", RECIPES_INTRODUCTION, _recipes())


METRICS_INTRODUCTION = """\
A metric is a score per item; `metrics` in a suite names those that are computed. How means, intervals and \
tests are made of them is described in [Architecture](../../architecture.md)."""
DATASETS_INTRODUCTION = """\
A dataset provides clean items. Its card lists origin, license, splits and groups; \
[Data](../../data.md) explains how data are downloaded and how to use your own."""
NETWORKS_INTRODUCTION = """\
Networks that can be trained, and weights that come with sigbench. [Networks](../../networks.md) explains both."""
RECIPES_INTRODUCTION = """\
A recipe defines a training: `sigbench train RECIPE`. These come with sigbench; the format is described in \
[Networks](../../networks.md)."""

CLASSES: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    (
        "Degradations",
        "A degradation turns a clean item into a noisy one. It is written "
        "`name[param=value]` in a suite or recipe.",
        DEGRADATIONS,
    ),
    (
        "Noises",
        "The noises of the degradation [`mix`](degradations.md#mix), for speech.",
        NOISES,
    ),
    ("Kernels", "The kernels of the degradation [`blur`](degradations.md#blur).", KERNELS),
    (
        "Transforms",
        "The transforms and frames of [`l1`](../methods/l1.md) and [`gmc`](../methods/gmc.md).",
        TRANSFORMS,
    ),
)


def _metrics() -> list[str]:
    records = lists.metrics()
    rows = [
        [
            f"[`{r['name']}`](#{r['name']})",
            escape.markdown(METRICS[r["name"]].unit),
            "higher" if r["higher_is_better"] else "lower",
            r["family"],
            r["description"],
        ]
        for r in records
    ]
    parts = [markdown_table(["metric", "unit", "better", "family", "description"], rows, [])]
    for record in records:
        function = METRICS[record["name"]].function
        parts += [
            f"## {record['name']}",
            autodoc("autofunction", f"{function.__module__}.{function.__name__}"),
        ]
    return parts


def _datasets() -> list[str]:
    cards = {path.stem for path in (ROOT / "datasets").glob("*.md")}
    rows = [
        [
            f"[`{name}`](#{name})",
            first_sentence(kind),
            f"[card](/datasets/{name}.md)" if name in cards else "",
        ]
        for name, kind in DATASETS.items()
    ]
    parts = [markdown_table(["dataset", "items", "card"], rows, [])]
    return parts + _documented(DATASETS)


def _classes(entries: Mapping[str, Any]) -> list[str]:
    rows = [
        [f"[`{name}`](#{name})", first_sentence(kind), _defaults(kind)]
        for name, kind in entries.items()
    ]
    return [markdown_table(["name", "what it is", "parameters"], rows, []), *_documented(entries)]


def _documented(entries: Mapping[str, Any]) -> list[str]:
    parts = []
    for name, kind in entries.items():
        parts += [f"## {name}", autodoc("autoclass", public_name(kind))]
    return parts


def _defaults(kind: Any) -> str:
    fields = [field for field in dataclasses.fields(kind) if field.init]
    return ", ".join(escape.code(_field(field)) for field in fields)


def _field(field: Any) -> str:
    if field.default is dataclasses.MISSING:
        return str(field.name)
    return f"{field.name}={format_value(field.default)}"


def _networks() -> list[str]:
    rows = [
        [escape.code(spec), f"{n_params(network):,}", ", ".join(network.info.domains)]
        for spec, network in lists.networks().items()
    ]
    weights = [[escape.code(f"network[weights={name}]"), *_card(name)] for name in SHIPPED]
    return [
        "## Definitions",
        table(["network", "parameters", "data"], rows, ["parameters"]),
        *_documented(NETWORKS),
        "## Weights",
        markdown_table(
            ["method", "network", "parameters", "trained on", "description"],
            weights,
            ["parameters"],
        ),
    ]


def _card(name: str) -> list[str]:
    card = shipped(name).card
    return [
        escape.code(card["network"]),
        f"{card['n_params']:,}",
        ", ".join(card["data"].values()),
        escape.markdown(card["description"]),
    ]


def _recipes() -> str:
    rows = [
        [
            f"[`{path.stem}`](/{path.relative_to(ROOT).as_posix()})",
            escape.markdown(read_toml(path)["description"]),
        ]
        for path in sorted(RECIPES.glob("*.toml"))
    ]
    return markdown_table(["recipe", "description"], rows, [])
