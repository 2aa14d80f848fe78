"""Wrappers: methods that adapt another method to noise that is not white."""

from __future__ import annotations

from sigbench.benchmark.methods.wrappers.despiked import INFO as DESPIKED
from sigbench.benchmark.methods.wrappers.despiked import Despiked
from sigbench.benchmark.methods.wrappers.inner import INNER
from sigbench.benchmark.methods.wrappers.level_normalized import INFO as LEVEL_NORMALIZED
from sigbench.benchmark.methods.wrappers.level_normalized import LevelNormalized
from sigbench.benchmark.methods.wrappers.stabilized import INFO as STABILIZED
from sigbench.benchmark.methods.wrappers.stabilized import Stabilized
from sigbench.benchmark.methods.wrappers.whitened import INFO as WHITENED
from sigbench.benchmark.methods.wrappers.whitened import Whitened
from sigbench.benchmark.methods.wrappers.with_noise import INFO as WITH_NOISE
from sigbench.benchmark.methods.wrappers.with_noise import WithNoise
from sigbench.benchmark.methods.wrappers.without_lines import INFO as WITHOUT_LINES
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

# The metadata of a wrapper without its inner method.
WRAPPER_INFO = {
    Whitened: WHITENED,
    WithNoise: WITH_NOISE,
    Stabilized: STABILIZED,
    Despiked: DESPIKED,
    WithoutLines: WITHOUT_LINES,
    LevelNormalized: LEVEL_NORMALIZED,
}

__all__ = [
    "WRAPPERS",
    "WRAPPER_INFO",
    "Despiked",
    "LevelNormalized",
    "Stabilized",
    "Whitened",
    "WithNoise",
    "WithoutLines",
]
