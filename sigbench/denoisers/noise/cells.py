"""Coefficients of signals and images in which noise can be distinguished from signal.

Signals have lapped cosine transforms, images cosine transforms of overlapping blocks. Both are
orthonormal on a block: white noise of level σ has coefficients of variance σ².
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from sigbench.core.protocols import Array

Power = NDArray[np.float64]

MIN_LENGTH = 16  # along every axis; in shorter items noise cannot be distinguished from signal
MAX_SAMPLES = 2**20  # of a signal; of a longer one, some parts are used
PARTS = 16
BLOCK = 8  # side of the blocks of images
MAX_BLOCKS = 5_000  # of a channel
# The cells around a cell: one frame before and after, two frequencies below and above.
NEIGHBORS = np.ones((3, 5)) / 14
NEIGHBORS[1, 2] = 0


MIN_FRAMES = 8
MARGIN = 0.9


def frame_lengths(n: int) -> list[int]:
    """Return the numbers of frequencies that are tried for a signal of ``n`` samples.

    The first is about √n. The next ones, 2 and 4 times as large, tell sinusoids from noise.

    Examples
    --------
    >>> [frame_lengths(n) for n in (16, 1024, 10**6)]
    [[4], [32, 64], [128, 256, 512]]
    """
    first = int(2 ** np.clip(np.round(np.log2(n) / 2), 2, 7))
    return [m for m in (first, 2 * first, 4 * first) if m == first or m * (MIN_FRAMES + 1) <= n]


def lapped_transform(x: Power, bins: int) -> Power:
    """Return the modified discrete cosine transform, with a sine window.

    Parameters
    ----------
    x : array, shape (L,)
        A signal.
    bins : int
        Number M of frequencies (k + 1/2)/(2M), an even number.

    Returns
    -------
    array, shape (frames, M)
        Frames of 2M samples, each M samples after the previous one.

    References
    ----------
    Princen, Johnson, Bradley, "Subband/transform coding using filter bank designs based on time
    domain aliasing cancellation", ICASSP 1987.

    Examples
    --------
    >>> white = np.random.default_rng(0).normal(size=2**16)
    >>> c = lapped_transform(white, 32)
    >>> c.shape, c.var().round(2)
    ((2047, 32), np.float64(1.0))
    """
    window = np.sin(np.pi * (np.arange(2 * bins) + 0.5) / (2 * bins))
    frames = np.lib.stride_tricks.sliding_window_view(x, 2 * bins)[::bins] * window
    a, b, c, d = np.split(frames, 4, axis=1)
    folded = np.concatenate([-c[:, ::-1] - d, a - b[:, ::-1]], axis=1)
    return np.asarray(scipy.fft.dct(folded, type=4, norm="ortho", axis=1))


def signal_parts(item: Array) -> list[Power]:
    """Return the channels of a signal ``(C, L)``, or 16 parts of each if it is very long."""
    n = item.shape[-1]
    if n <= MAX_SAMPLES:
        return [channel.astype(np.float64) for channel in item]
    size = MAX_SAMPLES // PARTS
    starts = np.linspace(0, n - size, PARTS).astype(int)
    return [channel[s : s + size].astype(np.float64) for channel in item for s in starts]


def signal_cells(parts: list[Power], bins: int) -> tuple[Power, Power]:
    """Return the powers of the cells of a signal, and the mean powers of their neighbors.

    Parameters
    ----------
    parts : list of array, shape (L,)
        Parts of a signal, or its channels. A frame is left out if a quarter of it is constant, as
        in digital silence.
    bins : int
        Number M of frequencies.

    Returns
    -------
    tuple of two arrays, shape (frames, M)
        The powers, and the mean powers of the cells around each.
    """
    from scipy.ndimage import convolve

    powers = signal_powers(parts, bins)
    around = [
        convolve(power, NEIGHBORS, mode="mirror") if power.size else power for power in powers
    ]
    return np.concatenate(powers), np.concatenate(around)


def signal_powers(parts: list[Power], bins: int) -> list[Power]:
    """Return the powers of the cells ``(frames, M)`` of each part of a signal.

    A frame is left out if a quarter of it is constant, as in digital silence.
    """
    powers = []
    for part in parts:
        quarters = part[: len(part) // (bins // 2) * (bins // 2)].reshape(-1, bins // 2)
        constant = np.ptp(quarters, axis=1) == 0
        four = np.lib.stride_tricks.sliding_window_view(constant, 4)[::2]
        powers.append(lapped_transform(part, bins)[~four.any(axis=1)] ** 2)
    return powers


def image_cells(item: Array) -> Power:
    """Return the powers of the cosine transforms of the `image_blocks`, shape ``(blocks, 8, 8)``."""
    blocks = image_blocks(item)
    return np.asarray(scipy.fft.dctn(blocks, axes=(1, 2), norm="ortho") ** 2)


def image_blocks(item: Array) -> Power:
    """Return overlapping 8×8 blocks of an image.

    Blocks are left out if they are constant, or if an eighth of their pixels or more have the
    smallest or the largest value of the image, as in clipped areas.

    Parameters
    ----------
    item : array, shape (C, H, W)
        An image of at least 16 × 16 pixels.

    Returns
    -------
    array, shape (blocks, 8, 8)
        At most 5,000 blocks of every channel.
    """
    found = []
    for channel in item:
        x = channel.astype(np.float64)
        blocks = np.lib.stride_tricks.sliding_window_view(x, (BLOCK, BLOCK))
        step = block_step(blocks.shape[:2])
        chosen = blocks[::step, ::step].reshape(-1, BLOCK, BLOCK)
        clipped = ((chosen == x.min()) | (chosen == x.max())).sum(axis=(1, 2)) >= BLOCK**2 // 8
        found.append(chosen[~clipped & (np.ptp(chosen, axis=(1, 2)) > 0)])
    return np.concatenate(found)


def block_step(shape: tuple[int, ...]) -> int:
    """Return the distance of the blocks of an image with so many possible ones along its axes."""
    return int(np.ceil(np.sqrt(shape[0] * shape[1] / MAX_BLOCKS)))


def quietest(order: Power, fraction: float, fewest: int) -> NDArray[np.intp]:
    """Return the indices of the smallest values: a fraction of them, but at least ``fewest``.

    Examples
    --------
    >>> sorted(quietest(np.array([3.0, 1.0, 2.0, 5.0]), 0.25, 2).tolist())
    [1, 2]
    """
    count = min(len(order), max(int(fraction * len(order)), fewest))
    return np.argpartition(order, count - 1)[:count]
