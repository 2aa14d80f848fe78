"""Methods of a user, made in the process that runs them, and their traits.

The process that plans a run does not import a user's module: see `inspected` in ``inspection.py``.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import sys
import traceback
from pathlib import Path
from typing import Any

import cloudpickle

from sigbench.benchmark.isolation.channel import Channel
from sigbench.benchmark.methods.functions import Function, takes_sigma
from sigbench.benchmark.methods.own import Origin, OwnMethod, traits_of
from sigbench.config.registry import construct
from sigbench.config.spec import Spec
from sigbench.core.dependencies import changed, code
from sigbench.core.errors import InputError, unknown
from sigbench.core.fingerprint import code_digest
from sigbench.core.protocols import Denoiser, Estimator, Learner, NoiseEstimator, Oracle
from sigbench.core.sources import import_module
from sigbench.denoisers.speech.trackers import NoiseTracker

MethodEntry = Denoiser | Estimator | NoiseTracker | NoiseEstimator | Learner | Oracle


def serve(channel: Channel) -> None:
    """Answer a request to describe a method: in a method process."""
    _, (request,) = channel.receive()
    origin, folder = cloudpickle.loads(request.tobytes())
    try:
        entry = made(origin, folder)
        used = code(origin.module)
        source = f"{origin.spec.name}@{code_digest(used)}"
        answer = dataclasses.asdict(traits_of(entry, source, used))
    except InputError as error:
        answer = {"error": str(error)}
    except BaseException as error:
        answer = {"error": f"{origin.spec}: {_brief(error)}"}
    channel.send(answer)


def loaded(own: OwnMethod) -> MethodEntry:
    """Return the object that is run; its module is imported in this process.

    Raises
    ------
    InputError
        If it cannot be made.
    """
    if isinstance(own.made_by, bytes):
        _add_to_path(own.folder)
        entry: MethodEntry = cloudpickle.loads(own.made_by)
        return entry
    return made(own.made_by, own.folder)


def check_code(own: OwnMethod) -> None:
    """Check that the code of a method has not changed since it was described.

    Raises
    ------
    RuntimeError
        If a module has been edited, or a worker has another version.
    """
    if (one := changed(own.traits.code)) is not None:
        what = "source" if one.kind == "module" else one.kind
        raise RuntimeError(f"the {what} of {one.name} has changed since the run started")


def made(origin: Origin, folder: str) -> MethodEntry:
    """Import a user's module and return the method.

    Parameters
    ----------
    origin : Origin
        The method.
    folder : str
        The working directory, whose modules it may import.

    Raises
    ------
    InputError
        If the module cannot be imported, or has no such method.
    """
    spec = origin.spec
    module_name, _, path = origin.target.partition(":")
    _add_to_path(folder)
    try:
        module = import_module(module_name)
    except BaseException as error:
        what = _brief(error)
        if isinstance(error, ModuleNotFoundError) and error.name == "torch":
            what += " (pip install 'sigbench[torch]')"
        raise InputError(f"{origin.failed}: {what}") from error
    thing: Any = module
    for attribute in path.split("."):
        if attribute not in vars(thing):
            public = [n for n, v in vars(thing).items() if callable(v) and not n.startswith("_")]
            raise unknown(f"attribute of {module_name}", attribute, public)
        thing = vars(thing)[attribute]
    entry = as_entry(created(thing, spec))
    if origin.seed is not None:
        seeded: Any = dataclasses.replace(entry, seed=origin.seed)  # type: ignore[type-var]
        entry = seeded
    return entry


def _add_to_path(folder: str) -> None:
    if folder not in sys.path and Path(folder).is_dir():  # on a cluster it may not exist
        sys.path.insert(0, folder)


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
    if isinstance(thing, Learner | Oracle | Denoiser | Estimator | NoiseTracker | NoiseEstimator):
        if callable(thing) and takes_sigma(thing) == "no":
            raise InputError(
                f"{thing!r} must accept the keyword sigma: __call__(self, noisy, *, sigma=None)"
            )
        return thing
    raise InputError(
        f"{thing!r} is not a method: it must be a function f(noisy, sigma), a Denoiser, Estimator, "
        "NoiseTracker, NoiseEstimator, Learner or Oracle"
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


def created(thing: Any, spec: Spec) -> Any:
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
    except BaseException as error:
        raise InputError(f"{spec}: {_brief(error)}") from error


def _brief(error: BaseException) -> str:
    """Return the type and message of an error on one line."""
    text = traceback.format_exception_only(error)[-1]  # also if its message raises an error
    return " ".join(text.removeprefix(f"{type(error).__module__}.").split())
