"""Stein's unbiased risk estimate (SURE): the expected error of a denoiser without clean data."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Denoiser, Sigma
from sigbench.core.rng import item_rng
from sigbench.core.validation import check, check_field, per_item

PROBES = 8
EPSILON = 0.05  # in noise levels; iterative solvers are too inaccurate for smaller steps


@dataclass(frozen=True)
class Judged:
    """The estimate of a batch by a denoiser, and its expected mean squared error.

    Attributes
    ----------
    estimate : array, shape (N, C, *space), float64
        The denoised items.
    mse : array, shape (N,), float64
        SURE of each item, in squared units. It is unbiased but noisy: for a short item with a small
        error it can be negative.
    """

    estimate: NDArray[np.float64]
    mse: NDArray[np.float64]


def sure(
    denoiser: Denoiser,
    noisy: Array,
    sigma: Sigma,
    *,
    probes: int = PROBES,
    epsilon: float = EPSILON,
) -> Judged:
    """Denoise, and estimate the mean squared error of every item by Monte Carlo SURE.

    SURE = ‖f(y) − y‖²/n − σ² + 2σ²/n · div f(y), with the divergence measured along random
    probes b: div f(y) ≈ Σ bᵀ(f(y + εb) − f(y))/ε. Each probe is ±1 at every K-th sample and 0
    elsewhere, and the K probes together cover all samples. Neighboring samples, which a denoiser
    mixes most, are therefore in different probes, which reduces the variance. K = 1 is the method
    of Ramani, Blu and Unser; K = n is exact.

    The expected value of SURE is that of ‖f(y) − x‖²/n if the noise y − x is white and Gaussian
    with the known level σ, and f is weakly differentiable, as linear filters, soft thresholds, L1
    and total variation are. A hard threshold is discontinuous, and SURE is too low for it. An
    error of an estimated σ is an error of SURE.

    Parameters
    ----------
    denoiser : Denoiser
        f. It is given σ, and computes in float64.
    noisy : array, shape (N, C, *space)
        The items y, of n samples each in all channels together.
    sigma : float or array, shape (N,)
        The noise level σ, in the units of the items.
    probes : int
        K; each costs one call of f. The probes are the same for every item, denoiser and call.
    epsilon : float
        The step ε in noise levels.

    Raises
    ------
    InputError
        If the noise level is None, or a parameter is out of range.

    References
    ----------
    Ramani, Blu, Unser, IEEE Trans. Image Process. 17 (9), 2008: theorem 2 and algorithm 1;
    Stein, Ann. Stat. 9 (1981), theorem 1; Tang and Saad, Numer. Linear Algebra Appl. 19 (2012), on
    the variance of sparse probes.

    Examples
    --------
    >>> from sigbench.denoisers import GaussianBlur
    >>> x = np.sin(np.linspace(0, 10, 10_000)).reshape(1, 1, -1)
    >>> y = x + 0.5 * np.random.default_rng(0).standard_normal(x.shape)
    >>> judged = sure(GaussianBlur(width=3.0), y, 0.5)
    >>> float(np.mean((judged.estimate - x) ** 2)).__round__(3), judged.mse.round(3)
    (0.024, array([0.022]))
    """
    check_field("probes", probes, 1)
    if epsilon <= 0:
        raise InputError(f"{epsilon=} must be > 0")
    levels = check(noisy, sigma)
    if levels is None:
        raise InputError("sigma is None: SURE needs the noise level")
    y = noisy.astype(np.float64)
    n = y[0].size
    step = per_item(np.where(levels > 0, epsilon * levels, 1.0), y)  # σ = 0 has no divergence term
    estimate: NDArray[np.float64] = denoiser(y, sigma=levels).astype(np.float64, copy=False)
    divergence = np.zeros(len(y))
    signs = item_rng(0, "sure").choice([-1.0, 1.0], size=y.shape[1:])
    probe_of = _probe_of_sample(y.shape[1:], probes)
    for k in range(min(probes, signs.size)):
        b = np.where(probe_of == k, signs, 0)
        change = (denoiser(y + step * b, sigma=levels) - estimate) / step
        divergence += np.sum(b * change, axis=tuple(range(1, y.ndim)))
    misfit = np.mean((estimate - y) ** 2, axis=tuple(range(1, y.ndim)))
    return Judged(estimate, misfit - levels**2 + 2 * levels**2 * divergence / n)


def _probe_of_sample(shape: tuple[int, ...], probes: int) -> NDArray[np.intp]:
    """Return the probe of each sample: cyclic along a row, shifted by 3 from row to row.

    With at least as many probes as samples, each sample has a probe of its own.
    """
    if probes >= math.prod(shape):
        return np.arange(math.prod(shape)).reshape(shape)
    shifts = [3**i for i in range(len(shape))][::-1]
    return np.asarray(sum(s * i for s, i in zip(shifts, np.indices(shape), strict=True)) % probes)
