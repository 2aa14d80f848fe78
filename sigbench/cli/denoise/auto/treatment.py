"""How ``auto`` treats the noise of an item: what is removed first, and the model of the rest."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sigbench.benchmark.methods.describe import bind_problem_info
from sigbench.benchmark.methods.resolve import resolve
from sigbench.benchmark.methods.wrappers import LevelNormalized, Stabilized
from sigbench.cli.denoise.auto.candidates import Candidate
from sigbench.cli.denoise.auto.possible import PossibleNoise, as_stated, in_image, in_signal
from sigbench.cli.denoise.noise_checks import Finding, findings, noise_level
from sigbench.core.protocols import Array, Denoiser, NoiseModel
from sigbench.denoisers.noise import NOISE_ESTIMATORS, Quiet
from sigbench.denoisers.noise.hum import HARMONICS, find_hum
from sigbench.denoisers.noise.models import white_noise

Function = Callable[[Array], Array]  # of a batch

# What is removed before the noise is modelled, outermost first, as in the physical order: an
# impulse is added last.
REMOVED = ("impulses", "hum")
# The estimators for a kind of noise, in the order of the kinds that are tried, and wrappers.
MODELLED = {
    "colored": ("smooth-spectrum", "subband"),
    "signal-dependent": ("poisson-gaussian",),
    "varying": ("varying",),
}
WRAPPERS = {"signal-dependent": "stabilized", "varying": "level-normalized"}
WHITE = ("quiet", "mad")
ONLY_IN_SIGNALS, ONLY_IN_IMAGES = ("mad",), ("subband",)
# In signals of less than 512 samples there are too few quiet parts. This estimator uses the finest
# details or the floor of the spectrum, whichever is lower.
SHORT = 512
WHITE_IF_SHORT = "rounding"
# Smallest and largest level of a model relative to white noise, by the number of space axes, chosen
# on development data. Colored noise of nearly the same level as white noise is texture taken for
# noise; colored or signal-dependent noise of a much higher level is signal.
LIMITS = {
    ("colored", 2): (1.4, 8.0),
    ("signal-dependent", 1): (0.0, 2.2),
    ("signal-dependent", 2): (0.0, 2.2),
}
# Standard deviation of the logarithm of the estimated power, for signals and images, on development
# data. The spectra of stationary noise in signals have their own probabilities besides.
LEVEL_SD = {
    "white": {1: 0.1, 2: 0.09},
    "colored": {1: 0.1, 2: 0.2},
    "signal-dependent": {1: 0.12, 2: 0.1},
    "varying": {1: 0.15, 2: 0.1},
}
COMPRESSED = 2.0  # ratio of the colored to the rounded level
ZERO = 1e-9  # of the largest value: the size of rounding errors
# The median of the finest details is more precise than the quiet parts, if both agree so well.
AGREE = 1.12
# Largest p-values that change the treatment. They are smaller than those of cautions, because signals
# violate the assumptions of the tests: onsets of speech look like impulses, and the tones of machines
# like mains hum.
STRONG = {"impulses": 1e-20, "hum": 1e-5, "signal-dependent": 1e-8, "varying": 1e-6}
STRONG_IN_IMAGES = 1e-8  # largest p-value of colored noise
# A varying level is checked by the quiet parts of pieces: their levels must differ by such a ratio,
# and agree with the model so well.
PIECE, PIECES = {1: 512, 2: 64}, {1: 4, 2: 2}  # samples, and pieces along each axis
MIN_CHANGE, MAX_DIFFERENCE, MAX_EXCESS = {1: 1.4, 2: 1.8}, 1.4, 1.15


@dataclass(frozen=True)
class Fixed:
    """A noise estimator that returns one model for every item."""

    model: NoiseModel

    def estimate_noise(self, noisy: Array) -> NoiseModel:
        """Return the model, repeated for the items of a batch."""
        return repeated(self.model, len(noisy))


@dataclass(frozen=True)
class Treatment:
    """How the noise of one item is treated.

    Attributes
    ----------
    kind : str
        "white", or the kind of the finding that decides.
    outer : tuple of str
        Methods that remove parts of the noise first, with ``...`` for the next one.
    cleared : array, shape (1, C, *space)
        The item without these parts.
    wrapper, estimator : str
        The wrapper for methods, and the estimator of the noise; no estimator if the level was given.
    model : NoiseModel
        The noise in ``cleared``.
    findings : tuple of Finding
        The assumptions on white Gaussian noise that the item violates.
    possible : PossibleNoise
        The noise that the item may have instead; its spectra are stationary.
    """

    kind: str
    outer: tuple[str, ...]
    cleared: Array
    wrapper: str
    estimator: str
    model: NoiseModel
    findings: tuple[Finding, ...]
    possible: PossibleNoise

    @property
    def level(self) -> float:
        """Root mean square of the noise."""
        return float(self.model.level[0])

    def text(self, candidate: Candidate) -> str:
        """Return a candidate with the treatment, as it is typed on the command line."""
        inner = str(candidate.spec)
        if self.wrapper in ("stabilized", "level-normalized"):
            inner = f"{self.wrapper}[method={inner}]"
        elif self.estimator:
            absolute = candidate.at_level(self.level)
            white = self.kind != "colored" or not candidate.accepts_model
            if white and absolute is not None:
                inner = absolute
            else:
                inner = f"with-noise[method={inner},noise={self.estimator}]"
        for template in reversed(self.outer):
            inner = template.replace("...", inner)
        return inner

    def function(self, candidate: Candidate, peak: float | None) -> Function:
        """Return a candidate as a function of batches like ``cleared``, with the noise fixed."""
        method = method_of(str(candidate.spec), peak=peak)
        if self.wrapper == "stabilized":
            return _plain(Stabilized(method, Fixed(self.model)))
        if self.wrapper == "level-normalized":
            return _plain(LevelNormalized(method, Fixed(self.model)))
        if self.kind == "colored" and candidate.accepts_model:
            return lambda y: method(y, sigma=repeated(self.model, len(y)))
        if not candidate.uses_level:
            return _plain(method)
        return lambda y: method(y, sigma=np.full(len(y), self.level))


def treatment_of(
    item: Array, level: float | None, fs: float | None, peak: float | None
) -> Treatment:
    """Decide how the noise of an item is treated.

    Parameters
    ----------
    item : array, shape (C, *space)
        The noisy item.
    level : float, optional
        The level of white noise, if it was given.
    fs : float, optional
        Sampling rate in Hz.
    peak : float, optional
        The largest value that the file can represent.
    """
    batch = item[None]
    rough = noise_level(item) or float(estimated(WHITE, batch)[1].level[0])
    if rough <= ZERO * float(np.abs(item).max(initial=0.0)):
        rough = 0.0
    found = findings(item, level if level is not None else rough, fs)
    by_kind = {
        finding.kind: finding
        for finding in found
        if finding.p_value <= STRONG.get(finding.kind, 1.0)
    }
    if "hum" in by_kind and not _is_hum(item, fs):
        del by_kind["hum"]
    outer = tuple(by_kind[kind].remedy for kind in REMOVED if kind in by_kind)
    cleared = without(batch, outer, fs, peak)
    if level is not None or rough == 0:
        given: NoiseModel = white_noise(np.array([level or 0.0]), item.ndim - 1)
        possible = as_stated(given, cleared.shape[2:])
        return Treatment("white", outer, cleared, "with-noise", "", given, found, possible)
    spectra = in_signal(cleared[0], LEVEL_SD["white"][1]) if item.ndim == 2 else None
    colored = _is_colored(by_kind, cleared) if spectra is None else spectra.white < 0.5
    kind, estimator, model = _modelled(cleared, [*(["colored"] if colored else []), *by_kind])
    level_sd = LEVEL_SD[kind][item.ndim - 1]
    if spectra is not None and kind in ("white", "colored"):
        possible = spectra.noise
    elif kind == "colored":
        possible = in_image(model, estimated(WHITE, cleared)[1], cleared.shape[2:], level_sd)
    else:
        possible = as_stated(model, cleared.shape[2:], level_sd)
    wrapper = WRAPPERS.get(kind, "with-noise")
    return Treatment(kind, outer, cleared, wrapper, estimator, model, found, possible)


def _modelled(cleared: Array, kinds: Collection[str]) -> tuple[str, str, NoiseModel]:
    """Return the kind of the noise, the estimator and its model: the first that is plausible."""
    white_estimator, white = estimated(WHITE, cleared)
    for kind, estimators in MODELLED.items():
        if kind not in kinds:
            continue
        estimator, model = estimated(estimators, cleared)
        ratio = float(model.level[0]) / max(float(white.level[0]), np.finfo(float).tiny)
        low, high = LIMITS.get((kind, cleared.ndim - 2), (0.0, np.inf))
        if kind == "varying" and not has_such_levels(cleared, model):
            continue
        if low <= ratio <= high:
            return kind, estimator, model
    return "white", white_estimator, white


def _is_hum(signal: Array, fs: float | None) -> bool:
    """Return whether lines of a signal ``(C, L)`` are mains hum, and not tones of the signal.

    The mains frequency itself or two of its harmonics must be significant, and the rest of the
    signal must have more power.
    """
    for channel in signal:
        hum = find_hum(channel, fs)
        if hum is None or np.sum(hum.wave**2) > np.sum((channel - channel.mean() - hum.wave) ** 2):
            continue
        orders = [k for k in range(1, HARMONICS + 1) if k * hum.base < fs / 2]  # type: ignore[operator]
        lines = (k for k in orders if find_hum(channel, fs, frequency=k * hum.base, harmonics=1))
        if next(lines, 0) == 1 or next(lines, 0):
            return True
    return False


def _is_colored(by_kind: Mapping[str, Finding], image: Array) -> bool:
    """Return whether there is enough evidence for colored noise in an image."""
    strong = "colored" in by_kind and by_kind["colored"].p_value < STRONG_IN_IMAGES
    return strong or _is_compressed(by_kind, image)


def has_such_levels(batch: Array, model: NoiseModel) -> bool:
    """Return whether the quiet parts of pieces of an item have the levels of a model, too.

    The model uses the finest details, in which a signal of high frequency that begins, and texture,
    look like noise whose level changes.
    """
    space, dimensions = batch.shape[2:], batch.ndim - 2
    counts = [min(PIECES[dimensions], n // PIECE[dimensions]) for n in space]
    if math.prod(counts) < 2:
        return False
    axes = [np.array_split(np.arange(n), k) for n, k in zip(space, counts, strict=True)]
    pieces: list[Any] = [
        (Ellipsis, *(slice(one[0], one[-1] + 1) for one in piece))
        for piece in itertools.product(*axes)
    ]
    quiet, variance = Quiet(), model.variance(batch)
    found = [float(quiet.estimate_noise(batch[piece]).level[0]) for piece in pieces]
    if min(found) == 0:
        return False
    stated = [math.sqrt(float(variance[piece].mean())) for piece in pieces]
    change, difference = max(found) / min(found), np.abs(np.log(np.divide(stated, found))).max()
    excess = float(np.linalg.norm(stated) / np.linalg.norm(found))
    return bool(
        change > MIN_CHANGE[dimensions]
        and difference < math.log(MAX_DIFFERENCE)
        and excess < MAX_EXCESS
    )


def _is_compressed(by_kind: Mapping[str, Finding], batch: Array) -> bool:
    """Return whether an image only looks rounded, because compression removed its finest details."""
    if "rounded" not in by_kind:
        return False
    names = (("rounding",), MODELLED["colored"])
    rounded, colored = (float(estimated(one, batch)[1].level[0]) for one in names)
    return colored > COMPRESSED * rounded


def without(batch: Array, outer: tuple[str, ...], fs: float | None, peak: float | None) -> Array:
    """Return a batch after the methods that remove parts of the noise."""
    if not outer:
        return batch
    text = functools.reduce(lambda inner, one: one.replace("...", inner), outer[::-1], "noisy")
    return method_of(text, fs=fs, peak=peak)(batch.copy())


def estimated(estimators: tuple[str, ...], batch: Array) -> tuple[str, NoiseModel]:
    """Return the noise of the lowest level that some estimators find: signal adds to the others.

    White noise has the level of the quiet parts, or of all finest details if both agree.
    """
    table: Mapping[str, Any] = NOISE_ESTIMATORS
    if estimators == WHITE and batch.ndim == 3 and batch.shape[-1] < SHORT:
        return WHITE_IF_SHORT, table[WHITE_IF_SHORT]().estimate_noise(batch)
    models: dict[str, NoiseModel] = {
        name: table[name]().estimate_noise(batch)
        for name in estimators
        if name not in (ONLY_IN_IMAGES if batch.ndim == 3 else ONLY_IN_SIGNALS)
    }
    levels = {name: float(model.level[0]) for name, model in models.items()}
    chosen = min(levels, key=lambda name: levels[name])
    if estimators == WHITE:
        quiet, details = levels["quiet"], levels.get("mad", math.inf)
        chosen = "mad" if quiet <= AGREE * details <= AGREE**2 * quiet else "quiet"
    return chosen, models[chosen]


def method_of(text: str, *, fs: float | None = None, peak: float | None = None) -> Denoiser:
    """Return the method of a text, with the problem information that is known."""
    known = {name: value for name, value in (("fs", fs), ("peak", peak)) if value is not None}
    method: Denoiser = bind_problem_info(resolve(text)[0].entry, known)
    return method


def repeated(model: NoiseModel, count: int) -> NoiseModel:
    """Return a model of one item for several items; its fields are arrays with the item first."""
    fields: Any = model
    arrays = {field.name: getattr(model, field.name) for field in dataclasses.fields(fields)}
    copies: NoiseModel = dataclasses.replace(
        fields, **{name: np.repeat(array, count, axis=0) for name, array in arrays.items()}
    )
    return copies


def _plain(method: Denoiser) -> Function:
    return lambda y: method(y)
