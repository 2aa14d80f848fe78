"""What a call of `sigbench denoise` asks for."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field, fields

from sigbench.core.errors import InputError
from sigbench.core.media.options import TableOptions


@dataclass(frozen=True)
class Request:
    """The arguments of a call.

    Attributes
    ----------
    sources : tuple of str
        Files and folders; ``-`` is standard input.
    out : str
        A file, a folder, or ``-`` for standard output.
    method : str
        The spec of a denoiser, or ``auto``.
    sigma : float or str, optional
        The noise level in the units of the file, or ``auto``.
    noise : str, optional
        The spec of a noise estimator, whose model the method is given in place of the noise level.
    plot : str, optional
        The file of the figure, or the folder of the figures.
    force : bool
        Whether to replace existing outputs.
    table : TableOptions
        How tables are read.
    """

    sources: tuple[str, ...]
    out: str
    method: str
    sigma: float | str | None = None
    noise: str | None = None
    plot: str | None = None
    force: bool = False
    table: TableOptions = field(default_factory=TableOptions)

    @property
    def table_options(self) -> list[str]:
        """The options for tables that are set, as typed."""
        default = TableOptions()
        names = [one.name for one in fields(TableOptions)]
        return [f"--{n}" for n in names if getattr(self.table, n) != getattr(default, n)]


def table_options(
    columns: str | None, axis: str | None, delimiter: str | None, fill: bool
) -> TableOptions:
    """Return the options for tables from what was typed.

    Parameters
    ----------
    columns : str, optional
        Names or numbers, separated by commas; a name with a comma is in double quotes.
    axis, delimiter : str, optional
        As in `TableOptions`.
    fill : bool
        Whether to fill missing samples.

    Examples
    --------
    >>> table_options('x,"a, b"', None, "tab", False)
    TableOptions(columns=('x', 'a, b'), axis=None, delimiter='tab', fill=False)
    """
    names = None
    if columns is not None:
        names = tuple(name.strip() for name in next(csv.reader([columns]), []))
        if not all(names) or not names:
            raise InputError(f"--columns {columns} must be names or numbers, such as x,y or 2,3")
    if delimiter is not None and len(delimiter) != 1 and delimiter not in ("tab", "space"):
        raise InputError(f"--delimiter {delimiter} must be one character, tab or space")
    return TableOptions(names, axis, delimiter, fill)
