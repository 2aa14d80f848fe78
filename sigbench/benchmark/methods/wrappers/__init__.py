"""Wrappers: methods that adapt another method to noise that is not white."""

from __future__ import annotations

from sigbench.benchmark.methods.wrappers.inner import INNER
from sigbench.benchmark.methods.wrappers.whitened import Whitened
from sigbench.benchmark.methods.wrappers.with_noise import WithNoise

WRAPPERS = {
    "whitened": Whitened,
    "with-noise": WithNoise,
}
INNER.update(WRAPPERS)  # a wrapper can contain another one

__all__ = ["WRAPPERS", "Whitened", "WithNoise"]
