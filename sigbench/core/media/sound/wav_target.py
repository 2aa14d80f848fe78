"""Writing of WAV files."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np

from sigbench.core.errors import Caution, InputError
from sigbench.core.media.sound import flac as metadata_of
from sigbench.core.media.sound.encodings import ENCODINGS, Order, Samples, encode
from sigbench.core.media.sound.flac import Flac
from sigbench.core.media.sound.parts import (
    COPIED,
    Parts,
    caution_of_lost,
    chunk_name,
    counted,
    interleaved,
)
from sigbench.core.media.sound.source import SoundFile
from sigbench.core.media.sound.tags import MASKS, info_chunk, parse_comments
from sigbench.core.media.sound.wav import EXTENSIBLE, GUID_TAIL, NO_LENGTH, Wav

WAV_ENCODINGS = {"PCM_S8": "PCM_U8"}  # others: as they are
OUTDATED = (b"levl", b"MD5 ")  # chunks that are computed from all samples


def write_wav(file: BinaryIO, source: SoundFile, frames: int, parts: Parts) -> None:
    """Write a WAV file; the parameters are those of `write_sound`."""
    encoding = WAV_ENCODINGS.get(source.encoding, source.encoding)
    wav = source.container
    order: Order = wav.order if isinstance(wav, Wav) else "<"
    size = frames * source.channels * ENCODINGS[encoding]
    if isinstance(wav, Wav):
        _copy(source.path, 0, wav.data.start, file)
    else:
        file.write(_wav_header(source, wav, encoding, size))
    peaks = _Peaks(source.channels)
    for new in counted(parts, encoding):
        peaks.add(new)
        file.write(encode(interleaved(new), encoding, order))
        del new
    if isinstance(wav, Wav):
        end = wav.data.start + size
        _copy(source.path, end, source.path.stat().st_size, file)
        if wav.unknown_length:
            _state_length(file, wav, size)
        _update(file, wav, peaks)
    elif size % 2:
        file.write(b"\0")


def _copy(path: Path, start: int, stop: int, file: BinaryIO) -> None:
    """Copy bytes of a file."""
    with path.open("rb") as old:
        old.seek(start)
        while start < stop:
            data = old.read(min(COPIED, stop - start))
            if not data:
                raise InputError(f"{path} became shorter while it was read")
            file.write(data)
            start += len(data)


class _Peaks:
    """The largest magnitude of each channel, and where it is first."""

    def __init__(self, channels: int) -> None:
        self.values = np.zeros(channels)
        self.places = np.zeros(channels, int)
        self._frames = 0

    def add(self, samples: Samples) -> None:
        size = np.abs(samples[:, 0])
        if size.shape[1] == 0:
            return
        places = size.argmax(axis=1)
        values = size[np.arange(len(size)), places]
        larger = values > self.values
        self.values[larger] = values[larger]
        self.places[larger] = self._frames + places[larger]
        self._frames += size.shape[1]


def _update(file: BinaryIO, wav: Wav, peaks: _Peaks) -> None:
    """Correct the chunks that are computed from the samples, or mark them as empty space."""
    lost = []
    for chunk in wav.chunks:
        if chunk.name == b"PEAK" and chunk.size == 8 + 8 * wav.channels:
            file.seek(chunk.start + 8)
            for value, place in zip(peaks.values, peaks.places, strict=True):
                file.write(struct.pack(wav.order + "fI", value, place))
        elif chunk.name in OUTDATED:
            file.seek(chunk.start - 8)
            file.write(b"JUNK")
            lost.append(chunk_name(chunk.name))
    file.seek(0, 2)
    if lost:
        warnings.warn(
            f"not kept, because it was computed from the old samples: {', '.join(lost)}",
            Caution,
            stacklevel=2,
        )


def _state_length(file: BinaryIO, wav: Wav, size: int) -> None:
    """Write the true length into a header that states none."""
    end = file.seek(0, 2)
    if end % 2:
        end += file.write(b"\0")
    for at, value in ((4, end - 8), (wav.data.start - 4, size)):
        file.seek(at)
        file.write(struct.pack(wav.order + "I", min(value, NO_LENGTH)))
    file.seek(0, 2)


def _wav_header(source: SoundFile, flac: Flac, encoding: str, size: int) -> bytes:
    """Return the part of a WAV file before its samples, for a FLAC file."""
    tags: dict[str, str] = {}
    lost: list[str] = []
    for block in flac.contents(metadata_of.COMMENTS):
        found, _, others = parse_comments(block)
        tags |= found
        lost += others
    kinds = {
        metadata_of.APPLICATION: "application data",
        metadata_of.CUESHEET: "cue sheet",
        metadata_of.PICTURE: "picture",
    }
    for kind, name in kinds.items():
        lost += [name] if flac.contents(kind) else []
    lost += ["ID3 tag"] if flac.prefix else []
    caution_of_lost("WAV", lost)
    width = ENCODINGS[encoding]
    mask = source.mask
    plain = source.channels <= 2 and mask == MASKS[source.channels]
    tag = 1 if plain else EXTENSIBLE
    align = source.channels * width
    form = struct.pack(
        "<HHIIHH", tag, source.channels, source.fs, source.fs * align % 2**32, align, 8 * width
    )
    if not plain:
        form += struct.pack("<HHIH", 22, 8 * width, mask, 1) + GUID_TAIL
    head = b"WAVEfmt " + struct.pack("<I", len(form)) + form + info_chunk(tags)
    total = len(head) + 8 + size + size % 2
    if total > NO_LENGTH:
        raise InputError(f"{source.path.name} would need {total} bytes as WAV: at most {NO_LENGTH}")
    return b"RIFF" + struct.pack("<I", total) + head + b"data" + struct.pack("<I", size)
