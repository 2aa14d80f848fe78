"""Elements of SVG as text: escaped, with short numbers."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NewType

from sigbench.benchmark.report.charts.style import MIN_REDUCTION, file_css
from sigbench.core.escape import printable

Markup = NewType("Markup", str)
Point = tuple[float, float]

SIZE = 13.0  # of the font, in units of the chart
NAMESPACE = "http://www.w3.org/2000/svg"
_NARROW = frozenset("iljItfr.,:;'|!()[]{} ·")
_WIDE = frozenset("mwMW@%—…")


@dataclass(frozen=True)
class Chart:
    """A chart as SVG.

    Attributes
    ----------
    name : str
        Kind of the chart; that of a chart over several problems also contains their names, so
        `chart_files.file_name` makes file names of it.
    title : str
        What the chart shows, in one line.
    description : str
        The main result in words, for screen readers and captions.
    width, height : float
        Size in units of the chart; the font has 13 units.
    body : Markup
        The elements.
    """

    name: str
    title: str
    description: str
    width: float
    height: float
    body: Markup

    def inline(self) -> str:
        """Return an element for an HTML page, whose colors come from `style.page_css`."""
        label = f"{self.title}. {self.description}"
        return (
            f'<svg class="chart" role="img" aria-label="{escaped(label)}" '
            f'viewBox="0 0 {short(self.width)} {short(self.height)}" '
            f'style="max-width: {short(self.width)}px; '
            f'min-width: {short(MIN_REDUCTION * self.width)}px">{self.body}</svg>'
        )

    def standalone(self) -> str:
        """Return a complete SVG file in the colors of the light theme."""
        width, height = short(self.width), short(self.height)
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<svg xmlns="{NAMESPACE}" class="chart" role="img" width="{width}" '
            f'height="{height}" viewBox="0 0 {width} {height}">\n'
            f"<title>{escaped(self.title)}</title>\n<desc>{escaped(self.description)}</desc>\n"
            f"<style>\n{file_css()}</style>\n"
            f'<rect class="background" width="{width}" height="{height}"/>\n{self.body}\n</svg>\n'
        )


def escaped(text: str) -> Markup:
    r"""Return a text that is shown as it is, in an element or an attribute.

    Examples
    --------
    >>> print(escaped("a < b" + chr(7)))
    a &lt; b\x07
    """
    return Markup(html.escape(printable(text)))


def short(number: float) -> str:
    """Return a coordinate with at most two decimals.

    Examples
    --------
    >>> short(3.0), short(0.128), short(-0.001)
    ('3', '0.13', '0')
    """
    if not math.isfinite(number):
        raise ValueError(f"coordinate {number}")
    return f"{round(number, 2) + 0.0:.2f}".rstrip("0").rstrip(".")


def element(name: str, attributes: dict[str, str | float], *content: str) -> Markup:
    """Return an element; ``content`` is markup, attribute values are escaped here.

    Examples
    --------
    >>> element("circle", {"class": "mark s0", "r": 2.5})
    '<circle class="mark s0" r="2.5"/>'
    """
    text = "".join(
        f' {key}="{escaped(value) if isinstance(value, str) else short(value)}"'
        for key, value in attributes.items()
    )
    inside = "".join(content)
    return Markup(f"<{name}{text}>{inside}</{name}>" if inside else f"<{name}{text}/>")


def tooltip(title: str) -> Markup:
    """Return the child of a mark that browsers show under the pointer; empty without a text."""
    return Markup(f"<title>{escaped(title)}</title>") if title else Markup("")


def group(cls: str, *content: str, title: str = "") -> Markup:
    """Return a group of elements of one class, with a tooltip for all of them."""
    return element("g", {"class": cls} if cls else {}, tooltip(title), *content)


def line(x1: float, y1: float, x2: float, y2: float, cls: str, title: str = "") -> Markup:
    """Return a straight line."""
    at: dict[str, str | float] = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return element("line", {"class": cls, **at}, tooltip(title))


def path(points: Iterable[Point], cls: str, title: str = "") -> Markup:
    """Return a line through points."""
    d = "L".join(f"{short(x)} {short(y)}" for x, y in points)
    return element("path", {"class": cls, "d": f"M{d}"}, tooltip(title))


def dots(points: Iterable[Point], cls: str = "dots") -> Markup:
    """Return many dots as one element."""
    d = "".join(f"M{short(x)} {short(y)}h0" for x, y in points)
    return element("path", {"class": cls, "d": d})


def rect(x: float, y: float, width: float, height: float, cls: str, title: str = "") -> Markup:
    """Return a rectangle."""
    at: dict[str, str | float] = {"x": x, "y": y, "width": width, "height": height}
    return element("rect", {"class": cls, **at}, tooltip(title))


def circle(x: float, y: float, r: float, cls: str, title: str = "") -> Markup:
    """Return a circle."""
    return element("circle", {"class": cls, "cx": x, "cy": y, "r": r}, tooltip(title))


def diamond(x: float, y: float, r: float, cls: str, title: str = "") -> Markup:
    """Return a square on its corner, which marks limits and oracles."""
    d = f"M{short(x - r)} {short(y)}L{short(x)} {short(y - r)} {short(x + r)} {short(y)}"
    return element("path", {"class": cls, "d": f"{d} {short(x)} {short(y + r)}z"}, tooltip(title))


def text(
    x: float, y: float, words: str, cls: str = "", anchor: str = "start", title: str = ""
) -> Markup:
    """Return one line of text whose baseline is at y; nothing if there are no words."""
    if not words:
        return Markup("")
    attributes: dict[str, str | float] = {"x": x, "y": y}
    if cls:
        attributes["class"] = cls
    if anchor != "start":
        attributes["text-anchor"] = anchor
    return element("text", attributes, tooltip(title), escaped(words))


def named(
    x: float, y: float, name: str, width: float, cls: str = "", anchor: str = "start"
) -> Markup:
    """Return the name of a method, shortened to a width; then the tooltip has the whole name."""
    shown = fitted(name, width)
    return text(x, y, shown, cls, anchor, "" if shown == printable(name) else name)


def text_width(words: str, size: float = SIZE) -> float:
    """Return the approximate width of a text; the font is that of the reader.

    Examples
    --------
    >>> text_width("ill") < text_width("one") < text_width("mmm")
    True
    """
    return size * sum(
        0.33 if c in _NARROW else 0.9 if c in _WIDE or ord(c) > 0x2E80 else 0.69 if c.isupper()
        else 0.57
        for c in words
    )  # fmt: skip


def fitted(name: str, width: float, size: float = SIZE) -> str:
    """Return a printable name, shortened in its middle to a width.

    Examples
    --------
    >>> fitted("trained[recipe=n2n,seed=3]", 100)
    'trained…eed=3]'
    """
    name = printable(name)
    if text_width(name, size) <= width:
        return name
    most = int(width / (0.33 * size))  # characters of the narrowest text
    for kept in range(min(len(name) - 1, most), 1, -1):
        cut = f"{name[: kept - kept // 2]}…{name[len(name) - kept // 2 :]}"
        if text_width(cut, size) <= width:
            return cut
    return "…"


def joined(parts: Iterable[str]) -> Markup:
    """Return elements one after the other."""
    return Markup("".join(parts))
