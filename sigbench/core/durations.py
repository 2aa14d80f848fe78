"""Conversion of durations between seconds and text."""

from __future__ import annotations

import math
import re

from sigbench.core.errors import InputError, shown

_TIME = re.compile(r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?)([smh]?)")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


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
    match = _TIME.fullmatch(str(time)) if isinstance(time, str | int | float) else None
    found = float(match[1]) * _UNITS[match[2]] if match else math.inf
    if not math.isfinite(found):
        raise InputError(f"{what} {shown(time)} must be a time like 90s, 10m or 2h")
    return found
