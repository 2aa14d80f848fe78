"""What one method does to one item: figures of its Jacobian."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from sigbench.analysis.jacobian import MOVES, By, Linearization, linearize, stability
from sigbench.benchmark.engine.evaluate import Fit
from sigbench.benchmark.methods.resolve import Method, bind_problem_info
from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Learner, Oracle
from sigbench.problems.denoising import Denoising

VERSION = 1  # raised when the same question gets other numbers
VECTORS = 6  # singular vectors that are kept
MAX_KEPT = 512  # samples of an item whose Jacobian is kept to be drawn
NEIGHBOURS = 5  # samples along an axis, for whether it is flat
MARGIN = 4  # samples from the border, where a filter is chosen

SampleIndex = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Portrait:
    """What is drawn of a Jacobian.

    Attributes
    ----------
    clean, noisy, estimate : array, shape (C, *space)
        The item.
    s, symmetry : array, shape (n,)
        Singular values, and |uᵢ·vᵢ|.
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


@dataclass(frozen=True, eq=False)
class Study:
    """Figures of a method's Jacobian at one item.

    Attributes
    ----------
    item, group : int, str
        Which item.
    sigma : float
        Its noise level; NaN where the noise is not white.
    samples : int
        How many it has.
    effective_dimension, trace, asymmetry, error : float
        As in `sigbench.analysis.jacobian.Linearization`.
    constant, rmse : float
        Root mean square of f(y) − A·y, and of f(y) − x, in the units of the items.
    by : str
        How the Jacobian was computed.
    portrait : Portrait or None
        What is drawn of it.
    """

    item: int
    group: str
    sigma: float
    samples: int
    effective_dimension: float
    trace: float
    asymmetry: float
    constant: float
    rmse: float
    error: float
    by: str
    portrait: Portrait | None

    def encoded(self) -> bytes:
        """Return it as a line with a sha256, and then an NPZ file that has it."""
        buffer = io.BytesIO()
        drawn = vars(self.portrait) if self.portrait else {}
        columns: dict[str, Any] = {**vars(self), **drawn}
        del columns["portrait"]
        np.savez(buffer, **columns)
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
        drawn = {field.name: arrays.pop(field.name, None) for field in fields(Portrait)}
        columns = {name: array.item() for name, array in arrays.items()}
        return Study(**columns, portrait=None if drawn["clean"] is None else Portrait(**drawn))


def prepared(problem: Denoising, method: Method) -> Any:
    """Return a method fitted on a problem's training split where it learns, and bound to its facts.

    Parameters
    ----------
    problem : Denoising
        The problem.
    method : Method
        The method.
    """
    entry = Fit(problem, method)() if isinstance(method.entry, Learner) else method.entry
    return bind_problem_info(entry, problem.problem_info)


def study(
    problem: Denoising,
    entry: Any,
    *,
    item: int,
    sigma_given: bool,
    seed: int = 1,
    by: By = "auto",
    step: float | None = None,
    places: Sequence[SampleIndex] = (),
    portrait: bool = True,
) -> Study:
    """Return what a method does to an item of a problem.

    Parameters
    ----------
    problem : Denoising
        The problem.
    entry : Denoiser or Oracle
        The method, `prepared`.
    item : int
        Which item.
    sigma_given : bool
        Whether the method is told the noise level.
    seed : int
        Of the items.
    by, step
        As in `sigbench.analysis.jacobian.linearize`.
    places : sequence of tuple of int
        Samples, in indices along the axes of space, whose filters are wanted; by default one where
        the clean item changes much and one where it is flat.
    portrait : bool
        Whether it is to be drawn.

    Raises
    ------
    InputError
        Where there is no such item or sample.
    """
    if not 0 <= item < problem.items:
        raise InputError(f"{item=} must be >= 0 and < {problem.items}, the items of the problem")
    block = next(problem.blocks(seed, 1, start=item))
    ready: Any = entry.bind(block.clean.copy()) if isinstance(entry, Oracle) else entry
    level = None if block.sigma is None else float(block.sigma[0])
    sigma = level if sigma_given else None
    clean = block.clean[0].astype(np.float64)
    chosen = list(places) or places_of(clean)
    for place in chosen:
        check_place(place, clean.shape[1:])
    around = linearize(ready, block.noisy[0], sigma=sigma, level=level, by=by, step=step)
    return Study(
        item=item,
        group=block.groups[0],
        sigma=math.nan if level is None else level,
        samples=clean.size,
        effective_dimension=around.effective_dimension,
        trace=around.trace,
        asymmetry=around.asymmetry,
        constant=_rms(around.constant),
        rmse=_rms(around.estimate - clean),
        error=around.error,
        by=around.by,
        portrait=_drawn(ready, around, clean, chosen, sigma) if portrait else None,
    )


def check_place(place: SampleIndex, space: tuple[int, ...]) -> None:
    """Raise InputError where an item of such axes of space has no such sample.

    Examples
    --------
    >>> check_place((3, 40), (32, 32))
    Traceback (most recent call last):
    sigbench.core.errors.InputError: at=3,40 must be a sample of the items, from 0,0 to 31,31
    """
    there = len(place) == len(space) and all(0 <= i < n for i, n in zip(place, space, strict=True))
    if not there:
        at, last = (",".join(map(str, index)) for index in (place, [n - 1 for n in space]))
        first = ",".join("0" * len(space))
        raise InputError(f"at={at} must be a sample of the items, from {first} to {last}")


def _drawn(
    ready: Any,
    around: Linearization,
    clean: Array,
    places: Sequence[SampleIndex],
    sigma: float | None,
) -> Portrait:
    near = stability(ready, around, sigma=sigma)
    return Portrait(
        clean=clean,
        noisy=around.noisy,
        estimate=around.estimate,
        s=around.svd.s,
        symmetry=around.svd.symmetry,
        vectors=_upright(around.svd.u.T[:VECTORS].reshape(-1, *clean.shape)),
        places=np.array(places),
        filters=np.array([around.filter_at((0, *place)) for place in places]),
        moves=np.array(MOVES),
        linear_error=np.array([one.error for one in near]),
        switched=np.array([one.switched for one in near]),
        jacobian=around.jacobian if clean.size <= MAX_KEPT else np.empty((0, 0)),
    )


def places_of(item: Array) -> list[SampleIndex]:
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
