"""Docstrings, made ready for reStructuredText."""

from __future__ import annotations

import re
from typing import Any

_LITERAL = re.compile(r"(``.*?``)")


def escape_bars(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Escape vertical bars: in our docstrings |x| is a magnitude, not a substitution."""
    lines[:] = [
        line if line.lstrip().startswith((">>>", "...")) else escaped(line) for line in lines
    ]


def escaped(line: str) -> str:
    r"""Return a line with its vertical bars escaped, except in literals.

    Examples
    --------
    >>> print(escaped("the magnitude |x| and ``a | b``"))
    the magnitude \|x\| and ``a | b``
    """
    parts = _LITERAL.split(line)
    return "".join(
        part if index % 2 else part.replace("|", "\\|") for index, part in enumerate(parts)
    )
