"""Blur kernels: impulse responses for circular convolution with items of any shape."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.validation import check_field

Taps = NDArray[np.float64]


class Kernel(Protocol):
    """An impulse response for items of any shape."""

    def taps(self, space: tuple[int, ...]) -> Taps:
        """Return the response as an array of shape ``space``; it starts at lag 0 and sums to 1."""
        ...


MIN_WIDTH = 1e-3  # in samples; a narrower kernel is an impulse


def _outer(factors: list[Taps]) -> Taps:
    product: Taps = functools.reduce(np.multiply.outer, factors)
    return product / product.sum()


@dataclass(frozen=True)
class GaussianKernel:
    """A Gaussian centered at lag 0, along every axis.

    Examples
    --------
    >>> GaussianKernel(1.0).taps((5,)).round(2)
    array([0.4 , 0.24, 0.05, 0.05, 0.24])
    """

    width: float = 1.0

    def __post_init__(self) -> None:
        check_field("width", self.width, MIN_WIDTH)

    def taps(self, space: tuple[int, ...]) -> Taps:
        """Return the response; ``width`` is the standard deviation in samples."""
        return _outer([np.exp(-0.5 * (_lags(n) / self.width) ** 2) for n in space])


@dataclass(frozen=True)
class Box:
    """A moving average over an odd number of samples, ``width``, along every axis.

    Its spectrum has zeros.

    Examples
    --------
    >>> Box(3).taps((4,)).round(2)
    array([0.33, 0.33, 0.  , 0.33])
    """

    width: int = 5

    def __post_init__(self) -> None:
        if self.width < 1 or self.width % 2 == 0:
            raise InputError(f"width={self.width} must be odd and >= 1")

    def taps(self, space: tuple[int, ...]) -> Taps:
        """Return the response."""
        return _outer([(np.abs(_lags(n)) <= self.width // 2).astype(float) for n in space])


@dataclass(frozen=True)
class Exponential:
    """A causal decay exp(−k/decay) for signals: the response of a sensor with a time constant.

    Examples
    --------
    >>> Exponential(1.0).taps((4,)).round(2)
    array([0.64, 0.24, 0.09, 0.03])
    """

    decay: float = 5.0

    def __post_init__(self) -> None:
        check_field("decay", self.decay, MIN_WIDTH)

    def taps(self, space: tuple[int, ...]) -> Taps:
        """Return the response; ``decay`` is in samples."""
        (n,) = _signal(space)
        return _outer([np.exp(-np.arange(n) / self.decay)])


@dataclass(frozen=True)
class Resonance:
    """A causal damped oscillation exp(−k/decay)·cos(2πk/period) for signals.

    Examples
    --------
    >>> Resonance(period=4.0, decay=4.0).taps((4,)).round(2)
    array([ 2.54,  0.  , -1.54, -0.  ])
    """

    period: float = 8.0
    decay: float = 6.0

    def __post_init__(self) -> None:
        check_field("period", self.period, MIN_WIDTH)
        check_field("decay", self.decay, MIN_WIDTH)

    def taps(self, space: tuple[int, ...]) -> Taps:
        """Return the response; ``period`` and ``decay`` are in samples."""
        (n,) = _signal(space)
        k = np.arange(n)
        taps = np.exp(-k / self.decay) * np.cos(2 * np.pi * k / self.period)
        if abs(taps.sum()) < 1e-3 * np.abs(taps).sum():
            raise InputError(
                f"period={self.period:g}, decay={self.decay:g}: the {n} taps sum to almost 0 and "
                "cannot be normalized"
            )
        return _outer([taps])


def _lags(n: int) -> Taps:
    lags: Taps = np.fft.fftfreq(n, 1 / n).astype(np.float64)
    return lags


def _signal(space: tuple[int, ...]) -> tuple[int, ...]:
    if len(space) != 1:
        raise InputError(f"a causal kernel needs signals (one axis), not items of shape {space}")
    return space


KERNELS = {
    "gaussian": GaussianKernel,
    "box": Box,
    "exponential": Exponential,
    "resonance": Resonance,
}
