"""How often `denoise` cautions about noise: false alarms in white noise, and misses of other noise.

    python benchmarks/cautions.py [--development] [--repeats N] [--records PATTERN]

Prints a Markdown table: for white Gaussian noise, the share of files with any caution; for each other
kind of noise, the share of files without a caution of that kind. Development records are those on
which constants were chosen; by default, held-out records are used. Recorded files are read from the
folder in SIGBENCH_TEST_DATA, and are left out if it is not set.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pywt
from PIL import Image
from scipy.signal import lfilter, resample_poly

from sigbench.cli.denoise.noise_checks import findings, noise_level
from sigbench.core.media import read
from sigbench.core.rng import item_rng
from sigbench.datasets.demo_signals import SIGNALS, DemoSignals

# Demo signals with power up to the highest frequencies, all the time.
CHIRPS = (
    "HiSine",
    "LoSine",
    "LinChirp",
    "TwoChirp",
    "QuadChirp",
    "MishMash",
    "WernerSorrows",
    "HypChirps",
    "LinChirps",
    "Chirps",
)
DEVELOPMENT_SPEAKERS = ("jackson", "nicolas")
TAKES = {True: ("0", "1", "2"), False: ("0",)}  # of every digit and speaker
SIGNAL_TO_NOISE = (3, 5, 10)  # ratio of standard deviations
GRAY_LEVELS = (15, 25, 50)


@dataclass(frozen=True)
class Record:
    """A clean item ``(C, *space)``, its group in the table, and its sampling rate in Hz."""

    group: str
    clean: np.ndarray
    fs: float


def demo_signals(development: bool) -> Iterator[Record]:
    """Yield demo signals of several lengths; the sampling rate is 1 kHz, since hum needs one."""
    for n in (512, 1024, 4096, 16_384, 65_536):
        for name in SIGNALS:
            try:
                item = DemoSignals(name.lower(), n).item("train" if development else "test", 1, 0)
            except Exception as error:
                print(f"{name} of {n} samples is left out: {error}", file=sys.stderr)
                continue
            group = "tones and chirps" if name in CHIRPS else "demo signals"
            yield Record(f"{group}, {n}", item, 1000.0)
    if not development:
        ecg = pywt.data.ecg().astype(float)
        yield Record("ECG, 1024", ecg[None], 360.0)


def sounds(folder: Path, development: bool) -> Iterator[Record]:
    """Yield speech, and recorded sounds as the vibration of an oversampled sensor (4 times)."""
    for path in sorted((folder / "fsdd" / "recordings").glob("*.wav")):
        _, speaker, take = path.stem.split("_")
        if (speaker in DEVELOPMENT_SPEAKERS) == development and take in TAKES[development]:
            content = read(path)
            yield Record("speech, 8 kHz", content.batch[0].astype(float), content.fs or 0.0)
    for k, path in enumerate(sorted((folder / "noise").glob("*.flac"))):
        fold = int(path.stem.split("-")[1])
        if (fold <= 2) != development or k % 4:
            continue
        content = read(path)
        values = content.batch[0, 0].astype(float)
        values = values[: np.flatnonzero(values)[-1] + 1]  # without digital silence
        slow = resample_poly(values, 4, 1)
        for n in (5_000, 100_000):
            if len(slow) >= 2 * n:
                yield Record(f"vibration, {n}", slow[None, n : 2 * n], 4.0 * (content.fs or 0.0))


def images(folder: Path, development: bool) -> Iterator[Record]:
    """Yield crops of photographs: gray ones of BSD400, and color ones."""
    numbers = range(1, 201, 8) if development else range(201, 401, 8)
    for i in numbers:
        pixels = np.asarray(Image.open(folder / "bsd400" / f"test_{i:03}.png"), float)
        yield Record("gray images, 128×128", pixels[None, :128, :128], 0.0)
    photographs = sorted((folder / "photos").rglob("*.png"))
    for path in photographs[:6] if development else photographs[6:]:
        pixels = np.asarray(Image.open(path).convert("RGB"), float).transpose(2, 0, 1)
        yield Record("color photographs", pixels[:, :256, :256], 0.0)


def white(clean: np.ndarray, sigma: float, fs: float, rng: np.random.Generator) -> np.ndarray:
    """Return an item with white Gaussian noise."""
    return clean + sigma * rng.standard_normal(clean.shape)


def pink(clean: np.ndarray, sigma: float, fs: float, rng: np.random.Generator) -> np.ndarray:
    """Return an item with noise of the power 1/f."""
    axes = tuple(range(1, clean.ndim))
    grid = np.meshgrid(*[np.fft.fftfreq(n) for n in clean.shape[1:]], indexing="ij")
    f = np.sqrt(sum(part**2 for part in grid))
    f.flat[0] = np.inf
    spectrum = np.fft.fftn(rng.standard_normal(clean.shape), axes=axes) / np.sqrt(f)
    return clean + sigma * _unit(np.fft.ifftn(spectrum, axes=axes).real)


def moving(clean: np.ndarray, sigma: float, fs: float, rng: np.random.Generator) -> np.ndarray:
    """Return an item with noise e(t) + 0.8 e(t-1) along every axis."""
    return clean + sigma * _filtered(clean.shape, [1, 0.8], [1], rng)


def autoregressive(
    clean: np.ndarray, sigma: float, fs: float, rng: np.random.Generator
) -> np.ndarray:
    """Return an item with noise n(t) = 0.7 n(t-1) + e(t) along every axis."""
    return clean + sigma * _filtered(clean.shape, [1], [1, -0.7], rng)


def _filtered(shape, b, a, rng):
    noise = rng.standard_normal([shape[0], *(n + 50 for n in shape[1:])])
    for axis in range(1, len(shape)):
        noise = lfilter(b, a, noise, axis=axis)
    return _unit(noise[(slice(None), *[slice(50, None)] * (len(shape) - 1))])


def _unit(noise):
    return noise / noise.std()


def photons(count: float):
    """Return a function that counts photons, ``count`` on average at the largest value.

    There is a background of 10 %, and readout noise of half a count.
    """

    def degrade(clean, sigma, fs, rng):
        unit = (clean - clean.min()) / np.ptp(clean)
        return rng.poisson(count * (0.1 + 0.9 * unit)) + 0.5 * rng.standard_normal(clean.shape)

    return degrade


def impulses(clean: np.ndarray, sigma: float, fs: float, rng: np.random.Generator) -> np.ndarray:
    """Return an item with white noise, and impulses of 8 sigma in 0.5 % of the samples."""
    signs = rng.choice([-8.0, 8.0], clean.shape) * (rng.random(clean.shape) < 0.005)
    return white(clean, sigma, fs, rng) + sigma * signs


def hum(rms: float):
    """Return a function that adds white noise and a line at 50 Hz."""

    def degrade(clean, sigma, fs, rng):
        at = 50 * (1 + rng.uniform(-5e-4, 5e-4)) / fs
        line = np.cos(2 * np.pi * (at * np.arange(clean.shape[-1]) + rng.random()))
        return white(clean, sigma, fs, rng) + rms * sigma * np.sqrt(2) * line

    return degrade


def rounded(clean: np.ndarray, sigma: float, fs: float, rng: np.random.Generator) -> np.ndarray:
    """Return an item with white noise, rounded to steps of 2 sigma."""
    return 2 * sigma * np.round(white(clean, sigma, fs, rng) / (2 * sigma))


def doubling(clean: np.ndarray, sigma: float, fs: float, rng: np.random.Generator) -> np.ndarray:
    """Return an item with noise whose level doubles in the middle of the last axis."""
    n = clean.shape[-1]
    level = np.where(np.arange(n) < n // 2, 1.0, 2.0)
    return clean + sigma / np.sqrt(2.5) * level * rng.standard_normal(clean.shape)


def clipped(clean: np.ndarray, sigma: float, fs: float, rng: np.random.Generator) -> np.ndarray:
    """Return an item with white noise, clipped to the inner 95 % of its values."""
    noisy = white(clean, sigma, fs, rng)
    return np.clip(noisy, *np.quantile(noisy, [0.025, 0.975]))


Degrade = Callable[[np.ndarray, float, float, np.random.Generator], np.ndarray]
# The caution that is expected, and the noise.
NOISES: dict[str, tuple[str, Degrade]] = {
    "white": ("", white),
    "pink": ("colored", pink),
    "MA(1)": ("colored", moving),
    "AR(1)": ("colored", autoregressive),
    "photons 100": ("signal-dependent", photons(100)),
    "photons 10": ("signal-dependent", photons(10)),
    "impulses": ("impulses", impulses),
    "hum 0.5 σ": ("hum", hum(0.5)),
    "hum 3 σ": ("hum", hum(3.0)),
    "rounded": ("rounded", rounded),
    "doubling": ("varying", doubling),
    "clipped": ("clipped", clipped),
}


def measured(
    development: bool, repeats: int, details: bool, pattern: str
) -> dict[tuple[str, str], list[bool]]:
    """Return, for each group and kind of noise, whether each file was judged wrongly."""
    wrong: dict[tuple[str, str], list[bool]] = defaultdict(list)
    kinds: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    folder = os.environ.get("SIGBENCH_TEST_DATA")
    records = list(demo_signals(development))
    if folder:
        records += [*sounds(Path(folder), development), *images(Path(folder), development)]
    for k, record in enumerate(records):
        if not fnmatch(record.group, pattern):
            continue
        is_image = record.clean.ndim == 3
        for name, (expected, degrade) in NOISES.items():
            is_sound = record.group.startswith(("speech", "vibration"))
            if expected == "signal-dependent" and is_sound:
                continue  # counters and cameras do not record sound
            if expected == "hum" and (is_image or 50 * record.clean.shape[-1] < 8 * record.fs):
                continue  # less than eight periods
            for repeat in range(repeats * (4 if name == "white" else 1)):
                rng = item_rng(k, "cautions", name, repeat)
                levels = (
                    GRAY_LEVELS if is_image else [record.clean.std() / r for r in SIGNAL_TO_NOISE]
                )
                sigma = float(levels[(k + repeat) % 3])
                noisy = degrade(record.clean, sigma, record.fs, rng)
                found = findings(noisy, noise_level(noisy), record.fs or None)
                said = {finding.kind for finding in found}
                wrong[record.group, name].append(
                    bool(said) if not expected else expected not in said
                )
                for kind in said or {"none"}:
                    kinds[record.group, name][kind] += 1
    if details:
        for (group, name), counts in kinds.items():
            print(f"{group:28} {name:12}", dict(counts), file=sys.stderr)
    return wrong


def table(wrong: dict[tuple[str, str], list[bool]]) -> str:
    """Return the counts as a Markdown table, one row for each group of records, and all."""
    groups = list(dict.fromkeys(group for group, _ in wrong))
    lines = ["| records | " + " | ".join(NOISES) + " |", "| --- " * (len(NOISES) + 1) + "|"]
    for group in [*groups, "all"]:
        cells = []
        for name in NOISES:
            counted = [
                x for (g, n), xs in wrong.items() if n == name and group in (g, "all") for x in xs
            ]
            cells.append(f"{sum(counted)}/{len(counted)}" if counted else "")
        lines.append(f"| {group} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--development", action="store_true", help="use the development records")
    parser.add_argument("--repeats", type=int, default=1, help="draws of the noise for each record")
    parser.add_argument("--details", action="store_true", help="print which cautions were found")
    parser.add_argument("--records", default="*", help="pattern of the groups of records")
    args = parser.parse_args()
    print(table(measured(args.development, args.repeats, args.details, args.records)))


if __name__ == "__main__":
    main()
