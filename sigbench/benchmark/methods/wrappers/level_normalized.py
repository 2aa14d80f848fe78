"""Divide by the local noise level, denoise, and multiply again."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sigbench.benchmark.methods.wrappers.inner import INNER, wrapped_info
from sigbench.core.protocols import Array, Denoiser, Info, NoiseEstimator, Sigma
from sigbench.core.validation import check
from sigbench.denoisers.noise import NOISE_ESTIMATORS, Varying

INFO = Info("level-normalized", "noise model", "sigbench", adapts=True)


@dataclass(frozen=True)
class LevelNormalized:
    """Apply a method to data whose distance from their mean is divided by the local noise level.

    Items whose noise level is constant are denoised by the method itself.

    Parameters
    ----------
    method : Denoiser
        A denoiser for noise of a constant level.
    noise : NoiseEstimator
        Estimates the level at each sample. A given noise level is used only where it is constant.

    Examples
    --------
    >>> from sigbench.denoisers import WaveletShrink
    >>> rng = np.random.default_rng(0)
    >>> y = 5 + np.repeat([1.0, 4.0], 2000) * rng.standard_normal((1, 1, 4000))
    >>> plain = WaveletShrink(rule="visu")
    >>> bool(np.std(LevelNormalized(plain)(y)) < np.std(plain(y)))
    True
    """

    method: Denoiser = field(metadata={"table": INNER})
    noise: NoiseEstimator = field(default=Varying(), metadata={"table": NOISE_ESTIMATORS})
    info: Info = field(
        default=INFO, init=False, repr=False, compare=False, metadata={"identity": False}
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "info", wrapped_info(INFO, self.method))

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        given = check(noisy, sigma)
        model = self.noise.estimate_noise(noisy)
        deviations = np.sqrt(model.variance(noisy)).astype(noisy.dtype)
        estimate = np.empty_like(noisy)
        for i, local in enumerate(deviations):
            one = noisy[i : i + 1]
            level = float(model.level[i])
            if np.ptp(local) == 0 or not local.all():
                sigma_of = None if given is None else given[i : i + 1]
                estimate[i] = self.method(one.copy(), sigma=sigma_of)[0]
            else:
                relative = local / noisy.dtype.type(level)  # near 1, so that the range is kept
                center = one.mean()
                scaled = (one - center) / relative + center
                inner = self.method(scaled, sigma=np.array([level]))
                estimate[i] = (inner[0] - center) * relative + center
        return estimate
