"""Stationary Gaussian signals, for which a linear filter is the Bayes-optimal limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Domain
from sigbench.core.rng import item_rng
from sigbench.core.validation import check_field
from sigbench.datasets.base import Split


@dataclass(frozen=True)
class GaussianProcess:
    """A circular first-order autoregressive process, x[t] = a·x[t−1] + e[t], with variance 1.

    Parameters
    ----------
    n : int
        Length.
    correlation : float
        Lag, in samples, at which the correlation is 1/e: a = exp(−1/correlation).

    References
    ----------
    Kay, Modern Spectral Estimation (1988), section 5.3.

    Examples
    --------
    >>> GaussianProcess(n=64).item("test", 1, 0).shape
    (1, 64)
    >>> np.array(GaussianProcess(n=4, correlation=2.0).problem_info["prior_spectrum"]).round(2)
    array([3.11, 0.35, 0.19])
    """

    n: int = 256
    correlation: float = 8.0

    kind: ClassVar[str] = "gaussian-process"
    domain: ClassVar[Domain] = "signal"
    peak: ClassVar[float] = 3.0  # three standard deviations, declared
    version: ClassVar[str] = "1"

    def __post_init__(self) -> None:
        check_field("n", self.n, 2)
        if not self.correlation > 0:
            raise InputError(f"correlation={self.correlation:g} must be > 0")

    @property
    def problem_info(self) -> Mapping[str, Any]:
        """``prior_spectrum``: the power spectrum E|Fx|²/n at the non-negative frequencies."""
        return {"prior_spectrum": tuple(self._spectrum.tolist())}

    @property
    def _spectrum(self) -> NDArray[np.float64]:
        omega = 2 * np.pi * np.arange(self.n // 2 + 1) / self.n
        spectrum = 1 / np.abs(1 - np.exp(-1 / self.correlation - 1j * omega)) ** 2
        variance = scipy.fft.irfft(spectrum, self.n)[0]
        scaled: NDArray[np.float64] = spectrum / variance
        return scaled

    def size(self, split: Split) -> int | None:
        """Return None: the number of items is unlimited."""
        return None

    def item(self, split: Split, seed: int, item: int) -> Array:
        """Return one item, shape ``(1, n)``, float64."""
        white = item_rng(item, self.kind, self.version, split, seed).standard_normal((1, self.n))
        x: Array = scipy.fft.irfft(np.sqrt(self._spectrum) * scipy.fft.rfft(white), self.n)
        return x

    def group(self, split: Split, item: int) -> str | None:
        """Return None: items are independent."""
        return None
