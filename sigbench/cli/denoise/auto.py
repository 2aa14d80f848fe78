"""The method ``auto``: the best of a table, as SURE judges them on the file itself."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sigbench.benchmark.methods.resolve import Method, resolve
from sigbench.benchmark.methods.sure import sure
from sigbench.cli.denoise.noise_checks import doubts, noise_level
from sigbench.core.media import Content
from sigbench.core.protocols import Array, Domain

# Those without jumps, which SURE needs; lists are swept. Weights are in noise levels.
CANDIDATES: dict[Domain, tuple[str, ...]] = {
    "signal": (
        "gaussian-blur[width=[0.5,0.7,1,1.5,2,3,4,6,8,12,16]]",
        "local-wiener[window=[5,9,17,33,65],noise_over_sigma=[1,1.4,2]]",
        "wavelet[wavelet=[haar,sym8],rule=bayes,shifts=8]",
        "wavelet[wavelet=[haar,sym8],rule=sure,shifts=8]",
        "wavelet[wavelet=[haar,sym8],rule=visu,scale=[0.3,0.4,0.5,0.7,1],shifts=8]",
        "l1[transform=dct,lam_over_sigma=[0.5,1,1.5,2,2.5,3,4]]",
        "tv[lam_over_sigma=[0.5,0.75,1,1.5,2,3,4]]",
    ),
    "speech": (
        "gaussian-blur[width=[0.4,0.5,0.7,1,1.4,2]]",
        "local-wiener[window=[5,11,31,101],noise_over_sigma=[1,1.2,1.5]]",
        "wavelet[wavelet=[sym8,db16],rule=bayes,shifts=4]",
        "wavelet[wavelet=[sym8,db16],rule=sure,shifts=4]",
        "wavelet[wavelet=[sym8,db16],rule=visu,scale=[0.1,0.2,0.3,0.5],shifts=4]",
        "l1[transform=dct,lam_over_sigma=[0.5,1,1.5,2]]",
    ),
    "image": (
        "gaussian-blur[width=[0.3,0.4,0.5,0.6,0.7,0.85,1,1.4,2]]",
        "local-wiener[window=[3,5,7,9],noise_over_sigma=[1,1.2]]",
        "wavelet[wavelet=[haar,sym4],rule=bayes,shifts=3]",
        "wavelet[wavelet=[haar,sym4],rule=sure,shifts=3]",
        "wavelet[wavelet=[haar,sym4],rule=visu,scale=[0.1,0.2,0.3,0.45],shifts=3]",
        "l1[transform=dct,lam_over_sigma=[0.3,0.6,1,1.5,2]]",
        "tv[lam_over_sigma=[0.25,0.4,0.6,0.8,1.1]]",
    ),
}
MAX_SAMPLES = 2**17  # judged on, of one item; longer ones by excerpts
EXCERPT = {1: 2**14, 2: 2**7}  # samples along each axis


@dataclass(frozen=True)
class Expected:
    """A method as it is written, and the root-mean-square error that it should leave."""

    method: str
    rmse: float


@dataclass(frozen=True)
class Choice:
    """What was chosen for one item of a file (a channel, a column, an image), and why.

    Attributes
    ----------
    sigma : float
        The noise level that the choice went by.
    sigma_given : bool
        Whether it was told, else estimated.
    expected : tuple of Expected
        Every kind of method at its best setting, the noisy input too, best first.
    low, high : float
        Where the best one's error is in 95 of 100 files, as one draw of noise can tell it.
    doubts : tuple of str
        Which assumptions do not hold, a line each.
    """

    sigma: float
    sigma_given: bool
    expected: tuple[Expected, ...]
    low: float
    high: float
    doubts: tuple[str, ...]


def denoise_automatically(
    content: Content, levels: NDArray[np.float64] | None
) -> tuple[Array, tuple[Choice, ...]]:
    """Denoise each item of a file by the method of the table that SURE expects the most of.

    Parameters
    ----------
    content : Content
        The file.
    levels : array of shape (N,), or None
        The noise level of each item; None estimates it.
    """
    sigma_given = levels is not None
    estimate = content.batch.copy()
    choices = []
    for i, item in enumerate(content.batch):
        sigma = noise_level(item) if levels is None else float(levels[i])
        judged = _judged(item, sigma, content.domain)
        best, _ = judged[0]
        estimate[i] = best.entry(content.batch[i : i + 1], sigma=sigma)[0]  # type: ignore[operator]
        # an unbiased estimate of a small error can be below zero
        expected = tuple(Expected(one.name, math.sqrt(max(mse, 0.0))) for one, mse in judged)
        low, high = _interval(item, sigma, sigma_given, expected[0].rmse)
        choices.append(Choice(sigma, sigma_given, expected, low, high, tuple(doubts(item, sigma))))
    return estimate, tuple(choices)


def _judged(item: Array, sigma: float, domain: Domain) -> list[tuple[Method, float]]:
    """Return each kind of method at its best setting with its expected MSE, best first."""
    noisy = (resolve("noisy")[0], sigma**2)
    if sigma == 0:
        return [noisy]
    excerpts = _excerpts(item)
    judged = [noisy]
    for text in CANDIDATES[domain]:
        swept = resolve(text, sigma_given=True)
        errors = [float(np.mean(sure(one.entry, excerpts, sigma).mse)) for one in swept]  # type: ignore[arg-type]
        best = int(np.argmin(errors))
        judged.append((swept[best], errors[best]))
    return sorted(judged, key=lambda pair: pair[1])


def _interval(item: Array, sigma: float, sigma_given: bool, rmse: float) -> tuple[float, float]:
    """Return the error that SURE finds, give or take two of its standard deviations.

    In ‖f(y) − y‖²/n − σ² the power of the noise varies by σ²√(2/n) around σ²; and where σ was
    estimated as a median of m details, σ̂² does by 2.3σ²/√m.
    """
    n = min(item.size, MAX_SAMPLES)
    m = item.size / (2 if item.ndim == 2 else 8)
    deviation = sigma**2 * math.sqrt(2 / n + (0 if sigma_given else 5.4 / m))
    return math.sqrt(max(rmse**2 - 2 * deviation, 0)), math.sqrt(rmse**2 + 2 * deviation)


def _excerpts(item: Array) -> Array:
    """Return the item as a batch of one, or evenly spread excerpts ``(S, C, *space)`` of it."""
    if item.size <= MAX_SAMPLES:
        return item[None]
    space = item.shape[1:]
    sides = [min(n, EXCERPT[len(space)]) for n in space]
    count = max(1, MAX_SAMPLES // (item.shape[0] * math.prod(sides)))
    along = max(1, round(count ** (1 / len(space))))
    starts = [
        np.unique(np.linspace(0, n - side, along).astype(int))
        for n, side in zip(space, sides, strict=True)
    ]
    return np.stack(
        [
            item[(slice(None), *(slice(a, a + side) for a, side in zip(at, sides, strict=True)))]
            for at in itertools.product(*starts)
        ]
    )


def as_text(choices: tuple[Choice, ...], content: Content) -> str:
    """Return what is expected of every method, a line each, for every item of the file."""
    names = {"speech": "channel", "signal": "column", "image": "image"}
    blocks = []
    for number, choice in enumerate(choices, 1):
        which = f"{names[content.domain]} {number}: " if len(choices) > 1 else ""
        source = "told" if choice.sigma_given else "estimated"
        lines = [f"{which}noise level {choice.sigma:.4g} ({source}); expected of each method:"]
        width = max(len(expected.method) for expected in choice.expected)
        for expected in choice.expected:
            line = f"  {expected.method:{width}}  RMSE {expected.rmse:<9.4g}"
            if content.peak is not None and expected.rmse > 0:
                line += f"  PSNR {20 * math.log10(content.peak / expected.rmse):5.2f} dB"
            lines.append(line.rstrip())
        if choice.sigma > 0:
            lines.append(
                f"  the best one's RMSE is in {choice.low:.3g} to {choice.high:.3g} (95 %, by chance alone)"
            )
        lines += [f"  caution: {doubt}" for doubt in choice.doubts]
        if choice.doubts and choice.sigma > 0:
            lines.append("  so all of these figures, and the choice by them, may be wrong")
        blocks.append("\n".join(lines))
    return "\n".join(blocks)
