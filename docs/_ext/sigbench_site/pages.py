"""The generated pages: where they are written, and the Markdown in them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sigbench.benchmark.report.tables import markdown_table

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "docs/reference"
FOLDERS = ("suites", "methods", "tables")  # those of `Pages`; Sphinx writes others


class Pages:
    """The pages below a folder; a page with the same text is not written again.

    Parameters
    ----------
    folder : Path
        The folder that contains the pages.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._written: set[Path] = set()

    def add(self, name: str, *parts: str) -> None:
        """Write a page, ``folder/name.md``, of parts that are separated by blank lines."""
        self.add_file(f"{name}.md", "\n\n".join(part for part in parts if part) + "\n")

    def add_file(self, name: str, text: str) -> None:
        """Write any text file."""
        path = self.folder / name
        self._written.add(path)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def delete_others(self) -> None:
        """Delete pages of earlier builds that this one did not write."""
        for folder in FOLDERS:
            for path in (self.folder / folder).rglob("*.md"):
                if path not in self._written:
                    path.unlink()


def table(header: Sequence[str], rows: Iterable[Sequence[Any]], right: Sequence[str] = ()) -> str:
    """Return a table whose lines are not wrapped; the columns ``right`` are numbers."""
    return f":::{{div}} sb-lines\n{markdown_table(header, rows, right)}\n:::"


def facts(values: dict[str, str]) -> str:
    """Return names and values as a field list; empty values are left out."""
    return "\n".join(f":{name}: {value}" for name, value in values.items() if value)


def toctree(pages: Iterable[str], **options: str) -> str:
    """Return a table of contents."""
    lines = [f":{name}: {value}".rstrip() for name, value in options.items()]
    return "\n".join(["```{toctree}", *lines, "", *pages, "```"])


def autodoc(kind: str, name: str, *options: str) -> str:
    """Return the documentation of a class or function from its docstring."""
    lines = "\n".join(f"   :{option}:" for option in options)
    return f"```{{eval-rst}}\n.. {kind}:: {name}\n{lines}\n```"


def first_sentence(thing: Any) -> str:
    """Return the first paragraph of a docstring on one line."""
    return " ".join((thing.__doc__ or "").strip().partition("\n\n")[0].split())


def public_name(thing: Any) -> str:
    """Return the shortest path from which a class or function is imported.

    Examples
    --------
    >>> from sigbench.denoisers import L1
    >>> public_name(L1)
    'sigbench.L1'
    """
    import sigbench

    name: str = thing.__name__
    if name in sigbench.__all__ and getattr(sigbench, name) is thing:
        return f"sigbench.{name}"
    parts = thing.__module__.split(".")
    for count in range(2, len(parts)):
        module = ".".join(parts[:count])
        if getattr(sys.modules.get(module), name, None) is thing:
            return f"{module}.{name}"
    return f"{thing.__module__}.{name}"
