"""The Kalman filter and smoother for a signal of nearly constant velocity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve_banded, cholesky_banded

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check, check_field

Values = NDArray[np.float64]

RATIOS = np.logspace(-6, 1.5, 61)  # accelerations in noise levels that are tried


@dataclass(frozen=True)
class Kalman:
    """Estimate a signal whose velocity changes by a random acceleration.

    The model is x'' = a·w with white noise w, observed at every sample in white noise of level σ;
    position and velocity at the start are unknown. Only the ratio a/σ matters. By default the
    estimate at a sample uses all samples (the Rauch-Tung-Striebel smoother, here computed as the
    equal cubic smoothing spline); with ``causal=True`` it uses the past only (the Kalman filter).

    Parameters
    ----------
    acceleration_over_sigma : float, optional
        The ratio a/σ, per sample². By default it is the maximum of the likelihood of each item,
        which is computed without σ; ``causal=True`` needs a value.
    causal : bool
        Whether only the past is used. The first two samples are returned unchanged.

    References
    ----------
    Kalman, J. Basic Eng. 82 (1960); Bar-Shalom, Li, Kirubarajan, Estimation with Applications to
    Tracking and Navigation (2001), section 6.2.2: the model; Wahba, Spline Models for Observational
    Data (1990), section 4.8: the likelihood; Green and Silverman, Nonparametric Regression and
    Generalized Linear Models (1994), section 2.3: the banded system.

    Examples
    --------
    >>> import numpy as np
    >>> line = np.arange(20.0).reshape(1, 1, 20)
    >>> bool(np.allclose(Kalman(0.1)(line), line))
    True
    >>> bool(np.allclose(Kalman(0.1, causal=True)(line), line))
    True
    """

    acceleration_over_sigma: float | None = None
    causal: bool = False

    info: ClassVar[Info] = Info(
        "kalman",
        "state space",
        "Kalman 1960; Rauch, Tung, Striebel 1965",
        domains=("signal", "speech"),
        adapts=True,
        fixed_by="acceleration_over_sigma",
    )

    def __post_init__(self) -> None:
        check_field("acceleration_over_sigma", self.acceleration_over_sigma, 1e-6, below=1e6)
        if self.causal and self.acceleration_over_sigma is None:
            raise InputError("causal=true needs acceleration_over_sigma")

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        check(noisy, sigma)
        if noisy.ndim != 3:
            raise InputError(f"kalman is for signals (N, C, L): noisy has shape {noisy.shape}")
        if noisy.shape[2] < 3:
            return noisy.copy()
        rows = noisy.astype(np.float64).reshape(-1, noisy.shape[2])
        first = rows[:, :1]
        if self.causal:
            assert self.acceleration_over_sigma is not None
            out = _filtered(rows - first, self.acceleration_over_sigma)
        else:
            out = _smoothed(rows - first, self.acceleration_over_sigma)
        return (out + first).reshape(noisy.shape).astype(noisy.dtype)


def _smoothed(y: Values, ratio: float | None) -> Values:
    """Return the posterior mean of each row, x = y − Dᵀ(DDᵀ + r²R)⁻¹Dy.

    D is the second difference, and r²R the covariance of the second differences of the signal.
    """
    d = np.diff(y, 2).T
    if ratio is not None:
        return y - _spread(cho_solve_banded((_factor(len(d), ratio), True), d).T)
    best = np.full(len(y), -np.inf)
    out = y.copy()  # rows without noise are lines
    for r in RATIOS:
        factor = _factor(len(d), r)
        solved = cho_solve_banded((factor, True), d)
        energy = np.einsum("ij,ij->j", d, solved)
        with np.errstate(divide="ignore"):
            fit = -len(d) * np.log(energy) - 2 * np.log(factor[0]).sum()
        better = (fit > best) & (energy > 0)
        best[better] = fit[better]
        out[better] = y[better] - _spread(solved.T[better])
    return out


def _factor(n: int, ratio: float) -> Values:
    """Return the banded Cholesky factor of DDᵀ + r²R for n second differences."""
    bands = np.zeros((3, n))
    for band, differences, spline in ((0, 6, 2 / 3), (1, -4, 1 / 6), (2, 1, 0)):
        bands[band, : max(n - band, 0)] = differences + ratio**2 * spline
    return np.asarray(cholesky_banded(bands, lower=True))


def _spread(z: Values) -> Values:
    """Return Dᵀz for each row."""
    return np.asarray(np.diff(np.pad(z, ((0, 0), (2, 2))), 2))


def _filtered(y: Values, ratio: float) -> Values:
    """Return the filtered position of each row; σ = 1.

    The state after two samples is that of a line through them.
    """
    out = y.copy()
    q = ratio**2
    x, v = y[:, 1].copy(), y[:, 1] - y[:, 0]
    p_xx, p_xv, p_vv = 1.0, 1.0, 2.0 + q / 3
    for k in range(2, y.shape[1]):
        p_xx, p_xv, p_vv = p_xx + 2 * p_xv + p_vv + q / 3, p_xv + p_vv + q / 2, p_vv + q
        gain_x, gain_v = p_xx / (p_xx + 1), p_xv / (p_xx + 1)
        x += v
        surprise = y[:, k] - x
        x += gain_x * surprise
        v = v + gain_v * surprise
        out[:, k] = x
        p_vv -= gain_v * p_xv
        p_xx, p_xv = p_xx * (1 - gain_x), p_xv * (1 - gain_x)
    return out
