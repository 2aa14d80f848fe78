"""A denoiser for sparse signals: the non-negative garrote."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Garrote:
    """Shrink each sample y to max(0, 1 - (t*sigma/y)**2) * y.

    Parameters
    ----------
    threshold : float
        The threshold t, in units of the noise level.

    References
    ----------
    Gao, "Wavelet shrinkage denoising using the non-negative garrote", JCGS 7(4), 1998, eq. (7).
    """

    threshold: float = 2.0

    def __call__(self, noisy, *, sigma=None):
        """Return the estimate for a batch ``(N, 1, L)`` with the noise level ``(N,)``."""
        if sigma is None:
            raise ValueError("the garrote needs the noise level: use garrote:Garrote[sigma=given]")
        level = self.threshold * np.reshape(sigma, (-1, 1, 1))
        gain = 1 - np.square(level / np.where(noisy == 0, np.inf, noisy))
        return (np.maximum(gain, 0) * noisy).astype(noisy.dtype)
