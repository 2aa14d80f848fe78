"""The spacing of samples on an axis: step, jitter and gaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GAP = 1.5  # steps between two samples of which at least one is missing
MIN_EQUAL = 0.75  # of the steps, so that longer ones are gaps and not the effect of rounding
MAX_GAPS, MAX_REGULAR_GAPS = 0.1, 0.35  # of the steps, if the others differ, or are equal
MAX_JITTER = 0.1  # of a step, for even spacing
MAX_SPREAD = 0.3  # standard deviation of the steps, for a sampling rate


@dataclass(frozen=True)
class Spacing:
    """How samples are spaced.

    Attributes
    ----------
    step : float
        Mean distance of neighbors apart from gaps; 0 if the samples are not in order.
    even : bool
        Whether the distances are equal, apart from gaps and from what rounding explains.
    gaps : int
        The number of gaps.
    spread : float
        Standard deviation of the distances apart from gaps, in steps.
    low, high : float
        The smallest and the largest distance apart from gaps.
    error : float
        Largest relative error of the step because the positions are rounded; 0 if all distances
        are equal.
    """

    step: float
    even: bool
    gaps: int
    spread: float
    low: float
    high: float
    error: float = 0.0

    @property
    def ordered(self) -> bool:
        """Whether the samples are in order."""
        return self.step > 0


UNORDERED = Spacing(0.0, False, 0, np.inf, 0.0, 0.0)


def spacing_of(positions: NDArray[np.float64], resolution: float) -> Spacing:
    """Measure the spacing of samples.

    Parameters
    ----------
    positions : array, shape (L,)
        Where the samples are; finite.
    resolution : float
        The smallest distance that the file can express. Several samples can have the same position
        if it is coarse.

    Examples
    --------
    >>> spacing_of(np.array([0.0, 0.33, 0.67, 1.0]), 0.01).even
    True
    >>> spacing_of(np.array([0.0, 1, 2, 5, 6, 7]), 1.0).gaps
    1
    """
    steps = np.diff(positions)
    if len(steps) == 0 or not steps.any():
        return UNORDERED
    if (steps <= 0).all():
        steps = -steps
    if (steps < 0).any():
        return UNORDERED
    rounding = 1e-14 * float(np.abs(positions).max())  # of float64
    usual = float(np.median(steps))
    equal = np.abs(steps - usual) <= MAX_JITTER * usual + rounding
    slack = 1.01 * resolution + rounding
    similar = np.ptp(steps) <= slack and steps.max() < GAP * usual
    if usual > 0 and equal.mean() >= MIN_EQUAL and not similar:
        slack = rounding
    else:  # do the texts round evenly spaced samples?
        mean = _mean_step(steps)
        ideal = mean * np.arange(1, len(positions))
        error = np.abs(positions[1:] - positions[0]) - ideal
        if np.ptp(error) <= 2 * slack:
            low, high = float(steps.min()), float(steps.max())
            known = max(float(steps.sum()) - resolution, mean)
            wrong = min(resolution, mean) / known if high - low > rounding else 0.0
            return Spacing(mean, True, 0, 0.0, low, high, wrong)
        usual = float(np.median(steps[steps > 0])) if np.mean(steps > 0) > 0.5 else mean
    gap = gaps_of(steps, usual, slack)
    even = _is_even(steps[~gap], slack)
    rest = steps[~gap]
    step = float(rest.mean())
    spread = float(rest.std()) / step
    return Spacing(step, even, int(gap.sum()), spread, float(rest.min()), float(rest.max()))


def gaps_of(
    steps: NDArray[np.float64], usual: float | None = None, slack: float = 0.0
) -> NDArray[np.bool_]:
    """Return which distances between neighbors are gaps.

    Parameters
    ----------
    steps : array, shape (L - 1,)
        The distances; at least 0.
    usual : float, optional
        The usual distance; the median of those above 0 if it is not given.
    slack : float
        What rounding can add to a distance.
    """
    if usual is None:
        usual = float(np.median(steps[steps > 0])) if (steps > 0).any() else np.inf
    gap = steps > GAP * usual + slack
    most = MAX_REGULAR_GAPS if _is_even(steps[~gap], slack) else MAX_GAPS
    return gap if gap.any() and gap.mean() <= most else np.zeros_like(gap)


def _mean_step(steps: NDArray[np.float64]) -> float:
    """Return the mean step from the first to the last change, which equal positions do not bias."""
    changes = np.flatnonzero(steps)
    if len(changes) < 3:
        return float(steps.mean())
    first, last = int(changes[0]), int(changes[-1])
    return float(steps[first + 1 : last + 1].sum() / (last - first))


def _is_even(steps: NDArray[np.float64], slack: float) -> bool:
    step = float(steps.mean()) if len(steps) else 0.0
    return step > 0 and bool((np.abs(steps - step) <= max(2 * slack, MAX_JITTER * step)).all())
