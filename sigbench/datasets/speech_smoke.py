"""A few clips of synthetic speech in the package: a smoke test, not a benchmark."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.media import read
from sigbench.core.protocols import Array, Domain
from sigbench.datasets.base import Split, card_folder
from sigbench.datasets.source import Installed
from sigbench.datasets.utterances import stream

# Voices of each split; clips are named voice-number.flac.
VOICES: dict[Split, tuple[str, ...]] = {
    "train": ("kal", "en-gb-f"),
    "test": ("slt", "rms", "awb", "en-us-m", "en-sc-m", "en-rp-f"),
}


@dataclass(frozen=True)
class SpeechSmoke:
    """Synthetic speech (flite, espeak-ng), clips of 2.2 s at 16 kHz, full scale 1, by voice.

    The talkers of babble are the voices of the training split: one sentence of each is for the
    test split, the others are for the training split.

    Examples
    --------
    >>> clip = SpeechSmoke().item("test", 1, 0)
    >>> clip.shape, clip.dtype
    ((1, 35200), dtype('float64'))
    """

    kind: ClassVar[str] = "speech-smoke"
    domain: ClassVar[Domain] = "speech"
    peak: ClassVar[float] = 1.0
    problem_info: ClassVar[Mapping[str, Any]] = {"fs": 16_000.0}
    version: ClassVar[str] = "1"
    source: ClassVar[Installed] = Installed(
        "speech-smoke", "sigbench", "CC0", lambda name: card_folder() / "speech-smoke" / name
    )

    def size(self, split: Split) -> int | None:
        """Return the number of clips in the split."""
        return len(_clips(split))

    def item(self, split: Split, seed: int, item: int) -> Array:
        """Return one clip, shape ``(1, 35200)``, float64; the same for every seed."""
        return _read(_clips(split)[item]).copy()

    def group(self, split: Split, item: int) -> str | None:
        """Return the voice of the clip."""
        return _voice(_clips(split)[item])

    def babble(
        self, split: Split, talkers: int, length: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return talkers who speak without pauses, shape ``(talkers, length)``, RMS value 1."""
        for_test = "-3"  # ends the name of the last sentence
        clips = [
            np.trim_zeros(_read(path)[0])
            for path in _clips("train")
            if path.stem.endswith(for_test) == (split == "test")
        ]
        return np.stack([stream(clips, length, rng) for _ in range(talkers)])


def _voice(path: Path) -> str:
    return path.stem.rpartition("-")[0]


@functools.cache
def _clips(split: Split) -> tuple[Path, ...]:
    folder = card_folder() / "speech-smoke"
    # Voices alternate, so that the first N clips contain many voices.
    clips = sorted(folder.glob("*.flac"), key=lambda path: path.stem.rpartition("-")[::-1])
    chosen = tuple(path for path in clips if _voice(path) in VOICES[split])
    if not chosen:
        raise InputError(
            f"speech-smoke: no clips in {folder.name}/, the installation is incomplete"
        )
    return chosen


@functools.lru_cache(maxsize=64)
def _read(path: Path) -> Array:
    return read(path).item
