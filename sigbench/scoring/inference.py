"""Confidence intervals and paired tests; groups of items are the independent units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, stdtr, stdtrit

Floats = NDArray[np.float64]
Groups = Sequence[Any] | NDArray[Any]

LEVEL = 0.05  # of all tests; intervals have the level 1 - LEVEL
ROUNDING = 1e-9  # relative difference that counts as rounding
MIN_GROUPS = 3  # of a t test: two groups agree by chance too easily


@dataclass(frozen=True)
class Mean:
    """A mean over n items with its 95 % interval; the ends are NaN if there is no interval."""

    mean: float
    low: float
    high: float
    n: int


def mean_interval(values: Floats, groups: Groups) -> Mean:
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
    mean, error, dof = _standard_error(np.asarray(values, dtype=np.float64), _index(groups))
    half = float(stdtrit(dof, 1 - LEVEL / 2)) * error if dof > 0 else np.nan
    return Mean(mean, mean - half, mean + half, len(values))


def mean_of(values: Floats) -> float:
    """Return the mean: ±inf if there are infinite values of one sign, NaN if there are of both.

    Finite values never overflow.

    Examples
    --------
    >>> mean_of(np.array([1e308, 1e308])), mean_of(np.array([1.0, np.inf]))
    (1e+308, inf)
    >>> mean_of(np.array([-np.inf, np.inf]))
    nan
    """
    if not np.isfinite(values).all():
        with np.errstate(invalid="ignore"):  # inf - inf
            return float(np.sum(values[~np.isfinite(values)]))
    scaled, exponent = _scaled(values)
    return float(np.ldexp(np.mean(scaled), exponent))


@dataclass(frozen=True)
class PairedTest:
    """The test of a paired difference A − B; the p-value and the interval are of the same test.

    p_value < 0.05 if, and only if, the interval excludes 0.

    Attributes
    ----------
    difference : Mean
        The difference with its 95 % interval, and the number of items. It is the mean difference
        or, if that is infinite, the median of the differences of groups that are not zero. The
        interval of a sign test is that of this median; it also includes the mean difference.
    groups : int
        The number of groups.
    p_value : float
        The two-sided p-value.
    test : {"t", "sign"}
        Student's t test or the sign test.
    """

    difference: Mean
    groups: int
    p_value: float
    test: Literal["t", "sign"]

    @property
    def significant(self) -> bool:
        """Whether the difference is significant at 5 %, without a correction for other tests."""
        return self.p_value < LEVEL


def paired_test(
    a: Floats,
    b: Floats,
    groups: Groups,
    *,
    higher_is_better: bool = True,
    difference: Callable[[Floats, Floats], Floats] | None = None,
) -> PairedTest:
    """Test whether two methods differ on their common items.

    This is the only rule by which sigbench decides that a method is better than another. It is
    Student's t test of the mean difference, over at least three groups. The sign test over groups
    replaces it if a mean cannot decide: if

    - a difference is infinite,
    - all differences are equal, so that their spread is unknown, or
    - few differences are so large that the t test could not be significant even if all groups had
      the same sign.

    The sign test asks on how many groups each method is better; groups without a difference do not
    count. Given the sizes of the differences its level is exact, and so is that of the choice
    between the tests. It is not significant if the mean difference has the opposite sign. An
    infinitely good value is no advantage beyond that item, but an infinitely bad value makes the
    mean infinitely bad: such a method is not better than one without such values.

    Parameters
    ----------
    a, b : array, shape (n,)
        Values of two methods; NaN marks items that a method was not run on.
    groups : sequence, length n
        Group of each item.
    higher_is_better : bool
        Direction of the values.
    difference : callable, optional
        Returns the differences of the values of common items; by default `paired_difference`.

    References
    ----------
    Dixon, Mood, J. Am. Stat. Assoc. 41 (1946): the sign test. Hahn, Meeker, Statistical Intervals
    (1991), section 5.2: the interval of a median.

    Examples
    --------
    >>> a = np.array([3.0, 4.0, 5.0])
    >>> test = paired_test(a, a - [1.0, 1.1, 1.2], range(3))
    >>> test.test, round(test.difference.low, 2), round(test.p_value, 4)
    ('t', 0.85, 0.0027)
    >>> paired_test(a, a, range(3)).p_value
    1.0
    >>> perfect, half = np.full(12, np.inf), np.array(6 * [np.inf, 20.0])
    >>> test = paired_test(perfect, half, range(12))
    >>> test.test, test.p_value, test.difference.low
    ('sign', 0.03125, inf)
    """
    both = ~(np.isnan(a) | np.isnan(b))
    a, b, index = a[both], b[both], _index(np.asarray(groups)[both])
    if not len(a):
        return PairedTest(Mean(np.nan, np.nan, np.nan, 0), 0, 1.0, "t")
    d = (difference or paired_difference)(a, b)
    if not np.isfinite(d).all():
        return _sign_test(d, index, _bad_mean(a, b, higher_is_better))
    mean, error, dof = _standard_error(d, index)
    g = int(index.max()) + 1
    if g < MIN_GROUPS or mean == 0 == error:
        end = np.nan if g < MIN_GROUPS else mean
        return PairedTest(Mean(mean, end, end, len(d)), g, 1.0, "t")
    if error <= ROUNDING * abs(mean):
        return _sign_test(d, index, mean)
    p = _t_p_value(mean, error, dof)
    if p >= LEVEL:
        same_sign = d * np.where(np.bincount(index, weights=d) < 0, -1, 1)[index]
        if _t_p_value(*_standard_error(same_sign, index)) >= LEVEL:
            sign = _sign_test(d, index, mean)
            if np.isfinite(sign.difference.low):
                return sign
    half = float(stdtrit(dof, 1 - LEVEL / 2)) * error
    return PairedTest(Mean(mean, mean - half, mean + half, len(d)), g, p, "t")


def _t_p_value(mean: float, error: float, dof: int) -> float:
    return float(2 * stdtr(dof, -abs(mean) / error)) if error > 0 else float(mean == 0)


def _bad_mean(a: Floats, b: Floats, higher_is_better: bool) -> float | None:
    """Return the infinite mean difference of values of which some are infinitely bad, else None.

    It is NaN if both methods have infinitely bad values on items where the other has not.
    """
    bad = -np.inf if higher_is_better else np.inf
    only_a, only_b = ((x == bad) & (y != bad) for x, y in ((a, b), (b, a)))
    if only_a.any() and only_b.any():
        return np.nan
    return bad if only_a.any() else -bad if only_b.any() else None


def _sign_test(d: Floats, index: NDArray[np.int64], mean: float | None) -> PairedTest:
    """Return the sign test of differences over groups; ``mean`` is their mean, if there is one."""
    g = int(index.max()) + 1
    of_groups = d if g == len(d) else np.array([_median(d[index == i]) for i in range(g)])
    nonzero = np.sort(of_groups[of_groups != 0])
    n, negative = len(nonzero), int((nonzero < 0).sum())
    fewer = min(negative, n - negative)
    p = min(1.0, float(2 * bdtr(fewer, n, 0.5)))
    # The test is significant if at most k - 1 groups have the other sign.
    k = int((2 * bdtr(np.arange(n + 1), n, 0.5) < LEVEL).sum())
    low, high = (nonzero[k - 1], nonzero[n - k]) if k else (np.nan, np.nan)
    estimate = _median(nonzero) if mean is None or not np.isfinite(mean) else mean
    if mean is not None:
        if np.sign(mean) != np.sign(n - 2 * negative):
            p = 1.0
        low, high = (-np.inf, np.inf) if np.isnan(mean) else (min(low, mean), max(high, mean))
    if not k:
        low = high = np.nan
    return PairedTest(Mean(float(estimate), float(low), float(high), len(d)), g, p, "sign")


def _median(values: Floats) -> float:
    """Return the median of the values that are not zero: the middle value that is closest to 0.

    It is 0 if there are as many positive as negative values.
    """
    nonzero = np.sort(values[values != 0])
    n = len(nonzero)
    return float(max(nonzero[(n - 1) // 2], 0) + min(nonzero[n // 2], 0)) if n else 0.0


def _index(groups: Groups) -> NDArray[np.int64]:
    """Return the number of the group of each item."""
    _, index = np.unique(np.asarray(groups), return_inverse=True)
    return index


def _scaled(values: Floats) -> tuple[Floats, int]:
    """Return values/2^e of at most 1, and e: their squares neither overflow nor vanish."""
    exponent = int(np.frexp(np.max(np.abs(values)))[1])
    return np.ldexp(values, -exponent), exponent


def _standard_error(values: Floats, index: NDArray[np.int64]) -> tuple[float, float, int]:
    """Return the mean, its standard error over groups and the degrees of freedom."""
    mean = mean_of(values)
    g = int(index.max()) + 1
    if not np.isfinite(mean) or g < 2:
        return mean, np.nan, 0
    scaled, exponent = _scaled(values)
    residual = np.bincount(index, weights=scaled - np.mean(scaled))
    error = np.sqrt(g / (g - 1) * np.sum(residual**2)) / len(values)
    with np.errstate(over="ignore"):
        return mean, float(np.ldexp(error, exponent)), g - 1


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
    with np.errstate(over="ignore"):
        differ = ~np.isclose(a, b, rtol=ROUNDING, atol=0)
        return np.subtract(a, b, out=np.zeros_like(a), where=differ)
