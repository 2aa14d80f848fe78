"""Some lines of a table, from which its form is guessed."""

from __future__ import annotations

from dataclasses import dataclass

from sigbench.core.media.table.lines import is_comment, lines_of

FIRST, LAST = 2**18, 2**16  # bytes
MAX_LINES = 150  # of each end that are not comments


@dataclass(frozen=True)
class Line:
    """A line of a text, without its end.

    Attributes
    ----------
    start : int
        Its position in the text.
    number : int
        Its number, from 1.
    row : bytes
        Its content.
    is_comment : bool
        Whether it is blank or a comment.
    """

    start: int
    number: int
    row: bytes
    is_comment: bool


@dataclass(frozen=True)
class Sample:
    """Lines of a table.

    Attributes
    ----------
    first : tuple of Line
        The first lines, with comments.
    last : tuple of bytes
        The last lines, without comments; empty if ``first`` has all lines.
    """

    first: tuple[Line, ...]
    last: tuple[bytes, ...]

    @property
    def rows(self) -> list[bytes]:
        """All lines that are not comments."""
        return [line.row for line in self.first if not line.is_comment] + list(self.last)


def sample_of(raw: bytes) -> Sample:
    """Return the first and the last lines of a text."""
    first, at, rows = [], 0, 0
    for number, whole in enumerate(lines_of(raw), 1):
        row = whole.rstrip(b"\r\n")
        first.append(Line(at, number, row, is_comment(row)))
        rows += not first[-1].is_comment
        at += len(whole)
        if at > FIRST or rows >= MAX_LINES:
            break
    rest = raw[max(at, len(raw) - LAST) :]
    last = rest.splitlines()[int(len(raw) - LAST > at) :]
    return Sample(tuple(first), tuple([row for row in last if not is_comment(row)][-MAX_LINES:]))
