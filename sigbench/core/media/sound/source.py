"""A sound file whose samples are read part by part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.media.content import MAX_SAMPLES, check_size, decoding
from sigbench.core.media.sound.encodings import ENCODINGS, INTEGER_BITS, Samples, decode
from sigbench.core.media.sound.flac import COMMENTS, Flac, parse_flac
from sigbench.core.media.sound.tags import MASKS, parse_comments
from sigbench.core.media.sound.wav import FORMS, Wav, parse_wav

MAGIC = (*FORMS, b"fLaC", b"ID3")  # ID3: a tag before FLAC
BLOCK = 2**20  # samples over all channels that are decoded at once
UNKNOWN = 2**63 - 1  # number of samples, if a FLAC stream does not state it
BAD_SEEK = 39  # code of libsndfile


@dataclass(frozen=True)
class SoundFile:
    """A WAV or FLAC file: what it contains besides its samples.

    Attributes
    ----------
    path : Path
        The file.
    fs, channels : int
        Sampling rate in Hz, number of channels.
    frames : int or None
        Samples per channel; None for a FLAC stream that does not state it.
    encoding : str
        The type of sample, as libsndfile names it.
    container : Wav or Flac
        The rest of the file.
    """

    path: Path
    fs: int
    channels: int
    frames: int | None
    encoding: str
    container: Wav | Flac

    @property
    def notes(self) -> tuple[str, ...]:
        """How the file was read, where that had to be guessed."""
        if isinstance(self.container, Wav) and self.container.unknown_length:
            return ("its header states no length: read to the end of the file",)
        return ()

    @property
    def mask(self) -> int:
        """Bits of the loudspeakers of the channels; 0 if they are not known."""
        if isinstance(self.container, Wav):
            return self.container.mask
        for block in self.container.contents(COMMENTS):
            found = parse_comments(block)[1]
            if found is not None:
                return found
        return MASKS.get(self.channels, 0)

    def read(self, start: int, stop: int) -> Samples:
        """Return samples ``start`` to ``stop``, shape ``(channels, 1, stop − start)``.

        Raises
        ------
        InputError
            If they cannot be read or are not finite.
        """
        wav = self.container
        if isinstance(wav, Wav):
            with self.path.open("rb") as file:
                file.seek(wav.data.start + start * wav.frame_bytes)
                data = file.read((stop - start) * wav.frame_bytes)
            if len(data) < (stop - start) * wav.frame_bytes:
                raise InputError(f"{self.path} became shorter while it was read")
            values = decode(data, self.encoding, wav.order).reshape(-1, self.channels)
        else:
            import soundfile

            with decoding(self.path, "sound"), soundfile.SoundFile(self.path) as sound:
                if start:
                    sound.seek(start)
                values = sound.read(stop - start, dtype="float64", always_2d=True)
            if len(values) < stop - start:
                raise InputError(
                    f"{self.path} is truncated: it ends after {start + len(values)} of "
                    f"{self.frames} samples"
                )
        if not np.isfinite(values).all():
            at, channel = map(int, np.argwhere(~np.isfinite(values))[0])
            raise InputError(
                f"{self.path} contains {values[at, channel]} at index {(channel, 0, start + at)}: "
                "values must be finite"
            )
        return np.ascontiguousarray(values.T[:, None])

    def read_all(self) -> Samples:
        """Return all samples, shape ``(channels, 1, L)``, also of a FLAC stream without a length."""
        if isinstance(self.container, Wav):
            assert self.frames is not None
            return self.read(0, self.frames)
        import soundfile

        with decoding(self.path, "sound"), soundfile.SoundFile(self.path) as sound:
            return np.ascontiguousarray(np.concatenate(list(_flac(sound, self.path))).T[:, None])


def open_sound(path: Path) -> SoundFile:
    """Read the header and the metadata of a WAV or FLAC file.

    Raises
    ------
    InputError
        If it is neither, is damaged, or has another encoding than those of `ENCODINGS`.
    """
    with path.open("rb") as file:
        if not file.read(4).startswith(MAGIC):
            raise InputError(f"{path} is not a WAV or FLAC file")
    with path.open("rb") as file:
        if file.read(4) in FORMS:
            wav = parse_wav(path)
            return SoundFile(path, wav.fs, wav.channels, wav.frames, wav.encoding, wav)
        file.seek(0)
        flac = parse_flac(file, path)
    import soundfile

    with decoding(path, "sound"), soundfile.SoundFile(path) as sound:
        if sound.format != "FLAC" or sound.subtype not in INTEGER_BITS:
            raise InputError(
                f"{path} has encoding {sound.format} {sound.subtype}: it must be one of WAV, WAVEX, "
                f"RF64, FLAC with one of {', '.join(ENCODINGS)}"
            )
        if sound.samplerate < 1:
            raise InputError(
                f"{path} has a sampling rate of {sound.samplerate} Hz: it must be >= 1"
            )
        frames = None if sound.frames == UNKNOWN else sound.frames
        if frames is not None:
            check_size(path, frames, MAX_SAMPLES // sound.channels, "samples per channel")
        return SoundFile(path, sound.samplerate, sound.channels, frames, sound.subtype, flac)


def _flac(sound: Any, path: Path) -> Iterator[Samples]:
    """Yield the samples of a FLAC file in blocks, shape ``(L, channels)``.

    The number of samples in its header is unknown for a recorded stream, and wrong in a damaged
    file.
    """
    most, declared = MAX_SAMPLES // sound.channels, sound.frames
    total = 0
    while True:
        block = _block(sound, declared == UNKNOWN)
        yield block
        total += len(block)
        check_size(path, total, most, "samples per channel")
        if len(block) < BLOCK // sound.channels:
            break
    if declared not in (total, UNKNOWN):
        raise InputError(f"{path} is truncated: it ends after {total} of {declared} samples")


def _block(sound: Any, unknown_length: bool) -> Samples:
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
