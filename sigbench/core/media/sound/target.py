"""Writing of sound files part by part: samples, and all else that the source contained."""

from __future__ import annotations

import shutil
import struct
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from sigbench.core.errors import Caution, InputError
from sigbench.core.media.sound import flac as metadata_of
from sigbench.core.media.sound.encodings import (
    ENCODINGS,
    FLOATS,
    INTEGER_BITS,
    Order,
    Samples,
    at_full_scale,
    clipped,
    encode,
    to_integers,
)
from sigbench.core.media.sound.flac import Flac, parse_flac
from sigbench.core.media.sound.source import SoundFile
from sigbench.core.media.sound.tags import (
    MASKS,
    comment_block,
    info_chunk,
    parse_comments,
    parse_info,
)
from sigbench.core.media.sound.wav import EXTENSIBLE, GUID_TAIL, NO_LENGTH, Chunk, Wav

FLAC_BITS = 24  # what libsndfile writes at most
FLAC_ENCODINGS = {"PCM_U8": "PCM_S8", "ULAW": "PCM_16", "ALAW": "PCM_16"}  # others: as they are
WAV_ENCODINGS = {"PCM_S8": "PCM_U8"}
# Chunks of WAV that say nothing which FLAC does not store, or that describe the file itself.
WITHOUT_LOSS = (b"fmt ", b"data", b"fact", b"ds64", b"PEAK", b"JUNK", b"junk", b"PAD ", b"FLLR")
OUTDATED = (b"levl", b"MD5 ")  # computed from all samples
MAX_SHOWN = 12  # names in a caution
COPIED = 2**20  # bytes copied at once
PIECE = 2**18  # samples of a channel that are converted at once

Parts = Iterable[tuple[Samples, Samples]]
"""Consecutive parts of a sound: the new samples and the old ones, ``(channels, 1, n)`` each."""


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
        _write_flac(file, source, parts, folder)
    else:
        _write_wav(file, source, frames, parts)


def _counting(parts: Parts, encoding: str) -> Iterator[Samples]:
    """Yield the new samples; warn at the end if some are clipped that were not at full scale."""
    count, total, new_ones = 0, 0, False
    for new, old in _pieces(parts):
        total += new.size
        beyond = clipped(new, encoding)
        if beyond.any():
            count += int(beyond.sum())
            new_ones |= not at_full_scale(old[beyond], encoding).all()
        yield new
        del new, old
    if new_ones:
        warnings.warn(
            f"{count} of {total} samples are beyond full scale and were clipped",
            Caution,
            stacklevel=2,
        )


def _pieces(parts: Parts) -> Parts:
    """Divide parts into smaller ones, so that their conversion needs little memory."""
    for new, old in parts:
        for start in range(0, new.shape[2], PIECE):
            some = slice(start, start + PIECE)
            yield new[:, :, some], old[:, :, some]
        del new, old  # before the next part is computed


def _interleaved(samples: Samples) -> Samples:
    """Return ``(channels, 1, n)`` in the order of a file, shape ``(n·channels,)``."""
    return samples[:, 0].T.reshape(-1)


# --- WAV -----------------------------------------------------------------------------------------


def _write_wav(file: BinaryIO, source: SoundFile, frames: int, parts: Parts) -> None:
    encoding = WAV_ENCODINGS.get(source.encoding, source.encoding)
    wav = source.container
    order: Order = wav.order if isinstance(wav, Wav) else "<"
    size = frames * source.channels * ENCODINGS[encoding]
    if isinstance(wav, Wav):
        _copy(source.path, 0, wav.data.start, file)
    else:
        file.write(_wav_header(source, wav, encoding, size))
    peaks = _Peaks(source.channels)
    for new in _counting(parts, encoding):
        peaks.add(new)
        file.write(encode(_interleaved(new), encoding, order))
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
            lost.append(_shown(chunk.name))
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
    _caution("WAV", lost)
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


# --- FLAC ----------------------------------------------------------------------------------------


def _write_flac(file: BinaryIO, source: SoundFile, parts: Parts, folder: Path | None) -> None:
    import soundfile

    encoding = FLAC_ENCODINGS.get(source.encoding, source.encoding)
    if encoding in FLOATS or INTEGER_BITS[encoding] > FLAC_BITS:
        encoding = "PCM_24"
        parts = _exact(parts, source)
    bits = INTEGER_BITS[encoding]
    # The samples are encoded first: libsndfile writes no foreign metadata.
    with tempfile.TemporaryFile(dir=folder) as encoded:
        with soundfile.SoundFile(
            encoded, "w", source.fs, source.channels, encoding, format="FLAC"
        ) as sound:
            for new in _counting(parts, encoding):
                whole = to_integers(new[:, 0].T, bits)
                sound.write(np.ascontiguousarray(whole << (32 - bits)))
                del new
        encoded.seek(0)
        made = parse_flac(encoded, source.path)
        prefix, blocks = _blocks(source, made)
        file.write(metadata_of.metadata(prefix, blocks))
        encoded.seek(made.audio)
        shutil.copyfileobj(encoded, file, COPIED)


def _exact(parts: Parts, source: SoundFile) -> Parts:
    """Check that the old samples have at most the bits of FLAC."""
    for new, old in parts:
        scaled = old * 2.0 ** (FLAC_BITS - 1)
        if (scaled != np.rint(scaled)).any() or (np.abs(old) > 1).any() or (old == 1).any():
            kind = {"FLOAT": "32-bit float", "DOUBLE": "64-bit float", "PCM_32": "32-bit"}
            raise InputError(
                f"the samples of {source.path.name} ({kind[source.encoding]}) need more than the "
                f"{FLAC_BITS} bits of FLAC: write a .wav file"
            )
        yield new, old
        del new, old


def _blocks(source: SoundFile, made: Flac) -> tuple[bytes, list[tuple[int, bytes]]]:
    """Return the ID3 tag and the metadata blocks of a FLAC file."""
    old = source.container
    first = made.blocks[0]
    if isinstance(old, Flac):  # a seek table would point to wrong bytes
        kept = (metadata_of.STREAMINFO, metadata_of.SEEKTABLE)
        return old.prefix, [first, *(one for one in old.blocks if one[0] not in kept)]
    tags: dict[str, str] = {}
    lost: list[str] = []
    for chunk in old.chunks:
        content = _content(source.path, chunk) if chunk.name == b"LIST" else b""
        if content[:4] == b"INFO":
            found, others = parse_info(content, old.order)
            tags |= found
            lost += others
        elif chunk.name not in WITHOUT_LOSS and set(chunk.name) != {0}:
            lost.append(_shown(content[:4] if chunk.name == b"LIST" else chunk.name))
    _caution("FLAC", lost)
    mask = None if source.mask in (0, MASKS.get(source.channels)) else source.mask
    if not tags and mask is None:
        return b"", list(made.blocks)
    return b"", [first, (metadata_of.COMMENTS, comment_block(tags, mask))]


def _content(path: Path, chunk: Chunk) -> bytes:
    with path.open("rb") as file:
        file.seek(chunk.start)
        return file.read(min(chunk.size, COPIED))


def _shown(name: bytes) -> str:
    return name.decode("latin-1").strip()


def _caution(form: str, lost: list[str]) -> None:
    """Name what a format does not store."""
    names = list(dict.fromkeys(lost))
    if names:
        more = f" and {len(names) - MAX_SHOWN} more" if len(names) > MAX_SHOWN else ""
        known = {"cue": "cue points (cue)", "id3": "ID3 tag (id3)", "adtl": "labels (adtl)"}
        shown = ", ".join(known.get(name, name) for name in names[:MAX_SHOWN])
        warnings.warn(f"not kept in {form}: {shown}{more}", Caution, stacklevel=2)
