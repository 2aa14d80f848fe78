"""MCRA with two iterations of smoothing and minimum tracking, and a soft decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import exp1

from sigbench.core.protocols import Info
from sigbench.core.validation import check_field
from sigbench.denoisers.speech.frames import Framing, Spectrum
from sigbench.denoisers.speech.trackers.recursion import (
    State,
    converted,
    recursive,
    smoothed_over_bins,
)

# Table I and section III of the paper.
HOP_S = 0.008  # the hop of the smoothing factors
SPECTRUM_FACTOR = 0.9
NOISE_FACTOR = 0.85
SNR_FACTOR = 0.92
PARTS = 8  # sub-windows of the memory
MINIMUM_BIAS = 1.66
POWER_LIMIT = 4.6  # γ0
LEVEL_LIMIT = 1.67  # ζ0
ABSENCE_LIMIT = 3.0  # γ1
NOISE_BIAS = 1.47
MIN_SNR = 10**-2.5
MAX_V = 500.0  # exp(-v) stays positive


@dataclass(frozen=True)
class Imcra:
    """Improved minima-controlled recursive averaging.

    A first minimum gives a rough decision on where speech is; the second is that of the spectrum
    without those bins. From it follow the prior and then the posterior probability of speech, which
    controls the average. It follows noise that becomes louder after two ``memory_s``.

    Parameters
    ----------
    memory_s : float
        Time over which the minimum is taken, in seconds.

    References
    ----------
    Cohen, IEEE Trans. Speech Audio Process. 11 (5), 2003, eqs. (7)-(12), (14), (15), (18), (21),
    (26)-(29), (32), (33) and Table I.

    Examples
    --------
    >>> from sigbench.denoisers.speech.frames import framing
    >>> update = Imcra().start(framing(8000.0))
    >>> [round(float(update(np.full((1, 129), p))[0, 0]), 2) for p in [2.0] * 20 + [200.0] * 5][-1]
    2.75
    """

    memory_s: float = 0.96

    info: ClassVar[Info] = Info(
        "imcra", "noise tracker", "Cohen 2003", domains=("speech",), adapts=True
    )

    def __post_init__(self) -> None:
        check_field("memory_s", self.memory_s, 0)

    def start(self, frames: Framing) -> Callable[[Spectrum], Spectrum]:
        """Return the update of a signal; see `NoiseTracker`."""
        spectrum_factor = converted(SPECTRUM_FACTOR, HOP_S, frames)
        noise_factor = converted(NOISE_FACTOR, HOP_S, frames)
        snr_factor = converted(SNR_FACTOR, HOP_S, frames)
        part = max(1, round(self.memory_s / PARTS / frames.frame_s))

        def initial(noise: Spectrum) -> State:
            smooth = smoothed_over_bins(noise)
            stored = np.repeat(smooth[:, None], PARTS, axis=1)
            minima = smooth, smooth, stored
            return noise, noise / NOISE_BIAS, np.ones_like(noise), smooth, *minima, smooth, *minima

        def step(state: State, power: Spectrum, frame: int) -> State:
            noise, mean, speech, smooth, low, recent, stored, kept, low2, recent2, stored2 = state
            ends = frame % part == part - 1
            slot = frame // part % PARTS

            posterior = power / noise
            snr = snr_factor * speech + (1 - snr_factor) * np.maximum(posterior - 1, 0)
            snr = np.maximum(snr, MIN_SNR)  # eq. (32)
            wiener = snr / (1 + snr)
            v = np.minimum(posterior * wiener, MAX_V)
            speech = wiener**2 * np.exp(exp1(v)) * posterior  # G²γ, eq. (33)

            smooth = spectrum_factor * smooth
            smooth += (1 - spectrum_factor) * smoothed_over_bins(power)  # eqs. (14), (15)
            low, recent, stored = _minimum(smooth, low, recent, stored, slot, ends)
            scale = 1 / (MINIMUM_BIAS * low)
            absent = (power * scale < POWER_LIMIT) & (smooth * scale < LEVEL_LIMIT)  # eq. (21)

            weight, total = smoothed_over_bins(np.stack([absent, absent * power]))
            selected = np.where(weight > 0, total / np.maximum(weight, 0.25), kept)  # eq. (26)
            kept = spectrum_factor * kept + (1 - spectrum_factor) * selected  # eq. (27)
            low2, recent2, stored2 = _minimum(kept, low2, recent2, stored2, slot, ends)
            scale = 1 / (MINIMUM_BIAS * low2)
            absence = (ABSENCE_LIMIT - power * scale) / (ABSENCE_LIMIT - 1)
            absence = np.minimum(np.maximum(absence, 0), 1)
            absence *= smooth * scale < LEVEL_LIMIT  # q, eq. (29)

            presence = (1 - absence) / (1 - absence + absence * (1 + snr) * np.exp(-v))  # eq. (7)
            factor = noise_factor + (1 - noise_factor) * presence  # eq. (11)
            mean = power + factor * (mean - power)  # eq. (10)
            noise = NOISE_BIAS * mean  # eq. (12)
            first = noise, mean, speech, smooth, low, recent, stored
            return *first, kept, low2, recent2, stored2

        return recursive(frames, initial, step)


def _minimum(
    smooth: Spectrum, low: Spectrum, recent: Spectrum, stored: Spectrum, slot: int, ends: bool
) -> tuple[Spectrum, Spectrum, Spectrum]:
    """Return the minimum over the memory, over the current part, and over each earlier part."""
    recent = np.minimum(recent, smooth)
    if not ends:
        return np.minimum(low, smooth), recent, stored
    stored = stored.copy()
    stored[:, slot] = recent
    return stored.min(axis=1), smooth, stored
