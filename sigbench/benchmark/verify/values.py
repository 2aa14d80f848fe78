"""Comparison of a cell that has been computed anew with the stored one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from sigbench.benchmark.engine.evaluate import Result
from sigbench.benchmark.store.cell_files import numpy_of
from sigbench.benchmark.store.cells import CellId, StoredCell, read_tables
from sigbench.core.errors import shown
from sigbench.core.protocols import Array
from sigbench.scoring.metrics import METRICS as METRICS
from sigbench.scoring.metrics import Metric

State = Literal["identical", "close", "different", "not computed"]


@dataclass(frozen=True)
class CellCheck:
    """How a cell that was computed anew compares with the stored one.

    Attributes
    ----------
    cell : tuple
        Problem, seed and method.
    state : {"identical", "close", "different", "not computed"}
        All values are equal to the bit; they are within the tolerance of another processor; they
        are not; or the cell could not be computed.
    text : str
        The first difference, or why the cell could not be computed.
    largest : mapping of str to float
        The largest difference of an item by metric, if values differ; see `difference`.
    """

    cell: CellId
    state: State
    text: str = ""
    largest: Mapping[str, float] = field(default_factory=dict)


def compared(stored: StoredCell, result: Result, metrics: Mapping[str, Metric]) -> CellCheck:
    """Compare the values, items and settings of a stored cell with those of a new result."""
    ((_, table),) = read_tables([stored], ["item", "group", "value"])
    names, n = list(stored.about["metrics"]), stored.items
    items = numpy_of(table["item"])[:n]
    for what, old, new in (
        ("metrics", names, list(result.values)),
        ("items", items.tolist(), result.items.tolist()),
        ("groups", table["group"].slice(0, n).to_pylist(), result.groups.tolist()),
        ("params", stored.about["params"], result.params),
        ("knowledge", stored.about["knowledge"], result.knowledge),
        ("missing", _plain(stored.missing), _plain(result.missing)),
    ):
        if old != new:
            return CellCheck(stored.id, "different", f"{what}: {first_difference(old, new)}")
    largest: dict[str, float] = {}
    wrong, count = "", 0
    for name, old in zip(names, numpy_of(table["value"]).reshape(len(names), n), strict=True):
        new = np.asarray(result.values[name], dtype=np.float64)
        if old.tobytes() == new.tobytes():
            continue
        apart = difference(metrics[name], old, new)
        largest[name] = float(apart.max())
        outside = np.flatnonzero(apart > tolerance(metrics[name]))
        count += len(outside)
        if len(outside) and not wrong:
            i = outside[0]
            wrong = f"{name} of item {items[i]}: {old[i]:.17g} is stored, {new[i]:.17g} is computed"
    if wrong:
        more = f" ({count:,} of {n * len(names):,} values differ)"
        return CellCheck(stored.id, "different", wrong + more, largest)
    return CellCheck(stored.id, "close" if largest else "identical", largest=largest)


def difference(metric: Metric, a: Array, b: Array) -> Array:
    """Return how far the values of two computations are apart.

    For a metric with the unit dB, % or MOS, and for one without a unit, this is the absolute
    difference in that unit. For others it is relative to the larger value.

    Examples
    --------
    >>> difference(METRICS["psnr"], np.array([20.0, np.inf]), np.array([20.5, np.inf])).tolist()
    [0.5, 0.0]
    """
    with np.errstate(invalid="ignore"):
        apart = np.abs(a - b)
    if metric.unit == "signal units":
        larger = np.maximum(np.abs(a), np.abs(b))
        apart = np.divide(apart, larger, out=np.zeros_like(apart), where=larger > 0)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    return np.where(same, 0.0, np.where(np.isnan(apart), np.inf, apart))


def tolerance(metric: Metric) -> float:
    """Return the difference of an item that another processor may cause."""
    return 0.01 if metric.unit == "dB" else 1e-3


def _plain(missing: Mapping[str, Mapping[str, Sequence[int]]]) -> dict[str, dict[str, list[int]]]:
    return {m: {reason: list(items) for reason, items in by.items()} for m, by in missing.items()}


def first_difference(old: Any, new: Any, where: str = "") -> str:
    """Return the first difference of two values that were parsed from JSON; empty if there is none.

    Examples
    --------
    >>> first_difference({"lam": 1, "grid": [1, 2]}, {"lam": 1, "grid": [1, 3]})
    'grid[1] is 2 in the run and 3 here'
    """
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            inner = f"{where}.{key}" if where else str(key)
            if key not in old or key not in new:
                return f"{inner} is only {'in the run' if key in old else 'here'}"
            if text := first_difference(old[key], new[key], inner):
                return text
        return ""
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        texts = (
            first_difference(a, b, f"{where}[{i}]")
            for i, (a, b) in enumerate(zip(old, new, strict=True))
        )
        return next(filter(None, texts), "")
    if old == new or (old != old and new != new):
        return ""
    is_ = f"{where} is " if where else ""
    return f"{is_}{shown(old)} in the run and {shown(new)} here"
