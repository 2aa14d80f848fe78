"""The method ``auto``: choose the noise model and the method for each item of a file."""

from __future__ import annotations

import itertools
import math
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sigbench.benchmark.methods.sure import sure
from sigbench.cli.denoise.auto.candidates import Candidate, candidates
from sigbench.cli.denoise.auto.treatment import Treatment, method_of, repeated, treatment_of
from sigbench.core.errors import InputError
from sigbench.core.media import Content
from sigbench.core.progress import Progress
from sigbench.core.protocols import Array, NoiseModel, Sigma
from sigbench.denoisers.noise.models import VaryingNoise
from sigbench.transforms import default_level

MAX_SAMPLES = {1: 2**15, 2: 2**16}  # of an item; SURE of longer ones is computed on excerpts
EXCERPT = {1: 2**13, 2: 2**7}  # samples along each axis
PROBES = {1: 2**15, 2: 2**16}  # samples of all probes together, for one method
MAX_PROBES = 12
FIRST_PROBES, FINALISTS = 4, 12  # all methods have few probes, and the best more
STEP = 0.2  # of a probe, in noise levels: large enough to see the jumps of hard thresholds
FULL_SEARCHES = 3  # items of a file; later ones only try what was good for these
KEPT = 4  # methods of each full search
# Errors of an expected squared error relative to σ², for signals and images, calibrated on the
# development records of benchmarks/auto.py. The range has two standard deviations, by the errors of
# the noise model and of what is removed first. Its upper end also allows for noise that is
# colored: by the power of the noise in excess of such a ratio if it was found to be white, and by a
# constant if it was found to be colored, because noise of low frequency is missed.
MODEL_SD = {
    "white": {1: 0.08, 2: 0.09},
    "colored": {1: 0.3, 2: 0.3},
    "signal-dependent": {1: 0.12, 2: 0.1},
    "varying": {1: 0.15, 2: 0.1},
}
EXCESS, EXCESS_COLORED = 1.25, {1: 0.35, 2: 1.8}
REMOVAL_SD = 0.3
# Weight of the divergence in the choice, for signals and images, chosen on development data. In
# white noise the estimated level is more often too low, and in colored noise too high; an estimate
# that follows the noise costs more than one that is too smooth.
WEIGHT, WEIGHT_COLORED = {1: 1.2, 2: 1.05}, {1: 1.35, 2: 1.2}


@dataclass(frozen=True)
class Expected:
    """The error that a method is expected to leave.

    Attributes
    ----------
    method : str
        The method and its settings, as typed on the command line.
    mse : float
        Stein's unbiased estimate of the mean squared error; it can be negative.
    sd : float
        Standard deviation of the estimate, with the error of the estimated noise.
    score : float
        The estimate with another weight of the divergence; the choice is the smallest.
    excess : float
        What a wrong model of the noise may add to the mean squared error.
    """

    method: str
    mse: float
    sd: float
    score: float
    excess: float = 0.0

    @property
    def low(self) -> float | None:
        """Lower end of the 95 % range of the root mean squared error; None if it is not known."""
        least = self.mse - 2 * self.sd
        return math.sqrt(least) if least > 0 else None

    @property
    def high(self) -> float:
        """Upper end of the 95 % range of the root mean squared error."""
        return math.sqrt(max(self.mse, 0.0) + 2 * self.sd + self.excess)


@dataclass(frozen=True)
class Choice:
    """The method chosen for one item of a file (a channel, a column or an image), and why.

    Attributes
    ----------
    treatment : Treatment
        How the noise is treated.
    sigma_given : bool
        Whether the noise level was given; otherwise it was estimated.
    expected : tuple of Expected
        Every kind of method at its best setting, best first; the first one is used.
    """

    treatment: Treatment
    sigma_given: bool
    expected: tuple[Expected, ...]

    @property
    def sigma(self) -> float:
        """The noise level."""
        return self.treatment.level

    @property
    def doubts(self) -> tuple[str, ...]:
        """The assumptions on white Gaussian noise that the item violates, one line each."""
        return tuple(finding.text for finding in self.treatment.findings)


def denoise_automatically(
    content: Content, levels: NDArray[np.float64] | None
) -> tuple[Array, tuple[Choice, ...]]:
    """Denoise each item of a file by the method with the smallest expected error.

    Parameters
    ----------
    content : Content
        The file.
    levels : array of shape (N,), or None
        The level of white noise in each item; None chooses a model of the noise.
    """
    estimate = content.batch.copy()
    choices: list[Choice] = []
    gray_levels = content.domain == "image" and content.peak == 255
    everything = candidates(content.domain, gray_levels=gray_levels)
    good: dict[str, list[Candidate]] = {}
    steps = len(everything) + FINALISTS
    quiet = not sys.stderr.isatty()
    with Progress(steps * len(estimate), "method", quiet=quiet) as progress:
        for i, item in enumerate(content.batch):
            level = None if levels is None else float(levels[i])
            _check_finite_power(item, level or 0.0)
            treatment = treatment_of(item, level, content.fs, content.peak)
            tried = everything if i < FULL_SEARCHES else good.get(treatment.kind, everything)
            ranked = _ranked(treatment, tried, content.peak, progress)
            if tried is everything:
                good.setdefault(treatment.kind, []).extend(one for one, _ in ranked[:KEPT] if one)
            expected = tuple(one for _, one in ranked)
            method = method_of(expected[0].method, fs=content.fs, peak=content.peak)
            given = None if level is None else np.array([level], content.batch.dtype)
            estimate[i] = method(content.batch[i : i + 1].copy(), sigma=given)[0]
            choices.append(Choice(treatment, level is not None, expected))
            progress.set_done(steps * (i + 1), steps * len(estimate))
    return estimate, tuple(choices)


def _check_finite_power(item: Array, sigma: float) -> None:
    """Check that squares of the values have a finite sum, which SURE needs."""
    largest = max(float(np.abs(item).max(initial=0.0)), sigma)
    limit = math.sqrt(sys.float_info.max / max(item.size, 1)) / 1e3
    if largest > limit:
        raise InputError(f"values of {largest:.3g} are too large for auto: at most {limit:.3g}")


def _ranked(
    treatment: Treatment, tried: list[Candidate], peak: float | None, progress: Progress
) -> list[tuple[Candidate | None, Expected]]:
    """Return each kind of method at its best setting, best first; None is the item itself."""
    unchanged = _unchanged(treatment)
    if treatment.level == 0:
        return [(None, unchanged)]
    excerpts, model = _excerpts(treatment)
    scored: dict[Candidate, Expected] = {}
    for one in tried:
        if _is_applicable(one, treatment.cleared[0]):
            scored[one] = _expected(one, excerpts, model, treatment, peak, FIRST_PROBES)
        progress.advance()
    finalists = sorted(scored, key=lambda one: scored[one].score)[:FINALISTS]
    for one in finalists:
        scored[one] = _expected(one, excerpts, model, treatment, peak, MAX_PROBES)
        progress.advance()
    best: dict[int, Candidate] = {}
    for one, expected in scored.items():
        if one.family not in best or expected.score < scored[best[one.family]].score:
            best[one.family] = one
    ranked: list[tuple[Candidate | None, Expected]] = [(None, unchanged)]
    ranked += [(one, scored[one]) for one in best.values()]
    return sorted(ranked, key=lambda pair: pair[1].score)


def _unchanged(treatment: Treatment) -> Expected:
    """Return the error of the item itself, after the removal of parts of the noise."""
    text = "noisy"
    for template in reversed(treatment.outer):
        text = template.replace("...", text)
    power, n = treatment.level**2, treatment.cleared.size
    sd = power * math.hypot(_relative_sd(treatment), math.sqrt(2 / n))
    return Expected(text, power, sd, (2 * _weight(treatment) - 1) * power, _excess(treatment))


def _relative_sd(treatment: Treatment) -> float:
    dimensions = treatment.cleared.ndim - 2
    model = MODEL_SD[treatment.kind][dimensions] if treatment.estimator else 0.0
    return math.hypot(model, REMOVAL_SD if treatment.outer else 0.0)


def _excess(treatment: Treatment) -> float:
    """Return what a wrong model of the noise may add to an expected squared error."""
    if not treatment.estimator:
        return 0.0
    if treatment.kind == "colored":
        return EXCESS_COLORED[treatment.cleared.ndim - 2] * treatment.level**2
    return max(treatment.colored_level**2 - EXCESS * treatment.level**2, 0.0)


def _weight(treatment: Treatment) -> float:
    by_dimensions = WEIGHT_COLORED if treatment.kind == "colored" else WEIGHT
    return by_dimensions[treatment.cleared.ndim - 2]


def _expected(
    one: Candidate,
    excerpts: Array,
    model: NoiseModel,
    treatment: Treatment,
    peak: float | None,
    probes: int,
) -> Expected:
    function = treatment.function(one, peak)

    def denoiser(noisy: Array, *, sigma: Sigma = None) -> Array:
        return function(noisy)

    count = min(probes, max(2, PROBES[excerpts.ndim - 2] // excerpts.size))
    judged = sure(denoiser, excerpts, model, probes=count, epsilon=STEP)
    mse, power = float(np.mean(judged.mse)), float(np.mean(model.level**2))
    divergence = (mse + power - float(np.mean((judged.estimate - excerpts) ** 2))) / 2
    chance = float(np.sqrt(np.mean(judged.sd**2) / len(excerpts)))
    sd = math.hypot(chance, _relative_sd(treatment) * power)
    score = mse + 2 * (_weight(treatment) - 1) * divergence
    return Expected(treatment.text(one), mse, sd, score, _excess(treatment))


def _is_applicable(candidate: Candidate, item: Array) -> bool:
    """Return whether an item is long enough for the wavelet and the window of a method."""
    params, space = dict(candidate.spec.params), item.shape[1:]
    wavelet, window = params.get("wavelet"), params.get("window", 0)
    return window <= min(space) and (wavelet is None or default_level(space, wavelet) > 0)


def _excerpts(treatment: Treatment) -> tuple[Array, NoiseModel]:
    """Return evenly spaced excerpts ``(S, C, *space)`` and their noise; short items are whole."""
    item, model = treatment.cleared[0], treatment.model
    dimensions = item.ndim - 1
    most = MAX_SAMPLES[dimensions]
    if item.size <= most:
        return item[None].astype(np.float64), model
    space = item.shape[1:]
    sides = [min(n, EXCERPT[dimensions]) for n in space]
    count = max(1, most // (item.shape[0] * math.prod(sides)))
    along = max(1, round(count ** (1 / dimensions)))
    starts = [
        np.unique(np.linspace(0, n - side, along).astype(int))
        for n, side in zip(space, sides, strict=True)
    ]
    parts = [
        tuple(slice(a, a + side) for a, side in zip(at, sides, strict=True))
        for at in itertools.product(*starts)
    ]
    excerpts = np.stack([item[(slice(None), *part)] for part in parts]).astype(np.float64)
    if isinstance(model, VaryingNoise):
        return excerpts, VaryingNoise(np.stack([model.levels[0][(slice(None), *p)] for p in parts]))
    return excerpts, repeated(model, len(parts))
