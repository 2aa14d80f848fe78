"""Exceptions, and the message for an unknown name."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable

MAX_MESSAGE = 2000  # characters


class InputError(ValueError):
    """Invalid input; the message contains the value and the valid alternatives.

    The command line prints it in one line and exits with code 2. The middle of a message that is
    too long to be read, because a value or a name is, is left out.
    """

    def __str__(self) -> str:
        text = super().__str__()
        return text if len(text) <= MAX_MESSAGE else f"{text[:1400]} ... {text[-400:]}"


class Caution(UserWarning):
    """A result that is probably not what was meant.

    `sigbench denoise` and `sigbench run` print it in one line.
    """


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


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 100
_SHORT.maxlong, _SHORT.maxlevel = 40, 3


def shown(value: object) -> str:
    """Return the ``repr`` of a value for an error message, shortened if it is long.

    Examples
    --------
    >>> shown("l1[lam=1]"), len(shown("long" * 1000)), shown([[[[[1]]]]])
    ("'l1[lam=1]'", 100, '[[[[...]]]]')
    """
    if isinstance(value, int) and abs(value) >= 2**128:  # Python refuses to print long ones
        return f"a number of {value.bit_length()} bits"
    return _SHORT.repr(value)
