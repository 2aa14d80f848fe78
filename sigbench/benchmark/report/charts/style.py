"""The style of all charts: one sheet of rules, with the colors of a light and a dark theme.

Text has a contrast of at least 4.5 : 1 to the background of its theme, and marks of at least 3 : 1.
Any two series differ in both themes, for normal vision and for full protanopia, deuteranopia and
tritanopia (Machado, Oliveira, Fernandes, IEEE Trans. Vis. Comput. Graph. 15, 2009). No chart tells
methods apart by color alone: names are at the ends of the lines.
"""

from __future__ import annotations

from collections.abc import Callable

N_SERIES = 8
N_STEPS = 4  # colors on each side of 0

LIGHT = {
    "background": "#ffffff",
    "text": "#1c2126",
    "muted": "#59636e",
    "other": "#858d96",
    "grid": "#e4e7ea",
    "axis": "#858d96",
    "series-0": "#0072b2",
    "series-1": "#c34b69",
    "series-2": "#005a3c",
    "series-3": "#876900",
    "series-4": "#2d0fd2",
    "series-5": "#780000",
    "series-6": "#870069",
    "series-7": "#1e002d",
    "above-1": "#d6e9f5",
    "above-2": "#a9cfe8",
    "above-3": "#74b0d9",
    "above-4": "#4a93c8",
    "below-1": "#fbe3cf",
    "below-2": "#f5c39b",
    "below-3": "#ec9f63",
    "below-4": "#d4742c",
}
DARK = {
    "background": "#16191d",
    "text": "#e8eaed",
    "muted": "#a3adb8",
    "other": "#737d88",
    "grid": "#2b3138",
    "axis": "#737d88",
    "series-0": "#56b4e9",
    "series-1": "#ff5ab4",
    "series-2": "#d2ffa5",
    "series-3": "#ffe100",
    "series-4": "#b45aff",
    "series-5": "#a57869",
    "series-6": "#ffb4b4",
    "series-7": "#e1960f",
    "above-1": "#1b3242",
    "above-2": "#1d4a67",
    "above-3": "#1f628c",
    "above-4": "#1c6d9c",
    "below-1": "#3f2b1c",
    "below-2": "#65401f",
    "below-3": "#8a5222",
    "below-4": "#96561c",
}

# Fonts of the widths for which names are shortened.
FONT = "'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', Roboto, sans-serif"
# On a narrow screen a chart is reduced to 70 %, then its frame scrolls.
MIN_REDUCTION = 0.7
LAYOUT = """\
.chart-frame { overflow-x: auto; max-width: 100%; }
svg.chart { display: block; width: 100%; height: auto; }
@media print { svg.chart { min-width: 0 !important; } }
"""


def page_css() -> str:
    """Return the style sheet for a page with charts.

    Custom properties (``--chart-text``, ...) hold the colors: the light theme by default, the dark
    one if the system asks for it or an element above the chart has ``data-theme="dark"``.

    Examples
    --------
    >>> "--chart-series-0: #0072b2" in page_css()
    True
    """
    light, dark = _properties(LIGHT), _properties(DARK)
    themes = (
        f":root, [data-theme=light] {{ {light} }}\n"
        "@media screen and (prefers-color-scheme: dark) "
        f"{{ :root:not([data-theme=light]) {{ {dark} }} }}\n"
        f"@media screen {{ [data-theme=dark] {{ {dark} }} }}\n"
    )
    return themes + LAYOUT + _rules(lambda name: f"var(--chart-{name})")


def file_css() -> str:
    """Return the style sheet of an SVG file: the light theme, with literal colors.

    Converters do not know custom properties.

    Examples
    --------
    >>> "var(" in file_css()
    False
    """
    return _rules(LIGHT.__getitem__)


def _properties(colors: dict[str, str]) -> str:
    return " ".join(f"--chart-{name}: {color};" for name, color in colors.items())


def _rules(color: Callable[[str], str]) -> str:
    """Return the rules of the marks; ``color`` gives the CSS value of a color by name."""
    series = [f".chart .s{i} {{ color: {color(f'series-{i}')}; }}" for i in range(N_SERIES)]
    steps = [
        f".chart .{side}-{i} {{ fill: {color(f'{side}-{i}')}; }}"
        for side in ("above", "below")
        for i in range(1, N_STEPS + 1)
    ]
    rules = [
        f".chart text {{ fill: {color('text')}; font-family: {FONT}; font-size: 13px; }}",
        f".chart text.muted {{ fill: {color('muted')}; }}",
        ".chart text.small { font-size: 11px; }",
        ".chart text.bold { font-weight: 600; }",
        ".chart text.italic { font-style: italic; }",
        ".chart text.colored { fill: currentColor; }",
        f".chart text.halo {{ stroke: {color('background')}; stroke-width: 3; "
        "stroke-linejoin: round; paint-order: stroke; }",
        f".chart .other {{ color: {color('other')}; }}",
        f".chart .limit {{ color: {color('text')}; }}",
        *series,
        f".chart .background {{ fill: {color('background')}; }}",
        f".chart .grid {{ stroke: {color('grid')}; stroke-width: 1; fill: none; }}",
        f".chart .axis {{ stroke: {color('axis')}; stroke-width: 1; fill: none; }}",
        f".chart .leader {{ stroke: {color('other')}; stroke-width: 0.75; fill: none; }}",
        ".chart .mark { fill: currentColor; stroke: none; }",
        f".chart .hollow {{ fill: {color('background')}; stroke: currentColor; stroke-width: 1.5; }}",
        ".chart .line { fill: none; stroke: currentColor; stroke-width: 1.75; "
        "stroke-linejoin: round; }",
        ".chart .thin { fill: none; stroke: currentColor; stroke-width: 1; }",
        ".chart .bar { fill: none; stroke: currentColor; stroke-width: 3; }",
        ".chart .dots { fill: none; stroke: currentColor; stroke-width: 3.5; "
        "stroke-linecap: round; }",
        f".chart .outlined {{ stroke: {color('axis')}; stroke-width: 1; }}",
        ".chart .hit { fill: none; pointer-events: all; }",
        ".chart .dashed { stroke-dasharray: 6 4; }",
        ".chart .dotted { stroke-dasharray: 2 3; }",
        *steps,
        f".chart .zero {{ fill: {color('grid')}; }}",
    ]
    return "\n".join(rules) + "\n"
