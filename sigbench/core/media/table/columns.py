"""The columns of a table: their kinds, values and styles."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.media.table.dialect import Dialect
from sigbench.core.media.table.lines import Block, blocks
from sigbench.core.media.table.numbers import PADDING, values_of
from sigbench.core.media.table.style import Style, merged, style_of

MAX_SHOWN = 40  # characters of a cell in an error


@dataclass(frozen=True)
class Body:
    """The rows of a table, as text.

    Attributes
    ----------
    raw : bytes
        The whole text.
    start, line : int
        Where the rows begin: the position, and the number of lines before it.
    dialect : Dialect
        How the table is written.
    name : str
        Name of the file, for errors.
    decode : callable
        Returns a cell as text.
    """

    raw: bytes
    start: int
    line: int
    dialect: Dialect
    name: str
    decode: Callable[[bytes], str]

    def blocks(self) -> Iterator[Block]:
        """Yield the rows, many at once."""
        dialect = self.dialect
        return blocks(self.raw, self.start, self.line, dialect.splitter, dialect.width, self.name)

    def column(self, k: int) -> list[bytes]:
        """Return the cells of a column."""
        return [cell for block in self.blocks() for cell in block.cells[k :: self.dialect.width]]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    name : str
        Its name without unit; may be empty.
    label : str
        How it is called in messages.
    unit : str
        Its unit; may be empty.
    kind : str
        ``N`` numbers, ``S`` time stamps, ``T`` text or ``M`` without a value.
    values : array, shape (L,)
        Its numbers, NaN where one is missing; empty for columns of other kinds.
    style : Style or None
        How its numbers are written.
    width : int or None
        Number of characters of every cell with white space, if that is constant and cells are padded.
    """

    name: str
    label: str
    unit: str
    kind: str
    values: NDArray[np.float64]
    style: Style | None
    width: int | None

    @property
    def present(self) -> NDArray[np.float64]:
        """The values that are not missing."""
        return self.values[~np.isnan(self.values)]

    @property
    def resolution(self) -> float:
        """The smallest difference of values that the column can express near its largest value."""
        if self.style is None or self.style.exponents == "none":
            return 0.0 if self.style is None else self.style.step
        largest = float(np.abs(self.present).max(initial=0.0))
        digits = self.style.digits if self.style.exponents == "some" else self.style.high + 1
        return 10.0 ** (np.floor(np.log10(largest)) - digits + 1) if 0 < largest < np.inf else 0.0


@dataclass(frozen=True)
class Scan:
    """The numbers of a column: values, style and the width of padded cells."""

    values: NDArray[np.float64]
    style: Style | None
    width: int | None


def scan(body: Body, columns: Sequence[int], required: Container[int]) -> dict[int, Scan]:
    """Read the numbers of columns; those that are not required are left out if they have other cells.

    Raises
    ------
    InputError
        If a cell of a required column is not a number; the message contains the number of the line.
    """
    parts: dict[int, list[NDArray[np.float64]]] = {k: [] for k in columns}
    styles: dict[int, Style | None] = dict.fromkeys(columns)
    widths: dict[int, set[int]] = {k: set() for k in columns}
    padded: dict[int, bool] = dict.fromkeys(columns, False)
    form, count = body.dialect.form, body.dialect.width
    for block in body.blocks():
        for k in list(parts):
            cells = block.cells[k::count]
            values, wrong = values_of(cells, form)
            if len(wrong) and k not in required:
                parts.pop(k)
                continue
            if len(wrong):
                raise not_a_number(body, block.lines[int(wrong[0])], cells[int(wrong[0])])
            parts[k].append(values)
            styles[k] = merged(styles[k], style_of(cells, form))
            if len(widths[k]) < 2:
                widths[k] |= set(map(len, cells))
                padded[k] |= any(cell != cell.strip(b" \t") for cell in cells[:100])
    return {
        k: Scan(
            np.concatenate(parts[k]) if parts[k] else np.zeros(0),
            styles[k],
            min(widths[k]) if len(widths[k]) == 1 and padded[k] else None,
        )
        for k in parts
    }


def not_a_number(body: Body, line: int, cell: bytes) -> InputError:
    """Return the error for a cell in a column of numbers."""
    core = body.decode(cell.strip(PADDING))
    shown = repr(core[:MAX_SHOWN]) + ("..." if len(core) > MAX_SHOWN else "")
    hint = "; --columns names the columns to denoise" if body.dialect.width > 1 else ""
    return InputError(f"{body.name}, line {line}: {shown} is not a number{hint}")
