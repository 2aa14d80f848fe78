"""Learning-rate schedules: the factor of the learning rate as a function of the epoch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from sigbench.core.validation import check_field

ROUNDING = 1e-9  # tolerance for epochs computed as quotients of steps


class Schedule(Protocol):
    """A frozen dataclass of its settings."""

    def __call__(self, epoch: float, epochs: float) -> float:
        """Return the factor at a (fractional) epoch of a training of ``epochs`` epochs."""
        ...


@dataclass(frozen=True)
class Constant:
    """A constant factor of 1.

    Examples
    --------
    >>> Constant()(3, 10)
    1.0
    """

    def __call__(self, epoch: float, epochs: float) -> float:
        """Return 1."""
        return 1.0


@dataclass(frozen=True)
class Cosine:
    """floor + (1 − floor)·(1 + cos(π·t/period))/2, t epochs after the latest restart.

    Parameters
    ----------
    period : float, optional
        Epochs in which the factor falls from 1 to ``floor``; by default the whole training.
    floor : float
        The factor at the end of a period.
    restarts : bool
        Whether the factor jumps back to 1 after each period, as in Loshchilov and Hutter;
        otherwise it rises along the cosine.
    growth : float
        Ratio of the lengths of consecutive periods; used only with ``restarts``.

    References
    ----------
    Loshchilov and Hutter, ICLR 2017, eq. 5.

    Examples
    --------
    >>> [round(Cosine(period=2)(t, 4), 3) for t in (0, 1, 2, 3)]
    [1.0, 0.5, 1.0, 0.5]
    """

    period: float | None = None
    floor: float = 0.0
    restarts: bool = True
    growth: float = 1.0

    def __post_init__(self) -> None:
        check_field("period", self.period, 1e-9)
        check_field("floor", self.floor, 0, below=1)
        check_field("growth", self.growth, 1)

    def __call__(self, epoch: float, epochs: float) -> float:
        """Return the factor at an epoch."""
        t, period = epoch, self.period or epochs
        if self.restarts:
            start, period = self._latest_period(t / period, period)
            t = max(t - start, 0.0)
        return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * t / period)) / 2

    def _latest_period(self, periods: float, period: float) -> tuple[float, float]:
        """Return start and length of the current period; ``periods`` is time in first periods."""
        if self.growth == 1:
            return math.floor(periods + ROUNDING) * period, period
        # k periods take period·(growthᵏ − 1)/(growth − 1).
        k = math.floor(math.log1p(periods * (self.growth - 1)) / math.log(self.growth) + ROUNDING)
        return period * (self.growth**k - 1) / (self.growth - 1), period * self.growth**k


@dataclass(frozen=True)
class Step:
    """factorᵏ after k·every epochs, with 0 <= factor < 1.

    Examples
    --------
    >>> [round(Step(every=10, factor=0.1)(t, 30), 3) for t in (0, 9, 10, 20)]
    [1.0, 1.0, 0.1, 0.01]
    """

    every: float
    factor: float = 0.1

    def __post_init__(self) -> None:
        check_field("every", self.every, 1e-9)
        check_field("factor", self.factor, 0, below=1)

    def __call__(self, epoch: float, epochs: float) -> float:
        """Return the factor at an epoch."""
        return self.factor ** math.floor(epoch / self.every + ROUNDING)


SCHEDULES = {"constant": Constant, "cosine": Cosine, "step": Step}
