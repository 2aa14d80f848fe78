"""Noise estimation: estimate the level, spectrum and variance of the noise in noisy items."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Block, NoiseEstimator, NoiseModel, Sigma, Task, Training
from sigbench.datasets.base import Dataset
from sigbench.problems.base import Caller, Context, Contextual, Degradation, KnownNoise
from sigbench.problems.denoising import Denoising
from sigbench.scoring.noise_metrics import BANDS, GRAYS, PARTS

T = TypeVar("T")
Power = NDArray[np.float64]

# Lowest frequency of the bands in cycles per sample, by the number of space axes. Below it, noise
# looks like a slow signal.
LOWEST = {1: 1 / 64, 2: 3 / 32}
HIGHEST = 0.5


@dataclass(frozen=True)
class NoiseEstimation:
    """Estimation of the noise in noisy items, each from the item alone.

    The true noise is that of the degradation, not of the draw. True and estimated noise are
    described by powers (see `described`), shape ``(N, 1, powers)``.

    Parameters
    ----------
    name : str
        Name of the problem.
    dataset : Dataset
        Source of clean items.
    degradation : Degradation
        Adds the noise; its noise model must be known.
    items : int
        Number of test items per seed.
    """

    name: str
    dataset: Dataset
    degradation: Degradation
    items: int

    kind: ClassVar[str] = "noise-estimation"
    version: ClassVar[int] = 1
    task: ClassVar[Task] = "noise estimation"
    sigma_known: ClassVar[bool] = False
    can_train: ClassVar[bool] = False
    item_info: ClassVar[None] = None  # powers are not shown

    def __post_init__(self) -> None:
        if not isinstance(self.degradation, KnownNoise):
            raise InputError(
                f"{self.name}: the noise model of {self.degradation.kind} is not known, which noise "
                "estimation needs; use gaussian, poisson, colored, poisson-gaussian, spikes, hum, "
                "varying or rounded"
            )
        _ = self._denoising  # report invalid values before a run

    @cached_property
    def _denoising(self) -> Denoising:
        """The problem that makes the noisy items."""
        return Denoising(self.name, self.dataset, self.degradation, self.items)

    @property
    def labels(self) -> dict[str, str]:
        """Values of the columns ``dataset`` and ``degradation``."""
        return self._denoising.labels

    @property
    def problem_info(self) -> Mapping[str, Any]:
        """Problem information of the dataset and the degradation."""
        return self._denoising.problem_info

    @property
    def _values(self) -> tuple[float, ...]:
        """The values of the signal at which the variance of the noise is compared."""
        peak = self.dataset.peak
        low = 0.0 if self.dataset.domain == "image" else -peak
        return tuple(low + (peak - low) * (k + 0.5) / GRAYS for k in range(GRAYS))

    def blocks(self, seed: int, size: int) -> Iterator[Block]:
        """Yield the test items of a seed in blocks of at most ``size`` items of equal size."""
        known: Any = self.degradation
        if isinstance(self.degradation, Contextual):
            known = self.degradation.in_context(Context(self.dataset, "test"))
        for block in self._denoising.blocks(seed, size):
            noise = known.noise_model(block.clean, peak=self.dataset.peak)
            true = described(noise, block.clean.shape, self._values).astype(block.noisy.dtype)
            yield Block(block.items, block.groups, true, block.noisy, None)

    @property
    def caller(self) -> Caller:
        """How an estimator is called."""
        return functools.partial(estimated, values=self._values)

    def apply(self, method: NoiseEstimator, block: Block, *, sigma_given: bool) -> Array:
        """Return the description of the noise that an estimator finds in a block."""
        return estimated(method, block.noisy, None, values=self._values)

    def score(self, metric: Callable[..., T], block: Block, estimate: Array) -> T:
        """Return ``metric`` (a `Metric`, or its ``measure``) of the items of a block."""
        return metric(block.clean, estimate, self.dataset.peak)

    def training(self, *, sigma_given: bool) -> Training:
        """Raise an `InputError`: noise estimators do not learn."""
        raise InputError(f"{self.name}: noise estimation has no training split")


def estimated(
    method: NoiseEstimator, noisy: Array, sigma: Sigma, *, values: tuple[float, ...]
) -> Array:
    """Return the description of the noise that an estimator finds; it is given no noise level."""
    noise = method.estimate_noise(noisy)
    return described(noise, noisy.shape, values).astype(noisy.dtype)


def described(noise: NoiseModel, shape: tuple[int, ...], values: tuple[float, ...]) -> Power:
    """Return powers that describe a noise model.

    Parameters
    ----------
    noise : NoiseModel
        The noise of N items.
    shape : tuple of int
        The shape ``(N, C, *space)`` of the items.
    values : tuple of float
        Values of the signal at which the variance of the noise is taken.

    Returns
    -------
    array, shape (N, 1, 1 + BANDS + GRAYS + PARTS)
        The square of the level; the mean power in bands of frequency, for images of the radial
        frequency; the mean variance in items that are constant, one for each of ``values``; and
        the variances in parts along the last axis, relative to their mean, at the central value.

    Raises
    ------
    InputError
        If the model has arrays of a wrong shape, negative powers or values that are not finite,
        or the items are too small for the bands.

    Examples
    --------
    >>> from sigbench.denoisers.noise.models import white_noise
    >>> white = white_noise(np.array([2.0]), 1)
    >>> np.unique(described(white, (1, 1, 1024), (0.0,) * GRAYS))
    array([1., 4.])
    """
    items, _, *rest = shape
    space = tuple(rest)
    level = _checked("level", noise.level, (items,))
    spectrum = _checked("spectrum", noise.spectrum(space), (items, *space)).reshape(items, -1)
    bands = band_numbers(space)
    in_bands = np.stack([spectrum[:, bands == band].mean(axis=1) for band in range(BANDS)], axis=1)
    at_values = np.stack([_variance(noise, shape, value).mean(axis=1) for value in values], axis=1)
    central = _variance(noise, shape, values[len(values) // 2])
    parts = np.stack([part.mean(axis=1) for part in np.array_split(central, PARTS, axis=1)], axis=1)
    mean = parts.mean(axis=1, keepdims=True)
    relative = np.divide(parts, mean, out=np.ones_like(parts), where=mean > 0)
    return np.concatenate([level[:, None] ** 2, in_bands, at_values, relative], axis=1)[:, None]


def band_numbers(space: tuple[int, ...]) -> NDArray[np.intp]:
    """Return the band of every frequency of ``fftn``, in a row; -1 below the lowest band.

    Raises
    ------
    InputError
        If the items are too small: a band contains no frequency.

    Examples
    --------
    >>> band_numbers((256,))[:16]
    array([-1, -1, -1, -1,  0,  0,  1,  1,  2,  2,  2,  2,  3,  3,  3,  3])
    """
    axes = [np.fft.fftfreq(n) for n in space]
    squares = (f**2 for f in np.meshgrid(*axes, indexing="ij", sparse=True))
    radius = np.minimum(np.sqrt(sum(squares, np.zeros(space))), HIGHEST).ravel()
    edges = np.geomspace(LOWEST[len(space)], HIGHEST, BANDS + 1)
    numbers = np.minimum(np.searchsorted(edges * (1 - 1e-9), radius, side="right") - 1, BANDS - 1)
    if len(np.unique(numbers[numbers >= 0])) < BANDS:
        size = "×".join(map(str, space))
        raise InputError(f"items of {size} samples are too small for noise estimation")
    return numbers


def _variance(noise: NoiseModel, shape: tuple[int, ...], value: float) -> Power:
    """Return the variance in constant items at each place of the last axis, shape ``(N, n)``."""
    variance = _checked("variance", noise.variance(np.full(shape, value)), shape)
    return variance.mean(axis=tuple(range(1, len(shape) - 1)))


def _checked(name: str, powers: Any, shape: tuple[int, ...]) -> Power:
    """Return an array of a noise model, checked: a user's model may be faulty."""
    array = np.asarray(powers, dtype=np.float64)
    if array.shape != shape:
        raise InputError(f"the {name} of the noise model has shape {array.shape}, not {shape}")
    if not np.isfinite(array).all() or array.min() < 0:
        bad = array[~(np.isfinite(array) & (array >= 0))][0]
        raise InputError(f"the {name} of the noise model contains {bad:g}: it must be >= 0")
    return array
