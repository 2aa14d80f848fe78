"""The parameters of a method: as text, and filled with problem information."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from sigbench.benchmark.methods.ensemble import SelfEnsemble
from sigbench.benchmark.methods.functions import Function, PerItem
from sigbench.benchmark.methods.tuning import SureTuned
from sigbench.config.spec import format_value
from sigbench.core.protocols import info_of

MAX_NUMBERS = 8  # longer arrays are described by their shape


def bind_problem_info(entry: Any, problem_info: Mapping[str, Any]) -> Any:
    """Fill fields that are None and have the name of problem information, also in nested methods.

    Parameters
    ----------
    entry : object
        A denoiser, learner or oracle.
    problem_info : mapping
        Values that every method may use: ``fs``, ``kernel``, ``lead_in``, ...

    Examples
    --------
    >>> @dataclasses.dataclass(frozen=True)
    ... class Notch:
    ...     fs: float | None = None
    >>> bind_problem_info(Notch(), {"fs": 8000.0}).fs
    8000.0
    """
    if not dataclasses.is_dataclass(entry) or isinstance(entry, type):
        return entry
    changes = {}
    for field in dataclasses.fields(entry):
        if not field.init:
            continue
        value = getattr(entry, field.name)
        if value is None and field.name in problem_info:
            changes[field.name] = problem_info[field.name]
        elif (
            dataclasses.is_dataclass(value)
            and (bound := bind_problem_info(value, problem_info)) is not value
        ):
            changes[field.name] = bound
    return dataclasses.replace(entry, **changes) if changes else entry


def describe(entry: Any) -> str:
    """Return the parameters of a method as text, without those that are None.

    Examples
    --------
    >>> from sigbench.denoisers import DENOISERS
    >>> describe(DENOISERS["gmc"](lam=3.0))
    'transform=dct, lam=3, gamma=0.8, nonneg=false, solver=exact[tol=1e-06]'
    """
    if not dataclasses.is_dataclass(entry) or isinstance(entry, Function | PerItem):
        return ""
    if isinstance(entry, SelfEnsemble):
        inner = describe(entry.denoiser)
        name = info_of(entry.denoiser).name
        return f"denoiser={name}[{inner}]" if inner else f"denoiser={name}"
    if isinstance(entry, SureTuned):
        values = entry.settings
    else:
        values = {f.name: getattr(entry, f.name) for f in dataclasses.fields(entry) if f.repr}
    given = {name: value for name, value in values.items() if value is not None}
    return ", ".join(f"{name}={_brief(value)}" for name, value in given.items())


def _brief(value: Any) -> str:
    """Return a value as text; a long array, such as a kernel, as its shape."""
    if isinstance(value, tuple) and np.size(value) > MAX_NUMBERS:
        return f"[{'×'.join(map(str, np.shape(value)))} numbers]"
    return format_value(value)
