"""The text form of methods, datasets and degradations: ``name[param=value,param=[v1,v2]]``.

A name, parameter or value in double quotes, with the escapes of JSON, may contain any character:
``folder[path="my data, part [1]"]``. `Spec` quotes what would not be read back otherwise.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from sigbench.core.errors import InputError, shown

MAX_LENGTH = 100_000  # characters of a spec
MAX_DEPTH = 50  # of nested brackets
MAX_SWEEP = 10_000  # combinations of listed values


@dataclass(frozen=True)
class Spec:
    """A name with parameters; a list as a value is a sweep.

    Its text form is read back by `parse` as an equal spec.

    Examples
    --------
    >>> spec = parse("l1[transform=wavelet[wavelet=haar],lam=[1,2.5]]")
    >>> [str(single) for single in expand(spec)]
    ['l1[transform=wavelet[wavelet=haar],lam=1]', 'l1[transform=wavelet[wavelet=haar],lam=2.5]']
    >>> str(Spec("folder", (("path", "my data, part [1]"),)))
    'folder[path="my data, part [1]"]'
    """

    name: str
    params: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        return _text(self, _short)


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


def exact(value: Any) -> str:
    """Format a spec or value so that it can be parsed back, with all digits of every number.

    Examples
    --------
    >>> exact(parse("adam[lr=0.123456789,eps=1e-8]")), exact(2.0)
    ('adam[lr=0.123456789,eps=1e-08]', '2.0')
    """
    return _text(value, repr)


def _text(value: Any, number: Callable[[float], str]) -> str:
    """Format a spec or value so that it can be parsed back; ``number`` formats floats."""
    if isinstance(value, Spec):
        params = ",".join(f"{_name(key)}={_text(own, number)}" for key, own in value.params)
        return f"{_name(value.name)}[{params}]" if params else _name(value.name)
    if isinstance(value, list | tuple):
        return f"[{','.join(_text(own, number) for own in value)}]"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, str):
        return _quoted(value) if _is_scalar(value) else _name(value)
    return format_value(value)


def _short(value: float) -> str:
    """Return a number with six figures if that is exact, otherwise with all of them."""
    rounded = f"{value:.6g}"
    return rounded if float(rounded) == value else repr(value)


def _name(word: str) -> str:
    """Return a word, in quotes if it would not be read back otherwise."""
    plain = word == word.strip() and word.isprintable() and not word.startswith('"')
    return word if word and plain and not set(word) & set(_MARKS) else _quoted(word)


def _quoted(word: str) -> str:
    text = json.dumps(word, ensure_ascii=False)
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


class _Token(NamedTuple):
    kind: str  # a mark, "word" or "quoted"
    text: str


_MARKS = "[]=,"
_WORD = re.compile(r"[^\[\]=,]+")
_QUOTED = json.JSONDecoder(strict=False)  # accepts line breaks in quotes


def _tokens(text: str) -> list[_Token]:
    """Split the text of a spec.

    Raises
    ------
    ValueError
        For a word that begins with a quotation mark and is not quoted as in JSON.
    """
    tokens, at = [], 0
    while at < len(text):
        if text[at] in _MARKS:
            tokens.append(_Token(text[at], text[at]))
            at += 1
        elif text[at].isspace():
            at += 1
        elif text[at] == '"':
            word, at = _QUOTED.raw_decode(text, at)
            tokens.append(_Token("quoted", word))
        elif match := _WORD.match(text, at):
            tokens.append(_Token("word", match[0].strip()))
            at = match.end()
    return tokens


def parse(text: str) -> Spec:
    """Parse ``name`` or ``name[param=value,...]``.

    Values are numbers, ``true``, ``false``, ``none``, words, ``"quoted text"``, ``[lists]``, or
    nested specs. Only what is in quotes may contain ``[``, ``]``, ``=``, ``,`` or spaces at an end.

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
    >>> parse('f[path="a,b",word="1"]').params
    (('path', 'a,b'), ('word', '1'))
    """
    if len(text) > MAX_LENGTH:
        raise InputError(f"{shown(text)} has {len(text)} characters, more than {MAX_LENGTH}")
    syntax_error = InputError(f"cannot read {shown(text)}: expected name or name[param=value,...]")
    try:
        tokens = _tokens(text)
    except ValueError:
        raise syntax_error from None
    for token in tokens:
        if re.search("[\0\ud800-\udfff]", token.text):
            raise InputError(f"{shown(text)} contains characters that are not text")
    position = 0

    def following(kind: str) -> bool:
        return position < len(tokens) and tokens[position].kind == kind

    def take(*legal: str) -> _Token:
        nonlocal position
        if not any(map(following, legal)):
            raise syntax_error
        position += 1
        return tokens[position - 1]

    def params(depth: int) -> tuple[tuple[str, Any], ...]:
        found: dict[str, Any] = {}
        take("[")
        while not following("]"):
            key = take("word", "quoted").text
            take("=")
            if key in found:
                raise InputError(f"duplicate parameter {shown(key)} in {shown(text)}")
            found[key] = value(depth + 1)
            if not following("]"):
                take(",")
        take("]")
        return tuple(found.items())

    def value(depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise InputError(f"{shown(text)} has more than {MAX_DEPTH} nested brackets")
        if not following("["):
            word = take("word", "quoted")
            if following("[") and (own := params(depth)):
                return Spec(word.text, own)
            return _scalar(word.text) if word.kind == "word" else word.text
        take("[")
        values = []
        while not following("]"):
            values.append(value(depth + 1))
            if not following("]"):
                take(",")
        take("]")
        if not values:
            raise InputError(f"empty list in {shown(text)}: it must contain at least one value")
        return tuple(values)

    name = take("word", "quoted").text
    result = Spec(name, params(0) if following("[") else ())
    if position < len(tokens):
        raise syntax_error
    return result


_CONSTANTS = {"true": True, "false": False, "none": None}
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)
_NOT_FINITE = re.compile(r"[+-]?(inf|infinity|nan)", re.IGNORECASE)


def _is_scalar(word: str) -> bool:
    numbers = (_WHOLE, _NUMBER, _NOT_FINITE)
    return word.lower() in _CONSTANTS or any(number.fullmatch(word) for number in numbers)


def _scalar(word: str) -> Any:
    """Return the constant or number that a word is, otherwise the word."""
    if word.lower() in _CONSTANTS:
        return _CONSTANTS[word.lower()]
    if _WHOLE.fullmatch(word) and -(2**63) <= int(word) < 2**63:
        return int(word)
    if _NOT_FINITE.fullmatch(word):
        return float(word)
    if not _NUMBER.fullmatch(word):
        return word
    if math.isinf(float(word)):
        raise InputError(f"{shown(word)} is too large: it must be a number below 1.8e308")
    return float(word)


def expand(spec: Spec) -> list[Spec]:
    """Return one spec for every combination of listed values, including those in nested specs.

    Parameters
    ----------
    spec : Spec
        Spec whose values may be lists.

    Raises
    ------
    InputError
        If there are more than ``MAX_SWEEP`` combinations.
    """
    if (combinations := _count(spec)) > MAX_SWEEP:
        raise InputError(
            f"{shown(str(spec))} has {shown(combinations)} combinations of values: at most {MAX_SWEEP}"
        )
    keys = [key for key, _ in spec.params]
    choices = [_choices(value) for _, value in spec.params]
    return [
        Spec(spec.name, tuple(zip(keys, values, strict=True)))
        for values in itertools.product(*choices)
    ]


def _count(value: Any) -> int:
    """Return the number of combinations without building them."""
    if isinstance(value, list | tuple):
        return sum(map(_count, value))
    return math.prod(_count(v) for _, v in value.params) if isinstance(value, Spec) else 1


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
