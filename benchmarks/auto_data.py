"""Records and kinds of noise for ``auto.py``: clean items, and noisy ones at three levels."""

import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pywt
import soundfile
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import convolve
from scipy.signal import lfilter

from sigbench import DemoSignals
from sigbench.core.protocols import Array

DATA = Path(os.environ.get("SIGBENCH_TEST_DATA", "data"))
SNR_DB = (20.0, 12.0, 4.0)  # of signals, without their mean
SIGMAS = (6.0, 15.0, 30.0)  # of images, in gray levels


@dataclass(frozen=True)
class Record:
    """A clean item: ``x`` has the shape ``(C, *space)``, and ``fs`` is in Hz."""

    name: str
    x: Array
    fs: float | None = None


def signals(split: str) -> list[Record]:
    """Return the signals of a split, "development" or "held-out"."""
    if split == "development":
        demo = [_demo(name, "train") for name in ("Blocks", "HeaviSine", "Doppler", "QuadChirp")]
        clips = [_speech("7_jackson_5"), _speech("3_nicolas_2")]
        return [*demo, *clips, _vibration("helicopter-1-172649-A")]
    demo = [_demo(name, "test") for name in ("Bumps", "Piece-Regular")]
    clips = [_speech("6_theo_4"), _speech("2_lucas_7")]
    ecg = pywt.data.ecg().astype(np.float64)[None]
    nino = np.asarray(pywt.data.nino()[1], np.float64)[None]
    return [
        *demo,
        *clips,
        Record("ecg", ecg, 360.0),
        Record("nino", nino),
        _vibration("helicopter-3-150979-A"),
    ]


def images(split: str) -> list[Record]:
    """Return gray crops of 128 × 128 pixels."""
    numbers = (
        (5, 37, 71, 102, 150, 188) if split == "development" else (205, 236, 270, 301, 349, 390)
    )
    found = []
    for number in numbers:
        picture = np.asarray(Image.open(DATA / "bsd400" / f"test_{number:03}.png"), np.float64)
        found.append(Record(f"bsd-{number}", picture[None, 20:148, 20:148]))
    return found


def photographs(split: str) -> list[Record]:
    """Return crops of 160 × 160 pixels of color photographs."""
    files = sorted((DATA / "photos").glob("*.png"))
    chosen = files[:6] if split == "development" else files[6:]
    found = []
    for file in chosen:
        picture = np.asarray(Image.open(file).convert("RGB"), np.float64)
        top, left = (n // 2 - 80 for n in picture.shape[:2])
        crop = picture[top : top + 160, left : left + 160].transpose(2, 0, 1)
        found.append(Record(file.stem, np.ascontiguousarray(crop)))
    return found


def _demo(name: str, split: str) -> Record:
    return Record(name.lower(), DemoSignals(name, 2048).item(split, 1, 0), 1000.0)  # type: ignore[arg-type]


def _speech(name: str) -> Record:
    x, fs = soundfile.read(DATA / "fsdd" / "recordings" / f"{name}.wav")
    return Record(name, x[None, :3000].astype(np.float64), float(fs))


def _vibration(name: str) -> Record:
    """Return a machine: recorded, smoothed to leave little noise of its own, and decimated."""
    x, fs = soundfile.read(DATA / "noise" / f"{name}.flac")
    smooth = np.convolve(x[8000:24384], np.hanning(33)[1:-1] / 16, "same")
    return Record(name, smooth[None, ::4][:, :3000], fs / 4)


# The noise of a kind: f(record, level, rng) -> noisy; ``level`` is the standard deviation.


def white(x: Array, level: float, rng: np.random.Generator, fs: float | None) -> Array:
    """White Gaussian noise."""
    return x + level * rng.standard_normal(x.shape)


def pink(x: Array, level: float, rng: np.random.Generator, fs: float | None) -> Array:
    """Power 1/f."""
    space = x.shape[1:]
    square = sum(np.square(np.meshgrid(*map(np.fft.fftfreq, space), indexing="ij")))
    square.flat[0] = np.inf
    gain = square ** (-len(space) / 4)
    made = np.fft.ifftn(
        gain * np.fft.fftn(rng.standard_normal(x.shape), axes=_axes(x)), axes=_axes(x)
    )
    return x + level * _unit(made.real)


def moving_average(x: Array, level: float, rng: np.random.Generator, fs: float | None) -> Array:
    """Noise e(t) + 0.9 e(t − 1) along each axis."""
    return x + level * _unit(_filtered([1, 0.9], [1], x, rng))


def autoregressive(x: Array, level: float, rng: np.random.Generator, fs: float | None) -> Array:
    """Autoregressive noise; of signals with a resonance at 0.2 of the sampling rate."""
    poles = [1, -0.5, 0.64] if x.ndim == 2 else [1, -0.5]
    return x + level * _unit(_filtered([1], poles, x, rng))


def photon(x: Array, level: float, rng: np.random.Generator, fs: float | None) -> Array:
    """Poisson-Gaussian noise; a tenth of its power does not depend on the signal."""
    bright = x - x.min() if x.ndim == 2 else x
    gain = 0.9 * level**2 / max(bright.mean(), 1e-12)
    counts = rng.poisson(bright / gain) * gain
    return x - bright + counts + np.sqrt(0.1) * level * rng.standard_normal(x.shape)


def impulses(x: Array, level: float, rng: np.random.Generator, fs: float | None) -> Array:
    """White noise of half the level, and 2 % of the samples wrong by 10 levels."""
    wrong = rng.random(x.shape) < 0.02
    sign = rng.choice([-1.0, 1.0], x.shape)
    return x + 0.5 * level * rng.standard_normal(x.shape) + 10 * level * sign * wrong


def hum(x: Array, level: float, rng: np.random.Generator, fs: float | None) -> Array:
    """White noise of 0.7 levels, and a line at 50 Hz with two harmonics of 0.7 levels."""
    assert fs is not None
    t = np.arange(x.shape[-1]) / fs
    phases = rng.uniform(0, 2 * np.pi, 3)
    tone = sum(
        a * np.cos(2 * np.pi * 50 * k * t + p)
        for k, a, p in zip((1, 2, 3), (1, 0.4, 0.5), phases, strict=True)
    )
    return x + 0.7 * level * (rng.standard_normal(x.shape) + _unit(tone))


def rounding(x: Array, level: float, rng: np.random.Generator, fs: float | None) -> Array:
    """White noise, and values rounded to steps of 1.5 levels."""
    step = 1.5 * level
    return np.round((x + level * rng.standard_normal(x.shape)) / step) * step


def doubling(x: Array, level: float, rng: np.random.Generator, fs: float | None) -> Array:
    """White noise whose level doubles half-way."""
    n = x.shape[-1]
    levels = level * np.where(np.arange(n) < n // 2, 0.632, 1.265)
    return x + levels * rng.standard_normal(x.shape)


def camera(x: Array, level: float, rng: np.random.Generator, fs: float | None) -> Array:
    """Photons on a mosaic of color filters, interpolated, with gamma 2.2 and JPEG at quality 90."""
    light = np.clip(x / 255, 0, 1) ** 2.2
    gain = 0.9 * (2.2 * level / 255) ** 2  # about the level in mid-gray
    noise = np.sqrt(gain * light * 0.25 + gain * 0.01) * rng.standard_normal(x.shape)
    seen = np.clip(light + _interpolated(noise), 0, 1) ** (1 / 2.2) * 255
    file = io.BytesIO()
    picture = np.round(seen).astype(np.uint8).transpose(1, 2, 0)
    Image.fromarray(picture).save(file, "jpeg", quality=90)
    return np.asarray(Image.open(file), np.float64).transpose(2, 0, 1)


def _interpolated(noise: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keep one color per pixel (Bayer) and fill in the others bilinearly."""
    rows, columns = np.indices(noise.shape[1:]) % 2
    masks = [(rows == 0) & (columns == 1), rows == columns, (rows == 1) & (columns == 0)]
    kernel = np.outer([0.5, 1, 0.5], [0.5, 1, 0.5])
    out = []
    for plane, mask in zip(noise, masks, strict=True):
        weight = convolve(mask.astype(float), kernel, mode="mirror")
        out.append(convolve(plane * mask, kernel, mode="mirror") / weight)
    return np.stack(out)


def _axes(x: Array) -> tuple[int, ...]:
    return tuple(range(1, x.ndim))


def _unit(noise: Array) -> Array:
    return noise / np.sqrt(np.mean(noise**2))


def _filtered(zeros: list[float], poles: list[float], x: Array, rng: np.random.Generator) -> Array:
    before = 50
    made = rng.standard_normal((len(x), *(n + before for n in x.shape[1:])))
    for axis in _axes(x):
        made = np.take(
            lfilter(zeros, poles, made, axis=axis), range(before, made.shape[axis]), axis
        )
    return made


SIGNAL_KINDS = {
    "white": white,
    "pink": pink,
    "moving average": moving_average,
    "autoregressive": autoregressive,
    "photon": photon,
    "impulses": impulses,
    "hum": hum,
    "rounding": rounding,
    "doubling": doubling,
}
IMAGE_KINDS = {name: SIGNAL_KINDS[name] for name in SIGNAL_KINDS if name != "hum"}
PHOTO_KINDS = {"white": white, "photon": photon, "camera": camera}
