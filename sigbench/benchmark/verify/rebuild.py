"""The suite of a run, rebuilt from its manifest."""

from __future__ import annotations

import dataclasses
import glob
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sigbench.benchmark.engine.evaluate import Cell
from sigbench.benchmark.engine.secret import Secret
from sigbench.benchmark.methods.resolve import Method
from sigbench.benchmark.store.cells import CellId
from sigbench.benchmark.suites.definition import Entry, check_portable, is_name
from sigbench.benchmark.suites.entries import AnyProblem, methods_of, problems_of
from sigbench.benchmark.suites.suite import FOLDER, Suite, suite_names
from sigbench.config.registry import lookup
from sigbench.config.spec import parse
from sigbench.config.toml import find_toml, read_toml
from sigbench.core.errors import InputError
from sigbench.core.fingerprint import identity
from sigbench.scoring.metrics import METRICS

UNTRUSTED = "its code is not part of sigbench and runs only with --trust-code"

Named = TypeVar("Named", AnyProblem, Method)


@dataclass(frozen=True)
class Rebuilt:
    """The suite of a run, as far as it can be built here.

    Attributes
    ----------
    suite : Suite or None
        Its problems and methods, without those that cannot be built; None if none is left.
    failed : mapping of (kind, name) to str
        Why a problem or method cannot be built; ``kind`` is ``"problem"`` or ``"method"``.
    """

    suite: Suite | None
    failed: Mapping[tuple[str, str], str]

    def cells(self) -> dict[CellId, Cell]:
        """Return the cells that can be computed."""
        cells = [] if self.suite is None else self.suite.cells()
        return {cell.id: cell for cell in cells}

    def reason(self, cell: CellId) -> str:
        """Return which problem or method of a cell cannot be built, and why."""
        problem, _, method = cell
        if ("problem", problem) in self.failed:
            return f"{problem}: {self.failed['problem', problem]}"
        return f"{method}: {self.failed['method', method]}"


def rebuild(
    about: Mapping[str, Any],
    cells: Iterable[CellId],
    *,
    trust_code: bool,
    secret: Secret | None = None,
) -> Rebuilt:
    """Return the suite of a run.

    Parameters
    ----------
    about : mapping
        The part ``suite`` of its manifest. If it has no ``definition``, because an older version
        wrote it, a suite of sigbench is taken as it is now.
    cells : iterable of (problem, seed, method)
        The cells to rebuild.
    trust_code : bool
        Whether the code of methods that are not part of sigbench may be imported, in a process of
        its own.
    secret : Secret, optional
        The secret of a run with private data seeds.

    Raises
    ------
    InputError
        If a metric is not known here, or the secret is missing or is another one.
    """
    _check_secret(about, secret)
    cells = list(cells)
    definition = definition_of(about)
    failed: dict[tuple[str, str], str] = {}
    wanted = list(dict.fromkeys(problem for problem, _, _ in cells))
    counts = {name: problem["items"] for name, problem in about["problems"].items()}

    def sized(entry: Entry) -> list[AnyProblem]:
        problems = problems_of(entry)
        for problem in problems:
            identity(problem)  # fails if its data are missing
        return [dataclasses.replace(p, items=counts.get(p.name, p.items)) for p in problems]

    problems = _built("problem", wanted, definition, sized, failed)
    used: dict[str, list[str]] = {}
    for problem, _, method in cells:
        if problem not in used.setdefault(method, []):
            used[method].append(problem)

    def made(entry: Entry) -> list[Method]:
        if not trust_code and _is_foreign(entry):
            raise InputError(UNTRUSTED)
        plain = {key: value for key, value in entry.items() if key != "problems"}
        return methods_of([], plain, Path.cwd())

    methods = [
        dataclasses.replace(method, problems=tuple(map(glob.escape, used[method.name])))
        for method in _built("method", used, definition, made, failed)
    ]
    if not problems or not methods:
        return Rebuilt(None, failed)
    suite = Suite(
        about["name"],
        about["description"],
        tuple(sorted({seed for _, seed, _ in cells})),
        {metric: lookup("metric", METRICS, metric) for metric in about["metrics"]},
        about["block"],
        tuple(problems),
        tuple(methods),
        secret=secret,
    )
    return Rebuilt(suite, failed)


def _built(
    kind: str,
    names: Iterable[str],
    definition: Mapping[str, Mapping[str, Entry]],
    build: Callable[[Entry], list[Named]],
    failed: dict[tuple[str, str], str],
) -> list[Named]:
    """Return the problems or methods with these names; every entry is built once."""
    made: dict[str, list[Named] | InputError] = {}
    found = []
    for name in names:
        entry = entry_of(definition, f"{kind}s", name)
        key = json.dumps(entry, sort_keys=True)
        try:
            if key not in made:
                check_portable(name, entry)
                made[key] = build(entry)
        except InputError as error:
            made[key] = error
        result = made[key]
        if isinstance(result, InputError):
            failed[kind, name] = str(result)
            continue
        named = [thing for thing in result if is_name(name, thing.name)]
        if named:
            found.append(dataclasses.replace(named[0], name=name))
        else:
            failed[kind, name] = "its definition in the manifest has another name"
    return found


def definition_of(about: Mapping[str, Any]) -> dict[str, dict[str, Entry]]:
    """Return the entries of the problems and methods of a run, by name.

    An older version recorded none; a suite of sigbench is then taken as it is now.
    """
    recorded: dict[str, dict[str, Entry]] = about.get("definition") or _shipped(about["name"])
    return recorded


def entry_of(definition: Mapping[str, Mapping[str, Entry]], kind: str, name: str) -> Entry:
    """Return the entry of a problem or method; one without has been added by its spec."""
    return definition[kind].get(name) or {"method": name}


def _shipped(name: str) -> dict[str, dict[str, Entry]]:
    """Return the definition of a suite of sigbench; nothing for another suite."""
    if name not in suite_names():
        return {"problems": {}, "methods": {}}
    table = read_toml(find_toml("suite", name, FOLDER))
    problems = [(problem, entry) for entry in table["problems"] for problem in problems_of(entry)]
    names = [problem.name for problem, _ in problems]
    methods: dict[str, Entry] = {}
    for entry in table["methods"]:
        try:
            methods |= {one.name: entry for one in methods_of(names, entry, FOLDER)}
        except InputError:  # it is built, and the error reported, again under its name
            methods[entry.get("name", entry["method"])] = entry
    return {"problems": {problem.name: entry for problem, entry in problems}, "methods": methods}


def _is_foreign(entry: Entry) -> bool:
    """Return whether an entry names code by its module, which sigbench would import."""
    return ":" in parse(str(entry.get("method"))).name


def _check_secret(about: Mapping[str, Any], secret: Secret | None) -> None:
    digest = about.get("secret")
    if digest is None and secret is not None:
        raise InputError("the run has no private data seeds: leave out --secret-seed")
    if digest is not None and secret is None:
        raise InputError(
            "the run has private data seeds: it can be verified only with --secret-seed FILE"
        )
    if secret is not None and secret.digest != digest:
        raise InputError("the run has private data seeds that are derived from another secret")
