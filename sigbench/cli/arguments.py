"""Arguments that several commands share."""

from __future__ import annotations

import argparse

SUITE = "SUITE|FILE.toml"


def add_list(parser: argparse.ArgumentParser, *names: str, **options: object) -> None:
    """Add an option that takes one or more values and can be repeated."""
    parser.add_argument(*names, nargs="+", action="extend", **options)  # type: ignore[arg-type]


def whole_numbers(text: str, option: str, example: str) -> tuple[int, ...]:
    """Return whole numbers that are separated by commas.

    Raises
    ------
    InputError
        For any other text.

    Examples
    --------
    >>> whole_numbers("1,2,3", "--seeds", "1,2,3")
    (1, 2, 3)
    """
    from sigbench.core.errors import InputError

    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        raise InputError(f"{option} {text} must be whole numbers, such as {example}") from None
