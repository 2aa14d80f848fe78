"""Mains hum: lines at a mains frequency and its harmonics."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Info
from sigbench.core.validation import check_field, check_noisy
from sigbench.denoisers.noise.models import StationaryNoise
from sigbench.denoisers.noise.places import noise_level
from sigbench.denoisers.noise.robust_line import robust_line

MAINS = (50.0, 60.0)  # Hz
DRIFT = 0.002  # relative; mains frequencies are within 0.4 % even in disturbed networks
HARMONICS = 8
BANDWIDTH, TAPERS = 4.0, 7  # half-bandwidth in 1/length, and the tapers that concentrate there
MIN_PERIODS = 8  # fewer look like the trend of a signal
MAX_LENGTH = 2**15  # of a window; hum drifts in longer ones
SIGNIFICANT = 1e-4
WEAK = 1e-3  # for a robust line
PADDING = 4


class Line(NamedTuple):
    """A sinusoid in a window: amplitude·cos(2π·frequency·t + phase).

    ``frequency`` is in cycles per sample, ``t`` counts from the start of the window, and ``p_value``
    is that of the F-test.
    """

    frequency: float
    amplitude: float
    phase: float
    p_value: float


@functools.cache
def _tapers(length: int) -> NDArray[np.float64]:
    from scipy.signal.windows import dpss  # loads scipy.stats

    tapers: NDArray[np.float64] = dpss(length, BANDWIDTH, TAPERS)
    return tapers


def line_at(y: NDArray[np.float64], frequency: float) -> Line:
    """Fit a line of a given frequency, and test it against the spectrum around it.

    The F-test of Thomson compares the power that a line explains in all tapered spectra with the
    rest, with 2 and 2K − 2 degrees of freedom for K tapers.

    Parameters
    ----------
    y : array, shape (L,), float64
        A window of a signal.
    frequency : float
        In cycles per sample.

    References
    ----------
    Thomson, Proc. IEEE 70 (1982), eqs. (13.5) and (13.10).

    Examples
    --------
    >>> t = np.arange(1000)
    >>> y = 2 * np.cos(0.3 * t + 1) + np.random.default_rng(0).standard_normal(1000)
    >>> line = line_at(y, 0.3 / (2 * np.pi))
    >>> round(line.amplitude, 1), round(line.phase, 1), line.p_value < 1e-6
    (2.0, 1.0, True)
    """
    tapers = _tapers(len(y))
    sums = tapers.sum(axis=1)
    turned = (y - y.mean()) * np.exp(-2j * np.pi * frequency * np.arange(len(y)))
    spectra = tapers @ turned
    power = float(sums @ sums)
    mean = complex(sums @ spectra) / power
    explained = abs(mean) ** 2 * power
    rest = float(np.sum(np.abs(spectra - mean * sums) ** 2))
    p_value = _tail(explained / max(rest, 1e-300))
    return Line(frequency, 2 * abs(mean), float(np.angle(mean)), p_value)


def _tail(ratio: float) -> float:
    """Return the p-value: the tail of F(2, 2m) is (1 + F/m)^-m, and F is m times the ratio."""
    return math.exp(-(TAPERS - 1) * math.log1p(ratio))


def refined(y: NDArray[np.float64], frequency: float, within: float) -> float:
    """Return the frequency at most ``within`` away at which a line explains most."""
    from scipy.optimize import minimize_scalar  # slow to import

    taper = _tapers(len(y))[0]
    tapered, t = (y - y.mean()) * taper, np.arange(len(y))

    def power(f: float) -> float:
        return -(abs(complex(tapered @ np.exp(-2j * np.pi * f * t))) ** 2)

    bounds = (frequency - within, frequency + within)
    found = minimize_scalar(
        power, bounds=bounds, method="bounded", options={"xatol": 1e-4 / len(y)}
    )
    return float(found.x)


class Window:
    """The tapered spectra of a window of a signal, shape ``(L,)``."""

    def __init__(self, y: NDArray[np.float64]) -> None:
        self.y = y
        tapers = _tapers(len(y))
        sums = tapers.sum(axis=1)
        self._bins = PADDING * len(y)
        spectra = np.fft.rfft(tapers * (y - y.mean()), self._bins)
        mean = np.tensordot(sums, spectra, 1) / (sums @ sums)
        rest = np.sum(np.abs(spectra - sums[:, None] * mean) ** 2, axis=0)
        self._ratio = np.abs(mean) ** 2 * (sums @ sums) / np.maximum(rest, 1e-300)

    def lines(self, frequency: float, tolerance: float, harmonics: int) -> tuple[Line, ...]:
        """Return the significant lines at multiples of a frequency, in cycles per sample.

        There are none unless the first or the second one is significant: they are the strongest of
        mains hum.
        """
        length, found = len(self.y), []
        for order in range(1, harmonics + 1):
            center, width = order * frequency, order * frequency * tolerance
            if center + width + BANDWIDTH / length >= 0.5:
                break
            low = math.floor((center - width) * self._bins)
            high = math.ceil((center + width) * self._bins)
            tries = 1 + 2 * width * length
            peak = low + int(np.argmax(self._ratio[low : high + 1]))
            if tries * _tail(float(self._ratio[peak])) > 10 * SIGNIFICANT:
                continue
            line = line_at(self.y, refined(self.y, peak / self._bins, 1 / self._bins))
            p_value = min(1.0, tries * line.p_value)
            if p_value < SIGNIFICANT:
                found.append((order, line._replace(p_value=p_value)))
        if not found or found[0][0] > 2:
            return ()
        return tuple(line for _, line in found)


def windows(length: int, longest: int = MAX_LENGTH) -> list[slice]:
    """Return windows of equal length that cover a signal and overlap by at least half."""
    size = min(length, longest)
    count = 1 if size == length else math.ceil((length - size) / (size // 2)) + 1
    starts = np.linspace(0, length - size, count).astype(int)
    return [slice(int(a), int(a) + size) for a in starts]


class HumLines(NamedTuple):
    """Mains hum in one channel.

    Attributes
    ----------
    base : float
        The mains frequency, in Hz (cycles per sample if the sampling rate is not known).
    frequency : float
        Of the strongest line, in Hz (cycles per sample if the sampling rate is not known).
    amplitude : float
        Of the strongest line.
    wave : array, shape (L,), float64
        The sum of the lines.
    p_value : float
        Of the strongest line.
    """

    base: float
    frequency: float
    amplitude: float
    wave: NDArray[np.float64]
    p_value: float


def find_hum(
    y: Array,
    fs: float | None,
    *,
    frequency: float | None = None,
    tolerance: float = DRIFT,
    harmonics: int = HARMONICS,
) -> HumLines | None:
    """Find lines at a mains frequency and its harmonics, or return None.

    In each window, the frequencies are refined within the tolerance, and the significant lines are
    kept. Overlapping windows are blended, so that the lines follow a slow drift. If there is none, a
    robust test looks for one weak line in the whole signal, if that has at most 32,768 samples.

    Parameters
    ----------
    y : array, shape (L,)
        A signal.
    fs : float or None
        Sampling rate in Hz.
    frequency : float, optional
        In Hz; in cycles per sample if ``fs`` is None. By default 50 and 60 Hz are tried, and nothing
        if the sampling rate is not known, because a tone of the signal looks the same.
    tolerance : float
        Largest relative deviation from the frequency.
    harmonics : int
        Number of multiples of the frequency, with the frequency itself.

    Examples
    --------
    >>> t = np.arange(4000) / 1000
    >>> y = np.cos(2 * np.pi * 50.03 * t) + np.random.default_rng(0).standard_normal(4000)
    >>> hum = find_hum(y, 1000.0)
    >>> round(hum.frequency, 2), round(hum.amplitude, 1)
    (50.03, 1.0)
    >>> find_hum(y, None) is None
    True
    """
    bases = MAINS if frequency is None else (frequency,)
    if fs is None and frequency is None:
        return None
    check_frequency(frequency, fs)
    values = y.astype(np.float64)
    best: HumLines | None = None
    for base in bases:
        at = base / (fs or 1.0)
        found = _hum(values, at, tolerance, harmonics) or _weak_line(values, at, tolerance)
        if found is not None and (best is None or found.p_value < best.p_value):
            best = found._replace(base=base, frequency=found.frequency * (fs or 1.0))
    return best


def without_trend(y: NDArray[np.float64], frequency: float) -> NDArray[np.float64]:
    """Return a signal minus its running median over two periods of a frequency.

    The median of a line over whole periods is nearly zero, but jumps and trends are kept in it.
    Long periods are averaged to about 16 values first.
    """
    period = 1 / frequency
    step = max(1, int(period / 16))
    count = len(y) // step
    coarse = y[: count * step].reshape(count, step).mean(axis=1)
    size = 2 * round(period / step) + 1
    median = median_filter(coarse, size, mode="reflect")
    at = np.arange(count) * step + (step - 1) / 2
    trend: NDArray[np.float64] = np.interp(np.arange(len(y)), at, median)
    return y - trend


def _hum(
    y: NDArray[np.float64], frequency: float, tolerance: float, harmonics: int
) -> HumLines | None:
    """Find the lines in a signal without its trend, and again with the trend of the rest."""
    if not MIN_PERIODS / len(y) <= frequency < 0.5:
        return None
    first = _lines(without_trend(y, frequency), frequency, tolerance, harmonics)
    if first is None:
        return None
    trend = y - first.wave - without_trend(y - first.wave, frequency)
    return _lines(y - trend, frequency, tolerance, harmonics) or first


def _lines(
    y: NDArray[np.float64], frequency: float, tolerance: float, harmonics: int
) -> HumLines | None:
    wave, weights = np.zeros_like(y), np.zeros_like(y)
    strongest: list[Line] = []
    parts = windows(len(y))
    for part in parts:
        lines = Window(y[part]).lines(frequency, tolerance, harmonics)
        size = part.stop - part.start
        fade = np.hanning(size + 2)[1:-1] if len(parts) > 1 else np.ones(size)
        weights[part] += fade
        t = np.arange(size)
        for line in lines:
            cosine = np.cos(2 * np.pi * line.frequency * t + line.phase)
            wave[part] += fade * line.amplitude * cosine
        if lines:
            strongest.append(max(lines, key=lambda line: line.amplitude))
    if 2 * len(strongest) < len(parts) or not strongest:
        return None
    wave /= weights
    top = sorted(strongest, key=lambda line: line.amplitude)[len(strongest) // 2]
    return HumLines(frequency, top.frequency, top.amplitude, wave, top.p_value)


def _weak_line(y: NDArray[np.float64], frequency: float, tolerance: float) -> HumLines | None:
    line = robust_line(y, frequency, tolerance) if len(y) <= MAX_LENGTH else None
    if line is None or line.p_value > WEAK:
        return None
    wave = line.amplitude * np.cos(2 * np.pi * line.frequency * np.arange(len(y)) + line.phase)
    return HumLines(frequency, line.frequency, line.amplitude, wave, line.p_value)


def channels_of(item: Array) -> list[Array]:
    """Return the channels of a signal ``(C, L)``; raise InputError for an image."""
    if item.ndim != 2:
        raise InputError(f"hum is estimated in signals (C, L), not in items of shape {item.shape}")
    return list(item)


@dataclass(frozen=True)
class Hum:
    """White noise and mains hum: lines at 50 or 60 Hz and their harmonics.

    A tone of the signal looks like hum. Without a sampling rate, lines are therefore found
    only at a given frequency.

    Parameters
    ----------
    frequency : float, optional
        In Hz, or in cycles per sample if the sampling rate is not known; by default 50 and 60 Hz.
    harmonics : int
        Number of multiples of the frequency, with the frequency itself.
    fs : float, optional
        Sampling rate in Hz.

    References
    ----------
    Thomson, Proc. IEEE 70 (1982), section XIII.

    Examples
    --------
    >>> t = np.arange(10_000) / 1000
    >>> y = np.cos(2 * np.pi * 50 * t) + np.random.default_rng(0).standard_normal(10_000)
    >>> Hum(fs=1000.0).estimate_noise(y.reshape(1, 1, -1)).level.round(1)
    array([1.2])
    """

    frequency: float | None = None
    harmonics: int = HARMONICS
    fs: float | None = None

    info: ClassVar[Info] = Info(
        "hum",
        "noise estimation",
        "Thomson 1982",
        domains=("signal", "speech"),
        adapts=True,
        version=2,
    )

    def __post_init__(self) -> None:
        if self.fs is not None:  # otherwise it may be bound later
            check_frequency(self.frequency, self.fs)
        check_field("harmonics", self.harmonics, 1)

    def estimate_noise(self, noisy: Array) -> StationaryNoise:
        """Return the noise of the items of a batch ``(N, C, L)``: white, with lines."""
        check_noisy(noisy)
        powers = []
        for item in noisy:
            waves = np.zeros(item.shape)
            for channel, wave in zip(channels_of(item), waves, strict=True):
                hum = find_hum(channel, self.fs, frequency=self.frequency, harmonics=self.harmonics)
                if hum is not None:
                    wave += hum.wave
            lines = np.mean(np.abs(np.fft.fft(waves)) ** 2, axis=0) / noisy.shape[-1]
            powers.append(noise_level(item - waves) ** 2 + lines)
        return StationaryNoise(np.array(powers))


def check_frequency(frequency: float | None, fs: float | None) -> None:
    """Check that a frequency is positive and below half the sampling rate."""
    half, unit = (0.5, "cycles per sample, as fs is not known") if fs is None else (fs / 2, "Hz")
    if frequency is not None and not 0 < frequency < half:
        raise InputError(f"frequency={frequency:g} must be > 0 and < {half:g} {unit}")
