"""Shapes of the power spectrum of colored noise, as functions of the frequency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError

Powers = NDArray[np.float64]

LOWEST = 1e-3  # cycles per sample; 1/f would be infinite at 0


class Spectrum(Protocol):
    """The shape of a power spectrum; a frozen dataclass of its parameters."""

    @property
    def kind(self) -> str:
        """Name of the kind, part of the name of the random stream."""
        ...

    @property
    def version(self) -> int | str:
        """Version of the shape: it changes whenever the noise changes."""
        ...

    def density(self, frequency: Powers) -> Powers:
        """Return the power at frequencies from 0 to 0.5 cycles per sample, up to a factor."""
        ...


@dataclass(frozen=True)
class PinkSpectrum:
    """Power proportional to 1/f, constant below 0.001 cycles per sample.

    Examples
    --------
    >>> PinkSpectrum().density(np.array([0.1, 0.2, 0.4]))
    array([10. ,  5. ,  2.5])
    """

    kind: ClassVar[str] = "pink"
    version: ClassVar[int] = 1

    def density(self, frequency: Powers) -> Powers:
        """Return the power at the given frequencies, up to a factor."""
        return 1 / np.maximum(frequency, LOWEST)


@dataclass(frozen=True)
class BrownSpectrum:
    """Power proportional to 1/f², constant below 0.001 cycles per sample.

    Examples
    --------
    >>> BrownSpectrum().density(np.array([0.1, 0.2]))
    array([100.,  25.])
    """

    kind: ClassVar[str] = "brown"
    version: ClassVar[int] = 1

    def density(self, frequency: Powers) -> Powers:
        """Return the power at the given frequencies, up to a factor."""
        return 1 / np.maximum(frequency, LOWEST) ** 2


def _check_coefficient(value: float) -> None:
    if not -1 < value < 1:
        raise InputError(f"coefficient={value:g} must be > -1 and < 1")


@dataclass(frozen=True)
class MovingAverageSpectrum:
    """A first-order moving average, n[t] = e[t] + c·e[t−1] with white e.

    Parameters
    ----------
    coefficient : float
        c: positive for noise of low, negative for noise of high frequencies.

    Examples
    --------
    >>> MovingAverageSpectrum(0.5).density(np.array([0.0, 0.25, 0.5])).round(2)
    array([2.25, 1.25, 0.25])
    """

    coefficient: float = 0.9

    kind: ClassVar[str] = "ma"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        _check_coefficient(self.coefficient)

    def density(self, frequency: Powers) -> Powers:
        """Return the power at the given frequencies, up to a factor."""
        return np.abs(1 + self.coefficient * np.exp(-2j * np.pi * frequency)) ** 2


@dataclass(frozen=True)
class AutoregressiveSpectrum:
    """A first-order autoregressive process, n[t] = a·n[t−1] + e[t] with white e.

    Parameters
    ----------
    coefficient : float
        a: positive for noise of low, negative for noise of high frequencies.

    Examples
    --------
    >>> AutoregressiveSpectrum(0.5).density(np.array([0.0, 0.25, 0.5])).round(2)
    array([4.  , 0.8 , 0.44])
    """

    coefficient: float = 0.9

    kind: ClassVar[str] = "ar"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        _check_coefficient(self.coefficient)

    def density(self, frequency: Powers) -> Powers:
        """Return the power at the given frequencies, up to a factor."""
        return 1 / np.abs(1 - self.coefficient * np.exp(-2j * np.pi * frequency)) ** 2


SPECTRA = {
    "pink": PinkSpectrum,
    "brown": BrownSpectrum,
    "ma": MovingAverageSpectrum,
    "ar": AutoregressiveSpectrum,
}
