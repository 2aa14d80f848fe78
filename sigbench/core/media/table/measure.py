"""The axis of a table: which column it is, and where it says that the samples are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.media.table.axis import (
    SECONDS,
    Axis,
    epoch_unit,
    find_axis,
    is_time_name,
    unit_of,
)
from sigbench.core.media.table.columns import Body, Column
from sigbench.core.media.table.numbers import PADDING
from sigbench.core.media.table.spacing import UNORDERED, Spacing, spacing_of
from sigbench.core.media.table.stamps import PATTERNS, compact_dates, parse_stamps

EXACT = 2.0**53  # larger integers are not exact as float64
MAX_DIGITS = 18  # of an integer of 64 bits


def axis_of(
    columns: Sequence[Column],
    body: Body,
    option: int | str | None,
    chosen: Sequence[int] | None,
) -> Axis | None:
    """Return the axis of a table, or None.

    Parameters
    ----------
    columns : sequence of Column
        The columns.
    body : Body
        The rows.
    option : int, "none" or None
        The column that is the axis; None if it is to be guessed.
    chosen : sequence of int, optional
        The columns that are to be denoised.

    Raises
    ------
    InputError
        If the column that is to be the axis has no numbers or dates.
    """
    if option == "none":
        return None

    def spacing(k: int) -> Spacing:
        return spacing_of(columns[k].values, columns[k].resolution)

    if isinstance(option, int):
        column = option
    else:
        found = find_axis(columns, chosen or (), spacing)
        if found is None:
            return None
        column = found
    if columns[column].kind == "S":
        return _stamped(columns, column, body)
    if columns[column].kind != "N":
        raise InputError(f"axis={columns[column].label} has neither numbers nor dates")
    return _numbered(columns[column], column, body)


def _stamped(columns: Sequence[Column], k: int, body: Body) -> Axis:
    """Return an axis of dates; if the next column has times of day, of both."""
    cells = body.column(k)
    clocks, label = None, columns[k].label
    used: tuple[int, ...] = (k,)
    following = k + 1 < len(columns) and columns[k + 1].kind == "S"
    if following and not PATTERNS[2].fullmatch(cells[0].strip(PADDING)):
        times = body.column(k + 1)
        if PATTERNS[2].fullmatch(times[0].strip(PADDING)) and b":" not in cells[0]:
            clocks, label, used = times, f"{label} and {columns[k + 1].label}", (k, k + 1)
    stamps = parse_stamps(cells, clocks)
    if stamps is None:
        return Axis(used, label, "", True, None, np.zeros(len(cells)), UNORDERED)
    seconds = stamps.ns / 1e9
    return Axis(used, label, "", True, 1.0, seconds, spacing_of(seconds, stamps.resolution))


def _numbered(column: Column, k: int, body: Body) -> Axis:
    values, resolution = column.values, column.resolution
    is_time = is_time_name(column.name)
    unit = column.unit
    if np.isfinite(values).all() and len(values):
        if not unit and is_time:
            unit = unit_of(column.name, "") or epoch_unit(values[0], values[-1])
        if np.abs(values).max() >= EXACT:
            values = _exact(body.column(k))
    elif is_time:
        unit = unit_of(column.name, unit)
    if is_time and not column.unit and (dates := compact_dates(values)) is not None:
        found = spacing_of(dates.ns / 1e9, dates.resolution)
        return Axis((k,), column.label, "", True, 1.0, dates.ns / 1e9, found)
    seconds = SECONDS.get(unit.strip().lower()) if is_time or unit in ("s", "ms") else None
    if not np.isfinite(values).all():
        return Axis((k,), column.label, unit, is_time, seconds, values, UNORDERED)
    scale = seconds or 1.0
    if seconds:
        values = values - values[0]
    found = spacing_of(values * scale, resolution * scale)
    return Axis((k,), column.label, unit, is_time, seconds, values * scale, found)


def _exact(cells: Sequence[bytes]) -> NDArray[np.float64]:
    """Return large integers, relative to the first."""
    texts = [cell.strip(PADDING) for cell in cells]
    if not all(text.isdigit() and len(text) <= MAX_DIGITS + 1 for text in texts):
        return np.array([float(text) for text in texts])
    numbers = list(map(int, texts))
    return np.array([float(number - numbers[0]) for number in numbers])
