"""Noise of a random kind, for training on many noises."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sigbench.datasets.base import Split, WithBabble
from sigbench.problems.base import Context
from sigbench.problems.noises import (
    Babble,
    Modulated,
    Noise,
    Noises,
    Pink,
    SpeechShaped,
    White,
    shaped,
)
from sigbench.problems.recordings import Recording

TALKERS = (3, 9)  # of babble: at least 3, fewer than 9
RATES_HZ = (0.25, 4.0)  # of the modulation
TILTS_DB = (-9.0, 3.0)  # per octave, of the spectrum of colored noise
DEVIATION_DB = 5.0  # of that spectrum from a straight line, at each octave
LOWEST_HZ = 62.5  # the spectrum is constant below
SUM_DB = 10.0  # the second noise of a sum is weaker by at most this


@dataclass(frozen=True)
class Colored:
    """Gaussian noise with a random smooth spectrum, newly drawn for each item.

    Over the logarithm of the frequency, the level in dB is a line of random slope plus random
    deviations at each octave, which are interpolated.
    """

    kind: ClassVar[str] = "colored"
    version: ClassVar[int] = 1
    is_white: ClassVar[bool] = False

    def recordings(self, split: Split) -> None:
        """Return None: nothing is recorded."""

    def draw(self, n: int, length: int, rng: np.random.Generator, context: Context) -> Noises:
        """Return ``n`` noises, shape ``(n, length)``."""
        octaves = math.ceil(math.log2(context.fs / 2 / LOWEST_HZ)) + 1
        noises = rng.standard_normal((n, length))
        for noise in noises:
            levels_db = rng.normal(scale=DEVIATION_DB, size=octaves)
            levels_db += rng.uniform(*TILTS_DB) * np.arange(octaves)
            density = functools.partial(_interpolated, levels_db=levels_db)
            noise[:] = shaped(noise[None], context.fs, density)[0]
        return noises


def _interpolated(frequencies: Noises, levels_db: NDArray[np.float64]) -> Noises:
    octave = np.log2(np.maximum(frequencies, LOWEST_HZ) / LOWEST_HZ)
    return 10 ** (np.interp(octave, np.arange(len(levels_db)), levels_db) / 10)


@dataclass(frozen=True)
class Varied:
    """Noise of a random kind for each item, or a sum of two kinds.

    The kinds are white, pink, speech-shaped, colored at random, modulated, babble of 3 to 8
    talkers if the dataset has speech for it, and recorded noise, which is twice as likely as each
    other kind. One item in four is a sum.

    Parameters
    ----------
    path : str or None
        Recordings, as in `Recording`: ``esc10`` or a folder; None for no recorded noise.

    Examples
    --------
    >>> from sigbench.datasets import SpeechSmoke
    >>> context = Context(SpeechSmoke(), "train")
    >>> Varied(path=None).draw(3, 8000, np.random.default_rng(0), context).shape
    (3, 8000)
    """

    path: str | None = field(default="esc10", metadata={"identity": False})

    kind: ClassVar[str] = "varied"
    is_white: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _ = self._recorded

    @functools.cached_property
    def _recorded(self) -> Recording | None:
        return None if self.path is None else Recording(self.path)

    @property
    def version(self) -> str:
        """Version of the noises and digest of the recordings."""
        return "1" if self._recorded is None else self._recorded.version

    def recordings(self, split: Split) -> list[str] | None:
        """Return the names of the recordings of a split, or None if there is no recorded noise."""
        return None if self._recorded is None else self._recorded.recordings(split)

    def draw(self, n: int, length: int, rng: np.random.Generator, context: Context) -> Noises:
        """Return ``n`` noises, shape ``(n, length)``."""
        noises = np.zeros((n, length))
        for noise in noises:
            kinds = self._kinds(context, rng)
            first, second = rng.choice(len(kinds), 2, replace=False)
            noise += _normalized(kinds[first].draw(1, length, rng, context)[0])
            if rng.random() < 0.25:
                gain = 10 ** (-rng.uniform(0, SUM_DB) / 20)
                noise += gain * _normalized(kinds[second].draw(1, length, rng, context)[0])
        return noises

    def _kinds(self, context: Context, rng: np.random.Generator) -> list[Noise]:
        kinds: list[Noise] = [White(), Pink(), SpeechShaped(), Colored()]
        kinds.append(Modulated(float(rng.uniform(*RATES_HZ)), float(rng.uniform())))
        if isinstance(context.dataset, WithBabble):
            kinds.append(Babble(int(rng.integers(*TALKERS))))
        # Recorded noise is twice as likely as each other kind.
        return kinds if self._recorded is None else [*kinds, self._recorded, self._recorded]


def _normalized(noise: Noises) -> Noises:
    """Return the noise with mean power 1; silence is returned as it is."""
    power = float(np.mean(noise**2))
    return noise / math.sqrt(power) if power else noise
