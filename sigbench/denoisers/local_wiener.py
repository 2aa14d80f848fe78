"""The local-mean Wiener filter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.ndimage import uniform_filter1d

from sigbench.denoisers.inputs import check, check_field, per_item
from sigbench.errors import InputError
from sigbench.types import Array, Info, Sigma


@dataclass(frozen=True)
class LocalWiener:
    """m + max(v − σ², 0)/v · (y − m), with local mean m and local variance v of a window.

    Moments are taken over a zero-padded window. Where the noise level is not told, its power is
    the mean of the local variances over each channel of each item, as in
    ``scipy.signal.wiener``.

    Parameters
    ----------
    window : int
        Odd length of the window along every space axis.
    noise_over_sigma : float
        Factor on the noise level that was told or found.

    References
    ----------
    Lim, Two-Dimensional Signal and Image Processing (1990), eq. 9.44-9.46.

    Examples
    --------
    >>> from scipy.signal import wiener
    >>> y = np.array([0.0, 4.0, 9.0, 2.0, 1.0])
    >>> bool(np.allclose(LocalWiener(3)(y.reshape(1, 1, -1))[0, 0], wiener(y, 3)))
    True
    """

    window: int = 3
    noise_over_sigma: float = 1.0

    info: ClassVar[Info] = Info(
        "local-wiener",
        "linear, adaptive",
        "Lim 1990, section 9.2; scipy.signal.wiener",
        uses_sigma=True,
        exact_at_zero=True,
    )

    def __post_init__(self) -> None:
        check_field("window", self.window, 1)
        if self.window % 2 == 0:
            raise InputError(f"window={self.window} must be odd")
        check_field("noise_over_sigma", self.noise_over_sigma, 0)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        levels = check(noisy, sigma)
        mean = self._window_mean(noisy)
        variance = np.maximum(self._window_mean(noisy * noisy) - mean * mean, 0)
        if levels is None:
            power = variance.mean(axis=tuple(range(2, noisy.ndim)), keepdims=True)
        else:
            power = per_item(levels, noisy) ** 2
        power = power * noisy.dtype.type(self.noise_over_sigma) ** 2
        gain = np.zeros_like(noisy)
        np.divide(variance - power, variance, out=gain, where=variance > power)
        if levels is not None:
            gain[levels == 0] = 1
        return mean + gain * (noisy - mean)

    def _window_mean(self, batch: Array) -> Array:
        for axis in range(2, batch.ndim):
            batch = uniform_filter1d(batch, self.window, axis=axis, mode="constant")
        return batch
