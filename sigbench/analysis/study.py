"""What one method does to the items of one problem: figures of its Jacobians."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from sigbench.analysis.jacobian import MOVES, By, index_of, linearize, stability
from sigbench.errors import InputError
from sigbench.methods import Method, bind_facts
from sigbench.problems import Denoising
from sigbench.types import Array, Learner, Oracle
from sigbench.work import Fit

VERSION = 1  # raised when the same question gets other numbers
VECTORS = 6  # singular vectors that are kept
MOST_KEPT = 512  # samples of an item whose Jacobian is kept to be drawn
NEIGHBOURS = 5  # samples along an axis, for whether it is flat
MARGIN = 4  # samples from the border, where a filter is chosen

Place = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Study:
    """Figures of every item's Jacobian, and more of the first.

    Attributes
    ----------
    items, groups, sigma, samples : array, shape (N,)
        Which items; sigma is NaN where the noise is not white.
    effective_dimension, divergence, asymmetry, error : array, shape (N,)
        As in `sigbench.analysis.jacobian.Linearization`.
    constant, rmse : array, shape (N,)
        Root mean square of f(y) − A·y, and of f(y) − x, in the units of the items.
    by : str
        How the Jacobians were computed.
    clean, noisy, estimate : array, shape (C, *space)
        The first item.
    s, symmetry : array, shape (n,)
        Singular values of its Jacobian, and |uᵢ·vᵢ|.
    vectors : array, shape (K, C, *space)
        The first left singular vectors: what it keeps most of.
    places : array of int, shape (P, axes)
        Of which samples there are filters, in channel 0.
    filters : array, shape (P, C, *space)
        Their rows of the Jacobian.
    moves, linear_error, switched : array
        As in `sigbench.analysis.jacobian.Stability`.
    jacobian : array, shape (n, n), or (0, 0)
        The Jacobian itself, of items of at most 512 samples.
    """

    items: NDArray[np.int64]
    groups: NDArray[np.str_]
    sigma: NDArray[np.float64]
    samples: NDArray[np.int64]
    effective_dimension: NDArray[np.float64]
    divergence: NDArray[np.float64]
    asymmetry: NDArray[np.float64]
    error: NDArray[np.float64]
    constant: NDArray[np.float64]
    rmse: NDArray[np.float64]
    by: str
    clean: Array
    noisy: Array
    estimate: Array
    s: NDArray[np.float64]
    symmetry: NDArray[np.float64]
    vectors: NDArray[np.float64]
    places: NDArray[np.int64]
    filters: NDArray[np.float64]
    moves: NDArray[np.float64]
    linear_error: NDArray[np.float64]
    switched: NDArray[np.float64]
    jacobian: NDArray[np.float64]

    def encoded(self) -> bytes:
        """Return it as a line with a sha256, and then an NPZ file that has it."""
        buffer = io.BytesIO()
        arrays: dict[str, Any] = {name: np.asarray(value) for name, value in vars(self).items()}
        np.savez(buffer, **arrays)
        data = buffer.getvalue()
        return hashlib.sha256(data).hexdigest().encode() + b"\n" + data

    @staticmethod
    def decoded(data: bytes) -> Study:
        """Return what `encoded` has written.

        Raises
        ------
        InputError
            Where it is something else, or damaged.
        """
        digest, _, content = data.partition(b"\n")
        if digest != hashlib.sha256(content).hexdigest().encode():
            raise InputError("it is damaged, or no file of an analysis")
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays: dict[str, Any] = {name: file[name] for name in file.files}
        return Study(**{**arrays, "by": str(arrays["by"])})


def study(
    problem: Denoising,
    method: Method,
    *,
    seed: int,
    by: By,
    step: float,
    places: Sequence[Place] = (),
    start: int = 0,
) -> Study:
    """Return what a method does to the items of a problem.

    Parameters
    ----------
    problem : Denoising
        Its items from `start` on are looked at.
    method : Method
        Fitted on the problem's training split where it learns.
    seed : int
        Of the items.
    by, step
        As in `sigbench.analysis.jacobian.linearize`.
    start : int
        The first item that is looked at.
    places : sequence of tuple of int
        Samples, in indices along the axes of space, whose filters are wanted; by default one where
        the first clean item changes much and one where it is flat.

    Raises
    ------
    InputError
        Where there is no such item or sample.
    """
    if not 0 <= start < problem.items:
        raise InputError(f"{start=} must be >= 0 and < {problem.items}, the items of the problem")
    entry: Any = method.entry
    entry = Fit(problem, method)() if isinstance(entry, Learner) else entry
    entry = bind_facts(entry, problem.facts)
    rows: dict[str, list[Any]] = {}
    first: dict[str, Any] = {}
    for block in problem.blocks(seed, 1, start=start):
        ready: Any = entry.bind(block.clean.copy()) if isinstance(entry, Oracle) else entry
        level = None if block.sigma is None else float(block.sigma[0])
        told = level if method.told else None
        clean = block.clean[0].astype(np.float64)
        chosen = list(places) or places_of(clean)
        for place in chosen:
            index_of((0, *place), clean.shape)  # told now, not after all the work
        around = linearize(ready, block.noisy[0], sigma=told, level=level, by=by, step=step)
        for name, value in {
            "items": int(block.items[0]),
            "groups": block.groups[0],
            "sigma": np.nan if level is None else level,
            "samples": clean.size,
            "effective_dimension": around.effective_dimension,
            "divergence": around.divergence,
            "asymmetry": around.asymmetry,
            "error": around.error,
            "constant": _rms(around.constant),
            "rmse": _rms(around.estimate - clean),
        }.items():
            rows.setdefault(name, []).append(value)
        if first:
            continue
        near = stability(ready, around, sigma=told)
        vectors = around.svd.u.T[:VECTORS].reshape(-1, *clean.shape)
        kept = around.jacobian if clean.size <= MOST_KEPT else np.empty((0, 0))
        first = {
            "by": around.by,
            "clean": clean,
            "noisy": around.noisy,
            "estimate": around.estimate,
            "s": around.svd.s,
            "symmetry": around.svd.symmetry,
            "vectors": _upright(vectors),
            "places": np.array(chosen),
            "filters": np.array([around.filter_at((0, *place)) for place in chosen]),
            "moves": np.array(MOVES),
            "linear_error": np.array([one.error for one in near]),
            "switched": np.array([one.switched for one in near]),
            "jacobian": kept,
        }
    columns: dict[str, Any] = {name: np.array(values) for name, values in rows.items()}
    return Study(**columns, **first)


def places_of(item: Array) -> list[Place]:
    """Return where an item ``(C, *space)`` differs most from what is around it, and where least.

    Examples
    --------
    >>> item = np.zeros((1, 30))
    >>> item[0, 9] = 5
    >>> places_of(item)
    [(9,), (15,)]
    """
    space = item.shape[1:]
    axes = tuple(range(1, item.ndim))
    around = uniform_filter(item, (1, *[NEIGHBOURS] * len(space)), mode="nearest")
    apart = np.abs(item - around).mean(axis=0)
    spread = uniform_filter(apart, NEIGHBOURS, mode="nearest")
    inner = np.zeros(space, bool)
    inner[tuple(slice(m, n - m) for n in space for m in [min(MARGIN, (n - 1) // 2)])] = True
    middle = np.array([n // 2 for n in space]).reshape(-1, *[1] * len(axes))
    away = np.sum((np.indices(space) - middle) ** 2, axis=0)  # of several as flat, the middle one
    most = np.argmax(np.where(inner, apart, -1))
    flat = np.where(inner, spread, np.inf)
    least = np.argmin(np.where(flat <= flat.min() + 1e-9 * spread.max(), away, np.inf))
    return [tuple(map(int, np.unravel_index(one, space))) for one in (most, least)]


def _rms(x: Array) -> float:
    return float(np.sqrt(np.mean(x * x)))


def _upright(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return vectors with the sign by which their largest value is positive."""
    rows = vectors.reshape(len(vectors), -1)
    largest = rows[np.arange(len(rows)), np.argmax(np.abs(rows), axis=1)]
    return vectors * np.sign(largest).reshape(-1, *[1] * (vectors.ndim - 1))
