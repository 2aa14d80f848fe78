"""The rows of a table of scores as text: delimiter, header, numbered lines."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sigbench.core.errors import InputError, shown, unknown
from sigbench.core.media.table import NUMBER
from sigbench.core.parsing import read_text

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space"}
MAX_BYTES = 2**26
MAX_METHODS = 500  # they have 124,750 pairs
MAX_NAME = 200  # characters of a method or dataset
MAX_WORK = 2**32  # pairs of methods × items: some minutes
PAIR_WORK = 1000  # a test of a pair takes as long as this many items

_COMMA = re.compile(r"\s*[+-]?[0-9]+,[0-9]+\s*", re.A)


@dataclass(frozen=True)
class Cells:
    """A table of text.

    Attributes
    ----------
    path : Path
        The file, for messages.
    delimiter : str
        The character between cells.
    header : tuple of str
        The names of the columns; columns without a name are called ``column 1``, ...
    rows : list of list of str
        The cells of each row, stripped of white space.
    lines : list of int
        The number of the line of each row.
    """

    path: Path
    delimiter: str
    header: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]

    def column(self, name: str) -> list[str]:
        """Return the cells of a column."""
        i = self.header.index(name)
        return [row[i] for row in self.rows]

    def require(self, name: str) -> str:
        """Return the name of a column as the header has it; upper and lower case are equal.

        Raises
        ------
        InputError
            If there is no such column.
        """
        if name in self.header:
            return name
        same = [own for own in self.header if own.casefold() == name.casefold()]
        if len(same) != 1:
            raise unknown(f"column of {self.path}", name, self.header)
        return same[0]

    def number(self, row: int, name: str) -> float:
        """Return a cell as a number.

        Raises
        ------
        InputError
            If it is not a number, NaN or infinite; the message contains the line and the column.
        """
        cell = self.rows[row][self.header.index(name)]
        if NUMBER.fullmatch(cell):
            value = float(cell)
            if abs(value) < float("inf"):
                return value
        where = f"{self.path}, line {self.lines[row]}, column {shown(name)}"
        if not cell:
            raise InputError(f"{where} is empty: every row of a long table needs a number")
        if _COMMA.fullmatch(cell):
            raise InputError(f"{where}: {shown(cell)} is not a number: use a decimal point")
        hint = "a finite number"
        if cell.casefold() in ("-", "n/a", "n.a.", "na", "nan", "none", "null", "?", "--"):
            hint += (
                "; leave out what was not computed (a long table: the row; a wide one: the cell)"
            )
        raise InputError(f"{where}: {shown(cell)} must be {hint}")

    def is_numeric(self, name: str) -> bool:
        """Return whether any cell of a column is a number."""
        return any(NUMBER.fullmatch(cell) for cell in self.column(name))


def read_cells(path: Path) -> Cells:
    """Read a CSV or TSV file with a header.

    The delimiter is the one that occurs most often in the header: comma, semicolon, tab or bar, or
    else the space. As in files of R, the header may lack the name of the first column.

    Parameters
    ----------
    path : Path
        The file, in UTF-8, with or without a byte order mark.

    Raises
    ------
    InputError
        If the file cannot be read, is empty, or a line has another number of cells.
    """
    text = read_text(path, MAX_BYTES).removeprefix("\ufeff")
    first = next((line for line in text.splitlines() if line.strip()), "")
    counts = {mark: first.count(mark) for mark in DELIMITERS if mark != " "}
    delimiter = max(counts, key=lambda mark: counts[mark])
    if not counts[delimiter]:
        delimiter = " "
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    table: list[tuple[int, list[str]]] = []
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                table.append((reader.line_num, cells))
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num} cannot be read: {error}") from None
    if len(table) < 2:
        count = f"{len(table)} line{'s' * (len(table) != 1)}"
        raise InputError(f"{path} has {count}: it must have a header and rows of scores")
    header = table[0][1]
    body = table[1:]
    if all(len(row) == len(header) + 1 for _, row in body):
        header = ["", *header]
    for number, row in body:
        if len(row) != len(header):
            hint = " (decimal commas? use decimal points)" if delimiter == "," else ""
            raise InputError(
                f"{path}, line {number}: {len(row)} cells instead of {len(header)}{hint}"
            )
    names = tuple(name or f"column {i}" for i, name in enumerate(header, 1))
    _check_distinct(path, "column", names)
    return Cells(path, delimiter, names, [row for _, row in body], [line for line, _ in body])


def _check_distinct(path: Path, kind: str, names: Sequence[str]) -> None:
    seen = set()
    for name in names:
        if name in seen:
            raise InputError(f"{path}: the {kind} {shown(name)} occurs twice: names must differ")
        seen.add(name)
