"""Lines and cells: a table is taken apart so that the parts together are its bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sigbench.core.errors import InputError

BLOCK = 2**20  # bytes that are taken apart at once
COMMENTS = (b"#", b"%", b"//")
_BEFORE = re.compile(rb'[ \t]*+(?:"[^"]*+"|[^ \t"])++(?:[ \t]++$)?+')
_AFTER = re.compile(rb'^[ \t]*+(?:"[^"]*+"|[^ \t"])++[ \t]*+|(?:"[^"]*+"|[^ \t"])++[ \t]*+')


def is_comment(line: bytes) -> bool:
    """Return whether a line is blank or a comment."""
    core = line.strip(b" \t\r\n")
    return not core or (core.startswith(COMMENTS) and not core.startswith((b"#N/A", b"#NUM")))


@dataclass(frozen=True)
class Splitter:
    """How a line is divided into cells.

    Attributes
    ----------
    delimiter : bytes
        One byte; a space stands for any number of spaces and tabs.
    left : bool
        Whether the cells are aligned at the left, so that white space belongs to the cell before it.
    """

    delimiter: bytes
    left: bool = False

    @property
    def white(self) -> bool:
        """Whether cells are separated by white space of any length."""
        return self.delimiter == b" "

    @property
    def joiner(self) -> bytes:
        """What is between the cells of `split`."""
        return b"" if self.white else self.delimiter

    def split(self, line: bytes) -> list[bytes]:
        """Return the cells of a line without its end; joined, they are the line.

        Examples
        --------
        >>> Splitter(b",").split(b'1,"2,3"'), Splitter(b" ").split(b" 1  2 ")
        ([b'1', b'"2,3"'], [b' 1', b'  2 '])
        """
        if self.white:
            if line.count(b'"') % 2 or not line.strip(b" \t"):
                return [line]
            return (_AFTER if self.left else _BEFORE).findall(line)
        parts = line.split(self.delimiter)
        if b'"' not in line:
            return parts
        cells, waiting, is_open = [], [], False
        for part in parts:
            waiting.append(part)
            is_open ^= part.count(b'"') % 2 == 1
            if not is_open:
                cells.append(self.delimiter.join(waiting))
                waiting = []
        return [*cells, self.delimiter.join(waiting)] if waiting else cells


def chunks(raw: bytes, start: int) -> Iterator[bytes]:
    """Yield consecutive parts of a text that end with the end of a line."""
    while start < len(raw):
        stop = start + BLOCK
        if stop < len(raw):
            found = max(raw.rfind(b"\n", start, stop), raw.rfind(b"\r", start, stop - 1)) + 1
            stop = found or raw.find(b"\n", stop) + 1 or len(raw)
        yield raw[start:stop]
        start = stop


def lines_of(raw: bytes, start: int = 0) -> Iterator[bytes]:
    r"""Yield the lines of a text with their ends: ``\n``, ``\r\n`` or ``\r``."""
    for chunk in chunks(raw, start):
        yield from chunk.splitlines(keepends=True)


@dataclass(frozen=True)
class Block:
    """Consecutive rows of a table.

    Attributes
    ----------
    cells : list of bytes
        All cells, row by row.
    before : bytes
        Comments and blank lines before the first row.
    after : list of bytes
        What follows each row: the end of its line, then comments and blank lines.
    lines : sequence of int
        The number of the line of each row, from 1.
    """

    cells: list[bytes]
    before: bytes
    after: list[bytes]
    lines: Sequence[int]


def blocks(
    raw: bytes, start: int, line: int, splitter: Splitter, width: int, name: str
) -> Iterator[Block]:
    """Take the rows of a table apart.

    Parameters
    ----------
    raw : bytes
        The text.
    start, line : int
        Where the rows begin: the position, and the number of lines before it.
    splitter : Splitter
        How a line is divided.
    width : int
        Number of columns.
    name : str
        Name of the file, for errors.

    Raises
    ------
    InputError
        If a row has another number of cells, or a quote that is not closed; with the line.
    """
    for chunk in chunks(raw, start):
        block = _regular(chunk, line, splitter, width) or _any(chunk, line, splitter, width, name)
        line += _count(chunk)
        yield block


def _count(chunk: bytes) -> int:
    return len(chunk.splitlines())


def _regular(chunk: bytes, line: int, splitter: Splitter, width: int) -> Block | None:
    """Take a chunk apart that has rows only, without quotes; None if it has something else."""
    if splitter.white or any(mark in chunk for mark in (b'"', *COMMENTS)):
        return None
    mark = splitter.delimiter
    rows = chunk.splitlines()
    if any(row.count(mark) != width - 1 for row in rows):
        return None
    if not all(row.strip() for row in rows):  # a blank line, or one that has only delimiters
        return None
    ends = [whole[len(row) :] for whole, row in zip(chunk.splitlines(True), rows, strict=True)]
    cells = rows if width == 1 else mark.join(rows).split(mark)
    return Block(cells, b"", ends, range(line + 1, line + 1 + len(rows)))


def _any(chunk: bytes, line: int, splitter: Splitter, width: int, name: str) -> Block:
    cells: list[bytes] = []
    before: list[bytes] = []
    after: list[list[bytes]] = []
    numbers = []
    for number, whole in enumerate(chunk.splitlines(True), line + 1):
        row = whole.rstrip(b"\r\n")
        has_cells = not row.strip() and row.count(b"\t") == width - 1 > 0
        if is_comment(row) and not (has_cells and splitter.delimiter == b"\t"):
            (after[-1] if after else before).append(whole)
            continue
        if row.count(b'"') % 2:
            raise InputError(f"{name}, line {number} cannot be read: a quote is not closed")
        found = splitter.split(row)
        if len(found) != width:
            raise InputError(f"{name}, line {number}: {len(found)} cells instead of {width}")
        cells += found
        after.append([whole[len(row) :]])
        numbers.append(number)
    return Block(cells, b"".join(before), list(map(b"".join, after)), numbers)
