"""Operations of the sparse batch norm: the proximal step of a penalty λ|x|ᵖ."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import gamma

from sigbench.core.errors import NoDerivative
from sigbench.core.protocols import Array
from sigbench.networks.nn.conv import channels_first
from sigbench.networks.nn.norm import MOMENTUM, Statistics
from sigbench.networks.nn.tape import Backward, Var, op

MAX_STEPS = 12  # float64 takes 3 steps for p >= 1.1, 6 for p = 1.0001
LARGE = 80.0  # exp(LARGE) is finite in float32

NO_EXPONENT_GRADIENT = (
    "no gradient passes through the exponent of the sparse batch norm with statistics=input"
)

_P = np.linspace(1, 2, 201)
_RATIO = gamma(2 / _P) / np.sqrt(gamma(1 / _P) * gamma(3 / _P))


def shape_of(ratio: Array) -> Array:
    """Return the exponent p of the generalized Gaussian e^(−|x/a|ᵖ) from its ratio E|x|/√E[x²].

    The ratio is Γ(2/p)/√(Γ(1/p)·Γ(3/p)); sparser data have a smaller one. p is limited to [1, 2]
    (Laplace to normal distribution), where the penalty is convex.

    References
    ----------
    Mallat, IEEE Trans. Pattern Anal. Mach. Intell. 11 (7), 1989, eq. 48 (ratio of moments).

    Examples
    --------
    >>> shape_of(np.array([0.6, np.sqrt(0.5), np.sqrt(2 / np.pi)])).round(3)
    array([1., 1., 2.])
    """
    return np.interp(ratio, _RATIO, _P)


def sparseness(x: Array, running_ratio: Array, *, statistics: Statistics) -> Array:
    """Return the exponent of a layer, estimated from its mean |x|.

    Parameters
    ----------
    x : array, shape (N, C, *space)
        Standardized input (variance 1).
    running_ratio : array, shape (1,)
        Running average of E|x|; updated in place if ``statistics`` is ``"batch"``.
    statistics : {"batch", "running", "input"}
        Take the mean of the whole batch, the running average, or the mean of each item.

    Returns
    -------
    array, shape (N or 1, 1, ...), float64
        Exponents that broadcast over ``x``, without gradient.

    Raises
    ------
    NoDerivative
        If ``x`` is a `Var` and ``statistics`` is ``"input"``: the exponent depends on ``x``.
    """
    if statistics == "input" and isinstance(x, Var):
        raise NoDerivative(NO_EXPONENT_GRADIENT)
    value = getattr(x, "value", x)
    if statistics == "running":
        ratio = running_ratio
    elif statistics == "input":
        ratio = np.abs(value).mean(axis=tuple(range(1, value.ndim)))
    else:
        ratio = np.abs(value).mean().reshape(1)
        running_ratio += MOMENTUM * (ratio - running_ratio)
    return shape_of(ratio).reshape(-1, *[1] * (value.ndim - 1))


@op
def shrink(x: Array, lam: Array, p: Array) -> tuple[Array, Backward]:
    """Return the proximal step of a penalty, argmin_t ½(x − t)² + λ|t|ᵖ with 1 ≤ p ≤ 2.

    For p = 1 this is the soft threshold, for p = 2 a division by 1 + 2λ. Otherwise, for x > 0,
    t = x·u, where u solves u + κ·uᵖ⁻¹ = 1 with κ = λ·p·xᵖ⁻² (Halley's method on log u).

    Parameters
    ----------
    x : array, shape (N, C, *space)
        The input.
    lam : array, shape (C,)
        Weight of the penalty per channel, >= 0.
    p : array that broadcasts over ``x``
        The exponent; it gets no gradient.

    Returns
    -------
    array, shape (N, C, *space)

    References
    ----------
    Combettes and Pesquet, SIAM J. Optim. 18 (4), 2007, example 4.4.

    Examples
    --------
    >>> x = np.array([[[-3.0, 0.5, 3.0]]])
    >>> [shrink(x, np.array([1.0]), p).round(6).tolist() for p in (np.array(1.0), np.array(2.0))]
    [[[[-2.0, 0.0, 2.0]]], [[[-1.0, 0.166667, 1.0]]]]
    """
    weight = np.maximum(lam, np.finfo(lam.dtype).tiny).reshape(1, -1, *[1] * (x.ndim - 2))
    p = np.asarray(p, x.dtype)
    soft, size = p == 1, np.abs(x)
    u, rest = _shares(size, weight, np.where(soft, x.dtype.type(2), p))
    magnitude = np.where(soft, np.maximum(size - weight, 0), size * u)

    def backward(g: Array) -> tuple[Any, ...]:
        slope = np.where(soft, magnitude > 0, u / (u + (p - 1) * rest))
        d_x = g * slope
        pull = np.where(soft, 1, size * rest / weight)  # p·tᵖ⁻¹
        d_lam = -(channels_first(d_x * np.sign(x) * pull).reshape(len(lam), -1)).sum(axis=1)
        return d_x, d_lam, None

    return np.copysign(magnitude, x), backward


def close_enough(eps: float, q: float) -> float:
    """Return the step size below which Halley's method on log u has converged.

    Convergence is cubic, so the remaining error is about the step cubed. log κ is up to 100, and
    its rounding error is divided by q if u is small.
    """
    return min(max(eps ** (1 / 3), 100 * eps / q), 1e-2)


def _shares(size: Array, weight: Array, p: Array) -> tuple[Array, Array]:
    """Return u and κ·uᵖ⁻¹ = 1 − u: the shares of |x| that are kept and removed."""
    q, kind = p - 1, np.finfo(size.dtype)
    close = close_enough(float(kind.eps), float(q.min()))
    log_kappa = np.log(weight * p) - (1 - q) * np.log(np.maximum(size, kind.tiny))
    # Upper bound of the solution: u^q <= 1 + q·(u − 1) (Bernoulli's inequality) and κ·u^q <= 1.
    v = -np.maximum(np.log1p(q * np.exp(np.minimum(log_kappa, LARGE))), log_kappa) / q
    for _ in range(MAX_STEPS):
        u, rest = np.exp(v), np.exp(log_kappa + q * v)
        slope = u + q * rest
        newton = (u + rest - 1) / slope
        step = newton / (1 - 0.5 * newton * (u + q * q * rest) / slope)
        v = v - step
        if np.max(np.abs(step)) < close:
            break
    return np.exp(v), np.exp(log_kappa + q * v)
