"""Methods of users and of other packages, and their traits, which are known without their code."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import cloudpickle
import numpy as np

from sigbench.benchmark.methods.functions import Function, PerItem
from sigbench.config.spec import Spec
from sigbench.core.dependencies import Dependency
from sigbench.core.errors import InputError
from sigbench.core.fingerprint import identity
from sigbench.core.protocols import (
    UNDESCRIBED,
    Estimator,
    Info,
    Learner,
    NoiseEstimator,
    Oracle,
    Task,
    info_of,
)
from sigbench.denoisers.speech.trackers import NoiseTracker

PRELOADED = ("torch",)  # slow to import: once per worker in place of once per call

PLAIN = (type(None), bool, int, float, complex, str, bytes, np.ndarray, np.generic, PurePath)


@dataclass(frozen=True)
class Traits:
    """The traits of a method that a run needs to plan, call and report it.

    Attributes
    ----------
    task : str
        Its task.
    learner, oracle : bool
        Whether it is a `Learner`, or an `Oracle`.
    info : Info
        Its metadata.
    needs_sigma : bool
        Whether it is a function whose parameter ``sigma`` has no default.
    fixed : bool
        Whether a parameter is set that stops it from adapting.
    identity : object
        A JSON-like description of everything in it that can change its values.
    has_seed : bool
        Whether it has a parameter ``seed``.
    any_keyword : bool
        Whether it is a function of any keyword, which may use the noise level.
    refuses_sigma : str
        Why it cannot be given the noise level; empty if it can.
    source : str
        Its name and the digest of its code; empty for an object.
    code : tuple of Dependency
        The code that ``source`` is a digest of.
    preload : tuple of str
        Packages that are imported before it, once for all calls.
    grid_edges : tuple of str
        For a tuned method: the parameters at an edge of their grid.
    """

    task: Task
    learner: bool
    oracle: bool
    info: Info
    needs_sigma: bool
    fixed: bool
    identity: Any
    has_seed: bool
    any_keyword: bool = False
    refuses_sigma: str = ""
    source: str = ""
    code: tuple[Dependency, ...] = ()
    preload: tuple[str, ...] = ()
    grid_edges: tuple[str, ...] = ()


@dataclass(frozen=True)
class Origin:
    """How a method is made.

    Attributes
    ----------
    spec : Spec
        Its name and parameters.
    target : str
        ``module:attribute``; the attribute may have dots.
    seed : int, optional
        A training seed.
    """

    spec: Spec
    target: str
    seed: int | None = None

    @property
    def module(self) -> str:
        """The module that is imported."""
        return self.target.partition(":")[0]

    @property
    def failed(self) -> str:
        """The error if the import fails."""
        place = " from the working directory" if self.target == self.spec.name else ""
        return f"cannot import {self.module!r}{place}"


@dataclass(frozen=True)
class OwnMethod:
    """A method of a user or of another package; only a method process loads its code.

    Attributes
    ----------
    made_by : Origin or bytes
        How it is made, or the object as a pickle, which only a method process opens.
    folder : str
        The working directory, whose modules it may import.
    traits : Traits
        Its traits.
    """

    made_by: Origin | bytes = dataclasses.field(repr=False)
    folder: str = dataclasses.field(repr=False)
    traits: Traits

    @property
    def info(self) -> Info:
        """Its metadata."""
        return self.traits.info


def traits_of(entry: Any, source: str = "", code: tuple[Dependency, ...] = ()) -> Traits:
    """Return the traits of a method.

    Parameters
    ----------
    entry : object
        The method.
    source : str
        Its name and the digest of its code.
    code : tuple of Dependency
        Its code.

    Raises
    ------
    InputError
        If its ``info`` is not an `Info`.

    Examples
    --------
    >>> traits_of(Function(lambda noisy, sigma: noisy)).needs_sigma
    True
    """
    info = info_of(entry)
    if not isinstance(info, Info):
        raise InputError(f"info={info!r} must be a sigbench.core.protocols.Info")
    return Traits(
        task=task_of(entry),
        learner=isinstance(entry, Learner),
        oracle=isinstance(entry, Oracle),
        info=info,
        needs_sigma=isinstance(entry, Function | PerItem) and entry.needs_sigma,
        fixed=bool(info.fixed_by) and getattr(entry, info.fixed_by) is not None,
        identity=identity(entry),
        has_seed=has_seed(entry),
        any_keyword=has_any_keyword(entry),
        refuses_sigma=_refuses_sigma(entry),
        source=source,
        code=code,
        preload=tuple(name for name in PRELOADED if name in sys.modules),
    )


def task_of(entry: Any) -> Task:
    """Return what a method does.

    A user's learner or oracle for estimators has the domain ``system`` in its ``info``.
    """
    if isinstance(entry, Estimator) or "system" in info_of(entry).domains:
        return "system identification"
    if isinstance(entry, NoiseEstimator):
        return "noise estimation"
    return "noise tracking" if isinstance(entry, NoiseTracker) else "denoising"


def has_any_keyword(entry: Any) -> bool:
    """Return whether a method is a function of any keyword, which may use the noise level."""
    return isinstance(entry, Function | PerItem) and entry.takes_sigma == "keywords"


def _refuses_sigma(entry: Any) -> str:
    """Return why a method cannot be given the noise level; empty if it can."""
    info = info_of(entry)
    if isinstance(entry, Function | PerItem):
        if entry.takes_sigma != "no":
            return ""
        return f"{info.name} has no parameter sigma, as in f(noisy, sigma), or none that is known"
    if info.uses_sigma or info == UNDESCRIBED or isinstance(entry, Learner):
        return ""
    return "it declares that it does not use it (uses_sigma=False in its info)"


def has_seed(entry: Any) -> bool:
    """Return whether a method has a parameter ``seed``."""
    fields = dataclasses.fields(entry) if dataclasses.is_dataclass(entry) else ()
    return "seed" in {f.name for f in fields if f.init}


def traits_from(record: Any) -> Traits:
    """Return the traits in a JSON object that a method process has sent.

    Raises
    ------
    InputError
        If the record is invalid, because the method has replaced the code that sends it.
    """
    try:
        given = Info(**record["info"])
        info = dataclasses.replace(given, domains=tuple(given.domains))
        lists = {name: tuple(record[name]) for name in ("preload", "grid_edges")}
        used = tuple(Dependency(**one) for one in record["code"])
        traits = Traits(**{**record, **lists, "info": info, "code": used})
    except (TypeError, KeyError) as error:
        raise InputError(f"a method process sent an invalid description: {error}") from None
    if not {*traits.preload} <= {*PRELOADED}:
        raise InputError(f"a method process sent an invalid description: {traits.preload}")
    return traits


def seal(entry: Any, code: tuple[Dependency, ...] = ()) -> OwnMethod:
    """Return a method of a user as bytes, which only a method process opens.

    Parameters
    ----------
    entry : object
        The method.
    code : tuple of Dependency
        The code that must not change while the method is used.

    Raises
    ------
    Exception
        If part of it cannot be serialized.
    """
    return OwnMethod(cloudpickle.dumps(entry), str(Path.cwd()), traits_of(entry, code=code))


def is_own(entry: Any) -> bool:
    """Return whether a method, or a part of it, is code of a user or of another package.

    Examples
    --------
    >>> from sigbench.denoisers import GaussianBlur
    >>> is_own(GaussianBlur()), is_own(Function(lambda noisy: noisy))
    (False, True)
    """
    if isinstance(entry, OwnMethod):
        return True
    if isinstance(entry, list | tuple):
        return any(map(is_own, entry))
    if isinstance(entry, dict):
        return any(map(is_own, entry.values()))
    root = type(entry).__module__.partition(".")[0]
    if root in ("builtins", "numpy", "pathlib") and isinstance(entry, PLAIN):
        return False
    if root != "sigbench":
        return True
    if dataclasses.is_dataclass(entry):
        return any(is_own(getattr(entry, f.name, None)) for f in dataclasses.fields(entry))
    return False
