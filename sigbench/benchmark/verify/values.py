"""Comparison of a recomputed cell with the stored one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

from sigbench.benchmark.engine.evaluate import Result
from sigbench.benchmark.store.cell_files import numpy_of
from sigbench.benchmark.store.cells import CellId, StoredCell, read_tables
from sigbench.core.errors import shown
from sigbench.core.protocols import Array
from sigbench.scoring.metrics import METRICS as METRICS
from sigbench.scoring.metrics import Metric


class Tolerance(NamedTuple):
    """What another processor may change: the value of an item, and the mean over the items."""

    item: float
    mean: float


# Other processors order sums differently and use other instructions. Emulated here by those of
# NumPy, OpenBLAS and torch for processors without AVX-512, and without AVX, on table1 (all cells)
# and random cells of signals, images32, speech-smoke, deconvolution, system-function and
# noise-tracking, the largest difference of an item was 1.4e-6 dB and 1.6e-7 (relative), by a
# network in float32. It was 9e-8 dB for an ill-conditioned inverse filter, 8e-10 dB for iterative
# solvers and 5e-12 dB for all others. The limits are about 60 times the largest difference.
DB, OTHER = Tolerance(1e-4, 1e-4), Tolerance(1e-5, 1e-5)
# The training of a network enlarges such differences. Two networks of 16,000 pairs that were
# trained again in this way differed by up to 0.16 dB and 1.8 % for an item, 0.007 dB and 0.08 % in
# the mean over 300 items.
TRAINED_DB, TRAINED_OTHER = Tolerance(1.0, 0.05), Tolerance(0.1, 5e-3)

State = Literal["identical", "close", "different", "not computed"]


@dataclass(frozen=True)
class CellCheck:
    """How a recomputed cell compares with the stored one.

    Attributes
    ----------
    cell : tuple
        Problem, seed and method.
    state : {"identical", "close", "different", "not computed"}
        ``identical``: all values are bit-identical; ``close``: they are within the tolerance for
        another processor; ``different``: they are not; or the cell could not be computed.
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
    trained = result.cell.method.is_learner and result.history is not None
    items = numpy_of(table["item"])[:n]
    for what, old, new in (
        ("metrics", names, list(result.values)),
        ("items", items.tolist(), result.items.tolist()),
        ("groups", table["group"].slice(0, n).to_pylist(), result.groups.tolist()),
        ("params", *_params(stored, result, trained=trained)),
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
        limit = tolerance(metrics[name], trained=trained)
        apart = difference(metrics[name], old, new)
        largest[name] = float(apart.max())
        outside = np.flatnonzero(apart > limit.item)
        count += len(outside)
        if len(outside) and not wrong:
            i = outside[0]
            wrong = f"{name} of item {items[i]}: {old[i]:.17g} is stored, {new[i]:.17g} is computed"
        elif not wrong and (text := _shift(metrics[name], old, new, limit.mean)):
            wrong, count = f"{name}: {text}", count + len(np.flatnonzero(apart))
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


def tolerance(metric: Metric, *, trained: bool = False) -> Tolerance:
    """Return the differences that another processor may cause; see `difference`.

    ``trained`` is for networks that were trained in the run.
    """
    if metric.unit == "dB":
        return TRAINED_DB if trained else DB
    return TRAINED_OTHER if trained else OTHER


def _shift(metric: Metric, old: Array, new: Array, limit: float) -> str:
    """Return the difference of the means if it is beyond a limit, otherwise an empty text."""
    finite = np.isfinite(old) & np.isfinite(new)
    if not finite.any():
        return ""
    means = old[finite].mean(), new[finite].mean()
    apart = float(difference(metric, np.array(means[:1]), np.array(means[1:]))[0])
    return f"mean {means[0]:.7g} is stored, {means[1]:.7g} is computed" if apart > limit else ""


def _params(stored: StoredCell, result: Result, *, trained: bool) -> tuple[str, str]:
    """Return the parameters of both, of trained networks without the digest of their weights."""
    both = (str(stored.about["params"]), result.params)
    if not trained:
        return both
    old, new = (re.sub(r"\(([0-9a-f]{8})(?=[,)])", "(", text) for text in both)
    return old, new


def _plain(missing: Mapping[str, Mapping[str, Sequence[int]]]) -> dict[str, dict[str, list[int]]]:
    return {m: {reason: list(items) for reason, items in by.items()} for m, by in missing.items()}


def equal(a: Any, b: Any) -> bool:
    """Return whether two values are equal; NaN equals NaN."""
    return bool(a == b or (a != a and b != b))


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
    if equal(old, new):
        return ""
    is_ = f"{where} is " if where else ""
    return f"{is_}{shown(old)} in the run and {shown(new)} here"
