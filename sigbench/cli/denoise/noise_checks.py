"""Test whether the noise of a file is white Gaussian noise of a constant level.

Each test uses the noisy item alone. It reports an effect that is both large and statistically
significant, so that white Gaussian noise in ordinary signals raises few false alarms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sigbench.core.protocols import Array
from sigbench.denoisers.noise.hum import find_hum
from sigbench.denoisers.noise.impulses import find_impulses
from sigbench.denoisers.noise.places import (
    DB2,
    MIN_SAMPLES,
    SmoothParts,
    noise_level,
    smooth_parts,
    spectral_floor,
)
from sigbench.denoisers.noise.poisson_gaussian import floor_by_signal, quiet_by_signal
from sigbench.denoisers.noise.quiet_parts import quiet_change, quiet_spread
from sigbench.denoisers.noise.rounding import rounding_step, unrounded_level
from sigbench.denoisers.noise.tails import tail_ratio
from sigbench.denoisers.noise.varying import level_change, varies_with_signal
from sigbench.denoisers.noise.white import Quiet
from sigbench.denoisers.noise.whiteness import spectral_slope

__all__ = ["Finding", "doubts", "findings", "noise_level"]

TINY = np.finfo(np.float64).tiny
# Largest p-values, by the number of space axes. They were chosen on development records.
COLORED = {1: 3e-4, 2: 1.5e-3}
CHANGED = {1: 2e-3, 2: 5e-4}
DEPENDENT = {1: 1e-4, 2: 1e-4}
MIN_SLOPE = {1: 0.3, 2: 0.45}  # exponents; texture has a slope as well
MIN_RISING = 0.6  # in signals; the consonants of speech rise as well
COARSE = 1.2  # steps that are larger than the noise level, with the error of rounding
MIN_DEPENDENT = {1: 1.45, 2: 1.35}  # ratio of noise levels
MIN_CHANGE = 1.35
MIN_SPREAD = 1.27  # of the levels of quarters, in their quiet parts


@dataclass(frozen=True)
class Finding:
    """An assumption that the noise of an item violates.

    Attributes
    ----------
    kind : str
        ``level``, ``rounded``, ``clipped``, ``colored``, ``tones``, ``hum``, ``impulses``, ``tails``,
        ``signal-dependent``, ``varying`` or ``short``.
    text : str
        One line: what was found, and what to do.
    p_value : float
        Probability of such an effect, or a larger one, in white Gaussian noise; 0 for what does not
        depend on chance, and NaN if it is not computed.
    remedy : str
        A method to use, with ``...`` for the denoiser that it contains; empty if there is none.
    """

    kind: str
    text: str
    p_value: float
    remedy: str = ""


def doubts(item: Array, sigma: float, fs: float | None = None) -> list[str]:
    """Return the texts of `findings`."""
    return [finding.text for finding in findings(item, sigma, fs)]


def findings(item: Array, sigma: float, fs: float | None = None) -> tuple[Finding, ...]:
    """Return how the noise of an item differs from white Gaussian noise of a constant level.

    Parameters
    ----------
    item : array, shape (C, *space)
        The noisy item.
    sigma : float
        Its noise level, given or estimated.
    fs : float, optional
        Sampling rate in Hz. Mains hum is found only if it is known.

    Examples
    --------
    >>> y = np.random.default_rng(0).standard_normal((1, 4000))
    >>> findings(y, 1.0)
    ()
    >>> [finding.text for finding in findings(2 * np.round(y / 2), 1.0)]  # doctest: +ELLIPSIS
    ['... steps of 2, coarser than the noise: use with-noise[method=...,noise=rounding]']
    """
    if sigma == 0:
        text = "the noise level is zero, so the item is not changed; set another with --sigma S"
        return (Finding("level", text, 0.0),)
    y = item.astype(np.float64)
    rounded = _rounded(item)
    if rounded:  # rounding invalidates the other tests
        return _found(rounded, _clipped(y))
    hum, impulses = _hum(y, fs), _impulses(y)
    if hum:
        y = y - _waves(y, fs)
    if impulses:
        found = find_impulses(y)
        y = np.where(found.where, found.median, y)
    parts = smooth_parts(y)
    if parts.where.sum() < MIN_SAMPLES:
        text = f"too few smooth samples to test the noise (fewer than {MIN_SAMPLES})"
        return _found(_clipped(item), hum, impulses, Finding("short", text, 0.0))
    return _found(
        _clipped(item),
        hum,
        impulses,
        _colored(y) or _toned(y, sigma),
        _uneven(y, parts),
        None if impulses else _tailed(parts),
    )


def _found(*found: Finding | None) -> tuple[Finding, ...]:
    return tuple(finding for finding in found if finding is not None)


def _rounded(item: Array) -> Finding | None:
    step = rounding_step(item)
    if step == 0:
        return None
    level = unrounded_level(item, step)
    if item.ndim == 2:  # in speech the finest details are signal
        level = min(level, unrounded_level(item, step, _quiet_level))
    if step < COARSE * level:
        return None
    remedy = "with-noise[method=...,noise=rounding]"
    text = f"values are rounded to steps of {step:.3g}, coarser than the noise: use {remedy}"
    return Finding("rounded", text, 0.0, remedy)


def _quiet_level(signal: Array) -> float:
    return float(Quiet().estimate_noise(signal[None]).level[0])


def _clipped(y: Array) -> Finding | None:
    """Compare the counts of the extreme values with those of the values next to them."""
    _, counts = np.unique(y, return_counts=True)
    if len(counts) < 5:
        return None
    share = sum(
        end / y.size
        for end, near in ((counts[0], counts[1:3]), (counts[-1], counts[-3:-1]))
        if end > 3 * near.max()
    )
    if share <= 0.01:
        return None
    text = f"{share:.1%} of the samples are clipped at the extremes: record with a larger range"
    return Finding("clipped", text, 0.0)


def _waves(y: NDArray[np.float64], fs: float | None) -> NDArray[np.float64]:
    waves = np.zeros_like(y)
    for channel, wave in zip(y, waves, strict=True):
        hum = find_hum(channel, fs)
        if hum is not None:
            wave += hum.wave
    return waves


def _hum(y: NDArray[np.float64], fs: float | None) -> Finding | None:
    if y.ndim > 2 or fs is None:
        return None
    found = [hum for hum in (find_hum(channel, fs) for channel in y) if hum is not None]
    if not found:
        return None
    hum = max(found, key=lambda one: one.amplitude)
    remedy = f"without-lines[method=...,frequency={hum.base:g}]"
    digits = 2 if y.shape[-1] >= 2 * fs else 1  # short records do not give the frequency so well
    hertz = f"{round(hum.frequency, digits):g}"
    text = f"the noise has a line at {hertz} Hz (mains hum): use {remedy}"
    return Finding("hum", text, hum.p_value, remedy)


def _impulses(y: NDArray[np.float64]) -> Finding | None:
    found = find_impulses(y)
    if found.p_value > 1e-3:
        return None
    remedy = "despiked[method=...]"
    times = found.size / found.level
    text = (
        f"the noise is not Gaussian: {100 * found.share:.2g}% of the samples are impulses, "
        f"{times:.0f} times the noise level: use {remedy}"
    )
    return Finding("impulses", text, found.p_value, remedy)


def _colored(y: NDArray[np.float64]) -> Finding | None:
    found = spectral_slope(y)
    least = MIN_RISING if y.ndim == 2 and found.slope > 0 else MIN_SLOPE[y.ndim - 1]
    if found.p_value > COLORED[y.ndim - 1] or abs(found.slope) < least:
        return None
    kind = "low" if found.slope < 0 else "high"
    remedy = "whitened[method=...]"
    text = (
        f"the noise is not white: it has more power at {kind} frequencies "
        f"(power ~ f^{found.slope:.1f}): use {remedy}"
    )
    return Finding("colored", text, found.p_value, remedy)


def _uneven(y: NDArray[np.float64], parts: SmoothParts) -> Finding | None:
    """Report whether the level depends on the signal or the place, whichever describes it better."""
    if y.ndim == 2:
        by_signal, by_place = floor_by_signal(y), quiet_change(y)
    else:
        by_signal, by_place = quiet_by_signal(y), level_change(y)
    dependent = (
        by_signal.p_value < DEPENDENT[y.ndim - 1] and by_signal.ratio > MIN_DEPENDENT[y.ndim - 1]
    )
    changed = by_place.p_value < CHANGED[y.ndim - 1] and by_place.ratio > MIN_CHANGE
    if dependent and (not changed or varies_with_signal(y, by_place, by_signal)):
        remedy = "stabilized[method=...]"
        text = (
            f"the noise level is not constant: it differs by a factor of {_times(by_signal.ratio)} "
            f"between low and high values of the signal: use {remedy}"
        )
        return Finding("signal-dependent", text, by_signal.p_value, remedy)
    if changed:
        remedy = "level-normalized[method=...]"
        text = (
            f"the noise level is not constant: it changes by a factor of {_times(by_place.ratio)} "
            f"{by_place.where}: use {remedy}"
        )
        return Finding("varying", text, by_place.p_value, remedy)
    return _patchy(parts)


def _patchy(parts: SmoothParts) -> Finding | None:
    """Compare the noise levels of eight segments of a signal, or 64 tiles of an image.

    The quiet parts of the quarters of a signal must differ as well.
    """
    groups = [g for g in parts.tiles(np.abs(parts.details(DB2)), 8) if len(g) >= 32]
    if len(groups) < 3:
        return None
    low, high = np.quantile([np.median(group) for group in groups], [0.2, 0.8])
    chance = 3 / np.sqrt(np.median([len(group) for group in groups]))
    if np.log(max(high, TINY) / max(low, TINY)) <= 0.25 + 1.2 * chance:
        return None
    if parts.y.ndim == 2 and quiet_spread(parts.y) < MIN_SPREAD:
        return None
    remedy = "level-normalized[method=...]"
    text = (
        f"the noise level is not constant: it differs by a factor of "
        f"{_times(high / max(low, TINY))} from place to place: use {remedy}"
    )
    return Finding("varying", text, np.nan, remedy)


def _times(ratio: float) -> str:
    return "more than 100" if ratio > 100 else f"{ratio:.1f}"


def _toned(y: NDArray[np.float64], sigma: float) -> Finding | None:
    """Compare the noise level of a signal with the floor of the spectrum, which tones do not raise."""
    floor = spectral_floor(y) if y.ndim == 2 else None
    if floor is None or np.log(sigma / floor.level) <= max(0.25, 5 * floor.error):
        return None
    text = (
        f"the noise level is {sigma / floor.level:.3g} times the floor of the spectrum, as with "
        f"tones; to use the floor, set --sigma {floor.level:.3g}"
    )
    return Finding("tones", text, np.nan)


def _tailed(parts: SmoothParts) -> Finding | None:
    ratio = tail_ratio(parts)
    if ratio == 0:
        return None
    remedy = "despiked[method=...]"
    text = (
        f"the noise is not Gaussian: its largest values are {ratio:.1f} times as large as those of "
        f"Gaussian noise: try {remedy}"
    )
    return Finding("tails", text, np.nan, remedy)
