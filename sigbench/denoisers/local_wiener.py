"""The local-mean Wiener filter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check, check_choice, check_odd, in_blocks, per_item
from sigbench.denoisers.colors import from_opponent, to_opponent
from sigbench.denoisers.parameters import check_strength
from sigbench.transforms.base import space_axes

MODES = {"reflect": "reflect", "zero": "constant"}  # modes of scipy.ndimage


@dataclass(frozen=True)
class LocalWiener:
    """m + max(v − ν², 0)/v · (y − m), with the local mean m and local variance v in a window.

    The noise level ν is ``noise``, or ``noise_over_sigma`` times the given noise level. If no
    level is given, ν² is the mean of the local variances of each channel of each item, as in
    ``scipy.signal.wiener`` (which uses ``border="zero"``).

    Parameters
    ----------
    window : int
        Odd length of the window along every space axis.
    noise, noise_over_sigma : float, optional
        The noise level ν in the signal's units or in noise levels (default 1); set at most one.
    border : {"reflect", "zero"}
        How the signal is extended beyond its border.
    colors : {"as-is", "opponent"}
        Whether to filter the channels as they are or, for images with three channels, in opponent
        colors.

    References
    ----------
    Lim, Two-Dimensional Signal and Image Processing (1990), p. 548.

    Examples
    --------
    >>> from scipy.signal import wiener
    >>> y = np.array([0.0, 4.0, 9.0, 2.0, 1.0])
    >>> bool(np.allclose(LocalWiener(3, border="zero")(y.reshape(1, 1, -1)), wiener(y, 3)))
    True
    """

    window: int = 3
    noise: float | None = None
    noise_over_sigma: float | None = None
    border: Literal["reflect", "zero"] = "reflect"
    colors: Literal["as-is", "opponent"] = "as-is"

    info: ClassVar[Info] = Info(
        "local-wiener",
        "linear, adaptive",
        "Lim 1990, p. 548; scipy.signal.wiener",
        uses_sigma=True,
        fixed_by="noise",
        exact_at_zero=True,
    )

    def __post_init__(self) -> None:
        check_odd("window", self.window)
        check_strength("noise", self.noise, self.noise_over_sigma)
        check_choice("border", self.border, MODES)
        check_choice("colors", self.colors, ("as-is", "opponent"))

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        levels = check(noisy, sigma)
        if self.colors == "opponent":
            return from_opponent(in_blocks(self._denoise, to_opponent(noisy), levels))
        return in_blocks(self._denoise, noisy, levels)

    def _denoise(self, noisy: Array, levels: NDArray[np.float64] | None) -> Array:
        y = noisy.astype(np.float64)  # in float32, E[y²] − m² would suffer from cancellation
        mean = self._window_mean(y)
        variance = self._window_mean(y * y)
        variance -= mean * mean
        np.maximum(variance, 0, out=variance)
        if self.noise is not None:
            levels = np.full(len(noisy), self.noise)
        if levels is None:
            power = variance.mean(axis=space_axes(noisy), keepdims=True)
        else:
            power = per_item(levels, y) ** 2
        if self.noise_over_sigma is not None:
            power = power * self.noise_over_sigma**2
        gain = np.maximum(variance, power)
        gain -= power
        gain /= np.maximum(variance, np.finfo(np.float64).tiny)
        if levels is not None:
            gain[levels == 0] = 1
        y -= mean
        y *= gain
        y += mean
        return y.astype(noisy.dtype)

    def _window_mean(self, batch: Array) -> Array:
        for axis in space_axes(batch):
            batch = uniform_filter1d(batch, self.window, axis=axis, mode=MODES[self.border])
        return batch
