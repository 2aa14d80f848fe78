"""Plugins of other packages: found by entry point, tried in another process, then loaded."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from sigbench.core.errors import InputError
from sigbench.core.interrupts import how_it_ended

GROUPS = {
    "method": "sigbench.denoisers",
    "denoiser": "sigbench.denoisers",
    "dataset": "sigbench.datasets",
    "metric": "sigbench.metrics",
}
DATASET = ("domain", "peak", "problem_info", "version", "size", "item", "group")
ENTRIES = ("fit", "bind", "estimate", "start")  # of objects that are not called
LIMIT_S = 60.0  # for the import of a package
TARGET = re.compile(r"\w+(\.\w+)*\s*:\s*\w+(\.\w+)*\s*(\[.*\])?")  # what a package registers


@dataclass(frozen=True)
class Plugin:
    """An entry point of another package.

    Attributes
    ----------
    kind : str
        ``"method"``, ``"dataset"`` or ``"metric"``.
    name : str
        The name under which it is registered.
    point : EntryPoint
        Where the object is.
    rivals : tuple of str
        Other packages that register the same name.
    """

    kind: str
    name: str
    point: EntryPoint
    rivals: tuple[str, ...] = ()

    @property
    def package(self) -> str:
        """Name and version of the package, or the module if there is no package."""
        return _package(self.point)

    def check_target(self) -> None:
        """Check that the entry point has the form ``module:attribute``.

        Raises
        ------
        InputError
            If it has another form.
        """
        if not TARGET.fullmatch(self.point.value):
            raise self.error(f"{self.point.value!r} is not of the form module:attribute")

    @property
    def target(self) -> str:
        """Where the object is, as ``module:attribute``."""
        self.check_target()
        return f"{self.point.module}:{self.point.attr}"

    def load(self) -> Any:
        """Return the object that the package registers.

        The package is first imported in another process, because its import may exit, crash or
        never end.

        Raises
        ------
        InputError
            If the package cannot be imported, or the object does not satisfy the protocol of its
            kind.
        """
        return _loaded(self)

    def error(self, what: str) -> InputError:
        """Return the error for a plugin that cannot be used."""
        return InputError(f"{self.kind} {self.name!r} of the package {self.package}: {what}")


@functools.cache
def plugins(kind: str) -> dict[str, Plugin]:
    """Return what other packages register for a kind of object, by name.

    Parameters
    ----------
    kind : str
        A kind of object; some, such as ``"network"``, have no group of entry points.
    """
    of_name: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=GROUPS[kind]) if kind in GROUPS else ():
        of_name.setdefault(point.name, []).append(point)
    return {
        name: Plugin(kind, name, first, tuple(map(_package, others)))
        for name, (first, *others) in of_name.items()
    }


def faulty(kind: str, taken: Collection[str] = ()) -> list[str]:
    """Load all plugins of a kind and return the errors of those that cannot be used.

    Parameters
    ----------
    kind : str
        The kind of object.
    taken : collection of str
        The names that sigbench itself uses.
    """
    errors = []
    for plugin in plugins(kind).values():
        if plugin.name in taken:
            errors.append(str(plugin.error("it is ignored, because sigbench has this name")))
            continue
        try:
            plugin.load()
        except InputError as error:
            errors.append(str(error))
    return errors


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value


@functools.cache
def _loaded(plugin: Plugin) -> Any:
    if plugin.rivals:
        raise plugin.error(f"{', '.join(plugin.rivals)} registers the same name: uninstall one")
    plugin.check_target()
    if failed := _tried(plugin):
        raise plugin.error(failed)
    try:
        thing = plugin.point.load()
    except (Exception, SystemExit) as error:  # code of another package
        raise plugin.error(f"{type(error).__name__}: {error}") from error
    if wrong := _violation(plugin, thing):
        raise plugin.error(f"{plugin.point.value} {wrong}")
    return thing


def _violation(plugin: Plugin, thing: Any) -> str:
    """Return how an object violates the protocol of its kind; empty if it does not."""
    if plugin.kind in ("method", "denoiser") and not (
        callable(thing) or any(name in dir(thing) for name in ENTRIES)
    ):
        return "is not a method: it must be a class or function"
    if plugin.kind == "metric":
        if (type(thing).__module__, type(thing).__name__) != ("sigbench.scoring.metrics", "Metric"):
            return "is not a sigbench.Metric"
        if not callable(thing.function):
            return f"has the function {thing.function!r}, which is not callable"
    if plugin.kind == "dataset":
        if not (isinstance(thing, type) and dataclasses.is_dataclass(thing)):
            return "is not a dataclass with the methods of sigbench.Dataset"
        present = {*dir(thing), *(field.name for field in dataclasses.fields(thing))}
        if missing := [name for name in DATASET if name not in present]:
            return f"lacks {', '.join(missing)} (see sigbench.Dataset)"
        if getattr(thing, "kind", None) != plugin.name:
            return f"has kind={getattr(thing, 'kind', None)!r}: it must be {plugin.name!r}"
    return ""


@functools.cache  # also of a failure: a package that hangs costs its time limit once
def _tried(plugin: Plugin) -> str:
    """Import a plugin in another process and return what went wrong; empty if nothing did."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    child = subprocess.Popen(
        [sys.executable, "-m", "sigbench.config.plugins", plugin.point.group, plugin.name],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert child.stdout is not None
    try:
        answer, _ = child.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        return f"its import takes longer than {LIMIT_S:g} s"
    finally:
        _end(child)
        child.stdout.close()
    try:
        failed: str = json.loads(answer)
    except ValueError:  # it has ended before it could answer
        return f"its import ends the process ({how_it_ended(child.returncode)})"
    return failed


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill a process and those that it has started, and wait for its end."""
    child.kill()
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError):  # none is left
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _try(group: str, name: str) -> None:
    """Import a plugin, and write a JSON string to standard output: the error, or an empty one."""
    answer = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # what the package prints must not be taken for the answer
    failed = ""
    try:
        next(iter(entry_points(group=group, name=name))).load()
    except Exception as error:
        failed = f"{type(error).__name__}: {error}"
    except BaseException as error:
        failed = f"its import raises {type(error).__name__}({', '.join(map(repr, error.args))})"
    answer.write(json.dumps(failed))
    answer.close()
    os._exit(0)  # without functions that the package may have registered with atexit


if __name__ == "__main__":
    _try(*sys.argv[1:])
