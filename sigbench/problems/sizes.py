"""Training items of different sizes: one small item does not decide the size of all.

An item is left out, with a warning, if it is less than half the median length along an axis. The
others are cropped to the smallest of them, so that at most half of a typical length is lost.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sigbench.problems.base import Degraded

Space = tuple[int, ...]

MAX_RATIO = 2  # median length over the least length of an item that is used
MAX_NAMES = 5  # in a message


def small_items(spaces: Sequence[Space]) -> list[int]:
    """Return the indices of items that are less than half the median length along an axis.

    Parameters
    ----------
    spaces : sequence of tuple of int
        The lengths of the space axes of each item.

    Examples
    --------
    >>> small_items([(64, 64), (64, 64), (1, 1), (48, 96)])
    [2]
    """
    lengths = np.array(spaces)
    small = (MAX_RATIO * lengths < np.median(lengths, axis=0)).any(axis=1)
    return [int(i) for i in np.flatnonzero(small)]


def smallest(spaces: Sequence[Space]) -> Space:
    """Return the least length of each axis.

    Examples
    --------
    >>> smallest([(481, 321), (321, 481)])
    (321, 321)
    """
    return tuple(int(n) for n in np.min(spaces, axis=0))


def left_out(names: Sequence[str], total: int, space: Space) -> str:
    """Return the caution that items are left out; ``space`` is the size of the others.

    Examples
    --------
    >>> left_out(["tiny.png"], 11, (64, 64))
    '1 of 11 training items is left out, because it is less than half the median size: tiny.png; the others are cropped to 64×64'
    """
    shown = ", ".join(names[:MAX_NAMES]) + (", ..." if len(names) > MAX_NAMES else "")
    verb, they = ("is", "it is") if len(names) == 1 else ("are", "they are")
    return (
        f"{len(names)} of {total} training items {verb} left out, because {they} less than half "
        f"the median size: {shown}; the others are cropped to {size_text(space)}"
    )


def size_text(space: Space) -> str:
    """Return a size as text.

    Examples
    --------
    >>> size_text((64, 48))
    '64×48'
    """
    return "×".join(map(str, space))


def cropped(parts: Sequence[Degraded], space: Space) -> Degraded:
    """Return items as one batch, all cropped at their ends to the size ``space``."""
    if len(parts) == 1 and parts[0].clean.shape[2:] == space:
        return parts[0]
    crop = (slice(None), slice(None), *map(slice, space))
    sigmas = [one.sigma for one in parts if one.sigma is not None]
    return Degraded(
        np.concatenate([one.clean[crop] for one in parts]),
        np.concatenate([one.noisy[crop] for one in parts]),
        np.concatenate(sigmas) if sigmas else None,
    )


def joined(parts: Sequence[Degraded]) -> Degraded:
    """Return items as one batch, cropped to the smallest."""
    return cropped(parts, smallest([one.clean.shape[2:] for one in parts]))


def fits(one: Degraded, space: Space) -> bool:
    """Return whether an item has at least the size ``space``."""
    return all(n >= m for n, m in zip(one.clean.shape[2:], space, strict=True))
