"""The files that a call reads and writes, checked before anything is written."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sigbench.cli.denoise.plot import SUFFIXES, check_plot
from sigbench.cli.denoise.request import Request
from sigbench.core.atomic import check_replaceable
from sigbench.core.errors import InputError
from sigbench.core.media import FAMILIES, NAMED, Family, family

STANDARD = "-"  # standard input or output


@dataclass(frozen=True)
class Job:
    """One file to denoise.

    Attributes
    ----------
    source : Path or None
        The noisy file; None is standard input.
    target : Path or None
        The denoised file; None is standard output.
    plot : Path or None
        The figure.
    """

    source: Path | None
    target: Path | None
    plot: Path | None = None

    @property
    def name(self) -> str:
        """Name of the noisy file in messages."""
        return self.source.name if self.source else "standard input"

    @property
    def family(self) -> Family:
        """Family of the noisy file; standard input is a table."""
        return family(self.source) if self.source else "table"

    @property
    def outputs(self) -> list[Path]:
        """The files to write."""
        return [path for path in (self.target, self.plot) if path is not None]


@dataclass(frozen=True)
class Plan:
    """The files of a call.

    Attributes
    ----------
    jobs : tuple of Job
        One per file.
    notes : tuple of str
        What was ignored in folders, one line per folder.
    """

    jobs: tuple[Job, ...]
    notes: tuple[str, ...] = ()


def plan(request: Request) -> Plan:
    """Return the files that a call reads and writes.

    Raises
    ------
    InputError
        If an output exists and ``force`` is not set, is an input, has another kind than its input,
        cannot be written, or if two outputs would be the same file.
    """
    several = len(request.sources) > 1 or Path(request.sources[0]).is_dir()
    if STANDARD in request.sources and several:
        raise InputError("- (standard input) must be the only IN")
    notes: list[str] = []
    sources = [path for text in request.sources for path in _files_of(text, notes)]
    if not sources:
        raise InputError(f"{', '.join(request.sources)} contains no files of a known format")
    targets = _targets(request.out, sources, several)
    plots = _plots(request.plot, sources, several)
    jobs = tuple(map(Job, sources, targets, plots))
    for job in jobs:
        _check_kind(job)
    if request.table_options and all(job.family != "table" for job in jobs):
        raise InputError(f"{request.table_options[0]} is for tables, not for {jobs[0].name}")
    _check_distinct(jobs)
    check_outputs(jobs, request.force)
    return Plan(jobs, tuple(notes))


def check_outputs(jobs: Sequence[Job], force: bool) -> None:
    """Check that no output is an input, and that none exists unless it may be replaced.

    Raises
    ------
    InputError
        With the names of the outputs.
    """
    inputs = {_identity(job.source) for job in jobs if job.source} - {None}
    existing = [path for job in jobs for path in job.outputs if path.exists()]
    for path in existing:
        if _identity(path) in inputs:
            which = "the input" if len(jobs) == 1 else "an input"
            raise InputError(f"{path} is {which}: it is never overwritten")
    if existing and not force:
        if len(existing) == 1:
            raise InputError(f"{existing[0]} exists; use --force to replace it")
        raise InputError(
            f"{existing[0]} and {len(existing) - 1} more exist; use --force to replace them"
        )
    for path in existing:
        check_replaceable(path)


def _files_of(text: str, notes: list[str]) -> list[Path | None]:
    """Return the files that an argument stands for; note what is ignored in a folder."""
    if text == STANDARD:
        return [None]
    path = Path(text)
    if not path.is_dir():
        return [path]
    visible = sorted(one for one in path.iterdir() if not one.name.startswith("."))
    known: list[Path | None] = [
        one for one in visible if one.suffix.lower() in FAMILIES and not one.is_dir()
    ]
    ignored = sorted({*visible} - {*known})
    if ignored:
        which = "1 other" if len(ignored) == 1 else f"{len(ignored)} others"
        why = "not of a known format"
        if any(one.suffix.lower() in NAMED for one in ignored):
            why += f"; tables with the suffix {' or '.join(NAMED)} must be named"
        notes.append(f"{path}: {which} ignored: {why}")
    return known


def _targets(out: str, sources: Sequence[Path | None], several: bool) -> list[Path | None]:
    """Return the output of every file."""
    if out == STANDARD:
        if several:
            raise InputError("- (standard output) takes one table, not several files")
        return [None]
    folder = Path(out)
    separators = tuple(mark for mark in (os.sep, os.altsep) if mark)
    if not several and not folder.is_dir() and not out.endswith(separators):
        if not folder.parent.is_dir():
            raise InputError(f"{folder.parent} is not a folder")
        return [folder]
    _check_folder(folder, "OUT")
    if None in sources:
        raise InputError(f"{out} is a folder, but standard input has no name: OUT must be a file")
    names = Counter(path.name for path in sources if path)
    name, count = names.most_common(1)[0]
    if count > 1:
        same = [str(path) for path in sources if path and path.name == name]
        raise InputError(f"{same[0]} and {same[1]} have the same name: both are {folder / name}")
    return [folder / path.name for path in sources if path]


def _plots(plot: str | None, sources: Sequence[Path | None], several: bool) -> list[Path | None]:
    """Return the figure of every file; those of several files are named after them."""
    if plot is None:
        return [None] * len(sources)
    path = Path(plot)
    if not several:
        check_plot(path)
        if not path.parent.is_dir():
            raise InputError(f"{path.parent} is not a folder")
        return [path]
    if path.suffix.lower() in SUFFIXES and not path.is_dir():
        raise InputError(f"--plot {plot} must be a folder for several files")
    _check_folder(path, "--plot")
    plots = [path / f"{source.name}.png" for source in sources if source]
    check_plot(plots[0])
    return list(plots)


def _check_folder(folder: Path, what: str) -> None:
    """Check that a folder exists or can be created."""
    if folder.is_dir():
        return
    if os.path.lexists(folder):
        raise InputError(f"{what} {folder} must be a folder for several files: it is a file")
    if not folder.parent.is_dir():
        raise InputError(f"{folder.parent} is not a folder")


def _check_kind(job: Job) -> None:
    """Check that input and output are of the same kind."""
    name = job.target.name if job.target else "standard output"
    kind: Family = family(job.target) if job.target else "table"
    if job.family != kind:
        raise InputError(f"{name} must be of the same kind as {job.name}: {job.family}, not {kind}")


def _check_distinct(jobs: Iterable[Job]) -> None:
    """Check that no two outputs are the same file, also through links."""
    names = Counter(
        os.path.normcase(os.path.realpath(path)) for job in jobs for path in job.outputs
    )
    name, count = names.most_common(1)[0] if names else ("", 0)
    if count > 1:
        raise InputError(f"{name} would be written twice")


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what all names of a file have in common, or None if it does not exist."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
