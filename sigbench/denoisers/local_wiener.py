"""The local-mean Wiener filter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from sigbench.core.protocols import Array, Info, NoiseModel, Sigma
from sigbench.core.validation import check_choice, check_odd, in_blocks, per_item
from sigbench.denoisers.colors import OPPONENT, from_opponent, to_opponent
from sigbench.denoisers.filtered_noise import autocovariance, levels_or_model
from sigbench.denoisers.parameters import check_strength
from sigbench.transforms.base import space_axes

MODES = {"reflect": "reflect", "zero": "constant"}  # modes of scipy.ndimage
MAX_ROUNDING = 1e-7  # maximum rounding error of a local variance, relative to the noise power


@dataclass(frozen=True)
class LocalWiener:
    """m + max(v − ν², 0)/v · (y − m), with the local mean m and local variance v in a window.

    The noise level ν is ``noise``, or ``noise_over_sigma`` times the given noise level. If no
    level is given, ν² is the mean of the local variances of each channel of each item, as in
    ``scipy.signal.wiener`` (which uses ``border="zero"``).

    Moments are running means of y and y², as in SciPy. They lose digits if values are more than
    a few thousand noise levels from zero; moments of such items are computed from the differences
    within each window, in time proportional to ``window``.

    With a `NoiseModel`, ν² is the variance of the noise at the sample, for a clean signal that is
    the local mean. It is multiplied by the ratio of the mean local variance of the noise to that of
    white noise with the same level, which is less than 1 if neighboring samples are correlated.

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

    @property
    def reach(self) -> int:
        """Half the window, for a known noise level; see `Local`."""
        return self.window // 2

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        levels, model = levels_or_model(noisy, sigma)
        opponent = self.colors == "opponent"
        if model is not None and self.noise is None:
            power = self._local_power(model, noisy)
            if opponent:  # the noise of the channels is independent
                power = (OPPONENT**2 @ power.reshape(*power.shape[:2], -1)).reshape(power.shape)
                return from_opponent(self._denoise(to_opponent(noisy), levels, power))
            return self._denoise(noisy, levels, power)
        if opponent:
            return from_opponent(in_blocks(self._denoise, to_opponent(noisy), levels))
        return in_blocks(self._denoise, noisy, levels)

    def _local_power(self, model: NoiseModel, noisy: Array) -> NDArray[np.float64]:
        """Return the power of the noise at each sample, shape of ``noisy``."""
        power = model.variance(self._window_mean(noisy.astype(np.float64)))
        if self.window == 1:
            return power
        lags = self.window - np.abs(np.arange(1 - self.window, self.window))
        covariance = autocovariance(model, noisy.shape[2:], self.window - 1)
        of_mean = covariance  # variance of the mean of a window
        for _ in noisy.shape[2:]:
            of_mean = of_mean @ lags / self.window**2
        white = 1 - self.window ** -float(noisy.ndim - 2)
        total = model.level**2
        share = np.divide(of_mean, total, out=np.zeros_like(total), where=total > 0)
        return power * per_item((1 - share) / white, power)

    def _denoise(
        self, noisy: Array, levels: NDArray[np.float64] | None, local: Array | None = None
    ) -> Array:
        y = noisy.astype(np.float64)  # in float32, E[y²] − m² would suffer from cancellation
        if self.noise is not None:
            levels = np.full(len(noisy), self.noise)
        mean, squares = self._window_mean(y), y * y
        variance = self._window_mean(squares)
        variance -= mean * mean
        np.maximum(variance, 0, out=variance)
        power = self._noise_power(variance, levels, local)
        rough = _rounding(squares) > MAX_ROUNDING * power.reshape(len(y), -1).min(axis=1)
        if rough.any():
            mean[rough], variance[rough] = self._moments_by_differences(y[rough])
            power = self._noise_power(variance, levels, local)
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

    def _noise_power(
        self, variance: Array, levels: NDArray[np.float64] | None, local: Array | None
    ) -> Array:
        power: Array
        if local is not None:
            power = local
        elif levels is None:
            power = variance.mean(axis=space_axes(variance), keepdims=True)
        else:
            power = per_item(levels, variance) ** 2
        return power if self.noise_over_sigma is None else power * self.noise_over_sigma**2

    def _moments_by_differences(self, y: Array) -> tuple[Array, Array]:
        """Return mean and variance of each window, from the differences to its central sample.

        Along a further axis, the variance is the mean of the variances plus that of the means.
        """
        mean, variance = y, np.zeros_like(y)
        for axis in space_axes(y):
            offset = sum(part - mean for part in self._shifted(mean, axis)) / self.window
            shifted = zip(self._shifted(mean, axis), self._shifted(variance, axis), strict=True)
            total = np.zeros_like(y)
            for shifted_mean, shifted_variance in shifted:
                total += (shifted_mean - mean - offset) ** 2
                total += shifted_variance
            variance = total / self.window
            mean = mean + offset
        return mean, variance

    def _shifted(self, batch: Array, axis: int) -> Iterator[Array]:
        """Yield the samples at every place of the window."""
        half, n = self.window // 2, batch.shape[axis]
        width = [(half, half) if a == axis else (0, 0) for a in range(batch.ndim)]
        padded = np.pad(batch, width, "symmetric" if self.border == "reflect" else "constant")
        for start in range(self.window):
            yield padded[(*[slice(None)] * axis, slice(start, start + n))]


def _rounding(squares: Array) -> NDArray[np.float64]:
    """Return the rounding error of running means of the squares of each item, shape ``(N,)``."""
    largest: NDArray[np.float64] = squares.reshape(len(squares), -1).max(axis=1)
    return np.finfo(np.float64).eps * np.sqrt(max(squares.shape[2:])) * largest
