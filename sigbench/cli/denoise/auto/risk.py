"""The expected error of a method in noise of a known model, from the noisy item alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sigbench.core.protocols import Array, NoiseModel
from sigbench.core.rng import item_rng

Function = Callable[[Array], Array]  # of a batch (N, C, *space)


@dataclass(frozen=True)
class Risk:
    """The expected squared error of one estimate.

    Attributes
    ----------
    mse : float
        Stein's unbiased estimate of the mean squared error; it can be negative.
    divergence : float
        tr(ΣJ)/n for the covariance Σ of the noise and the Jacobian J, in squared units: the noise
        that the method follows.
    """

    mse: float
    divergence: float


@dataclass(frozen=True)
class Probes:
    """Random draws of the noise, by which the divergence is measured.

    Attributes
    ----------
    y : array, shape (1, C, *space), float64
        The noisy item.
    draws : array, shape (K, C, *space)
        Noise of the model, drawn from random signs; each sample of the signs is in one probe.
    power : float
        The mean power of the noise.
    """

    y: NDArray[np.float64]
    draws: NDArray[np.float64]
    power: float


def probes(y: Array, noise: NoiseModel, count: int, draw: int = 0) -> Probes:
    """Return ``count`` probes for an item ``(1, C, *space)`` in noise of a model."""
    y = y.astype(np.float64)
    space = y.shape[2:]
    signs = item_rng(draw, "auto").choice([-1.0, 1.0], size=y.shape[1:])
    shifts = [3**i for i in range(len(space))][::-1]
    index = sum(s * i for s, i in zip(shifts, np.indices(space), strict=True)) % count
    sparse = np.stack([np.where(index == k, signs, 0.0) for k in range(count)])
    spectrum = noise.spectrum(space)[0]
    axes = tuple(range(2, y.ndim))
    if np.ptp(spectrum) > 1e-9 * spectrum.max():
        gains = np.sqrt(spectrum)
        draws = np.fft.ifftn(gains * np.fft.fftn(sparse, axes=axes), axes=axes).real
    else:
        draws = np.sqrt(noise.variance(y)) * sparse
    return Probes(y, draws, float(noise.level[0]) ** 2)


def risk(f: Function, at: Probes, step: float = 0.1) -> Risk:
    """Estimate the error of a method by generalized SURE.

    SURE = ‖f(y) − y‖²/n − tr Σ/n + 2 tr(ΣJ)/n, where tr(ΣJ) = E bᵀJb for b of covariance Σ is
    measured by differences, ``step`` times the noise. A step this large also sees the jumps of hard
    thresholds.

    References
    ----------
    Stein, Ann. Stat. 9 (1981), theorem 1; Ramani, Blu, Unser, IEEE Trans. Image Process. 17 (2008),
    theorem 2; Eldar, IEEE Trans. Signal Process. 57 (2009), on noise of any covariance.
    """
    out = f(np.concatenate([at.y, at.y + step * at.draws]))
    estimate, moved = out[:1], out[1:]
    n = at.y.size
    divergence = float(np.sum(at.draws * (moved - estimate))) / step / n
    misfit = float(np.mean((estimate - at.y) ** 2))
    return Risk(misfit - at.power + 2 * divergence, divergence)


def chance(at: Probes) -> float:
    """Return the standard deviation of ‖noise‖²/n for independent noise."""
    return at.power * math.sqrt(2 / at.y.size)
