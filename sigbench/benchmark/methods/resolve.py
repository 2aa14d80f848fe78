"""Methods: anything that denoises or estimates a system, with its name, what it is told and its key."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from sigbench.benchmark.methods.ensemble import SelfEnsemble, self_ensemble
from sigbench.benchmark.methods.tuning import SureTuned
from sigbench.config.registry import build, construct, lookup
from sigbench.config.spec import Spec, expand, format_value, parse
from sigbench.core.errors import InputError, unknown
from sigbench.core.fingerprint import digest, identity, source_digest
from sigbench.core.protocols import (
    UNDESCRIBED,
    Array,
    Denoiser,
    Estimator,
    Info,
    Knowledge,
    Learner,
    Oracle,
    Sigma,
    info_of,
)
from sigbench.core.validation import check
from sigbench.denoisers import DENOISERS
from sigbench.estimators import ESTIMATORS
from sigbench.networks.pretrained.denoiser import Pretrained
from sigbench.networks.training.learner import Trained

METHODS = {
    **DENOISERS,
    **ESTIMATORS,
    "network": Pretrained,
    "trained": Trained,
    "self-ensemble": SelfEnsemble,
}

MethodEntry = Denoiser | Estimator | Learner | Oracle


MAX_NUMBERS = 8  # of an array that are written out


@dataclass(frozen=True)
class Function:
    """A plain function as a denoiser: ``f(noisy)`` or ``f(noisy, sigma)``, whole batches.

    Examples
    --------
    >>> Function(lambda noisy: noisy / 2)(np.ones((1, 1, 2)))
    array([[[0.5, 0.5]]])
    """

    function: Callable[..., Array]

    @property
    def info(self) -> Info:
        """Its name, and whether it takes the noise level."""
        name = getattr(self.function, "__name__", "function")
        return Info(name, "user", "a function of one's own", uses_sigma="sigma" in self._parameters)

    @property
    def _parameters(self) -> dict[str, inspect.Parameter]:
        return dict(inspect.signature(self.function).parameters)

    @property
    def needs_sigma(self) -> bool:
        """Whether ``sigma`` is a parameter without a default."""
        return (
            "sigma" in self._parameters
            and self._parameters["sigma"].default is inspect.Parameter.empty
        )

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Call the function; its result is checked by the runner, not here."""
        if "sigma" in self._parameters and (sigma is not None or self.needs_sigma):
            return self.function(noisy, sigma=sigma)
        return self.function(noisy)


@dataclass(frozen=True)
class PerItem:
    """A function of one item as a denoiser of whole batches.

    Parameters
    ----------
    function : callable
        ``f(item)`` or ``f(item, sigma)``; the item is ``(L,)`` or ``(H, W)`` where it has one
        channel, else ``(C, *space)``; sigma is a float or None. It returns the item's estimate.

    Examples
    --------
    >>> from scipy.signal import medfilt
    >>> PerItem(lambda item: medfilt(item, 3))(np.array([[[0.0, 9.0, 0.0]]]))
    array([[[0., 0., 0.]]])
    """

    function: Callable[..., Array]

    @property
    def info(self) -> Info:
        """Its name, and whether it takes the noise level."""
        return Function(self.function).info

    @property
    def needs_sigma(self) -> bool:
        """Whether ``sigma`` is a parameter without a default."""
        return Function(self.function).needs_sigma

    def __call__(self, noisy: Array, *, sigma: Sigma = None) -> Array:
        """Return the estimates, stacked."""
        levels = check(noisy, sigma)
        one = Function(self.function)
        estimate = np.empty_like(noisy)
        for i, item in enumerate(noisy):
            level = None if levels is None else float(levels[i])
            flat = item[0] if len(item) == 1 else item
            result = np.asarray(one(flat, sigma=level))
            if result.shape != flat.shape:
                raise InputError(f"item of shape {flat.shape} came back with shape {result.shape}")
            estimate[i] = result
        return estimate


@dataclass(frozen=True)
class Method:
    """A row of a suite.

    Attributes
    ----------
    name : str
        The name of the row.
    entry : Denoiser, Estimator, Learner or Oracle
        What runs.
    sigma_given : bool
        Whether it is told the noise level (where the problem has one).
    source : str
        ``module:attribute`` and digest of the user's source; empty for sigbench's own.
    problems : tuple of str
        Patterns of the names of the problems that it is for.
    trainings : str
        What it is one training seed of: rows that share it are averaged in the report.
    """

    name: str
    entry: MethodEntry
    sigma_given: bool = False
    source: str = ""
    problems: tuple[str, ...] = ("*",)
    trainings: str = ""

    def is_for(self, problem: str) -> bool:
        """Return whether it is for a problem of this name."""
        return any(fnmatchcase(problem, pattern) for pattern in self.problems)

    @property
    def key(self) -> str:
        """Digest of everything about the method that can change its values."""
        parts = {"entry": identity(self.entry), "told": self.sigma_given, "source": self.source}
        return digest(parts)

    @property
    def is_estimator(self) -> bool:
        """Whether it estimates system functions, else it denoises.

        A learner or oracle of one's own says so with the domain ``system`` in its ``info``.
        """
        return isinstance(self.entry, Estimator) or "system" in info_of(self.entry).domains

    def knowledge(self, sigma_known: bool) -> Knowledge:
        """Return the strongest knowledge that applies.

        Parameters
        ----------
        sigma_known : bool
            Whether the problem has a noise level to tell.
        """
        if isinstance(self.entry, Oracle):
            return "oracle"
        info = info_of(self.entry)
        if info.prior:
            return "prior"
        if info.fitted or isinstance(self.entry, Learner):
            return "fitted"
        if info == UNDESCRIBED:  # a worker has a copy
            return "sigma" if self.sigma_given and sigma_known else "none"
        fixed = info.fixed_by and getattr(self.entry, info.fixed_by) is not None
        if fixed or not info.uses_sigma:
            return "none"
        return "sigma" if self.sigma_given and sigma_known else "blind"


def resolve(text: str, *, sigma_given: bool = False) -> list[Method]:
    """Return the methods that a written form stands for, one per combination of listed values.

    Parameters
    ----------
    text : str
        ``name[param=value,...]`` from the table, or ``module:attribute`` from the working
        directory; ``sigma=given`` among the parameters tells it the noise level.
    sigma_given : bool
        Whether it is told the noise level anyhow.

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
    for spec in expand(parse(text)):
        params = tuple((k, v) for k, v in spec.params if k != "sigma")
        given = dict(spec.params).get("sigma", "none")
        if given not in ("given", "none", None):
            raise InputError(f"{text}: sigma={format_value(given)} must be one of: given, none")
        plain = Spec(spec.name, params)
        if ":" in spec.name:
            entry, source = _users_own(plain)
        else:
            entry, source = _from_table(plain)
        needs = isinstance(entry, Function | PerItem) and entry.needs_sigma
        methods.append(Method(str(spec), entry, sigma_given or given == "given" or needs, source))
    return methods


def _from_table(spec: Spec) -> tuple[MethodEntry, str]:
    """Build a method of the table, or of a package's entry point."""
    made = lookup("method", METHODS, spec.name)
    if made is SelfEnsemble:
        ensemble = construct(made, spec, self_ensemble)
        module = type(ensemble.denoiser).__module__
        ours = module.partition(".")[0] == "sigbench"
        return ensemble, "" if ours else f"{spec.name}@{source_digest(module)}"
    if spec.name in METHODS:
        return build("method", METHODS, spec), ""
    entry = _made(made, spec) if isinstance(made, type) else _unparametrized(spec, made)
    return as_entry(entry), f"{spec.name}@{source_digest(made.__module__)}"


def as_entry(thing: Any) -> MethodEntry:
    """Return a denoiser, estimator, learner or oracle as it is, and a plain function as a denoiser.

    Raises
    ------
    InputError
        For anything else.
    """
    _refuse_network(type(thing))
    if inspect.isroutine(thing) or isinstance(thing, functools.partial):
        return Function(thing)
    if isinstance(thing, Learner | Oracle | Denoiser | Estimator):
        return thing
    raise InputError(
        f"{thing!r} is no method: a function f(noisy, sigma), a Denoiser, Estimator, Learner or Oracle"
    )


def _refuse_network(cls: type) -> None:
    """Refuse a bare network, which would pass for a denoiser: whoever has one has loaded torch."""
    if any(
        (c.__module__, c.__name__) == ("torch.nn.modules.module", "Module") for c in cls.__mro__
    ):
        raise InputError(
            f"{cls.__name__} is a torch.nn.Module: declare its layout, range and noise level by "
            "sigbench.TorchModule(module, ...)"
        )


def _unparametrized(spec: Spec, thing: Any) -> Any:
    if spec.params:
        raise InputError(f"{spec}: {spec.name} takes no parameters here: it is no class")
    return thing


def _users_own(spec: Spec) -> tuple[MethodEntry, str]:
    module_name, _, attribute = spec.name.partition(":")
    if not all(part.isidentifier() for part in module_name.split(".")):
        raise InputError(
            f"{module_name!r} must be a module of the working directory, like mine or package.mine"
        )
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        what = f"{type(error).__name__}: {error}"
        raise InputError(
            f"cannot import {module_name!r} from the working directory: {what}"
        ) from error
    if attribute not in vars(module):
        public = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
        raise unknown(f"attribute of {module_name}", attribute, public)
    thing = vars(module)[attribute]
    made = _made(thing, spec) if isinstance(thing, type) else _unparametrized(spec, thing)
    return as_entry(made), f"{spec.name}@{source_digest(module_name)}"


def _made(cls: type, spec: Spec) -> Any:
    """Make an object of a user's class: a dataclass by its fields, another without parameters."""
    _refuse_network(cls)
    try:
        if dataclasses.is_dataclass(cls):
            return construct(cls, spec)
        return _unparametrized(spec, cls())
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        raise InputError(f"{spec}: {type(error).__name__}: {error}") from error


def check_source(method: Method) -> None:
    """Make sure that a user's module is here what it was when the method's key was made.

    Raises
    ------
    RuntimeError
        Where it has been edited since, or a worker has another version of it.
    """
    name, _, known = method.source.partition("@")
    module = name.partition(":")[0]
    if ":" in name and _loaded_digest(importlib.import_module(module)) != known:
        raise RuntimeError(f"the source of {module} is not the one that the run began with")


@functools.cache
def _loaded_digest(module: ModuleType) -> str:
    """Return the digest of a module as it was when this process first asked, soon after loading."""
    return source_digest(module.__name__)


def bind_problem_info(entry: Any, problem_info: Mapping[str, Any]) -> Any:
    """Fill the fields that are named like a fact and left None, in nested methods too.

    Parameters
    ----------
    entry : object
        A denoiser, learner or oracle.
    problem_info : mapping
        What the problem tells every method: ``fs``, ``kernel``, ``lead_in``, ...

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
    """Write a method's parameters, those left None aside; of long arrays their shape alone.

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
    """Write a value; of a long array, such as a kernel, its shape."""
    if isinstance(value, tuple) and np.size(value) > MAX_NUMBERS:
        return f"[{'×'.join(map(str, np.shape(value)))} numbers]"
    return format_value(value)
