"""Checks of what a manifest says about the suite: roles of methods, missing cells, its name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sigbench.benchmark.store.cells import CellId
from sigbench.benchmark.suites.definition import Entry
from sigbench.benchmark.suites.entries import problems_of
from sigbench.benchmark.suites.suite import FOLDER, suite_names
from sigbench.benchmark.verify.rebuild import Rebuilt, definition_of, entry_of
from sigbench.benchmark.verify.records import Check
from sigbench.config.toml import find_toml, read_toml


def role_differences(about: Mapping[str, Any], rebuilt: Rebuilt) -> list[str]:
    """Return which methods have another role in the manifest than here.

    Bounds determine the gap to the limit, controls and trainings the tables of a report.
    """
    details = []
    for method in () if rebuilt.suite is None else rebuilt.suite.methods:
        roles = {
            "bounds": method.is_oracle and method.info.bound,
            "controls": method.info.family == "control",
        }
        for key, here in roles.items():
            if key not in about and "definition" not in about:  # an older version
                continue
            listed = method.name in about.get(key, [])
            if listed != here:
                no = "" if listed else "not "
                details.append(f"{method.name} is {no}one of the {key} in the run, unlike here")
        trainings = about.get("trainings", {})
        if trainings.get(method.name, "") != method.trainings:
            details.append(f"{method.name} is a training of another method in the run")
    return details


def check_complete(manifest: Mapping[str, Any], stored: Collection[CellId]) -> list[Check]:
    """Return a note if cells that the manifest announces are missing: dropped, failed or not run.

    A method may be restricted to some problems, so only the problems on which it has cells count.
    """
    about = manifest["suite"]
    details = [
        f"no cell of the {kind} {name}"
        for kind, place in (("problem", 0), ("method", 2))
        for name in about[f"{kind}s"]
        if name not in {cell[place] for cell in stored}
    ]
    for problem, method in dict.fromkeys((problem, method) for problem, _, method in stored):
        lacking = [str(s) for s in manifest["seeds"] if (problem, s, method) not in stored]
        if lacking:
            details.append(f"{method} on {problem}, seed {', '.join(lacking)}")
    if not details:
        return []
    return [Check("complete", "note", "cells of the manifest are missing in the run", details)]


def check_suite(about: Mapping[str, Any]) -> list[Check]:
    """Return a note if a run has the name of a suite of sigbench, and other problems or methods.

    Problems and methods may be left out, and methods of other names may be added.
    """
    if about["name"] not in suite_names():
        return []
    table = read_toml(find_toml("suite", about["name"], FOLDER))
    recorded, full = definition_of(about), about.get("full")
    problems = {one.name: entry for entry in table["problems"] for one in problems_of(entry)}
    methods = [_settings(entry) for entry in table["methods"]]
    names = {entry.get("name", entry["method"]) for entry in table["methods"]}
    details = []
    for name in about["problems"]:
        own = entry_of(recorded, "problems", name)
        if name not in problems:
            details.append(f"that one has no problem {name}")
        elif _settings(own) != _settings(problems[name]):
            details.append(f"the problem {name} has other settings")
    for name in about["methods"]:
        own = entry_of(recorded, "methods", name)
        is_of_suite = name in names or (full is not None and name in full["methods"])
        if is_of_suite and _settings(own) not in methods:
            details.append(f"the method {name} has other settings")
    if full is not None:  # older versions recorded none
        there = tuple(full["methods"])
        left_out = {
            "problem": [name for name in problems if name not in full["problems"]],
            "method": [
                n for n in names if "{" not in n and not any(m.startswith(n) for m in there)
            ],
            "seed": [str(seed) for seed in table["seeds"] if seed not in full["seeds"]],
        }
        details += [
            f"that one has the {kind} {n}" for kind, found in left_out.items() for n in found
        ]
    if not details:
        return []
    return [Check("suite", "note", f"it is not the suite {about['name']} of this version", details)]


def _settings(entry: Entry) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in ("items", "problems")}
