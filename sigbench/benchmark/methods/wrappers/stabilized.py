"""Stabilize the variance of signal-dependent noise, denoise, and transform back."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sigbench.benchmark.methods.wrappers.inner import INNER, wrapped_info
from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Denoiser, Info, NoiseEstimator, Sigma
from sigbench.core.validation import check
from sigbench.denoisers.noise import NOISE_ESTIMATORS, PoissonGaussian
from sigbench.denoisers.noise.models import SignalDependentNoise

INFO = Info("stabilized", "noise model", "Mäkitalo, Foi 2013", adapts=True)


def anscombe(y: Array, gain: float, offset: float) -> NDArray[np.float64]:
    """Return 2√(y/gain + 3/8 + offset/gain²), whose noise has a standard deviation of about 1.

    Parameters
    ----------
    y : array
        Noisy values, with the variance gain·x + offset.
    gain, offset : float
        Of the variance; ``gain > 0``.

    References
    ----------
    Mäkitalo and Foi, IEEE Trans. Image Process. 22 (2013), eq. (2).

    Examples
    --------
    >>> y = np.random.default_rng(0).poisson(30.0, 100_000)
    >>> anscombe(y, 1.0, 0.0).std().round(2)
    np.float64(1.0)
    """
    inside = y.astype(np.float64) / gain + (0.375 + offset / gain**2)
    stable: NDArray[np.float64] = 2 * np.sqrt(np.maximum(inside, 0))
    return stable


def inverse_anscombe(d: Array, gain: float, offset: float) -> NDArray[np.float64]:
    """Return the mean x whose stabilized value has the mean d: the exact unbiased inverse.

    It is the closed-form approximation, at least 0 counts.

    References
    ----------
    Mäkitalo and Foi, IEEE Trans. Image Process. 22 (2013), eq. (10).

    Examples
    --------
    >>> y = np.random.default_rng(0).poisson(4.0, 100_000)
    >>> inverse_anscombe(anscombe(y, 1.0, 0.0).mean(), 1.0, 0.0).round(2)
    np.float64(4.0)
    """
    extra = offset / gain**2
    d = np.maximum(np.asarray(d, np.float64), 2 * math.sqrt(0.375))
    root = math.sqrt(1.5)
    counts = d**2 / 4 + root / (4 * d) - 11 / (8 * d**2) + 5 * root / (8 * d**3) - 0.125
    shifted = np.maximum(counts - extra, min(0.0, -extra))
    return gain * shifted


@dataclass(frozen=True)
class Stabilized:
    """Apply a method to data whose noise was made white by the generalized Anscombe transform.

    The transformed data are scaled linearly to the range of the input, because networks expect a
    certain range; the method is given the noise level there. Items whose variance does not grow
    with the signal are denoised by the method itself.

    Parameters
    ----------
    method : Denoiser
        A denoiser for white noise.
    noise : NoiseEstimator
        Estimates signal-dependent noise. A given noise level is used only for items that are not
        transformed.

    References
    ----------
    Mäkitalo and Foi, "Optimal inversion of the generalized Anscombe transformation for
    Poisson-Gaussian noise", IEEE Trans. Image Process. 22 (2013).

    Examples
    --------
    >>> from sigbench.denoisers import GaussianBlur
    >>> y = np.random.default_rng(0).poisson(np.repeat([10.0, 80.0], 500)).reshape(1, 1, -1)
    >>> Stabilized(GaussianBlur(width=20.0))(y.astype(float))[0, 0, [250, 750]].round(-1)
    array([10., 80.])
    """

    method: Denoiser = field(metadata={"table": INNER})
    noise: NoiseEstimator = field(default=PoissonGaussian(), metadata={"table": NOISE_ESTIMATORS})
    info: Info = field(
        default=INFO, init=False, repr=False, compare=False, metadata={"identity": False}
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "info", wrapped_info(INFO, self.method))

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``.

        Raises
        ------
        InputError
            If the estimator returns another kind of noise.
        """
        levels = check(noisy, sigma)
        model = self.noise.estimate_noise(noisy)
        if not isinstance(model, SignalDependentNoise):
            raise InputError(
                f"stabilized: noise={type(self.noise).__name__} must estimate signal-dependent "
                "noise, as poisson-gaussian does"
            )
        estimate = np.empty_like(noisy)
        for i, (gain, offset) in enumerate(zip(model.gain, model.offset, strict=True)):
            one = noisy[i : i + 1]
            if gain > 0:
                estimate[i] = self._stabilized(one, float(gain), float(offset))[0]
            else:
                level = None if levels is None else levels[i : i + 1]
                estimate[i] = self.method(one.copy(), sigma=level)[0]
        return estimate

    def _stabilized(self, noisy: Array, gain: float, offset: float) -> Array:
        stable = anscombe(noisy, gain, offset)
        low, span = float(stable.min()), float(np.ptp(stable))
        if span == 0:
            return noisy.copy()
        scale = float(np.ptp(noisy)) / span
        start = float(noisy.min())
        inner = (start + scale * (stable - low)).astype(noisy.dtype)
        denoised = self.method(inner, sigma=np.array([scale]))
        back = inverse_anscombe(low + (denoised - start) / scale, gain, offset)
        return back.astype(noisy.dtype)
