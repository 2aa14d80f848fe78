"""Intervals, paired tests and tied ranks, with groups as the units that are independent."""

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
    """A mean with its 95 % interval; the ends are NaN where there is a single group."""

    mean: float
    low: float
    high: float
    n: int


def mean_interval(values: Floats, groups: Sequence[Any] | NDArray[Any]) -> Mean:
    """Return the mean over items with a 95 % interval over groups.

    The standard error is that of a ratio of group totals to group sizes,
    s² = G/(G − 1)·Σ_g (Σ_{i∈g} (v_i − v̄))² / n², with Student's t of G − 1 degrees of freedom;
    for groups of one item each it is the ordinary t interval.

    Parameters
    ----------
    values : array, shape (n,)
        One value per item.
    groups : sequence, length n
        Group of each item.

    References
    ----------
    Cochran, Sampling Techniques (3rd ed., 1977), chapter 6 (ratio estimators) on cluster totals.

    Examples
    --------
    >>> m = mean_interval(np.array([1.0, 2.0, 3.0]), ["a", "b", "c"])
    >>> round(m.mean, 2), round(m.low, 2), round(m.high, 2), m.n
    (2.0, -0.48, 4.48, 3)
    """
    mean, error, freedom = _clustered(values, groups)
    half = float(stdtrit(freedom, 0.975)) * error if freedom > 0 else np.nan
    return Mean(mean, mean - half, mean + half, len(values))


def paired_p_value(difference: Floats, groups: Sequence[Any] | NDArray[Any]) -> float:
    """Return the two-sided p-value of paired differences, by mean and by signed ranks.

    Two methods differ where Student's t test of the mean and, where every item stands alone,
    Wilcoxon's signed ranks say so, and both in one direction: the larger p-value counts. Items
    in groups have the t test over groups alone, which a few groups can carry.

    Parameters
    ----------
    difference : array, shape (n,)
        Value of one method minus value of another on the same item.
    groups : sequence, length n
        Group of each item.

    References
    ----------
    Wilcoxon, Biometrics Bulletin 1 (1945). Berger, Technometrics 24 (1982), on rejecting only
    where each of several tests does.

    Examples
    --------
    >>> paired_p_value(np.zeros(4), range(4))
    1.0
    >>> paired_p_value(np.array([-9.0] + 40 * [0.1]), range(41)) > 0.05  # the mean says no
    True
    """
    mean, error, freedom = _clustered(difference, groups)
    if freedom < 1 or not np.isfinite(mean):
        return 1.0
    if error == 0:
        of_mean = 1.0 if mean == 0 else 0.0
    else:
        of_mean = float(2 * stdtr(freedom, -abs(mean) / error))
    if freedom < len(difference) - 1 or of_mean == 1:
        return of_mean
    # The ranks must point where the mean does.
    return min(1.0, max(of_mean, 2 * _signed_rank_tail(np.sign(mean) * difference)))


def _signed_rank_tail(difference: Floats) -> float:
    """Return Wilcoxon's one-sided p-value that differences are above zero.

    Zeros are dropped, ties share their mean rank. Up to 50 differences have the exact law of the
    sum of positive ranks r, Π(1 + xʳ)/2ⁿ, more the normal approximation corrected for ties.
    """
    nonzero = difference[difference != 0]
    n = len(nonzero)
    _, tie, size = np.unique(np.abs(nonzero), return_inverse=True, return_counts=True)
    rank = np.cumsum(size) - (size - 1) / 2
    positive = float(rank[tie][nonzero > 0].sum())
    if n <= 50:
        law = np.ones(1)
        for twice in (2 * rank[tie]).astype(int).tolist():  # shared ranks are halves
            law = (np.pad(law, (0, twice)) + np.pad(law, (twice, 0))) / 2
        return float(law[round(2 * positive) :].sum())
    variance = n * (n + 1) * (2 * n + 1) / 24 - np.sum(size**3.0 - size) / 48
    return float(ndtr(-(positive - n * (n + 1) / 4) / np.sqrt(variance)))


def bootstrap_interval(
    values: Floats,
    groups: Sequence[Any] | NDArray[Any],
    *,
    rng: np.random.Generator,
    resamples: int = 1999,
) -> Mean:
    """Return the mean over items with a 95 % studentized bootstrap interval, groups resampled.

    For every resample of whole groups, t* = (v̄* − v̄)/s*; the interval is
    [v̄ − t*₀.₉₇₅·s, v̄ − t*₀.₀₂₅·s], s being the standard error of `mean_interval`.

    Parameters
    ----------
    values : array, shape (n,)
        One value per item.
    groups : sequence, length n
        Group of each item.
    rng : numpy.random.Generator
        Draws the resamples.
    resamples : int
        How many.

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
    mean, error, freedom = _clustered(values, groups)
    if freedom < 1 or error == 0:
        end = mean if freedom > 0 else np.nan
        return Mean(mean, end, end, len(values))
    _, of_group = np.unique(np.asarray(groups), return_inverse=True)
    count = np.bincount(of_group).astype(np.float64)
    residual = np.bincount(of_group, weights=values - mean)
    g = len(count)
    # Of a resample only these totals are needed: n*, Σr, Σr², Σrn, Σn².
    totals = np.stack([count, residual, residual**2, residual * count, count**2], axis=1)
    t = np.empty(resamples)
    for i in range(resamples):
        times = np.bincount(rng.integers(g, size=g), minlength=g)
        n, r, rr, rn, nn = times @ totals
        shift = r / n
        variance = g / (g - 1) * (rr - 2 * shift * rn + shift**2 * nn) / n**2
        t[i] = shift / np.sqrt(variance) if variance > 0 else np.copysign(np.inf, shift)
    low, high = np.quantile(t, [0.025, 0.975], method="nearest")
    return Mean(mean, float(mean - high * error), float(mean - low * error), len(values))


def _clustered(values: Floats, groups: Sequence[Any] | NDArray[Any]) -> tuple[float, float, int]:
    """Return mean, standard error and degrees of freedom."""
    mean = float(np.mean(values))
    if not np.isfinite(mean):
        return mean, np.nan, 0
    _, of_group = np.unique(np.asarray(groups), return_inverse=True)
    residual = np.bincount(of_group, weights=values - mean)
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


def ranks(
    values: Floats, groups: Sequence[Any] | NDArray[Any], *, higher_is_better: bool
) -> list[tuple[int, int]]:
    """Return (rank_low, rank_high) of every method, by all paired tests under Holm at 5 %.

    rank_low is 1 + the number of methods significantly better, rank_high K − the number
    significantly worse.

    Parameters
    ----------
    values : array, shape (K, n)
        One row a method, one column an item; NaN where a method has not seen an item. Two
        methods are compared on the items that both have.
    groups : sequence, length n
        Group of each item.
    higher_is_better : bool
        Direction of the metric.

    Examples
    --------
    >>> v = np.random.default_rng(0).normal(size=(3, 50)) + [[0.0], [0.0], [9.0]]
    >>> ranks(v, range(50), higher_is_better=True)
    [(2, 3), (2, 3), (1, 1)]
    """
    k = len(values)
    pairs = [(a, b) for a in range(k) for b in range(a + 1, k)]
    if not pairs:
        return [(1, 1)] * k
    groups = np.asarray(groups)
    differences = [paired_difference(values[a], values[b]) for a, b in pairs]
    both = [~np.isnan(difference) for difference in differences]
    p = holm(
        np.array(
            [
                paired_p_value(difference[on], groups[on]) if on.any() else 1.0
                for difference, on in zip(differences, both, strict=True)
            ]
        )
    )
    better = np.zeros((k, k), dtype=bool)  # better[a, b]: a is significantly better than b
    for (a, b), p_value, difference in zip(pairs, p, differences, strict=True):
        if p_value < 0.05:
            a_wins = (np.nanmean(difference) > 0) == higher_is_better
            better[(a, b) if a_wins else (b, a)] = True
    return [(1 + int(better[:, i].sum()), k - int(better[i].sum())) for i in range(k)]


def paired_difference(a: Floats, b: Floats) -> Floats:
    """Return a − b where they differ by more than rounding, else 0; inf − inf is 0 too.

    Examples
    --------
    >>> paired_difference(np.array([3.0, 1.0, np.inf]), np.array([1.0, 1.0 + 1e-14, np.inf]))
    array([2., 0., 0.])
    """
    differ = ~np.isclose(a, b, rtol=1e-9, atol=0)
    return np.subtract(a, b, out=np.zeros_like(a), where=differ)
