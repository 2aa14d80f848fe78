"""Apply a method to the samples of a file, also if some are missing."""

from __future__ import annotations

import dataclasses

import numpy as np

from sigbench.cli.denoise.auto import Choice
from sigbench.cli.denoise.method import Prepared, applied, bound, prepare
from sigbench.cli.denoise.missing import refine_missing
from sigbench.cli.denoise.paths import Job
from sigbench.cli.denoise.uneven import on_uniform_grid
from sigbench.core.media import Content
from sigbench.core.protocols import Array, Denoiser, Sigma


def is_regular(content: Content) -> bool:
    """Return whether a file has all samples, evenly spaced."""
    return content.missing is None and content.positions is None


def estimate_of(denoiser: Denoiser, content: Content, sigma: Sigma, name: str, text: str) -> Array:
    """Return the estimate of a method for the content of a file.

    The samples that a gap lacks are inserted while it is denoised. Missing samples are replaced by
    the estimate, several times.

    Parameters
    ----------
    denoiser : Denoiser
        The method.
    content : Content
        The content.
    sigma : float, array, NoiseModel or None
        The noise, as the method takes it.
    name, text : str
        Name of the file and the method as typed, for errors.

    Raises
    ------
    InputError
        If the method fails, or its estimate is invalid.
    """

    def direct(batch: Array) -> Array:
        return applied(denoiser, batch, sigma, name, text)

    at, missing = content.positions, content.missing
    denoise = direct if at is None else on_uniform_grid(direct, at)
    if missing is None:
        return denoise(content.batch)
    return refine_missing(denoise, content.batch, missing)


def estimate_by_choices(choices: tuple[Choice, ...], job: Job, content: Content) -> Array:
    """Return the estimate of the methods that ``auto`` has chosen, one per item of the file.

    Parameters
    ----------
    choices : tuple of Choice
        The methods.
    job : Job
        The file.
    content : Content
        Its content.
    """
    return np.concatenate([_of_item(choice, job, content, i) for i, choice in enumerate(choices)])


def _of_item(choice: Choice, job: Job, content: Content, i: int) -> Array:
    part = slice(i, i + 1)
    missing = None if content.missing is None else content.missing[part]
    item = dataclasses.replace(content, batch=content.batch[part], missing=missing)
    text = choice.expected[0].method
    prepared: Prepared = prepare(text, choice.sigma if choice.sigma_given else None)
    sigma = np.full(1, choice.sigma) if choice.sigma_given else None
    return estimate_of(bound(prepared, item, job.name, job.family), item, sigma, job.name, text)
