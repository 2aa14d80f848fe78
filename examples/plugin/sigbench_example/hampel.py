"""A denoiser: a frozen dataclass of its parameters that is called with a batch."""

from dataclasses import dataclass

import numpy as np

from sigbench import Info, InputError


@dataclass(frozen=True)
class Hampel:
    """The Hampel filter: a sample far from the median of its window is replaced by the median.

    Parameters
    ----------
    window : int
        Length of the window in samples, odd.
    threshold : float
        Distance from the median above which a sample is replaced, in standard deviations, which
        are estimated from the median absolute deviation of the window.
    """

    window: int = 5
    threshold: float = 3.0

    info = Info(
        name="hampel",
        family="filter",
        source="Hampel, J. Am. Stat. Assoc. 69 (1974)",
        domains=("signal", "speech"),
        adapts=True,
    )

    def __post_init__(self):
        """Check the parameters."""
        if self.window < 1 or self.window % 2 == 0:
            raise InputError(f"window={self.window} must be odd and >= 1")

    def __call__(self, noisy, *, sigma=None):
        """Return the estimate; shape, dtype and units of ``noisy``."""
        half = self.window // 2
        padded = np.pad(noisy, [(0, 0), (0, 0), (half, half)], mode="reflect" if half else "edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.window, axis=-1)
        median = np.median(windows, axis=-1)
        deviation = 1.4826 * np.median(np.abs(windows - median[..., None]), axis=-1)
        far = np.abs(noisy - median) > self.threshold * deviation
        return np.where(far, median, noisy).astype(noisy.dtype)
