"""Writing of FLAC files."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.media.sound import flac as metadata_of
from sigbench.core.media.sound.encodings import FLOATS, INTEGER_BITS, to_integers
from sigbench.core.media.sound.flac import Flac, parse_flac
from sigbench.core.media.sound.parts import COPIED, Parts, caution_of_lost, chunk_name, counted
from sigbench.core.media.sound.source import SoundFile
from sigbench.core.media.sound.tags import MASKS, comment_block, parse_info
from sigbench.core.media.sound.wav import Chunk

FLAC_BITS = 24  # what libsndfile writes at most
FLAC_ENCODINGS = {"PCM_U8": "PCM_S8", "ULAW": "PCM_16", "ALAW": "PCM_16"}  # others: as they are
# Chunks of WAV that contain nothing that FLAC does not store, or that describe the file itself.
WITHOUT_LOSS = (b"fmt ", b"data", b"fact", b"ds64", b"PEAK", b"JUNK", b"junk", b"PAD ", b"FLLR")


def write_flac(file: BinaryIO, source: SoundFile, parts: Parts, folder: Path | None) -> None:
    """Write a FLAC file; the parameters are those of `write_sound`."""
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
            for new in counted(parts, encoding):
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
            lost.append(chunk_name(content[:4] if chunk.name == b"LIST" else chunk.name))
    caution_of_lost("FLAC", lost)
    mask = None if source.mask in (0, MASKS.get(source.channels)) else source.mask
    if not tags and mask is None:
        return b"", list(made.blocks)
    return b"", [first, (metadata_of.COMMENTS, comment_block(tags, mask))]


def _content(path: Path, chunk: Chunk) -> bytes:
    with path.open("rb") as file:
        file.seek(chunk.start)
        return file.read(min(chunk.size, COPIED))
