"""WAV and FLAC files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.media.content import MAX_SAMPLES, Content, check_size, decoding
from sigbench.core.protocols import Array

FORMATS = ("WAV", "WAVEX", "RF64", "FLAC")
MAGIC = (b"RIFF", b"RIFX", b"RF64", b"fLaC", b"ID3")  # ID3: a tag before FLAC
# Bytes per sample of the formats without compression; for FLAC only the names count.
SUBTYPES = {
    "PCM_S8": 1,
    "PCM_U8": 1,
    "PCM_16": 2,
    "PCM_24": 3,
    "PCM_32": 4,
    "FLOAT": 4,
    "DOUBLE": 8,
    "ULAW": 1,
    "ALAW": 1,
}
BLOCK = 2**20  # samples of FLAC that are decoded at once
UNKNOWN = 2**63 - 1  # number of samples, if a FLAC stream does not state it
BAD_SEEK = 39  # code of libsndfile


def read_sound(path: Path) -> Content:
    """Read a WAV or FLAC file.

    Raises
    ------
    InputError
        If it is neither, is damaged, or has another encoding than those of `SUBTYPES`.
    """
    import soundfile

    with path.open("rb") as file:
        if not file.read(4).startswith(MAGIC):
            raise InputError(f"{path} is not a WAV or FLAC file")
    with decoding(path, "sound"), soundfile.SoundFile(path) as sound:
        fs, subtype, form, endian = sound.samplerate, sound.subtype, sound.format, sound.endian
        if form not in FORMATS or subtype not in SUBTYPES:
            raise InputError(
                f"{path} has encoding {form} {subtype}: it must be one of {', '.join(FORMATS)} "
                f"with one of {', '.join(SUBTYPES)}"
            )
        if fs < 1:
            raise InputError(f"{path} has a sampling rate of {fs} Hz: it must be >= 1")
        if form == "FLAC":
            samples = _flac(sound, path)
        else:
            size = sound.frames * sound.channels * SUBTYPES[subtype]
            check_size(path, size, path.stat().st_size, "bytes of sound")
            samples = sound.read(dtype="float64", always_2d=True)

    def encode(batch: Array, suffix: str) -> bytes:
        target = "FLAC" if suffix == ".flac" else "WAV" if form == "FLAC" else form
        buffer = io.BytesIO()
        soundfile.write(
            buffer,
            batch[:, 0].T,
            fs,
            subtype=subtype if soundfile.check_format(target, subtype) else None,
            endian=endian if target == form else None,
            format=target,
        )
        return buffer.getvalue()

    return Content(samples.T[:, None], "speech", 1.0, float(fs), encode)


def _flac(sound: Any, path: Path) -> NDArray[np.float64]:
    """Return the samples of a FLAC file, shape ``(L, channels)``.

    It is decoded in blocks, because the number of samples in its header is unknown for a recorded
    stream, and wrong in a damaged file.
    """
    most, declared = MAX_SAMPLES // sound.channels, sound.frames
    if declared != UNKNOWN:
        check_size(path, declared, most, "samples per channel")
    blocks, total = [], 0
    while True:
        block = _block(sound, declared == UNKNOWN)
        blocks.append(block)
        total += len(block)
        check_size(path, total, most, "samples per channel")
        if len(block) < BLOCK // sound.channels:
            break
    if declared not in (total, UNKNOWN):
        raise InputError(f"{path} is truncated: it ends after {total} of {declared} samples")
    return np.concatenate(blocks)


def _block(sound: Any, unknown_length: bool) -> NDArray[np.float64]:
    """Return the next samples; fewer than a whole block at the end."""
    import soundfile

    block = np.full((BLOCK // sound.channels, sound.channels), np.nan)
    try:
        return np.array(sound.read(out=block))
    except soundfile.LibsndfileError as error:
        # The block was read, but libsndfile cannot seek to the end of a stream of unknown length.
        if not unknown_length or error.code != BAD_SEEK:
            raise
    missing = np.isnan(block[:, 0])  # FLAC contains integers only
    return block[: int(np.argmax(missing))] if missing.any() else block
