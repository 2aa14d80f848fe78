"""Sliding-window filters: Savitzky-Golay and the median."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d, median_filter

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check_field, check_odd, check_unused


@dataclass(frozen=True)
class SavitzkyGolay:
    """Fit a polynomial to each window by least squares and take its value at the center.

    The filter is applied along every space axis in turn. The first and last half window take the
    values of the polynomial fitted to the first and last window, so polynomials of degree up to
    ``order`` are unchanged. Computed here because SciPy 1.17 fits powers of the sample index,
    which loses all digits for long windows: with ``window=1001, order=5`` a constant of 5 becomes
    1.7e-9.

    Parameters
    ----------
    window : int
        Odd length of the window, > ``order`` and at most the length of the shortest space axis.
    order : int
        Degree of the polynomial.

    References
    ----------
    Savitzky and Golay, Anal. Chem. 36 (1964), eq. (1) and table I; Brubeck, Nakatsukasa,
    Trefethen, SIAM Rev. 63 (2021), section 2: the orthonormal polynomials.

    Examples
    --------
    >>> import numpy as np
    >>> parabola = (np.arange(9.0) ** 2).reshape(1, 1, 9)
    >>> bool(np.allclose(SavitzkyGolay(window=5, order=2)(parabola), parabola))
    True
    """

    window: int = 7
    order: int = 2

    info: ClassVar[Info] = Info("savitzky-golay", "linear", "Savitzky, Golay 1964", version=2)

    def __post_init__(self) -> None:
        check_odd("window", self.window)
        check_field("order", self.order, 0)
        if self.order >= self.window:
            raise InputError(f"order={self.order} must be < window={self.window}")

    @property
    def reach(self) -> int:
        """Distance of the farthest sample, which is that of the borders; see `Local`."""
        return self.window - 1

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        check_unused(noisy, sigma)
        if self.window > min(noisy.shape[2:]):
            raise InputError(
                f"window={self.window} must be <= {min(noisy.shape[2:])}, "
                f"the shortest space axis of noisy, whose shape is {noisy.shape}"
            )
        basis, half = _polynomials(self.window, self.order), self.window // 2
        first, last = basis[:half].T, basis[half + 1 :].T
        estimate = noisy.astype(np.float64)
        for axis in range(2, noisy.ndim):
            y = np.moveaxis(estimate, axis, -1)
            smooth = correlate1d(y, basis @ basis[half])
            smooth[..., :half] = y[..., : self.window] @ basis @ first
            smooth[..., y.shape[-1] - half :] = y[..., -self.window :] @ basis @ last
            estimate = np.moveaxis(smooth, -1, axis)
        return np.ascontiguousarray(estimate, dtype=noisy.dtype)


@functools.lru_cache(maxsize=16)
def _polynomials(window: int, order: int) -> NDArray[np.float64]:
    """Return the orthonormal polynomials of degree 0 to ``order`` on the samples of a window.

    Each is t times the one before, made orthogonal to all lower ones, twice because of rounding.
    That is accurate for every order; the three-term recurrence and the QR decomposition of powers
    or Legendre polynomials are not.
    """
    t = np.linspace(-1, 1, window)
    basis = np.full((window, order + 1), window**-0.5)
    for k in range(order):
        following = t * basis[:, k]
        for _ in range(2):
            following -= basis[:, : k + 1] @ (basis[:, : k + 1].T @ following)
        basis[:, k + 1] = following / np.linalg.norm(following)
    return basis


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

    @property
    def reach(self) -> int:
        """Half the window; see `Local`."""
        return self.window // 2

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        check_unused(noisy, sigma)
        estimate: Array = median_filter(noisy, (1, 1, *[self.window] * (noisy.ndim - 2)))
        return estimate
