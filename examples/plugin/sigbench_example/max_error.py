"""A metric: a function of two batches with one value per item, and what it means."""

import numpy as np

from sigbench import Metric


def max_error(clean, estimate, peak):
    """Return the largest absolute error of each item, relative to the peak; arrays (N, samples)."""
    return np.abs(estimate - clean).max(axis=1) / peak


MAX_ERROR = Metric(max_error, unit="", higher_is_better=False)
