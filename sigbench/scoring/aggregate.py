"""Average metric values over items: means, paired differences and confidence intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigbench.scoring.inference import Floats, Mean, mean_interval, paired_difference
from sigbench.scoring.metrics import Metric


def average(metric: Metric, values: Floats, groups: Sequence[Any] | NDArray[Any]) -> Mean:
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


def paired(metric: Metric, a: Floats, b: Floats) -> Floats:
    """Return a − b per item on the scale that the metric averages, as significance tests use it."""
    return paired_difference(metric.scaled(a), metric.scaled(b))


def difference(metric: Metric, a: Floats, b: Floats) -> Floats:
    """Return one number per item; their mean is the score of A minus the score of B.

    An interval of this mean is an interval of the difference between the scores. If the metric
    averages values, the numbers are the paired differences. If it averages errors, the difference
    d = 10·log10(ē_b/ē_a) is linearized at the two means (delta method), which gives
    d − 10/ln 10·(e_a/ē_a − e_b/ē_b) per item.

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
    mean_a, mean_b = float(np.mean(error_a)), float(np.mean(error_b))
    d = 0.0 if mean_a == mean_b else metric.unscaled(-mean_a) - metric.unscaled(-mean_b)
    if not (0 < mean_a < math.inf and 0 < mean_b < math.inf):
        return np.full(len(a), d)
    return d - 10 / math.log(10) * (error_a / mean_a - error_b / mean_b)
