"""The method ``auto``: choose the noise model and the method for each item of a file."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sigbench.benchmark.methods.sure import sure
from sigbench.cli.denoise.auto.candidates import Candidate, candidates
from sigbench.cli.denoise.auto.possible import Weighed, Weighing, plausible_levels
from sigbench.cli.denoise.auto.treatment import (
    Function,
    Treatment,
    method_of,
    repeated,
    treatment_of,
)
from sigbench.core.errors import InputError
from sigbench.core.media import Content
from sigbench.core.progress import Progress
from sigbench.core.protocols import Array, NoiseModel, Sigma
from sigbench.denoisers.noise.models import VaryingNoise
from sigbench.transforms import default_level

MAX_SAMPLES = {1: 2**15, 2: 2**17}  # of an item; SURE of longer ones is computed on excerpts
EXCERPT = {1: 2**13, 2: 2**7}  # samples along each axis
PROBES = {1: 2**15, 2: 2**16}  # samples of all probes together, for one method
MAX_PROBES = 12
FIRST_PROBES, FINALISTS = 4, 12  # all methods have few probes, and the best more
# Steps of a probe, in noise levels. A large one sees the jumps of hard thresholds; with a small one
# the divergence of total variation, whose flat regions a probe divides, is right.
STEP_HARD, STEP = 0.2, 0.05
FULL_SEARCHES = 3  # items of a file; later ones only try what was good for these
KEPT = 4  # methods of each full search
SELECTION = 1.25  # factor of the chance of SURE: the smallest of many values is too small
REMOVAL_SD = 0.3  # of a squared error relative to σ², if a part of the noise is removed first


@dataclass(frozen=True)
class Expected:
    """The error that a method is expected to leave.

    Attributes
    ----------
    method : str
        The method and its settings, as typed on the command line.
    mse : float
        Median of the expected mean squared error over the noise that the item may have; it is an
        unbiased estimate, and can be negative.
    low_mse, high_mse : float
        The 95 % range of the mean squared error.
    """

    method: str
    mse: float
    low_mse: float
    high_mse: float

    @property
    def low(self) -> float | None:
        """Lower end of the 95 % range of the root mean squared error; None if it is not known."""
        return math.sqrt(self.low_mse) if self.low_mse > 0 else None

    @property
    def high(self) -> float:
        """Upper end of the 95 % range of the root mean squared error."""
        return math.sqrt(max(self.high_mse, 0.0))


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
    found: dict[Candidate | None, Weighed] = {None: _unchanged(treatment)}
    if treatment.level == 0:
        return [(None, _expected(None, found, treatment))]
    excerpts, model = _excerpts(treatment)
    weighing = Weighing.of(treatment.possible, model, excerpts.shape[2:])

    def judge(one: Candidate, probes: int) -> None:
        step = STEP_HARD if one.jumps else STEP
        function = treatment.function(one, peak)
        found[one] = _judged(function, excerpts, model, weighing, probes, step)
        progress.advance()

    applicable = [one for one in tried if _is_applicable(one, treatment.cleared[0])]
    progress.advance(len(tried) - len(applicable))
    for one in applicable:
        judge(one, FIRST_PROBES)
    for one in sorted(applicable, key=lambda one: found[one].score)[:FINALISTS]:
        judge(one, MAX_PROBES)
    scores = {one: weighed.score for one, weighed in found.items()}
    best: dict[int, Candidate | None] = {}
    for candidate in scores:
        family = candidate.family if candidate else -1
        if family not in best or scores[candidate] < scores[best[family]]:
            best[family] = candidate
    ranked = sorted(best.values(), key=lambda one: scores[one])
    return [(one, _expected(one, found, treatment)) for one in ranked]


def _unchanged(treatment: Treatment) -> Weighed:
    """Return the error of the item itself, after the removal of parts of the noise."""
    power = treatment.possible.noise.level**2
    chance = math.sqrt(2 / treatment.cleared.size) * treatment.level**2
    return Weighed(treatment.possible, 0.0, power, power, chance)


def _judged(
    function: Function,
    excerpts: Array,
    model: NoiseModel,
    weighing: Weighing,
    probes: int,
    step: float,
) -> Weighed:
    def denoiser(noisy: Array, *, sigma: Sigma = None) -> Array:
        return function(noisy)

    count = min(probes, max(2, PROBES[excerpts.ndim - 2] // excerpts.size))
    judged = sure(denoiser, excerpts, model, probes=count, epsilon=step)
    return weighing.weighed(judged, excerpts)


def _expected(
    one: Candidate | None, found: Mapping[Candidate | None, Weighed], treatment: Treatment
) -> Expected:
    text = "noisy"
    if one is None:
        for template in reversed(treatment.outer):
            text = template.replace("...", text)
    else:
        text = treatment.text(one)
    removal = REMOVAL_SD * treatment.level**2 if treatment.outer else 0.0
    weighed = found[one]
    plausible = plausible_levels(found.values())
    low, middle, high = weighed.range(plausible, math.hypot(SELECTION * weighed.chance, removal))
    return Expected(text, middle, low, high)


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
