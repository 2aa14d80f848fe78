"""The level of noise in the coefficients of a transform."""

from __future__ import annotations

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.protocols import NoiseModel
from sigbench.core.validation import per_item
from sigbench.denoisers.filtered_noise import (
    Values,
    cosine_spectrum,
    frame_spectrum,
    subband_levels,
)
from sigbench.transforms import (
    DCT,
    DFT,
    STFT,
    Identity,
    OversampledDFT,
    StationaryWavelet,
    Transform,
    Wavelet,
)


def coefficient_levels(transform: Transform, noise: NoiseModel, space: tuple[int, ...]) -> Values:
    """Return the noise level of each coefficient over that in white noise of the same level.

    Parameters
    ----------
    transform : Transform
        A transform with real signals.
    noise : NoiseModel
        The noise of N items.
    space : tuple of int
        Size of the items.

    Returns
    -------
    array, shape (N, ...)
        It broadcasts over the coefficients of a channel. It is 1 for items without noise.

    Raises
    ------
    InputError
        If the transform has none of the known types.

    Examples
    --------
    >>> from sigbench.denoisers.noise.models import white_noise
    >>> coefficient_levels(DCT(), white_noise(np.array([2.0]), 1), (4,))
    array([[1., 1., 1., 1.]])
    """
    power = noise.level**2
    match transform:
        case Identity():
            of_coefficients = per_item(power, noise.spectrum(space))
        case DFT():
            of_coefficients = noise.spectrum(space)[..., : space[-1] // 2 + 1]
        case OversampledDFT(factor=factor):
            grid = tuple(factor * n for n in space)
            of_coefficients = noise.spectrum(grid)[..., : grid[-1] // 2 + 1]
        case DCT():
            of_coefficients = cosine_spectrum(noise, space)
        case STFT(window=window):
            of_coefficients = frame_spectrum(noise, transform.taper) / np.mean(transform.taper**2)
            of_coefficients = of_coefficients[:, None, : window // 2 + 1]
        case StationaryWavelet():
            bands = subband_levels(noise, space, transform.wavelet, transform.depth(space))
            flat = [level**2 for part in bands for level in part.values()]
            of_coefficients = np.stack(flat, axis=1).reshape(len(power), -1, *[1] * len(space))
        case Wavelet():
            of_coefficients = _packed(noise, space, transform)
        case _:
            raise InputError(
                f"{transform} does not support a noise model: use whitened[method=...,noise=...]"
            )
    scale = per_item(power, of_coefficients)
    ratio = np.divide(of_coefficients, scale, out=np.ones_like(of_coefficients), where=scale > 0)
    return np.sqrt(ratio)


def _packed(noise: NoiseModel, space: tuple[int, ...], transform: Wavelet) -> Values:
    """Return the power in every coefficient, in the order of the transform."""
    bands = subband_levels(noise, space, transform.wavelet, transform.depth(space))
    power = np.empty((len(noise.level), *space))
    block = power
    for part in reversed(bands[1:]):
        halves = [{"a": slice(n // 2), "d": slice(n // 2, None)} for n in block.shape[1:]]
        for key, level in part.items():
            inside = tuple(half[letter] for half, letter in zip(halves, key, strict=True))
            block[(slice(None), *inside)] = per_item(level**2, block)
        block = block[(slice(None), *(half["a"] for half in halves))]
    (coarse,) = bands[0].values()
    block[:] = per_item(coarse**2, block)
    return power
