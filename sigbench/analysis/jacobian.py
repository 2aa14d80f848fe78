"""The Jacobian of a denoiser at an item, and what it says: a linear filter that adapts."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError, NoDerivative
from sigbench.core.protocols import Array, Denoiser, Differentiable, Rectifying, Sigma
from sigbench.core.rng import item_rng
from sigbench.core.validation import check, check_field

By = Literal["auto", "autograd", "differences"]
Matrix = NDArray[np.float64]

STEPS = (1e-6, 1e-4, 1e-2, 0.1)  # of differences, in noise levels: for rectifiers to float16
FINEST = 1e-12  # of a step, in noise levels
MIN_STEP = 1e-10  # of the item's largest value: below, float64 has no digits for a difference
AGREED = 1e-3  # relative difference of two differences: a step that is fine enough
LOST = 0.2  # share of the samples that a step does not change, and the coarsest does: rounded away
MAX_SAMPLES = 2**13  # of an item: its Jacobian has the square of that
AT_ONCE = 2**18  # samples a call
DIRECTIONS = 4  # random ones, along which derivatives are compared
MOVES = (0.01, 0.03, 0.1, 0.3, 1.0)  # in noise levels


class SVD(NamedTuple):
    """A = U·diag(s)·Vᵀ: ``u`` and ``v`` have the vectors as columns, ``s`` falls."""

    u: Matrix
    s: Matrix
    v: Matrix

    @property
    def symmetry(self) -> Matrix:
        """|uᵢ·vᵢ|, shape (n,): 1 where A maps vᵢ onto its own direction.

        Where singular values are equal, as zeros are, their vectors are any of a subspace.
        """
        return np.abs(np.sum(self.u * self.v, axis=0))


@dataclass(frozen=True, eq=False)
class Linearization:
    """A denoiser f around an item y of n samples: f(y + d) ≈ f(y) + A·d.

    Attributes
    ----------
    noisy, estimate : array, shape (C, *space), float64
        y and f(y).
    jacobian : array, shape (n, n), float64
        A: how much each sample of the estimate (row) changes with each of the input (column).
    by : {"autograd", "differences"}
        How it was computed.
    error : float
        The largest relative difference of A·w and a central difference of f along w, over some
        random w, for the best of some steps up to a tenth of the noise level, those excepted that
        are rounded away. It is small where f has a derivative, and computes to enough digits;
        infinite where no step will do.
    scale : float
        The noise level; where none is known, the standard deviation of y.
    """

    noisy: Matrix
    estimate: Matrix
    jacobian: Matrix
    by: str
    error: float
    scale: float

    @functools.cached_property
    def svd(self) -> SVD:
        """The singular value decomposition of A."""
        u, s, vt = np.linalg.svd(self.jacobian)
        return SVD(u, s, vt.T)

    @property
    def effective_dimension(self) -> float:
        """Σ sᵢ² = ‖A‖²: the share of white noise that passes, in samples (Mohan et al., section 6).

        Of a projection it is the dimension of what it projects onto.
        """
        return float(np.sum(self.jacobian**2))

    @property
    def trace(self) -> float:
        """Σ ∂f(y)ᵢ/∂yᵢ: the degrees of freedom, the divergence in Stein's estimate of the risk."""
        return float(np.trace(self.jacobian))

    @property
    def constant(self) -> Matrix:
        """f(y) − A·y, shape (C, *space): what it adds that is not of the input.

        Zero where f is linear, and where it is homogeneous: f(a·y) = a·f(y) for a > 0.
        """
        return self.estimate - (self.jacobian @ self.noisy.ravel()).reshape(self.noisy.shape)

    @property
    def asymmetry(self) -> float:
        """‖A − Aᵀ‖/(2·‖A‖): 0 where A is symmetric."""
        norm = np.linalg.norm(self.jacobian)
        return float(np.linalg.norm(self.jacobian - self.jacobian.T) / (2 * norm)) if norm else 0.0

    def filter_at(self, place: Sequence[int]) -> Matrix:
        """Return the equivalent filter of a sample: its row of A, shape (C, *space).

        The weights with which the samples of the input enter that sample of the estimate.

        Parameters
        ----------
        place : sequence of int
            The index of the sample: (channel, *space).

        Raises
        ------
        InputError
            Where there is no such sample.
        """
        shape = self.noisy.shape
        try:
            row: Matrix = self.jacobian[np.ravel_multi_index(tuple(place), shape)]
        except ValueError:
            raise InputError(
                f"place={tuple(place)} is no index of an item of shape {shape}"
            ) from None
        return row.reshape(shape)


def linearize(
    denoiser: Denoiser,
    item: Array,
    *,
    sigma: float | None = None,
    level: float | None = None,
    by: By = "auto",
    step: float | None = None,
) -> Linearization:
    """Return a denoiser's Jacobian at an item.

    Parameters
    ----------
    denoiser : Denoiser
        f; it must denoise every item of a batch by itself.
    item : array, shape (C, *space)
        y, of at most 8192 samples. A network's own derivative is computed in its dtype, all else
        in float64.
    sigma : float, optional
        The noise level that f is told, in the units of the item.
    level : float, optional
        The noise level, where it is known and f is not told.
    by : {"auto", "autograd", "differences"}
        ``autograd``: row by row, by the network's own derivative. ``differences``: column by
        column, (f(y + εe) − f(y − εe))/2ε. ``auto``: the first for networks, where all of them
        has a derivative, else the second.
    step : float, optional
        ε in noise levels. What f is wrong by, in solving or rounding, is divided by it. By default
        the finest of 1e-6, 1e-4, 0.01 and 0.1 at which differences agree with those of twice the
        step, and nothing is rounded away.

    Raises
    ------
    InputError
        For an item that is too large, an f that breaks the protocol, or one that has no derivative
        and is asked for it.

    References
    ----------
    Mohan, Kadkhodaie, Simoncelli and Fernandez-Granda, ICLR 2020, sections 3 and 6.

    Examples
    --------
    >>> from sigbench.denoisers import GaussianBlur
    >>> y = np.random.default_rng(0).normal(size=(1, 9))
    >>> around = linearize(GaussianBlur(width=0.5), y)
    >>> around.filter_at((0, 4))[0, 2:7].round(3)
    array([0.   , 0.106, 0.787, 0.106, 0.   ])
    """
    if by not in get_args(By):
        raise InputError(f"{by=} must be one of: {', '.join(get_args(By))}")
    if step is not None:
        check_field("step", step, FINEST)
    y: Matrix = item.astype(np.float64)
    check(y[None], sigma)
    if y.size > MAX_SAMPLES:
        raise InputError(
            f"an item of {y.size} samples has a Jacobian of {y.size}²: at most {MAX_SAMPLES}"
        )
    scale = next(float(s) for s in (sigma, level, np.std(y), 1.0) if s)
    f = _Around(denoiser, y, sigma, scale)
    estimate = f(y[None])[0]
    knows = isinstance(denoiser, Differentiable) and callable(denoiser.pull_back)
    if by == "autograd" and not knows:
        raise InputError(f"by=autograd is for networks: {denoiser!r} has no derivative")
    jacobian, done, checks = None, "autograd", f.moves
    if knows and by != "differences":
        try:
            jacobian = f.rows(item.dtype)
        except NoDerivative:
            if by == "autograd":
                raise
    if jacobian is None:
        move = f.finest() if step is None else f.move(step)
        jacobian, done = f.columns(move), "differences"
        checks = [2 * move, *(one for one in f.moves if one > 2 * move)]
    return Linearization(y, estimate, jacobian, done, f.error_of(jacobian, checks), scale)


class _Around:
    """A denoiser of many copies of one item, each moved a little."""

    def __init__(self, denoiser: Any, y: Matrix, sigma: float | None, scale: float) -> None:
        self.denoiser, self.y, self.sigma, self.scale = denoiser, y, sigma, scale
        self.moves = [self.move(step) for step in STEPS]
        count = max(1, AT_ONCE // y.size)
        self.blocks = [range(i, min(i + count, y.size)) for i in range(0, y.size, count)]
        self.w = item_rng(0, "jacobian", "check").standard_normal((DIRECTIONS, *y.shape))

    def move(self, step: float) -> float:
        """Return a step in the units of the item."""
        return max(step * self.scale, MIN_STEP * float(np.abs(self.y).max()))

    def __call__(self, batch: Matrix) -> Matrix:
        given = batch.copy()
        estimate = self.denoiser(given, sigma=self._levels(batch))
        if not np.array_equal(given, batch):
            raise InputError("the method changed its input")
        return _checked("the method", estimate, batch.shape)

    def _levels(self, batch: Matrix) -> Sigma:
        return None if self.sigma is None else np.full(len(batch), float(self.sigma))

    def _units(self, block: range) -> Matrix:
        units = np.zeros((len(block), self.y.size))
        units[np.arange(len(block)), block] = 1
        return units.reshape(-1, *self.y.shape)

    def active(self, batch: Matrix) -> NDArray[np.bool_]:
        """Return which rectifiers are on, ``(N, units)``; of what has none, ``(N, 0)``."""
        one = self.denoiser
        if not (isinstance(one, Rectifying) and callable(one.active)):
            return np.empty((len(batch), 0), np.bool_)
        return one.active(batch, sigma=self._levels(batch))

    def rows(self, dtype: Any) -> Matrix:
        """Return A by the denoiser's own derivative: its rows are Aᵀ·e."""
        jacobian = np.empty((self.y.size, self.y.size))
        for block in self.blocks:
            copies = np.repeat(self.y[None].astype(dtype), len(block), axis=0)
            units = self._units(block).astype(dtype)
            back = self.denoiser.pull_back(copies, units, sigma=self._levels(copies))
            jacobian[block] = _checked("pull_back", back, copies.shape).reshape(len(block), -1)
        return jacobian

    def columns(self, step: float) -> Matrix:
        """Return A by central differences: its columns are A·e."""
        jacobian = np.empty((self.y.size, self.y.size))
        for block in self.blocks:
            jacobian[:, block] = self.along(self._units(block), step).reshape(len(block), -1).T
        return jacobian

    def along(self, directions: Matrix, move: float) -> Matrix:
        """Return the central differences of f along directions, shape (N, C, *space)."""
        d = move * directions
        return (self(self.y + d) - self(self.y - d)) / (2 * move)

    @functools.cached_property
    def _changed(self) -> NDArray[np.bool_]:
        """Which samples change along the directions, by the coarsest step."""
        return self.along(self.w, self.moves[-1]) != 0

    def _apart(self, found: Matrix, move: float) -> float:
        """Return the largest relative difference to what is seen along the directions."""
        seen = self.along(self.w, move)
        if np.mean(self._changed & (seen == 0)) > LOST:
            return math.inf
        found, seen = (rows.reshape(DIRECTIONS, -1) for rows in (found, seen))
        return float(np.max(_relative(found - seen, seen)))

    def finest(self) -> float:
        """Return the first move that gives the differences of twice the move, or what does best."""
        apart: list[float] = []
        for move in self.moves:
            apart.append(self._apart(self.along(self.w, 2 * move), move))
            if apart[-1] < AGREED:
                return move
        return self.moves[int(np.argmin(apart))]

    def error_of(self, jacobian: Matrix, moves: Sequence[float]) -> float:
        """Return the relative difference of A·w and the differences along w, the least of moves."""
        found = self.w.reshape(DIRECTIONS, -1) @ jacobian.T
        return min(self._apart(found, move) for move in moves)


def _checked(what: str, array: Any, shape: tuple[int, ...]) -> Matrix:
    """Return an answer in float64, or refuse it."""
    if not isinstance(array, np.ndarray) or array.shape != shape:
        found = getattr(array, "shape", type(array).__name__)
        raise InputError(f"{what} gave back {found}, not an array of shape {shape}")
    if array.dtype.kind != "f":
        raise InputError(f"{what} gave back {array.dtype}, not floating-point numbers")
    if not np.isfinite(array).all():
        raise InputError(f"{what} gave back values that are not finite")
    return array.astype(np.float64, copy=False)


def _relative(difference: Matrix, of: Matrix) -> Matrix:
    """Return the norms of rows over those of others; 0 of nothing is 0, and more is infinite."""
    size, whole = (np.linalg.norm(rows, axis=1) for rows in (difference, of))
    none = np.where(size > 0, math.inf, 0.0)
    return np.divide(size, whole, out=none, where=whole > 0)


class Stability(NamedTuple):
    """How far the linear view holds: moves of some noise levels, in random directions.

    ``error`` is ‖f(y + d) − f(y) − A·d‖/‖f(y + d) − f(y)‖, ``switched`` the share of the network's
    rectifiers that turn on or off (NaN where there are none); both are means over directions.
    """

    move: float
    error: float
    switched: float


def stability(
    denoiser: Denoiser, around: Linearization, *, sigma: float | None = None
) -> list[Stability]:
    """Return how well the Jacobian at y predicts the estimate beside y.

    Parameters
    ----------
    denoiser : Denoiser
        f.
    around : Linearization
        Its Jacobian.
    sigma : float, optional
        The noise level that f is told.

    Examples
    --------
    >>> from sigbench.denoisers import Median
    >>> y = np.random.default_rng(0).normal(size=(1, 50))
    >>> near, *_, far = stability(Median(window=3), linearize(Median(window=3), y))
    >>> near.move, far.move, near.error < far.error
    (0.01, 1.0, True)
    """
    f = _Around(denoiser, around.noisy, sigma, around.scale)
    rng = item_rng(0, "jacobian", "moves")
    w = rng.standard_normal((DIRECTIONS, *around.noisy.shape))
    before = f.active(around.noisy[None])
    found = []
    for move in MOVES:
        d = move * around.scale * w
        change = (f(around.noisy + d) - around.estimate).reshape(DIRECTIONS, -1)
        linear = d.reshape(DIRECTIONS, -1) @ around.jacobian.T
        error = float(np.mean(_relative(change - linear, change)))
        after = f.active(around.noisy + d)
        switched = float(np.mean(after != before)) if after.size else math.nan
        found.append(Stability(move, error, switched))
    return found
