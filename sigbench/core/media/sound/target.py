"""Writing of sound files part by part: samples, and all else that the source contained."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from sigbench.core.media.sound.flac_target import write_flac
from sigbench.core.media.sound.parts import Parts
from sigbench.core.media.sound.source import SoundFile
from sigbench.core.media.sound.wav_target import write_wav


def write_sound(
    file: BinaryIO,
    source: SoundFile,
    suffix: str,
    frames: int,
    parts: Parts,
    folder: Path | None = None,
) -> None:
    """Write new samples with the encoding and the metadata of a source.

    Parameters
    ----------
    file : binary file
        An empty file, which can seek.
    source : SoundFile
        Where the old samples come from.
    suffix : str
        ``".wav"`` or ``".flac"``.
    frames : int
        Number of samples per channel.
    parts : iterable of (new, old)
        Consecutive parts of the sound, each of shape ``(channels, 1, n)``.
    folder : Path, optional
        Where a temporary file may be, which is only needed for FLAC.

    Raises
    ------
    InputError
        If FLAC cannot store the precision of the source.

    Warns
    -----
    Caution
        If samples were clipped, or if the format cannot store metadata of the source.
    """
    if suffix == ".flac":
        write_flac(file, source, parts, folder)
    else:
        write_wav(file, source, frames, parts)
