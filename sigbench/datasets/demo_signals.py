"""The classic test signals: Blocks, Bumps, HeaviSine, Doppler and others."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pywt
from numpy.typing import NDArray

from sigbench.core.errors import InputError, unknown
from sigbench.core.protocols import Array, Domain
from sigbench.core.validation import check_field
from sigbench.datasets.base import Split

# The demo signals of PyWavelets that are deterministic and available at any length.
SIGNALS = tuple(
    name
    for name in pywt.data.demo_signal("list")
    if name not in ("Gabor", "sineoneoverx", "Riemann")  # complex, of fixed length, or random
)


@dataclass(frozen=True)
class DemoSignals:
    """A fixed test signal such as Blocks or Doppler; items differ only in their noise.

    The training split is the signal reversed in time and with its sign changed, so that settings
    are tuned on a similar signal, but not on the test signal.

    Parameters
    ----------
    signal : str
        Name in ``pywt.data.demo_signal``, case-insensitive.
    n : int
        Length, at least 16.

    References
    ----------
    Donoho and Johnstone, Biometrika 81 (1994), table 1; Buckheit and Donoho, WaveLab (1995).

    Examples
    --------
    >>> DemoSignals("blocks", n=64).item("test", 1, 0).shape
    (1, 64)
    """

    signal: str = "blocks"
    n: int = 1024

    kind: ClassVar[str] = "demo-signals"
    domain: ClassVar[Domain] = "signal"
    problem_info: ClassVar[Mapping[str, Any]] = {}
    version: ClassVar[str] = "1"

    def __post_init__(self) -> None:
        if self.signal.lower() not in (name.lower() for name in SIGNALS):
            raise unknown("demo signal", self.signal, [name.lower() for name in SIGNALS])
        check_field("n", self.n, 16)
        _signal(self.signal, self.n)

    @property
    def peak(self) -> float:
        """The largest absolute value of the signal."""
        return float(np.abs(_signal(self.signal, self.n)).max())

    def size(self, split: Split) -> int | None:
        """Return None: the number of items is unlimited."""
        return None

    def item(self, split: Split, seed: int, item: int) -> Array:
        """Return the signal, shape ``(1, n)``, float64."""
        x = _signal(self.signal, self.n)
        return (-x[::-1] if split == "train" else x)[None].copy()

    def group(self, split: Split, item: int) -> str | None:
        """Return None: the noise of different items is independent."""
        return None


@functools.cache
def _signal(name: str, n: int) -> NDArray[np.float64]:
    canonical = next(known for known in SIGNALS if known.lower() == name.lower())
    try:
        x: NDArray[np.float64] = np.asarray(pywt.data.demo_signal(canonical, n), dtype=np.float64)
    except ValueError:  # the piecewise signals consist of segments of n/2^k samples
        raise InputError(f"n={n} must be a power of two for {name}") from None
    return x
