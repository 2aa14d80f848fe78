"""Total-variation denoising: exact for signals, with scikit-image for images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check, check_field, in_blocks
from sigbench.denoisers.parameters import check_strength, penalty_weight


@dataclass(frozen=True)
class TotalVariation:
    """min over x of ½‖y − x‖² + λ·TV(x), separately for each channel.

    For signals, TV(x) = Σ|x[i+1] − x[i]| and the solution is exact. It is computed level by level:
    x is above a level t where the binary labels b that minimize
    Σ (t − y[i])·b[i] + λ·Σ|b[i+1] − b[i]| are 1. The first segment is the whole signal. The labels
    at the mean of a segment split it into segments above and below, whose means shift by ±λ at each
    cut. A segment that no longer splits is constant in the solution.

    For images, TV is isotropic and computed by ``skimage.restoration.denoise_tv_chambolle`` with
    its stopping rule. With the library's default tolerance, used here, large flat regions have not
    fully converged.

    Parameters
    ----------
    lam, lam_over_sigma : float
        The weight λ in the signal's units or in noise levels; set exactly one.
    eps : float
        Images: relative change of the cost at which to stop.
    max_iter : int
        Images: maximum number of iterations.

    References
    ----------
    Rudin, Osher, Fatemi, Physica D 60 (1992): the problem. Hochbaum, J. ACM 48 (2001), and
    Chambolle and Darbon, Int. J. Comput. Vis. 84 (2009), section 3: the solution level by level;
    Johnson, J. Comput. Graph. Stat. 22 (2013): dynamic programming along a chain, used here for
    the labels. Chambolle, J. Math. Imaging Vis. 20 (2004): images.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array([[[0.0, 0.5, 5.0, 5.5]]])
    >>> TotalVariation(lam=0.5)(y)
    array([[[0.5, 0.5, 5. , 5. ]]])
    """

    lam: float | None = None
    lam_over_sigma: float | None = None
    eps: float = 2e-4
    max_iter: int = 200

    info: ClassVar[Info] = Info(
        "tv",
        "variational",
        "Rudin, Osher, Fatemi 1992; Hochbaum 2001 (signals, exact); Chambolle 2004 (images)",
        uses_sigma=True,
        fixed_by="lam",
        exact_at_zero=True,
        version=2,
    )

    def __post_init__(self) -> None:
        check_strength("lam", self.lam, self.lam_over_sigma, required=True)
        check_field("eps", self.eps, 0)
        check_field("max_iter", self.max_iter, 1)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        levels = check(noisy, sigma)
        if noisy.ndim == 3:
            return in_blocks(self._signals, noisy, levels)
        return self._images(noisy, levels)

    def _signals(self, noisy: Array, levels: NDArray[np.float64] | None) -> Array:
        lams = penalty_weight(noisy, levels, self.lam, self.lam_over_sigma).astype(np.float64)
        estimate = noisy.copy()
        some = lams > 0
        if some.any():
            y = noisy[some].astype(np.float64)
            row_lams = np.repeat(lams[some], y.shape[1])
            estimate[some] = flattest(y.reshape(-1, y.shape[2]), row_lams).reshape(y.shape)
        return estimate

    def _images(self, noisy: Array, levels: NDArray[np.float64] | None) -> Array:
        from skimage.restoration import denoise_tv_chambolle  # slow to import

        lams = penalty_weight(noisy, levels, self.lam, self.lam_over_sigma)
        estimate = noisy.copy()
        for item, lam in zip(estimate, lams, strict=True):
            if lam > 0:
                for channel in item:
                    channel[...] = denoise_tv_chambolle(
                        channel, weight=float(lam), eps=self.eps, max_num_iter=self.max_iter
                    )
        return estimate


def flattest(rows: NDArray[np.float64], lams: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the exact minimizer of ½‖y − x‖² + λ·Σ|x[i+1] − x[i]| for each row.

    All segments of all rows are stored in one long array, where the samples of a segment are
    adjacent. A segment that does not split is removed from it.

    Parameters
    ----------
    rows : array, shape (R, L)
        The signals y.
    lams : array, shape (R,)
        The weight λ > 0 of each row.

    Examples
    --------
    >>> flattest(np.array([[0.0, 0.0, 9.0]]), np.array([2.0]))
    array([[1., 1., 7.]])
    """
    x = np.empty(rows.size)
    y = rows.flatten()
    where = np.arange(rows.size)
    # The cost of a jump to the next sample, 0 at the last sample of a segment.
    edge = np.repeat(lams, rows.shape[1])
    edge[rows.shape[1] - 1 :: rows.shape[1]] = 0
    while where.size:
        ends = np.flatnonzero(edge == 0)
        lengths = np.diff(ends, prepend=-1)
        starts = ends - lengths + 1
        level = np.repeat(np.add.reduceat(y, starts) / lengths, lengths)
        excess = _clipped_sums(level - y, edge)
        sure = np.flatnonzero(np.abs(excess) >= edge)  # the other labels equal the next one
        above = np.repeat(excess[sure] < 0, np.diff(sure, prepend=-1)).astype(np.int8)
        jump = np.diff(above, append=0)
        jump[ends] = 0
        splits = np.repeat(np.logical_or.reduceat(jump != 0, starts), lengths)
        done, on = np.flatnonzero(~splits), np.flatnonzero(splits)
        x[where[done]] = level[done]
        tilt = edge * jump
        y += tilt
        y[1:] -= tilt[:-1]
        edge *= jump == 0
        where, y, edge = where[on], y[on], edge[on]
    return x.reshape(rows.shape)


def _clipped_sums(w: NDArray[np.float64], edge: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return g[i] = w[i] + clip(g[i−1], −edge[i−1], edge[i−1]): how much more label 1 costs than 0.

    The array is cut into runs that are computed in parallel. A run maps its initial value c to
    clip(c + Σw, low, high). A first pass computes the bounds low and high, from the smallest and
    the largest c. A second pass starts every run with its actual c.
    """
    run = math.isqrt(len(w) // 2) + 1
    ends = (0, -len(w) % run)
    steps = np.ascontiguousarray(np.pad(w, ends).reshape(-1, run).T)
    tops = np.ascontiguousarray(np.pad(edge, ends).reshape(-1, run).T)
    largest = np.concatenate([[0], tops[-1, :-1]])
    carried = np.stack([-largest, largest])
    for step, top in zip(steps, tops, strict=True):
        carried += step
        np.minimum(carried, top, out=carried)
        np.maximum(carried, -top, out=carried)
    entering = [0.0]
    for total, low, high in zip(steps.sum(axis=0).tolist(), *carried.tolist(), strict=True):
        entering.append(min(max(entering[-1] + total, low), high))
    inside = np.array(entering[:-1])
    sums = np.empty_like(steps)
    for out, step, top in zip(sums, steps, tops, strict=True):
        np.add(inside, step, out=out)
        np.minimum(out, top, out=inside)
        np.maximum(inside, -top, out=inside)
    return sums.T.ravel()[: len(w)]
