"""The covariance of noise as a product RRᵀ of linear filters and local levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from sigbench.core.protocols import NoiseModel
from sigbench.core.validation import per_item
from sigbench.denoisers.filtered_noise import relative_variance
from sigbench.transforms.base import space_axes

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Root:
    """A matrix R with RRᵀ = C/σ², where C is the covariance of the noise: R = diag(√v)·F.

    Attributes
    ----------
    gain : array, shape (N, 1, *half spectrum), or None
        The gain of the circular filter F; None for white noise.
    local : array, shape (N, C, *space), or None
        √v, the relative level at each sample; None if it is the same everywhere.
    mean_square : array, shape (N,), or float
        tr(C²)/nσ⁴.
    """

    gain: Values | None
    local: Values | None
    mean_square: Values | float

    def apply(self, probe: Values) -> Values:
        """Return R times a probe ``(C, *space)`` for every item, or the probe for white noise."""
        if self.gain is not None:
            probe = self._filtered(np.broadcast_to(probe, (len(self.gain), *probe.shape)))
        return probe if self.local is None else probe * self.local

    def adjoint(self, batch: Values) -> Values:
        """Return Rᵀ times a batch ``(N, C, *space)``."""
        if self.local is not None:
            batch = batch * self.local
        return batch if self.gain is None else self._filtered(batch)

    def _filtered(self, batch: Values) -> Values:
        axes = space_axes(batch)
        spectrum = scipy.fft.rfftn(batch, axes=axes) * self.gain
        filtered: Values = scipy.fft.irfftn(spectrum, s=batch.shape[2:], axes=axes)
        return filtered


WHITE = Root(None, None, 1.0)


def root_of(model: NoiseModel, y: Values) -> Root:
    """Return the root of the covariance of a model for a batch."""
    spectrum = model.spectrum(y.shape[2:])
    power = np.broadcast_to(per_item(model.level**2, spectrum), spectrum.shape)
    relative = np.divide(spectrum, power, out=np.ones_like(spectrum), where=power > 0)
    white = np.ptp(relative) < 1e-12
    gain = np.sqrt(relative)[:, None, ..., : y.shape[-1] // 2 + 1]
    variance = relative_variance(model, y)
    square = np.mean(relative**2, axis=tuple(range(1, relative.ndim)))
    if variance is not None:
        square = square * np.mean(variance**2, axis=tuple(range(1, variance.ndim)))
    local = None if variance is None else np.sqrt(variance)
    return Root(None if white else gain, local, square)
