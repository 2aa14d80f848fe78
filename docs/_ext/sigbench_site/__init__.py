"""Sphinx extension: pages about suites, methods and tables of sigbench, from its code."""

from __future__ import annotations

from typing import Any

from sigbench.benchmark.suites.suite import suite_names
from sigbench_site import docstrings, links, methods, runs, suites, tables
from sigbench_site.pages import REFERENCE, Pages


def setup(app: Any) -> dict[str, bool]:
    """Connect the extension to a Sphinx application."""
    from pygments.lexers.special import TextLexer

    app.add_lexer("csv", TextLexer)  # Pygments has none
    # Pages must be there when Sphinx looks for its sources.
    app.connect("config-inited", lambda app, config: write(Pages(REFERENCE)))
    app.connect("config-inited", lambda app, config: runs.write(suite_names()))
    app.connect("autodoc-process-docstring", docstrings.escape_bars, priority=400)
    app.connect("source-read", links.add_links)
    app.connect("doctree-read", links.to_folders)
    app.connect("missing-reference", links.to_documented)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write(pages: Pages) -> None:
    """Write all pages."""
    suites.write(pages)
    methods.write(pages)
    tables.write(pages)
    pages.delete_others()
