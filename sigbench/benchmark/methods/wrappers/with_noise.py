"""Give a method an estimated noise model in place of the noise level."""

from __future__ import annotations

from dataclasses import dataclass, field

from sigbench.benchmark.methods.wrappers.inner import INNER, wrapped_info
from sigbench.core.protocols import Array, Denoiser, Info, NoiseEstimator, Sigma
from sigbench.denoisers.filtered_noise import levels_or_model
from sigbench.denoisers.noise import NOISE_ESTIMATORS

INFO = Info("with-noise", "noise model", "sigbench", uses_sigma=False, adapts=True)


@dataclass(frozen=True)
class WithNoise:
    """Estimate the noise of every item and pass the model to a method that accepts it.

    Parameters
    ----------
    method : Denoiser
        A denoiser that accepts a `NoiseModel` as ``sigma``.
    noise : NoiseEstimator
        Estimates the noise. A given noise level is not used. A given `NoiseModel` is used in place of
        the estimate.

    Examples
    --------
    >>> import numpy as np
    >>> from sigbench.denoisers import WaveletShrink
    >>> from sigbench.denoisers.noise import MAD
    >>> y = np.random.default_rng(0).standard_normal((1, 1, 100))
    >>> method = WithNoise(WaveletShrink(), MAD())
    >>> bool(np.allclose(method(y), WaveletShrink()(y)))  # which uses the same estimate
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
        return self.method(noisy, sigma=model or self.noise.estimate_noise(noisy))
