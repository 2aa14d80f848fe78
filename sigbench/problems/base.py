"""The protocols of degradations, and the checks that they share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Domain, NoiseModel, Sigma
from sigbench.datasets.base import Dataset, Split

Caller = Callable[[Any, Array, Sigma], Array]
"""``caller(method, noisy, sigma)`` returns the estimate of a method."""


class ItemInfo(NamedTuple):
    """What is needed to show items: their domain, peak value, and sampling rate in Hz if any."""

    domain: Domain
    peak: float
    fs: float | None = None


MAX_DB = 300  # an amplitude ratio of 10¹⁵, about the precision of float64


def check_snr_db(snr_db: float | None, name: str = "snr_db") -> None:
    """Check that a signal-to-noise ratio is None or within ±300 dB, the precision of float64.

    Raises
    ------
    InputError
        If it is not; the message contains the value and the legal range.
    """
    if snr_db is not None and not -MAX_DB <= snr_db <= MAX_DB:
        raise InputError(f"{name}={snr_db:g} must be >= {-MAX_DB} and <= {MAX_DB}")


@dataclass(frozen=True)
class Degraded:
    """Clean items, noisy items and, for white noise, the noise levels, shape ``(N,)``."""

    clean: Array
    noisy: Array
    sigma: Array | None = None


class Degradation(Protocol):
    """A degradation of clean items; a frozen dataclass of its parameters.

    The random stream is named by ``kind`` and ``version``, not by the noise level.
    ``sigma_known`` tells whether the noise is white with a known level: `Degraded.sigma` is None
    if it is not.
    """

    @property
    def kind(self) -> str:
        """Name of the kind of degradation."""
        ...

    @property
    def version(self) -> int | str:
        """Version of the noise: it changes whenever the noise changes."""
        ...

    @property
    def sigma_known(self) -> bool:
        """Whether the noise is white with a known level."""
        ...

    def problem_info(self, space: tuple[int, ...]) -> Mapping[str, Any]:
        """Return the problem information for clean items of shape ``space``."""
        ...

    def __call__(self, source: Array, rng: np.random.Generator, *, peak: float) -> Degraded:
        """Return clean and noisy items made from source items ``(N, C, *space)``."""
        ...


@runtime_checkable
class KnownNoise(Protocol):
    """A degradation that adds noise of a known kind and level."""

    def noise_model(self, clean: Array, *, peak: float) -> NoiseModel:
        """Return the noise of clean items ``(N, C, *space)``, over all draws of the noise."""
        ...


@dataclass(frozen=True)
class Context:
    """The items for which noise is made.

    Parameters
    ----------
    dataset : Dataset
        Dataset of the clean items.
    split : {"train", "test"}
        Split of the clean items; the noise of the splits has no recording in common.
    item : int, optional
        Index of the clean item; None for new items drawn for training.
    """

    dataset: Dataset
    split: Split
    item: int | None = None

    @property
    def fs(self) -> float:
        """Sampling rate in Hz.

        Raises
        ------
        InputError
            If the dataset has no sampling rate.
        """
        if "fs" not in self.dataset.problem_info:
            raise InputError(f"{self.dataset.kind} has no sampling rate, which this noise needs")
        return float(self.dataset.problem_info["fs"])


@runtime_checkable
class Contextual(Protocol):
    """A degradation that depends on the dataset, the split or the item."""

    def in_context(self, context: Context) -> Degradation:
        """Return the degradation for these items."""
        ...

    def recordings(self, split: Split) -> list[str] | None:
        """Return the names of the noise recordings of a split, or None if nothing is recorded.

        Item i has the recording with the index ``i % len(names)``. Items with the same recording
        are dependent. If the list is empty, the split has no noise.
        """
        ...
