"""Recorded noises of ESC-10, which must be fetched; usually the noise of a mixture."""

from __future__ import annotations

import csv
import functools
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Domain
from sigbench.datasets.base import Split, card_folder
from sigbench.datasets.source import RECORD, DatasetSource, File

FILES = "https://raw.githubusercontent.com/karolpiczak/ESC-50/master/audio/"
FS = 16_000
TARGETS = {"rain": 10, "sea": 11, "fire": 12, "helicopter": 40, "chainsaw": 41}
FOLDS: dict[Split, str] = {"train": "123", "test": "4"}
MAX_BYTES = 1_000_000  # a clip of 5 s at 44.1 kHz has 441,044
MAX_SECONDS = 10  # clips of ESC-10 have 5 s, copies of others up to 7.3 s
RATES = (8000, 48_000)  # smallest and largest sampling rate of a clip

Sound = Literal["all", "rain", "sea", "fire", "helicopter", "chainsaw"]


def _check(file: File, path: Path) -> None:
    """Check that a file is one channel of sound with a usual rate and a limited length."""
    import soundfile

    try:
        with soundfile.SoundFile(path) as sound:
            kind, channels = sound.format, sound.channels
            fs, frames = sound.samplerate, sound.frames
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise InputError(f"it is not a sound file: {error}") from None
    if kind not in ("WAV", "FLAC", "OGG") or channels != 1:
        raise InputError(
            f"it is {kind} with {channels} channels: it must be WAV, FLAC or OGG, mono"
        )
    if not RATES[0] <= fs <= RATES[1] or not 0 < frames <= MAX_SECONDS * fs:
        raise InputError(
            f"it has {frames} samples at {fs} Hz: it must have at most {MAX_SECONDS} s"
        )


def _files() -> tuple[File, ...]:
    """Return the clips listed beside the card; their digests are recorded when they are fetched."""
    with (card_folder() / "esc10.csv").open(encoding="utf-8", newline="") as table:
        clips = [row["clip"] for row in csv.DictReader(table)]
    files = []
    for clip in clips:
        sound, _, name = clip.partition("-")
        url = f"{FILES}{name}-{TARGETS[sound]}.wav"
        files.append(File(clip, most=MAX_BYTES, url=url, suffixes=(".flac", ".wav", ".ogg", "")))
    return tuple(files)


@dataclass(frozen=True)
class Esc10:
    """Recorded noises of five kinds, 159 clips of about 5 s at 16 kHz, full scale 1.

    Use them as noise with ``mix[noise=recording[path=esc10]]``. They are split by recording:
    fold 4 is the test split, folds 1 to 3 are the training split.

    Parameters
    ----------
    sound : {"all", "rain", "sea", "fire", "helicopter", "chainsaw"}
        The kind of noise.

    References
    ----------
    K. J. Piczak, "ESC: Dataset for Environmental Sound Classification", ACM Multimedia, 2015.

    Examples
    --------
    >>> Esc10().size("train"), Esc10("rain").size("test")
    (119, 8)
    """

    sound: Sound = "all"

    kind: ClassVar[str] = "esc10"
    domain: ClassVar[Domain] = "signal"
    peak: ClassVar[float] = 1.0
    problem_info: ClassVar[Mapping[str, Any]] = {"fs": float(FS)}
    source: ClassVar[DatasetSource] = DatasetSource(
        "esc10",
        "K. J. Piczak 2015, from recordings on freesound.org",
        "CC0 and CC BY by clip",
        _check,
        declared=_files(),
    )

    @property
    def version(self) -> str:
        """Digest of all clips, as recorded when they were fetched."""
        record = self.source.folder / RECORD
        if not record.is_file():
            raise InputError(f"{self.kind} has not been fetched: run {self.source.command}")
        return _version(self.source, record, record.stat().st_mtime_ns)

    def size(self, split: Split) -> int | None:
        """Return the number of clips in the split."""
        return len(self._clips(split))

    def item(self, split: Split, seed: int, item: int) -> Array:
        """Return one clip, resampled to 16 kHz, shape ``(1, L)``, float64."""
        return _read(self.source, self.source.folder, self._clips(split)[item]).copy()

    def group(self, split: Split, item: int) -> str | None:
        """Return the sound and the number of the recording: it can have several clips."""
        sound, _, number, _ = self._clips(split)[item].name.split("-")
        return f"{sound}-{number}"

    def _clips(self, split: Split) -> list[File]:
        parts = [(file, file.name.split("-")) for file in self.source.files]
        return [
            file
            for file, (sound, fold, *_) in parts
            if self.sound in ("all", sound) and fold in FOLDS[split]
        ]


@functools.lru_cache(maxsize=1)
def _version(source: DatasetSource, record: Path, mtime_ns: int) -> str:
    digests = [source.digest(file) for file in source.files]
    if None in digests:
        raise InputError(f"{source.name} has not been fetched: run {source.command}")
    return hashlib.sha256(" ".join(map(str, digests)).encode()).hexdigest()[:16]


@functools.lru_cache(maxsize=256)
def _read(source: DatasetSource, folder: Path, file: File) -> Array:
    """Return a clip; the format is recognized from the content."""
    import soundfile
    from scipy.signal import resample_poly

    samples, fs = soundfile.read(source.verified_path(file), dtype="float64")
    common = math.gcd(FS, fs)
    signal = samples if fs == FS else resample_poly(samples, FS // common, fs // common)
    return np.asarray(signal)[None]
