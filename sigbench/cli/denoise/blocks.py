"""How a long sound is divided into blocks, and how the estimates of the blocks are joined."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sigbench.core.protocols import Array, Local

MAX_WHOLE = 2**23  # samples over all channels of a file that is denoised in one piece
BLOCK = 2**20  # samples over all channels of a block, for a local method
BLOCK_S, MAX_BLOCK = 60, 2**22  # seconds and samples of a channel of a block, for other methods
OVERLAPS = 12  # overlaps that fill such a block

Read = Callable[[int, int], Array]
"""``read(start, stop)`` returns samples of all channels, shape ``(channels, 1, stop − start)``."""


@dataclass(frozen=True)
class Blocks:
    """How a sound is divided.

    Attributes
    ----------
    block : int
        Samples of a block.
    margin : int
        Samples by which a block is extended on both sides for a local method. Its estimate is then
        the same as in one piece.
    overlap : int
        Samples that neighboring blocks share, for other methods. Their estimates are cross-faded.
    """

    block: int
    margin: int = 0
    overlap: int = 0

    def count(self, length: int) -> int:
        """Return the number of blocks of a sound."""
        return max(-(-(length - self.overlap) // (self.block - self.overlap)), 1)

    def text(self, fs: float) -> str:
        """Return the lengths in seconds."""
        if self.overlap:
            return (
                f"denoised in blocks of {self.block / fs:.3g} s that overlap by "
                f"{self.overlap / fs:.3g} s, because the file is long"
            )
        return (
            f"denoised in blocks of {self.block / fs:.3g} s, with the same result as in one piece"
        )


def blocks_for(method: object, channels: int, fs: float) -> Blocks:
    """Return how a sound is divided for a method.

    Examples
    --------
    >>> from sigbench.denoisers import GaussianBlur, WaveletShrink
    >>> blocks_for(GaussianBlur(width=3.0), 2, 48_000.0)
    Blocks(block=524288, margin=12, overlap=0)
    >>> blocks_for(WaveletShrink(), 2, 48_000.0)
    Blocks(block=2880000, margin=0, overlap=240000)
    """
    if isinstance(method, Local):
        return Blocks(max(BLOCK // channels, 4 * method.reach, 1), margin=method.reach)
    block = max(min(round(BLOCK_S * fs), MAX_BLOCK, MAX_WHOLE // channels), OVERLAPS)
    return Blocks(block, overlap=block // OVERLAPS)


def estimates(
    read: Read, length: int, blocks: Blocks, denoise: Callable[[Array], Array]
) -> Iterator[tuple[Array, Array]]:
    """Yield consecutive parts of an estimate, each with the noisy samples.

    Parameters
    ----------
    read : callable
        Reads the noisy samples.
    length : int
        Samples per channel.
    blocks : Blocks
        How the sound is divided.
    denoise : callable
        Returns the estimate of noisy samples ``(channels, 1, n)``, a new array.

    Examples
    --------
    >>> y = np.arange(10.0).reshape(1, 1, 10)
    >>> parts = estimates(lambda a, b: y[:, :, a:b], 10, Blocks(4, overlap=1), np.copy)
    >>> [new.ravel().tolist() for new, _ in parts]
    [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0, 9.0]]
    """
    if not blocks.overlap:
        for start in range(0, length, blocks.block):
            stop = min(start + blocks.block, length)
            first, last = max(start - blocks.margin, 0), min(stop + blocks.margin, length)
            noisy = read(first, last)
            inner = slice(start - first, stop - first)
            yield denoise(noisy)[:, :, inner], noisy[:, :, inner]
            del noisy  # before the next block is read
        return
    carried: Array | None = None
    for part, weight in faded(length, blocks.block, blocks.overlap):
        noisy = read(part.start, part.stop)
        estimate = denoise(noisy)
        estimate *= weight
        if carried is not None:
            estimate[:, :, : blocks.overlap] += carried
        end = noisy.shape[2] - (blocks.overlap if part.stop < length else 0)
        carried = estimate[:, :, end:].copy()
        yield estimate[:, :, :end], noisy[:, :, :end]
        del estimate, noisy


def faded(length: int, block: int, overlap: int) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Yield overlapping parts of a signal with weights that sum to one everywhere.

    Examples
    --------
    >>> [(part.start, part.stop, w.tolist()) for part, w in faded(8, 5, 1)]
    [(0, 5, [1.0, 1.0, 1.0, 1.0, 0.5]), (4, 8, [0.5, 1.0, 1.0, 1.0])]
    """
    fade = np.arange(1, overlap + 1) / (overlap + 1)
    for start in range(0, max(length - overlap, 1), block - overlap):
        stop = min(start + block, length)
        weight = np.ones(stop - start)
        if start > 0:
            weight[:overlap] = fade
        if stop < length:
            weight[-overlap:] = fade[::-1]
        yield slice(start, stop), weight
