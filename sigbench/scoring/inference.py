"""Confidence intervals, paired tests and ranks; groups of items are the independent units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtr, stdtrit

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Mean:
    """A mean over n items with its 95 % interval; the ends are NaN if there is only one group."""

    mean: float
    low: float
    high: float
    n: int


def mean_interval(values: Floats, groups: Sequence[Any] | NDArray[Any]) -> Mean:
    """Return the mean over items with a 95 % confidence interval over groups.

    The standard error is that of the ratio of group totals to group sizes,
    s² = G/(G − 1)·Σ_g (Σ_{i∈g} (v_i − v̄))² / n². The interval uses Student's t with G − 1 degrees
    of freedom. If every group has one item, this is the ordinary t interval.

    Parameters
    ----------
    values : array, shape (n,)
        One value per item.
    groups : sequence, length n
        Group of each item.

    References
    ----------
    Cochran, Sampling Techniques (3rd ed., 1977), chapter 6 (ratio estimators, cluster totals).

    Examples
    --------
    >>> m = mean_interval(np.array([1.0, 2.0, 3.0]), ["a", "b", "c"])
    >>> round(m.mean, 2), round(m.low, 2), round(m.high, 2), m.n
    (2.0, -0.48, 4.48, 3)
    """
    mean, error, dof = _standard_error(values, groups)
    half = float(stdtrit(dof, 0.975)) * error if dof > 0 else np.nan
    return Mean(mean, mean - half, mean + half, len(values))


def paired_p_value(difference: Floats, groups: Sequence[Any] | NDArray[Any]) -> float:
    """Return the two-sided p-value of paired differences, from their mean and signed ranks.

    For independent items this is the larger p-value of Student's t test of the mean and of
    Wilcoxon's signed-rank test in the direction of the mean, so both tests must reject. For
    grouped items it is the p-value of the t test over groups, which also works with few groups.

    Parameters
    ----------
    difference : array, shape (n,)
        Value of one method minus the value of another on the same item.
    groups : sequence, length n
        Group of each item.

    References
    ----------
    Wilcoxon, Biometrics Bulletin 1 (1945). Berger, Technometrics 24 (1982): tests that reject only
    if each of several tests rejects.

    Examples
    --------
    >>> paired_p_value(np.zeros(4), range(4))
    1.0
    >>> paired_p_value(np.array([-9.0] + 40 * [0.1]), range(41)) > 0.05  # mean not significant
    True
    """
    mean, error, dof = _standard_error(difference, groups)
    if dof < 1 or not np.isfinite(mean):
        return 1.0
    if error == 0:
        p_mean = 1.0 if mean == 0 else 0.0
    else:
        p_mean = float(2 * stdtr(dof, -abs(mean) / error))
    if dof < len(difference) - 1 or p_mean == 1:
        return p_mean
    # The signed-rank test must point in the direction of the mean.
    return min(1.0, max(p_mean, 2 * _signed_rank_tail(np.sign(mean) * difference)))


def _signed_rank_tail(difference: Floats) -> float:
    """Return the p-value of Wilcoxon's one-sided test that the differences exceed zero.

    Zeros are dropped and ties get their mean rank. For up to 50 differences the distribution of
    the sum of positive ranks is exact (generating function Π(1 + xʳ)/2ⁿ over the ranks r); for
    more it is the normal approximation with correction for ties.
    """
    nonzero = difference[difference != 0]
    n = len(nonzero)
    _, tie, size = np.unique(np.abs(nonzero), return_inverse=True, return_counts=True)
    rank = np.cumsum(size) - (size - 1) / 2
    positive = float(rank[tie][nonzero > 0].sum())
    if n <= 50:
        pmf = np.ones(1)  # of twice the sum, since shared ranks are multiples of 1/2
        for twice in (2 * rank[tie]).astype(int).tolist():
            pmf = (np.pad(pmf, (0, twice)) + np.pad(pmf, (twice, 0))) / 2
        return float(pmf[round(2 * positive) :].sum())
    variance = n * (n + 1) * (2 * n + 1) / 24 - np.sum(size**3.0 - size) / 48
    return float(ndtr(-(positive - n * (n + 1) / 4) / np.sqrt(variance)))


MAX_DRAWS = 2**17  # group indices drawn per block of resamples, 1 MiB: bounds the memory


def bootstrap_interval(
    values: Floats,
    groups: Sequence[Any] | NDArray[Any],
    *,
    rng: np.random.Generator,
    resamples: int = 1999,
) -> Mean:
    """Return the mean over items with a 95 % studentized bootstrap interval over groups.

    Whole groups are resampled. Each resample gives t* = (v̄* − v̄)/s*; the interval is
    [v̄ − t*₀.₉₇₅·s, v̄ − t*₀.₀₂₅·s], where s is the standard error of `mean_interval`.

    Parameters
    ----------
    values : array, shape (n,)
        One value per item.
    groups : sequence, length n
        Group of each item.
    rng : numpy.random.Generator
        Source of the resamples.
    resamples : int
        Number of resamples.

    References
    ----------
    Efron, Tibshirani, An Introduction to the Bootstrap (1993), section 12.5.

    Examples
    --------
    >>> v = np.random.default_rng(0).normal(1.0, 1.0, size=100)
    >>> m = bootstrap_interval(v, range(100), rng=np.random.default_rng(1))
    >>> m.low < m.mean < m.high
    True
    """
    mean, error, dof = _standard_error(values, groups)
    if dof < 1 or error == 0:
        end = mean if dof > 0 else np.nan
        return Mean(mean, end, end, len(values))
    _, index = np.unique(np.asarray(groups), return_inverse=True)
    count = np.bincount(index).astype(np.float64)
    residual = np.bincount(index, weights=values - mean)
    g = len(count)
    # A resample is described by these totals over its groups: n*, Σr, Σr², Σrn, Σn².
    terms = np.stack([count, residual, residual**2, residual * count, count**2], axis=1)
    rows = max(1, MAX_DRAWS // g)
    t = np.empty(resamples)
    for start in range(0, resamples, rows):
        block = t[start : start + rows]
        drawn = rng.integers(g, size=(len(block), g))
        drawn += g * np.arange(len(block))[:, None]
        times = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(drawn.shape)
        n, r, rr, rn, nn = (times @ terms).T
        shift = r / n
        variance = g / (g - 1) * (rr - 2 * shift * rn + shift**2 * nn) / n**2
        block[:] = np.copysign(np.inf, shift)
        np.divide(shift, np.sqrt(np.maximum(variance, 0)), out=block, where=variance > 0)
    low, high = np.quantile(t, [0.025, 0.975], method="nearest")
    return Mean(mean, float(mean - high * error), float(mean - low * error), len(values))


def _standard_error(
    values: Floats, groups: Sequence[Any] | NDArray[Any]
) -> tuple[float, float, int]:
    """Return the mean, its standard error over groups and the degrees of freedom."""
    mean = float(np.mean(values))
    if not np.isfinite(mean):
        return mean, np.nan, 0
    _, index = np.unique(np.asarray(groups), return_inverse=True)
    residual = np.bincount(index, weights=values - mean)
    g = len(residual)
    if g < 2:
        return mean, np.nan, 0
    error = np.sqrt(g / (g - 1) * np.sum(residual**2)) / len(values)
    return mean, float(error), g - 1


def holm(p_values: Floats) -> Floats:
    """Return Holm's step-down adjusted p-values.

    References
    ----------
    Holm, Scand. J. Stat. 6 (1979).

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03]))
    array([0.03, 0.06, 0.06])
    """
    order = np.argsort(p_values)
    steps = np.arange(len(p_values), 0, -1)
    adjusted = np.minimum(np.maximum.accumulate(p_values[order] * steps), 1)
    result = np.empty_like(adjusted)
    result[order] = adjusted
    return result


def paired_difference(a: Floats, b: Floats) -> Floats:
    """Return a − b, with differences within rounding, and inf − inf, set to 0.

    Examples
    --------
    >>> paired_difference(np.array([3.0, 1.0, np.inf]), np.array([1.0, 1.0 + 1e-14, np.inf]))
    array([2., 0., 0.])
    """
    differ = ~np.isclose(a, b, rtol=1e-9, atol=0)
    return np.subtract(a, b, out=np.zeros_like(a), where=differ)
