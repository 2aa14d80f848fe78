"""The chunks of WAV files (RIFF, RIFX, RF64)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sigbench.core.errors import InputError
from sigbench.core.media.content import MAX_REASON
from sigbench.core.media.sound.encodings import ENCODINGS, Order

FORMS = (b"RIFF", b"RIFX", b"RF64", b"BW64")
EXTENSIBLE = 0xFFFE
GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")  # of the sub-formats with a format tag
OTHER_TAGS = {
    0x02: "MS_ADPCM",
    0x11: "IMA_ADPCM",
    0x31: "GSM610",
    0x38: "NMS_ADPCM_16",
    0x40: "G721_32",
    0x50: "MPEG",
    0x55: "MPEG_LAYER_III",
}
NO_LENGTH = 2**32 - 1  # as written by a program that cannot seek back
ALMOST_NO_LENGTH = 0x7F000000  # smallest length that other such programs write
MAX_CHANNELS = 1024
MAX_CHUNKS = 10_000
MAX_RATE = 2**31 - 1


@dataclass(frozen=True)
class Chunk:
    """A chunk: its name, and where its content is in the file."""

    name: bytes
    start: int
    size: int


@dataclass(frozen=True)
class Wav:
    """What a WAV file contains besides its samples.

    Attributes
    ----------
    order : {"<", ">"}
        Order of bytes.
    fs, channels, frames : int
        Sampling rate in Hz, number of channels, samples per channel.
    encoding : str
        One of `ENCODINGS`.
    mask : int
        Bits of the loudspeakers of the channels; 0 if the file does not name them.
    chunks : tuple of Chunk
        All chunks, in the order of the file.
    data : Chunk
        The samples; only whole samples of all channels.
    unknown_length : bool
        Whether the header states no length, so that the samples are read to the end of the file.
    """

    order: Order
    fs: int
    channels: int
    frames: int
    encoding: str
    mask: int
    chunks: tuple[Chunk, ...]
    data: Chunk
    unknown_length: bool

    @property
    def frame_bytes(self) -> int:
        """Bytes of a sample of all channels."""
        return self.channels * ENCODINGS[self.encoding]


def parse_wav(path: Path) -> Wav:
    """Read the names and places of the chunks, and the format of the samples.

    Raises
    ------
    InputError
        If the file is damaged or truncated, or has another encoding than `ENCODINGS`.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        form = file.read(4)
        order: Order = ">" if form == b"RIFX" else "<"
        declared, kind = struct.unpack(order + "I4s", _exactly(path, file, 8))
        if kind != b"WAVE":
            raise _invalid(path, f"its type is {kind!r}, not b'WAVE'")
        chunks: list[Chunk] = []
        data_size = None
        while header := file.read(8):
            if len(header) < 8:
                break  # bytes after the last chunk
            if len(chunks) == MAX_CHUNKS:
                raise _invalid(path, f"it has more than {MAX_CHUNKS} chunks")
            name, length = struct.unpack(order + "4sI", header)
            start = file.tell()
            if name == b"ds64":
                data_size = struct.unpack("<8xQ", _exactly(path, file, 16))[0]
            if name == b"data":
                if form in (b"RF64", b"BW64") and length == NO_LENGTH and data_size is not None:
                    length = data_size
                data, unknown_length = _data(path, start, length, size, declared)
                chunks.append(data)
                length = data.size
            elif start + length > size:
                if any(chunk.name == b"data" for chunk in chunks):
                    break  # damage after the samples; it is copied
                raise _invalid(path, f"its chunk {name!r} is truncated")
            else:
                chunks.append(Chunk(name, start, length))
            file.seek(start + length + length % 2)
        names = [chunk.name for chunk in chunks]
        if b"fmt " not in names or b"data" not in names or names.count(b"data") > 1:
            raise _invalid(path, "it must have a chunk 'fmt ' and one chunk 'data'")
        if names.index(b"fmt ") > names.index(b"data"):
            raise _invalid(path, "its chunk 'fmt ' is after its chunk 'data'")
        layout = chunks[names.index(b"fmt ")]
        file.seek(layout.start)
        fs, channels, encoding, mask = _format(path, file.read(min(layout.size, 40)), order)
    whole = data.size // (channels * ENCODINGS[encoding])
    used = Chunk(b"data", data.start, whole * channels * ENCODINGS[encoding])
    chunks[names.index(b"data")] = used
    return Wav(order, fs, channels, whole, encoding, mask, tuple(chunks), used, unknown_length)


def _data(path: Path, start: int, length: int, size: int, declared: int) -> tuple[Chunk, bool]:
    """Return the chunk of the samples, and whether its header states no length."""
    left = size - start
    unfinished = length == 0 and declared in (0, NO_LENGTH, start - 8)
    if (length > left and length >= ALMOST_NO_LENGTH) or (unfinished and left > 0):
        return Chunk(b"data", start, left), True
    if length > left:
        raise InputError(
            f"{path} is truncated: its header declares {length} bytes of sound, and it has {left}"
        )
    return Chunk(b"data", start, length), False


def _format(path: Path, data: bytes, order: Order) -> tuple[int, int, str, int]:
    """Return sampling rate, channels, encoding and loudspeakers from the chunk ``fmt``."""
    if len(data) < 16:
        raise _invalid(path, f"its chunk 'fmt ' has {len(data)} bytes: it must have at least 16")
    tag, channels, fs, _, align, bits = struct.unpack(order + "HHIIHH", data[:16])
    mask = 0
    if tag == EXTENSIBLE:
        if len(data) < 40:
            raise _invalid(path, f"its chunk 'fmt ' has {len(data)} bytes: it must have 40")
        (mask,) = struct.unpack(order + "I", data[20:24])
        (tag,) = struct.unpack(order + "H", data[24:26])
        if data[26:40] != GUID_TAIL:
            raise _unsupported(path, f"WAVEX with sub-format {data[24:40].hex()}")
    if not 1 <= channels <= MAX_CHANNELS:
        raise InputError(
            f"{path} has {channels} channels: it must have at least 1 and at most {MAX_CHANNELS}"
        )
    if not 1 <= fs <= MAX_RATE:
        raise InputError(f"{path} has a sampling rate of {fs} Hz: it must be >= 1, < 2³¹")
    encoding = {
        (1, 1): "PCM_U8",
        (1, 2): "PCM_16",
        (1, 3): "PCM_24",
        (1, 4): "PCM_32",
        (3, 4): "FLOAT",
        (3, 8): "DOUBLE",
        (6, 1): "ALAW",
        (7, 1): "ULAW",
    }.get((tag, align // channels))
    if encoding is None or align % channels:
        raise _unsupported(path, f"WAV {OTHER_TAGS.get(tag, f'{tag:#06x}')}")
    bytes_of_bits = -(-bits // 8)
    if bytes_of_bits != ENCODINGS[encoding]:
        raise _unsupported(path, f"WAV with {bits} bits in {align // channels} bytes")
    return fs, channels, encoding, mask


def _exactly(path: Path, file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise _invalid(path, f"it ends in its header, after {file.tell()} bytes")
    return data


def _invalid(path: Path, reason: str) -> InputError:
    return InputError(f"{path} cannot be read as sound: {reason[:MAX_REASON]}")


def _unsupported(path: Path, what: str) -> InputError:
    return InputError(
        f"{path} has encoding {what}: it must be one of WAV, WAVEX, RF64, FLAC with one of "
        f"{', '.join(ENCODINGS)}"
    )
