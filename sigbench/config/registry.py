"""Construction of objects from specs: literal tables, entry points, parameter checks."""

from __future__ import annotations

import dataclasses
import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Literal

from sigbench.config.plugins import plugins
from sigbench.config.spec import Spec, exact, format_value, parse
from sigbench.core.errors import InputError, unknown


def lookup(kind: str, table: Mapping[str, Any], name: str) -> Any:
    """Return an entry of a table, or one that another package registers.

    Parameters
    ----------
    kind : str
        ``"method"``, ``"dataset"``, ...: determines the entry-point group and the error message.
    table : mapping
        Literal table of names.
    name : str
        The name to look up.

    Raises
    ------
    InputError
        For an unknown name, with the nearest names, or if the package that registers it is faulty.
    """
    if name in table:
        return table[name]
    others = plugins(kind)
    if name in others:
        return others[name].load()
    raise unknown(kind, name, [*table, *others])


def names(kind: str, table: Mapping[str, Any]) -> list[str]:
    """Return all names that `lookup` accepts, those from other packages last."""
    return [*table, *(name for name in plugins(kind) if name not in table)]


def usable(kind: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of a table and those that other packages register, by name.

    Plugins that cannot be used are left out; `sigbench.config.plugins.faulty` returns their errors.
    """
    found = dict(table)
    for name in names(kind, table)[len(table) :]:
        with suppress(InputError):
            found[name] = lookup(kind, table, name)
    return found


def build(kind: str, table: Mapping[str, Any], spec: Spec | str) -> Any:
    """Construct the object that a spec describes.

    Parameters
    ----------
    kind : str
        What the table contains, as in `lookup`.
    table : mapping
        Names and their dataclasses.
    spec : Spec or str
        Spec, or its text form.

    Raises
    ------
    InputError
        For an unknown name or parameter, or an invalid value.

    Examples
    --------
    >>> from sigbench.denoisers import DENOISERS
    >>> build("method", DENOISERS, "gaussian-blur[width=0.7]")
    GaussianBlur(width=0.7)
    """
    spec = parse(spec) if isinstance(spec, str) else spec
    return construct(lookup(kind, table, spec.name), spec)


def construct(cls: Any, spec: Spec, make: Callable[..., Any] | None = None) -> Any:
    """Call a dataclass with the parameters of a spec, each checked against its annotation.

    If ``make`` is given, it is called with the parameters instead of the dataclass.
    """
    params = {k: parameter(cls, spec.name, k, v) for k, v in spec.params}
    for name, field in inspect.signature(cls).parameters.items():
        named = field.kind in (field.POSITIONAL_OR_KEYWORD, field.KEYWORD_ONLY)
        if named and field.default is field.empty and name not in params:
            raise InputError(f"{spec}: {name} must be set, as in {spec.name}[{name}=...]")
    try:
        return (make or cls)(**params)
    except InputError as error:
        raise InputError(f"{spec}: {error}") from None


def parameter(cls: Any, owner: str, name: str, value: Any) -> Any:
    """Return the value of a parameter, checked and converted for the dataclass.

    Raises
    ------
    InputError
        If the dataclass has no such parameter or the value has the wrong type.
    """
    fields = {f.name: f for f in dataclasses.fields(cls) if f.init}
    if name not in fields:
        raise unknown(f"parameter of {owner}", name, fields)
    if "table" in fields[name].metadata:  # a nested choice, for example a transform
        if isinstance(value, str | Spec):
            return build(name, fields[name].metadata["table"], value)
        raise InputError(f"{owner}: {name}={value!r} is not the name of a {name}")
    hint = typing.get_type_hints(cls)[name]
    if isinstance(value, Spec) and _conforms(
        exact(value), hint
    ):  # a string parameter written as a spec
        value = exact(value)
    if value is None and "none" in typing.get_args(hint):  # the choice "none"
        value = "none"
    if not _conforms(value, hint):
        raise InputError(f"{owner}: {name}={format_value(value)} must be {_describe(hint)}")
    integer = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if integer and not _conforms(value, _without_float(hint)) else value


def _without_float(hint: Any) -> Any:
    """Return a hint without float: an int that conforms only to float is converted."""
    options = [option for option in typing.get_args(hint) or (hint,) if option is not float]
    return typing.Union[tuple(options)] if options else type(None)  # noqa: UP007


def _conforms(value: Any, hint: Any) -> bool:
    if hint is Any:
        return True
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_conforms(value, option) for option in typing.get_args(hint))
    if origin is Literal:
        return value in typing.get_args(hint)
    if hint is float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and -sys.float_info.max <= value <= sys.float_info.max
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint is type(None):
        return value is None
    return isinstance(value, hint) if isinstance(hint, type) else True


def _describe(hint: Any) -> str:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_describe(option) for option in typing.get_args(hint))
    if origin is Literal:
        return f"one of: {', '.join(map(str, typing.get_args(hint)))}"
    words = {float: "a number", int: "a whole number", bool: "true or false", str: "a word"}
    return words.get(hint, "none" if hint is type(None) else str(hint))
