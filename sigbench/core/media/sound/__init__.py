"""WAV and FLAC files."""

from __future__ import annotations

from sigbench.core.media.sound.content import read_sound
from sigbench.core.media.sound.source import SoundFile, open_sound
from sigbench.core.media.sound.target import write_sound

__all__ = ["SoundFile", "open_sound", "read_sound", "write_sound"]
