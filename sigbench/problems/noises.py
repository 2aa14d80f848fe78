"""Noises that are mixed with speech: white, colored, modulated and babble."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.validation import check_field
from sigbench.datasets.base import Split, WithBabble
from sigbench.problems.base import Context

Noises = NDArray[np.float64]

# Long-term average spectrum of speech, both sexes, overall level 70 dB: levels in third-octave
# bands (Byrne et al. 1994, table II).
BANDS_HZ = (
    63, 80, 100, 125, 160, 200, 250, 315, 400, 500, 630, 800, 1000, 1250, 1600, 2000, 2500, 3150,
    4000, 5000, 6300, 8000, 10_000, 12_500, 16_000,
)  # fmt: skip
BANDS_DB = (
    38.6, 43.5, 54.4, 57.7, 56.8, 60.2, 60.3, 59.0, 62.1, 62.1, 60.5, 56.8, 53.7, 53.0, 52.0, 48.7,
    48.1, 46.8, 45.6, 44.5, 44.3, 43.7, 43.4, 41.3, 40.7,
)  # fmt: skip


class Noise(Protocol):
    """A kind of noise; a frozen dataclass of its parameters."""

    @property
    def kind(self) -> str:
        """Name of the kind, part of the name of the random stream."""
        ...

    @property
    def version(self) -> int | str:
        """Version of the noise: it changes whenever the noise changes."""
        ...

    @property
    def is_white(self) -> bool:
        """Whether the samples are independent, with variance 1."""
        ...

    def recordings(self, split: Split) -> list[str] | None:
        """Return the names of the recordings in a split, or None if nothing is recorded."""
        ...

    def draw(self, n: int, length: int, rng: np.random.Generator, context: Context) -> Noises:
        """Return ``n`` noises, shape ``(n, length)``; their level is arbitrary."""
        ...


@dataclass(frozen=True)
class White:
    """White Gaussian noise.

    Examples
    --------
    >>> from sigbench.datasets import SpeechSmoke
    >>> rng = np.random.default_rng(0)
    >>> White().draw(2, 3, rng, Context(SpeechSmoke(), "test")).shape
    (2, 3)
    """

    kind: ClassVar[str] = "white"
    version: ClassVar[int] = 1
    is_white: ClassVar[bool] = True

    def recordings(self, split: Split) -> None:
        """Return None: nothing is recorded."""

    def draw(self, n: int, length: int, rng: np.random.Generator, context: Context) -> Noises:
        """Return ``n`` noises, shape ``(n, length)``."""
        return rng.standard_normal((n, length))


@dataclass(frozen=True)
class Pink:
    """Gaussian noise whose power density is proportional to 1/f above 20 Hz and constant below.

    Examples
    --------
    >>> from sigbench.datasets import SpeechSmoke
    >>> x = Pink().draw(1, 2**16, np.random.default_rng(0), Context(SpeechSmoke(), "test"))
    >>> power = np.abs(np.fft.rfft(x[0])) ** 2
    >>> bool(abs(power[1000:2000].sum() / power[8000:16000].sum() - 1) < 0.2)  # both are octaves
    True
    """

    kind: ClassVar[str] = "pink"
    version: ClassVar[int] = 1
    is_white: ClassVar[bool] = False

    def recordings(self, split: Split) -> None:
        """Return None: nothing is recorded."""

    def draw(self, n: int, length: int, rng: np.random.Generator, context: Context) -> Noises:
        """Return ``n`` noises, shape ``(n, length)``."""
        return shaped(rng.standard_normal((n, length)), context.fs, pink_density)


@dataclass(frozen=True)
class SpeechShaped:
    """Gaussian noise with the long-term average spectrum of speech.

    References
    ----------
    D. Byrne et al., "An international comparison of long-term average speech spectra", J. Acoust.
    Soc. Am. 96 (4), 1994, table II.
    """

    kind: ClassVar[str] = "speech-shaped"
    version: ClassVar[int] = 1
    is_white: ClassVar[bool] = False

    def recordings(self, split: Split) -> None:
        """Return None: nothing is recorded."""

    def draw(self, n: int, length: int, rng: np.random.Generator, context: Context) -> Noises:
        """Return ``n`` noises, shape ``(n, length)``."""
        return shaped(rng.standard_normal((n, length)), context.fs, speech_density)


@dataclass(frozen=True)
class Modulated:
    """White Gaussian noise whose amplitude is multiplied by 1 + depth·sin(2π·rate·t + φ).

    The phase φ is random.

    Parameters
    ----------
    rate_hz : float
        Modulation frequency.
    depth : float
        Modulation depth, from 0 to 1.

    References
    ----------
    T. Gerkmann and R. C. Hendriks, IEEE Trans. Audio, Speech, Lang. Process. 20 (4), 2012: 0.5 Hz
    and depth 0.5.
    """

    rate_hz: float = 0.5
    depth: float = 0.5

    kind: ClassVar[str] = "modulated"
    version: ClassVar[int] = 1
    is_white: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_field("rate_hz", self.rate_hz, 0.01)
        if not 0 <= self.depth <= 1:
            raise InputError(f"depth={self.depth:g} must be >= 0 and <= 1")

    def recordings(self, split: Split) -> None:
        """Return None: nothing is recorded."""

    def draw(self, n: int, length: int, rng: np.random.Generator, context: Context) -> Noises:
        """Return ``n`` noises, shape ``(n, length)``."""
        noise = rng.standard_normal((n, length))
        phase = rng.uniform(0, 2 * math.pi, size=(n, 1))
        turns = 2 * math.pi * self.rate_hz / context.fs * np.arange(length)
        return noise * (1 + self.depth * np.sin(turns + phase))


@dataclass(frozen=True)
class Babble:
    """Several talkers at once, each with the same RMS value, from speech of the dataset.

    Parameters
    ----------
    talkers : int
        Number of talkers.
    """

    talkers: int = 6

    kind: ClassVar[str] = "babble"
    version: ClassVar[int] = 1
    is_white: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_field("talkers", self.talkers, 1, below=101)

    def recordings(self, split: Split) -> None:
        """Return None: all items of a split have the same talkers."""

    def draw(self, n: int, length: int, rng: np.random.Generator, context: Context) -> Noises:
        """Return ``n`` noises, shape ``(n, length)``.

        Raises
        ------
        InputError
            If the dataset has no speech for babble.
        """
        data = context.dataset
        if not isinstance(data, WithBabble):
            raise InputError(f"babble: {data.kind} has no speech for babble; use another noise")
        streams = [data.babble(context.split, self.talkers, length, rng) for _ in range(n)]
        return np.stack([talkers.sum(axis=0) for talkers in streams])


def pink_density(frequencies: Noises) -> Noises:
    """Return a power density proportional to 1/f, constant below 20 Hz."""
    return 1 / np.maximum(frequencies, 20.0)


def speech_density(frequencies: Noises) -> Noises:
    """Return the power density of average speech, interpolated between third-octave bands.

    The power of a band is divided by its width, which is proportional to its frequency. Below
    the lowest band the density falls by 12 dB per octave.
    """
    logs = np.log2(np.maximum(frequencies, 1.0))
    bands = np.log2(BANDS_HZ)
    density_db = np.interp(logs, bands, np.array(BANDS_DB) - 10 * np.log10(BANDS_HZ))
    density_db += 12 * np.minimum(logs - bands[0], 0)
    return 10 ** (density_db / 10)


def shaped(white: Noises, fs: float, density: Callable[[Noises], Noises]) -> Noises:
    """Filter noise so that its power density becomes ``density(frequencies in Hz)``; zero phase.

    Parameters
    ----------
    white : array, shape (n, length)
        White noise.
    fs : float
        Sampling rate in Hz.
    density : callable
        Power density for an array of frequencies.
    """
    length = white.shape[-1]
    gain = np.sqrt(density(scipy.fft.rfftfreq(length, 1 / fs)))
    return scipy.fft.irfft(scipy.fft.rfft(white) * gain, length)
