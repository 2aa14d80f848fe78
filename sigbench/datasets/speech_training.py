"""Speech for training networks: spoken digits and a folder of synthetic speech."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Domain
from sigbench.core.rng import item_rng
from sigbench.core.validation import check_field
from sigbench.datasets.base import Split
from sigbench.datasets.folder import Folder
from sigbench.datasets.fsdd import FS as FSDD_FS
from sigbench.datasets.fsdd import Fsdd
from sigbench.datasets.utterances import stream, utterance

ITEMS: dict[Split, int] = {"train": 500, "test": 100}
HELD = 10  # one voice in ten is for tests; of the others, one clip in ten is for items
LEVELS_DB = (-6.0, 0.0)  # of a segment, relative to the standard level
PAUSE_S = (0.1, 0.8)  # between two clips
LEAD_S = 0.5  # longest silence at the beginning of a segment, at most a quarter of it
MAX_TILT = 0.5  # of the filter 1 + tilt/z, which imitates different microphones
RATES = (8000, 16_000)

Clips = tuple[NDArray[np.int16], ...]


@dataclass(frozen=True)
class SpeechTraining:
    """Segments of speech for training: spoken digits of `Fsdd` and synthetic speech.

    The synthetic clips are made by ``datasets/speech-synthesis/make.py`` (flite, espeak-ng) and
    are named ``voice-number.flac``; other sound files, such as ``voice-number.wav``, work too. A
    segment starts at a random time of a clip or of a silence before it; if the clip ends early, a
    pause and another clip of the voice follow. Its level is drawn from 6 to 0 dB below the level of
    `Fsdd`. `draw` also filters half of the segments by 1 + a/z with a random tilt a from -0.5 to
    0.5.

    One voice in ten is in the test split. Of the other voices, one clip in ten is for the items
    of the training split (for validation) and the others are for `draw`. The spoken digits are
    those of the training speakers, and only in `draw`; at 16 kHz they have no power above 4 kHz.
    The talkers of babble are the voices of the same split.

    Parameters
    ----------
    path : str
        Folder of synthetic speech.
    fs : int
        Sampling rate in Hz, 8000 or 16000.
    fsdd_share : float
        Probability that a drawn segment consists of spoken digits; if 0, `Fsdd` is not needed.
    length_s : float
        Length of a segment in seconds.

    Examples
    --------
    >>> SpeechTraining("no/such/folder").item("train", 1, 0)
    Traceback (most recent call last):
    sigbench.core.errors.InputError: path=no/such/folder is not a folder: make it with
    datasets/speech-synthesis/make.py
    """

    path: str = field(metadata={"identity": False})  # `version` depends on the content
    fs: int = 8000
    fsdd_share: float = 0.3
    length_s: float = 2.0

    kind: ClassVar[str] = "speech-training"
    domain: ClassVar[Domain] = "speech"
    peak: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        if self.fs not in RATES:
            raise InputError(f"fs={self.fs} must be one of: {', '.join(map(str, RATES))}")
        if not 0 <= self.fsdd_share <= 1:
            raise InputError(f"fsdd_share={self.fsdd_share:g} must be >= 0 and <= 1")
        check_field("length_s", self.length_s, 0.5, below=60.1)

    @functools.cached_property
    def _folder(self) -> Folder:
        if not Path(self.path).is_dir():
            raise InputError(
                f"path={self.path} is not a folder: make it with datasets/speech-synthesis/make.py"
            )
        folder = Folder(self.path)
        voices = _voices(folder)
        if len(voices) < 2 or min(map(len, voices.values())) < 2:
            raise InputError(
                f"path={self.path} must contain at least two voices with two clips each, named "
                "voice-number.flac or .wav"
            )
        return folder

    @property
    def problem_info(self) -> Mapping[str, Any]:
        """The sampling rate ``fs`` in Hz."""
        return {"fs": float(self.fs)}

    @functools.cached_property
    def version(self) -> str:
        """Version of the segments and digest of all file names and contents."""
        return f"1.{self._folder.version}"

    def size(self, split: Split) -> int | None:
        """Return the number of segments in the split."""
        return ITEMS[split]

    def item(self, split: Split, seed: int, item: int) -> Array:
        """Return one segment, shape ``(1, L)``, float64; the same for every seed."""
        rng = item_rng(item, self.kind, self.version, split)
        return self._synthetic("test" if split == "test" else "items", rng)[None]

    def group(self, split: Split, item: int) -> str | None:
        """Return the voice of the segment."""
        voices = sorted(self._clips("test" if split == "test" else "items"))
        rng = item_rng(item, self.kind, self.version, split)
        return voices[int(rng.integers(len(voices)))]

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Return ``n`` segments, shape ``(n, 1, length)``, float64."""
        digits = rng.random(n) < self.fsdd_share
        segments = np.empty((n, 1, self._length))
        for segment, is_digits in zip(segments, digits, strict=True):
            segment[:] = self._digits(rng) if is_digits else self._synthetic("draw", rng)
            if rng.random() < 0.5:
                segment[:, 1:] += rng.uniform(-MAX_TILT, MAX_TILT) * segment[:, :-1]
        return segments

    def babble(
        self, split: Split, talkers: int, length: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return synthetic talkers without pauses, shape ``(talkers, length)``, RMS value 1."""
        voices = self._clips("test" if split == "test" else "draw")
        names = sorted(voices)
        chosen = rng.integers(len(names), size=talkers)
        return np.stack([stream(voices[names[int(i)]], length, rng) for i in chosen])

    @property
    def _length(self) -> int:
        return round(self.length_s * self.fs)

    def _digits(self, rng: np.random.Generator) -> Array:
        from scipy.signal import resample_poly

        digits = Fsdd(self.length_s).draw(1, rng)[0, 0] * _gain(rng)
        signal = digits if self.fs == FSDD_FS else resample_poly(digits, self.fs, FSDD_FS)
        return np.resize(signal, self._length)

    def _synthetic(self, part: str, rng: np.random.Generator) -> Array:
        voices = self._clips(part)
        clips = voices[sorted(voices)[int(rng.integers(len(voices)))]]
        chosen: list[Array] = []
        pauses: list[int] = []
        at = 0
        while at < self._length:
            clip = clips[int(rng.integers(len(clips)))]
            low, high = (round(t * self.fs) for t in PAUSE_S)
            if not chosen:
                low, high = -len(clip) // 2, min(round(LEAD_S * self.fs), self._length // 4)
            chosen.append(clip.astype(np.float64))
            pauses.append(int(rng.integers(low, high)))
            at += len(clip) + pauses[-1]
        return utterance(chosen, pauses, self._length) * _gain(rng)

    def _clips(self, part: str) -> dict[str, Clips]:
        """Return the clips of each voice for ``draw``, ``items`` or ``test``."""
        return _parts(self._folder, self._folder.version, self.fs)[part]


@functools.lru_cache(maxsize=2)
def _parts(folder: Folder, version: str, fs: int) -> dict[str, dict[str, Clips]]:
    """Read all clips, 16 bits at a sampling rate, and divide them by voice and number."""
    from scipy.signal import resample_poly

    own_fs = round(folder.problem_info["fs"])
    common = math.gcd(fs, own_fs)
    parts: dict[str, dict[str, Clips]] = {"draw": {}, "items": {}, "test": {}}
    for position, (voice, indices) in enumerate(sorted(_voices(folder).items())):
        clips = []
        for index in indices:
            clip = np.trim_zeros(folder.item("test", 0, index)[0])
            clip = clip if fs == own_fs else resample_poly(clip, fs // common, own_fs // common)
            clips.append(np.clip(np.rint(clip * 2**15), -(2**15), 2**15 - 1).astype(np.int16))
        if position % HELD == 1:
            parts["test"][voice] = tuple(clips)
        else:
            held = max(1, len(clips) // HELD)
            parts["draw"][voice] = tuple(clips[:-held])
            parts["items"][voice] = tuple(clips[-held:])
    return parts


def _voices(folder: Folder) -> dict[str, list[int]]:
    """Return the indices of the clips of each voice, from the names voice-number.flac."""
    voices: dict[str, list[int]] = {}
    for index in range(folder.size("test") or 0):
        name = folder.group("test", index) or ""
        voices.setdefault(name.rpartition("-")[0], []).append(index)
    return voices


def _gain(rng: np.random.Generator) -> float:
    return float(10 ** (rng.uniform(*LEVELS_DB) / 20))
