"""The style in which a column writes its numbers: decimals, exponents and signs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sigbench.core.media.table.numbers import MISSING, PADDING, NumberFormat

EXPONENT = re.compile(rb"([edED])([+-]?)([0-9]+)$")
ZEROS = re.compile(rb"\n[+-]?(0[0-9]+)(?=\n|$)")
DOUBLE = 17  # significant digits that determine a float64


@dataclass(frozen=True)
class Style:
    """How the numbers of a column are written.

    Attributes
    ----------
    low, high : int
        Smallest and largest number of decimals.
    pointless : bool
        Whether some number has no decimal mark.
    digits : int
        Largest number of significant digits; only for columns with exponents.
    exponents : {"none", "some", "all"}
        Which numbers have an exponent.
    letter : str
        The letter of exponents.
    plus : bool
        Whether positive exponents have a sign.
    width : int
        Smallest number of digits of an exponent.
    signed : bool
        Whether positive numbers have a sign.
    bare : bool
        Whether numbers below 1 have no zero before the decimal mark.
    zeros : int
        Number of digits of integers that begin with zeros, such as ``0042``; otherwise 0.
    """

    low: int = 0
    high: int = 0
    pointless: bool = False
    digits: int = 1
    exponents: str = "none"
    letter: str = "e"
    plus: bool = True
    width: int = 2
    signed: bool = False
    bare: bool = False
    zeros: int = 0

    @property
    def whole(self) -> bool:
        """Whether all numbers are integers."""
        return self.high == 0 and self.pointless and self.exponents == "none"

    @property
    def step(self) -> float:
        """The distance of neighboring numbers; 0 if it depends on the number."""
        return 10.0**-self.high if self.exponents == "none" else 0.0

    def text(self, value: float) -> str:
        """Return a number in this style, rounded to the nearest.

        Examples
        --------
        >>> Style(2, 2).text(1.0 / 3), Style(0, 3, True).text(2.5), Style(pointless=True).text(2.6)
        ('0.33', '2.5', '3')
        >>> Style(1, 1, exponents="all", letter="E", width=3).text(12345.0)
        '1.2E+004'
        """
        text = self._unsigned(abs(value))
        sign = "+" if self.signed else ""
        if value < 0 and re.search("[1-9]", text.partition(self.letter)[0]):
            sign = "-"
        if self.bare and text.startswith("0."):
            text = text[1:]
        return sign + (text.zfill(self.zeros) if self.whole else text)

    def _unsigned(self, value: float) -> str:
        if self.exponents == "all":
            mantissa, _, power = f"{value:.{min(self.high, 30)}e}".partition("e")
            sign = "-" if power[0] == "-" else "+" * self.plus
            return f"{mantissa}{self.letter}{sign}{abs(int(power)):0{self.width}d}"
        if self.exponents == "some":
            short = repr(value) if self.digits >= DOUBLE else f"{value:.{self.digits}g}"
            return short.replace("e", self.letter)
        if self.low == self.high:
            return f"{value:.{min(self.high, 300)}f}"
        text = repr(round(value, min(self.high, 300)))
        if "e" in text:
            text = f"{value:.{min(self.high, 300)}f}".rstrip("0")
            text += "0" if text.endswith(".") else ""
        return text.removesuffix(".0") if self.pointless else text


def fixed_format(style: Style) -> bytes | None:
    """Return the style as a format of ``%``, if that is all; None otherwise.

    Examples
    --------
    >>> fixed_format(Style(2, 2))
    b'%.2f'
    """
    simple = style.exponents == "none" and style.low == style.high and style.high <= 30
    plain = not (style.signed or style.bare or style.zeros)
    return b"%%.%df" % style.high if simple and plain else None


def style_of(cells: Sequence[bytes], form: NumberFormat) -> Style | None:
    """Return the style of the numbers among some cells; None if there is none."""
    joined = b"\n".join(cells)
    lower = joined.lower()
    cores: Iterable[bytes] = cells
    if b'"' in joined or b" " in joined or b"\t" in joined:
        cores = [cell.strip(PADDING) for cell in cells]
    if form.thousands:
        cores = [core.replace(form.thousands, b"") for core in cores]
    if any(letter in lower for letter in b"afilnu?#") or b"-\n" in lower + b"\n":
        cores = [core for core in cores if core.lower() not in MISSING and b"n" not in core.lower()]
    elif not lower or b"\n\n" in b"\n" + lower + b"\n" or cores is not cells:
        cores = [core for core in cores if core]
    cores = list(cores)
    if not cores:
        return None
    found = [EXPONENT.search(core) for core in cores] if re.search(rb"[ed]", lower) else []
    powers = [match for match in found if match]
    digits = 1
    if powers:
        cores = [EXPONENT.sub(b"", core) for core in cores]
        digits = max(len(re.sub(rb"\D", b"", core).lstrip(b"0")) for core in cores)
    point = form.decimal
    joined = b"\n" + b"\n".join(cores)
    decimals = {len(core.partition(point)[2]) for core in cores}
    positive = [core for core in cores if core[:1] != b"-"] if b"\n+" in joined else []
    return Style(
        low=min(decimals),
        high=max(decimals),
        pointless=joined.count(point) < len(cores),
        digits=max(digits, 1),
        exponents="none" if not powers else "all" if len(powers) == len(cores) else "some",
        letter=powers[0][1].decode() if powers else "e",
        plus=not powers or any(match[2] == b"+" for match in powers),
        width=min(len(match[3]) for match in powers) if powers else 2,
        signed=bool(positive) and all(core[:1] == b"+" for core in positive),
        bare=any(b"\n" + sign + point in joined for sign in (b"", b"-", b"+")),
        zeros=max((len(match) for match in ZEROS.findall(joined)), default=0),
    )


def merged(one: Style | None, two: Style | None) -> Style | None:
    """Return the common style of two parts of a column."""
    if one is None or two is None:
        return one or two
    return Style(
        low=min(one.low, two.low),
        high=max(one.high, two.high),
        pointless=one.pointless or two.pointless,
        digits=max(one.digits, two.digits),
        exponents=one.exponents if one.exponents == two.exponents else "some",
        letter=two.letter if one.exponents == "none" else one.letter,
        plus=one.plus and two.plus,
        width=min(one.width, two.width),
        signed=one.signed and two.signed,
        bare=one.bare or two.bare,
        zeros=max(one.zeros, two.zeros),
    )
