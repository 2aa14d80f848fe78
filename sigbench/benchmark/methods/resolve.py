"""Methods of a suite: how a spec or a user's object becomes a named method with a key."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from sigbench.benchmark.methods.building import MethodEntry, loaded
from sigbench.benchmark.methods.ensemble import SelfEnsemble, self_ensemble
from sigbench.benchmark.methods.functions import Function
from sigbench.benchmark.methods.inspection import inspected
from sigbench.benchmark.methods.own import (
    Origin,
    OwnMethod,
    has_any_keyword,
    has_seed,
    is_own,
    seal,
    task_of,
)
from sigbench.benchmark.methods.wrappers import WRAPPERS
from sigbench.config.plugins import plugins
from sigbench.config.registry import build, construct, lookup
from sigbench.config.spec import Spec, expand, format_value, parse
from sigbench.core.dependencies import Dependency, changed, code, declared
from sigbench.core.errors import InputError
from sigbench.core.fingerprint import code_digest, digest, identity
from sigbench.core.protocols import (
    UNDESCRIBED,
    Info,
    Knowledge,
    Learner,
    Oracle,
    Task,
    info_of,
)
from sigbench.denoisers import DENOISERS
from sigbench.denoisers.noise import NOISE_ESTIMATORS
from sigbench.denoisers.speech.trackers import TRACKERS
from sigbench.estimators import ESTIMATORS
from sigbench.networks.pretrained.denoiser import Pretrained
from sigbench.networks.pretrained.speech import SPEECH_NETWORKS
from sigbench.networks.training.learner import Trained

METHODS = {
    **DENOISERS,
    **ESTIMATORS,
    **TRACKERS,
    **NOISE_ESTIMATORS,
    **WRAPPERS,
    **SPEECH_NETWORKS,
    "network": Pretrained,
    "trained": Trained,
    "self-ensemble": SelfEnsemble,
}

# What the methods for a task are called, and the names of ours.
KINDS: dict[Task, tuple[str, Iterable[str]]] = {
    "denoising": ("a denoiser", DENOISERS),
    "system identification": ("an estimator of impulse responses", ESTIMATORS),
    "noise tracking": ("a noise tracker", TRACKERS),
    "noise estimation": ("a noise estimator", NOISE_ESTIMATORS),
}


@dataclass(frozen=True)
class Method:
    """A method of a suite.

    Attributes
    ----------
    name : str
        Its name in the suite.
    entry : Denoiser, Estimator, NoiseTracker, Learner, Oracle, function or OwnMethod
        The object that is run; a user's method without its code.
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
        The code that ``source`` is a digest of, if the method was made in this process.
    depends_on : tuple of Dependency
        Files and environment variables that the user lists.
    """

    name: str
    entry: MethodEntry | OwnMethod
    sigma_given: bool = False
    source: str = ""
    problems: tuple[str, ...] = ("*",)
    trainings: str = ""
    code: tuple[Dependency, ...] = ()
    depends_on: tuple[Dependency, ...] = ()

    def __post_init__(self) -> None:
        if inspect.isroutine(self.entry) or isinstance(self.entry, functools.partial):
            object.__setattr__(self, "entry", Function(self.entry))

    def is_for(self, problem: str) -> bool:
        """Return whether the method is run on a problem of this name."""
        return any(fnmatchcase(problem, pattern) for pattern in self.problems)

    @property
    def key(self) -> str:
        """A digest of everything about the method that can change its values."""
        # The word "told" must stay: finished cells of older versions have it in their keys.
        parts = {"entry": self.identity, "told": self.sigma_given, "source": self.source}
        if self.depends_on:
            parts["depends_on"] = code_digest(self.depends_on)
        return digest(parts)

    @property
    def identity(self) -> Any:
        """A JSON-like description of the entry."""
        if isinstance(self.entry, OwnMethod):
            return self.entry.traits.identity
        return identity(self.entry)

    @property
    def info(self) -> Info:
        """The metadata of the entry."""
        return info_of(self.entry)

    @property
    def task(self) -> Task:
        """What the method does."""
        if isinstance(self.entry, OwnMethod):
            return self.entry.traits.task
        return task_of(self.entry)

    @property
    def is_learner(self) -> bool:
        """Whether it is fitted on the training split."""
        if isinstance(self.entry, OwnMethod):
            return self.entry.traits.learner
        return isinstance(self.entry, Learner)

    @property
    def is_oracle(self) -> bool:
        """Whether it uses the clean items."""
        if isinstance(self.entry, OwnMethod):
            return self.entry.traits.oracle
        return isinstance(self.entry, Oracle)

    @property
    def _is_fixed(self) -> bool:
        """Whether a parameter is set that stops it from adapting."""
        if isinstance(self.entry, OwnMethod):
            return self.entry.traits.fixed
        return bool(self.info.fixed_by) and getattr(self.entry, self.info.fixed_by) is not None

    @property
    def _takes_any_keyword(self) -> bool:
        if isinstance(self.entry, OwnMethod):
            return self.entry.traits.any_keyword
        return has_any_keyword(self.entry)

    def knowledge(self, sigma_known: bool) -> Knowledge:
        """Return the strongest knowledge that applies.

        Parameters
        ----------
        sigma_known : bool
            Whether the problem has a known noise level.
        """
        if self.is_oracle:
            return "oracle"
        info = self.info
        if info.prior:
            return "prior"
        if info.fitted or self.is_learner:
            return "fitted"
        if info == UNDESCRIBED or self._takes_any_keyword:  # equal: a worker has a copy
            return "sigma" if self.sigma_given and sigma_known else "none"
        if info.adapts and not self._is_fixed:
            return "blind"
        if self._is_fixed or not info.uses_sigma:
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
        method = Method(str(spec), _entry(plain), depends_on=depends_on)
        if isinstance(method.entry, OwnMethod):
            traits = method.entry.traits
            if (sigma_given or given) and traits.refuses_sigma:
                why = traits.refuses_sigma
                raise InputError(f"{spec} cannot be given the noise level: {why}")
            given, source = given or traits.needs_sigma, traits.source
            method = dataclasses.replace(method, source=source)
        elif isinstance(method.entry, SelfEnsemble) and is_own(method.entry):
            used = code(type(method.entry.denoiser).__module__)
            source = f"{spec.name}@{code_digest(used)}"
            method = dataclasses.replace(method, source=source, code=used)
        methods.append(dataclasses.replace(method, sigma_given=sigma_given or given))
    return methods


def depending_on(method: Method, listed: Iterable[Dependency]) -> Method:
    """Return a method that also depends on files or environment variables."""
    return dataclasses.replace(
        method, depends_on=tuple(dict.fromkeys([*method.depends_on, *listed]))
    )


def check_unchanged(method: Method) -> None:
    """Check that nothing in ``depends_on`` has changed since the key was computed.

    Raises
    ------
    RuntimeError
        If a file has been edited, or a worker has another version or another value of an
        environment variable.
    """
    if (one := changed(method.depends_on)) is not None:
        raise RuntimeError(f"the {one.kind} {one.name} has changed since the run started")


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


def _entry(spec: Spec) -> MethodEntry | OwnMethod:
    """Return the method of a spec without options; code of others is described, not loaded."""
    module_name, colon, _ = spec.name.partition(":")
    if colon:
        if module_name.endswith(".py") or not all(map(str.isidentifier, module_name.split("."))):
            raise InputError(
                f"{module_name!r} must be a module in the working directory, such as mine (for "
                "the file mine.py) or package.mine"
            )
        return inspected(Origin(spec, spec.name))
    if spec.name not in METHODS and spec.name in plugins("method"):
        plugin = plugins("method")[spec.name]
        origin = Origin(spec, plugin.target)
        try:
            return inspected(origin)
        except InputError as error:
            raise plugin.error(str(error)) from None
    registered = lookup("method", METHODS, spec.name)
    if registered is SelfEnsemble:
        return construct(registered, spec, self_ensemble)
    return build("method", METHODS, spec)


def with_seed(method: Method, seed: int) -> Method:
    """Return a method with another value of its parameter ``seed``.

    Raises
    ------
    InputError
        If it is not a learner, or has no such parameter.
    """
    entry: Any = method.entry
    own = isinstance(entry, OwnMethod)
    seeded = entry.traits.has_seed if own else has_seed(entry)
    if not method.is_learner or not seeded:
        raise InputError(f"{method.name} has no parameter 'seed', which training_seeds needs")
    if not own:
        return dataclasses.replace(method, entry=dataclasses.replace(entry, seed=seed))
    return dataclasses.replace(
        method, entry=inspected(dataclasses.replace(entry.made_by, seed=seed))
    )


def sealed(method: Method) -> Method:
    """Return a method that is safe to handle: the code of others only runs in its own process.

    Raises
    ------
    Exception
        If a user's object cannot be serialized.
    """
    if isinstance(method.entry, OwnMethod) or not is_own(method.entry):
        return method
    return dataclasses.replace(method, entry=seal(method.entry, method.code))


def unsealed(method: Method) -> Method:
    """Return a method whose code is imported in this process, to be called without a run.

    Raises
    ------
    InputError
        If its module cannot be imported.
    """
    if not isinstance(method.entry, OwnMethod):
        return method
    return dataclasses.replace(method, entry=loaded(method.entry))
