"""Which files of a folder can be items: each is read, and compared with the others."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sigbench.core.errors import InputError
from sigbench.core.media import read
from sigbench.core.protocols import Domain


@dataclass(frozen=True)
class Properties:
    """What all items of a dataset have in common.

    Attributes
    ----------
    domain : {"signal", "speech", "image"}
        Kind of signal.
    channels : int
        Number of channels.
    fs : float or None
        Sampling rate in Hz.
    peak : float or None
        Largest value that the file can represent; None for floating-point data.
    """

    domain: Domain
    channels: int
    fs: float | None
    peak: float | None


# How a file is described if its property differs from that of most files.
TEXTS: dict[str, Callable[[Any], str]] = {
    "domain": lambda domain: f"is of the kind {domain}",
    "channels": lambda channels: f"has {channels} channel{'s' * (channels != 1)}",
    "fs": lambda fs: f"has fs={fs:g} Hz",
    "peak": lambda peak: (
        "has values without a fixed range" if peak is None else f"has values up to {peak:g}"
    ),
}


def survey(files: Iterable[Path]) -> tuple[Properties | None, dict[Path, str]]:
    """Read files, and return their common properties and what is wrong with each bad file.

    A file is bad if it cannot be read, is silent, has an unprintable name, or differs from most
    files in one of the properties.

    Parameters
    ----------
    files : iterable of Path
        The files.

    Returns
    -------
    properties : Properties or None
        Common properties of the good files; None if there are none.
    bad : dict of Path to str
        What is wrong, by file: a predicate such as ``is silent``.
    """
    found = {file: _properties_or_error(file) for file in files}
    good = {file: one for file, one in found.items() if isinstance(one, Properties)}
    bad = {file: one for file, one in found.items() if isinstance(one, str)}
    for name, text in TEXTS.items():
        counts = Counter(getattr(one, name) for one in good.values())
        for file, one in list(good.items()):
            usual = counts.most_common(1)[0][0]  # of equally frequent values, the first
            if getattr(one, name) != usual:
                example = next(f for f, other in good.items() if getattr(other, name) == usual)
                bad[file] = f"{text(getattr(one, name))}, but {example.name} {text(usual)}"
                del good[file]
    return next(iter(good.values()), None), {file: bad[file] for file in found if file in bad}


def _properties_or_error(file: Path) -> Properties | str:
    if not file.name.isprintable():
        return "has an unprintable name: rename it"
    try:
        status = file.stat()
        return _properties(file, status.st_mtime_ns, status.st_size)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except InputError as error:
        return str(error).removeprefix(str(file)).lstrip(":, ")


@functools.lru_cache(maxsize=2**16)
def _properties(file: Path, mtime_ns: int, size: int) -> Properties:
    """Return the properties of a file; it is read once per process."""
    content = read(file)
    if content.domain == "speech" and not content.batch.any():
        raise InputError(f"{file} is silent: all samples are 0")
    if content.domain == "image" and len(content.batch) > 1:
        raise InputError(f"{file} has {len(content.batch)} pages: it must have one")
    if content.missing is not None:
        where = ", ".join(map(str, np.argwhere(content.missing)[0]))
        raise InputError(
            f"{file} has {content.missing.sum()} missing samples, the first at index ({where}): "
            "clean data must be complete"
        )
    fs = content.fs if content.domain == "speech" else None  # tables may have axes that differ
    return Properties(content.domain, len(content.item), fs, content.peak)
