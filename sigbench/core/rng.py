"""Named random streams: any item of any dataset can be made again alone, in any order."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence


def item_rng(item: int, *stream: str | int) -> np.random.Generator:
    """Return the generator of one item in a named stream.

    A counter-based generator (Philox) is keyed by the stream's name; the item stands in the
    high word of the counter, so that items never overlap and none depends on another.

    Parameters
    ----------
    item : int
        Index of the item, >= 0.
    *stream : str or int
        What the draw belongs to, for example dataset, version, split and seed. Never the method,
        the worker or the noise level.

    Examples
    --------
    >>> a = item_rng(7, "sparse-spikes", 1, "test", 1)
    >>> b = item_rng(7, "sparse-spikes", 1, "test", 1)
    >>> float(a.standard_normal()) == float(b.standard_normal())
    True
    """
    name = "\x1f".join(map(str, stream)).encode()
    key = np.frombuffer(hashlib.blake2b(name, digest_size=16).digest(), "<u8")
    seed: Any = _Key(key)  # NumPy's own annotation knows of one kind of seed sequence only
    return np.random.Generator(np.random.Philox(seed, counter=[0, 0, 0, item]))


class _Key(ISeedSequence):
    """Hands Philox its key.

    Given as ``key=`` it would be the same, but Philox would also draw a seed from the system,
    which takes longer than all the rest, and for nothing.
    """

    def __init__(self, key: np.ndarray) -> None:
        self.key = key

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> np.ndarray:
        return self.key
