"""The method ``auto`` for white noise: choose from a list of methods by SURE on the file itself."""

from __future__ import annotations

import itertools
import math
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sigbench.benchmark.methods.resolve import Method, resolve
from sigbench.benchmark.methods.sure import sure
from sigbench.cli.denoise.noise_checks import doubts, noise_level
from sigbench.core.errors import InputError
from sigbench.core.media import Content
from sigbench.core.protocols import Array, Domain
from sigbench.transforms import default_level

# Lists are sweeps. SURE needs continuous methods. Weights are relative to the noise level.
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
MAX_SAMPLES = 2**17  # of an item; SURE of longer ones is computed on excerpts
EXCERPT = {1: 2**14, 2: 2**7}  # samples along each axis


@dataclass(frozen=True)
class Expected:
    """The error that a method is expected to leave.

    Attributes
    ----------
    method : str
        The method and its setting, as typed on the command line.
    sure : float
        Stein's unbiased risk estimate of the mean squared error; it can be negative.
    """

    method: str
    sure: float

    @property
    def rmse(self) -> float:
        """The expected root mean squared error; NaN if SURE is negative."""
        return math.sqrt(self.sure) if self.sure >= 0 else math.nan


@dataclass(frozen=True)
class Choice:
    """The method chosen for one item of a file (a channel, a column or an image), and why.

    Attributes
    ----------
    sigma : float
        The noise level used.
    sigma_given : bool
        Whether the noise level was given; otherwise it was estimated.
    expected : tuple of Expected
        The noisy input and every method at its best setting, best first.
    low, high : float
        95 % interval of the RMSE of the best method, for white Gaussian noise; NaN if SURE is lower
        than chance can explain.
    doubts : tuple of str
        The assumptions of SURE that are violated, one line each.
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
    """Denoise each item of a file by the method with the lowest SURE.

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
        _check_finite_power(item, sigma)
        ranked = _ranked(item, sigma, content.domain)
        best, lowest = ranked[0]
        estimate[i] = best.entry(content.batch[i : i + 1], sigma=sigma)[0]  # type: ignore[operator]
        expected = tuple(Expected(method.name, mse) for method, mse in ranked)
        low, high = _interval(item, sigma, sigma_given, lowest)
        choices.append(Choice(sigma, sigma_given, expected, low, high, tuple(doubts(item, sigma))))
    return estimate, tuple(choices)


def _check_finite_power(item: Array, sigma: float) -> None:
    """Check that squares of the values have a finite sum, which SURE needs."""
    largest = max(float(np.abs(item).max(initial=0.0)), sigma)
    limit = math.sqrt(sys.float_info.max / max(item.size, 1)) / 1e3
    if largest > limit:
        raise InputError(f"values of {largest:.3g} are too large for auto: at most {limit:.3g}")


def _ranked(item: Array, sigma: float, domain: Domain) -> list[tuple[Method, float]]:
    """Return each kind of method at its best setting with its SURE, lowest first.

    SURE contains the term ‖y − x‖²/n − σ², which makes it negative by chance, but cancels in the
    differences of methods. With clipped noise, or a given level that is too large, SURE is far below
    zero, and the ranking is a guess: on photographs clipped at σ = 100 it picks a method of about
    the median error.
    """
    noisy = (resolve("noisy")[0], sigma**2)
    if sigma == 0:
        return [noisy]
    excerpts = _excerpts(item)
    ranked = [noisy]
    for text in CANDIDATES[domain]:
        swept = [one for one in resolve(text, sigma_given=True) if _is_applicable(one, item)]
        if not swept:
            continue
        errors = [float(np.mean(sure(one.entry, excerpts, sigma).mse)) for one in swept]  # type: ignore[arg-type]
        best = int(np.argmin(errors))
        ranked.append((swept[best], errors[best]))
    return sorted(ranked, key=lambda pair: pair[1])


def _is_applicable(method: Method, item: Array) -> bool:
    """Return whether an item is long enough for the wavelet of a method, if it has one."""
    wavelet = getattr(method.entry, "wavelet", None)
    return wavelet is None or default_level(item.shape[1:], wavelet) > 0


def _interval(item: Array, sigma: float, sigma_given: bool, mse: float) -> tuple[float, float]:
    """Return the RMSE for SURE plus or minus two standard deviations.

    The noise power in ‖f(y) − y‖²/n − σ² has the standard deviation σ²√(2/n). If σ is estimated as
    the median of m details, that of σ̂² is 2.3σ²/√m.
    """
    n = min(item.size, MAX_SAMPLES)
    m = item.size / (2 if item.ndim == 2 else 8)
    deviation = sigma**2 * math.sqrt(2 / n + (0 if sigma_given else 5.4 / m))
    if mse < -2 * deviation:
        return math.nan, math.nan
    return math.sqrt(max(mse - 2 * deviation, 0)), math.sqrt(max(mse, 0) + 2 * deviation)


def _excerpts(item: Array) -> Array:
    """Return evenly spaced excerpts ``(S, C, *space)`` of an item; a short item is returned whole."""
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
    """Return the expected error of every method, one line each, for every item of the file."""
    names = {"speech": "channel", "signal": "column", "image": "image"}
    blocks = []
    for number, choice in enumerate(choices, 1):
        which = f"{names[content.domain]} {number}: " if len(choices) > 1 else ""
        source = "given" if choice.sigma_given else "estimated"
        lines = [f"{which}noise level {choice.sigma:.4g} ({source}); expected error by method:"]
        width = max(len(expected.method) for expected in choice.expected)
        for expected in choice.expected:
            lines.append(f"  {expected.method:{width}}  {_error(expected, content.peak)}")
        lines += [f"  {note}" for note in _notes(choice)]
        blocks.append("\n".join(lines))
    return "\n".join(blocks)


def _error(expected: Expected, peak: float | None) -> str:
    if math.isnan(expected.rmse):
        return f"RMSE unknown, SURE {expected.sure:.4g}"
    if peak is None or expected.rmse == 0:
        return f"RMSE {expected.rmse:.4g}"
    return f"RMSE {expected.rmse:<9.4g}  PSNR {20 * math.log10(peak / expected.rmse):5.2f} dB"


def _notes(choice: Choice) -> list[str]:
    """Return notes on the reliability of the expected errors."""
    if choice.sigma == 0:
        return [f"caution: {doubt}" for doubt in choice.doubts]
    notes = []
    unknown = sum(math.isnan(expected.rmse) for expected in choice.expected)
    if unknown:
        notes.append(
            f"SURE, the estimate of the squared error, is negative for {unknown} of "
            f"{len(choice.expected)}: their errors are unknown"
        )
    if math.isnan(choice.low):
        notes += [
            "caution: these expected errors are not reliable: SURE is lower than chance can explain;",
            "  the noise level is too large for this file, or the noise is not white and Gaussian;",
            "  the method with the lowest SURE was used, but another may be better",
        ]
    else:
        notes.append(
            f"95 % interval of the best RMSE, by chance alone: {choice.low:.3g} to {choice.high:.3g}"
        )
    notes += [f"caution: {doubt}" for doubt in choice.doubts]
    if choice.doubts:
        notes.append("so these errors, and the method chosen by them, may be wrong")
    return notes
