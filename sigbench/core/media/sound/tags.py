"""Titles and loudspeakers, which WAV and FLAC store in different ways."""

from __future__ import annotations

import struct

from sigbench.core.media.sound.encodings import Order

# Names in a LIST chunk of WAV, and in the comments of FLAC.
NAMES = {
    b"INAM": "TITLE",
    b"IART": "ARTIST",
    b"IPRD": "ALBUM",
    b"ICMT": "COMMENT",
    b"ICRD": "DATE",
    b"IGNR": "GENRE",
    b"ITRK": "TRACKNUMBER",
    b"ICOP": "COPYRIGHT",
    b"ISFT": "ENCODER",
}
CODES = {name: code for code, name in NAMES.items()}
MASK = "WAVEFORMATEXTENSIBLE_CHANNEL_MASK"  # the comment that names the loudspeakers
# The loudspeakers that FLAC means by a number of channels.
MASKS = {1: 0x4, 2: 0x3, 3: 0x7, 4: 0x33, 5: 0x607, 6: 0x60F, 7: 0x70F, 8: 0x63F}


def parse_info(data: bytes, order: Order) -> tuple[dict[str, str], list[str]]:
    """Return the tags in a LIST chunk of type INFO, and the names of those without a counterpart.

    Examples
    --------
    >>> parse_info(b"INFOINAM" + bytes([3, 0, 0, 0]) + b"Hum" + bytes(1), "<")
    ({'TITLE': 'Hum'}, [])
    """
    tags, others, at = {}, [], 4
    while at + 8 <= len(data):
        code, size = struct.unpack(order + "4sI", data[at : at + 8])
        text = data[at + 8 : at + 8 + size].rstrip(b"\0")
        if code in NAMES:
            tags[NAMES[code]] = _text(text)
        else:
            others.append(code.decode("latin-1"))
        at += 8 + size + size % 2
    return tags, others


def info_chunk(tags: dict[str, str]) -> bytes:
    """Return a whole LIST chunk of type INFO, or nothing if there are no tags."""
    parts = []
    for name, text in tags.items():
        content = text.encode() + b"\0"
        parts += [CODES[name], struct.pack("<I", len(content)), content, bytes(len(content) % 2)]
    body = b"INFO" + b"".join(parts)
    return b"LIST" + struct.pack("<I", len(body)) + body if tags else b""


def parse_comments(data: bytes) -> tuple[dict[str, str], int | None, list[str]]:
    """Return the tags with a counterpart in WAV, the loudspeakers, and the names of other comments.

    A damaged block has the comments before the damage.
    """
    tags: dict[str, str] = {}
    mask, others = None, []
    at = 4 + int.from_bytes(data[:4], "little")
    count = int.from_bytes(data[at : at + 4], "little")
    at += 4
    for _ in range(count):
        size = int.from_bytes(data[at : at + 4], "little")
        if at + 4 + size > len(data) or len(data) < at + 4:
            break
        name, _, text = _text(data[at + 4 : at + 4 + size]).partition("=")
        name = name.upper()
        if name == MASK:
            mask = _number(text)
        elif name in CODES and name not in tags:
            tags[name] = text
        else:
            others.append(name)
        at += 4 + size
    return tags, mask, others


def comment_block(tags: dict[str, str], mask: int | None) -> bytes:
    """Return the content of a block of comments for FLAC."""
    lines = [f"{name}={text}".encode() for name, text in tags.items()]
    if mask is not None:
        lines.append(f"{MASK}=0x{mask:04X}".encode())
    parts = [len(line).to_bytes(4, "little") + line for line in lines]
    return bytes(4) + len(parts).to_bytes(4, "little") + b"".join(parts)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _number(text: str) -> int | None:
    try:
        number = int(text, 0)
    except ValueError:
        return None
    return number if 0 <= number < 2**32 else None
