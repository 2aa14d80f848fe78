"""Escaping of names, errors and settings in output: they are shown, never interpreted."""

from __future__ import annotations

import html as _html
import json
import re
from typing import Any

MAX_ERROR = 2_000  # characters of an error that are kept

_MARKDOWN = re.compile(
    r"""
    [\\`*~$|]               # code, emphasis, strikethrough, formulas, table cells
    | (?<!\w)_ | _(?!\w)    # emphasis; not the underscore inside a word
    | \](?=[(\[:])          # links; plain brackets are common in names and stay readable
    """,
    re.VERBOSE,
)
_LATEX = {
    **{c: f"\\{c}" for c in "&%$#_"},
    "{": r"\textbraceleft{}",  # BibTeX counts braces, and escaped ones too
    "}": r"\textbraceright{}",
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\char34{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "µ": r"$\mu$",
    "λ": r"$\lambda$",
    "μ": r"$\mu$",
    "σ": r"$\sigma$",
    "τ": r"$\tau$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "÷": r"$\div$",
    "−": "$-$",
    "∞": r"$\infty$",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "…": r"\dots{}",
}
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_AUTOLINK = re.compile(r"(?<=/)(?=/)|(?<=www)(?=\.)|(?<=@)", re.IGNORECASE)
_BREAK = "<!-- -->"  # an entity would not do: links are found after entities are replaced
# A spreadsheet runs text that begins like this, also behind white space and in full-width form.
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff]")
_FORMULA = re.compile(r"'*\s*[=+\-@＝＋－＠]")


def printable(text: str) -> str:
    r"""Return a text in one line, with control characters escaped.

    It can then neither change a terminal nor look like several lines.

    Parameters
    ----------
    text : str
        Any text.

    Examples
    --------
    >>> printable("a" + chr(27) + "[2J")
    'a\\x1b[2J'
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def printable_lines(text: str) -> str:
    r"""Return a text with all control characters escaped but line feeds.

    Examples
    --------
    >>> printable_lines("a" + chr(7) + chr(10) + "b")
    'a\\x07\nb'
    """
    return "\n".join(map(printable, text.split("\n")))


def cut(text: str, most: int = MAX_ERROR) -> str:
    """Return a text without its middle if it has more than ``most`` characters.

    Examples
    --------
    >>> cut("a long text", 6)
    'a l [... 5 characters ...] ext'
    """
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]} [... {len(text) - 2 * half} characters ...] {text[-half:]}"


def markdown(text: object) -> str:
    r"""Return a text that Markdown shows as it is: no markup, HTML, links or mentions.

    Examples
    --------
    >>> markdown("l1[lam=2] <b>"), markdown("*a* [b](http://c)")
    ('l1[lam=2] &lt;b&gt;', '\\*a\\* [b\\](http:/<!-- -->/c)')
    """
    plain = re.sub("[&<>]", lambda found: _ENTITIES[found[0]], printable(str(text)))
    marked = _MARKDOWN.sub(lambda found: f"\\{found[0]}", plain)
    return _AUTOLINK.sub(_BREAK, marked)


def code(text: object) -> str:
    """Return a text as a code span of Markdown.

    Examples
    --------
    >>> code("lam=2"), code("a`b")
    ('`lam=2`', '``a`b``')
    """
    plain = printable(str(text))
    longest = max(map(len, re.findall("`+", plain)), default=0)
    fence = "`" * (longest + 1)
    space = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{fence}{space}{plain}{space}{fence}"


def html(text: object) -> str:
    r"""Return a text for HTML, also in a quoted attribute; control characters are escaped as well.

    Examples
    --------
    >>> html("l1[lam=2] <b>&'")
    'l1[lam=2] &lt;b&gt;&amp;&#x27;'
    """
    return _html.escape(printable(str(text)))


def html_lines(text: str) -> str:
    r"""Return a text of several lines for HTML: as `html`, but line feeds stay.

    Examples
    --------
    >>> html_lines("<a>" + chr(10) + "b")
    '&lt;a&gt;\nb'
    """
    return "\n".join(map(html, text.split("\n")))


def script_json(value: Any) -> str:
    r"""Return a value as JSON that cannot end the ``<script>`` element around it.

    The result is ASCII, without ``<``, ``>`` and ``&``.

    Raises
    ------
    ValueError
        If the value contains NaN or an infinite number, which JSON does not have.

    Examples
    --------
    >>> print(script_json({"name": "</script>"}))
    {"name":"\u003c/script\u003e"}
    """
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return re.sub("[<>&]", lambda found: f"\\u{ord(found[0]):04x}", text)


def latex(text: object) -> str:
    r"""Return a text for LaTeX, by pdfLaTeX too: no commands, formulas, comments or ligatures.

    Characters beyond Latin-1 that are not in a small table are shown by their number.

    Examples
    --------
    >>> print(latex("psnr_table1 50 % $x$ [a] " + chr(92) + "input"))
    psnr\_table1 50 \% \$x\$ [a] \textbackslash{}input
    >>> print(latex("a--b " + chr(955) + chr(1046)))
    a-{}-b $\lambda${[}U+0416{]}
    """
    escaped = "".join(map(_latex_character, printable(str(text))))
    return re.sub(r"([-,])(?=\1)", r"\1{}", escaped)


def _latex_character(character: str) -> str:
    if character in _LATEX:
        return _LATEX[character]
    is_letter = "À" <= character <= "ÿ" and character not in "ÐðÞþ"  # these need another encoding
    return character if character.isascii() or is_letter else f"{{[}}U+{ord(character):04X}{{]}}"


def csv_text(text: str) -> str:
    """Return a text for a cell of CSV; a single quote precedes what looks like a formula.

    Control characters, which no name has, are escaped; all other characters stay as they are.

    Examples
    --------
    >>> csv_text("=cmd()"), csv_text("l1[lam=2]")
    ("'=cmd()", 'l1[lam=2]')
    """
    plain = _CONTROL.sub(lambda found: repr(found[0])[1:-1], text)
    return f"'{plain}" if _FORMULA.match(plain) else plain


def from_csv_text(cell: str) -> str:
    """Return the text of a cell that `csv_text` has written.

    Examples
    --------
    >>> from_csv_text("'=cmd()")
    '=cmd()'
    """
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell
