"""Files of floors: the minimum scores of methods. This module imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sigbench.config.toml import check_keys, read_toml
from sigbench.core.errors import InputError, shown
from sigbench.core.schema import (
    ANYTHING,
    COUNT,
    MAX_ITEMS,
    MAX_SEEDS,
    NAME,
    Either,
    List,
    Number,
    Schema,
)

FILE_KEYS: dict[str, Schema] = {
    "suite": NAME,
    "seeds": List(COUNT, shortest=1, longest=MAX_SEEDS, distinct=True),
    "items": Number(1, MAX_ITEMS, whole=True),
    "folder": NAME,
    "timeout": Either((NAME, Number(0))),
    "depends_on": List(ANYTHING),
    "floors": List(ANYTHING, shortest=1),
}
FLOOR_KEYS: dict[str, Schema] = {
    "problem": NAME,
    "method": NAME,
    "metric": NAME,
    "floor": Number(),
    "reference": NAME,
    "reference_method": NAME,
    "margin": Number(0),
}


@dataclass(frozen=True)
class Floor:
    """The minimum score of one method on one problem, by one metric.

    Attributes
    ----------
    problem, method, metric : str
        Names in the leaderboard.
    floor : float, optional
        The mean must not be worse than this, in the unit and direction of the metric.
    reference : Path, optional
        A run folder. Over the common items, the mean must not be worse than in that run by more
        than ``margin``.
    reference_method : str
        The method in the reference; by default the same name.
    margin : float
        The largest allowed loss, in the unit of the metric; >= 0.
    """

    problem: str
    method: str
    metric: str
    floor: float | None = None
    reference: Path | None = None
    reference_method: str = ""
    margin: float = 0.0

    @property
    def name(self) -> str:
        """The name of the floor in results and tests."""
        kind = "-reference" if self.reference is not None else ""
        return f"{self.problem}-{self.method}-{self.metric}{kind}"


@dataclass(frozen=True)
class Floors:
    """A file of floors: the suite to run, its seeds and items, the run folder, and the floors.

    ``timeout`` is the time limit of one cell or fit, as with ``--timeout``. ``depends_on`` lists what
    the user's own methods depend on besides code; see `sigbench.core.dependencies.declared`.
    """

    path: Path
    suite: str
    floors: tuple[Floor, ...]
    seeds: tuple[int, ...] | None = None
    items: int | None = None
    folder: Path | None = None
    timeout: str | float | None = None
    depends_on: tuple[Any, ...] = ()


def load_floors(path: Path) -> Floors:
    """Read and check a file of floors; paths in it are relative to the file.

    Parameters
    ----------
    path : Path
        A TOML file with ``suite``, optionally ``seeds``, ``items``, ``folder``, ``timeout`` and
        ``depends_on``, and ``[[floors]]`` with ``problem``, ``method``, ``metric`` and either
        ``floor``, or ``reference`` and ``margin``.

    Raises
    ------
    InputError
        If the file cannot be read, or has an invalid entry.
    """
    table = read_toml(path)
    try:
        check_keys("the file", table, FILE_KEYS, required=("suite", "floors"))
        suite = table["suite"]
        floors = tuple(_floor(entry, path.parent) for entry in table["floors"])
        return Floors(
            path,
            str(path.parent / suite) if suite.endswith(".toml") else suite,
            floors,
            tuple(table["seeds"]) if "seeds" in table else None,
            table.get("items"),
            path.parent / table["folder"] if "folder" in table else None,
            table.get("timeout"),
            tuple(table.get("depends_on", ())),
        )
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _floor(entry: Any, here: Path) -> Floor:
    check_keys("a floor", entry, FLOOR_KEYS, required=("problem", "method", "metric"))
    if "floor" in entry and "reference" in entry:
        raise InputError(
            f"floor {entry['floor']} and reference {entry['reference']} exclude each other"
        )
    for key in ("margin", "reference_method"):
        if key in entry and "reference" not in entry:
            raise InputError(f"{key}={shown(entry[key])} needs a reference")
    return Floor(
        entry["problem"],
        entry["method"],
        entry["metric"],
        float(entry["floor"]) if "floor" in entry else None,
        here / entry["reference"] if "reference" in entry else None,
        entry.get("reference_method", entry["method"]),
        float(entry.get("margin", 0)),
    )
