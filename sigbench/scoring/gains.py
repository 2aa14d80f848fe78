"""The gain of every method over the noisy input, paired by item."""

from __future__ import annotations

import numpy as np

from sigbench.config.registry import lookup
from sigbench.scoring.aggregate import difference
from sigbench.scoring.inference import Mean, mean_interval
from sigbench.scoring.metrics import METRICS
from sigbench.scoring.scores import Scores


def gains(scores: Scores, baseline: str = "noisy") -> dict[str, Mean]:
    """Return the mean gain of every method over a baseline, with its 95 % interval over groups.

    The gain of an item is the value of the method minus that of the baseline, with the opposite
    sign if lower is better, so that a positive gain is better.

    Parameters
    ----------
    scores : Scores
        The values of one problem and metric.
    baseline : str
        The method to compare with.

    Returns
    -------
    dict of str to Mean
        By method, over the items that both have; a method without such items is left out. Empty if
        there is no baseline.

    Examples
    --------
    >>> items = np.arange(3)
    >>> scores = Scores(
    ...     "suite", "problem", "dataset", "noise", "rmse", ("noisy", "half"), ("", ""),
    ...     ("none", "none"), items, items, items, np.array([[2.0, 4.0, 6.0], [1.0, 3.0, 5.0]]),
    ... )
    >>> gains(scores)["half"].mean
    1.0
    """
    if baseline not in scores.methods:
        return {}
    metric = lookup("metric", METRICS, scores.metric)
    sign = 1 if metric.higher_is_better else -1
    reference = scores.values[scores.methods.index(baseline)]
    found = {}
    for method, values in zip(scores.methods, scores.values, strict=True):
        both = ~np.isnan(values) & ~np.isnan(reference)
        if both.any():
            gain = sign * difference(metric, values[both], reference[both])
            found[method] = mean_interval(gain, scores.groups[both])
    return found
