"""The decimated wavelet transform of a batch, and what methods with subbands share."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pywt
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, NoiseModel
from sigbench.denoisers.filtered_noise import subband_levels
from sigbench.transforms import default_level, orthogonal_wavelet
from sigbench.transforms.base import space_axes

SHORT = 128  # maximum length for which a matrix product is faster than filtering

Levels = list[dict[str, NDArray[np.float64]]]
"""Noise levels ``(N,)`` of every subband, from coarse to fine, as from `subband_levels`."""


def band_levels(
    model: NoiseModel | None,
    levels: NDArray[np.float64],
    space: tuple[int, ...],
    wavelet: str,
    depth: int,
) -> Levels:
    """Return the noise level in every subband, as `subband_levels` does."""
    if model is not None:
        return subband_levels(model, space, wavelet, depth)
    keys = ["".join(letters) for letters in itertools.product("ad", repeat=len(space))]
    details = [dict.fromkeys(keys[1:], levels) for _ in range(depth)]
    return [{keys[0]: levels}, *details]


def depth_of(level: int | None, space: tuple[int, ...], wavelet: str) -> int:
    """Return the depth, by default the largest that the wavelet's length allows on every axis.

    Raises
    ------
    InputError
        If ``level`` is larger than that, or the items are too short for one level.
    """
    max_level = default_level(space, wavelet)
    if max_level == 0:
        raise InputError(
            f"items of {space} are too short for wavelet={wavelet}: every axis must have at least "
            f"{2 * len(orthogonal_wavelet(wavelet).dec_lo) - 2} samples, or use a shorter wavelet"
        )
    if level is not None and level > max_level:
        raise InputError(f"level={level} must be <= {max_level} for {wavelet} on items of {space}")
    return max_level if level is None else level


def analysis(batch: Array, wavelet: str, depth: int) -> list[Any]:
    """Return the coarse coefficients and a dict of subbands per level, as ``pywt.wavedecn``."""
    n, *more = batch.shape[2:]
    bank = orthogonal_wavelet(wavelet)
    if more:
        axes = space_axes(batch)
        parts: list[Any] = pywt.wavedecn(batch, bank, "periodization", depth, axes=axes)
        return parts
    if n <= SHORT and n % 2**depth == 0:
        matrix = _matrix(n, wavelet, depth, batch.dtype.char)
        ends = [n >> level for level in range(depth, 0, -1)]
        coarse, *bands = np.split((batch.reshape(-1, n) @ matrix).reshape(batch.shape), ends, -1)
    else:
        coarse, *bands = pywt.wavedec(batch, bank, "periodization", depth)
    return [coarse, *({"d": band} for band in bands)]


def synthesis(parts: list[Any], wavelet: str, space: tuple[int, ...]) -> Array:
    """Return the batch with these coefficients, the inverse of `analysis`."""
    n, depth = space[0], len(parts) - 1
    if len(space) == 1 and n <= SHORT and n % 2**depth == 0:
        packed = np.concatenate([parts[0], *(bands["d"] for bands in parts[1:])], axis=-1)
        matrix = _matrix(n, wavelet, depth, packed.dtype.char)
        whole: Array = (packed.reshape(-1, n) @ matrix.T).reshape(packed.shape)
        return whole
    axes = tuple(range(2, 2 + len(space)))
    whole = pywt.waverecn(parts, orthogonal_wavelet(wavelet), "periodization", axes=axes)
    inside = tuple(slice(n) for n in space)  # odd lengths come back one sample longer
    return whole[:, :, *inside].copy()  # at depth 0 it would be the input array


@functools.lru_cache(maxsize=16)
def _matrix(n: int, wavelet: str, depth: int, dtype: str) -> Array:
    """Return the orthonormal matrix whose rows are the transforms of the unit impulses."""
    parts = pywt.wavedec(np.eye(n), orthogonal_wavelet(wavelet), "periodization", depth)
    return np.concatenate(parts, axis=-1).astype(dtype)


def cycle_spin(denoise: Callable[[Array], Array], noisy: Array, shifts: int) -> Array:
    """Return the mean estimate over circular shifts along every space axis, each shifted back."""
    if shifts == 1:
        return denoise(noisy)
    axes = space_axes(noisy)
    total = np.zeros_like(noisy)
    spins = list(itertools.product(range(shifts), repeat=len(axes)))
    for spin in spins:
        back = tuple(-s for s in spin)
        total += np.roll(denoise(np.roll(noisy, spin, axes)), back, axes)
    return total / noisy.dtype.type(len(spins))
