"""Methods: anything that denoises, with its name, what it is told, and what its values depend on."""

from __future__ import annotations

import ast
import dataclasses
import functools
import hashlib
import importlib
import inspect
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from sigbench.denoisers import DENOISERS
from sigbench.denoisers.inputs import check
from sigbench.errors import InputError, unknown
from sigbench.registry import build, construct, lookup
from sigbench.spec import Spec, expand, format_value, parse
from sigbench.types import (
    UNDESCRIBED,
    Array,
    Denoiser,
    Info,
    Knowledge,
    Learner,
    Oracle,
    Sigma,
    info_of,
)


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
    entry : Denoiser, Learner or Oracle
        What runs.
    told : bool
        Whether it is told the noise level (where the problem has one).
    source : str
        ``module:attribute`` and digest of the user's source; empty for sigbench's own.
    """

    name: str
    entry: Denoiser | Learner | Oracle
    told: bool = False
    source: str = ""

    @property
    def key(self) -> str:
        """Digest of everything about the method that can change its values."""
        parts = {"entry": identity(self.entry), "told": self.told, "source": self.source}
        return digest(parts)

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
        if isinstance(self.entry, Learner):
            return "fitted"
        if info is UNDESCRIBED:
            return "sigma" if self.told and sigma_known else "none"
        fixed = info.fixed_by and getattr(self.entry, info.fixed_by) is not None
        if fixed or not info.uses_sigma:
            return "none"
        return "sigma" if self.told and sigma_known else "blind"


def resolve(text: str, *, name: str | None = None, told: bool = False) -> list[Method]:
    """Return the methods that a written form stands for, one per combination of listed values.

    Parameters
    ----------
    text : str
        ``name[param=value,...]`` from the table, or ``module:attribute`` from the working
        directory; ``sigma=given`` among the parameters tells it the noise level.
    name : str, optional
        Name of the row; by default as written.
    told : bool
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
        methods.append(Method(name or str(spec), entry, told or given == "given" or needs, source))
    return methods


def _from_table(spec: Spec) -> tuple[Denoiser | Learner | Oracle, str]:
    """Build a method of the table, or of a package's entry point."""
    made = lookup("method", DENOISERS, spec.name)
    if spec.name in DENOISERS:
        return build("method", DENOISERS, spec), ""
    entry = _made(made, spec) if isinstance(made, type) else _unparametrized(spec, made)
    return as_entry(entry), f"{spec.name}@{source_digest(made.__module__)}"


def as_entry(thing: Any) -> Denoiser | Learner | Oracle:
    """Return a denoiser, learner or oracle as it is, and a plain function as a denoiser.

    Raises
    ------
    InputError
        For anything else.
    """
    if inspect.isroutine(thing) or isinstance(thing, functools.partial):
        return Function(thing)
    if isinstance(thing, Learner | Oracle | Denoiser):
        return thing
    raise InputError(
        f"{thing!r} is no method: a function f(noisy, sigma), a Denoiser, Learner or Oracle"
    )


def _unparametrized(spec: Spec, thing: Any) -> Any:
    if spec.params:
        raise InputError(f"{spec}: {spec.name} takes no parameters here: it is no class")
    return thing


def _users_own(spec: Spec) -> tuple[Denoiser | Learner | Oracle, str]:
    module_name, _, attribute = spec.name.partition(":")
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
    try:
        if dataclasses.is_dataclass(cls):
            return construct(cls, spec)
        return _unparametrized(spec, cls())
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        raise InputError(f"{spec}: {type(error).__name__}: {error}") from error


def source_digest(module_name: str) -> str:
    """Return a digest of a user's module and of all that it imports from beside it.

    Import statements are followed in the source, those inside functions too. An installed
    package is taken whole. Data files and modules imported by computed names are not seen.
    """
    file = getattr(sys.modules[module_name], "__file__", None)
    if file is None:  # built in
        return digest(sys.version)
    depth = module_name.count(".") + (Path(file).stem == "__init__")
    root = Path(file).absolute().parents[depth]
    if "site-packages" in root.parts:
        package = root / module_name.partition(".")[0]
        files = set(package.rglob("*.py")) if package.is_dir() else {Path(file)}
    else:
        files = _imported(root, module_name)
    hasher = hashlib.sha256()
    for path in sorted(files):
        hasher.update(f"{path.relative_to(root)}\x1f".encode() + path.read_bytes())
    return hasher.hexdigest()[:16]


def check_source(method: Method) -> None:
    """Make sure that a user's module is here what it was when the method's key was made.

    Raises
    ------
    RuntimeError
        Where it has been edited since, or a worker has another version of it.
    """
    name, _, known = method.source.partition("@")
    module = name.partition(":")[0]
    if ":" in name and _loaded_digest(module, id(importlib.import_module(module))) != known:
        raise RuntimeError(f"the source of {module} is not the one that the run began with")


@functools.cache
def _loaded_digest(module_name: str, loaded: int) -> str:
    """Return the digest of a module as it was when this process first asked, soon after loading."""
    return source_digest(module_name)


def _imported(root: Path, module_name: str) -> set[Path]:
    """Return the files below ``root`` that a module and its imports consist of."""
    files: set[Path] = set()
    waiting, seen = [module_name], {"sigbench"}
    while waiting:
        name = waiting.pop()
        if name in seen or name.partition(".")[0] == "sigbench":
            continue
        seen.add(name)
        if "." in name:
            waiting.append(name.rpartition(".")[0])  # a package's __init__ runs first
        stem = root.joinpath(*name.split("."))
        for file in (stem.with_suffix(".py"), stem / "__init__.py"):
            if file.is_file():
                files.add(file)
                package = name if file.stem == "__init__" else name.rpartition(".")[0]
                waiting += _names_imported(file, package)
    return files


def _names_imported(file: Path, package: str) -> list[str]:
    """Return every module that a source file may import, by its full name."""
    try:
        tree = ast.parse(file.read_bytes())
    except SyntaxError:  # imported by nobody, or the import has said so
        return []
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".") if package and node.level else []
            base = parts[: len(parts) - node.level + 1] if node.level else []
            base += node.module.split(".") if node.module else []
            found += [".".join(base), *(".".join([*base, alias.name]) for alias in node.names)]
    return [name for name in found if name]


def bind_facts(entry: Any, facts: Mapping[str, Any]) -> Any:
    """Fill the fields that are named like a fact and left None, in nested methods too.

    Parameters
    ----------
    entry : object
        A denoiser, learner or oracle.
    facts : mapping
        What the problem tells every method: ``fs``, ``kernel``, ``lead_in``, ...

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class Notch:
    ...     fs: float | None = None
    >>> bind_facts(Notch(), {"fs": 8000.0}).fs
    8000.0
    """
    if not dataclasses.is_dataclass(entry) or isinstance(entry, type):
        return entry
    changes = {}
    for field in dataclasses.fields(entry):
        value = getattr(entry, field.name)
        if value is None and field.name in facts:
            changes[field.name] = facts[field.name]
        elif dataclasses.is_dataclass(value) and (bound := bind_facts(value, facts)) is not value:
            changes[field.name] = bound
    return dataclasses.replace(entry, **changes) if changes else entry


def describe(entry: Any) -> str:
    """Write a method's parameters, those left None aside.

    Examples
    --------
    >>> describe(DENOISERS["gmc"](lam=3.0))
    'transform=dct, lam=3, gamma=0.8, nonneg=false, solver=closed'
    """
    if not dataclasses.is_dataclass(entry) or isinstance(entry, Function | PerItem):
        return ""
    values = [(f.name, getattr(entry, f.name)) for f in dataclasses.fields(entry)]
    return ", ".join(f"{name}={format_value(value)}" for name, value in values if value is not None)


def identity(thing: Any) -> Any:
    """Return, as JSON knows it, all of an object that can change its values.

    A registered object is named by its table's name and declared version, so that moving or
    renaming code changes nothing; arrays go by their digest.
    """
    if isinstance(thing, np.ndarray):
        return f"array:{thing.dtype}:{thing.shape}:{hashlib.sha256(thing.tobytes()).hexdigest()}"
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        fields = {
            f.name: identity(getattr(thing, f.name))
            for f in dataclasses.fields(thing)
            if f.metadata.get("identity", True)
        }
        return {"is": _declared_name(thing), **fields}
    if isinstance(thing, Mapping):
        return {str(k): identity(v) for k, v in thing.items()}
    if isinstance(thing, list | tuple):
        return [identity(v) for v in thing]
    if thing is None or isinstance(thing, bool | int | float | str):
        return thing
    if isinstance(thing, np.generic):
        return f"{thing.dtype}:{thing}"
    if isinstance(thing, Enum):
        return f"{type(thing).__qualname__}.{thing.name}"
    if isinstance(thing, complex | bytes | PurePath):
        return repr(thing)
    if isinstance(thing, functools.partial):
        return ["partial", *map(identity, (thing.func, thing.args, thing.keywords))]
    return getattr(thing, "__qualname__", type(thing).__qualname__)


def _declared_name(thing: Any) -> str:
    if isinstance(getattr(thing, "info", None), Info):
        return f"{thing.info.name} v{thing.info.version}"
    if hasattr(thing, "kind"):
        return f"{thing.kind} v{thing.version}"
    return type(thing).__name__


def digest(thing: Any) -> str:
    """Return a short digest of a JSON-like object."""
    text = json.dumps(thing, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
