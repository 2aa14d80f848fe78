"""Sliding-window filters: Savitzky-Golay and the median."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from scipy.ndimage import median_filter

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check, check_field, check_odd


@dataclass(frozen=True)
class SavitzkyGolay:
    """Fit a polynomial to each window by least squares and take its value at the center.

    The filter is applied along every space axis in turn. The first and last half window take the
    values of the polynomial fitted to the first and last window, so polynomials of degree up to
    ``order`` are unchanged.

    Parameters
    ----------
    window : int
        Odd length of the window, > ``order`` and at most the length of the shortest space axis.
    order : int
        Degree of the polynomial.

    References
    ----------
    Savitzky and Golay, Anal. Chem. 36 (1964), eq. (1) and table I.

    Examples
    --------
    >>> import numpy as np
    >>> parabola = (np.arange(9.0) ** 2).reshape(1, 1, 9)
    >>> bool(np.allclose(SavitzkyGolay(window=5, order=2)(parabola), parabola))
    True
    """

    window: int = 7
    order: int = 2

    info: ClassVar[Info] = Info(
        "savitzky-golay", "linear", "Savitzky, Golay 1964 (scipy.signal.savgol_filter)"
    )

    def __post_init__(self) -> None:
        check_odd("window", self.window)
        check_field("order", self.order, 0)
        if self.order >= self.window:
            raise InputError(f"order={self.order} must be < window={self.window}")

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        from scipy.signal import savgol_filter  # slow to import

        check(noisy, sigma)
        if self.window > min(noisy.shape[2:]):
            raise InputError(
                f"window={self.window} must be <= {min(noisy.shape[2:])}, "
                f"the shortest space axis of noisy, whose shape is {noisy.shape}"
            )
        estimate = noisy
        for axis in range(2, noisy.ndim):
            estimate = savgol_filter(estimate, self.window, self.order, axis=axis)
        return estimate


@dataclass(frozen=True)
class Median:
    """The median of each window, with reflected borders.

    Parameters
    ----------
    window : int
        Odd length of the window along every space axis.

    References
    ----------
    Tukey, Exploratory Data Analysis (1977), chapter 7: running medians.

    Examples
    --------
    >>> import numpy as np
    >>> Median(3)(np.array([[[0.0, 0, 9, 0, 1, 1, 1]]]))
    array([[[0., 0., 0., 1., 1., 1., 1.]]])
    """

    window: int = 3

    info: ClassVar[Info] = Info("median", "rank", "Tukey 1977 (scipy.ndimage.median_filter)")

    def __post_init__(self) -> None:
        check_odd("window", self.window)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        check(noisy, sigma)
        estimate: Array = median_filter(noisy, (1, 1, *[self.window] * (noisy.ndim - 2)))
        return estimate
