"""Sounds as FLAC files, and their spectrograms as PNG."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigbench.benchmark.report.page.packing import data_uri, palette, png
from sigbench.benchmark.store.examples import Originals
from sigbench.core.protocols import Array

MAX_RATE = 655_350  # Hz, of FLAC; a higher rate is played and shown at this one
LOUDEST = 0.7  # amplitude of the loudest sample of a clean or noisy sound, of full scale
WINDOW_S = 0.032
MAX_COLUMNS, MAX_ROWS = 320, 96  # of a spectrogram
RANGE_DB = 70  # below the loudest point of the clean sound
SHADES = 32
COLORS = ((8, 8, 30), (66, 24, 108), (150, 40, 100), (226, 92, 62), (250, 178, 62), (252, 250, 200))


def sound_pair(originals: Originals, item: int) -> dict[str, Any]:
    """Return the clean and the noisy sound of an item, with their spectrograms.

    Parameters
    ----------
    originals : Originals
        The first items of a problem.
    item : int
        The index of the item in them.
    """
    clean, noisy = originals.clean[item], originals.noisy[item]
    fs = _rate(originals)
    return {
        "clean": sound(originals, item, clean),
        "noisy": sound(originals, item, noisy),
        "seconds": round(clean.shape[-1] / fs, 3),
        "fs": fs,
    }


def sound(originals: Originals, item: int, estimate: Array) -> dict[str, Any]:
    """Return a sound and its spectrogram, at the level of the item.

    All sounds of an item are scaled by one factor, and all spectrograms have one range. An
    estimate that is much louder than the noisy sound is clipped at full scale.
    """
    fs, scale = _rate(originals), _scale(originals, item)
    signal = _finite(estimate[0]) * scale
    top = np.max(_power(_finite(originals.clean[item][0]) * scale, fs), initial=0.0) or 1.0
    return {
        "flac": _flac(signal, fs),
        "spectrogram": _spectrogram(_power(signal, fs), top),
    }


def _rate(originals: Originals) -> int:
    return max(1, round(min(originals.fs or 8000, MAX_RATE)))


def _scale(originals: Originals, item: int) -> float:
    """Return the factor of all sounds of an item; sounds are made quieter, never louder."""
    both = (originals.clean[item][0], originals.noisy[item][0])
    loudest = max(float(np.max(np.abs(_finite(signal)))) for signal in both)
    return min(1.0, LOUDEST / loudest) if loudest else 1.0


def _finite(signal: Array) -> NDArray[np.float64]:
    return np.nan_to_num(np.asarray(signal, np.float64), posinf=1.0, neginf=-1.0)


def _flac(signal: NDArray[np.float64], fs: int) -> str:
    import soundfile

    buffer = io.BytesIO()
    pcm = np.rint(np.clip(signal, -1, 1) * 32767).astype(np.int16)
    soundfile.write(buffer, pcm, fs, format="FLAC", subtype="PCM_16")
    return data_uri("audio/flac", buffer.getvalue())


def _power(signal: NDArray[np.float64], fs: int) -> NDArray[np.float64]:
    """Return the power over frequency (rows, lowest first) and time."""
    from scipy.signal import ShortTimeFFT
    from scipy.signal.windows import hann

    size = max(16, round(WINDOW_S * fs))
    hop = max(size // 4, -(-len(signal) // MAX_COLUMNS))
    transform = ShortTimeFFT(hann(size, sym=False), hop, fs)
    padded = np.pad(signal, (0, max(0, size - len(signal))))
    power = np.abs(transform.stft(padded)) ** 2
    group = -(-len(power) // MAX_ROWS)
    rows = len(power) // group
    return power[: rows * group].reshape(rows, group, -1).mean(axis=1)


def _spectrogram(power: NDArray[np.float64], top: float) -> str:
    """Return powers in dB below ``top`` as a PNG, low frequencies at the bottom."""
    with np.errstate(divide="ignore"):
        db = 10 * np.log10(power / top)
    levels = np.rint(np.clip(1 + db / RANGE_DB, 0, 1) * (SHADES - 1)).astype(np.uint8)
    return png(levels[::-1], palette(COLORS, SHADES))
