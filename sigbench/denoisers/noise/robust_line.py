"""A weak line in a short signal whose other parts change."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from sigbench.denoisers.noise.places import NORMAL_QUARTILE

CLIP = 3.0  # local levels, so that jumps and peaks of a signal count little
MIN_LOCAL = 0.5  # smallest local level, relative to that of the whole signal
NEAR, FAR, BESIDE = (
    0.1,
    0.4,
    12,
)  # relative distance of the frequencies on each side, and their number
GAIN = 8 / 3  # power of white noise at the frequency, relative to the mean over all frequencies
MIN_PERIODS = 8  # fewer look like the trend of a signal


class RobustLine(NamedTuple):
    """A line amplitude·cos(2π·frequency·t + phase), with the p-value of its test."""

    frequency: float
    amplitude: float
    phase: float
    p_value: float


def robust_line(y: NDArray[np.float64], frequency: float, tolerance: float) -> RobustLine | None:
    """Fit a line of a known frequency, robustly; return None if the signal is too short.

    The mean of the samples half a period before and after is subtracted: this doubles the line, and
    removes slow parts. The differences are divided by their local level and clipped. The power at the
    frequency is compared with that of white noise, and with that at frequencies around: a signal of
    this frequency that begins or ends has a wider spectrum.

    Parameters
    ----------
    y : array, shape (L,)
        A signal.
    frequency : float
        In cycles per sample.
    tolerance : float
        Largest relative deviation from the frequency.

    Examples
    --------
    >>> t = np.arange(512)
    >>> y = np.random.default_rng(0).standard_normal(512) + 40 * (t > 300) + np.cos(0.3 * t + 1)
    >>> line = robust_line(y, 0.3 / (2 * np.pi), 0.001)
    >>> round(line.amplitude, 1), round(line.phase, 1), line.p_value < 1e-3
    (1.0, 0.8, True)
    """
    half = round(0.5 / frequency)
    if half < 1 or len(y) * frequency < MIN_PERIODS:
        return None
    z = y[half:-half] - 0.5 * (y[: -2 * half] + y[2 * half :])
    size = np.abs(z)
    least = MIN_LOCAL * float(np.median(size))
    local = np.maximum(median_filter(size, 4 * half + 1), least) / NORMAL_QUARTILE
    if least == 0:
        return None
    clipped = np.clip(z / local, -CLIP, CLIP)
    power = len(z) * float(np.mean(clipped**2))
    t = np.arange(half, len(y) - half)

    def share(f: float) -> float:
        return abs(complex(clipped @ np.exp(-2j * np.pi * f * t))) ** 2 / power

    steps = math.ceil(4 * tolerance * frequency * len(y))
    tried = frequency * (1 + tolerance * np.linspace(-1, 1, 2 * steps + 1))
    found = max(map(float, tried), key=share)
    offsets = np.linspace(NEAR, FAR, BESIDE)
    beside = [share(frequency * (1 + side * d)) for side in (-1, 1) for d in offsets]
    ratio = share(found) / max(float(np.mean(beside)), 1e-300)
    # The number of independent frequencies is limited by the length.
    degrees = min(2 * BESIDE, max(1.0, 2 * (FAR - NEAR) * frequency * len(y)))
    tries = 1 + 2 * tolerance * frequency * len(y)
    p_value = max(math.exp(-share(found) / GAIN), math.exp(-degrees * math.log1p(ratio / degrees)))
    # The line itself, by least squares with the weights of the local level and of the clipping.
    weights = np.where(size <= CLIP * local, 1 / local**2, 0.0)
    angle = 2 * np.pi * found * t
    design = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    normal = design.T @ (weights[:, None] * design)
    a, b = np.linalg.solve(normal + 1e-12 * np.trace(normal) * np.eye(2), design.T @ (weights * z))
    gain = 1 - math.cos(2 * math.pi * found * half)
    line = complex(a, -b) / gain
    return RobustLine(found, abs(line), float(np.angle(line)), min(1.0, tries * p_value))
