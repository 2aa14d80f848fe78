"""A sound as the content of a file."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from sigbench.core.media.content import Content
from sigbench.core.media.sound.source import open_sound
from sigbench.core.media.sound.target import write_sound
from sigbench.core.protocols import Array


def read_sound(path: Path) -> Content:
    """Read a WAV or FLAC file.

    Raises
    ------
    InputError
        If it is neither, is damaged, or has an encoding that is not supported.
    """
    source = open_sound(path)
    samples = source.read_all()

    def encode(batch: Array, suffix: str) -> bytes:
        buffer = io.BytesIO()
        new = batch.astype(np.float64, copy=False)
        write_sound(buffer, source, suffix, samples.shape[2], [(new, samples)])
        return buffer.getvalue()

    return Content(samples, "speech", 1.0, float(source.fs), encode, source.notes)
