"""Noise tracking: estimate the power spectrum of the noise in noisy speech, frame by frame."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, TypeVar

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Block, Sigma, Task, Training
from sigbench.core.validation import check_field
from sigbench.datasets.base import Dataset
from sigbench.denoisers.speech.frames import Framing, Spectrum, framing, power_spectra
from sigbench.denoisers.speech.trackers import NoiseTracker, noise_spectra
from sigbench.problems.base import Caller, Degradation
from sigbench.problems.denoising import Denoising

T = TypeVar("T")


@dataclass(frozen=True)
class NoiseTracking:
    """Estimation of the noise spectrum in every frame of noisy signals.

    The noise is the noisy minus the clean signal. Its true spectrum is its periodogram |N|²,
    smoothed over time (see `smoothed`); the estimates have its shape, ``(N, 1, frames, bins)``.

    Parameters
    ----------
    name : str
        Name of the problem.
    dataset : Dataset
        Source of clean speech, with a sampling rate.
    degradation : Degradation
        Adds the noise.
    items : int
        Number of test items per seed.
    window_ms : float
        Length of a frame in ms.
    overlap : int
        Number of frames that contain a sample.
    smoothing_s : float
        Time constant of the smoothing in seconds.
    """

    name: str
    dataset: Dataset
    degradation: Degradation
    items: int
    window_ms: float = 32.0
    overlap: int = 4
    smoothing_s: float = 0.15

    kind: ClassVar[str] = "noise-tracking"
    version: ClassVar[int] = 1
    task: ClassVar[Task] = "noise tracking"
    sigma_known: ClassVar[bool] = False
    can_train: ClassVar[bool] = False
    item_info: ClassVar[None] = None  # spectra are not shown

    def __post_init__(self) -> None:
        check_field("smoothing_s", self.smoothing_s, 1e-6)
        if "fs" not in self.dataset.problem_info:
            raise InputError(
                f"{self.name}: {self.dataset.kind} has no sampling rate, which noise tracking needs"
            )
        _ = self._denoising, self._frames  # report invalid values before a run

    @cached_property
    def _denoising(self) -> Denoising:
        """The problem that makes the noisy items."""
        return Denoising(self.name, self.dataset, self.degradation, self.items)

    @cached_property
    def _frames(self) -> Framing:
        return framing(self.dataset.problem_info["fs"], self.window_ms, self.overlap)

    @property
    def labels(self) -> dict[str, str]:
        """Values of the columns ``dataset`` and ``degradation``."""
        return self._denoising.labels

    @property
    def problem_info(self) -> Mapping[str, Any]:
        """Problem information of the dataset and the degradation."""
        return self._denoising.problem_info

    def blocks(self, seed: int, size: int) -> Iterator[Block]:
        """Yield the test items of a seed in blocks of at most ``size`` items of equal length."""
        for block in self._denoising.blocks(seed, size):
            noise = block.noisy.astype(np.float64) - block.clean
            power = smoothed(power_spectra(noise, self._frames), self._frames, self.smoothing_s)
            true = power.astype(block.noisy.dtype)[:, None]
            yield Block(block.items, block.groups, true, block.noisy, None)

    @property
    def caller(self) -> Caller:
        """How a tracker is called."""
        return functools.partial(tracked, frames=self._frames)

    def apply(self, method: NoiseTracker, block: Block, *, sigma_given: bool) -> Array:
        """Return the noise spectra that a tracker estimates for a block."""
        return tracked(method, block.noisy, None, frames=self._frames)

    def score(self, metric: Callable[..., T], block: Block, estimate: Array) -> T:
        """Return ``metric`` (a `Metric`, or its ``measure``) of the items of a block."""
        return metric(block.clean, estimate, self.dataset.peak)

    def training(self, *, sigma_given: bool) -> Training:
        """Raise an `InputError`: trackers do not learn."""
        raise InputError(f"{self.name}: noise tracking has no training split")


def tracked(tracker: NoiseTracker, noisy: Array, sigma: Sigma, *, frames: Framing) -> Array:
    """Return the noise spectra that a tracker estimates; it is given no noise level."""
    return noise_spectra(tracker, noisy, frames).astype(noisy.dtype)[:, None]


def smoothed(power: Spectrum, frames: Framing, time_s: float) -> Spectrum:
    """Return spectra that are smoothed recursively over frames, forward and then backward.

    The result has no delay, and a causal tracker cannot match it just by using the same filter.

    Parameters
    ----------
    power : array, shape (N, frames, bins)
        Power spectra.
    frames : Framing
        The frames.
    time_s : float
        Time constant of each direction in seconds.

    Examples
    --------
    >>> p = np.array([1.0, 1.0, 4.0, 1.0, 1.0]).reshape(1, 5, 1)
    >>> smoothed(p, framing(8000.0), 0.008 / np.log(2)).ravel().round(2)  # a factor of 1/2
    array([1.26, 1.52, 2.03, 1.56, 1.38])
    """
    from scipy.signal import filtfilt  # loads scipy.stats

    factor = frames.smoothing(time_s)
    return np.asarray(filtfilt([1 - factor], [1, -factor], power, axis=1, padtype=None))
