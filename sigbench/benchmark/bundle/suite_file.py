"""The suite of a run as a suite file."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Mapping
from typing import Any

import tomlkit

from sigbench.benchmark.suites.definition import Entry
from sigbench.benchmark.verify.rebuild import definition_of, entry_of


def suite_file(manifest: Mapping[str, Any]) -> str:
    """Return a suite file that repeats a run: its problems, methods, seeds and items.

    Parameters
    ----------
    manifest : mapping
        The manifest of the run.
    """
    about = manifest["suite"]
    definition = definition_of(about)
    problems = {name: entry_of(definition, "problems", name) for name in about["problems"]}
    items = {name: problem["items"] for name, problem in about["problems"].items()}
    methods = (entry_of(definition, "methods", name) for name in about["methods"])
    table = {
        "name": about["name"],
        "description": about["description"],
        "seeds": manifest["seeds"],
        "metrics": about["metrics"],
        "block": about["block"],
        "problems": [_with_items(entry, problems, items) for entry in _distinct(problems.values())],
        "methods": [_restricted(entry, list(problems)) for entry in _distinct(methods)],
    }
    if about.get("experiments"):
        table["experiments"] = about["experiments"]
    return tomlkit.dumps(table)


def _distinct(entries: Iterable[Entry]) -> list[Entry]:
    """Return entries without repetitions: one of a sweep defines several problems or methods."""
    return list({json.dumps(entry, sort_keys=True): entry for entry in entries}.values())


def _with_items(
    entry: Entry, entries: Mapping[str, Entry], items: Mapping[str, int]
) -> dict[str, Any]:
    """Return the entry of problems with the number of items of the run, if all have the same."""
    counts = {items[name] for name, own in entries.items() if own == entry}
    return {**entry, **({"items": counts.pop()} if len(counts) == 1 else {})}


def _restricted(entry: Entry, problems: list[str]) -> dict[str, Any]:
    """Return the entry of a method without patterns for problems that were not run."""
    if "problems" not in entry:
        return dict(entry)
    return {**entry, "problems": [p for p in entry["problems"] if fnmatch.filter(problems, p)]}
