"""WAV and FLAC sound."""

from __future__ import annotations

import io
import struct

import numpy as np
import soundfile
from hypothesis import strategies as st

from fuzz.target import MB, Target
from sigbench.core.media import read

TONE = 0.5 * np.sin(np.arange(400) / 9)


def saved(form: str, subtype: str, channels: int = 1, endian: str = "FILE") -> bytes:
    buffer = io.BytesIO()
    samples = np.stack([TONE] * channels, axis=1)
    soundfile.write(buffer, samples, 8000, subtype, endian, form)
    return buffer.getvalue()


def good_wav() -> list[bytes]:
    subtypes = ("PCM_16", "PCM_24", "PCM_32", "PCM_U8", "FLOAT", "DOUBLE", "ULAW", "ALAW")
    return [
        *(saved("WAV", subtype) for subtype in subtypes),
        saved("WAV", "PCM_16", 2),
        saved("WAV", "PCM_16", endian="BIG"),
        saved("WAVEX", "PCM_16", 3),
        saved("RF64", "PCM_16"),
    ]


OTHERS = (
    b"FORM",
    b"AIFF",
    b".snd",
    b"OggS",
    b"ID3\x03",
    b"\xff\xfb\x90",
    b"caff",
    b"Creative Voice File",
)
NUMBERS = (0, 1, 2, 8, 255, 8000, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1)


def wav(tag: int, channels: int, rate: int, bits: int, size: int, data: bytes) -> bytes:
    """Return a WAV file whose header need not be true."""
    align = channels * bits // 8 % 2**16
    form = struct.pack("<HHIIHH", tag, channels, rate, rate, align, bits)
    head = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", size)
    return b"RIFF" + struct.pack("<I", len(head) + len(data)) + head + data


WAV_FILES = st.builds(
    wav,
    st.sampled_from([1, 3, 6, 7, 2, 0x11, 0x31, 0x40, 0x55, 0xFFFE, 0]),  # 0x31: GSM
    st.sampled_from([1, 2, 0, 8, 1024, 2**16 - 1]),
    st.sampled_from(NUMBERS),
    st.sampled_from([8, 16, 24, 32, 64, 4, 0, 12, 2**16 - 1]),
    st.sampled_from(NUMBERS) | st.integers(0, 300),
    st.binary(max_size=300),
)

WAV = Target(
    "case.wav",
    read,
    good_wav,
    tokens=(
        b"RIFF",
        b"RIFX",
        b"RF64",
        b"WAVE",
        b"fmt ",
        b"data",
        b"fact",
        b"LIST",
        b"ds64",
        *OTHERS,
    ),
    strategy=WAV_FILES,
)


def good_flac() -> list[bytes]:
    plain = saved("FLAC", "PCM_16")
    return [plain, saved("FLAC", "PCM_24", 2), saved("FLAC", "PCM_S8"), with_length(plain, 0)]


def with_length(flac: bytes, samples: int) -> bytes:
    """Return a FLAC file whose header declares a number of samples; 0 is unknown."""
    field = int.from_bytes(flac[18:26], "big")
    return flac[:18] + (field >> 36 << 36 | samples).to_bytes(8, "big") + flac[26:]


FLAC = Target(
    "case.flac",
    read,
    good_flac,
    tokens=(b"fLaC", b"\xff\xf8", b"\xff\xf9", b"\x84\0\0\x28", b"reference libFLAC", *OTHERS),
    strategy=st.builds(
        with_length,
        st.sampled_from(good_flac()),
        st.sampled_from([0, 1, 399, 400, 401, 2**20, 2**35, 2**36 - 1]) | st.integers(0, 2**36 - 1),
    ),
    # A frame of 65,535 samples needs ten bytes; three times eight bytes for a sample.
    memory=100 * MB,
    per_byte=24 * 6554,
)
