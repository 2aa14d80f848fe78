"""Make noise white by a filter, denoise, and apply the inverse filter."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from sigbench.benchmark.methods.wrappers.inner import INNER, wrapped_info
from sigbench.core.protocols import Array, Denoiser, Info, NoiseEstimator, NoiseModel, Sigma
from sigbench.core.validation import per_item
from sigbench.denoisers.filtered_noise import cosine_spectrum, levels_or_model
from sigbench.denoisers.noise import NOISE_ESTIMATORS
from sigbench.transforms.base import space_axes

INFO = Info("whitened", "noise model", "sigbench", uses_sigma=False, adapts=True)
MIN_POWER = 1e-3  # of the noise at a frequency, relative to its mean


@dataclass(frozen=True)
class Whitened:
    """Estimate the spectrum of the noise, and apply a method for white noise to whitened items.

    The items are filtered by √(σ²/S), where S is the spectrum of the noise and σ its level, so that
    the noise is white with the level σ. The method gets this level, and its estimate is filtered by
    the inverse. S is at least 1/1000 of its mean. The filter has zero phase and leaves the mean of an
    item unchanged. It multiplies the coefficients of the discrete cosine transform, which
    corresponds to an extension by reflection.

    A change of an item is measured differently by the method than in the units of the item: a
    method that minimizes the squared error after whitening minimizes a weighted one before.

    Parameters
    ----------
    method : Denoiser
        A denoiser for white noise.
    noise : NoiseEstimator
        Estimates the noise. A given noise level is not used. A given `NoiseModel` is used in place of
        the estimate.

    Examples
    --------
    >>> from sigbench.denoisers import GaussianBlur
    >>> from sigbench.denoisers.noise import MAD
    >>> y = np.random.default_rng(0).normal(size=(1, 1, 100))
    >>> bool(np.allclose(Whitened(GaussianBlur(), MAD())(y), GaussianBlur()(y)))
    True
    """

    method: Denoiser = field(metadata={"table": INNER})
    noise: NoiseEstimator = field(metadata={"table": NOISE_ESTIMATORS})
    info: Info = field(
        default=INFO, init=False, repr=False, compare=False, metadata={"identity": False}
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "info", wrapped_info(INFO, self.method))

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        _, model = levels_or_model(noisy, sigma)
        model = model or self.noise.estimate_noise(noisy)
        gain = _whitening(model, noisy.shape[2:])[:, None].astype(noisy.dtype)
        white = _scaled(noisy, gain)
        return _scaled(self.method(white, sigma=model.level), 1 / gain)


def _whitening(model: NoiseModel, space: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the gain of each coefficient of the cosine transform, shape ``(N, *space)``."""
    power = cosine_spectrum(model, space)
    mean = np.broadcast_to(per_item(model.level**2, power), power.shape)
    floored = np.maximum(power, MIN_POWER * mean)
    gain = np.sqrt(np.divide(mean, floored, out=np.ones_like(power), where=floored > 0))
    gain.reshape(len(gain), -1)[:, 0] = 1
    return gain


def _scaled(batch: Array, gain: Array) -> Array:
    axes = space_axes(batch)
    coefficients = scipy.fft.dctn(batch, axes=axes, norm="ortho")
    scaled: Array = scipy.fft.idctn(coefficients * gain, axes=axes, norm="ortho")
    return scaled
