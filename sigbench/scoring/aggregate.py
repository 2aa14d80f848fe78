"""Average metric values over items: means, paired differences and confidence intervals."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from sigbench.scoring.inference import (
    Floats,
    Groups,
    Mean,
    PairedTest,
    mean_interval,
    mean_of,
    paired_difference,
    paired_test,
)
from sigbench.scoring.metrics import Metric
from sigbench.scoring.ranks import PairTests, pair_tests

MAX_DB = 300  # an amplitude ratio of 10¹⁵, about the precision of float64


def average(metric: Metric, values: Floats, groups: Groups) -> Mean:
    """Return the mean of a metric over items with its 95 % confidence interval over groups.

    The mean and the interval are computed on the scale that the metric averages and then mapped
    back. For a metric that averages errors, the interval is therefore not symmetric, and its upper
    end is +inf if the interval of the mean error reaches zero. Without values, all are NaN.

    Parameters
    ----------
    metric : Metric
        The metric of the values.
    values : array, shape (n,)
        One value per item.
    groups : sequence, length n
        Group of each item.

    Examples
    --------
    >>> from sigbench.scoring.metrics import METRICS
    >>> m = average(METRICS["psnr_global"], np.array([20.0, 20.0, 23.0, 23.0]), range(4))
    >>> round(m.low, 2), round(m.mean, 2), round(m.high, 2)
    (19.18, 21.25, 25.34)
    """
    if not len(values):
        return Mean(math.nan, math.nan, math.nan, 0)
    scaled = mean_interval(metric.scaled(values), groups)
    low, mean, high = (metric.unscaled(end) for end in (scaled.low, scaled.mean, scaled.high))
    return Mean(mean, low, high, scaled.n)


def difference(metric: Metric, a: Floats, b: Floats) -> Floats:
    """Return one number per item; their mean is the score of A minus the score of B.

    An interval of this mean is an interval of the difference between the scores. If the metric
    averages values, the numbers are the paired differences. If it averages errors, the difference
    d = 10·log10(ē_b/ē_a) is linearized at the two means (delta method), which gives
    d − 10/ln 10·(e_a/ē_a − e_b/ē_b) per item; if a mean is zero or infinite, the numbers are the
    paired differences of the values.

    Parameters
    ----------
    metric : Metric
        The metric of the values.
    a, b : array, shape (n,)
        Values of two methods on the same items, without NaN.

    Returns
    -------
    array, shape (n,)
        Differences in the unit of the metric.

    References
    ----------
    Cochran, Sampling Techniques (3rd ed., 1977), chapter 6 (linearized ratios).

    Examples
    --------
    >>> from sigbench.scoring.metrics import METRICS
    >>> a, b = np.array([20.0, 23.0]), np.array([17.0, 20.0])
    >>> difference(METRICS["psnr_global"], a, b).round(9)
    array([3., 3.])
    """
    if metric.averages == "values":
        return paired_difference(a, b)
    error_a, error_b = -metric.scaled(a), -metric.scaled(b)
    # Differences within rounding are 0.
    error_b = np.where(paired_difference(error_a, error_b) == 0, error_a, error_b)
    mean_a, mean_b = mean_of(error_a), mean_of(error_b)
    if not (0 < mean_a < math.inf and 0 < mean_b < math.inf):
        return paired_difference(a, b)
    d = 0.0 if mean_a == mean_b else metric.unscaled(-mean_a) - metric.unscaled(-mean_b)
    return d - 10 / math.log(10) * (error_a / mean_a - error_b / mean_b)


def limited(metric: Metric, values: Floats) -> Floats:
    """Return values for tests: those beyond ±300 dB count as infinite.

    There the error or the signal is below the precision of float64.

    Examples
    --------
    >>> from sigbench.scoring.metrics import METRICS
    >>> limited(METRICS["psnr"], np.array([30.0, -3990.0]))
    array([ 30., -inf])
    """
    if metric.unit != "dB":
        return values
    return np.where(np.abs(values) > MAX_DB, np.copysign(np.inf, values), values)


def compare_pair(metric: Metric, a: Floats, b: Floats, groups: Groups) -> PairedTest:
    """Test whether two methods differ by a metric: `paired_test` of `difference`.

    Parameters
    ----------
    metric : Metric
        The metric of the values.
    a, b : array, shape (n,)
        Values of two methods; NaN marks items that a method was not run on.
    groups : sequence, length n
        Group of each item.

    Examples
    --------
    >>> from sigbench.scoring.metrics import METRICS
    >>> a = np.array([30.0, 31.0, 32.0])
    >>> compare_pair(METRICS["psnr"], a, a - [1.0, 1.1, 1.2], range(3)).significant
    True
    """
    return paired_test(
        limited(metric, a),
        limited(metric, b),
        groups,
        higher_is_better=metric.higher_is_better,
        difference=partial(difference, metric),
    )


def compare_all(metric: Metric, values: Floats, groups: Groups) -> PairTests:
    """Test all pairs of methods by a metric; the p-values are adjusted together.

    Parameters
    ----------
    metric : Metric
        The metric of the values.
    values : array, shape (K, n)
        One row per method; NaN marks items that a method was not run on.
    groups : sequence, length n
        Group of each item.

    Examples
    --------
    >>> from sigbench.scoring.metrics import METRICS
    >>> values = np.array([[30.0, 31.0, 32.0], [29.0, 29.9, 30.8]])
    >>> compare_all(METRICS["psnr"], values, range(3)).better(0, 1)
    True
    """
    return pair_tests(
        limited(metric, values),
        groups,
        higher_is_better=metric.higher_is_better,
        difference=partial(difference, metric),
    )
