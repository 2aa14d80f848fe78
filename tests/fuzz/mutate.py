"""Mutations of good files."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from random import Random

MAX_BYTES = 1 << 18  # of a mutated file
EXTREMES = (0, 1, 2, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**16, 2**31 - 1, 2**31, 2**32 - 1)
HUGE = (*EXTREMES, 2**35, 2**36 - 1, 2**53, 2**63 - 1, 2**63, 2**64 - 1)
NUMBERS = (b"0", b"-1", b"1e999", b"nan", b"inf", b"-inf", b"1_0", b"0x10", b"99999999999999999999")
TEXTS = (b"\x00", b"\xff", b"\xef\xbb\xbf", b"\r", b"\n", b'"', b"'", b"[" * 99, b"{" * 99, b"../")
WORDS = (*NUMBERS, *TEXTS, "\u2028\uff11\u202e".encode(), b"A" * 5000, b"\x1b[2J", b"<script>")


def mutated(good: Sequence[bytes], tokens: Sequence[bytes], rng: Random) -> bytes:
    """Return a good file after 1 to 8 mutations."""
    data = bytearray(rng.choice(good))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        rng.choice(MUTATIONS)(data, good, tokens, rng)
    return bytes(data[:MAX_BYTES])


def _place(data: bytearray, rng: Random) -> int:
    """Return a position; headers are as likely as the rest."""
    end = min(len(data), 128) if rng.random() < 0.5 else len(data)
    return rng.randrange(end + 1)


def _flip(data: bytearray, good: object, tokens: object, rng: Random) -> None:
    for _ in range(rng.choice((1, 2, 16))):
        at = _place(data, rng)
        if at < len(data):
            data[at] ^= 1 << rng.randrange(8)


def _replace(data: bytearray, good: object, tokens: object, rng: Random) -> None:
    at = _place(data, rng)
    data[at : at + 1] = bytes([rng.randrange(256)])


def _truncate(data: bytearray, good: object, tokens: object, rng: Random) -> None:
    del data[_place(data, rng) :]


def _delete(data: bytearray, good: object, tokens: object, rng: Random) -> None:
    at = _place(data, rng)
    del data[at : at + rng.choice((1, 2, 4, 16, 256))]


def _repeat(data: bytearray, good: object, tokens: object, rng: Random) -> None:
    at = _place(data, rng)
    part = data[at : at + rng.choice((1, 4, 12, 64, 512))]
    data[at:at] = part * rng.choice((1, 2, 10, 1000))
    del data[MAX_BYTES:]


def _splice(data: bytearray, good: Sequence[bytes], tokens: object, rng: Random) -> None:
    other = rng.choice(good)
    at, start = _place(data, rng), rng.randrange(len(other) + 1)
    data[at:] = other[start:]


def _number(data: bytearray, good: object, tokens: object, rng: Random) -> None:
    """Set a field of 2, 4 or 8 bytes, in either byte order, to an extreme value."""
    width, code = rng.choice(((2, "H"), (4, "I"), (8, "Q")))
    value = rng.choice(HUGE) % 2 ** (8 * width)
    at = _place(data, rng)
    data[at : at + width] = struct.pack(rng.choice("<>") + code, value)


def _decimal(data: bytearray, good: object, tokens: object, rng: Random) -> None:
    """Replace a number that is written in digits."""
    places = [i for i, byte in enumerate(data[:4096]) if 48 <= byte <= 57]
    if places:
        start = end = rng.choice(places)
        while end < len(data) and 48 <= data[end] <= 57:
            end += 1
        data[start:end] = rng.choice((*NUMBERS, str(rng.choice(HUGE)).encode()))


def _insert(data: bytearray, good: object, tokens: Sequence[bytes], rng: Random) -> None:
    token = rng.choice(tokens) if tokens and rng.random() < 0.7 else rng.choice(WORDS)
    at = _place(data, rng)
    data[at : at + rng.choice((0, 0, len(token)))] = token


def _swap_token(data: bytearray, good: object, tokens: Sequence[bytes], rng: Random) -> None:
    """Replace one token of the format by another."""
    present = [token for token in tokens if token in data]
    if present:
        old = rng.choice(present)
        at = data.index(old)
        data[at : at + len(old)] = rng.choice(tokens)


Mutation = Callable[[bytearray, Sequence[bytes], Sequence[bytes], Random], None]
MUTATIONS: tuple[Mutation, ...] = (
    _flip,
    _replace,
    _truncate,
    _delete,
    _repeat,
    _splice,
    _number,
    _number,
    _decimal,
    _insert,
    _swap_token,
)
