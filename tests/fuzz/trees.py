"""Random changes of plain data, such as parsed JSON, and of its text as TOML."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from random import Random
from typing import Any

LEAVES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2,
    2**31,
    2**53,
    2**63 - 1,
    2**63,
    10**400,
    0.5,
    -0.0,
    1e308,
    float("nan"),
    float("inf"),
    float("-inf"),
    "",
    " ",
    "a",
    "..",
    "../x",
    "/etc/passwd",
    "a\nb",
    "\x1b[2J",
    "\u2028",
    "\u202e\uff11",
    "nul\0l",
    "x" * 300,
    "x" * 20_000,
    "1_0",
    "l1[lam=1]",
    "l1[lam=[1,2]]",
    "a" + "[b=c" * 60 + "]" * 60,
    [],
    {},
    [[]],
    [1, 1],
    ["a", "a"],
    [float("nan")],
    {"a": {}},
    list(range(3000)),
    [["x"] * 100] * 100,
)


def deep(depth: int) -> Any:
    """Return a nested list."""
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


def changed(tree: Any, rng: Random, leaves: tuple[Any, ...] = LEAVES) -> Any:
    """Return a copy of plain data after 1 to 4 random changes."""
    tree = [copy.deepcopy(tree)]
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        places = list(_places(tree))
        if not places:
            break
        parent, key = rng.choice(places)
        action = rng.choice(("set", "set", "set", "near", "delete", "copy", "rename", "deep"))
        value = parent[key]
        if action == "near" and isinstance(value, int | float) and not isinstance(value, bool):
            near = (-value, value + 1, value * 10**9, f"{value}", [value])
            parent[key] = rng.choice(near)
        elif action == "near" and isinstance(value, str):
            parent[key] = rng.choice((value[:-1], value + "x", value * 2, value.upper(), [value]))
        elif action == "delete" and parent is not tree:
            del parent[key]
        elif action == "copy":
            other, theirs = rng.choice(places)
            parent[key] = copy.deepcopy(other[theirs])
        elif action == "rename" and isinstance(parent, dict):
            parent[str(rng.choice(leaves))[:50]] = parent.pop(key)
        elif action == "deep":
            parent[key] = deep(rng.choice((5, 70, 250)))
        else:
            parent[key] = copy.deepcopy(rng.choice(leaves))
    return tree[0]


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key or index) of plain data."""
    found, left = [], [tree]
    while left:
        one = left.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one))
        for key in keys:
            found.append((one, key))
            if isinstance(one[key], list | dict):
                left.append(one[key])
    return found[:5000]


def as_json(tree: Any) -> bytes:
    """Return JSON, or what has been built so far if it is nested too deeply."""
    try:
        return json.dumps(tree, ensure_ascii=False).encode("utf-8", "surrogatepass")
    except (RecursionError, ValueError):
        return b"[" * 2000 + b"]" * 2000


def as_toml(tree: Any) -> bytes:
    """Return the text of a table in TOML, without checks."""
    tree = tree if isinstance(tree, dict) else {"a": tree}
    lines = [f"{_key(key)} = {_value(value)}" for key, value in tree.items()]
    return "\n".join([*lines, ""]).encode("utf-8", "surrogatepass")


def _key(key: str) -> str:
    return json.dumps(key)


def _value(value: Any, depth: int = 0) -> str:
    if depth > 300:
        return "[" * 2000 + "]" * 2000
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{_key(k)} = {_value(v, depth + 1)}" for k, v in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(_value(v, depth + 1) for v in value) + "]"
    if isinstance(value, str):
        return json.dumps(value).replace("\\ud", "\\ue")
    return '"none"' if value is None else str(value).lower()


def random_files(make: Callable[[Random], bytes]) -> Any:
    """Return a hypothesis strategy that makes files from a random generator."""
    from hypothesis import strategies as st

    return st.integers(0, 2**62).map(lambda seed: make(Random(seed)))
