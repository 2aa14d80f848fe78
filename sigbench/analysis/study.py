"""The Jacobian of a method at an item, summarized."""

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
from sigbench.benchmark.methods.describe import bind_problem_info
from sigbench.benchmark.methods.resolve import Method, unsealed
from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Oracle
from sigbench.problems.denoising import Denoising

VERSION = 1  # raised when the same settings give other numbers
VECTORS = 6  # singular vectors to keep
MAX_KEPT = 512  # samples of an item whose whole Jacobian is kept
NEIGHBORS = 5  # samples along an axis for the local mean
MARGIN = 4  # samples between a chosen filter and the border

SampleIndex = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Portrait:
    """The parts of a Jacobian that are drawn.

    Attributes
    ----------
    clean, noisy, estimate : array, shape (C, *space)
        The item.
    s, symmetry : array, shape (n,)
        Singular values, and |uᵢ·vᵢ|.
    vectors : array, shape (K, C, *space)
        The first left singular vectors.
    places : array of int, shape (P, axes)
        The samples, in channel 0, with filters.
    filters : array, shape (P, C, *space)
        The rows of the Jacobian at these samples.
    moves, linear_error, switched : array
        As in `sigbench.analysis.jacobian.Stability`.
    jacobian : array, shape (n, n), or (0, 0)
        The Jacobian, for items of at most 512 samples.
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
    """Summary of the Jacobian of a method at one item.

    Attributes
    ----------
    item, group : int, str
        The index of the item, and its group.
    sigma : float
        Its noise level; NaN if the noise is not white.
    samples : int
        Its number of samples.
    effective_dimension, trace, asymmetry, error : float
        As in `sigbench.analysis.jacobian.Linearization`.
    constant, rmse : float
        Root mean square of f(y) − A·y, and of f(y) − x, in the units of the items.
    by : str
        How the Jacobian was computed.
    portrait : Portrait or None
        What is drawn.
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
        """Return a line with a sha256 digest, followed by an NPZ file."""
        buffer = io.BytesIO()
        drawn = vars(self.portrait) if self.portrait else {}
        columns: dict[str, Any] = {**vars(self), **drawn}
        del columns["portrait"]
        np.savez(buffer, **columns)
        data = buffer.getvalue()
        return hashlib.sha256(data).hexdigest().encode() + b"\n" + data

    @staticmethod
    def decoded(data: bytes) -> Study:
        """Return the study that `encoded` wrote.

        Raises
        ------
        InputError
            If the data are damaged or something else.
        """
        digest, _, content = data.partition(b"\n")
        if digest != hashlib.sha256(content).hexdigest().encode():
            raise InputError("it is damaged or not a file of an analysis")
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays: dict[str, Any] = {name: file[name] for name in file.files}
        drawn = {field.name: arrays.pop(field.name, None) for field in fields(Portrait)}
        columns = {name: array.item() for name, array in arrays.items()}
        return Study(**columns, portrait=None if drawn["clean"] is None else Portrait(**drawn))


def prepared(problem: Denoising, method: Method) -> Any:
    """Return a method fitted on the training split if it learns, with the problem information bound.

    Parameters
    ----------
    problem : Denoising
        The problem.
    method : Method
        The method.
    """
    here = unsealed(method)
    entry = Fit(problem, here)() if here.is_learner else here.entry
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
    """Return the summary of a method at an item of a problem.

    Parameters
    ----------
    problem : Denoising
        The problem.
    entry : Denoiser or Oracle
        The result of `prepared`.
    item : int
        The index of the item.
    sigma_given : bool
        Whether the method is given the noise level.
    seed : int
        The seed of the items.
    by, step
        As in `sigbench.analysis.jacobian.linearize`.
    places : sequence of tuple of int
        Indices along the space axes of the samples whose filters are kept; by default one where
        the clean item varies most and one where it is flat.
    portrait : bool
        Whether to keep what is drawn.

    Raises
    ------
    InputError
        If there is no such item or sample.
    """
    if not 0 <= item < problem.items:
        raise InputError(
            f"{item=} must be >= 0 and < {problem.items}, the number of items of the problem"
        )
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
        portrait=_portrait(ready, around, clean, chosen, sigma) if portrait else None,
    )


def check_place(place: SampleIndex, space: tuple[int, ...]) -> None:
    """Raise InputError if an item with these space axes has no such sample.

    Examples
    --------
    >>> check_place((3, 40), (32, 32))
    Traceback (most recent call last):
    sigbench.core.errors.InputError: at=3,40 must be a sample of the items, from 0,0 to 31,31
    """
    exists = len(place) == len(space) and all(0 <= i < n for i, n in zip(place, space, strict=True))
    if not exists:
        at, last = (",".join(map(str, index)) for index in (place, [n - 1 for n in space]))
        first = ",".join("0" * len(space))
        raise InputError(f"at={at} must be a sample of the items, from {first} to {last}")


def _portrait(
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
    """Return the samples where an item ``(C, *space)`` varies most and least, in that order.

    Examples
    --------
    >>> item = np.zeros((1, 30))
    >>> item[0, 9] = 5
    >>> places_of(item)
    [(9,), (15,)]
    """
    space = item.shape[1:]
    axes = tuple(range(1, item.ndim))
    local_mean = uniform_filter(item, (1, *[NEIGHBORS] * len(space)), mode="nearest")
    deviation = np.abs(item - local_mean).mean(axis=0)
    spread = uniform_filter(deviation, NEIGHBORS, mode="nearest")
    inner = np.zeros(space, bool)
    inner[tuple(slice(m, n - m) for n in space for m in [min(MARGIN, (n - 1) // 2)])] = True
    middle = np.array([n // 2 for n in space]).reshape(-1, *[1] * len(axes))
    distance = np.sum((np.indices(space) - middle) ** 2, axis=0)
    most = np.argmax(np.where(inner, deviation, -1))
    flat = np.where(inner, spread, np.inf)
    flattest = flat <= flat.min() + 1e-9 * spread.max()
    least = np.argmin(np.where(flattest, distance, np.inf))  # of ties, the one nearest the middle
    return [tuple(map(int, np.unravel_index(one, space))) for one in (most, least)]


def _rms(x: Array) -> float:
    return float(np.sqrt(np.mean(x * x)))


def _upright(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return vectors with signs such that the value of largest magnitude is positive."""
    rows = vectors.reshape(len(vectors), -1)
    largest = rows[np.arange(len(rows)), np.argmax(np.abs(rows), axis=1)]
    return vectors * np.sign(largest).reshape(-1, *[1] * (vectors.ndim - 1))
