"""VoiceBank+DEMAND: the usual test set of speech enhancement, which must be fetched."""

from __future__ import annotations

import functools
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Domain
from sigbench.datasets.base import Split
from sigbench.datasets.safe_load import zip_content, zip_members
from sigbench.datasets.source import DatasetSource, File

FILES = "https://datashare.ed.ac.uk/bitstream/handle/10283/2791/"
ARCHIVES = ("clean_testset_wav.zip", "noisy_testset_wav.zip")
PAIRS = 824
OWN_FS, FS = 48_000, 16_000
MAX_ARCHIVE = 400_000_000  # bytes
MAX_CLIP = 3_000_000  # bytes; 31 s


def _check(file: File, path: Path) -> None:
    """Check that an archive contains the declared number of clips, and read the first one."""
    names = _clips(path)
    if len(names) != PAIRS:
        raise InputError(f"the archive contains {len(names)} WAV files: it must contain {PAIRS}")
    _signal(path, names[min(names)])


@dataclass(frozen=True)
class VoicebankDemand:
    """Test set of VoiceBank+DEMAND: 824 sentences of two speakers in recorded noise, at 16 kHz.

    An item contains two views, concatenated along the channels: the clean and the noisy
    recording. The degradation `Recorded` separates them. There is no training split. The files,
    at 48 kHz, are resampled with ``scipy.signal.resample_poly`` when they are read.

    References
    ----------
    C. Valentini-Botinhao, "Noisy speech database for training speech enhancement algorithms and
    TTS models", University of Edinburgh, 2017, doi:10.7488/ds/2117.

    Examples
    --------
    >>> VoicebankDemand().size("test"), VoicebankDemand().size("train")
    (824, 0)
    """

    kind: ClassVar[str] = "voicebank-demand"
    domain: ClassVar[Domain] = "speech"
    peak: ClassVar[float] = 1.0
    problem_info: ClassVar[Mapping[str, Any]] = {"fs": float(FS)}
    version: ClassVar[str] = "1"
    recorded: ClassVar[bool] = True
    source: ClassVar[DatasetSource] = DatasetSource(
        "voicebank-demand",
        "C. Valentini-Botinhao, University of Edinburgh",
        "CC BY 4.0",
        _check,
        declared=tuple(File(name, most=MAX_ARCHIVE, url=FILES + name) for name in ARCHIVES),
    )

    def size(self, split: Split) -> int | None:
        """Return the number of pairs in the split."""
        return PAIRS if split == "test" else 0

    def item(self, split: Split, seed: int, item: int) -> Array:
        """Return both views of one sentence, the noisy one last, shape ``(2, L)``, float64."""
        clean, noisy = _archives(self.source, self.source.folder)
        name = _names(clean, noisy)[item]
        views = [_signal(path, _index(path)[name]) for path in (clean, noisy)]
        if len(views[0]) != len(views[1]):
            raise InputError(
                f"{name}: clean and noisy have {[len(view) for view in views]} samples"
            )
        return np.stack(views)

    def group(self, split: Split, item: int) -> str | None:
        """Return the name of the sentence: intervals are over sentences of two speakers."""
        return _names(*_archives(self.source, self.source.folder))[item].removesuffix(".wav")


@functools.cache
def _archives(source: DatasetSource, folder: Path) -> tuple[Path, Path]:
    """Return the paths of both archives; their digests are checked once per process."""
    clean, noisy = (source.verified_path(file) for file in source.files)
    return clean, noisy


def _names(clean: Path, noisy: Path) -> list[str]:
    if (names := sorted(_index(clean))) != sorted(_index(noisy)):
        raise InputError("voicebank-demand: the archives contain different sentences")
    return names


@functools.cache
def _index(path: Path) -> dict[str, zipfile.ZipInfo]:
    return _clips(path)


def _clips(path: Path) -> dict[str, zipfile.ZipInfo]:
    """Return the entries of the WAV files in an archive by file name; the files are not read.

    Raises
    ------
    InputError
        If the file is not a zip archive, or if a name appears twice or a size is not plausible.
    """
    clips: dict[str, zipfile.ZipInfo] = {}
    for member in zip_members(path, PAIRS * MAX_CLIP):
        place = PurePosixPath(member.filename)
        if place.suffix != ".wav" or "__MACOSX" in place.parts:
            continue
        if place.name in clips:
            raise InputError(f"the archive contains {place.name!r} twice")
        if member.file_size > MAX_CLIP:
            raise InputError(
                f"the archive contains {place.name!r} with {member.file_size} bytes: "
                f"the limit is {MAX_CLIP}"
            )
        clips[place.name] = member
    return clips


def _signal(path: Path, member: zipfile.ZipInfo) -> Array:
    """Return one clip, resampled to 16 kHz, shape ``(L,)``; nothing is written to disk."""
    import soundfile
    from scipy.signal import resample_poly

    name = PurePosixPath(member.filename).name
    content = zip_content(path, member, MAX_CLIP)
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as sound:
            found = (sound.format, sound.subtype, sound.samplerate, sound.channels)
            if found != ("WAV", "PCM_16", OWN_FS, 1):
                raise InputError(f"{name} is {found}: it must be ('WAV', 'PCM_16', {OWN_FS}, 1)")
            if not 0 < sound.frames <= MAX_CLIP // 2:
                raise InputError(f"{name} declares {sound.frames} samples: refused")
            samples = sound.read(dtype="float64")
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise InputError(f"{name} cannot be read: {error}") from None
    return np.asarray(resample_poly(samples, FS, OWN_FS))
