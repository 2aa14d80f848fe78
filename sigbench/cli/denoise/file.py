"""Denoising a file of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sigbench.benchmark.methods.resolve import Function, Method, PerItem, bind_problem_info, resolve
from sigbench.cli.denoise.auto import Choice, denoise_automatically
from sigbench.core.errors import InputError
from sigbench.core.media import Content, family, read, write
from sigbench.core.protocols import Denoiser, Learner, Oracle, Sigma
from sigbench.denoisers.noise_level import estimate_sigma


@dataclass(frozen=True)
class Denoised:
    """What was done: to what, and with which noise level (None: it was not told).

    ``choices`` are those of the method ``auto``, one an item of the content.
    """

    content: Content
    sigma: tuple[float, ...] | None
    choices: tuple[Choice, ...] = ()

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

    The result has the format, rate and size of the input. Channels of a sound and columns of a
    table are denoised by themselves; a first column that only rises or only falls is an axis
    and is kept.

    Parameters
    ----------
    source, target : Path
        The input and the output; both of one kind (sound, image, table, array).
    method : str
        A denoiser in its written form, or ``auto``: the best of a table on this very file.
    sigma : float or "auto", optional
        The noise level in the file's units (sound: full scale is 1; images: grey levels);
        ``auto`` estimates it. By default the method is not told.
    force : bool
        Whether an existing output may be replaced.

    Raises
    ------
    InputError
        For anything that is wrong with the files, the method or sigma; nothing is written then.
    """
    if family(source) != family(target):
        raise InputError(f"{target.name} is no {family(source)} file like {source.name}")
    if not target.parent.is_dir():
        raise InputError(f"{target.parent} is no folder")
    content = read(source)
    if target.exists():
        if target.samefile(source):
            raise InputError(f"{target} is the input: it is never overwritten")
        if not force:
            raise InputError(f"{target} exists: --force replaces it")
    if method.startswith("auto["):
        raise InputError(f"{method}: auto takes no parameters")
    if method == "auto":
        known = None if sigma in (None, "auto") else np.asarray(_level(content, sigma), np.float64)
        estimate, choices = denoise_automatically(content, known)
        write(target, content, estimate)
        return Denoised(content, tuple(dict.fromkeys(one.sigma for one in choices)), choices)
    denoiser = _denoiser(method, content, sigma is not None)
    level = _level(content, sigma)
    try:
        estimate = denoiser(content.batch.copy(), sigma=level)
    except InputError as error:
        raise InputError(f"{method} on {source.name}: {error}") from error
    except (Exception, SystemExit) as error:  # somebody's own method may raise anything
        what = f"{type(error).__name__}: {error}"
        raise InputError(f"{method} failed on {source.name}: {what}") from error
    if not isinstance(estimate, np.ndarray) or estimate.shape != content.batch.shape:
        raise InputError(
            f"{method} gave back {getattr(estimate, 'shape', type(estimate).__name__)}, "
            f"not an array of shape {content.batch.shape}"
        )
    if estimate.dtype != content.batch.dtype:
        raise InputError(f"{method} gave back {estimate.dtype}, not {content.batch.dtype}")
    if not np.isfinite(estimate).all():
        raise InputError(f"{method} gave back values that are not finite")
    write(target, content, estimate)
    levels = None if level is None else tuple(dict.fromkeys(np.atleast_1d(level).tolist()))
    return Denoised(content, levels)


def _denoiser(text: str, content: Content, sigma_given: bool) -> Denoiser:
    methods: list[Method] = resolve(text)
    if len(methods) != 1:
        raise InputError(f"{text} stands for {len(methods)} methods: denoise takes one")
    problem_info = {} if content.fs is None else {"fs": content.fs}
    entry = bind_problem_info(methods[0].entry, problem_info)
    if methods[0].is_estimator:
        raise InputError(f"{text} estimates system functions: it is no denoiser")
    info = getattr(entry, "info", None)
    if info is not None and info.prior:
        raise InputError(f"{text} knows the prior of its problem's signals: a file has none")
    if getattr(entry, "kernel", info) is None:
        name = type(entry).__name__
        raise InputError(f"{text} needs the impulse response: in Python, {name}(kernel=h)")
    if isinstance(entry, Oracle):
        raise InputError(f"{text} needs the clean signal: it is a reference, not a denoiser")
    if isinstance(entry, Learner):
        raise InputError(f"{text} learns from a training split: a single file has none")
    if isinstance(entry, Function | PerItem) and entry.needs_sigma and not sigma_given:
        raise InputError(f"{text} needs the noise level: --sigma S, or --sigma auto")
    return entry


def _level(content: Content, sigma: float | str | None) -> Sigma:
    if sigma is None:
        return None
    if sigma == "auto":
        return estimate_sigma(content.batch).astype(content.batch.dtype)
    try:
        level = float(sigma)
    except ValueError:
        level = -1.0
    if not (np.isfinite(level) and level >= 0):
        raise InputError(f"sigma={sigma} must be a number >= 0, or auto")
    if content.domain == "speech" and level > 1:
        raise InputError(f"sigma={sigma} must be <= 1: the full scale of sound is 1")
    return np.full(len(content.batch), level, content.batch.dtype)
