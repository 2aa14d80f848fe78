"""White noise with a disturbance: rare large errors, mains hum, or a level that changes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array
from sigbench.core.validation import check_field, per_item
from sigbench.datasets.base import Split
from sigbench.denoisers.noise.models import StationaryNoise, VaryingNoise, white_noise
from sigbench.problems.base import Context, Degraded
from sigbench.problems.levels import check_level, levels_of


@dataclass(frozen=True)
class Spikes:
    """White Gaussian noise, and rare large errors that are added to single samples.

    The sizes of the errors are uniform between half and one and a half times ``size_over_sigma``,
    with random signs. The noise model is white noise with the power of both.

    Parameters
    ----------
    amount : float
        Probability of an error in a sample.
    size_over_sigma : float
        Mean size of the errors, in units of the noise level.
    sigma, snr_db : float
        Level of the white noise; exactly one is set.

    Examples
    --------
    >>> spikes = Spikes(amount=0.01, size_over_sigma=50.0, sigma=1.0)
    >>> made = spikes(np.zeros((1, 1, 100_000)), np.random.default_rng(0), peak=1.0)
    >>> np.mean(np.abs(made.noisy) > 20).round(2)
    np.float64(0.01)
    """

    amount: float = 0.01
    size_over_sigma: float = 20.0
    sigma: float | None = None
    snr_db: float | None = None

    kind: ClassVar[str] = "spikes"
    version: ClassVar[int] = 1
    sigma_known: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_level(self.sigma, self.snr_db)
        check_field("size_over_sigma", self.size_over_sigma, 0)
        if not 0 <= self.amount <= 1:
            raise InputError(f"amount={self.amount:g} must be >= 0 and <= 1")

    def problem_info(self, space: tuple[int, ...]) -> Mapping[str, Any]:
        """Return no information."""
        return {}

    def noise_model(self, clean: Array, *, peak: float) -> StationaryNoise:
        """Return the noise of clean items ``(N, C, *space)``: white, with all errors."""
        spread = 1 + 1 / 12  # mean square of a uniform variable between 1/2 and 3/2
        power = 1 + self.amount * self.size_over_sigma**2 * spread
        levels = levels_of(clean, self.sigma, self.snr_db)
        return white_noise(levels * math.sqrt(power), clean.ndim - 2)

    def __call__(self, source: Array, rng: np.random.Generator, *, peak: float) -> Degraded:
        """Return clean and noisy items; the clean items are the source items."""
        noise = rng.standard_normal(source.shape)
        hit = rng.random(source.shape) < self.amount
        sizes = rng.uniform(0.5, 1.5, source.shape) * (2 * rng.integers(2, size=source.shape) - 1)
        noise += np.where(hit, self.size_over_sigma * sizes, 0)
        return _added(source, noise, levels_of(source, self.sigma, self.snr_db))


@dataclass(frozen=True)
class Hum:
    """White Gaussian noise, and mains hum: a sinusoid with harmonics of random phases.

    The amplitude of the k-th harmonic is 1/k of that of the first. The phase is constant in an
    item; in images the sinusoid runs along the rows. The noise model has a flat spectrum with a
    line at each frequency.

    Parameters
    ----------
    frequency : float
        Frequency in Hz; in cycles per sample for a dataset without a sampling rate.
    hum_over_sigma : float
        Root mean square of the hum, in units of the noise level.
    harmonics : int
        Number of sinusoids; those above half of the sampling rate are left out.
    sigma, snr_db : float
        Level of the white noise; exactly one is set.
    context : Context
        Set by the problem.

    Examples
    --------
    >>> hum = Hum(0.1, hum_over_sigma=3.0, harmonics=1, sigma=1.0)
    >>> made = hum(np.zeros((1, 1, 1000)), np.random.default_rng(0), peak=1.0)
    >>> power = np.abs(np.fft.rfft(made.noisy[0, 0])) ** 2
    >>> int(power.argmax()), (2 * power[100] / 1000**2).round()
    (100, np.float64(9.0))
    """

    frequency: float
    hum_over_sigma: float = 2.0
    harmonics: int = 3
    sigma: float | None = None
    snr_db: float | None = None
    context: Context | None = field(default=None, repr=False, metadata={"identity": False})

    kind: ClassVar[str] = "hum"
    version: ClassVar[int] = 1
    sigma_known: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_level(self.sigma, self.snr_db)
        check_field("frequency", self.frequency, 1e-9)
        check_field("hum_over_sigma", self.hum_over_sigma, 0)
        check_field("harmonics", self.harmonics, 1, below=1001)

    def problem_info(self, space: tuple[int, ...]) -> Mapping[str, Any]:
        """Return no information."""
        return {}

    def in_context(self, context: Context) -> Hum:
        """Return the degradation for these items."""
        return dataclasses.replace(self, context=context)

    def recordings(self, split: Split) -> None:
        """Return None: nothing is recorded."""

    def noise_model(self, clean: Array, *, peak: float) -> StationaryNoise:
        """Return the noise of clean items ``(N, C, *space)``, with the hum."""
        levels = levels_of(clean, self.sigma, self.snr_db)
        *rest, n = clean.shape[2:]
        power = np.ones((*rest, n))
        lines = power.reshape(-1, n)[0]  # constant along the other axes
        frequencies, amplitudes = self._lines()
        for frequency, amplitude in zip(frequencies, amplitudes, strict=True):
            below = int(frequency * n)  # between two frequencies of the FFT, the power is shared
            share = frequency * n - below
            for k, part in ((below, 1 - share), (below + 1, share)):
                lines[k % n] += part * amplitude**2 / 4 * power.size
                lines[-k % n] += part * amplitude**2 / 4 * power.size
        return StationaryNoise(np.multiply.outer(levels**2, power))

    def _lines(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return frequencies in cycles per sample, and amplitudes for a noise level of 1.

        Raises
        ------
        InputError
            If the frequency is not below half of the sampling rate.
        """
        info = self.context.dataset.problem_info if self.context else {}
        fs = float(info.get("fs", 1.0))
        if not self.frequency < fs / 2:
            unit = "Hz" if "fs" in info else "cycles per sample"
            raise InputError(f"frequency={self.frequency:g} must be < {fs / 2:g} {unit}")
        k = np.arange(1.0, self.harmonics + 1)
        amplitudes = np.where(k * self.frequency < fs / 2, 1 / k, 0.0)
        amplitudes *= self.hum_over_sigma / np.sqrt(np.sum(amplitudes**2) / 2)
        return np.asarray(k * self.frequency / fs, np.float64), np.asarray(amplitudes, np.float64)

    def __call__(self, source: Array, rng: np.random.Generator, *, peak: float) -> Degraded:
        """Return clean and noisy items; the clean items are the source items."""
        frequencies, amplitudes = self._lines()
        noise = rng.standard_normal(source.shape)
        phases = rng.uniform(0, 2 * math.pi, (len(source), self.harmonics))
        time = np.arange(source.shape[-1])
        waves = np.zeros((len(source), source.shape[-1]))
        for one, (frequency, amplitude) in enumerate(zip(frequencies, amplitudes, strict=True)):
            turns = 2 * math.pi * frequency * time
            waves += amplitude * np.sin(turns + phases[:, one, None])
        noise += waves.reshape(len(source), *[1] * (source.ndim - 2), -1)
        return _added(source, noise, levels_of(source, self.sigma, self.snr_db))


@dataclass(frozen=True)
class Varying:
    """White Gaussian noise whose level changes along the last axis.

    ``sigma`` and ``snr_db`` refer to the root mean square over the item.

    Parameters
    ----------
    factor : float
        Ratio of the last and the first level.
    change : {"step", "ramp"}
        A step in the middle, or a geometric ramp over the item.
    sigma, snr_db : float
        Level of the noise; exactly one is set.

    Examples
    --------
    >>> varying = Varying(factor=3.0, sigma=1.0)
    >>> varying.noise_model(np.zeros((1, 1, 4)), peak=1.0).levels.round(2)
    array([[[0.45, 0.45, 1.34, 1.34]]])
    """

    factor: float = 2.0
    change: Literal["step", "ramp"] = "step"
    sigma: float | None = None
    snr_db: float | None = None

    version: ClassVar[int] = 1
    sigma_known: ClassVar[bool] = False
    kind: ClassVar[str] = "varying"

    def __post_init__(self) -> None:
        check_level(self.sigma, self.snr_db)
        check_field("factor", self.factor, 1e-6, below=1e6)

    def problem_info(self, space: tuple[int, ...]) -> Mapping[str, Any]:
        """Return no information."""
        return {}

    def noise_model(self, clean: Array, *, peak: float) -> VaryingNoise:
        """Return the noise of clean items ``(N, C, *space)``."""
        levels = levels_of(clean, self.sigma, self.snr_db)
        profile = np.ones((1, *clean.shape[2:])) * self._profile(clean.shape[-1])
        return VaryingNoise(np.multiply.outer(levels, profile))

    def _profile(self, n: int) -> NDArray[np.float64]:
        """Return the level along an axis of ``n`` samples, with the root mean square 1."""
        place = np.linspace(0, 1, n)
        if self.change == "step":
            place = (np.arange(n) >= n / 2).astype(np.float64)
        profile = self.factor**place
        return np.asarray(profile / np.sqrt(np.mean(profile**2)))

    def __call__(self, source: Array, rng: np.random.Generator, *, peak: float) -> Degraded:
        """Return clean and noisy items; the clean items are the source items."""
        noise = rng.standard_normal(source.shape) * self._profile(source.shape[-1])
        return _added(source, noise, levels_of(source, self.sigma, self.snr_db))


def _added(source: Array, noise: NDArray[np.float64], levels: NDArray[np.float64]) -> Degraded:
    """Return items with added noise of the given levels; the clean items are the source items."""
    return Degraded(source, (source + per_item(levels, noise) * noise).astype(source.dtype))
