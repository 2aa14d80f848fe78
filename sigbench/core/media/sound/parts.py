"""What the writers of sound files share: parts of a sound, and cautions."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator

from sigbench.core.errors import Caution
from sigbench.core.media.sound.encodings import Samples, at_full_scale, clipped

MAX_SHOWN = 12  # names in a caution
COPIED = 2**20  # bytes copied at once
PIECE = 2**18  # samples of a channel that are converted at once

Parts = Iterable[tuple[Samples, Samples]]
"""Consecutive parts of a sound: the new samples and the old ones, ``(channels, 1, n)`` each."""


def counted(parts: Parts, encoding: str) -> Iterator[Samples]:
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


def interleaved(samples: Samples) -> Samples:
    """Return ``(channels, 1, n)`` in the order of a file, shape ``(n·channels,)``."""
    return samples[:, 0].T.reshape(-1)


def chunk_name(name: bytes) -> str:
    """Return the name of a chunk as it is shown."""
    return name.decode("latin-1").strip()


def caution_of_lost(form: str, lost: list[str]) -> None:
    """Name what a format does not store."""
    names = list(dict.fromkeys(lost))
    if names:
        more = f" and {len(names) - MAX_SHOWN} more" if len(names) > MAX_SHOWN else ""
        known = {"cue": "cue points (cue)", "id3": "ID3 tag (id3)", "adtl": "labels (adtl)"}
        shown = ", ".join(known.get(name, name) for name in names[:MAX_SHOWN])
        warnings.warn(f"not kept in {form}: {shown}{more}", Caution, stacklevel=2)
