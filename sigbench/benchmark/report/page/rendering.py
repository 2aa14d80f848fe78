"""Jinja templates of the page: every value is escaped, and a missing one is an error."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sigbench.benchmark.report.page.libraries import own_file
from sigbench.core import escape

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def render(template: str, **values: Any) -> Markup:
    """Return a template of ``templates/`` with its values filled in.

    Parameters
    ----------
    template : str
        Name of the file, without ``.html``.
    **values
        Text is escaped; `Markup` stays as it is.

    Examples
    --------
    >>> print(render("charts", charts=[], left_out="<b>"))
    <div class="charts">
    </div>
    <p class="note">&lt;b&gt;</p>
    """
    from markupsafe import Markup

    return Markup(_environment().get_template(template).render(**values))


def safe(html: str) -> Markup:
    """Declare text to be HTML. It must be sigbench's own: nothing in it is escaped any more."""
    from markupsafe import Markup

    return Markup(html)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(lambda name: own_file(f"templates/{name}.html")),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_escaped,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _escaped(value: Any) -> Any:
    """Return text with control characters escaped too; other values as they are."""
    return safe(escape.html(value)) if type(value) is str else value
