"""The Jacobian of a denoiser at an item: its linear, adaptive filter."""

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
from sigbench.core.validation import check, check_choice, check_field

By = Literal["auto", "autograd", "differences"]
Matrix = NDArray[np.float64]

STEPS = (1e-6, 1e-4, 1e-2, 0.1)  # of differences, in noise levels: from piecewise linear to float16
MIN_STEP = 1e-12  # in noise levels
MIN_RELATIVE_STEP = 1e-10  # of the item's largest value: float64 resolves no smaller differences
AGREEMENT = 1e-3  # relative difference of the differences at a step and at twice the step
MAX_LOST = 0.2  # share of the samples that the coarsest step changes and a finer one does not
MAX_SAMPLES = 2**13  # of an item; its Jacobian has the square of that
BATCH_SAMPLES = 2**18  # per call
DIRECTIONS = 4  # random directions along which derivatives are compared
MOVES = (0.01, 0.03, 0.1, 0.3, 1.0)  # in noise levels


class SVD(NamedTuple):
    """A = U·diag(s)·Vᵀ: the vectors are the columns of ``u`` and ``v``; ``s`` is descending."""

    u: Matrix
    s: Matrix
    v: Matrix

    @property
    def symmetry(self) -> Matrix:
        """|uᵢ·vᵢ|, shape (n,): 1 if A maps vᵢ onto its own direction.

        The vectors of equal singular values, such as zeros, are arbitrary within their subspace.
        """
        return np.abs(np.sum(self.u * self.v, axis=0))


@dataclass(frozen=True, eq=False)
class Linearization:
    """A denoiser f linearized at an item y of n samples: f(y + d) ≈ f(y) + A·d.

    Attributes
    ----------
    noisy, estimate : array, shape (C, *space), float64
        y and f(y).
    jacobian : array, shape (n, n), float64
        A: the derivative of each sample of the estimate (row) by each sample of y (column).
    by : {"autograd", "differences"}
        How it was computed.
    error : float
        The relative difference between A·w and a central difference of f along w: the largest over
        four random directions w, for the best of several steps up to a tenth of the noise level.
        Steps that rounding hides are left out. The error is small if f is differentiable and
        computed precisely enough, and infinite if no step is usable.
    scale : float
        The noise level; if unknown, the standard deviation of y.
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

        For a projection it is the rank.
        """
        return float(np.sum(self.jacobian**2))

    @property
    def trace(self) -> float:
        """Σ ∂f(y)ᵢ/∂yᵢ: the degrees of freedom, the divergence in Stein's unbiased risk estimate."""
        return float(np.trace(self.jacobian))

    @property
    def constant(self) -> Matrix:
        """f(y) − A·y, shape (C, *space): the part of the estimate that is not linear in the input.

        It is zero if f is linear or homogeneous: f(a·y) = a·f(y) for a > 0.
        """
        return self.estimate - (self.jacobian @ self.noisy.ravel()).reshape(self.noisy.shape)

    @property
    def asymmetry(self) -> float:
        """‖A − Aᵀ‖/(2·‖A‖): 0 if A is symmetric."""
        norm = np.linalg.norm(self.jacobian)
        return float(np.linalg.norm(self.jacobian - self.jacobian.T) / (2 * norm)) if norm else 0.0

    def filter_at(self, place: Sequence[int]) -> Matrix:
        """Return the equivalent filter of a sample: its row of A, shape (C, *space).

        The row contains the weights of the input samples in that sample of the estimate.

        Parameters
        ----------
        place : sequence of int
            The index of the sample: (channel, *space).

        Raises
        ------
        InputError
            If there is no such sample.
        """
        shape = self.noisy.shape
        try:
            row: Matrix = self.jacobian[np.ravel_multi_index(tuple(place), shape)]
        except ValueError:
            raise InputError(
                f"place={tuple(place)} is not an index of an item of shape {shape}"
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
    """Return the Jacobian of a denoiser at an item.

    Parameters
    ----------
    denoiser : Denoiser
        f; it must denoise each item of a batch independently.
    item : array, shape (C, *space)
        y, of at most 8192 samples. The derivative of a network is computed in the dtype of the
        item, everything else in float64.
    sigma : float, optional
        The noise level given to f, in the units of the item.
    level : float, optional
        The noise level, if it is known but not given to f.
    by : {"auto", "autograd", "differences"}
        ``autograd``: row by row, with the derivative of the network. ``differences``: column by
        column, (f(y + εe) − f(y − εe))/2ε. ``auto``: autograd for networks that are differentiable
        throughout, otherwise differences.
    step : float, optional
        ε in noise levels. Errors of f, from rounding or an inexact solver, are divided by it. By
        default the finest of 1e-6, 1e-4, 0.01 and 0.1 whose differences agree with those at twice
        the step and are not hidden by rounding.

    Raises
    ------
    InputError
        If the item is too large, f breaks the protocol, or ``by="autograd"`` and f has no
        derivative.

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
    check_choice("by", by, get_args(By))
    if step is not None:
        check_field("step", step, MIN_STEP)
    y: Matrix = item.astype(np.float64)
    check(y[None], sigma)
    if y.size > MAX_SAMPLES:
        raise InputError(
            f"an item of {y.size} samples has a Jacobian of {y.size}² values: at most {MAX_SAMPLES}"
        )
    scale = next(float(s) for s in (sigma, level, np.std(y), 1.0) if s)
    f = _Around(denoiser, y, sigma, scale)
    estimate = f(y[None])[0]
    has_derivative = isinstance(denoiser, Differentiable) and callable(denoiser.pull_back)
    if by == "autograd" and not has_derivative:
        raise InputError(f"by=autograd is for networks: {denoiser!r} has no derivative")
    jacobian, done, checks = None, "autograd", f.steps
    if has_derivative and by != "differences":
        try:
            jacobian = f.rows(item.dtype)
        except NoDerivative:
            if by == "autograd":
                raise
    if jacobian is None:
        size = f.finest_step() if step is None else f.step(step)
        jacobian, done = f.columns(size), "differences"
        checks = [2 * size, *(larger for larger in f.steps if larger > 2 * size)]
    return Linearization(y, estimate, jacobian, done, f.error_of(jacobian, checks), scale)


class _Around:
    """A denoiser applied to batches of perturbed copies of one item."""

    def __init__(self, denoiser: Any, y: Matrix, sigma: float | None, scale: float) -> None:
        self.denoiser, self.y, self.sigma, self.scale = denoiser, y, sigma, scale
        self.steps = [self.step(step) for step in STEPS]
        count = max(1, BATCH_SAMPLES // y.size)
        self.blocks = [range(i, min(i + count, y.size)) for i in range(0, y.size, count)]
        self.w = item_rng(0, "jacobian", "check").standard_normal((DIRECTIONS, *y.shape))

    def step(self, noise_levels: float) -> float:
        """Return a step, given in noise levels, in the units of the item."""
        return max(noise_levels * self.scale, MIN_RELATIVE_STEP * float(np.abs(self.y).max()))

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
        """Return which rectifiers are active, ``(N, units)``, or ``(N, 0)`` if there are none."""
        f = self.denoiser
        if not (isinstance(f, Rectifying) and callable(f.active)):
            return np.empty((len(batch), 0), np.bool_)
        return f.active(batch, sigma=self._levels(batch))

    def rows(self, dtype: Any) -> Matrix:
        """Return A from the derivative of the denoiser: its rows are Aᵀ·e."""
        jacobian = np.empty((self.y.size, self.y.size))
        for block in self.blocks:
            copies = np.repeat(self.y[None].astype(dtype), len(block), axis=0)
            units = self._units(block).astype(dtype)
            back = self.denoiser.pull_back(copies, units, sigma=self._levels(copies))
            jacobian[block] = _checked("pull_back", back, copies.shape).reshape(len(block), -1)
        return jacobian

    def columns(self, step: float) -> Matrix:
        """Return A from central differences: its columns are A·e."""
        jacobian = np.empty((self.y.size, self.y.size))
        for block in self.blocks:
            jacobian[:, block] = self.along(self._units(block), step).reshape(len(block), -1).T
        return jacobian

    def along(self, directions: Matrix, step: float) -> Matrix:
        """Return the central differences of f along directions, shape (N, C, *space)."""
        d = step * directions
        return (self(self.y + d) - self(self.y - d)) / (2 * step)

    @functools.cached_property
    def _changed(self) -> NDArray[np.bool_]:
        """The samples that the coarsest step changes, for each direction."""
        return self.along(self.w, self.steps[-1]) != 0

    def _error(self, predicted: Matrix, step: float) -> float:
        """Return the largest relative difference to the central differences along the directions."""
        measured = self.along(self.w, step)
        if np.mean(self._changed & (measured == 0)) > MAX_LOST:
            return math.inf
        predicted, measured = (rows.reshape(DIRECTIONS, -1) for rows in (predicted, measured))
        return float(np.max(_relative(predicted - measured, measured)))

    def finest_step(self) -> float:
        """Return the first step whose differences agree with those at twice the step, or the best."""
        errors: list[float] = []
        for step in self.steps:
            errors.append(self._error(self.along(self.w, 2 * step), step))
            if errors[-1] < AGREEMENT:
                return step
        return self.steps[int(np.argmin(errors))]

    def error_of(self, jacobian: Matrix, steps: Sequence[float]) -> float:
        """Return the relative difference between A·w and the differences along w at the best step."""
        predicted = self.w.reshape(DIRECTIONS, -1) @ jacobian.T
        return min(self._error(predicted, step) for step in steps)


def _checked(what: str, array: Any, shape: tuple[int, ...]) -> Matrix:
    """Check that ``array`` is finite, floating-point and of a shape; return it in float64."""
    if not isinstance(array, np.ndarray) or array.shape != shape:
        found = getattr(array, "shape", type(array).__name__)
        raise InputError(f"{what} returned {found}, not an array of shape {shape}")
    if array.dtype.kind != "f":
        raise InputError(f"{what} returned {array.dtype}, not floating-point numbers")
    if not np.isfinite(array).all():
        raise InputError(f"{what} returned values that are not finite")
    return array.astype(np.float64, copy=False)


def _relative(difference: Matrix, reference: Matrix) -> Matrix:
    """Return the ratio of the norms of rows; 0/0 is 0."""
    size, whole = (np.linalg.norm(rows, axis=1) for rows in (difference, reference))
    ratio = np.where(size > 0, math.inf, 0.0)
    return np.divide(size, whole, out=ratio, where=whole > 0)


class Stability(NamedTuple):
    """The error of the linearization at a distance of ``move`` noise levels from the item.

    ``error`` is ‖f(y + d) − f(y) − A·d‖/‖f(y + d) − f(y)‖, ``switched`` the share of the network's
    rectifiers that switch on or off (NaN if there are none). Both are means over random directions d.
    """

    move: float
    error: float
    switched: float


def stability(
    denoiser: Denoiser, around: Linearization, *, sigma: float | None = None
) -> list[Stability]:
    """Return how well the Jacobian at y predicts the estimate near y.

    Parameters
    ----------
    denoiser : Denoiser
        f.
    around : Linearization
        The linearization of f at y.
    sigma : float, optional
        The noise level given to f.

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
