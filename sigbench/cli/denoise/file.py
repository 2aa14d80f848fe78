"""Denoise a file."""

from __future__ import annotations

import dataclasses
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sigbench.benchmark.methods.describe import bind_problem_info
from sigbench.benchmark.methods.functions import Function, PerItem
from sigbench.benchmark.methods.resolve import KINDS, Method, unsealed
from sigbench.benchmark.suites.suite import resolve_or_explain
from sigbench.cli.denoise.auto import Choice, denoise_automatically
from sigbench.cli.denoise.speech import SpeechChoice, denoise_speech
from sigbench.core.atomic import check_replaceable
from sigbench.core.cautions import cautions
from sigbench.core.errors import Caution, InputError
from sigbench.core.media import Content, family, read, write
from sigbench.core.protocols import (
    UNDESCRIBED,
    Array,
    Denoiser,
    Learner,
    Oracle,
    info_of,
)
from sigbench.core.validation import estimate_error
from sigbench.denoisers.noise_level import given_or_estimated
from sigbench.networks.pretrained.denoiser import Pretrained

MIN_ASPECT = 16  # of an array that is probably several signals


@dataclass(frozen=True)
class Denoised:
    """A denoised file.

    Attributes
    ----------
    content : Content
        The noisy file.
    sigma : tuple of float or None
        The distinct noise levels that the method was given; None if it was given none, or does not
        use it.
    choices : tuple of Choice
        The choices of the method ``auto`` by SURE, one per item of the file.
    speech : SpeechChoice or None
        The choice of the method ``auto`` for sound.
    sigma_unused : bool
        Whether a noise level was given to a method that does not use it.
    cautions : tuple of str
        Reasons why the result is probably not what was meant, one line each.
    """

    content: Content
    sigma: tuple[float, ...] | None
    choices: tuple[Choice, ...] = ()
    speech: SpeechChoice | None = None
    sigma_unused: bool = False
    cautions: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the batch."""
        return self.content.batch.shape


def denoise_file(
    source: Path,
    target: Path,
    method: str,
    *,
    sigma: float | str | None = None,
    force: bool = False,
) -> Denoised:
    """Denoise a WAV, FLAC, PNG, JPG, TIFF, CSV or NPY file.

    The result has the format, rate and size of the input. The channels of a sound and the columns
    of a table are denoised separately; a monotonic first column is an axis and is kept.

    Parameters
    ----------
    source, target : Path
        The input and the output, of the same kind (sound, image, table or array).
    method : str
        The spec of a denoiser, or ``auto``: a speech network for sound without ``sigma``, otherwise
        the method with the lowest SURE on the file, from a fixed list.
    sigma : float or "auto", optional
        The noise level in the file's units (sound: full scale is 1; images: gray levels);
        ``auto`` estimates it. By default the method is not given the noise level.
    force : bool
        Whether to replace an existing output.

    Raises
    ------
    InputError
        For invalid files, method or sigma. Nothing is written in that case.
    """
    if family(source) != family(target):
        raise InputError(
            f"{target.name} must be of the same kind as {source.name}: "
            f"{family(source)}, not {family(target)}"
        )
    if not target.parent.is_dir():
        raise InputError(f"{target.parent} is not a folder")
    content = read(source)
    with cautions() as found:
        done = _denoise(source, target, content, method, sigma, force)
    return dataclasses.replace(done, cautions=(*_layout_cautions(source, content), *found))


def _denoise(
    source: Path,
    target: Path,
    content: Content,
    method: str,
    sigma: float | str | None,
    force: bool,
) -> Denoised:
    if target.exists():
        if target.samefile(source):
            raise InputError(f"{target} is the input: it is never overwritten")
        if not force:
            raise InputError(f"{target} exists; use --force to replace it")
        check_replaceable(target)
    if method.startswith("auto["):
        raise InputError(f"{method}: auto has no parameters")
    if method == "auto" and sigma is None and content.fs is not None:
        estimate, speech = denoise_speech(content.batch, content.fs)
        write(target, content, estimate)
        return Denoised(content, None, speech=speech)
    if method == "auto":
        known = None if sigma in (None, "auto") else np.asarray(_level(content, sigma), np.float64)
        estimate, choices = denoise_automatically(content, known)
        write(target, content, estimate)
        return Denoised(content, tuple(dict.fromkeys(one.sigma for one in choices)), choices)
    denoiser = _denoiser(method, source, content, sigma is not None)
    level = _level(content, sigma)
    try:
        estimate = denoiser(content.batch.copy(), sigma=level)
    except InputError as error:
        raise InputError(f"{method} on {source.name}: {error}") from error
    except (Exception, SystemExit) as error:  # user methods may raise anything
        what = f"{type(error).__name__}: {error}"
        raise InputError(f"{method} failed on {source.name}: {what}") from error
    problem = estimate_error(estimate, content.batch.shape, content.batch.dtype)
    if problem:
        raise InputError(f"{method} on {source.name}: {problem}")
    write(target, content, estimate)
    if level is None:
        return Denoised(content, None)
    if not _uses_sigma(denoiser):
        return Denoised(content, None, sigma_unused=True)
    return Denoised(content, tuple(dict.fromkeys(np.atleast_1d(level).tolist())))


def _uses_sigma(denoiser: Denoiser) -> bool:
    """Return whether a denoiser depends on the noise level; assumed if it has no ``info``."""
    info = info_of(denoiser)
    fixed = info.fixed_by and getattr(denoiser, info.fixed_by) is not None
    return info == UNDESCRIBED or (info.uses_sigma and not fixed)


def _layout_cautions(source: Path, content: Content) -> list[str]:
    """Return a caution for an array that looks like several signals, not like an image."""
    short, long = sorted(content.batch.shape[-2:])
    if family(source) != "array" or content.domain != "image" or long < MIN_ASPECT * short:
        return []
    shape = content.batch.shape[2:]
    return [
        f"an array of shape {shape} is taken as an image of {shape[0]} × {shape[1]} pixels; "
        f"save signals one by one, with shape ({long},), or as the columns of a CSV file"
    ]


def _check_kind(text: str, source: Path, content: Content, entry: object) -> None:
    """Check that a method is for the kind of data in a file, where that is certain."""
    domains = info_of(entry).domains
    certain = family(source) in ("sound", "image")  # a table or an array may contain any signal
    if certain and content.domain not in domains:
        raise InputError(
            f"{text} is a method for {' and '.join(domains)} data, but {source.name} has "
            f"{content.domain} data"
        )
    if isinstance(entry, Pretrained) and entry.rate and not (entry.fs or content.fs):
        warnings.warn(
            f"{text} is for signals sampled at {entry.rate:g} Hz; the rate of {source.name} is not "
            "known",
            Caution,
            stacklevel=2,
        )


def _denoiser(text: str, source: Path, content: Content, sigma_given: bool) -> Denoiser:
    methods: list[Method] = resolve_or_explain(text)
    if len(methods) != 1:
        raise InputError(f"{text} defines {len(methods)} methods, but denoise takes one")
    if methods[0].task == "denoising":
        _check_kind(text, source, content, methods[0].entry)
    known = {"fs": content.fs, "peak": content.peak}
    problem_info = {name: value for name, value in known.items() if value is not None}
    entry = bind_problem_info(unsealed(methods[0]).entry, problem_info)
    if methods[0].task != "denoising":
        raise InputError(f"{text} is {KINDS[methods[0].task][0]}, not a denoiser")
    info = getattr(entry, "info", None)
    if info is not None and info.prior:
        raise InputError(f"{text} needs the prior of the signals, which a file does not have")
    if getattr(entry, "kernel", "not a field") is None:
        name = type(entry).__name__
        raise InputError(f"{text} needs the impulse response: use {name}(kernel=h) in Python")
    if isinstance(entry, Oracle):
        raise InputError(f"{text} needs the clean signal: it is a reference, not a denoiser")
    if isinstance(entry, Learner):
        raise InputError(f"{text} learns from a training split, which a file does not have")
    if isinstance(entry, Function | PerItem) and entry.needs_sigma and not sigma_given:
        raise InputError(f"{text} needs the noise level: use --sigma S or --sigma auto")
    return entry


def _level(content: Content, sigma: float | str | None) -> float | Array | None:
    if sigma is None:
        return None
    if sigma == "auto":
        return given_or_estimated(content.batch, None).astype(content.batch.dtype)
    try:
        level = float(sigma)
    except ValueError:
        level = -1.0
    if not (np.isfinite(level) and level >= 0):
        raise InputError(f"sigma={sigma} must be a number >= 0, or auto")
    if content.domain == "speech" and level > 1:
        raise InputError(f"sigma={sigma} must be <= 1: the full scale of sound is 1")
    return np.full(len(content.batch), level, content.batch.dtype)
