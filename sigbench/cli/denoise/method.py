"""The method of a call: resolved once, bound to the sampling rate and the range of each file."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sigbench.benchmark.methods.describe import bind_problem_info
from sigbench.benchmark.methods.functions import Function, PerItem
from sigbench.benchmark.methods.resolve import KINDS, Method, unsealed
from sigbench.benchmark.suites.suite import resolve_or_explain
from sigbench.core.errors import Caution, InputError
from sigbench.core.media import Content, Family
from sigbench.core.protocols import UNDESCRIBED, Array, Denoiser, Learner, Oracle, Sigma, info_of
from sigbench.core.validation import estimate_error
from sigbench.denoisers.noise_level import given_or_estimated
from sigbench.networks.pretrained.denoiser import Pretrained

AUTO = "auto"
MAX_LISTED = 4  # methods of a sweep in an error


@dataclass(frozen=True)
class Prepared:
    """The method of a call.

    Attributes
    ----------
    text : str
        The method, as typed; with the noise estimator, if one was named.
    entry : Denoiser or None
        The method; None is ``auto``.
    sigma : float or str or None
        The noise level, as typed.
    bound : dict
        The method by sampling rate and peak of the files so far: a network is loaded once.
    """

    text: str
    entry: Denoiser | None
    sigma: float | str | None = None
    bound: dict[tuple[float | None, float | None], Denoiser] = field(
        default_factory=dict, repr=False, compare=False
    )

    @property
    def uses_sigma(self) -> bool:
        """Whether the method depends on the noise level; assumed if it has no ``info``."""
        info = info_of(self.entry)
        fixed = info.fixed_by and getattr(self.entry, info.fixed_by) is not None
        return info == UNDESCRIBED or (info.uses_sigma and not fixed)


def prepare(text: str, sigma: float | str | None = None, noise: str | None = None) -> Prepared:
    """Return the method of a call.

    Parameters
    ----------
    text : str
        The spec of a denoiser, or ``auto``.
    sigma : float or str, optional
        The noise level, or ``auto``.
    noise : str, optional
        The spec of a noise estimator.

    Raises
    ------
    InputError
        If the method does not exist, cannot be applied to a file, or needs the noise level and is
        given none.
    """
    if text.startswith(f"{AUTO}["):
        raise InputError(f"{text}: auto has no parameters")
    if noise is not None:
        if sigma is not None:
            raise InputError(f"--sigma {sigma} and --noise {noise}: give one of them")
        if text == AUTO:
            raise InputError(f"--noise {noise}: auto estimates the noise itself")
        text = f"with-noise[method={text},noise={noise}]"
    if sigma not in (None, AUTO):
        _number(sigma)
    if text == AUTO:
        return Prepared(text, None, sigma)
    return Prepared(text, _denoiser(text, sigma is not None), sigma)


def bound(prepared: Prepared, content: Content, name: str, family: Family) -> Denoiser:
    """Return the method for the content of a file: with its sampling rate and its range.

    Parameters
    ----------
    prepared : Prepared
        The method; not ``auto``.
    content : Content
        The content.
    name : str
        Name of the file.
    family : str
        Its family.

    Raises
    ------
    InputError
        If the method is for another kind of data, sampling rate or range.
    """
    _check_domain(prepared, content, name, family)
    key = content.fs, content.peak
    if key not in prepared.bound:
        known = {"fs": content.fs, "peak": content.peak}
        problem_info = {name: value for name, value in known.items() if value is not None}
        prepared.bound[key] = bind_problem_info(prepared.entry, problem_info)
    return prepared.bound[key]


def applied(denoiser: Denoiser, noisy: Array, sigma: Sigma, name: str, text: str) -> Array:
    """Return the estimate of a method, which is checked.

    Parameters
    ----------
    denoiser : Denoiser
        The method.
    noisy : array
        The noisy batch.
    sigma : float, array, NoiseModel or None
        The noise, as the method takes it.
    name, text : str
        Name of the file and the method as typed, for errors.

    Raises
    ------
    InputError
        If the method fails, or its estimate is invalid.
    """
    try:
        estimate = denoiser(noisy.copy(), sigma=sigma)
    except InputError as error:
        raise InputError(f"{text} on {name}: {error}") from error
    except (Exception, SystemExit) as error:  # user methods may raise anything
        what = f"{type(error).__name__}: {error}"
        raise InputError(f"{text} failed on {name}: {what}") from error
    problem = estimate_error(estimate, noisy.shape, noisy.dtype)
    if problem:
        raise InputError(f"{text} on {name}: {problem}")
    return estimate


def levels(sigma: float | str | None, content: Content) -> NDArray[np.floating] | None:
    """Return the noise level of each item of a file, or None if none is given.

    Parameters
    ----------
    sigma : float or str or None
        The level in the units of the file, or ``auto``.
    content : Content
        The content.
    """
    if sigma is None:
        return None
    if sigma == AUTO:
        estimated: Array = given_or_estimated(content.batch, None).astype(content.batch.dtype)
        return estimated
    level = _number(sigma)
    if content.domain == "speech" and level > 1:
        raise InputError(f"sigma={sigma} must be <= 1: the full scale of sound is 1")
    return np.full(len(content.batch), level, content.batch.dtype)


def _number(sigma: float | str | None) -> float:
    try:
        level = float(sigma)  # type: ignore[arg-type]
    except ValueError:
        level = -1.0
    if not (np.isfinite(level) and level >= 0):
        raise InputError(f"sigma={sigma} must be a number >= 0, or auto")
    return level


def _denoiser(text: str, sigma_given: bool) -> Denoiser:
    """Return the denoiser of a spec, after checking that it can be applied to a file."""
    methods: list[Method] = resolve_or_explain(text)
    if len(methods) != 1:
        listed = " or ".join(method.name for method in methods[:MAX_LISTED])
        raise InputError(
            f"{text} defines {len(methods)} methods, but denoise takes one, such as {listed}"
        )
    method = unsealed(methods[0])
    entry = method.entry
    if method.task != "denoising":
        raise InputError(f"{text} is {KINDS[method.task][0]}, not a denoiser")
    if info_of(entry).prior:
        raise InputError(f"{text} needs the prior of the signals, which a file does not have")
    if getattr(entry, "kernel", "not a field") is None:
        name = type(entry).__name__
        raise InputError(f"{text} needs the impulse response: use {name}(kernel=h) in Python")
    if isinstance(entry, Oracle):
        raise InputError(f"{text} needs the clean signal: it is a reference, not a denoiser")
    if isinstance(entry, Learner):
        raise InputError(f"{text} learns from a training split, which a file does not have")
    needs_sigma = isinstance(entry, Function | PerItem) and entry.needs_sigma
    if (method.sigma_given or needs_sigma) and not sigma_given:
        raise InputError(f"{text} needs the noise level: use --sigma S or --sigma auto")
    return entry  # type: ignore[return-value]


def _check_domain(prepared: Prepared, content: Content, name: str, family: Family) -> None:
    """Check that a method is for the kind of data in a file, where that is certain."""
    entry, text = prepared.entry, prepared.text
    domains = info_of(entry).domains
    certain = family in ("sound", "image")  # a table or an array may contain any signal
    if certain and content.domain not in domains:
        raise InputError(
            f"{text} is a method for {' and '.join(domains)} data, but {name} has "
            f"{content.domain} data"
        )
    if isinstance(entry, Pretrained) and entry.rate and not (entry.fs or content.fs):
        warnings.warn(
            f"{text} is for signals sampled at {entry.rate:g} Hz; the rate of {name} is not known",
            Caution,
            stacklevel=2,
        )
