"""Block thresholding of wavelet details."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import per_item
from sigbench.denoisers.filtered_noise import levels_or_model
from sigbench.denoisers.noise_level import given_or_estimated
from sigbench.denoisers.wavelet import WaveletShrink
from sigbench.denoisers.wavelet_bands import (
    Levels,
    analysis,
    band_levels,
    cycle_spin,
    depth_of,
    synthesis,
)
from sigbench.transforms.wavelet_filters import refined_field

BLOCK_LAMBDA = 4.50524  # the root of λ − log λ = 3


@dataclass(frozen=True)
class BlockShrink:
    """Shrink the details of a wavelet transform block by block: BlockJS.

    A block of L adjacent details d with energy S² becomes d·max(1 − λLσ²/S², 0), λ = 4.50524. A
    block has about log n details, where a channel has n samples; for images it is a square. The
    last blocks of a subband may be smaller. With a `NoiseModel`, σ is the noise level in the
    subband, as in `WaveletShrink`.

    Parameters
    ----------
    wavelet : str
        An orthogonal wavelet of PyWavelets.
    level : int, optional
        Depth; by default as deep as the wavelet's length allows.
    shifts : int
        Cycle spinning: the mean over this number of circular shifts along every space axis.

    References
    ----------
    Cai, Ann. Stat. 27 (1999), "Adaptive wavelet estimation: a block thresholding and oracle
    inequality approach", section 3.

    Examples
    --------
    >>> y = np.zeros((1, 1, 64))
    >>> y[0, 0, 20] = 10.0
    >>> y[0, 0, 40] = 0.5
    >>> x = BlockShrink("haar")(y, sigma=1.0)
    >>> bool(x[0, 0, 20] > 4), float(abs(x[0, 0, 41:]).max()) < 0.2
    (True, True)
    """

    wavelet: str = "sym8"
    level: int | None = None
    shifts: int = 1
    refined: bool = refined_field()

    info: ClassVar[Info] = Info(
        "block-wavelet", "wavelet", "Cai 1999 (BlockJS)", uses_sigma=True, exact_at_zero=True
    )

    def __post_init__(self) -> None:
        like = WaveletShrink(self.wavelet, self.level, shifts=self.shifts)
        object.__setattr__(self, "refined", like.refined)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        levels, model = levels_or_model(noisy, sigma)
        levels = given_or_estimated(noisy, levels)
        depth = depth_of(self.level, noisy.shape[2:], self.wavelet)
        of_bands = band_levels(model, levels, noisy.shape[2:], self.wavelet, depth)
        return cycle_spin(lambda shifted: self._decimated(shifted, of_bands), noisy, self.shifts)

    def _decimated(self, noisy: Array, levels: Levels) -> Array:
        space = noisy.shape[2:]
        side = max(1, round(np.log(np.prod(space)) ** (1 / len(space))))
        parts = analysis(noisy, self.wavelet, len(levels) - 1)
        for bands, of_bands in zip(parts[1:], levels[1:], strict=True):
            for key, d in bands.items():
                energy, count = _block_sums(d.astype(np.float64) ** 2, side)
                noise = BLOCK_LAMBDA * count * per_item(of_bands[key] ** 2, energy)
                tiny = np.finfo(np.float64).tiny
                gain = np.maximum(energy - noise, 0) / np.maximum(energy, tiny)
                bands[key] = (d * gain).astype(d.dtype)
        return synthesis(parts, self.wavelet, space)


def _block_sums(batch: Array, side: int) -> tuple[Array, Array]:
    """Return the sum over the block of every sample, and the size of that block."""
    count = np.ones(batch.shape[2:])
    for axis, n in enumerate(batch.shape[2:], 2):
        starts = np.arange(0, n, side)
        lengths = np.diff([*starts, n])
        batch = np.repeat(np.add.reduceat(batch, starts, axis=axis), lengths, axis=axis)
        count = np.repeat(np.add.reduceat(count, starts, axis=axis - 2), lengths, axis=axis - 2)
    return batch, count
