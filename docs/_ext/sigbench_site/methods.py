"""Pages about the methods: one for each, and a list by family."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from sigbench.benchmark.methods.resolve import METHODS
from sigbench.benchmark.report.markdown import INFORMATION
from sigbench.benchmark.report.tables import markdown_table
from sigbench.cli import list as lists
from sigbench.config.spec import format_value
from sigbench.core import escape
from sigbench_site.pages import (
    ROOT,
    Pages,
    autodoc,
    facts,
    first_sentence,
    public_name,
    table,
    toctree,
)
from sigbench_site.suites import suites_by_method
from sigbench_site.works import cited, references

GUIDE = ROOT / "docs/methods"
_ROW = re.compile(r"^\| \[[^\]]+\]\(([\w-]+)\.md\) \| (.*) \|$", re.M)

INTRODUCTION = """\
Every method that sigbench has a name for. A page lists parameters with their defaults, the information that \
the method uses, its source and the suites that run it. The [guides by family](../../methods/README.md) have \
formulas, advice and figures."""


def write(pages: Pages) -> None:
    """Write a page for every method, and the index."""
    records = {record["name"]: record for record in lists.methods() if record["name"] in METHODS}
    guides = {name: page for page, names in page_of_methods().items() for name in names}
    for name, record in records.items():
        _write_one(pages, record, guides.get(name))
    families: dict[str, list[Mapping[str, Any]]] = {}
    for record in records.values():
        families.setdefault(record["family"], []).append(record)
    sections = [part for family in families for part in _family(family, families[family])]
    pages.add(
        "methods/index",
        "# All methods",
        INTRODUCTION,
        *sections,
        toctree(records, hidden=""),
    )


@functools.cache
def page_of_methods() -> dict[str, tuple[str, ...]]:
    """Return the methods on each page of ``docs/methods``, from the table in its README."""
    readme = (GUIDE / "README.md").read_text(encoding="utf-8")
    found = {
        f"docs/methods/{page}": tuple(n for n in re.findall("`([^`]+)`", cell) if n in METHODS)
        for page, cell in _ROW.findall(readme)
    }
    from sigbench.denoisers.speech.trackers import TRACKERS

    found["docs/methods/speech"] += tuple(TRACKERS)
    return found


def _family(name: str, records: list[Mapping[str, Any]]) -> list[str]:
    rows = [
        [
            f"[`{r['name']}`]({r['name']}.md)",
            first_sentence(METHODS[r["name"]]),
            ", ".join(r["domains"]),
            r["knowledge"],
        ]
        for r in records
    ]
    return [
        f"## {name.capitalize()}",
        markdown_table(["method", "what it computes", "data", "information"], rows, []),
    ]


def _write_one(pages: Pages, record: Mapping[str, Any], guide: str | None) -> None:
    name, thing = record["name"], METHODS[record["name"]]
    works = cited(f"{record['source']}; {references(thing.__doc__ or '')}")
    suites = suites_by_method().get(name, ())
    pages.add(
        f"methods/{name}",
        f"# {name}",
        first_sentence(thing),
        facts(
            {
                "Family": record["family"],
                "Data": ", ".join(record["domains"]),
                "Information": f"{record['knowledge']}: {INFORMATION[record['knowledge']]}",
                "Learned values": f"{record['n_params']:,}" if record["n_params"] else "",
                "Source": escape.markdown(record["source"]),
                "Bibliography": ", ".join(f"{{cite:t}}`{key}`" for key in works),
                "Formula and advice": f"[{_title(guide)}](/{guide}.md)" if guide else "",
                "Suites": ", ".join(f"[{s}](../suites/{s}.md)" for s in suites),
            }
        ),
        _parameters(name, record["parameters"]),
        "## Reference",
        autodoc("autoclass", public_name(thing), "members"),
    )


def _title(page: str) -> str:
    return (ROOT / f"{page}.md").read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def _parameters(name: str, defaults: Mapping[str, Any]) -> str:
    if not defaults:
        return "The method has no parameters."
    rows = [[f"`{key}`", f"`{format_value(value)}`"] for key, value in defaults.items()]
    return (
        f"Parameters and their defaults, written `{name}[{next(iter(defaults))}=…]`; their meaning "
        f"is below.\n\n{table(['parameter', 'default'], rows)}"
    )
