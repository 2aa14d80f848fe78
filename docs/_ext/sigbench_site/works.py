"""The works in the bibliography, found in texts such as ``Donoho, Johnstone 1994, 1995``."""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

from sigbench_site.pages import ROOT

FILE = ROOT / "docs/bibliography.bib"
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")


class Work(NamedTuple):
    """A work: key, surnames of the authors, and year."""

    key: str
    surnames: tuple[str, ...]
    year: str


@functools.cache
def works() -> tuple[Work, ...]:
    """Return the works in the bibliography."""
    from pybtex.database import parse_file

    return tuple(
        Work(key, _surnames(entry), entry.fields["year"])
        for key, entry in parse_file(FILE).entries.items()
    )


def _surnames(entry: object) -> tuple[str, ...]:
    persons = entry.persons["author"]  # type: ignore[attr-defined]
    parts = ([*p.rich_prelast_names, *p.rich_last_names] for p in persons)
    return tuple(" ".join(map(str, part)) for part in parts)


def references(docstring: str) -> str:
    """Return the section References of a docstring on one line; empty if there is none."""
    section = re.search(r"References\n +-+\n(.*?)(?:\n\n|\Z)", docstring, re.S)
    return " ".join(section[1].split()) if section else ""


def cited(text: str) -> list[str]:
    """Return the keys of the works that a text cites by surnames and year.

    The first author must precede the year, with no other year than further ones of the same
    authors in between. Of works with the same first author and year, that with the most
    authors in the text is meant.

    Examples
    --------
    >>> cited("Donoho, Johnstone 1994, 1995; Selesnick 2017, IEEE TSP 65(17)")
    ['donoho1994', 'donoho1995', 'selesnick2017']
    """
    found: list[str] = []
    for part in text.split(";"):
        for year in _YEAR.finditer(part):
            before = part[: year.start()]
            same = [w for w in works() if w.year == year[0] and _is_named(w.surnames[0], before)]
            found += _best(same, before)
    return list(dict.fromkeys(found))


def _is_named(surname: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(surname)}(?!\w)", text, re.I) is not None


def _best(candidates: list[Work], text: str) -> list[str]:
    by_author: dict[str, list[Work]] = {}
    for work in candidates:
        by_author.setdefault(work.surnames[0], []).append(work)
    return [
        max(same, key=lambda work: sum(_is_named(name, text) for name in work.surnames)).key
        for same in by_author.values()
    ]
