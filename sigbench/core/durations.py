"""Conversion of durations between seconds and text."""

from __future__ import annotations

from sigbench.core.errors import InputError


def duration(seconds: float) -> str:
    """Return a duration as short text.

    Examples
    --------
    >>> duration(3.21), duration(42), duration(192), duration(9000)
    ('3.2 s', '42 s', '3.2 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def seconds(time: str | float, what: str = "timeout") -> float:
    """Convert a duration such as ``90``, ``"90s"``, ``"10m"`` or ``"2h"`` to seconds.

    Raises
    ------
    InputError
        For any other text; ``what`` names the parameter.

    Examples
    --------
    >>> seconds("10m")
    600.0
    """
    unit = {"s": 1, "m": 60, "h": 3600}.get(str(time)[-1:])
    try:
        return float(str(time)[:-1]) * unit if unit else float(time)
    except ValueError:
        raise InputError(f"{what} {time!r} must be a time like 90s, 10m or 2h") from None
