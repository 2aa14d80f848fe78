"""The moving average."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.ndimage import correlate1d

from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check_length, check_unused


@dataclass(frozen=True)
class MovingAverage:
    """The mean of each window.

    The window is centered, or with ``causal=True`` it ends at the sample. Beyond the borders the
    signal is extended by its first and last value.

    Parameters
    ----------
    window : int
        Length of the window along every space axis. A centered window of even length extends one
        sample further into the past.
    causal : bool
        Whether only the past is used. The delay is (window − 1)/2 samples.

    References
    ----------
    Oppenheim and Schafer, Discrete-Time Signal Processing, 3rd ed. (2010), example 2.3.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array([[[0.0, 0, 3, 0, 0]]])
    >>> MovingAverage(3)(y), MovingAverage(3, causal=True)(y)
    (array([[[0., 1., 1., 1., 0.]]]), array([[[0., 0., 1., 1., 1.]]]))
    """

    window: int = 5
    causal: bool = False

    info: ClassVar[Info] = Info("moving-average", "linear", "Oppenheim, Schafer 2010")

    def __post_init__(self) -> None:
        check_length("window", self.window)

    @property
    def reach(self) -> int:
        """Largest distance of a sample in the window."""
        return self.window - 1 if self.causal else self.window // 2

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        check_unused(noisy, sigma)
        estimate = noisy.astype(np.float64)
        ones = np.ones(self.window)  # not a running sum, which loses digits after a large value
        origin = (self.window - 1) // 2 if self.causal else 0
        for axis in range(2, noisy.ndim):
            total = correlate1d(estimate, ones, axis=axis, mode="nearest", origin=origin)
            estimate = total / self.window
        return np.asarray(estimate, dtype=noisy.dtype)
