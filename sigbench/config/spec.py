"""The text form of methods, datasets and degradations: ``name[param=value,param=[v1,v2]]``."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Any

from sigbench.core.errors import InputError


@dataclass(frozen=True)
class Spec:
    """A name with parameters; a list as a value is a sweep.

    Examples
    --------
    >>> spec = parse("l1[transform=wavelet[wavelet=haar],lam=[1,2.5]]")
    >>> [str(single) for single in expand(spec)]
    ['l1[transform=wavelet[wavelet=haar],lam=1]', 'l1[transform=wavelet[wavelet=haar],lam=2.5]']
    """

    name: str
    params: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        if not self.params:
            return self.name
        return f"{self.name}[{','.join(f'{k}={format_value(v)}' for k, v in self.params)}]"


def format_value(value: Any) -> str:
    """Format a parameter value as a user would type it.

    Examples
    --------
    >>> format_value(True), format_value(None), format_value(0.25), format_value((1, 2))
    ('true', 'none', '0.25', '[1,2]')
    """
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(format_value, value))}]"
    return str(value)


_TOKEN = re.compile(r"\s*([\[\]=,]|[^\[\]=,]+)")


def parse(text: str) -> Spec:
    """Parse ``name`` or ``name[param=value,...]``.

    Values are numbers, ``true``, ``false``, ``none``, words, ``[lists]``, or nested specs.

    Parameters
    ----------
    text : str
        Text form of a spec.

    Raises
    ------
    InputError
        If the text does not have this form.

    Examples
    --------
    >>> parse("gmc[gamma=0.8,lam=3]")
    Spec(name='gmc', params=(('gamma', 0.8), ('lam', 3)))
    """
    tokens = [t.strip() for t in _TOKEN.findall(text)]
    if text.count("[") > 50:
        raise InputError(f"{text[:40]}...: more than 50 brackets")
    syntax_error = InputError(f"cannot read {text!r}: expected name or name[param=value,...]")

    def take(legal: str | None = None) -> str:
        if not tokens or (legal is None) == (tokens[0] in "[]=,"):
            raise syntax_error
        if legal is not None and tokens[0] not in legal:
            raise syntax_error
        return tokens.pop(0)

    def spec() -> Spec:
        name = take()
        if tokens[:1] != ["["]:
            return Spec(name)
        take("[")
        params: dict[str, Any] = {}
        while tokens[:1] != ["]"]:
            key = take()
            take("=")
            if key in params:
                raise InputError(f"duplicate parameter {key!r} in {text!r}")
            params[key] = value()
            if tokens[:1] != ["]"]:
                take(",")
        take("]")
        return Spec(name, tuple(params.items()))

    def value() -> Any:
        if tokens[:1] != ["["]:
            nested = spec()
            return nested if nested.params else _scalar(nested.name)
        take("[")
        values = []
        while tokens[:1] != ["]"]:
            values.append(value())
            if tokens[:1] != ["]"]:
                take(",")
        take("]")
        if not values:
            raise InputError(f"empty list in {text!r}: it must contain at least one value")
        return tuple(values)

    result = spec()
    if tokens:
        raise syntax_error
    return result


def _scalar(word: str) -> Any:
    for known, value in (("true", True), ("false", False), ("none", None)):
        if word.lower() == known:
            return value
    for number in (int, float):
        try:
            return number(word)
        except ValueError:
            continue
    return word


def expand(spec: Spec) -> list[Spec]:
    """Return one spec for every combination of listed values, including those in nested specs.

    Parameters
    ----------
    spec : Spec
        Spec whose values may be lists.
    """
    keys = [key for key, _ in spec.params]
    choices = [_choices(value) for _, value in spec.params]
    return [
        Spec(spec.name, tuple(zip(keys, values, strict=True)))
        for values in itertools.product(*choices)
    ]


def _choices(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return [choice for element in value for choice in _choices(element)]
    return list(expand(value)) if isinstance(value, Spec) else [value]


def words(spec: Spec) -> dict[str, Any]:
    """Return all parameters by name, including those of nested specs.

    Examples
    --------
    >>> words(parse("a[b=1,c=d[e=2]]"))
    {'b': 1, 'c': Spec(name='d', params=(('e', 2),)), 'e': 2}
    """
    nested = [words(value) for _, value in spec.params if isinstance(value, Spec)]
    return dict(spec.params) | {k: v for params in nested for k, v in params.items()}


def exact(value: Any) -> str:
    """Format a spec or value with all digits.

    Examples
    --------
    >>> exact(parse("adam[lr=0.123456789]")), str(parse("adam[lr=0.123456789]"))
    ('adam[lr=0.123456789]', 'adam[lr=0.123457]')
    """
    if isinstance(value, Spec):
        return str(Spec(value.name, tuple((k, exact(v)) for k, v in value.params)))
    if isinstance(value, list | tuple):
        return f"[{','.join(map(exact, value))}]"
    return repr(value) if isinstance(value, float) else format_value(value)
