"""Tables of numbers as text."""

from __future__ import annotations

import csv
import io
import re
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sigbench.core.errors import InputError
from sigbench.core.media.content import Content
from sigbench.core.protocols import Array

# float() also accepts 1_0 and digits of other scripts. What is not finite is refused later.
NUMBER = re.compile(
    r"[ \t]*[+-]?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?|nan|inf|infinity)[ \t]*",
    re.I | re.A,
)
MAX_SHOWN = 40  # characters of a cell in an error


def read_table(path: Path) -> Content:
    """Read a table of numbers, as UTF-8 text; the delimiter is that of the last line.

    Raises
    ------
    InputError
        If a cell is not a number or a line has another number of cells; the message contains the
        number of the line.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} cannot be read as text in UTF-8: {error.reason}") from None
    if "\0" in text:
        raise InputError(f"{path} cannot be read as text in UTF-8: it contains zero bytes")
    last = re.split(r"[\r\n]", text.rstrip())[-1]
    delimiter = next((mark for mark in ",;\t " if mark in last), ",")
    rows = _rows(path, text, delimiter)
    header: list[str] = []
    values, firsts, columns = array("d"), list[str](), 0
    for number, line, row in rows:
        wrong = next((cell for cell in row if not NUMBER.fullmatch(cell)), None)
        if wrong is not None and not firsts and not header:
            header = [line]
            continue
        columns = columns or len(row)
        if len(row) != columns:
            raise InputError(f"{path}, line {number}: {len(row)} cells instead of {columns}")
        if wrong is not None:
            shown = repr(wrong[:MAX_SHOWN]) + ("..." if len(wrong) > MAX_SHOWN else "")
            raise InputError(f"{path}, line {number}: {shown} is not a number")
        values.extend(map(float, row))
        firsts.append(row[0])
    if not firsts:
        raise InputError(f"{path} is empty: it contains no samples")
    table = np.array(values).reshape(len(firsts), columns).T
    n_axis = int(columns > 1 and len(firsts) > 2 and _is_monotonic(table[0]))
    end = "\r\n" if "\r\n" in text else "\n"

    def encode(estimate: Array, suffix: str) -> bytes:
        out = list(header)
        for first, new in zip(firsts, estimate[:, 0].T, strict=True):
            axis = [first] * n_axis
            out.append(delimiter.join([*axis, *(repr(float(value)) for value in new)]))
        return (end.join(out) + end).encode()

    batch = np.ascontiguousarray(table[n_axis:, None])
    return Content(batch, "signal", None, None, encode)


def _rows(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, str, list[str]]]:
    """Yield the number, text and cells of each line that is not blank."""
    # Lines end with \n, \r\n or \r. Each is parsed on its own: no cell may contain a line break.
    for number, line in enumerate(io.StringIO(text, newline=None), 1):
        line = line.removesuffix("\n")
        if not line.strip():
            continue
        if '"' not in line:
            yield number, line, line.split(delimiter)
            continue
        try:
            yield number, line, next(csv.reader([line], delimiter=delimiter, strict=True))
        except csv.Error as error:
            raise InputError(f"{path}, line {number} cannot be read: {error}") from None


def _is_monotonic(column: NDArray[np.float64]) -> bool:
    """Return whether a column only increases or only decreases, as a time axis does."""
    step = np.diff(column)
    return bool((step > 0).all() or (step < 0).all())
