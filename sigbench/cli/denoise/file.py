"""Denoise one file."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import numpy as np

from sigbench.benchmark.methods.wrappers import WithNoise
from sigbench.cli.denoise.auto import denoise_automatically
from sigbench.cli.denoise.long import denoise_long, open_if_long
from sigbench.cli.denoise.method import Prepared, bound, levels, prepare
from sigbench.cli.denoise.paths import Job, check_outputs, plan
from sigbench.cli.denoise.plot import save_plot
from sigbench.cli.denoise.request import Request
from sigbench.cli.denoise.results import Denoised
from sigbench.cli.denoise.samples import estimate_by_choices, estimate_of, is_regular
from sigbench.cli.denoise.speech import denoise_speech
from sigbench.cli.denoise.streams import read_content, write_content
from sigbench.core.cautions import cautions
from sigbench.core.media import Content
from sigbench.core.media.options import TableOptions
from sigbench.core.protocols import Array, info_of

MIN_ASPECT = 16  # of an array that is probably several signals


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
    of a table are denoised separately.

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
    request = Request((str(source),), str(target), method, sigma=sigma, force=force)
    (job,) = plan(request).jobs
    return denoise_job(job, prepare(method, sigma), force=force)


def denoise_job(
    job: Job, prepared: Prepared, *, force: bool = False, options: TableOptions | None = None
) -> Denoised:
    """Denoise a file, and write the result and its figure.

    Parameters
    ----------
    job : Job
        The file; its paths are checked.
    prepared : Prepared
        The method.
    force : bool
        Whether to replace existing outputs.
    options : TableOptions, optional
        How a table is read.

    Raises
    ------
    InputError
        If the file is invalid, or the method is not for it or fails. Nothing is written in that case.
    """
    long = open_if_long(job)
    if long:
        return denoise_long(job, prepared, long, force=force)
    begin = time.perf_counter()
    content = read_content(job, options or TableOptions())
    with cautions() as found:
        done, estimate = _denoised(job, prepared, content)
        check_outputs([job], force)  # again: it may have been created in the meantime
        write_content(job, content, estimate)
        if job.plot:
            job.plot.parent.mkdir(exist_ok=True)
            save_plot(job.plot, content, estimate, f"{job.name}: {done.method}")
    return dataclasses.replace(
        done,
        cautions=(*_layout_cautions(job, content), *found),
        seconds=time.perf_counter() - begin,
    )


def _denoised(job: Job, prepared: Prepared, content: Content) -> tuple[Denoised, Array]:
    """Return what was done and the estimate."""
    text, sigma = prepared.text, prepared.sigma
    if prepared.entry is None and sigma is None and content.domain == "speech":
        assert content.fs is not None
        estimate, speech = denoise_speech(content.batch, content.fs)
        return Denoised(content, text, None, speech=speech), estimate
    if prepared.entry is None:
        known = None if sigma == "auto" else levels(sigma, content)
        exact = None if known is None else known.astype(np.float64)
        estimate, choices = denoise_automatically(content, exact)
        if not is_regular(content):
            estimate = estimate_by_choices(choices, job, content)
        used = tuple(choice.sigma for choice in choices)
        return Denoised(content, text, used, choices=choices), estimate
    denoiser = bound(prepared, content, job.name, job.family)
    level = levels(sigma, content)
    unused = sigma is not None and not prepared.uses_sigma
    if isinstance(denoiser, WithNoise) and is_regular(content):
        # As its call, but the noise can be reported.
        model = denoiser.noise.estimate_noise(content.batch)
        estimate = estimate_of(denoiser.method, content, model, job.name, text)
        found, noise = tuple(model.level.tolist()), info_of(denoiser.noise).name
        return Denoised(content, text, found, noise=noise, sigma_unused=unused), estimate
    estimate = estimate_of(denoiser, content, level, job.name, text)
    given = None if level is None or unused else tuple(level.tolist())
    return Denoised(content, text, given, sigma_unused=unused), estimate


def _layout_cautions(job: Job, content: Content) -> list[str]:
    """Return a caution for an array that looks like several signals, not like an image."""
    short, long = sorted(content.batch.shape[-2:])
    if job.family != "array" or content.domain != "image" or long < MIN_ASPECT * short:
        return []
    shape = content.batch.shape[2:]
    return [
        f"an array of shape {shape} is taken as an image of {shape[0]} × {shape[1]} pixels; "
        f"save signals one by one, with shape ({long},), or as the columns of a CSV file"
    ]
