"""Tests over datasets: ranks, Friedman's test and Wilcoxon's signed-rank test."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sigbench.scoring.inference import LEVEL, Floats

MAX_EXACT = 50  # datasets; with more, the normal approximation is used
DIGITS = 9  # significant digits in which differences are compared


@dataclass(frozen=True)
class Friedman:
    """Friedman's test whether any methods differ over datasets.

    Attributes
    ----------
    chi2, p_chi2 : float
        Friedman's statistic, corrected for ties, and its p-value.
    f, p_value : float
        Iman and Davenport's statistic, which is less conservative, and its p-value. If the order of
        the methods is the same on all datasets, f is infinite, and the p-value is the chance of
        this: 1 over the number of orders, to the power of n - 1.
    methods, datasets : int
        The numbers of methods k and datasets n: chi2 has k − 1 degrees of freedom, and f has
        k − 1 and (k − 1)(n − 1).
    """

    chi2: float
    p_chi2: float
    f: float
    p_value: float
    methods: int
    datasets: int


def smallest_p(n: int, pairs: int) -> float:
    """Return the smallest p-value that a sign or signed-rank test over n units can have.

    It is 2/2ⁿ: all differences have one sign. Holm's method multiplies it by the number of pairs.

    Examples
    --------
    >>> smallest_p(6, 1), smallest_p(6, 3), smallest_p(1, 1)
    (0.03125, 0.09375, 1.0)
    """
    return min(1.0, math.ldexp(pairs, 1 - n))


def units_needed(pairs: int) -> int:
    """Return the number of units from which on one of so many pairs can be significant.

    Examples
    --------
    >>> units_needed(1), units_needed(3)
    (6, 7)
    """
    return next(n for n in range(1, 100) if smallest_p(n, pairs) < LEVEL)


def average_ranks(scores: Floats, *, higher_is_better: bool) -> Floats:
    """Return the ranks of methods on each dataset; 1 is the best, and ties share their mean rank.

    Parameters
    ----------
    scores : array, shape (datasets, methods)
        The scores.
    higher_is_better : bool
        The direction of the scores.

    Returns
    -------
    array, shape (datasets, methods)

    Examples
    --------
    >>> average_ranks(np.array([[0.9, 0.8, 0.9]]), higher_is_better=True)
    array([[1.5, 3. , 1.5]])
    """
    from scipy.stats import rankdata

    signed = -scores if higher_is_better else scores
    return np.asarray(rankdata(_rounded(signed), axis=1), dtype=np.float64)


def friedman(ranks: Floats) -> Friedman:
    """Return Friedman's test with Iman and Davenport's correction.

    Parameters
    ----------
    ranks : array, shape (datasets, methods)
        The ranks of at least three methods on at least two datasets.

    References
    ----------
    Friedman, J. Am. Stat. Assoc. 32 (1937). Iman, Davenport, Commun. Stat. 9 (1980), equation 1.
    Demšar, J. Mach. Learn. Res. 7 (2006), section 3.2.2.

    Examples
    --------
    >>> test = friedman(np.array([[1.0, 2.0, 3.0], [1.0, 3.0, 2.0], [1.0, 2.0, 3.0]]))
    >>> round(test.chi2, 3), round(test.f, 3), round(test.p_value, 4)
    (4.667, 7.0, 0.0494)
    >>> test = friedman(np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]))
    >>> test.f, round(test.p_value, 4)
    (inf, 0.1667)
    """
    from scipy.stats import f as f_distribution
    from scipy.stats import friedmanchisquare

    n, k = ranks.shape
    if (ranks == ranks[:, :1]).all():
        return Friedman(0.0, 1.0, 0.0, 1.0, k, n)
    found = friedmanchisquare(*ranks.T)
    chi2 = float(found.statistic)
    rest = n * (k - 1) - chi2
    if rest <= 1e-9 * chi2:
        return Friedman(chi2, float(found.pvalue), math.inf, _same_order_p(ranks), k, n)
    f = (n - 1) * chi2 / rest
    p = float(f_distribution.sf(f, k - 1, (k - 1) * (n - 1)))
    return Friedman(chi2, float(found.pvalue), f, p, k, n)


def _same_order_p(ranks: Floats) -> float:
    """Return the chance that all datasets order the methods as the first one does."""
    tied = np.unique(ranks[0], return_counts=True)[1]
    log_orders = math.lgamma(ranks.shape[1] + 1) - sum(math.lgamma(t + 1) for t in tied.tolist())
    return math.exp(-(len(ranks) - 1) * log_orders)


def wilcoxon_p(differences: Floats) -> tuple[float, float]:
    """Return the difference of the two sums of ranks, and the two-sided p-value.

    Wilcoxon's signed-rank test; differences of zero do not count. The p-value is exact, also with
    ties, up to 50 differences: the distribution of the sum of ranks over all signs. With more, it
    is SciPy's normal approximation with a correction for ties.

    Parameters
    ----------
    differences : array, shape (n,)
        The differences.

    References
    ----------
    Wilcoxon, Biometrics Bull. 1 (1945). Streitberg, Röhmel, Stat. Softw. Newsl. 12 (1986): the
    recursion.

    Examples
    --------
    >>> wilcoxon_p(np.array([1.0, 2.0, 3.0, 4.0, 5.0, -6.0]))
    (9.0, 0.4375)
    >>> wilcoxon_p(np.zeros(3))
    (0.0, 1.0)
    """
    from scipy.stats import rankdata, wilcoxon

    d = _rounded(differences[differences != 0])
    if not len(d):
        return 0.0, 1.0
    doubled = np.rint(2 * rankdata(np.abs(d))).astype(np.int64)  # whole also for ties
    positive, total = int(doubled[d > 0].sum()), int(doubled.sum())
    balance = positive - total / 2
    if len(d) > MAX_EXACT:
        return balance, float(wilcoxon(d).pvalue)
    chance = np.zeros(total + 1)
    chance[0] = 1.0
    for rank in doubled:
        moved = np.zeros_like(chance)
        moved[rank:] = chance[: total + 1 - rank]
        chance = (chance + moved) / 2
    fewer = min(positive, total - positive)
    return balance, min(1.0, float(2 * chance[: fewer + 1].sum()))


def _rounded(values: Floats) -> Floats:
    """Return values in nine significant digits, so that 0.3 − 0.2 and 0.2 − 0.1 are a tie."""
    with np.errstate(divide="ignore"):
        digits = DIGITS - 1 - np.floor(np.log10(np.abs(values)))
    digits = np.where(values == 0, 0, np.clip(digits, -290, 290))
    scale = 10.0**digits
    return np.rint(values * scale) / scale
