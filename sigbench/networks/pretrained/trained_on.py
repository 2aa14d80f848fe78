"""The kind and range of the data that weights were trained on, from their card."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple, get_args

import numpy as np

from sigbench.core.errors import Caution, InputError
from sigbench.core.protocols import Array, Domain

# Cards that were written before they had `domain` and `peak` name only the dataset.
DATASETS: dict[str, tuple[Domain, float]] = {
    "sparse-spikes": ("signal", 10.0),
    "photos32": ("image", 255.0),
    "speech-training": ("speech", 1.0),
}
MAX_PEAK_RATIO = 2.0  # of a dataset's peak to that of the training data, or the reverse
MAX_ABOVE, MAX_BELOW = 8.0, 50.0  # of the largest value; a picture with 5 of 255 levels is black


class TrainedOn(NamedTuple):
    """Kind and peak of the training data; None if the card does not contain it."""

    domain: Domain | None = None
    peak: float | None = None


def trained_on(card: Mapping[str, Any]) -> TrainedOn:
    """Return the kind and the peak of the data that weights were trained on.

    Parameters
    ----------
    card : mapping
        The card: its fields ``domain`` and ``peak``, otherwise the name of its dataset.

    Raises
    ------
    InputError
        If a field has an impossible value.

    Examples
    --------
    >>> trained_on({"data": {"dataset": "photos32 v1"}})
    TrainedOn(domain='image', peak=255.0)
    """
    data = card.get("data")
    name = str(data.get("dataset", "")) if isinstance(data, Mapping) else ""
    domain, peak = DATASETS.get(name.partition(" ")[0], (None, None))
    domain, peak = card.get("domain", domain), card.get("peak", peak)
    if domain is not None and domain not in get_args(Domain):
        raise InputError(f"card: domain={domain!r} must be one of: {', '.join(get_args(Domain))}")
    number = isinstance(peak, int | float) and not isinstance(peak, bool)
    if peak is not None and not (number and 0 < peak < math.inf):
        raise InputError(f"card: peak={peak!r} must be > 0 and finite")
    return TrainedOn(domain, peak)


def is_other_peak(trained: float, peak: float) -> bool:
    """Return whether the peak of a dataset is not that of the training data.

    Examples
    --------
    >>> is_other_peak(255.0, 1.0), is_other_peak(255.0, 256.0)
    (True, False)
    """
    return not 1 / MAX_PEAK_RATIO < peak / trained < MAX_PEAK_RATIO


def is_far_off(trained: float, noisy: Array) -> bool:
    """Return whether the largest magnitude of a batch cannot be in the units of the training data.

    It is then more than 8 times the peak of the training data, or less than a fiftieth. Noise
    seldom exceeds the former, and dark pictures the latter.
    """
    largest = float(np.abs(noisy).max())
    return largest > MAX_ABOVE * trained or 0 < largest < trained / MAX_BELOW


def caution_of_range(name: str, trained: float, noisy: Array) -> None:
    """Warn that values are not in the units of the training data."""
    warnings.warn(
        f"{name} was trained on values up to {trained:g}, but the largest magnitude here is "
        f"{float(np.abs(noisy).max()):.3g}: scale the data, or the estimate is probably poor",
        Caution,
        stacklevel=3,
    )
