"""The frame of a page: head, security policy, theme, navigation, licenses. Any report can use it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sigbench import __version__
from sigbench.benchmark.report.page.libraries import SORTABLE, Library, own_file
from sigbench.benchmark.report.page.rendering import render, safe
from sigbench.core import escape

if TYPE_CHECKING:
    from markupsafe import Markup

MARKER = "<!DOCTYPE html>\n<!-- a page of sigbench -->\n"  # the first characters of every page
POLICY = (
    "default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data:; "
    "media-src data:; base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True)
class Section:
    """A section of a page, with its entry in the table of contents.

    Attributes
    ----------
    anchor : str
        Its id: letters, digits and dashes.
    title : str
        Its heading.
    body : Markup
        Its HTML, from `render` or `table`.
    parts : sequence of (str, str)
        The ids and titles of its parts, for the table of contents.
    """

    anchor: str
    title: str
    body: Markup
    parts: Sequence[tuple[str, str]] = ()


def document(
    title: str,
    sections: Sequence[Section],
    *,
    lead: str = "",
    facts: Sequence[tuple[str, str]] = (),
    libraries: Iterable[Library] = (SORTABLE,),
    scripts: Sequence[str] = (),
    styles: str = "",
    data: Mapping[str, Any] | None = None,
) -> str:
    """Return an HTML document that requests nothing and runs no script but its own.

    The security policy of the page allows scripts by their digest, and images and sounds inside
    the page. The same arguments give the same text.

    Parameters
    ----------
    title : str
        Its title.
    sections : sequence of Section
        Its content.
    lead : str
        A sentence or two below the title.
    facts : sequence of (str, str)
        Names and values below the lead.
    libraries : iterable of Library
        The libraries that the page uses; their licenses are shown at its end.
    scripts : sequence of str
        The scripts of this package that the page uses besides ``page.js``.
    styles : str
        CSS besides ``page.css``.
    data : mapping, optional
        Values for scripts, by the id of a JSON element.

    Returns
    -------
    str
        The document. It begins with `MARKER`.
    """
    libraries = list(libraries)
    theme = own_file("theme.js")
    own = ["page.js", *scripts]
    code = [*(library.script for library in libraries), *map(own_file, own)]
    page = render(
        "document",
        title=title,
        sections=sections,
        lead=lead,
        facts=facts,
        version=__version__,
        policy=POLICY.format(scripts=" ".join(map(_digest, [theme, *code]))),
        styles=safe(
            "\n".join([*(library.style for library in libraries), own_file("page.css"), styles])
        ),
        theme=safe(theme),
        scripts=list(map(safe, code)),
        data={name: safe(escape.script_json(value)) for name, value in (data or {}).items()},
        licenses=[
            (library, safe(escape.html_lines(library.license_text))) for library in libraries
        ],
    )
    return MARKER + str(page)


def _digest(script: str) -> str:
    """Return the digest of a script as the policy writes it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
