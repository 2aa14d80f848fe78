"""Denoise a long sound file block by block: read, denoised and written with little memory."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sigbench.benchmark.methods.wrappers import WithNoise
from sigbench.cli.denoise.auto import Choice, denoise_automatically
from sigbench.cli.denoise.blocks import MAX_WHOLE, Blocks, blocks_for, estimates
from sigbench.cli.denoise.level import noise_levels
from sigbench.cli.denoise.method import AUTO, Prepared, applied, bound, levels, prepare
from sigbench.cli.denoise.paths import Job, check_outputs
from sigbench.cli.denoise.plot import save_plot
from sigbench.cli.denoise.results import Denoised
from sigbench.cli.denoise.speech import SpeechEnhancer
from sigbench.core.atomic import atomic_file
from sigbench.core.cautions import cautions
from sigbench.core.media import Content
from sigbench.core.media.sound import SoundFile, open_sound, write_sound
from sigbench.core.progress import Progress
from sigbench.core.protocols import (
    UNDESCRIBED,
    Array,
    Denoiser,
    NoiseModel,
    Sigma,
    info_of,
)
from sigbench.denoisers.noise.models import VaryingNoise

DRAWN = 2**18  # samples of a channel in a figure
TRIED, PIECES = 2**20, 8  # samples of a channel for `_tried`, and the number of pieces


def open_if_long(job: Job) -> SoundFile | None:
    """Return a sound file that is to be denoised in blocks, or None for another file.

    Raises
    ------
    InputError
        If it is a damaged sound file.
    """
    if job.family != "sound" or job.source is None or job.target is None:
        return None
    if not job.source.is_file() or job.source.stat().st_size == 0:
        return None  # the reader reports it
    source = open_sound(job.source)
    if source.frames is None or source.channels * source.frames <= MAX_WHOLE:
        return None
    return source


def denoise_long(job: Job, prepared: Prepared, source: SoundFile, *, force: bool) -> Denoised:
    """Denoise a sound file in blocks, and write the result when it is complete.

    The noise is estimated once for the whole file, and every method that uses it is given it. Only
    a noise model whose level varies is estimated in each block.

    Parameters
    ----------
    job : Job
        The file; its paths are checked.
    prepared : Prepared
        The method.
    source : SoundFile
        The noisy file.
    force : bool
        Whether to replace an existing output.

    Returns
    -------
    Denoised
        Its content has no samples.

    Raises
    ------
    InputError
        If the file is damaged, or the method is not for it or fails. Nothing is written in that
        case.
    """
    assert job.target is not None
    assert source.frames is not None
    begin = time.perf_counter()
    empty = _without_samples(source)
    with cautions() as found:
        work = _work(job, prepared, source, empty)
        job.target.parent.mkdir(exist_ok=True)
        with (
            atomic_file(job.target) as file,
            Progress(work.blocks.count(source.frames), "block") as progress,
        ):
            parts = estimates(source.read, source.frames, work.blocks, work.denoise)
            counted = _counted(parts, progress)
            suffix = job.target.suffix.lower()
            write_sound(file, source, suffix, source.frames, counted, job.target.parent)
            check_outputs([job], force)  # again: it may have been created in the meantime
        if job.plot:
            _plot(job, source, prepared.text)
    used = work.channels
    return Denoised(
        _without_samples(source, work.blocks.text(source.fs)),
        prepared.text,
        used.levels,
        noise=used.noise,
        choices=used.choices,
        speech=work.speech.choice() if work.speech else None,
        sigma_unused=prepared.sigma is not None
        and prepared.entry is not None
        and not prepared.uses_sigma,
        cautions=tuple(found),
        seconds=time.perf_counter() - begin,
    )


def _plot(job: Job, source: SoundFile, method: str) -> None:
    """Draw the middle of the file."""
    assert job.plot is not None
    assert job.target is not None
    assert source.frames is not None
    start = max((source.frames - DRAWN) // 2, 0)
    stop = min(start + DRAWN, source.frames)
    noisy = dataclasses.replace(_without_samples(source), batch=source.read(start, stop))
    estimate = open_sound(job.target).read(start, stop)
    title = f"{job.name}, {start / source.fs:.4g} to {stop / source.fs:.4g} s: {method}"
    job.plot.parent.mkdir(exist_ok=True)
    save_plot(job.plot, noisy, estimate, title)


def _counted(
    parts: Iterator[tuple[Array, Array]], progress: Progress
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    for new, old in parts:
        yield new.astype(np.float64, copy=False), old.astype(np.float64, copy=False)
        progress.advance()
        del new, old


@dataclass(frozen=True)
class _Channels:
    """The method, its name and the noise that it is given, of each channel; and what is reported."""

    methods: list[Denoiser]
    names: list[str]
    sigmas: Sequence[Sigma]
    levels: tuple[float, ...] | None = None
    noise: str = ""
    choices: tuple[Choice, ...] = ()

    def denoise(self, noisy: Array, file: str) -> Array:
        """Denoise the channels one after the other, which needs less memory."""
        estimate = np.empty_like(noisy)
        parts = zip(self.methods, self.sigmas, self.names, strict=True)
        for i, (method, sigma, name) in enumerate(parts):
            estimate[i] = applied(method, noisy[i : i + 1], sigma, file, name)[0]
        return estimate

    def blocks(self, fs: float) -> Blocks:
        """Return one division for all: the widest margin if all are local, else cross-fading."""
        divisions = [blocks_for(method, len(self.methods), fs) for method in self.methods]
        return max(divisions, key=lambda division: (division.overlap, division.margin))


@dataclass(frozen=True)
class _Work:
    """How the blocks are denoised, and what is reported about it."""

    denoise: Callable[[Array], Array]
    blocks: Blocks
    channels: _Channels
    speech: SpeechEnhancer | None = None


def _work(job: Job, prepared: Prepared, source: SoundFile, empty: Content) -> _Work:
    fs = float(source.fs)
    if prepared.entry is None and prepared.sigma is None:
        speech = SpeechEnhancer(fs, source.channels)
        blocks = blocks_for(speech, source.channels, fs)
        return _Work(speech, blocks, _Channels([], [], []), speech)
    given = None if prepared.sigma == AUTO else levels(prepared.sigma, empty)
    if prepared.entry is None:
        found = _chosen(job, source, empty, given)
    else:
        found = _named(job, prepared, source, empty, given)
    return _Work(lambda noisy: found.denoise(noisy, job.name), found.blocks(fs), found)


def _chosen(
    job: Job, source: SoundFile, empty: Content, given: NDArray[np.floating] | None
) -> _Channels:
    """Return the methods that ``auto`` chooses."""
    known = None if given is None else given.astype(np.float64)
    tried = _tried(source)
    _, choices = denoise_automatically(tried, known)
    names = [choice.expected[0].method for choice in choices]
    used = tuple(choice.sigma for choice in choices)
    methods = [
        bound(prepare(name, sigma), empty, job.name, "sound")
        for name, sigma in zip(names, used, strict=True)
    ]
    sigmas = [
        _noise_model(method, tried.batch[i : i + 1]) or np.array([sigma])
        for i, (method, sigma) in enumerate(zip(methods, used, strict=True))
    ]
    return _Channels(methods, names, sigmas, used, choices=choices)


def _named(
    job: Job,
    prepared: Prepared,
    source: SoundFile,
    empty: Content,
    given: NDArray[np.floating] | None,
) -> _Channels:
    """Return the method of the call for every channel."""
    method = bound(prepared, empty, job.name, "sound")
    methods, names = [method] * source.channels, [prepared.text] * source.channels
    unknown = [None] * source.channels
    if isinstance(method, WithNoise):
        tried = _tried(source).batch
        models = [_noise_model(method, tried[i : i + 1]) for i in range(source.channels)]
        found = tuple(float(model.level[0]) for model in models if model is not None)
        return _Channels(methods, names, models, found or None, info_of(method.noise).name)
    used = given
    if used is None and (prepared.sigma == AUTO or _estimates_level(prepared)):
        used = _levels(source)
    if used is None:
        return _Channels(methods, names, unknown)
    reported = tuple(used.tolist()) if prepared.uses_sigma else None
    return _Channels(methods, names, [used[i : i + 1] for i in range(len(used))], reported)


def _noise_model(method: Denoiser, samples: Array) -> NoiseModel | None:
    """Return the noise that a method would estimate; None if it would not, or if the level varies."""
    if not isinstance(method, WithNoise):
        return None
    model = method.noise.estimate_noise(samples)
    return None if isinstance(model, VaryingNoise) else model


def _levels(source: SoundFile) -> NDArray[np.float64]:
    """Estimate the noise level of each channel, with a report of the progress."""
    assert source.frames is not None
    with Progress(None, "block") as progress:
        progress.describe("noise level")

        def read(start: int, stop: int) -> Array:
            progress.advance()
            return source.read(start, stop)

        return noise_levels(read, source.channels, source.frames)


def _estimates_level(prepared: Prepared) -> bool:
    """Return whether a method would estimate the noise level itself, in every block another."""
    described = info_of(prepared.entry) != UNDESCRIBED and info_of(prepared.entry).family != "user"
    return described and prepared.uses_sigma


def _without_samples(source: SoundFile, *notes: str) -> Content:
    """Return what is known of a file; all of its samples are one number that is not read."""

    def encode(batch: Array, suffix: str) -> bytes:
        raise AssertionError("a long file is written in blocks")

    samples = np.broadcast_to(np.float64(np.nan), (source.channels, 1, source.frames or 0))
    return Content(samples, "speech", 1.0, float(source.fs), encode, notes=(*source.notes, *notes))


def _tried(source: SoundFile) -> Content:
    """Return evenly spaced pieces of a file, joined: for the choice of `auto`, and noise models."""
    assert source.frames is not None
    piece = min(TRIED // PIECES, source.frames // PIECES)
    starts = np.linspace(0, source.frames - piece, PIECES).astype(int)
    joined = np.concatenate([source.read(a, a + piece) for a in map(int, starts)], axis=2)
    return dataclasses.replace(_without_samples(source), batch=joined)
