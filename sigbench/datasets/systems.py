"""Impulse responses of systems with a stable inverse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from sigbench.core.protocols import Array, Domain
from sigbench.core.rng import item_rng
from sigbench.core.validation import check_field
from sigbench.datasets.base import Split


@dataclass(frozen=True)
class Systems:
    """Impulse responses h with h[0] = 1 and a decaying random tail, which have an inverse.

    For k ≥ 1, h[k] ∝ gₖ·exp(−k/decay), where the gₖ are independent standard normal and
    Σₖ|h[k]| = tail < 1. Hence 1 − tail ≤ |H(f)| ≤ 1 + tail at every frequency, and h has a
    circular inverse of any length.

    Parameters
    ----------
    taps : int
        Length of h.
    decay : float
        Lags after which the envelope of the tail has decreased by a factor of e.
    tail : float
        Sum of the absolute values of the tail.

    Examples
    --------
    >>> h = Systems(taps=8).item("test", 1, 0)
    >>> h.shape, float(h[0, 0]), round(float(np.abs(h[0, 1:]).sum()), 12)
    ((1, 8), 1.0, 0.8)
    """

    taps: int = 16
    decay: float = 8.0
    tail: float = 0.8

    kind: ClassVar[str] = "systems"
    domain: ClassVar[Domain] = "system"
    version: ClassVar[str] = "1"
    peak: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        check_field("taps", self.taps, 2)
        check_field("decay", self.decay, 0.1)
        check_field("tail", self.tail, 0, below=1)

    @property
    def problem_info(self) -> dict[str, Any]:
        """``taps``: the length of an item."""
        return {"taps": self.taps}

    def size(self, split: Split) -> int | None:
        """Return None: the number of items is unlimited."""
        return None

    def item(self, split: Split, seed: int, item: int) -> Array:
        """Return one item, shape ``(1, taps)``, float64."""
        rng = item_rng(item, self.kind, self.version, split, seed)
        lags = np.arange(1, self.taps)
        tail = rng.standard_normal(self.taps - 1) * np.exp(-lags / self.decay)
        return np.concatenate([[1.0], self.tail * tail / np.abs(tail).sum()])[None]

    def group(self, split: Split, item: int) -> str | None:
        """Return None: items are independent."""
        return None
