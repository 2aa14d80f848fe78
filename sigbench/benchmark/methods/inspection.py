"""Descriptions of users' methods, from a process of their own with a time limit."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import cloudpickle

from sigbench.benchmark.isolation.channel import packed
from sigbench.benchmark.isolation.process import MethodFailed, MethodProcess
from sigbench.benchmark.methods.own import Origin, OwnMethod, traits_from
from sigbench.core.errors import InputError

SERVER = "sigbench.benchmark.methods.building"
IMPORT_LIMIT_S = 60.0  # for the import of a module and the creation of a method

# Packages that the modules import and that are slow to import. A module is described again for
# each of its methods.
_preload: dict[str, tuple[str, ...]] = {}
_limit: ContextVar[float] = ContextVar("import_limit", default=IMPORT_LIMIT_S)


@contextmanager
def import_limit(seconds: float | None) -> Iterator[None]:
    """Limit the time that the import of a user's module may take; by default 60 s."""
    token = _limit.set(IMPORT_LIMIT_S if seconds is None else seconds)
    try:
        yield
    finally:
        _limit.reset(token)


def inspected(origin: Origin) -> OwnMethod:
    """Return a user's method with its traits; its module is not imported in this process.

    Raises
    ------
    InputError
        If its module cannot be imported within the time limit, or has no such method.
    """
    module = origin.module
    folder = str(Path.cwd())
    request = packed(cloudpickle.dumps((origin, folder)))
    try:
        environ, preload = dict(os.environ), _preload.get(module, ())
        with MethodProcess(SERVER, _limit.get(), preload, environ) as process:
            record = process.request({}, request).header
    except MethodFailed as failed:
        if not failed.lost and not failed.error.startswith("TimeoutError"):
            raise InputError(failed.error) from None
        raise InputError(f"{origin.failed}: {failed.error}") from None
    traits = traits_from(record)
    _preload[module] = traits.preload
    return OwnMethod(origin, folder, traits)
