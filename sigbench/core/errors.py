"""Exceptions, and the message for an unknown name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Invalid input; the message contains the value and the valid alternatives.

    The command line prints it in one line and exits with code 2.
    """


class Caution(UserWarning):
    """A result that is probably not what was meant; `sigbench denoise` prints it in one line."""


class NoDerivative(InputError):
    """A network has no derivative, because part of it is computed without one."""


def unknown(kind: str, name: str, legal: Iterable[str]) -> InputError:
    """Return the error for an unknown name; it lists the nearest valid names first.

    Parameters
    ----------
    kind : str
        Kind of name: ``"method"``, ``"dataset"`` ...
    name : str
        The unknown name.
    legal : iterable of str
        All valid names.

    Examples
    --------
    >>> raise unknown("method", "l2", ["gmc", "l1"])
    Traceback (most recent call last):
    sigbench.core.errors.InputError: unknown method 'l2': did you mean 'l1'? (one of: gmc, l1)
    """
    names = sorted(set(legal))
    nearest = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(repr, nearest))}? " if nearest else ""
    choices = f"(one of: {', '.join(names)})" if hint else f"one of: {', '.join(names)}"
    return InputError(f"unknown {kind} {name!r}: {hint}{choices if names else 'there are none'}")


def printable(text: str) -> str:
    r"""Return a text with control characters escaped, so that it cannot change the terminal.

    Examples
    --------
    >>> printable("a" + chr(27) + "[2J")
    'a\\x1b[2J'
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
