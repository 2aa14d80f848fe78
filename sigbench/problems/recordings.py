"""Recorded noise: random parts of recordings, which are repeated without their silence."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.datasets.base import Split
from sigbench.datasets.esc10 import Esc10
from sigbench.datasets.folder import Folder
from sigbench.problems.base import Context

SILENCE = 1.5 / 2**15  # samples within one step of 16 bits are silent
SILENCE_S = 0.02  # shorter silence is kept
FADE_S = 0.02  # duration of cross-fades


@dataclass(frozen=True)
class Recording:
    """Recorded noise: a random part of a recording, resampled to the rate of the dataset.

    Items use the recordings in turn, in sorted order; for training, each draw uses a random one.
    Digital silence of at least 20 ms is removed. Clips of one recording are joined by cross-fades
    of 20 ms, and so are its end and its beginning: a recording shorter than an item is repeated.

    Parameters
    ----------
    path : str
        ``esc10``, the fetched dataset, or a folder of sound files. The splits of a folder are its
        subfolders ``train`` and ``test``; without them all files are for tests.
    match : str
        Use only recordings whose name contains this text, for example ``rain``. Names in ESC-10 are
        like ``rain-17367``; in a folder they are the file names.

    Examples
    --------
    >>> Recording("no/such/folder")
    Traceback (most recent call last):
    sigbench.core.errors.InputError: path=no/such/folder is not a folder
    """

    path: str = field(metadata={"identity": False})  # `version` depends on the content
    match: str = ""

    is_white: ClassVar[bool] = False

    def __post_init__(self) -> None:
        source = self._source
        if source.domain != "speech" and not isinstance(source, Esc10):
            raise InputError(f"path={self.path} contains no sound files")
        if isinstance(source, Folder) and not self.recordings("test"):
            raise InputError(f"match={self.match!r}: path={self.path} has no such test recording")
        if isinstance(source, Esc10) and not self.recordings("test"):
            raise InputError(f"match={self.match!r}: esc10 has no such recording")

    @property
    def kind(self) -> str:
        """Name of the kind of noise, with the selection."""
        return f"recording-{self.match}" if self.match else "recording"

    @property
    def version(self) -> str:
        """Digest of the files."""
        return f"1.{self._source.version}"

    @functools.cached_property
    def _source(self) -> Esc10 | Folder:
        return Esc10() if self.path == "esc10" else Folder(self.path)

    def recordings(self, split: Split) -> list[str]:
        """Return the names of the recordings in a split, sorted."""
        return sorted(self._clips(split))

    def _clips(self, split: Split) -> dict[str, list[int]]:
        """Return the clips of each recording."""
        clips: dict[str, list[int]] = {}
        for i in range(self._source.size(split) or 0):
            name = self._source.group(split, i) or str(i)
            if self.match in name:
                clips.setdefault(name, []).append(i)
        return clips

    def draw(
        self, n: int, length: int, rng: np.random.Generator, context: Context
    ) -> NDArray[np.float64]:
        """Return ``n`` noises, shape ``(n, length)``.

        Raises
        ------
        InputError
            If the split has no recordings.
        """
        loops = self._loops(context.split, context.fs)
        if not loops:
            raise InputError(
                f"path={self.path} has no recordings for training: it needs subfolders train and test"
            )
        noises = np.empty((n, length))
        for row, noise in enumerate(noises):
            if context.item is None:
                chosen = int(rng.integers(len(loops)))
            else:
                chosen = (context.item + row) % len(loops)
            noise[:] = excerpt(loops[chosen], length, rng)
        return noises

    def _loops(self, split: Split, fs: float) -> list[NDArray[np.float64]]:
        return _loops(self, self._source.version, split, fs)


@functools.lru_cache(maxsize=16)
def _loops(noise: Recording, version: str, split: Split, fs: float) -> list[NDArray[np.float64]]:
    """Return all recordings of a split at a sampling rate, in the order of their names."""
    source = noise._source
    return [
        loop([source.item(split, 0, i).mean(axis=0) for i in clips], source.problem_info["fs"], fs)
        for _, clips in sorted(noise._clips(split).items())
    ]


def loop(clips: Sequence[NDArray[np.float64]], own_fs: float, fs: float) -> NDArray[np.float64]:
    """Return a signal that can be repeated: clips without silence, resampled and cross-faded.

    Parameters
    ----------
    clips : sequence of array, shape (L,)
        Clips of one recording.
    own_fs, fs : float
        Sampling rates of the clips and of the result in Hz.

    Raises
    ------
    InputError
        If there is less than 0.1 s of sound.
    """
    from scipy.signal import resample_poly

    parts = [part for clip in clips for part in audible(clip, own_fs)]
    common = math.gcd(round(own_fs), round(fs))
    if own_fs != fs:
        up, down = round(fs) // common, round(own_fs) // common
        parts = [resample_poly(part, up, down) for part in parts]
    fade = round(FADE_S * fs)
    joined = np.zeros(0)
    for part in parts:
        if len(part) > 2 * fade:
            joined = crossfaded(joined, part, fade) if len(joined) else part
    if len(joined) < 0.1 * fs:
        raise InputError(f"a noise recording has {len(joined) / fs:.2g} s of sound: it needs 0.1 s")
    # The end is faded into the beginning, and the signal starts after this overlap.
    return crossfaded(joined[fade:], joined[:fade], fade)


def audible(clip: NDArray[np.float64], fs: float) -> list[NDArray[np.float64]]:
    """Return the parts of a clip between digital silences of at least 20 ms.

    Examples
    --------
    >>> clip = np.concatenate([np.ones(5), np.zeros(160), np.ones(3), np.zeros(159), [1.0]])
    >>> [len(part) for part in audible(clip, 8000.0)]
    [5, 163]
    """
    silent = np.concatenate([[False], np.abs(clip) <= SILENCE, [False]])
    edges = np.flatnonzero(silent[1:] != silent[:-1]).reshape(-1, 2)
    long = edges[edges[:, 1] - edges[:, 0] >= SILENCE_S * fs]
    starts = np.concatenate([[0], long[:, 1]])
    ends = np.concatenate([long[:, 0], [len(clip)]])
    return [clip[a:b] for a, b in zip(starts, ends, strict=True) if b > a]


def crossfaded(
    first: NDArray[np.float64], second: NDArray[np.float64], overlap: int
) -> NDArray[np.float64]:
    """Join two signals by a cross-fade; the sum of the squared weights is 1.

    Examples
    --------
    >>> crossfaded(np.array([1.0, 1.0]), np.array([0.0, 5.0]), 1).round(3)
    array([1.   , 0.707, 5.   ])
    """
    angle = (np.arange(overlap) + 0.5) / overlap * (math.pi / 2)
    faded = first[-overlap:] * np.cos(angle) + second[:overlap] * np.sin(angle)
    return np.concatenate([first[:-overlap], faded, second[overlap:]])


def excerpt(
    repeated: NDArray[np.float64], length: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return a random part of a signal, which is repeated if it is shorter."""
    if len(repeated) >= length:
        start = int(rng.integers(len(repeated) - length + 1))
        return repeated[start : start + length]
    return np.resize(np.roll(repeated, -int(rng.integers(len(repeated)))), length)
