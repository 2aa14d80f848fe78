"""A dataset: a frozen dataclass that satisfies sigbench.Dataset."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np


@dataclass(frozen=True)
class Chirps:
    """Linear chirps with random frequencies and phase.

    Parameters
    ----------
    n : int
        Samples per item.
    """

    n: int = 256

    kind: ClassVar[str] = "chirps"  # its name, as in pyproject.toml
    domain: ClassVar[str] = "signal"
    peak: ClassVar[float] = 1.0
    problem_info: ClassVar[dict] = {}
    version: ClassVar[str] = "1"  # raise it when the items change

    def size(self, split):
        """Return None: the number of items is unlimited."""
        return None

    def item(self, split, seed, item):
        """Return a clean item, shape (1, n): a function of the arguments alone."""
        rng = np.random.default_rng([seed, item, split == "train"])
        start, end, phase = rng.uniform(0, 0.05), rng.uniform(0, 0.05), rng.uniform(0, 2 * np.pi)
        t = np.arange(self.n)
        return np.sin(phase + 2 * np.pi * t * (start + (end - start) * t / (2 * self.n)))[None]

    def group(self, split, item):
        """Return None: the items are independent."""
        return None
