"""Methods of a suite: how a spec or a user's object becomes a named method with a key."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from sigbench.benchmark.methods.ensemble import SelfEnsemble, self_ensemble
from sigbench.benchmark.methods.functions import Function, PerItem, takes_sigma
from sigbench.benchmark.methods.tuning import SureTuned
from sigbench.config.registry import build, construct, lookup
from sigbench.config.spec import Spec, expand, format_value, parse
from sigbench.core.dependencies import Dependency, changed, code, declared
from sigbench.core.errors import InputError, unknown
from sigbench.core.fingerprint import code_digest, digest, identity
from sigbench.core.protocols import (
    UNDESCRIBED,
    Denoiser,
    Estimator,
    Knowledge,
    Learner,
    Oracle,
    Task,
    info_of,
)
from sigbench.core.sources import import_module
from sigbench.denoisers import DENOISERS
from sigbench.denoisers.speech.trackers import TRACKERS, NoiseTracker
from sigbench.estimators import ESTIMATORS
from sigbench.networks.pretrained.denoiser import Pretrained
from sigbench.networks.pretrained.speech import SPEECH_NETWORKS
from sigbench.networks.training.learner import Trained

METHODS = {
    **DENOISERS,
    **ESTIMATORS,
    **TRACKERS,
    **SPEECH_NETWORKS,
    "network": Pretrained,
    "trained": Trained,
    "self-ensemble": SelfEnsemble,
}

MethodEntry = Denoiser | Estimator | NoiseTracker | Learner | Oracle

# What the methods for a task are called, and the names of ours.
KINDS: dict[Task, tuple[str, Iterable[str]]] = {
    "denoising": ("a denoiser", DENOISERS),
    "system identification": ("an estimator of impulse responses", ESTIMATORS),
    "noise tracking": ("a noise tracker", TRACKERS),
}

MAX_NUMBERS = 8  # longer arrays are described by their shape


@dataclass(frozen=True)
class Method:
    """A method of a suite.

    Attributes
    ----------
    name : str
        Its name in the suite.
    entry : Denoiser, Estimator, NoiseTracker, Learner or Oracle
        The object that is run.
    sigma_given : bool
        Whether the method is given the noise level, if it is known.
    source : str
        ``module:attribute`` and the digest of the user's source; empty for methods of sigbench.
    problems : tuple of str
        Patterns of the names of the problems that it is run on.
    trainings : str
        If the method is one of several trainings with different seeds, their common name; the
        report averages over them.
    code : tuple of Dependency
        What ``source`` is a digest of.
    depends_on : tuple of Dependency
        Files and environment variables that the user lists.
    """

    name: str
    entry: MethodEntry
    sigma_given: bool = False
    source: str = ""
    problems: tuple[str, ...] = ("*",)
    trainings: str = ""
    code: tuple[Dependency, ...] = ()
    depends_on: tuple[Dependency, ...] = ()

    def is_for(self, problem: str) -> bool:
        """Return whether the method is run on a problem of this name."""
        return any(fnmatchcase(problem, pattern) for pattern in self.problems)

    @property
    def key(self) -> str:
        """A digest of everything about the method that can change its values."""
        # The word "told" must stay: finished cells of older versions have it in their keys.
        parts = {"entry": identity(self.entry), "told": self.sigma_given, "source": self.source}
        if self.depends_on:
            parts["depends_on"] = code_digest(self.depends_on)
        return digest(parts)

    @property
    def task(self) -> Task:
        """What the method does.

        A user's learner or oracle for estimators has the domain ``system`` in its ``info``.
        """
        if isinstance(self.entry, Estimator) or "system" in info_of(self.entry).domains:
            return "system identification"
        return "noise tracking" if isinstance(self.entry, NoiseTracker) else "denoising"

    def knowledge(self, sigma_known: bool) -> Knowledge:
        """Return the strongest knowledge that applies.

        Parameters
        ----------
        sigma_known : bool
            Whether the problem has a known noise level.
        """
        if isinstance(self.entry, Oracle):
            return "oracle"
        info = info_of(self.entry)
        if info.prior:
            return "prior"
        if info.fitted or isinstance(self.entry, Learner):
            return "fitted"
        any_keyword = isinstance(self.entry, Function | PerItem) and (
            self.entry.takes_sigma == "keywords"
        )
        if info == UNDESCRIBED or any_keyword:  # equal, not identical: a worker has a copy
            return "sigma" if self.sigma_given and sigma_known else "none"
        if info.adapts:
            return "blind"
        fixed = info.fixed_by and getattr(self.entry, info.fixed_by) is not None
        if fixed or not info.uses_sigma:
            return "none"
        return "sigma" if self.sigma_given and sigma_known else "blind"


def resolve(text: str, *, sigma_given: bool = False) -> list[Method]:
    """Return the methods of a spec, one per combination of listed values.

    Parameters
    ----------
    text : str
        ``name[param=value,...]`` for a registered method, or ``module:attribute`` for a module in
        the working directory. With the parameter ``sigma=given`` it receives the noise level, and
        ``depends_on=FILE``, ``env:NAME`` or a list of them adds to its key; files are relative to
        the working directory.
    sigma_given : bool
        Whether to give the noise level to methods without ``sigma=given``, too.

    Raises
    ------
    InputError
        For an unknown name, parameter or value, or a module that cannot be imported.

    Examples
    --------
    >>> [method.entry for method in resolve("gaussian-blur[width=[0.5,1]]")]
    [GaussianBlur(width=0.5), GaussianBlur(width=1.0)]
    """
    methods = []
    whole = parse(text)
    options = dict(whole.params)
    listed = options.pop("depends_on", ())
    texts = listed if isinstance(listed, tuple) else (listed,)
    depends_on = declared(map(format_value, texts), Path.cwd())
    for spec in expand(Spec(whole.name, tuple(options.items()))):
        params = tuple((k, v) for k, v in spec.params if k != "sigma")
        given = is_given(dict(spec.params).get("sigma"))
        plain = Spec(spec.name, params)
        if ":" in spec.name:
            entry, module = _from_module(plain)
        else:
            entry, module = _from_table(plain)
        needs = isinstance(entry, Function | PerItem) and entry.needs_sigma
        if module and (sigma_given or given):
            _check_takes_sigma(str(spec), entry)
        given = sigma_given or given or needs
        used = code(module) if module else ()
        source = f"{spec.name}@{code_digest(used)}" if module else ""
        methods.append(Method(str(spec), entry, given, source, code=used, depends_on=depends_on))
    return methods


def depending_on(method: Method, listed: Iterable[Dependency]) -> Method:
    """Return a method that also depends on files or environment variables."""
    return dataclasses.replace(
        method, depends_on=tuple(dict.fromkeys([*method.depends_on, *listed]))
    )


def _check_takes_sigma(name: str, entry: MethodEntry) -> None:
    """Check that a user's method can be given the noise level."""
    info = info_of(entry)
    if isinstance(entry, Function | PerItem):
        refused = entry.takes_sigma == "no"
        why = f"{info.name} has no parameter sigma, as in f(noisy, sigma), or none that is known"
    else:
        refused = not (info.uses_sigma or info == UNDESCRIBED or isinstance(entry, Learner))
        why = "it declares that it does not use it (uses_sigma=False in its info)"
    if refused:
        raise InputError(f"{name} cannot be given the noise level: {why}")


def is_given(sigma: Any) -> bool:
    """Return whether the option ``sigma`` of a method is "given".

    Raises
    ------
    InputError
        If it is neither "given", "none" nor None.
    """
    if sigma not in ("given", "none", None):
        raise InputError(f"sigma={format_value(sigma)} must be one of: given, none")
    return bool(sigma == "given")


def _from_table(spec: Spec) -> tuple[MethodEntry, str]:
    """Build a registered method; return it and, if it is not of sigbench, its module."""
    registered = lookup("method", METHODS, spec.name)
    if registered is SelfEnsemble:
        ensemble = construct(registered, spec, self_ensemble)
        module = type(ensemble.denoiser).__module__
        ours = module.partition(".")[0] == "sigbench"
        return ensemble, "" if ours else module
    if spec.name in METHODS:
        return build("method", METHODS, spec), ""
    return as_entry(_created(registered, spec)), registered.__module__


def as_entry(thing: Any) -> MethodEntry:
    """Return a denoiser, estimator, tracker, learner or oracle unchanged, and wrap a function.

    Raises
    ------
    InputError
        For any other object.
    """
    _check_no_module(type(thing))
    if inspect.isroutine(thing) or isinstance(thing, functools.partial):
        return Function(thing)
    if isinstance(thing, Learner | Oracle | Denoiser | Estimator | NoiseTracker):
        if callable(thing) and takes_sigma(thing) == "no":
            raise InputError(
                f"{thing!r} must accept the keyword sigma: __call__(self, noisy, *, sigma=None)"
            )
        return thing
    raise InputError(
        f"{thing!r} is not a method: it must be a function f(noisy, sigma), a Denoiser, Estimator, "
        "NoiseTracker, Learner or Oracle"
    )


def _check_no_module(cls: type) -> None:
    """Check that a class is not a torch.nn.Module, which would be taken for a denoiser."""
    if any(
        (c.__module__, c.__name__) == ("torch.nn.modules.module", "Module") for c in cls.__mro__
    ):
        raise InputError(
            f"{cls.__name__} is a torch.nn.Module: wrap it in sigbench.TorchModule(module, ...), "
            "which declares its layout, range and noise level"
        )


def _from_module(spec: Spec) -> tuple[MethodEntry, str]:
    module_name, _, attribute = spec.name.partition(":")
    if not all(part.isidentifier() for part in module_name.split(".")):
        raise InputError(
            f"{module_name!r} must be a module in the working directory, such as mine or package.mine"
        )
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = import_module(module_name)
    except (Exception, SystemExit) as error:
        what = f"{type(error).__name__}: {error}"
        if isinstance(error, ModuleNotFoundError) and error.name == "torch":
            what += " (pip install 'sigbench[torch]')"
        raise InputError(
            f"cannot import {module_name!r} from the working directory: {what}"
        ) from error
    if attribute not in vars(module):
        public = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
        raise unknown(f"attribute of {module_name}", attribute, public)
    thing = vars(module)[attribute]
    return as_entry(_created(thing, spec)), module_name


def _created(thing: Any, spec: Spec) -> Any:
    """Return an object of a user's class, or any other object unchanged."""
    is_dataclass = isinstance(thing, type) and dataclasses.is_dataclass(thing)
    if isinstance(thing, type):
        _check_no_module(thing)
    if spec.params and not is_dataclass:
        raise InputError(f"{spec}: {spec.name} takes no parameters, because it is not a dataclass")
    if not isinstance(thing, type):
        return thing
    try:
        return construct(thing, spec) if is_dataclass else thing()
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        raise InputError(f"{spec}: {type(error).__name__}: {error}") from error


def check_source(method: Method) -> None:
    """Check that nothing that a user's method depends on has changed since the key was computed.

    Raises
    ------
    RuntimeError
        If code or a file has been edited, or a worker has another version or another value of an
        environment variable.
    """
    name, _, attribute = method.source.partition("@")[0].partition(":")
    if attribute:
        import_module(name)  # it may extend the path
    if (one := changed((*method.code, *method.depends_on))) is not None:
        what = f"the source of {one.name}" if one.kind == "module" else f"the {one.kind} {one.name}"
        raise RuntimeError(f"{what} has changed since the run started")


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
    >>> @dataclass(frozen=True)
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
