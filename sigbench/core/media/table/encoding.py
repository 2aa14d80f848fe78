"""The encoding of a text file: its bytes in a form in which ASCII characters are single bytes."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from sigbench.core.errors import InputError

MARKS = (  # the mark of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
NAMES = {
    "cp1252": "Windows-1252",
    "latin-1": "Latin-1",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
}


@dataclass(frozen=True)
class Text:
    """A text as bytes in UTF-8 or an encoding of one byte per character.

    Attributes
    ----------
    raw : bytes
        The text without its byte-order mark.
    mark : bytes
        The byte-order mark of the file.
    encoding : str
        Encoding of the file.
    guessed : bool
        Whether the encoding is neither UTF-8 nor given by a byte-order mark.
    """

    raw: bytes
    mark: bytes
    encoding: str
    guessed: bool

    @property
    def wide(self) -> bool:
        """Whether a character of the file has at least two bytes; ``raw`` is then in UTF-8."""
        return self.encoding.startswith(("utf-16", "utf-32"))

    @property
    def title(self) -> str:
        """The encoding as it is shown."""
        return NAMES.get(self.encoding, self.encoding.upper())

    def decode(self, part: bytes) -> str:
        """Return a part of ``raw`` as text."""
        return part.decode("utf-8" if self.wide else self.encoding, "replace")

    def restore(self, raw: bytes) -> bytes:
        """Return the bytes of a file with another text."""
        return self.mark + (raw.decode("utf-8").encode(self.encoding) if self.wide else raw)


def text_of(data: bytes, name: str) -> Text:
    r"""Find the encoding of a text file.

    Without a byte-order mark it is UTF-8 if that is possible, otherwise Windows-1252 or Latin-1, or
    UTF-16 if every second byte of the first 1000 is zero.

    Raises
    ------
    InputError
        If the file is not text.

    Examples
    --------
    >>> text_of("µ;2".encode("utf-16"), "a.csv").title
    'UTF-16'
    >>> text_of(b"1;2", "a.csv").restore(b"1;3")
    b'1;3'
    """
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return _decoded(data[len(mark) :], mark, encoding, name)
    if b"\0" in data:
        for encoding, first in (("utf-16-le", 1), ("utf-16-be", 0)):
            if len(data) % 2 == 0 and not any(data[first:1000:2]):
                return _decoded(data, b"", encoding, name)
        raise InputError(f"{name} cannot be read as text: it contains zero bytes")
    for encoding in ("utf-8", "cp1252"):
        try:
            data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return Text(data, b"", encoding, encoding != "utf-8")
    return Text(data, b"", "latin-1", True)


def _decoded(data: bytes, mark: bytes, encoding: str, name: str) -> Text:
    try:
        raw = data.decode(encoding).encode()
    except UnicodeDecodeError as error:
        shown = encoding.upper().removesuffix("-LE").removesuffix("-BE")
        raise InputError(f"{name} cannot be read as text in {shown}: {error.reason}") from None
    if b"\0" in raw:
        raise InputError(f"{name} cannot be read as text: it contains zero bytes")
    return Text(raw, mark, encoding, not mark)
