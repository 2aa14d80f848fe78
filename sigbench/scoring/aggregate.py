"""What items come to together: means and differences of a metric, with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigbench.scoring.inference import Floats, Mean, mean_interval, paired_difference
from sigbench.scoring.metrics import Metric


def average(metric: Metric, values: Floats, groups: Sequence[Any] | NDArray[Any]) -> Mean:
    """Return a metric's mean over items with its 95 % interval over groups.

    Both are taken on the scale that the metric averages; the ends are then mapped back, so of
    errors they are not symmetric, and the upper one is +inf where the mean error may be none.

    Parameters
    ----------
    metric : Metric
        What the values are of.
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
    scaled = mean_interval(metric.scaled(values), groups)
    low, mean, high = (metric.unscaled(end) for end in (scaled.low, scaled.mean, scaled.high))
    return Mean(mean, low, high, scaled.n)


def paired(metric: Metric, a: Floats, b: Floats) -> Floats:
    """Return differences of A and B on the scale that the metric averages: what tests go by."""
    return paired_difference(metric.scaled(a), metric.scaled(b))


def difference(metric: Metric, a: Floats, b: Floats) -> Floats:
    """Return one number per item whose mean is A's figure minus B's, for an interval of it.

    Of values these are the paired differences. Of errors, 10·log10(ē_b/ē_a) is linearized around
    the two means (the delta method): d − 10/ln 10·(e_a/ē_a − e_b/ē_b), whose mean is d.

    Parameters
    ----------
    metric : Metric
        What the values are of.
    a, b : array, shape (n,)
        Values of two methods on the same items, none missing.

    References
    ----------
    Cochran, Sampling Techniques (3rd ed., 1977), chapter 6, on linearized ratios.

    Examples
    --------
    >>> from sigbench.scoring.metrics import METRICS
    >>> a, b = np.array([20.0, 23.0]), np.array([17.0, 20.0])
    >>> difference(METRICS["psnr_global"], a, b).round(9)
    array([3., 3.])
    """
    if metric.averages == "values":
        return paired_difference(a, b)
    of_a, of_b = -metric.scaled(a), -metric.scaled(b)
    of_b = np.where(paired_difference(of_a, of_b) == 0, of_a, of_b)  # no difference of rounding
    mean_a, mean_b = float(np.mean(of_a)), float(np.mean(of_b))
    d = 0.0 if mean_a == mean_b else metric.unscaled(-mean_a) - metric.unscaled(-mean_b)
    if not (0 < mean_a < math.inf and 0 < mean_b < math.inf):
        return np.full(len(a), d)
    return d - 10 / math.log(10) * (of_a / mean_a - of_b / mean_b)
