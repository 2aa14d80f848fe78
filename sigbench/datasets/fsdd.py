"""The Free Spoken Digit Dataset: real recordings at 8 kHz, which must be fetched."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.media import read
from sigbench.core.protocols import Array, Domain
from sigbench.core.rng import item_rng
from sigbench.core.validation import check_field
from sigbench.datasets.base import Split
from sigbench.datasets.source import DatasetSource, File
from sigbench.datasets.utterances import stream, utterance

FILES = (
    "https://raw.githubusercontent.com/Jakobovski/free-spoken-digit-dataset/"
    "26eb9aaf76e81b692f806f9140c2d2777410d7a1/recordings/"
)
FS = 8000
SPEAKERS: dict[Split, tuple[str, ...]] = {
    "train": ("george", "jackson"),
    "test": ("lucas", "yweweler"),
}
NUMBERS: dict[Split, range] = {"train": range(50), "test": range(20)}
BABBLE_SPEAKERS = ("nicolas", "theo")
BABBLE_NUMBERS: dict[Split, range] = {"train": range(20, 50), "test": range(20)}
DIGITS = 8  # recordings in an item
LEAD_IN = 2000  # samples of silence at the beginning of an item, 250 ms
GAP = (400, 1200)  # samples between recordings, 50 to 150 ms
SEGMENT_S = 2.0  # default length of training segments
MAX_SECONDS = 5  # of a recording


def _check(file: File, path: Path) -> None:
    """Check that a file is 8 kHz, 16-bit, mono WAV, and as long as its header says."""
    import soundfile

    try:
        with soundfile.SoundFile(path) as sound:
            found = (sound.format, sound.subtype, sound.samplerate, sound.channels)
            frames = sound.frames
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise InputError(f"it is not a WAV file: {error}") from None
    if found != ("WAV", "PCM_16", FS, 1):
        raise InputError(f"it is {found}: it must be ('WAV', 'PCM_16', {FS}, 1)")
    if not 0 < frames <= MAX_SECONDS * FS or 2 * frames > path.stat().st_size:
        raise InputError(
            f"it declares {frames} samples: it must have 1 to {MAX_SECONDS * FS}, all of them present"
        )


@dataclass(frozen=True)
class Fsdd:
    """Spoken digits of four speakers in sequences of 3 to 7 s, 8 kHz, full scale 1.

    An item is 250 ms of silence and eight recordings of one speaker with pauses of 50 to 150 ms.
    The RMS value over the recordings is 26 dB below full scale. No two items share a recording,
    and items are the same for every seed. `draw` returns segments of such sequences, newly drawn
    from the recordings of the training speakers. Two more speakers are the talkers of babble.

    Parameters
    ----------
    length_s : float, optional
        Length of the training segments in seconds; the default is 2.

    References
    ----------
    Z. Jackson et al., "Free Spoken Digit Dataset", doi:10.5281/zenodo.1342401, 2018.

    Examples
    --------
    >>> Fsdd().size("train"), Fsdd().size("test")
    (124, 50)
    """

    length_s: float | None = field(default=None, metadata={"identity": "if set"})

    kind: ClassVar[str] = "fsdd"
    domain: ClassVar[Domain] = "speech"
    peak: ClassVar[float] = 1.0
    problem_info: ClassVar[Mapping[str, Any]] = {"fs": float(FS), "lead_in": LEAD_IN}
    version: ClassVar[str] = "1"
    source: ClassVar[DatasetSource] = DatasetSource(
        "fsdd",
        "Z. Jackson et al., six speakers",
        "CC BY-SA 4.0",
        _check,
        address=FILES,
        most=2 * MAX_SECONDS * FS,
    )

    def __post_init__(self) -> None:
        check_field("length_s", self.length_s, 0.1, below=60.1)

    def size(self, split: Split) -> int | None:
        """Return the number of items, half of them by each speaker."""
        return len(SPEAKERS[split]) * (10 * len(NUMBERS[split]) // DIGITS)

    def item(self, split: Split, seed: int, item: int) -> Array:
        """Return one item, shape ``(1, L)``, float64; the same for every seed."""
        speaker, number = self._speaker(split, item)
        recordings = self._recordings(speaker, NUMBERS[split])
        name = (self.kind, self.version, split)
        order = item_rng(0, *name, "order", speaker).permutation(len(recordings))
        chosen = order[DIGITS * number : DIGITS * (number + 1)]
        gaps = item_rng(item, *name, "gaps").integers(GAP[0], GAP[1] + 1, size=DIGITS - 1)
        return utterance([recordings[i] for i in chosen], [LEAD_IN, *map(int, gaps)])[None]

    def group(self, split: Split, item: int) -> str | None:
        """Return the name of the item: intervals are over items, not over speakers."""
        speaker, number = self._speaker(split, item)
        return f"{speaker}-{number:02}"

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Return ``n`` segments of the training speakers, shape ``(n, 1, length)``, float64.

        A segment starts at a random time of the first recording or of the pause before it.
        """
        segments = np.empty((n, 1, round((self.length_s or SEGMENT_S) * FS)))
        for segment in segments[:, 0]:
            speaker = SPEAKERS["train"][int(rng.integers(2))]
            recordings = self._recordings(speaker, NUMBERS["train"])
            chosen: list[Array] = []
            pauses: list[int] = []
            at = 0
            while at < len(segment):
                one = recordings[int(rng.integers(len(recordings)))]
                early = -len(one) // 2 if not chosen else GAP[0]
                pauses.append(int(rng.integers(early, GAP[1] + 1)))
                chosen.append(one)
                at += len(one) + pauses[-1]
            segment[:] = utterance(chosen, pauses, len(segment))
        return segments

    def babble(
        self, split: Split, talkers: int, length: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return talkers who speak without pauses, shape ``(talkers, length)``, RMS value 1.

        The voices are those of two speakers who are in no item, in turn; the splits have different
        recordings of them.
        """
        numbers = BABBLE_NUMBERS[split]
        speakers = [self._recordings(speaker, numbers) for speaker in BABBLE_SPEAKERS]
        return np.stack([stream(speakers[i % 2], length, rng) for i in range(talkers)])

    def _speaker(self, split: Split, item: int) -> tuple[str, int]:
        speakers = SPEAKERS[split]
        return speakers[item % len(speakers)], item // len(speakers)

    def _recordings(self, speaker: str, numbers: range) -> list[Array]:
        return _recordings(self.source, self.source.folder, speaker, numbers)


@functools.cache
def _recordings(source: DatasetSource, folder: Path, speaker: str, numbers: range) -> list[Array]:
    """Return recordings of a speaker; their digests are checked once per process."""
    files = {file.name: file for file in source.files}
    names = [f"{digit}_{speaker}_{number}.wav" for number in numbers for digit in range(10)]
    return [read(source.verified_path(files[name])).item[0] for name in names]
