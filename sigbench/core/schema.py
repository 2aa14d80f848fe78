"""Schemas: the fields and types of the files that sigbench reads, checked right after parsing.

A schema is a literal description. ``check(where, value, schema)`` raises an `InputError` that names
the field, its value and what is legal, so code after it needs no checks of its own. Nothing is
converted.

Records that sigbench writes may have fields that are not described: a newer version wrote them, and
they are ignored. In a `closed` record, which a person writes, an unknown key is an error.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sigbench.core.errors import InputError, shown, unknown

MAX_DEPTH = 60  # of nested lists and tables
MAX_WHOLE = 2**63 - 1  # whole numbers have 64 bits, as in TOML and Parquet
MAX_ITEMS = 10**7  # items, pairs and steps of one problem or training
MAX_SEEDS = 10_000
MAX_NUMBER = 1.7976931348623157e308
# Unpaired surrogates cannot be written to a file, and NUL cannot be in a name of a file.
_SURROGATES, _NUL, _CONTROL = "\ud800-\udfff", "\0", "\0-\x1f\x7f-\x9f"

Fault = Callable[[str], InputError]  # the error, for the name of the value


class Schema(Protocol):
    """The description of a value that was parsed from JSON or TOML."""

    @property
    def name(self) -> str:
        """What the value must be, for messages."""
        ...

    def fault(self, value: Any) -> Fault | None:
        """Return what is wrong with a value, or None."""
        ...


def check(where: str, value: Any, schema: Schema) -> None:
    """Check a value; ``where`` names it in the error.

    Raises
    ------
    InputError
        If the value is not as the schema describes.

    Examples
    --------
    >>> check("run.json", {"seeds": [1, -2]}, Record({"seeds": List(COUNT)}))
    Traceback (most recent call last):
    sigbench.core.errors.InputError: run.json: seeds[1]=-2 must be a whole number >= 0
    """
    if fault := schema.fault(value):
        raise fault(where)


def _not(value: Any, legal: str) -> Fault:
    return lambda where: InputError(f"{where}={shown(value)} must be {legal}")


def _inside(fault: Fault, text: str) -> Fault:
    return lambda where: fault(f"{where}{text}")


@dataclass(frozen=True)
class Text:
    """Text of ``shortest`` to ``longest`` characters, none of which is unpaired or ``forbidden``.

    ``pattern`` is a regular expression of the whole text.
    """

    shortest: int = 0
    longest: int = 2**24
    forbidden: str = ""
    pattern: str = ""
    name: str = "text"

    def fault(self, value: Any) -> Fault | None:
        """Return what is wrong with a value, or None."""
        if not isinstance(value, str):
            return _not(value, self.name)
        if not self.shortest <= len(value) <= self.longest:
            return _not(value, f"text of {self.shortest} to {self.longest} characters")
        if re.search(f"[{_SURROGATES}{self.forbidden}]", value):
            return _not(value, "text without control characters")
        if self.pattern and not re.fullmatch(self.pattern, value):
            return _not(value, self.name)
        return None


@dataclass(frozen=True)
class Number:
    """A finite number, or a whole one, from ``low`` to ``high``.

    ``missing`` also accepts NaN, ``infinite`` plus and minus infinity.

    Examples
    --------
    >>> check("margin", float("inf"), Number(0))
    Traceback (most recent call last):
    sigbench.core.errors.InputError: margin=inf must be a number >= 0
    """

    low: float = -MAX_NUMBER
    high: float = MAX_NUMBER
    whole: bool = False
    missing: bool = False
    infinite: bool = False

    @property
    def name(self) -> str:
        """What the value must be, for messages."""
        kind = "a whole number" if self.whole else "a number"
        lower = f" >= {self.low:g}" if self.low > -MAX_NUMBER else ""
        upper = f" <= {self.high:g}" if self.high < MAX_NUMBER else ""
        return f"{kind}{lower}{' and' if lower and upper else ''}{upper}"

    def fault(self, value: Any) -> Fault | None:
        """Return what is wrong with a value, or None."""
        number = isinstance(value, int if self.whole else (int, float))
        if not number or isinstance(value, bool):
            return _not(value, self.name)
        if self.whole and abs(value) > MAX_WHOLE:
            return _not(value, "a whole number of at most 64 bits")
        if self.low <= value <= self.high or (self.missing and value != value):
            return None
        if self.infinite and value in (-math.inf, math.inf):
            return None
        return _not(value, self.name)


@dataclass(frozen=True)
class Choice:
    """One of a few values, such as None or a word; True is not 1."""

    legal: Collection[Any]

    @property
    def name(self) -> str:
        """What the value must be, for messages."""
        words = ["null" if value is None else str(value) for value in self.legal]
        return words[0] if len(words) == 1 else f"one of: {', '.join(words)}"

    def fault(self, value: Any) -> Fault | None:
        """Return what is wrong with a value, or None."""
        legal = any(type(value) is type(one) and value == one for one in self.legal)
        return None if legal else _not(value, self.name)


@dataclass(frozen=True)
class Flag:
    """True or false."""

    name: str = "true or false"

    def fault(self, value: Any) -> Fault | None:
        """Return what is wrong with a value, or None."""
        return None if isinstance(value, bool) else _not(value, self.name)


@dataclass(frozen=True)
class Either:
    """A value of one of several schemas."""

    options: tuple[Schema, ...]

    @property
    def name(self) -> str:
        """What the value must be, for messages."""
        return " or ".join(option.name for option in self.options)

    def fault(self, value: Any) -> Fault | None:
        """Return what is wrong with a value, or None."""
        if any(option.fault(value) is None for option in self.options):
            return None
        return _not(value, self.name)


@dataclass(frozen=True)
class List:
    """A list of ``shortest`` to ``longest`` values.

    Examples
    --------
    >>> check("seeds", [1, 2, 1], List(COUNT, distinct=True))
    Traceback (most recent call last):
    sigbench.core.errors.InputError: seeds=[1, 2, 1] must be distinct
    """

    of: Schema
    shortest: int = 0
    longest: int = 10**6
    distinct: bool = False
    name: str = "a list"

    def fault(self, value: Any) -> Fault | None:
        """Return what is wrong with a value, or None."""
        if not isinstance(value, list):
            return _not(value, self.name)
        if len(value) < self.shortest:
            return _not(value, f"a list of at least {self.shortest} (it must not be empty)")
        if len(value) > self.longest:
            count = len(value)
            return lambda where: InputError(f"{where} has {count} values: at most {self.longest}")
        for i, one in enumerate(value):
            if fault := self.of.fault(one):
                return _inside(fault, f"[{i}]")
        if self.distinct and len(set(value)) < len(value):
            return _not(value, "distinct")
        return None


@dataclass(frozen=True)
class Table:
    """A table with any names, and values of one schema."""

    of: Schema
    longest: int = 10**6
    name: str = "a table"

    def fault(self, value: Any) -> Fault | None:
        """Return what is wrong with a value, or None."""
        if not isinstance(value, dict):
            return _not(value, self.name)
        if len(value) > self.longest:
            count = len(value)
            return lambda where: InputError(f"{where} has {count} entries: at most {self.longest}")
        for key, one in value.items():
            if fault := TEXT.fault(key):
                return _inside(fault, ": a name")
            if fault := self.of.fault(one):
                return _inside(fault, f"[{shown(key)}]")
        return None


@dataclass(frozen=True)
class Record:
    """A table with described fields; see the module for fields that are not described."""

    required: Mapping[str, Schema]
    optional: Mapping[str, Schema] = field(default_factory=dict)
    closed: bool = False
    name: str = "a table"

    def fault(self, value: Any) -> Fault | None:
        """Return what is wrong with a value, or None."""
        if not isinstance(value, dict):
            return lambda where: InputError(f"{where} must be a table, not {shown(value)}")
        for key, one in value.items():
            schema = self.required.get(key) or self.optional.get(key)
            if schema is None and self.closed:
                return self._unknown(key)
            if fault := (schema or ANYTHING).fault(one):
                return _inside(fault, f": {shown(key)[1:-1]}")
        for key in self.required:
            if key not in value:
                return self._lacking(key)
        return None

    def _unknown(self, key: str) -> Fault:
        fields = [*self.required, *self.optional]
        return lambda where: unknown(f"key of {where}", key, fields)

    def _lacking(self, key: str) -> Fault:
        return lambda where: InputError(f"{where} needs the key {key!r}")


@dataclass(frozen=True)
class Anything:
    """Any plain data: at most ``MAX_DEPTH`` levels, legal text, whole numbers of 64 bits."""

    name: str = "plain data"

    def fault(self, value: Any) -> Fault | None:
        """Return what is wrong with a value, or None."""
        level: list[Any] = [value]
        for _ in range(MAX_DEPTH):
            for one in level:
                checked = isinstance(one, str | int) and not isinstance(one, bool)
                schema = TEXT if isinstance(one, str) else WHOLE
                if checked and (fault := schema.fault(one)):
                    return fault
            level = [inner for one in level for inner in _parts(one)]
            if not level:
                return None
        return lambda where: InputError(f"{where} has more than {MAX_DEPTH} nested levels")


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, list) else ()


ANYTHING = Anything()
TEXT = Text()
NAME = Text(1, 1000, _NUL)  # of a file or folder
LINE = Text(1, 1000, _CONTROL)
SPEC = Text(1, 100_000, _NUL)
FILE_NAME = Text(
    1,
    100,
    pattern=r"[A-Za-z0-9][A-Za-z0-9._-]*",
    name="text of at most 100 letters, digits, '.', '_' and '-'",
)
FLAG = Flag()
WHOLE = Number(whole=True)
COUNT = Number(0, whole=True)
