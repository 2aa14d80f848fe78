"""Collection of the cautions that a call gives."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from sigbench.core.errors import Caution


@contextmanager
def cautions() -> Iterator[list[str]]:
    """Collect the distinct texts of all `Caution` warnings; other warnings are passed on.

    The list is complete after the ``with`` block.

    Examples
    --------
    >>> with cautions() as found:
    ...     warnings.warn("no sampling rate", Caution)
    >>> found
    ['no sampling rate']
    """
    found: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", Caution)
        yield found
    for one in caught:
        if not issubclass(one.category, Caution):
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
        elif str(one.message) not in found:
            found.append(str(one.message))
