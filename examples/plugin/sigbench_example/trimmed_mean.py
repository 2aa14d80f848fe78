"""A denoiser: a frozen dataclass of its parameters that is called with a batch."""

from dataclasses import dataclass

import numpy as np

from sigbench import Info, InputError


@dataclass(frozen=True)
class TrimmedMean:
    """The mean of each window without its smallest and largest samples.

    Parameters
    ----------
    window : int
        Length of the window in samples, odd.
    trim : int
        Number of samples that are left out at each end of the sorted window.
    """

    window: int = 5
    trim: int = 1

    info = Info(
        name="trimmed-mean",
        family="filter",
        source="Bednar, Watt, IEEE Trans. Acoust. Speech Signal Process. 32 (1984)",
        domains=("signal", "speech"),
    )

    def __post_init__(self):
        """Check the parameters."""
        if self.window < 1 or self.window % 2 == 0:
            raise InputError(f"window={self.window} must be odd and >= 1")
        if not 0 <= 2 * self.trim < self.window:
            raise InputError(f"trim={self.trim} must be >= 0 and < {self.window / 2:g}")

    def __call__(self, noisy, *, sigma=None):
        """Return the estimate; shape, dtype and units of ``noisy``."""
        half = self.window // 2
        padded = np.pad(noisy, [(0, 0), (0, 0), (half, half)], mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.window, axis=-1)
        kept = np.sort(windows, axis=-1)[..., self.trim : self.window - self.trim]
        return kept.mean(axis=-1).astype(noisy.dtype)
