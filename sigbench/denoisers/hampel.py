"""The Hampel filter: outliers are replaced by the local median."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check_field, check_odd, check_unused, in_blocks

VALUES = 2**22  # of windows that are in memory together, but at least those of a row


@dataclass(frozen=True)
class Hampel:
    """Replace outliers by the median of their window, and leave all other samples unchanged.

    A sample is an outlier if it differs from the median of its window by more than ``deviations``
    times the standard deviation there, which is estimated as 1.4826 times the median absolute
    deviation from that median. The borders are reflected.

    Parameters
    ----------
    window : int
        Odd length of the window along every space axis.
    deviations : float
        Smallest distance of an outlier, in standard deviations. With 0 this is the median filter.

    References
    ----------
    Hampel, J. Am. Stat. Assoc. 69 (1974): the median absolute deviation; Pearson, IEEE Trans.
    Control Syst. Technol. 10 (2002), eqs. (7) and (8).

    Examples
    --------
    >>> import numpy as np
    >>> Hampel(5)(np.array([[[0.0, 1, 2, 50, 4, 5, 6]]]))
    array([[[0., 1., 2., 4., 4., 5., 6.]]])
    """

    window: int = 7
    deviations: float = 3.0

    info: ClassVar[Info] = Info("hampel", "rank", "Hampel 1974; Pearson 2002")

    def __post_init__(self) -> None:
        check_odd("window", self.window)
        check_field("deviations", self.deviations, 0)

    @property
    def reach(self) -> int:
        """Largest distance of a sample in the window."""
        return self.window // 2

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        check_unused(noisy, sigma)
        return in_blocks(lambda part, _: self._replaced(part), noisy, None)

    def _replaced(self, noisy: Array) -> Array:
        estimate = noisy.copy()
        half = self.window // 2
        around = [(0, 0), (0, 0), *[(half, half)] * (noisy.ndim - 2)]
        axes = tuple(range(2, noisy.ndim))
        windows = sliding_window_view(
            np.pad(noisy, around, "symmetric"), (self.window,) * len(axes), axes
        )
        rows = max(1, VALUES // (math.prod(noisy.shape[3:]) * self.window ** len(axes)))
        for n, c in np.ndindex(noisy.shape[:2]):
            for row in range(0, noisy.shape[2], rows):
                part = (n, c, slice(row, row + rows))
                estimate[part] = self._of_rows(noisy[part], windows[part])
        return estimate

    def _of_rows(self, noisy: Array, windows: NDArray[np.floating]) -> Array:
        """Return the estimate of some rows from the windows around their samples."""
        flat = windows.reshape(*noisy.shape, -1)
        median = np.median(flat, axis=-1)
        deviation = 1.4826 * np.median(np.abs(flat - median[..., None]), axis=-1)
        outlier = np.abs(noisy - median) > self.deviations * deviation
        return np.where(outlier, median, noisy)
