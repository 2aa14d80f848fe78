"""Named random streams: any item can be generated again on its own, in any order."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence


def item_rng(item: int, *stream: str | int) -> np.random.Generator:
    """Return the generator of one item in a named stream.

    A counter-based generator (Philox) is keyed by the name of the stream. The item index is the
    high word of the counter, so the draws of different items never overlap.

    Parameters
    ----------
    item : int
        Index of the item, >= 0.
    *stream : str or int
        Name of the stream, for example dataset, version, split and seed; never the method, the
        worker or the noise level.

    Examples
    --------
    >>> a = item_rng(7, "sparse-spikes", 1, "test", 1)
    >>> b = item_rng(7, "sparse-spikes", 1, "test", 1)
    >>> float(a.standard_normal()) == float(b.standard_normal())
    True
    """
    name = "\x1f".join(map(str, stream)).encode()
    key = np.frombuffer(hashlib.blake2b(name, digest_size=16).digest(), "<u8")
    seed: Any = _Key(key)  # NumPy's annotation accepts SeedSequence only
    return np.random.Generator(np.random.Philox(seed, counter=[0, 0, 0, item]))


class _Key(ISeedSequence):
    """A seed sequence that returns a given Philox key.

    ``Philox(key=...)`` generates the same numbers, but also draws an unused seed from the
    operating system, which takes longer than everything else here.
    """

    def __init__(self, key: np.ndarray) -> None:
        self.key = key

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> np.ndarray:
        return self.key
