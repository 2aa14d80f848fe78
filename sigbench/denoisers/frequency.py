"""Recursive filters with a frequency as parameter: Butterworth low-pass and notch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.protocols import Array, Info, Sigma
from sigbench.core.validation import check_field, check_unused

LOWEST = 1e-7  # cycles per sample; below, the state of a filter is not computed reliably
Sections = NDArray[np.float64]  # second-order sections (n, 6)


@dataclass(frozen=True)
class Butterworth:
    """A Butterworth low-pass filter: maximally flat, without ripple.

    By default it runs forward and backward, so it has no delay, and the attenuation at the cutoff
    is 6 dB instead of 3 dB. With ``causal=True`` it runs forward only. It starts in the steady state
    of a constant signal.

    Parameters
    ----------
    cutoff : float, optional
        Cutoff frequency in cycles per sample, between 0 and 0.5. Set either this or ``cutoff_hz``.
    cutoff_hz : float, optional
        Cutoff frequency in Hz; it needs ``fs``.
    order : int
        Order of the filter, from 1 to 20.
    causal : bool
        Whether only the past is used.
    fs : float, optional
        Sampling rate in Hz, filled in where it is known.

    References
    ----------
    Butterworth, Experimental Wireless and the Wireless Engineer 7 (1930); Kormylo and Jain, IEEE
    Trans. Acoust. Speech Signal Process. 22 (1974): forward and backward filtering
    (scipy.signal.sosfiltfilt).

    Examples
    --------
    >>> import numpy as np
    >>> t = np.arange(400.0)
    >>> slow, fast = np.sin(2 * np.pi * 0.01 * t), np.sin(2 * np.pi * 0.3 * t)
    >>> x = Butterworth(cutoff=0.05)((slow + fast).reshape(1, 1, -1))
    >>> bool(np.abs(x - slow)[..., 50:-50].max() < 0.01)
    True
    """

    cutoff: float | None = None
    cutoff_hz: float | None = None
    order: int = 4
    causal: bool = False
    fs: float | None = None

    info: ClassVar[Info] = Info(
        "butterworth", "linear", "Butterworth 1930", domains=("signal", "speech")
    )

    def __post_init__(self) -> None:
        _check_frequency("cutoff", self.cutoff, self.cutoff_hz, self.fs)
        check_field("order", self.order, 1, below=21)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        from scipy.signal import butter  # loads scipy.stats

        check_unused(noisy, sigma)
        _check_signal("butterworth", noisy)
        cutoff = _cycles("cutoff", self.cutoff, self.cutoff_hz, self.fs)
        return _filtered(noisy, butter(self.order, cutoff, fs=1.0, output="sos"), self.causal)


@dataclass(frozen=True)
class Notch:
    """Remove one frequency and its harmonics, such as mains hum.

    Every harmonic below half the sampling rate has a second-order notch filter. By default the filter
    runs forward and backward, so it has no delay. With ``causal=True`` it runs forward only.

    Parameters
    ----------
    frequency : float, optional
        Frequency in cycles per sample, between 0 and 0.5. Set either this or ``frequency_hz``.
    frequency_hz : float, optional
        Frequency in Hz; it needs ``fs``.
    harmonics : int
        Number of multiples of the frequency that are removed, including the frequency itself.
    width : float
        Bandwidth at −3 dB of one pass, as a share of the frequency. It is the same for all harmonics.
    causal : bool
        Whether only the past is used.
    fs : float, optional
        Sampling rate in Hz, filled in where it is known.

    References
    ----------
    Orfanidis, Introduction to Signal Processing (1996), section 11.3 (scipy.signal.iirnotch).

    Examples
    --------
    >>> import numpy as np
    >>> hum = np.sin(2 * np.pi * 50 / 1000 * np.arange(4000.0)).reshape(1, 1, -1)
    >>> x = Notch(frequency_hz=50.0, fs=1000.0)(hum)
    >>> bool(np.abs(x[..., 1000:-1000]).max() < 1e-3)
    True
    """

    frequency: float | None = None
    frequency_hz: float | None = None
    harmonics: int = 1
    width: float = 0.04
    causal: bool = False
    fs: float | None = None

    info: ClassVar[Info] = Info(
        "notch", "linear", "Orfanidis 1996 (scipy.signal.iirnotch)", domains=("signal", "speech")
    )

    def __post_init__(self) -> None:
        _check_frequency("frequency", self.frequency, self.frequency_hz, self.fs)
        check_field("harmonics", self.harmonics, 1, below=1000)
        check_field("width", self.width, 1e-6, below=1)

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimate, shape and dtype of ``noisy``."""
        from scipy.signal import iirnotch, tf2sos  # loads scipy.stats

        check_unused(noisy, sigma)
        _check_signal("notch", noisy)
        base = _cycles("frequency", self.frequency, self.frequency_hz, self.fs)
        multiples = np.arange(1, self.harmonics + 1)
        bandwidth = base * self.width
        sections = [
            tf2sos(*iirnotch(base * k, base * k / bandwidth, fs=1.0))
            for k in multiples
            if base * k + bandwidth / 2 < 0.5
        ]
        if not sections:
            raise InputError(f"width={self.width:g} must be < {(0.5 - base) * 2 / base:g}")
        return _filtered(noisy, np.concatenate(sections), self.causal)


def _check_frequency(
    name: str, cycles: float | None, hertz: float | None, fs: float | None
) -> None:
    """Check that a frequency is set in exactly one unit, and is valid in it."""
    if (cycles is None) == (hertz is None):
        raise InputError(f"set one of {name} and {name}_hz (got {cycles} and {hertz})")
    if cycles is not None and not 0 < cycles < 0.5:
        raise InputError(f"{name}={cycles:g} must be > 0 and < 0.5 (cycles per sample)")
    if hertz is not None and not hertz > 0:
        raise InputError(f"{name}_hz={hertz:g} must be > 0")
    check_field("fs", fs, 1e-9)
    if cycles is not None or fs is not None:  # otherwise it may be bound later
        _cycles(name, cycles, hertz, fs)


def _cycles(name: str, cycles: float | None, hertz: float | None, fs: float | None) -> float:
    """Return a frequency in cycles per sample."""
    if cycles is not None:
        return _not_too_low(name, cycles)
    assert hertz is not None
    if fs is None:
        raise InputError(
            f"{name}_hz={hertz:g} needs the sampling rate, which is not known: set fs= or {name}="
        )
    if not hertz < fs / 2:
        raise InputError(f"{name}_hz={hertz:g} must be < {fs / 2:g}, half the sampling rate")
    return _not_too_low(name, hertz / fs)


def _not_too_low(name: str, cycles: float) -> float:
    if cycles < LOWEST:
        raise InputError(f"{name}={cycles:g} cycles per sample must be >= {LOWEST:g}")
    return cycles


def _check_signal(name: str, noisy: Array) -> None:
    if noisy.ndim != 3:
        raise InputError(f"{name} is for signals (N, C, L): noisy has shape {noisy.shape}")


def _filtered(noisy: Array, sections: Sections, causal: bool) -> Array:
    """Filter along the last axis: forward, or forward and backward with an odd extension."""
    from scipy.signal import sosfilt, sosfiltfilt  # loads scipy.stats

    # The gain at frequency 0 is 1, so without the first value the steady state is zero.
    first = noisy[..., :1].astype(np.float64)
    y = noisy - first
    if causal:
        out = sosfilt(sections, y)
    else:
        longest = 3 * (2 * len(sections) + 1)  # SciPy's extension; a short signal has a shorter one
        out = sosfiltfilt(sections, y, padlen=min(longest, y.shape[-1] - 1))
    return np.asarray(out + first, dtype=noisy.dtype)
