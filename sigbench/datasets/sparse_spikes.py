"""The sparse spikes of Table 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from sigbench.core.protocols import Array, Domain
from sigbench.core.rng import item_rng
from sigbench.core.validation import check_field
from sigbench.datasets.base import Split


@dataclass(frozen=True)
class SparseSpikes:
    """Sparse spikes: integer amplitudes at random indices, all other samples zero.

    Indices are drawn with replacement; later amplitudes overwrite earlier ones.

    Parameters
    ----------
    n : int
        Length.
    draws : int
        Number of amplitudes.
    low, high : int
        Amplitudes are uniform on low..high; the peak is the largest absolute value.

    References
    ----------
    H. Fang, 2021 (report), section on the 1-D experiment, and its public code.

    Examples
    --------
    >>> x = SparseSpikes().item("test", 1, 0)
    >>> x.shape, int(np.count_nonzero(x)) <= 20, float(x.max()) <= 10
    ((1, 100), True, True)
    """

    n: int = 100
    draws: int = 20
    low: int = 2
    high: int = 10

    kind: ClassVar[str] = "sparse-spikes"
    domain: ClassVar[Domain] = "signal"
    version: ClassVar[str] = "1"

    def __post_init__(self) -> None:
        check_field("n", self.n, 1)
        check_field("draws", self.draws, 1)
        check_field("high", self.high, self.low)

    @property
    def peak(self) -> float:
        """The largest absolute amplitude."""
        return float(max(abs(self.low), abs(self.high)))

    @property
    def problem_info(self) -> dict[str, Any]:
        """The parameters of the prior."""
        return {"draws": self.draws, "low": self.low, "high": self.high}

    def size(self, split: Split) -> int | None:
        """Return None: the number of items is unlimited."""
        return None

    def item(self, split: Split, seed: int, item: int) -> Array:
        """Return one item, shape ``(1, n)``, float64."""
        return self.draw(1, item_rng(item, self.kind, self.version, split, seed))[0]

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Return ``n`` new items, shape ``(n, 1, length)``, float64."""
        x = np.zeros((n, 1, self.n))
        where = rng.integers(self.n, size=(n, self.draws))
        amplitudes = rng.integers(self.low, self.high + 1, size=(n, self.draws))
        x[np.arange(n)[:, None], 0, where] = amplitudes
        return x

    def group(self, split: Split, item: int) -> str | None:
        """Return None: items are independent."""
        return None
