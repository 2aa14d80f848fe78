"""Options for reading a table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TableOptions:
    """Choices for reading a table; None means that it is guessed from the file.

    Attributes
    ----------
    columns : tuple of str, optional
        Names or numbers (from 1) of the columns to denoise.
    axis : str, optional
        Name or number of the column that is the axis, or ``"none"``.
    delimiter : str, optional
        The delimiter: one character, or ``"tab"``, ``"space"``.
    fill : bool
        Whether missing samples are filled in the output.
    """

    columns: tuple[str, ...] | None = None
    axis: str | None = None
    delimiter: str | None = None
    fill: bool = False
