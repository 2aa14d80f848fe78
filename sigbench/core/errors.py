"""Errors that a person can act on."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """What was asked for is wrong; the message names the value and the legal ones.

    The command line prints it in one line and exits with code 2.
    """


class NoDerivative(InputError):
    """A network has no derivative of its own: part of it is computed without one."""


def unknown(kind: str, name: str, legal: Iterable[str]) -> InputError:
    """Return the error for a name that is in no table, nearest legal names first.

    Parameters
    ----------
    kind : str
        What the name should have been: ``"method"``, ``"dataset"`` ...
    name : str
        The name as given.
    legal : iterable of str
        All legal names.

    Examples
    --------
    >>> raise unknown("method", "l2", ["gmc", "l1"])
    Traceback (most recent call last):
    sigbench.core.errors.InputError: unknown method 'l2': did you mean 'l1'? (one of: gmc, l1)
    """
    names = sorted(set(legal))
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    choice = f"(one of: {', '.join(names)})" if hint else f"one of: {', '.join(names)}"
    return InputError(f"unknown {kind} {name!r}: {hint}{choice if names else 'there are none'}")
