"""Checks of a run without computing a cell: keys, weights, settings and reports."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from sigbench.benchmark.engine.evaluate import Cell
from sigbench.benchmark.store.cells import TIMINGS, CellId, StoredCell
from sigbench.benchmark.store.footer import SNAPPY, UNCOMPRESSED, codecs
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.benchmark.verify.rebuild import Rebuilt
from sigbench.benchmark.verify.values import equal, first_difference
from sigbench.core.errors import InputError, shown
from sigbench.core.fingerprint import identity
from sigbench.core.parsing import read_text
from sigbench.scoring.leaderboard import COLUMNS, NUMBERS, from_csv, leaderboard, to_csv

# The numbers of a leaderboard have six digits, the last of which may be rounded; sums of another
# order leave traces of a difference that is zero.
REL_TOL, ABS_TOL = 2e-5, 1e-9


@dataclass(frozen=True)
class Check:
    """The result of one check of a run.

    Attributes
    ----------
    name : str
        What was checked.
    state : {"good", "different", "not checked", "note"}
        A note is information that does not count.
    text : str
        A summary in one line.
    details : list of str
        What differs, one per line.
    """

    name: str
    state: Literal["good", "different", "not checked", "note"]
    text: str
    details: list[str] = field(default_factory=list)


def check_keys(
    manifest: Mapping[str, Any], stored: Mapping[CellId, StoredCell], rebuilt: Rebuilt
) -> tuple[dict[CellId, Cell], list[Check]]:
    """Compare the stored key of every cell with the key that it has here.

    Returns
    -------
    cells : dict
        The cells whose key is the same: they can be recomputed.
    checks : list of Check
        What differs, and what could not be checked.
    """
    here = rebuilt.cells()
    same: dict[CellId, Cell] = {}
    changed: dict[str, int] = {}
    failed: dict[str, int] = {}
    for one, cell in stored.items():
        if one not in here:
            reason = rebuilt.reason(one)
            failed[reason] = failed.get(reason, 0) + 1
        elif text := _difference(manifest["suite"], cell, here[one]):
            changed[text] = changed.get(text, 0) + 1
        else:
            same[one] = here[one]
    total = f"of {_cells(len(stored))}"
    checks = []
    if same or not (changed or failed):
        checks.append(
            Check("keys", "good", f"{len(same):,} {total} have the same key in this installation")
        )
    if changed:
        text = f"{sum(changed.values()):,} {total} were computed with other code or settings"
        checks.append(Check("keys", "different", text, _counted(changed)))
    if failed:
        text = f"{sum(failed.values()):,} {total} cannot be built here"
        checks.append(Check("keys", "not checked", text, _counted(failed)))
    return same, checks


def _difference(about: Mapping[str, Any], stored: StoredCell, cell: Cell) -> str:
    """Return what differs between a stored cell and the same cell here; empty if nothing does."""
    method, problem = cell.method, cell.problem
    own = {
        "entry": method.identity,
        "sigma": "given" if method.sigma_given else "none",
        "source": method.source,
    }
    recorded = about["methods"].get(method.name)
    if text := first_difference(recorded, json.loads(json.dumps(own))):
        return f"{method.name}: {text}"
    known = about["problems"].get(problem.name)
    if text := first_difference(known, json.loads(json.dumps(identity(problem)))):
        return f"{problem.name}: {text}"
    labels = {**problem.labels, "knowledge": method.knowledge(problem.sigma_known)}
    if text := first_difference({name: stored.about[name] for name in labels}, labels):
        return f"{method.name} on {problem.name}: {text}"
    if stored.about["suite"] != about["name"]:
        return f"{method.name} on {problem.name}: its suite is {stored.about['suite']!r}"
    if (stored.about["cell_key"], stored.about["method_key"]) != (cell.key, method.key):
        return (
            f"{method.name} on {problem.name}: the key differs, but no recorded setting: a metric, "
            "a file in depends_on or the code of a package has changed, or the key is wrong"
        )
    return ""


def _counted(reasons: Mapping[str, int]) -> list[str]:
    return [f"{text} ({_cells(count)})" for text, count in reasons.items()]


def _cells(count: int) -> str:
    return f"{count:,} cell{'s' * (count != 1)}"


def check_manifest(
    manifest: Mapping[str, Any], stored: Iterable[CellId], others: Iterable[str] = ()
) -> list[Check]:
    """Check that the cells are those of the manifest; ``others`` are further differences."""
    about, details = manifest["suite"], list(others)
    for name, legal, place in (
        ("problem", about["problems"], 0),
        ("seed", manifest["seeds"], 1),
        ("method", about["methods"], 2),
    ):
        others = sorted({str(cell[place]) for cell in stored if cell[place] not in legal})
        details += [f"{name} {one} is not in the manifest" for one in others]
    if manifest["block"] != about["block"]:
        details.append(f"block is {manifest['block']} and {about['block']}")
    if details:
        return [Check("manifest", "different", "it does not match the cells", details)]
    return [Check("manifest", "good", "it matches the cells")]


def check_weights(manifest: Mapping[str, Any], rebuilt: Rebuilt) -> list[Check]:
    """Compare the digests of trained weights in the manifest with those of the files here."""
    recorded = {
        name: arrays
        for name, method in manifest["suite"]["methods"].items()
        if (arrays := _arrays(method))
    }
    methods = () if rebuilt.suite is None else rebuilt.suite.methods
    here = {method.name: _arrays(json.loads(json.dumps(method.identity))) for method in methods}
    used = [name for name in recorded if name in here or ("method", name) in rebuilt.failed]
    different = [name for name in used if name in here and here[name] != recorded[name]]
    lacking = [f"{n}: {rebuilt.failed['method', n]}" for n in used if n not in here]
    checks = []
    if good := len(used) - len(different) - len(lacking):
        text = f"{good} of {len(used)} methods with weights have the weights of the run"
        checks.append(Check("weights", "good", text))
    if different:
        details = [f"{n}: {_first(recorded[n], here[n])}" for n in different]
        checks.append(Check("weights", "different", "they differ from those of the run", details))
    if lacking:
        checks.append(Check("weights", "not checked", "they cannot be read here", lacking))
    return checks


def _first(old: list[Any], new: list[Any]) -> str:
    """Return the first difference; most methods have the arrays of one network."""
    if len(old) == len(new) == 1:
        return first_difference(old[0], new[0])
    return first_difference(old, new)


def _arrays(value: Any) -> list[Any]:
    """Return the arrays, with their digests, of all weights in the identity of a method."""
    if isinstance(value, Mapping):
        own = [value["arrays"]] if value.get("is") == "Weights" and "arrays" in value else []
        return own + [one for inner in value.values() for one in _arrays(inner)]
    return [one for inner in value for one in _arrays(inner)] if isinstance(value, list) else []


def check_reports(folder: RunFolder) -> list[Check]:
    """Check that ``leaderboard.csv`` and ``timings.parquet`` match the cells."""
    return [_board(folder), _timings(folder)]


def _board(folder: RunFolder) -> Check:
    name, path = "leaderboard.csv", folder.path / "leaderboard.csv"
    about = folder.manifest.require()["suite"]
    if not path.is_file():
        return Check(name, "note", "there is none: `sigbench report` writes it")
    scores = (folder.scores(p, m) for p in about["problems"] for m in about["metrics"])
    found = [one for one in scores if one is not None]
    board = to_csv(leaderboard(found, folder.cells.timings(), about["bounds"]))
    text = read_text(path)
    if text == board:
        return Check(name, "good", "it matches the cells")
    try:
        old, new = from_csv(text), from_csv(board)
        keys = [tuple(row[k] for k in ("problem", "method", "metric")) for row in old]
    except (ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
        return Check(name, "different", f"it cannot be read: {error}")
    of = {tuple(row[k] for k in ("problem", "method", "metric")): row for row in new}
    details = [_row(key, row, of.get(key)) for key, row in zip(keys, old, strict=True)]
    details += [f"{_spaced(key)} is missing" for key in of if key not in set(keys)]
    details += ["a row occurs twice"] if len(set(keys)) < len(keys) else []
    details = [line for line in details if line]
    if details:
        return Check(name, "different", "it does not match the cells", details)
    return Check(name, "good", "it matches the cells, except for the last digit or the order")


def _spaced(key: tuple[str, ...]) -> str:
    problem, method, metric = key
    return f"{metric} of {method} on {problem}"


def _row(key: tuple[str, ...], old: Mapping[str, Any], new: Mapping[str, Any] | None) -> str:
    if new is None:
        return f"{_spaced(key)} is not in the cells"
    if others := [str(column) for column in old if column not in COLUMNS]:
        return f"{_spaced(key)}: column {shown(others[0])} is not one of a leaderboard"
    for column in COLUMNS:
        a, b = old.get(column), new[column]
        if column in NUMBERS and isinstance(a, float) and isinstance(b, float):
            close = math.isclose(a, b, rel_tol=REL_TOL, abs_tol=ABS_TOL)
        else:
            close = False
        if not (close or equal(a, b)):
            return f"{_spaced(key)}: {column} is {a!r} in the file, and {b!r} from the cells"
    return ""


def _timings(folder: RunFolder) -> Check:
    name, path = "timings.parquet", folder.path / "timings.parquet"
    if not path.is_file():
        return Check(name, "note", "there is none: `sigbench report` writes it")
    cells = folder.cells.timings()
    try:
        table = _read(path, len(cells))
    except (InputError, pa.ArrowException, OSError, ValueError, KeyError) as error:
        return Check(name, "different", f"it cannot be read: {' '.join(str(error).split())}")
    if len(table) != len(cells):
        return Check(name, "different", f"it has {len(table)} rows for {_cells(len(cells))}")
    for column in TIMINGS:
        for row, (old, new) in enumerate(
            zip(table[column].to_pylist(), (cell[column] for cell in cells), strict=True)
        ):
            if not equal(old, new):
                cell = cells[row]
                where = f"{cell['method']} on {cell['problem']}, seed {cell['seed']}"
                text = f"{column} of {where} is {old!r} in the file, and {new!r} from the cells"
                return Check(name, "different", "it does not match the cells", [text])
    return Check(name, "good", "it matches the cells")


def _read(path: Path, rows: int) -> pa.Table:
    """Return the timings; a file that could take much memory is refused."""
    data = path.read_bytes()
    if not codecs(io.BytesIO(data)) <= {UNCOMPRESSED, SNAPPY}:
        raise InputError("it is not compressed by Snappy")
    file = pq.ParquetFile(io.BytesIO(data))  # unlike read_table, it does not import pandas
    if file.metadata.num_rows != rows:
        raise InputError(f"it has {file.metadata.num_rows} rows for {_cells(rows)}")
    if others := set(file.metadata.schema.names) - set(TIMINGS):
        raise InputError(f"it has the column {shown(min(others))}")
    return file.read(list(TIMINGS)).select(list(TIMINGS))  # a missing column is an error
