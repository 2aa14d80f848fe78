"""Wrappers: methods that adapt another method to noise that is not white."""

from __future__ import annotations

from sigbench.benchmark.methods.wrappers.despiked import Despiked
from sigbench.benchmark.methods.wrappers.inner import INNER
from sigbench.benchmark.methods.wrappers.level_normalized import LevelNormalized
from sigbench.benchmark.methods.wrappers.stabilized import Stabilized
from sigbench.benchmark.methods.wrappers.whitened import Whitened
from sigbench.benchmark.methods.wrappers.with_noise import WithNoise
from sigbench.benchmark.methods.wrappers.without_lines import WithoutLines

WRAPPERS = {
    "whitened": Whitened,
    "with-noise": WithNoise,
    "stabilized": Stabilized,
    "despiked": Despiked,
    "without-lines": WithoutLines,
    "level-normalized": LevelNormalized,
}
INNER.update(WRAPPERS)  # a wrapper can contain another one

__all__ = [
    "WRAPPERS",
    "Despiked",
    "LevelNormalized",
    "Stabilized",
    "Whitened",
    "WithNoise",
    "WithoutLines",
]
