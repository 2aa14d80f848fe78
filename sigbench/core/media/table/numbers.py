"""Numbers as text: which texts are numbers, their values, and how a column writes them."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# float() also accepts 1_0 and digits of other scripts. What is not finite is refused later.
NUMBER = re.compile(
    r"[ \t]*[+-]?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?|nan|inf|infinity)[ \t]*",
    re.I | re.A,
)
MISSING = frozenset(
    b" |nan|-nan|na|n/a|#n/a|<na>|nat|null|none|-|--|---|?|missing|1.#qnan|-1.#ind|#num!|"
    b"#div/0!|#value!".split(b"|")
) | {b""}
PADDING = b' \t"'
SPACES = (b" ", b"\xc2\xa0", b"\xe2\x80\xaf", b"\xe2\x80\x89", b"\xa0")  # between thousands


@dataclass(frozen=True)
class NumberFormat:
    """How numbers are written.

    Attributes
    ----------
    decimal : bytes
        The decimal mark, ``b"."`` or ``b","``.
    thousands : bytes
        The mark between groups of three digits; empty if there is none.
    """

    decimal: bytes = b"."
    thousands: bytes = b""

    def is_number(self, cell: bytes) -> bool:
        """Return whether a cell is a number; what is missing is none."""
        core = cell.strip(PADDING)
        return core.lower() not in MISSING and bool(_pattern(self).fullmatch(core))

    def plain(self, core: bytes) -> bytes:
        """Return a number in the form that Python reads."""
        if self.thousands:
            core = core.replace(self.thousands, b"")
        if self.decimal != b".":
            core = core.replace(self.decimal, b".")
        return core.lower().replace(b"d", b"e")

    def styled(self, text: str) -> bytes:
        """Return a number that Python has written in this form."""
        raw = text.encode()
        if not self.thousands:
            return raw if self.decimal == b"." else raw.replace(b".", self.decimal)
        sign = raw[:1] if raw[:1] in b"+-" else b""
        whole, point, rest = raw[len(sign) :].partition(b".")
        groups = re.sub(rb"(?<=\d)(?=(?:\d{3})+$)", lambda _: self.thousands, whole)
        return sign + groups + (self.decimal if point else b"") + rest


@functools.lru_cache(maxsize=64)
def _pattern(form: NumberFormat) -> re.Pattern[bytes]:
    point, mark = re.escape(form.decimal), re.escape(form.thousands)
    digits = rb"[0-9]+"
    if form.thousands:
        digits = rb"(?:[0-9]{1,3}(?:" + mark + rb"[0-9]{3})++|[0-9]+)"
    exponent = rb"(?:[ed][+-]?[0-9]+)?"
    body = rb"(?:" + digits + rb"(?:" + point + rb"[0-9]*)?|" + point + rb"[0-9]+)" + exponent
    return re.compile(rb"[+-]?(?:" + body + rb"|inf|infinity)", re.I)


def values_of(
    cells: Sequence[bytes], form: NumberFormat
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the values of cells, NaN where one is missing, and the indices of other texts.

    Examples
    --------
    >>> values_of([b"1,5", b"n/a", b" x", b'"2"'], NumberFormat(b","))
    (array([1.5, nan, nan, 2. ]), array([2]))
    """
    joined = b"\n".join(cells)
    if not form.thousands and b"_" not in joined:
        quick = [cell.strip(PADDING) for cell in cells] if b'"' in joined else cells
        if form.decimal != b".":
            # A point would be read as a decimal mark.
            quick = [] if b"." in joined else [cell.replace(form.decimal, b".") for cell in quick]
        try:
            found = np.array(list(map(float, quick)))
        except ValueError:
            pass
        else:
            if len(found) == len(cells):
                return found, np.zeros(0, np.intp)
    out, wrong = np.full(len(cells), np.nan), []
    pattern = _pattern(form)
    for i, cell in enumerate(cells):
        core = cell.strip(PADDING)
        if core.lower() in MISSING:
            continue
        if pattern.fullmatch(core):
            out[i] = float(form.plain(core))
        else:
            wrong.append(i)
    return out, np.array(wrong, np.intp)
