"""The results of a call: as text, and as JSON."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from sigbench.cli.denoise.auto import Choice, as_json, as_text
from sigbench.cli.denoise.paths import STANDARD, Job
from sigbench.cli.denoise.speech import SpeechChoice
from sigbench.core.media import Content


@dataclass(frozen=True)
class Denoised:
    """A denoised file.

    Attributes
    ----------
    content : Content
        The noisy file.
    method : str
        The method, as typed; with the noise estimator, if one was named.
    levels : tuple of float or None
        The noise level of each item that the method was given, or that was estimated for it; None
        if it was given none, or does not use it.
    noise : str
        Name of the noise estimator, if the method was given a noise model.
    choices : tuple of Choice
        The choices of the method ``auto`` by SURE, one per item of the file.
    speech : SpeechChoice or None
        The choice of the method ``auto`` for sound.
    sigma_unused : bool
        Whether a noise level was given to a method that does not use it.
    cautions : tuple of str
        Reasons why the result is probably not what was meant, one line each.
    seconds : float
        Duration, with reading and writing.
    """

    content: Content
    method: str
    levels: tuple[float, ...] | None
    noise: str = ""
    choices: tuple[Choice, ...] = ()
    speech: SpeechChoice | None = None
    sigma_unused: bool = False
    cautions: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the batch."""
        return self.content.batch.shape

    @property
    def sigma(self) -> tuple[float, ...] | None:
        """The distinct noise levels."""
        return None if self.levels is None else tuple(dict.fromkeys(self.levels))


def chosen_text(done: Denoised) -> str:
    """Return what ``auto`` has chosen and expects; empty for other methods."""
    if done.speech:
        return str(done.speech)
    return as_text(done.choices, done.content) if done.choices else ""


def messages(job: Job, done: Denoised, several: bool) -> list[str]:
    """Return the lines about a denoised file that are not its choice of a method.

    Parameters
    ----------
    job : Job
        The file.
    done : Denoised
        Its result.
    several : bool
        Whether a line must name the file, because there are several.
    """
    which = f"{job.name}: " if several else ""
    lines = [f"{job.name}: {'; '.join(done.content.notes)}"] if done.content.notes else []
    lines += [f"caution: {which}{caution}" for caution in done.cautions]
    if done.sigma_unused:
        lines.append(f"{which}{done.method} does not use --sigma")
    level = "" if done.sigma is None else f", sigma {', '.join(f'{s:.4g}' for s in done.sigma)}"
    shape = "×".join(map(str, done.shape))
    target = job.target or "standard output"
    lines.append(f"{target}: {done.method}, shape {shape}{level}")
    return lines


def as_record(job: Job, done: Denoised) -> dict[str, Any]:
    """Return the result of a file for JSON.

    ``method`` can be given to ``-m`` again; it is None if ``auto`` has chosen different methods for
    the items of the file, which are then in ``items``.
    """
    levels = None if done.levels is None else list(done.levels)
    record: dict[str, Any] = {
        **_paths(job),
        "method": done.method,
        "sigma": None if done.noise else levels,
        "noise": {"estimator": done.noise, "level": levels} if done.noise else None,
        "expected": None,
        "shape": list(done.shape),
        "cautions": list(done.cautions),
        "notes": list(done.content.notes),
        "seconds": round(done.seconds, 3),
    }
    if done.speech:
        whole = done.speech.network_hz in (None, done.speech.fs)
        record["method"] = done.speech.method if whole else done.method
        record["snr_db"] = list(done.speech.snr_db)
    if done.choices:
        names = {choice.expected[0].method for choice in done.choices}
        record["method"] = names.pop() if len(names) == 1 else None
        record["sigma"] = levels if done.choices[0].sigma_given else None
        record |= as_json(done.choices, done.content)
        record["cautions"] += [doubt for choice in done.choices for doubt in choice.doubts]
        if len(done.choices) == 1:
            record["expected"] = record["items"][0]["expected"]
    valid: dict[str, Any] = _finite(record)
    return valid


def as_failure(job: Job, error: str) -> dict[str, Any]:
    """Return the failure of a file for JSON."""
    return {**_paths(job), "error": error}


def _paths(job: Job) -> dict[str, Any]:
    return {
        "in": str(job.source or STANDARD),
        "out": str(job.target or STANDARD),
        "plot": None if job.plot is None else str(job.plot),
    }


def _finite(value: Any) -> Any:
    """Return a value for JSON, which has neither NaN nor infinity: they become None.

    Examples
    --------
    >>> _finite({"sigma": [0.5, math.nan]})
    {'sigma': [0.5, None]}
    """
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
